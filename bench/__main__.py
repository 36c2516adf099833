"""``python -m bench``: measure on this machine. ``make bench`` runs the measurements."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence

from rich.console import Console

from bench import chat, deliver, knowledge, migrate, storm, sweep, trips, widget
from bench.filling import emulator
from bench.soak import report
from bench.soak.run import Options, Soak
from infra.local.emulator import EmulatorFailed, MissingPrerequisite
from infra.local.supervise import NotReady
from infra.local.system import StartFailed

MOST_FAULTS = 0.9
ROOMY_FROM = 2000
EPILOG = """\
FIRESTORE_EMULATOR_HOST names an emulator to use instead of starting one. Times depend on the machine and on what else
runs there; ratios of alternating runs and counts do so much less, or not at all.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0 when it could be done, 1 otherwise, and when what was measured is not as wanted."""
    options = _parser().parse_args(arguments)
    try:
        match options.what:
            case "deliver":
                asyncio.run(
                    deliver.run(deliver.Load(options.runs, options.alerts, options.concurrency, keep=options.keep))
                )
            case "chat":
                connections = tuple(options.connections)
                load = chat.Load(options.runs, options.messages, connections, options.launches)
                return 0 if asyncio.run(chat.run(load)) else 1
            case "trips":
                trips.run()
            case "storm":
                return 0 if storm.run(storm.Storm(options.waiting, options.every, options.paces)) else 1
            case "migrate":
                migrate.run(options.documents, kills=options.kills, paced=options.paced)
            case "knowledge":
                halves = (options.half,) if options.half else knowledge.HALVES
                return 0 if knowledge.run(options.sets, halves, mistakes=options.mistakes) else 1
            case "soak":
                return _soak(
                    Options(options.alerts, options.seed, options.fault_rate, options.minutes, options.channels)
                )
            case "widget":
                widget.run(options.runs)
            case _:
                sweep.run(options.stored, due=options.due)
    except (
        EmulatorFailed,
        MissingPrerequisite,
        NotReady,
        StartFailed,
        deliver.WrongAnswer,
        chat.WrongAnswer,
        migrate.WrongResult,
        widget.NotLight,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _soak(options: Options) -> int:
    """Soak and print; 1 if something was lost, unexpected, twice without a reason, or does not balance."""
    console = Console() if sys.stdout.isatty() else Console(width=120)
    console.print(f"soak: {options.alerts} alerts, seed {options.seed}")
    # Without indexes it looks through all there is, within Bellhop's own deadlines; but the roomy one starts slowly.
    with emulator(roomy=options.alerts > ROOMY_FROM):
        soaked = asyncio.run(report.watched(Soak(options), console))
    report.report(soaked, options, console)
    return 0 if soaked.verdict.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Bellhop costs.", epilog=EPILOG)
    wholes = parser.add_subparsers(
        dest="what", required=True, metavar="{chat,deliver,trips,sweep,storm,knowledge,soak,migrate,widget}"
    )
    one = wholes.add_parser("deliver", help="throughput of deliver_alert against a bare function, and round trips")
    one.add_argument("--runs", type=_positive, default=5, help="alternating runs of each function (5)")
    one.add_argument("--alerts", type=_positive, default=400, help="alerts a run (400)")
    one.add_argument("--concurrency", type=_positive, default=16, help="requests under way at a time (16)")
    one.add_argument("--keep", action="store_true", help="the bare functions keep their connection to the destination")
    four = wholes.add_parser("chat", help="chat against a bare function, and what a chat costs; 1 if it is too much")
    four.add_argument("--runs", type=_positive, default=5, help="alternating runs of each function (5)")
    four.add_argument("--messages", type=_positive, default=600, help="messages a run (600)")
    at = "how many connections, a run for each (1 10 40)"
    four.add_argument("--connections", type=_positive, nargs="+", default=[1, 10, 40], metavar="N", help=at)
    four.add_argument("--launches", type=_positive, default=5, help="cold starts of each function (5)")
    wholes.add_parser("trips", help="round trips of a delivery, for each way it can end; a part of deliver")
    two = wholes.add_parser("sweep", help="what a pass of retry_dead_letters and of cleanup reads and writes")
    two.add_argument(
        "--stored",
        type=_count,
        nargs="+",
        default=[0, 1_000, 100_000],
        metavar="N",
        help="how many alerts of each kind are stored that are not due (0 1000 100000)",
    )
    two.add_argument("--due", type=_positive, default=10, help="how many are due beside them (10)")
    four = wholes.add_parser("storm", help="how soon all who waited through an outage are read of, and new leads too")
    four.add_argument("--waiting", type=_positive, default=10_000, help="leads that wait for Slack (10000)")
    four.add_argument("--every", type=float, default=10.0, help="seconds between two new visitors (10)")
    four.add_argument("--paces", default="", help="other paces, as BELLHOP_PACES takes them, for a trial in seconds")
    three = wholes.add_parser("knowledge", help="precision and recall of the shipped knowledge; 1 if they are too low")
    three.add_argument("--mistakes", action="store_true", help="show what goes wrong on the half it is tuned on")
    three.add_argument("--half", choices=knowledge.HALVES, help="one half only (both)")
    three.add_argument("--sets", nargs="+", choices=list(knowledge.SETS), default=list(knowledge.SETS), help="(all)")
    four = wholes.add_parser("soak", help="thousands of alerts under random faults, kills and purges; 1 if one is lost")
    four.add_argument("--alerts", type=_positive, default=10_000, help="alerts to be accepted (10000)")
    four.add_argument("--seed", type=_count, default=secrets.randbelow(10**6), help="of faults and strikes (random)")
    four.add_argument("--fault-rate", type=_share, default=0.3, help="the share of requests that fail (0.3)")
    four.add_argument("--minutes", type=_minutes, default=25, help="the storm is ended after so many (25)")
    four.add_argument("--channels", type=_channels, default=("slack", "monday", "webhook"), help="slack,monday,webhook")
    four = wholes.add_parser("migrate", help="a migration of very many documents, killed, taken back, and compared")
    four.add_argument(
        "--documents",
        type=_positive,
        nargs="+",
        default=[10_000, 100_000],
        metavar="N",
        help="how many conversations (10000 100000)",
    )
    four.add_argument("--kills", type=_count, default=5, help="how often one run is killed (5)")
    four.add_argument("--paced", type=_positive, default=5_000, help="documents compared at Firestore's pace (5000)")
    four = wholes.add_parser("widget", help="the chat widget's size, and what it adds to a page's load in Chromium")
    four.add_argument("--runs", type=_positive, default=11, help="loads with it, and as many without (11)")
    return parser


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= MOST_FAULTS:
        raise argparse.ArgumentTypeError(f"takes a number from 0 to {MOST_FAULTS}: with more nothing would get through")
    return number


def _minutes(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("takes a number above 0")
    return number


def _channels(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= {"slack", "monday", "webhook"} or len(set(names)) != len(names):
        raise argparse.ArgumentTypeError("takes some of slack, monday, webhook, each once")
    return names


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("takes whole numbers from 0")
    return number


def _positive(text: str) -> int:
    number = _count(text)
    if not number:
        raise argparse.ArgumentTypeError("takes whole numbers from 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
