"""Throughput of deliver_alert against a bare function, in alternating runs under the same load."""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import alerts, trips
from bench.filling import emulator, fill
from bench.report import say, table
from bench.stage import BARE, CHECKED, OURS, Actor, Stage, open_stage
from bench.wire import Answer, post_all
from shared.adapters.firestore_documents import alert_document

WARM_UP = 400


class WrongAnswer(Exception):  # noqa: N818 - what happened
    """A function did something else than deliver; what was measured says nothing."""


@dataclass(frozen=True)
class Load:
    """How much is asked for.

    Attributes:
        runs: of each function.
        alerts: in each run.
        concurrency: requests under way at a time.
        keep: the bare functions keep their connection to the destination.
    """

    runs: int
    alerts: int
    concurrency: int
    keep: bool = False


@dataclass(frozen=True)
class Run:
    """One function under the load once: deliveries a second, milliseconds of latency, milliseconds of CPU for each."""

    rate: float
    p50: float
    p95: float
    cpu: float


async def run(load: Load) -> None:
    """Measure and print.

    Raises:
        WrongAnswer: a function did not deliver.
        EmulatorFailed, MissingPrerequisite, NotReady: something cannot be started.
    """
    with emulator() as firestore:
        async with AsyncExitStack() as ending:
            folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="bellhop-bench-")))
            say("starting deliver_alert, the bare functions and the destination")
            project = f"demo-bench-{secrets.token_hex(4)}"
            stage = await open_stage(ending, firestore.host, project, folder, keep=load.keep)
            runs = await _all(stage, firestore.host, load)
        _report(runs, load)
        await asyncio.to_thread(trips.measure)


async def _all(stage: Stage, host: str, load: Load) -> dict[str, list[Run]]:
    """Every function in turn, again and again, so that whatever else the machine does meets all of them."""
    for name in stage.actors:
        say(f"warming up: {name}")
        await _once(stage, host, name, Load(1, WARM_UP, load.concurrency))
    runs: dict[str, list[Run]] = {name: [] for name in stage.actors}
    for number in range(load.runs):
        for name in stage.actors:
            runs[name].append(await _once(stage, host, name, load))
            say(f"run {number + 1} of {load.runs}: {name}, {runs[name][-1].rate:.0f} a second")
    return runs


async def _once(stage: Stage, host: str, name: str, load: Load) -> Run:
    ids = alerts.ids(load.alerts)
    document = alert_document(alerts.queued())
    await asyncio.to_thread(fill, host, stage.project, "alerts", ids, document)
    bodies = [json.dumps({"alert_id": each, "generation": 1, "channel": "slack"}).encode() for each in ids]
    actor, before = stage.actors[name], await stage.received()
    used, began = actor.cpu_seconds(), time.perf_counter()
    answers = await post_all(actor.url, bodies, actor.headers, load.concurrency)
    seconds = time.perf_counter() - began
    used = actor.cpu_seconds() - used
    _check(name, answers, await stage.received() - before, actor)
    waits = sorted(answer.seconds * 1000 for answer in answers)
    return Run(
        rate=len(answers) / seconds,
        p50=statistics.median(waits),
        p95=waits[int(len(waits) * 0.95)],
        cpu=used * 1000 / len(answers),
    )


def _check(name: str, answers: Sequence[Answer], received: int, actor: Actor) -> None:
    """Every alert was delivered, once."""
    said = Counter((answer.status, answer.body.replace(b" ", b"").strip()) for answer in answers)
    if set(said) == {(200, b'{"state":"delivered"}')} and received == len(answers):
        return
    lines = "\n".join(actor.process.tail()[-20:])
    raise WrongAnswer(f"{name} did not deliver {len(answers)} alerts: {said}, {received} received\n{lines}")


def _report(runs: Mapping[str, Sequence[Run]], load: Load) -> None:
    names = [OURS, BARE, CHECKED]
    rows: list[Sequence[object]] = [
        [number + 1, *(runs[name][number].rate for name in names), *_ratios(runs, number)]
        for number in range(load.runs)
    ]
    every = [_ratios(runs, number) for number in range(load.runs)]
    medians = [statistics.median(run.rate for run in runs[name]) for name in names]
    rows.append(["median", *medians, *(statistics.median(ratios) for ratios in zip(*every, strict=True))])
    title = f"Deliveries a second, {load.alerts} alerts a run, {load.concurrency} at a time"
    table(title, ["run", *names, f"ratio to {BARE}", "ratio to checked"], rows)
    table(
        "Medians of the runs, milliseconds",
        ["function", "latency p50", "latency p95", "CPU a delivery"],
        [[name, *(_median(runs[name], what) for what in ("p50", "p95", "cpu"))] for name in names],
    )


def _ratios(runs: Mapping[str, Sequence[Run]], number: int) -> tuple[float, float]:
    rate = runs[OURS][number].rate
    return rate / runs[BARE][number].rate, rate / runs[CHECKED][number].rate


def _median(runs: Sequence[Run], what: str) -> float:
    return statistics.median(float(getattr(run, what)) for run in runs)
