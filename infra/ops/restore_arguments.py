"""The command line of ``restore``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

from infra.ops.login import DEFAULT_URL
from infra.ops.system_arguments import who_and_why

COLLECTIONS = (
    "alerts",
    "before_images",
    "consent_audit",
    "conversations",
    "dead_letters",
    "digests",
    "erasures",
    "followups",
    "messages",
    "migrations",
    "operator_audit",
    "receipts",
    "suppressions",
    "tallies",
)
"""What cannot be made again; windows, slots, breakers and the like say how things stand now."""

EPILOG = f"""\
Only what is missing now is written: what is there stays as it is. The one exception is an alert whose document this
version cannot read, where it could be read then. What was erased since, or has had its time, does not come back.
Run it again after an interruption: it goes on where it was.

WHAT is a collection, or one document: alerts/ID brings its dead letter and its receipt too, conversations/ID its
messages.
Collections: {", ".join(COLLECTIONS)}.

--at reads the database as it was then: to the second within the last hour, to the minute within seven days.
--from-database reads a database that was restored from a backup beside this one. Of a project in the cloud the
credentials are those of gcloud (application default).

Ends with 1 where a document that was named was not there then either, or Firestore refused one.

examples:
  python -m infra.ops restore conversations messages --at 2026-01-05T09:00:00Z --dry-run
  python -m infra.ops restore alerts/3f2a9c --at 2026-01-05T09:00:00Z --project shop --reason "deleted by hand"
  python -m infra.ops restore conversations messages alerts dead_letters --from-database restored --project shop
"""
_ID = re.compile(r"[0-9A-Za-z_.:-]{1,200}")


def add(commands: Any) -> None:
    """Add the command to those there are."""
    what = "bring back documents that are missing, as they were at a moment, or from a backup"
    command = commands.add_parser(
        "restore",
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("what", nargs="+", metavar="WHAT", help="a collection, or COLLECTION/ID")
    command.add_argument("--at", metavar="TIME", help="the moment, for example 2026-01-05T09:00:00Z")
    command.add_argument("--from-database", metavar="NAME", help="a database beside this one, restored from a backup")
    command.add_argument("--url", default=DEFAULT_URL, help=f"the local system it is about ({DEFAULT_URL})")
    command.add_argument("--project", help="the Google Cloud project it is about, instead of a local system")
    command.add_argument("--rate", type=float, default=500.0, help="writes a second to begin with (500)")
    command.add_argument(
        "--delivered-days", type=int, default=30, help="DELIVERED_DAYS, where it is set: older ones are archived (30)"
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")
    command.add_argument("--json", action="store_true", help="the report as JSON instead of tables")
    who_and_why(command)


def check(options: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Refuse what argparse cannot; the moment becomes one, WHAT becomes pairs of a collection and an id or None."""
    if (options.at is None) == (options.from_database is None):
        error("restore takes --at, or --from-database: exactly one of the two")
    if options.at is not None:
        try:
            options.at = datetime.fromisoformat(options.at)
        except ValueError:
            error("--at takes a time such as 2026-01-05T09:00:00Z")
        if options.at.tzinfo is None:
            error("--at takes a time with its zone, such as 2026-01-05T09:00:00Z")
        if options.at >= datetime.now(UTC):
            error("--at takes a time that is over")
    if options.from_database is not None and not re.fullmatch(r"[a-z][a-z0-9-]{2,61}[a-z0-9]", options.from_database):
        error("--from-database takes a database's name: 4 to 63 lower-case letters, digits and -")
    if not 1 <= options.rate <= 100_000:  # noqa: PLR2004 - a second
        error("--rate takes a number from 1 to 100000")
    if options.delivered_days < 1:
        error("--delivered-days takes a whole number from 1")
    options.what = [_named(text, error) for text in options.what]


def _named(text: str, error: Callable[[str], NoReturn]) -> tuple[str, str | None]:
    collection, slash, name = text.partition("/")
    if collection not in COLLECTIONS:
        error(f"{collection} cannot be restored; these can: {', '.join(COLLECTIONS)}")
    if collection == "messages" and slash:
        error("messages of one conversation are restored with it: conversations/ID")
    if slash and not _ID.fullmatch(name):
        error("an id has letters, digits, -, _, . and : only")
    return collection, name if slash else None
