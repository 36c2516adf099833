"""``python -m tests.fuzz``: the whole HTTP contract tried against a local system of its own, for as long as asked."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import time
from collections import Counter

from tests.fuzz.run import CASES, Fuzzed, fuzz, with_dead_letters
from tests.support.local_system import LocalSystem

ROUND_SECONDS = 600
"""A run's length at most: the next one has other seeds, and tokens that are fresh."""

SHORTEST_SECONDS = 20
"""A rest that is shorter tries nothing that the round before did not."""


def main() -> int:
    """Parse, run, tell; 0 if every answer was as ``docs/openapi.yaml`` says."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the system beside it must be ended too
    print(f"fuzz: {asked.seconds} s, seed {asked.seed}; again with --seed {asked.seed}", flush=True)
    system = LocalSystem(BELLHOP_FAST="1", BELLHOP_PACES="slack=20,monday=20,email=20")
    try:
        system.wait()
        rounds = _rounds(system, asked.seconds, asked.seed)
        counts = system.console("conservation")
    finally:
        system.stop()
    return _told(rounds, balanced=counts["balanced"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="how long (600)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="to see the same again (random)")
    asked = parser.parse_args()
    if asked.seconds < 1 or asked.seed < 0:
        parser.error("--seconds takes a number from 1, --seed one from 0")
    return asked


def _rounds(system: LocalSystem, seconds: int, seed: int) -> list[Fuzzed]:
    """Every bound of every field once, whole; then random requests, with one seed after the other, until time is up."""
    ends = time.monotonic() + seconds
    with with_dead_letters(system):
        rounds = [fuzz(system.url, "--phases", "examples,coverage", seed=seed)]
        print(rounds[-1].report, flush=True)
        while rounds[-1].passed and (left := round(ends - time.monotonic())) >= SHORTEST_SECONDS:
            limited = ("--phases", "fuzzing,stateful", "--max-time", str(min(ROUND_SECONDS, left)))
            rounds.append(fuzz(system.url, *limited, *CASES, seed=seed + len(rounds)))
            print(rounds[-1].report, flush=True)
    return rounds


def _told(rounds: list[Fuzzed], *, balanced: bool) -> int:
    answers: Counter[str] = sum((each.answers for each in rounds), Counter())
    for answer, count in sorted(answers.items()):
        print(f"fuzz: {count:7} {answer}")
    seeds = ", ".join(str(each.seed) for each in rounds)
    failures, errors = sum(each.failures for each in rounds), sum(each.server_errors for each in rounds)
    passed = all(each.passed for each in rounds) and not errors and balanced
    print(
        f"fuzz: seeds {seeds}; {sum(each.cases for each in rounds)} cases, {answers.total()} answers, "
        f"{errors} of them 5xx, {failures} kinds of failure; every alert accounted for: {'yes' if balanced else 'NO'}; "
        f"{'passed' if passed else 'FAILED'}"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
