"""The command line of ``python -m infra.ops``. The key is never on it: it would show in the list of processes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from infra.ops import import_arguments, migration_arguments, restore_arguments, system_arguments
from infra.ops.login import DEFAULT_URL, login

STATUSES = ("pending", "failed", "waived")

EPILOG = """\
The key is taken from ADMIN_API_KEY; of a system on this machine it need not be set. CONSOLE_URL says where the console
is, where no option does.

exit status:
  0    done, and fine
  1    conservation does not balance, or what was asked for was not done
  2    wrong usage

examples:
  python -m infra.ops overview
  python -m infra.ops leads --email ana@example.com
  python -m infra.ops conservation
  python -m infra.ops alerts --email ana@example.com
  python -m infra.ops dead-letters --status failed --channel slack
  python -m infra.ops redrive --cause http_500 --reason "Slack was down"
  python -m infra.ops waive 3f2a... --reason "called the lead"
  python -m infra.ops migrate plan 0001
  python -m infra.ops import-sql --from postgresql://127.0.0.1/old --dry-run
  ADMIN_API_KEY=... python -m infra.ops conservation --url https://europe-west1-shop.cloudfunctions.net
"""

ALERTS = """\
examples:
  python -m infra.ops alerts --email ana@example.com
  python -m infra.ops alerts --id 3f2a9c... --json
"""
DEAD_LETTERS = """\
examples:
  python -m infra.ops dead-letters
  python -m infra.ops dead-letters --status failed --cause http_500 --limit 200
  python -m infra.ops dead-letters --channel slack --json
  python -m infra.ops dead-letters --from 2026-01-05T09:00:00Z --to 2026-01-05T12:00:00Z
"""
REDRIVE = """\
Ends with 1 where an alert was skipped (it is not among the dead letters any more) or nothing was found.
Of an interrupted wait the redrive goes on by itself.

examples:
  python -m infra.ops redrive 3f2a9c... 77b01d...
  python -m infra.ops redrive --cause http_500 --channel slack --reason "Slack was down"
  python -m infra.ops redrive --from 2026-01-05T09:00:00Z --to 2026-01-05T12:00:00Z --status failed
"""
WAIVE = """\
example:
  python -m infra.ops waive 3f2a9c... --reason "called the lead"
"""
CONSERVATION = """\
Ends with 1 where the counts do not add up or an alert is wrong; each of these is named (the first 100).

example:
  python -m infra.ops conservation --json
"""

CANARY = """\
Ends with 1 where the last canary is late, or none was sent for too long.

example:
  python -m infra.ops canary --json
"""
CONSENT_AUDIT = """\
Addresses are kept as keyed hashes; --email finds those of one address.

examples:
  python -m infra.ops consent-audit --email ana@example.com
  python -m infra.ops consent-audit --all > consent.jsonl
