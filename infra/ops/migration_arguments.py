"""The command line of ``migrate``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from infra.ops.login import login

VERBS = ("status", "plan", "run", "rollback", "stamp", "accept")

EPILOG = """\
verbs:
  status    where every step stands, or one in detail
  plan      what a run would do, without writing anything: counts, samples, cost, duration, what cannot be done
  run       run a step; one that stands still goes on where it was
  rollback  take a step back
  stamp     say that a step is done, or pending, without touching a document
  accept    take a step's code as it is now for the code that was run

An interrupted run goes on by itself, in the cloud or the local system; `migrate status` tells how far it is.
Ends with 1 where a step did not come to its end, or documents were left as they were.

examples:
  python -m infra.ops migrate status
  python -m infra.ops migrate plan 0001
  python -m infra.ops migrate run 0001
  python -m infra.ops migrate rollback 0001
  python -m infra.ops migrate stamp 0001 --as done --reason "a new database has only new documents"
"""


def add(commands: Any, command: Callable[[Any, str, str, str], argparse.ArgumentParser]) -> None:
    """Add the command to those there are."""
    parser = command(commands, "migrate", "plan, run and take back migrations of the stored documents", EPILOG)
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help=", ".join(VERBS))
    parser.add_argument("step", nargs="?", metavar="STEP", help="the step's number, for example 0001")
    parser.add_argument("--as", dest="stamp", choices=("done", "pending"), help="what stamp says")
    parser.add_argument("--reason", help="of stamp and accept: why; it is kept")
    parser.add_argument("--by", default=login(), help="who says so; it is kept (the login name)")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until it is done")


def check(options: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Refuse what argparse cannot."""
    if options.step is None and options.verb != "status":
        error(f"migrate {options.verb} takes a step's number")
    if options.step is not None and not re.fullmatch(r"[0-9]{4}", options.step):
        error("a step's number has four digits, for example 0001")
    if (options.verb == "stamp") != (options.stamp is not None):
        error("migrate stamp takes --as done or --as pending, and the other verbs do not")
