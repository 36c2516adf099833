"""The model of delivery, checked by Spin: ``python -m tests.support.spin``; ``make model`` runs this.

Every scenario is searched exhaustively, once for the assertions and what is always true, once for what must come about
in the end under weak fairness. Then each planted mistake must be found in the scenario that is meant to find it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).resolve().parents[2] / "docs" / "model" / "delivery.pml"
PROGRAMS = ("spin", "gcc")
MISSING = "The model needs Spin and gcc: sudo apt-get install spin gcc"
SAFE, LIVE = "told_the_truth", "never_lost"
RUN_SECONDS = 600
DEPTH = "-m300000"

NOTHING = dict.fromkeys(("CRASHES", "LOSSES", "COPIES", "STALLS", "FAULTS", "REDRIVES", "BLOCKS"), 0)
SCENARIOS: dict[str, dict[str, int]] = {
    "copies": {"CRASHES": 1, "COPIES": 1, "STALLS": 1, "FAULTS": 0},
    "losses": {"CRASHES": 1, "LOSSES": 1, "STALLS": 1, "FAULTS": 1},
    "faults": {"COPIES": 1, "FAULTS": 2},
    "stalls": {"STALLS": 2, "FAULTS": 1},
    "crashes": {"CRASHES": 2, "LOSSES": 1},
    "redrive": {"REDRIVES": 1, "FAULTS": 1, "STALLS": 1},
    "block": {"CRASHES": 1, "BLOCKS": 1},
}
"""How often each thing may happen; what is not named does not."""

LIVELY = ("losses without stalls", "faults without copies", "crashes", "redrive without stalls", "block")
SCENARIOS |= {
    "losses without stalls": {"CRASHES": 1, "LOSSES": 1, "FAULTS": 1},
    "faults without copies": {"FAULTS": 2},
    "redrive without stalls": {"REDRIVES": 1, "FAULTS": 1},
}

MISTAKES: dict[str, tuple[str, str]] = {
    "BUG_NO_LEASE": ("copies", SAFE),
    "BUG_NO_FENCE": ("stalls", SAFE),
    "BUG_NO_GENERATION": ("losses", SAFE),
    "BUG_NO_STATE_CHECK": ("copies", SAFE),
    "BUG_SENDS_TWICE": ("copies", SAFE),
    "BUG_SAVES_FIRST": ("crashes", SAFE),
    "BUG_UNKNOWN_IS_DELIVERED": ("faults", SAFE),
    "BUG_FAILS_SILENTLY": ("faults", SAFE),
    "BUG_BLIND_TO_QUEUED": ("crashes", LIVE),
    "BUG_BLIND_TO_SENDING": ("crashes", LIVE),
    "BUG_SAME_GENERATION": ("crashes", LIVE),
    "BUG_RELAY_GIVES_UP": ("faults without copies", LIVE),
    "BUG_PROBE_FOR_EVER": ("block", LIVE),
}
"""A planted mistake → the scenario and the property that find it."""

_FOUND = re.compile(r"errors: ([0-9]+)")
_STATES = re.compile(r"^\s*([0-9.e+]+) states, stored", re.MULTILINE)
_WHY = re.compile(r"^pan:1: (.+?) \(at depth", re.MULTILINE)


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        states: how many there are.
        seconds: it took, the compiler included.
        whole: nothing was left out.
        error: the first thing that is wrong, in Spin's words; empty for nothing.
    """

    states: int
    seconds: float
    whole: bool
    error: str


def missing() -> bool:
    """Whether a program that is needed is not there."""
    return not all(map(shutil.which, PROGRAMS))


def search(scenario: str, property_: str, mistake: str = "") -> Searched:
    """Look through all states of a scenario.

    Args:
        scenario: one of ``SCENARIOS``.
        property_: ``SAFE`` with the assertions, or ``LIVE``.
        mistake: one of ``MISTAKES`` to plant.

    Raises:
        subprocess.CalledProcessError: the model is not one.
    """
    began = time.monotonic()
    bounds = [f"-D{name}={number}" for name, number in (NOTHING | SCENARIOS[scenario]).items()]
    with tempfile.TemporaryDirectory(prefix="bellhop-model-") as folder:
        planted = [f"-D{mistake}"] if mistake else []
        endless = ["-DENDLESS"] if property_ == LIVE else []
        _run(["spin", "-a", *bounds, *planted, *endless, str(MODEL)], folder)
        kind = ["-DSAFETY"] if property_ == SAFE else ["-DNFAIR=3"]
        _run(
            ["gcc", "-w", "-O0" if mistake else "-O2", "-DCOLLAPSE", "-DVECTORSZ=2048", *kind, "-o", "pan", "pan.c"],
            folder,
        )
        how = [] if property_ == SAFE else ["-a", "-f"]
        said = _run(["./pan", DEPTH, *how, "-N", property_], folder)
    errors, states = _FOUND.search(said), _STATES.search(said)
    if errors is None or states is None:
        raise ValueError(said)
    why = _WHY.search(said)
    return Searched(
        states=int(float(states[1])),
        seconds=time.monotonic() - began,
        whole="Search not completed" not in said and "max search depth" not in said,
        error=(why[1] if why else "an error without words") if int(errors[1]) else "",
    )


def _run(command: list[str], folder: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=RUN_SECONDS, check=True)
    return done.stdout


def wanted() -> list[tuple[str, str, str]]:
    """Every search: scenario, property and planted mistake, empty for none."""
    right = [(name, SAFE, "") for name in SCENARIOS] + [(name, LIVE, "") for name in LIVELY]
    return right + [(scenario, property_, mistake) for mistake, (scenario, property_) in MISTAKES.items()]


def main() -> int:
    """Make every search and print what came of it; 1 if one of them is not as it must be."""
    if missing():
        print(MISSING, file=sys.stderr)  # noqa: T201 - a command line speaks by printing
        return 1
    bad = 0
    for scenario, property_, mistake in wanted():
        found = search(scenario, property_, mistake)
        good = bool(found.error) if mistake else found.whole and not found.error
        bad += not good
        told = (
            f"found: {found.error}" if mistake and good else "holds" if good else f"WRONG {found.error or 'not found'}"
        )
        line = f"{scenario:24} {property_:15} {mistake:26} {found.states:>9,} states {found.seconds:6.1f} s  {told}"
        print(line, flush=True)  # noqa: T201 - as above
    print("model: as it must be" if not bad else f"model: {bad} searches FAILED")  # noqa: T201 - as above
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
