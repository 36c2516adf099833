"""``python -m bench compare``: prepare, compare, print."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.compare import needs, table
from bench.compare.plan import FAULTS, Fault, Plan
from bench.compare.run import Comparison, Measured
from bench.compare.systems import ALTERNATIVES, BELLHOP, Alternative, Bellhop, System
from bench.filling import emulator
from bench.report import say
from bench.report import table as print_table

NAMES = (BELLHOP, *ALTERNATIVES)


@dataclass(frozen=True)
class Options:
    """What is asked for.

    Attributes:
        systems: some of ``NAMES``; each alternative is compared without and with a record.
        faults: keys of those to be met.
        plan: how much and how long.
    """

    systems: Sequence[str] = NAMES
    faults: Sequence[str] = tuple(fault.key for fault in FAULTS)
    plan: Plan = Plan()


def run(options: Options) -> None:
    """Compare and print.

    Raises:
        MissingPrerequisite, EmulatorFailed, NotReady, StartFailed, NotDelivering: something does not work.
        KeyboardInterrupt: it was interrupted; everything that was started has ended.
    """
    began, faults = time.monotonic(), [fault for fault in FAULTS if fault.key in options.faults]
    programs = (needs.alternatives(say), needs.find_redis())
    with emulator(quick=True), tempfile.TemporaryDirectory(prefix="bellhop-compare-") as folder:
        compared = Comparison(_systems(options.systems, programs, Path(folder)), faults, options.plan, say)
        measured = asyncio.run(_until_signalled(compared))
    _print(measured, faults, time.monotonic() - began)


async def _until_signalled(comparison: Comparison) -> Mapping[str, Measured]:
    """Run it; a signal ends it in order, as Ctrl-C does."""
    working = asyncio.ensure_future(comparison.run())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    try:
        return await working
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _systems(names: Sequence[str], programs: tuple[Path, str], folder: Path) -> list[System]:
    systems: list[System] = [Bellhop(say)] if BELLHOP in names else []
    for kind in ALTERNATIVES:
        for records in (False, True) if kind in names else ():
            home = folder / f"{kind}-{records}"
            home.mkdir()
            systems.append(Alternative(kind, records=records, program=programs, folder=home, say=say))
    return systems


def _print(measured: Mapping[str, Measured], faults: Sequence[Fault], seconds: float) -> None:
    heads, rows = table.rows(measured, faults)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    title = (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, Python {platform.python_version()}, {seconds / 60:.0f} minutes"
    )
    print_table(title, heads, rows)
    print("", *table.notes(measured, faults), sep="\n", flush=True)
