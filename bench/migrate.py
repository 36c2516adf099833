"""A migration of very many documents: planned, run, killed, taken back, and beside a bare BulkWriter loop.

Every run is a process of its own, as a function's would be: it can be killed, and its memory is its own.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from google.cloud import firestore

from bench.filling import emulator
from bench.old_documents import fill, old_conversation
from bench.report import say, table
from shared.adapters.firestore_images import digest

STEP = "0001"
UNBOUND = 100_000.0
AS_SHIPPED = 500.0
PAGE = 2_000
SAME = ("read", "written", "unchanged", "failed")
RUNS = 3


class WrongResult(Exception):  # noqa: N818 - what happened
    """A migration did not do what it must."""


def run(levels: Sequence[int], *, kills: int, paced: int) -> None:
    """Measure and print.

    Args:
        levels: how many conversations, once each.
        kills: how often one run is killed.
        paced: how many documents the comparison at Firestore's ramp-up has, which takes a second for 500.
    """
    rows: list[Sequence[object]] = []
    for level in levels:
        with emulator(roomy=True):
            rows.append(_level(level, kills))
        say(f"{level}: {rows[-1]}")
    say("")
    names = ("documents", "written", "run s", "docs/s", "bare docs/s", "ratio", "peak MiB plan", "run", "rollback")
    table("a migration beside a bare BulkWriter loop, as fast as it goes", names, rows)
    with emulator(roomy=True):
        ours, theirs = _compared("paced", paced, AS_SHIPPED, 1)
    say(
        f"\nat the ramp-up of {AS_SHIPPED:g} a second, {paced} documents: {ours:.0f} against {theirs:.0f} a second, "
        f"ratio {ours / theirs:.2f}"
    )


def _level(level: int, kills: int) -> Sequence[object]:
    for project in ("whole", "killed"):
        say(f"filling in {level} conversations, a third of them dirty ({project})")
        fill(firestore.Client(project=project), level)
    plan = _worked("whole", "plan")
    undisturbed = _worked("whole", "run")
    _expect(_same(plan) == _same(undisturbed), f"the plan said {_same(plan)}, the run did {_same(undisturbed)}")
    struck = _killed("killed", kills)
    _expect(_same(struck) == _same(undisturbed), f"killed: {_same(struck)}, undisturbed: {_same(undisturbed)}")
    _expect(all(one == other for one, other in zip(_all("whole"), _all("killed"), strict=True)), "documents differ")
    say(f"killed {kills} times and gone on with: the same {level} documents, the same counts")
    back = _worked("killed", "rollback")
    counts = back["done"]["counts"]
    _expect((counts["restored"], counts["kept"]) == (counts["written"], 0), f"the rollback did {counts}")
    before = (digest(old_conversation(number)) for number in range(level))
    _expect(all(one == stands for one, (_, stands) in zip(before, _all("killed"), strict=True)), "not as it was")
    say(f"taken back: every one of {level} documents is as it was, byte for byte")
    ours, theirs = _compared("beside", min(level, 20_000), UNBOUND, RUNS)
    written = undisturbed["done"]["counts"]["written"]
    return (
        level,
        written,
        round(undisturbed["seconds"], 1),
        round(ours),
        round(theirs),
        f"{ours / theirs:.2f}",
        round(plan["peak_mib"]),
        round(undisturbed["peak_mib"]),
        round(back["peak_mib"]),
    )


def _compared(name: str, documents: int, rate: float, runs: int) -> tuple[float, float]:
    """Documents a second of ours, and of a bare loop, alternating; the best run of each."""
    ours, theirs = [], []
    for number in range(runs):
        for verb, speeds in (("run", ours), ("bare", theirs)):
            project = f"{name}-{verb}-{number}"
            fill(firestore.Client(project=project), documents)
            done = _worked(project, verb, rate)
            speeds.append(documents / done["seconds"])
            say(f"  {verb}: {speeds[-1]:.0f} documents a second")
    return max(ours), max(theirs)


def _killed(project: str, kills: int) -> dict[str, Any]:
    """A run that is killed so many times, each time a little after it has come further, and begun again."""
    chance = random.Random(3)  # noqa: S311 - where to strike
    ledger = firestore.Client(project=project).document("migrations", STEP)
    for _ in range(kills):
        stood = _reached(ledger)
        worker = _begun(project, "run", UNBOUND)
        while _reached(ledger) == stood and worker.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.2))
        worker.kill()
        if worker.wait() == 0:
            raise WrongResult(f"the run was over before it was killed {kills} times: take more documents")
        worker.communicate()
    return _worked(project, "run")


def _reached(ledger: Any) -> tuple[object, ...]:
    stands = ledger.get().to_dict() or {}
    return stands.get("passes"), stands.get("cursor"), stands.get("until")


def _worked(project: str, verb: str, rate: float = UNBOUND) -> dict[str, Any]:
    said, _ = _begun(project, verb, rate).communicate()
    if not said:
        raise WrongResult(f"{verb} failed")
    answer: dict[str, Any] = json.loads(said)
    return answer


def _begun(project: str, verb: str, rate: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.migrate_worker", project, STEP, verb, str(rate)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _same(done: dict[str, Any]) -> dict[str, int]:
    counts = done["done"]["counts"]
    return {name: counts[name] for name in SAME}


def _all(project: str) -> Iterator[tuple[str, str]]:
    """Every conversation by name, as a digest of its bytes, a page at a time."""
    client = firestore.Client(project=project)
    query = client.collection("conversations").order_by("__name__").limit(PAGE)
    found = query.get()
    while found:
        for snapshot in found:
            yield snapshot.id, digest(snapshot.to_dict() or {})
        found = query.start_after(found[-1]).get()


def _expect(true: bool, otherwise: str) -> None:  # noqa: FBT001 - a check
    if not true:
        raise WrongResult(otherwise)
