"""``python -m bench``: measure on this machine. ``make bench`` runs both measurements."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from bench import deliver, knowledge, sweep, trips, widget
from infra.local.emulator import EmulatorFailed, MissingPrerequisite
from infra.local.supervise import NotReady

EPILOG = """\
FIRESTORE_EMULATOR_HOST names an emulator to use instead of starting one. Times depend on the machine and on what else
runs there; ratios of alternating runs and counts do so much less, or not at all.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0 when it could be done, 1 otherwise, and when the knowledge answers too little or too much wrongly."""
    options = _parser().parse_args(arguments)
    try:
        match options.what:
            case "deliver":
                asyncio.run(
                    deliver.run(deliver.Load(options.runs, options.alerts, options.concurrency, keep=options.keep))
                )
            case "trips":
                trips.run()
            case "knowledge":
                return 0 if knowledge.run(mistakes=options.mistakes) else 1
            case "widget":
                widget.run(options.runs)
            case _:
                sweep.run(options.stored, due=options.due)
    except (EmulatorFailed, MissingPrerequisite, NotReady, deliver.WrongAnswer, widget.NotLight) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Bellhop costs.", epilog=EPILOG)
    wholes = parser.add_subparsers(dest="what", required=True, metavar="{deliver,trips,sweep,knowledge,widget}")
    one = wholes.add_parser("deliver", help="throughput of deliver_alert against a bare function, and round trips")
    one.add_argument("--runs", type=_positive, default=5, help="alternating runs of each function (5)")
    one.add_argument("--alerts", type=_positive, default=400, help="alerts a run (400)")
    one.add_argument("--concurrency", type=_positive, default=16, help="requests under way at a time (16)")
    one.add_argument("--keep", action="store_true", help="the bare functions keep their connection to the destination")
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
    three = wholes.add_parser("knowledge", help="precision and recall of the shipped knowledge; 1 if they are too low")
    three.add_argument("--mistakes", action="store_true", help="show what goes wrong on the half it is tuned on")
    four = wholes.add_parser("widget", help="the chat widget's size, and what it adds to a page's load in Chromium")
    four.add_argument("--runs", type=_positive, default=11, help="loads with it, and as many without (11)")
    return parser


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
