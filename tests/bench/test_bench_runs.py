"""The measurements can be made, and what they count does not depend on what is stored."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FULL = {"retry_dead_letters": "requeued 10", "cleanup": "removed 10"}


@pytest.fixture(scope="module")
def rows(firestore_host: str) -> dict[tuple[str, str, str], list[str]]:
    """The table's cells after the first three, by job, number stored and number due."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "sweep", "--stored", "50", "500"],
        cwd=ROOT,
        env={**os.environ, "FIRESTORE_EMULATOR_HOST": firestore_host},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = [re.split(r" {2,}", line) for line in ran.stdout.splitlines() if line.startswith(tuple(FULL))]
    return {(job, stored, due): costs for job, stored, due, *costs in lines}


@pytest.mark.parametrize("job", FULL)
@pytest.mark.parametrize("due", ["0", "10"])
def test_a_pass_costs_the_same_however_much_is_stored_that_is_not_due(rows, job, due):
    """Calls, reads, writes and deletes are equal beside 50 and beside 500 of each kind."""
    assert rows[job, "50", due] == rows[job, "500", due]


@pytest.mark.parametrize("job", FULL)
def test_a_pass_that_is_measured_does_all_that_is_due(rows, job):
    """What was counted is a whole pass: every alert that was due, and at least a read and a write for each."""
    *costs, did = rows[job, "50", "10"]
    _calls, _documents, reads, writes, deletes, _tasks = map(int, costs)
    assert did == FULL[job]
    assert reads > 10
    assert writes + deletes > 10
