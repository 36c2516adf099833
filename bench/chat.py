"""Chat against a function that does one read and one commit, and nothing else: one run, one emulator, one table.

Load, cold starts and memory are measured on both functions in turn, again and again, so that whatever else the machine
does meets both; a ratio is that of one turn, and what is reported is the median of the turns. A third function makes
chat's calls with its documents and does nothing else (`bench/plain_chat.py`): how near chat comes to what these allow.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from bench import chat_costs
from bench.chat_stage import BARE, CHAT, PLAIN, Served, cold_start, serve, specs
from bench.chat_table import Row, cost_rows, ratio_row, rows_hold
from bench.filling import emulator
from bench.report import say, table
from bench.visitors import TURNS, all_write
from bench.wire import Answer
from infra.local.supervise import ProcessSpec

LEAST_RATE = 0.7
MOST_P95 = 1.4
MOST_COLD = 1.25
WARM_UPS = 2
"""Runs of each that are not counted: the emulator takes thousands of calls to become as fast as it will be."""

OK = 200


class WrongAnswer(Exception):  # noqa: N818 - what happened
    """A function did something else than answer; what was measured says nothing."""


@dataclass(frozen=True)
class Load:
    """How much is asked for.

    Attributes:
        runs: of each function at each number of connections.
        messages: in each run.
        connections: how many, one run for each.
        launches: cold starts of each function.
    """

    runs: int
    messages: int
    connections: tuple[int, ...]
    launches: int


@dataclass(frozen=True)
class Run:
    """One function under the load once: answers a second, milliseconds of latency, of CPU for each answer."""

    rate: float
    p50: float
    p95: float
    p99: float
    cpu: float


@dataclass
class Measured:
    """Everything, in the order of the turns, by the function's name.

    Attributes:
        runs: by number of connections too.
        cold: milliseconds from launch to first answer.
        memory: MiB after the last run.
        costs: of one chat, for each way it can go.
    """

    runs: dict[tuple[int, str], list[Run]] = field(default_factory=dict)
    cold: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)
    costs: Mapping[str, chat_costs.Cost] = field(default_factory=dict)


async def run(load: Load) -> bool:
    """Measure and print; whether everything is as wanted.

    Raises:
        WrongAnswer: a function did not answer.
        EmulatorFailed, MissingPrerequisite, NotReady: something cannot be started.
    """
    measured = Measured()
    with (
        emulator(quick=True) as firestore,
        tempfile.TemporaryDirectory(prefix="bellhop-bench-") as folder,
        ExitStack() as ports,
    ):
        started = specs(ports, firestore.host, f"demo-bench-{secrets.token_hex(4)}", Path(folder))
        async with AsyncExitStack() as ending:
            say("starting chat, the bare function, and one with chat's calls alone")
            await _load({name: await serve(ending, spec) for name, spec in started.items()}, load, measured)
        await _cold({name: started[name] for name in (CHAT, BARE)}, load.launches, measured)
        say("counting what a chat costs")
        measured.costs = await asyncio.to_thread(chat_costs.measure)
    rows = _rows(measured, load)
    table(_title(load), ["", CHAT, BARE, "ratio", "wanted", "holds"], [row.cells() for row in rows])
    return rows_hold(rows)


async def _load(served: Mapping[str, Served], load: Load, measured: Measured) -> None:
    for _ in range(WARM_UPS):
        for name, function in served.items():
            say(f"warming up: {name}")
            await _once(name, function, load.messages, max(load.connections))
    for number in range(load.runs):
        for connections in load.connections:
            # In every other turn the other way round: what the machine does then is as often one's as the other's.
            for name in sorted(served, reverse=number % 2 == 1):
                did = await _once(name, served[name], load.messages, connections)
                measured.runs.setdefault((connections, name), []).append(did)
                say(f"run {number + 1} of {load.runs}, {connections} connections: {name}, {did.rate:.0f} a second")
    for name, function in served.items():
        measured.memory[name] = [function.resident_mib()]


async def _once(name: str, function: Served, messages: int, connections: int) -> Run:
    used, began = function.cpu_seconds(), perf_counter()
    answers = await all_write(function.url, messages, connections)
    seconds = perf_counter() - began
    used = function.cpu_seconds() - used
    _check(name, function, answers, messages)
    waits = sorted(answer.seconds * 1000 for answer in answers)
    p50, p95, p99 = (waits[int(len(waits) * share)] for share in (0.5, 0.95, 0.99))
    return Run(len(answers) / seconds, p50, p95, p99, used * 1000 / len(answers))


def _check(name: str, function: Served, answers: Sequence[Answer], messages: int) -> None:
    """Every message was answered."""
    said = Counter((answer.status, b'"response"' in answer.body) for answer in answers)
    if set(said) == {(OK, True)} and len(answers) == messages:
        return
    lines = "\n".join(function.process.tail()[-20:])
    raise WrongAnswer(f"{name} did not answer {messages} messages: (status, with a response) {said}\n{lines}")


async def _cold(started: Mapping[str, ProcessSpec], launches: int, measured: Measured) -> None:
    for number in range(launches):
        for name in sorted(started, reverse=number % 2 == 1):
            took = await cold_start(started[name])
            measured.cold.setdefault(name, []).append(took)
            say(f"launch {number + 1} of {launches}: {name}, {took:.0f} ms to the first answer")


def _title(load: Load) -> str:
    return (
        "Chat and a bare function (one read, one commit), same server, threads and emulator. In the rows of the calls\n"
        "alone there stands in chat's place a function that makes its calls with its documents and does nothing else.\n"
        f"Load: {load.messages} messages a run, {load.runs} alternating runs. Visitors of {TURNS} messages each:\n"
        f"one begins a conversation, {TURNS - 1} continue it; every other visitor sends idempotency keys.\n"
        "Three languages, no leads, no limit reached; each connection is kept. Medians; ratios of one turn each."
    )


def _rows(measured: Measured, load: Load) -> list[Row]:
    rows: list[Row] = []
    for connections in load.connections:
        at = f", {connections} connection{'s' if connections > 1 else ''}"
        ours, bare = measured.runs[connections, CHAT], measured.runs[connections, BARE]

        def each(what: str, runs: Sequence[Run]) -> list[float]:
            return [float(getattr(run, what)) for run in runs]

        rows.append(ratio_row(f"answers a second{at}", each("rate", ours), each("rate", bare), least=LEAST_RATE))
        for what, most in (("p50", None), ("p95", MOST_P95), ("p99", None)):
            rows.append(ratio_row(f"{what}{at}, ms", each(what, ours), each(what, bare), most=most))
        rows.append(ratio_row(f"CPU an answer{at}, ms", each("cpu", ours), each("cpu", bare)))
        plain = measured.runs[connections, PLAIN]
        rows += [
            ratio_row(f"the calls alone, {what}{at}{unit}", each(field, plain), each(field, bare))
            for what, field, unit in (("answers a second", "rate", ""), ("p95", "p95", ", ms"), ("CPU", "cpu", ", ms"))
        ]
    rows.append(ratio_row("launch to first answer, ms", measured.cold[CHAT], measured.cold[BARE], most=MOST_COLD))
    rows.append(ratio_row("resident memory, MiB", measured.memory[CHAT], measured.memory[BARE]))
    return [*rows, *cost_rows(measured.costs)]
