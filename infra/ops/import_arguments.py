"""The command line of ``import-sql``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, available_timezones

from infra.ops.login import DEFAULT_URL

EPILOG = """\
The old database is only read. Nothing that is in Firestore already is overwritten, so the command can be interrupted
and repeated; one that was cut off goes on where it was. The rows pass through a private file in the temporary folder,
which takes about as much room as the dump.

Opt-outs are kept as keyed hashes: set ADDRESS_HASH_KEY to the one the functions have. Of a system on this machine it
need not be set. Of a project in the cloud the credentials are those of gcloud (application default).

Ends with 1 where Firestore refused a row or did not answer.

examples:
  python -m infra.ops import-sql --from postgresql://reader@db.example.com/chat --dry-run
  python -m infra.ops import-sql --dump chat.sql.gz
  PGPASSWORD=... ADDRESS_HASH_KEY=... python -m infra.ops import-sql --from postgresql://... --project shop
"""


def add(commands: Any) -> None:
    """Add the command to those there are."""
    what = "bring the old system's PostgreSQL tables into Firestore"
    command = commands.add_parser(
        "import-sql",
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--from", dest="source", metavar="URL", help="the old database, as psql takes it")
    source.add_argument("--dump", type=Path, metavar="FILE", help="a text file of pg_dump, or such a one with .gz")
    command.add_argument("--schema", default="public", help="where the tables are, with --from (public)")
    command.add_argument("--url", default=DEFAULT_URL, help=f"the local system it goes into ({DEFAULT_URL})")
    command.add_argument("--project", help="the Google Cloud project it goes into, instead of a local system")
    command.add_argument("--time-zone", default="UTC", metavar="ZONE", help="of times that name none (UTC)")
    command.add_argument("--language", default="en", choices=("en", "pl", "de"), help="of the conversations (en)")
    command.add_argument("--rate", type=float, default=500.0, help="writes a second to begin with (500)")
    command.add_argument("--again", action="store_true", help="go over all rows, also after a run that was cut off")
    command.add_argument("--dry-run", action="store_true", help="read and report, write nothing")
    command.add_argument("--json", action="store_true", help="the report as JSON instead of tables")


def check(options: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Refuse what argparse cannot; the zone becomes one."""
    if options.time_zone not in available_timezones():
        error("--time-zone takes a name such as Europe/Warsaw")
    options.zone = ZoneInfo(options.time_zone)
    if not 1 <= options.rate <= 100_000:  # noqa: PLR2004 - a second
        error("--rate takes a number from 1 to 100000")
