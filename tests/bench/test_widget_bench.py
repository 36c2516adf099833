"""The widget's measurement runs and says what it weighs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.edge.widget_pages import widget_script

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.browser
def test_the_size_and_both_loads_are_printed():
    """The bytes that are served, and a ratio for a desk and for a phone; the page does not jump."""
    command = [sys.executable, "-m", "bench", "widget", "--runs", "1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    assert f"{len(widget_script()):,}" in ran.stdout
    assert len(re.findall(r"^load event, ms +[\d,]+ +[\d,]+ +\d+\.\d\d$", ran.stdout, flags=re.MULTILINE)) == 2
    assert re.findall(r"^layout shift +(\S+) +(\S+)$", ran.stdout, flags=re.MULTILINE) == [("0.00", "0.00")] * 2
