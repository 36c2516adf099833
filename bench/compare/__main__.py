"""``python -m bench.compare``: Bellhop, Celery, Dramatiq and Flask with APScheduler at the same job, in one table."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.compare import needs, table
from bench.compare.plan import FAULTS, Fault, Plan
from bench.compare.run import Comparison, Measured, NotDelivering
from bench.compare.systems import ALTERNATIVES, BELLHOP, Alternative, Bellhop, System
from bench.filling import emulator
from bench.report import say
from bench.report import table as print_table
from infra.local.emulator import EmulatorFailed, MissingPrerequisite
from infra.local.supervise import NotReady
from infra.local.system import StartFailed

NAMES = (BELLHOP, *ALTERNATIVES)
INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""

EPILOG = """\
Each alternative is measured twice, without and with a record of every alert in Firestore. Times depend on the machine
and on what else runs there; the columns of one run can be compared, as each system is measured alone in turn, and all
of them meet each fault at the same time. docs/decisions/0033 says what is compared with what.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; 0 when it could be done, 1 when something does not work, 2 for wrong arguments."""
    options = parser().parse_args(arguments)
    faults = [fault for fault in FAULTS if fault.key in options.faults]
    plan = Plan(rounds=options.rounds, crowd=options.visitors)
    try:
        _compare(options.systems, faults, plan)
    except (EmulatorFailed, MissingPrerequisite, NotDelivering, NotReady, StartFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; everything that was started has ended", file=sys.stderr)
        return INTERRUPTED
    return 0


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = argparse.ArgumentParser(
        prog="python -m bench.compare",
        description="Compare Bellhop with what else does its job.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--rounds", type=_positive, default=Plan.rounds, help="of throughput and latency (%(default)s)")
    made.add_argument("--visitors", type=_positive, default=Plan.crowd, help="of a round of throughput (%(default)s)")
    made.add_argument("--systems", nargs="+", choices=NAMES, default=list(NAMES), help="what is compared (all)")
    keys = [fault.key for fault in FAULTS]
    titles = "; ".join(f"{fault.key}: {fault.title}" for fault in FAULTS)
    made.add_argument("--faults", nargs="*", choices=keys, default=keys, help=f"what they meet (all): {titles}")
    return made


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("takes whole numbers from 1")
    return number


def _compare(systems: Sequence[str], faults: Sequence[Fault], plan: Plan) -> None:
    began = time.monotonic()
    programs = (needs.alternatives(say), needs.find_redis())
    with emulator(), tempfile.TemporaryDirectory(prefix="bellhop-compare-") as folder:
        compared = Comparison(_systems(systems, programs, Path(folder)), faults, plan, say)
        measured = asyncio.run(_until_signalled(compared))
    _print(measured, faults, time.monotonic() - began)


async def _until_signalled(comparison: Comparison) -> Mapping[str, Measured]:
    """Run it; a signal ends it in order, as Ctrl-C does."""
    working = asyncio.create_task(comparison.run())

    def interrupt() -> None:
        if not working.cancelling():  # a second one must not cut off the ending
            working.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
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


if __name__ == "__main__":
    sys.exit(main())
