"""What mutation testing found: ``python -m tests.support.mutants``; ``make mutants`` runs this after mutmut."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER = Path("mutants")
PACKAGES = {"shared.domain": 0.85, "shared.flows": 0.75}
"""The share of its mutants that a package's tests must kill."""

SURVIVED, UNTESTED = "survived", "no tests"
_BY_CODE = {0: SURVIVED, 2: "skipped", 5: UNTESTED, 33: UNTESTED, 34: "skipped", 35: "suspicious", 37: "type check"}
"""mutmut's exit codes (its ``status_by_exit_code``); any other is a mutant that was killed, None was not tried."""


def outcomes(folder: Path) -> Iterator[tuple[str, str]]:
    """Every mutant that was tried, by its name, and what became of it."""
    for file in sorted(folder.rglob("*.meta")):
        for name, code in json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            if code is not None:
                yield name, _BY_CODE.get(code, "killed")


def scores(found: Mapping[str, str]) -> dict[str, Counter[str]]:
    """What became of the mutants of each package that was looked at."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for name, outcome in found.items():
        package = next((each for each in PACKAGES if name.startswith(f"{each}.")), None)
        if package is not None:
            counted[package][outcome] += 1
    return counted


def report(folder: Path) -> tuple[list[str], bool]:
    """The lines to print, and whether every package that was looked at has the score it must have."""
    found = dict(outcomes(folder))
    lines = [f"{outcome}: {name}" for name, outcome in sorted(found.items()) if outcome in (SURVIVED, UNTESTED)]
    good = bool(found)
    for package, counted in sorted(scores(found).items()):
        tried = sum(counted.values()) - counted["skipped"] - counted["type check"]
        killed = tried - counted[SURVIVED] - counted[UNTESTED] - counted["suspicious"]
        share = killed / tried if tried else 1.0
        good &= share >= PACKAGES[package]
        lines.append(f"{package}: {killed} of {tried} killed, {share:.1%} (at least {PACKAGES[package]:.0%})")
    return lines or ["no mutant was tried"], good


def main() -> int:
    """Print it; 1 if a score is too low or nothing was tried."""
    lines, good = report(FOLDER)
    print("\n".join(lines))  # noqa: T201 - a command line speaks by printing
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