"""
ERASURES = """\
examples:
  python -m infra.ops erasures
  python -m infra.ops erasures 3f2a9c... --json
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for; wrong usage ends the process with 2.

    Args:
        arguments: without the program's name; None for the process's own.
    """
    whole = _whole()
    options = whole.parse_args(arguments)
    if options.command == "redrive":
        if sum(map(bool, (options.ids, options.cause, options.since or options.before))) != 1:
            whole.error("redrive takes ids, or --cause, or --from and --to: exactly one of the three")
        if bool(options.since) != bool(options.before):
            whole.error("redrive takes --from and --to together")
    named = [
        *getattr(options, "ids", ()),
        *([options.id] if options.command in ("waive", "erasures") and options.id else ()),
    ]
    system_arguments.check(options, whole.error)
    if options.command == "migrate":
        migration_arguments.check(options, whole.error)
    if options.command == "import-sql":
        import_arguments.check(options, whole.error)
    if options.command == "restore":
        restore_arguments.check(options, whole.error)
    for alert_id in named:
        if not re.fullmatch(r"[0-9A-Za-z_-]{1,128}", alert_id):
            whole.error("an alert's id has letters, digits, - and _ only")
    return options


def _whole() -> argparse.ArgumentParser:
    whole = _parser(prog="python -m infra.ops", description="Look after Bellhop's alerts.", epilog=EPILOG)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _command(commands, "conservation", "whether every alert that was accepted is accounted for", CONSERVATION)
    _alerts(_command(commands, "alerts", "what became of a lead's alerts", ALERTS))
    _dead_letters(_command(commands, "dead-letters", "alerts that wait, have failed or were waived", DEAD_LETTERS))
    _redrive(_command(commands, "redrive", "send dead letters again", REDRIVE))
    _waive(_command(commands, "waive", "end a failed alert because the team has heard of it", WAIVE))
    _command(commands, "canary", "how the made-up leads of the last day fared", CANARY)
    _consent_audit(_command(commands, "consent-audit", "who agreed to or asked for what, and when", CONSENT_AUDIT))
    _command(commands, "erasures", "what was erased where, and what could not be", ERASURES).add_argument(
        "id", nargs="?", metavar="ID", help="of one erasure; without it the newest are listed"
    )
    system_arguments.add(commands, _command)
    migration_arguments.add(commands, _command)
    import_arguments.add(commands)
    restore_arguments.add(commands)
    return whole


def _consent_audit(command: argparse.ArgumentParser) -> None:
    command.add_argument("--email", help="of the visitor; without it everybody's")
    command.add_argument("--limit", type=int, default=50, help="how many at most, the newest first (50; at most 200)")
    command.add_argument("--after", metavar="NEXT", help="go on after the page that ended with this")
    command.add_argument("--all", action="store_true", help="every page, as a line of JSON an entry: an export")


def _parser(**how: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        **how,  # type: ignore[arg-type]
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _command(commands: Any, name: str, what: str, epilog: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("--json", action="store_true", help="the console's answer as JSON instead of tables")
    command.add_argument("--url", default=DEFAULT_URL, help=f"the system's address ({DEFAULT_URL})")
    command.add_argument("--console-url", metavar="URL", help="the console's own address (CONSOLE_URL)")
    return command


def _alerts(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--email", help="of the visitor")
    which.add_argument("--id", help="the alert's id")


def _dead_letters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--status", choices=STATUSES)
    command.add_argument("--cause", help="for example http_500")
    command.add_argument("--channel", help="for example slack")
    command.add_argument("--from", dest="since", metavar="TIME", help="that became dead letters from then on")
    command.add_argument(
        "--to", dest="before", metavar="TIME", help="and before then, for example 2026-01-05T09:00:00Z"
    )
    command.add_argument("--limit", type=int, default=50, help="how many at most, the newest first (50; at most 200)")
    command.add_argument("--after", metavar="NEXT", help="go on after the page that ended with this")


def _redrive(command: argparse.ArgumentParser) -> None:
    command.add_argument("ids", nargs="*", metavar="ID", help="the alerts' ids")
    command.add_argument("--cause", help="all that failed or wait because of this")
    command.add_argument("--from", dest="since", metavar="TIME", help="all that became dead letters from then on")
    command.add_argument(
        "--to", dest="before", metavar="TIME", help="and before then, for example 2026-01-05T09:00:00Z"
    )
    command.add_argument("--channel", help="of them those of this one")
    command.add_argument("--status", choices=(*STATUSES, "any"), help="of them these (failed and pending)")
    command.add_argument("--no-wait", action="store_true", help="do not wait until it is done")
    _who_and_why(command, needed=False)


def _waive(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="the alert's id")
    _who_and_why(command, needed=True)


def _who_and_why(command: argparse.ArgumentParser, *, needed: bool) -> None:
    command.add_argument("--reason", required=needed, help="why; it is kept")
    command.add_argument("--by", default=login(), help="who says so; it is kept (the login name)")
