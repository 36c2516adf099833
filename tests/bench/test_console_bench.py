"""What the console's answers read does not depend on what is stored."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COUNTS_ALL = "GET /conservation (counts all)"


def costs(firestore_host: str, stored: int, letters: int) -> dict[str, list[str]]:
    """Of each answer its calls, round trips, documents, reads and bound, as they are printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "console", "--stored", str(stored), "--letters", str(letters)],
        cwd=ROOT,
        env={**os.environ, "FIRESTORE_EMULATOR_HOST": firestore_host},
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = [re.split(r" {2,}", line) for line in ran.stdout.splitlines() if line.startswith("GET ")]
    return {name: [calls, documents, reads] for name, calls, _trips, documents, reads, _most in lines}


@pytest.mark.timeout(300)
def test_an_answer_reads_the_same_however_much_is_stored(firestore_host: str) -> None:
    """Beside half as many alerts and dead letters more; each within its bound, which the command checks itself."""
    few, many = costs(firestore_host, 1400, 1300), costs(firestore_host, 2000, 1900)
    assert set(few) == set(many)
    assert len(few) == 17
    overview = few.pop("GET /overview"), many.pop("GET /overview")
    assert overview[0][0] == overview[1][0]
    assert {name: cost for name, cost in few.items() if name != COUNTS_ALL} == {
        name: cost for name, cost in many.items() if name != COUNTS_ALL
    }
