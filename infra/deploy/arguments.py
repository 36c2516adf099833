"""The command line of ``python -m infra.deploy``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from infra.deploy.place import names
from infra.deploy.steps import KINDS

EPILOG = """\
A place is a file in infra/places: a project with what it has beside infra/manifest.yaml. docs/deploy.md goes through a
first deployment step by step. gcloud does the work: it must be installed and logged in.
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for; ends the process with usage where it was wrong."""
    whole = argparse.ArgumentParser(
        prog="python -m infra.deploy",
        description="Bring infra/manifest.yaml to Google Cloud.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    plan = _command(commands, "plan", "show every gcloud command that would be run, and why")
    apply = _command(commands, "apply", "run them; after a failure the same command goes on")
    boot = _command(
        commands, "bootstrap", "the first set-up: services, accounts, roles, secrets, database, rules, budget"
    )
    for each in (plan, apply):
        each.add_argument(
            "--only", type=_only, default=[], metavar="WHAT,...", help=f"kinds ({', '.join(KINDS)}) or names"
        )
    for each in (apply, boot):
        each.add_argument("--parallel", type=_positive, default=6, metavar="N", help="commands at a time (6)")
        each.add_argument(
            "--secrets-stdin", action="store_true", help="read NAME=VALUE lines from standard input instead of asking"
        )
    _command(commands, "lint", "find dangerous settings; asks nobody, needs no gcloud")
    _command(commands, "upload", "list what would be uploaded for the functions, with its size")
    secret = _command(commands, "secret", "add a version of a secret, asked for without echo")
    secret.add_argument("name", metavar="NAME", help="for example SLACK_WEBHOOK_URL")
    secret.add_argument("--secrets-stdin", action="store_true", help="read a NAME=VALUE line from standard input")
    destroy = _command(commands, "destroy", "remove functions, jobs, queues, metrics and policies; never the database")
    destroy.add_argument("--dry-run", action="store_true", help="only show the commands")
    _traffic(commands)
    return whole.parse_args(arguments)


def _traffic(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    revisions = _command(commands, "revisions", "write down which revision of each function has the traffic")
    revisions.add_argument("--save", type=Path, required=True, metavar="FILE")
    rollback = _command(commands, "rollback", "lead the traffic back to revisions written down, or of before a moment")
    where = rollback.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", type=Path, metavar="FILE", help="what `revisions --save` wrote")
    where.add_argument(
        "--before", type=_moment, metavar="TIME", help="the newest of before then, for example 2026-01-05T02:40:00Z"
    )
    smoke = _command(commands, "smoke", "send a canary through chat, and wait until it arrives")
    smoke.add_argument(
        "--rollback-to", type=Path, metavar="FILE", help="where it fails, lead the traffic back to these"
    )
    smoke.add_argument(
        "--channel", action="append", metavar="NAME", help="wait for these channels only (all it goes to)"
    )
    smoke.add_argument("--wait", type=_positive, default=180, metavar="SECONDS", help="how long at most (180)")
    smoke.add_argument("--lead", action="store_true", help="a real lead, also where there are canaries")
    smoke.add_argument("--url", help="the system's address instead of the place's: URL/chat, URL/admin_console")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.", allow_abbrev=False)
    known = ", ".join(names())
    command.add_argument("--place", default="production", help=f"{known}, or a path (production)")
    command.add_argument("--project", help="instead of the place's")
    command.add_argument("--region", help="instead of the place's")
    command.add_argument("--manifest", type=Path, help=argparse.SUPPRESS)
    return command


def _only(text: str) -> list[str]:
    listed = [word.strip() for word in text.split(",") if word.strip()]
    if not listed:
        raise argparse.ArgumentTypeError("takes kinds or names, separated by commas")
    return listed


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError("takes a time with its zone, such as 2026-01-05T02:40:00Z")
    return moment


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("takes a whole number from 1")
    return int(text)
