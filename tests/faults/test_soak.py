"""A small soak, whole: everything goes wrong, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.crash_points
@pytest.mark.timeout(400)
def test_a_small_soak_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """60 alerts over three channels; what is wrong is in its last lines."""
    command = [sys.executable, "-m", "bench", "soak", "--alerts", "60", "--seed", "3", "--minutes", "3"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert "nothing lost, nothing unexpected, conservation balanced" in ran.stdout
    with capsys.disabled():
        print("\n".join(line for line in ran.stdout.splitlines() if line.startswith(("Visitors", "Storm"))))  # noqa: T201
