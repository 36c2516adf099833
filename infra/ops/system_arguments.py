"""The command line of what is about the system as a whole, and about one lead."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from infra.ops.login import login

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
ID = re.compile(r"[0-9A-Za-z_-]{1,128}")

OVERVIEW = """\
Ends with 1 where a lead is in danger.

examples:
  python -m infra.ops overview
  python -m infra.ops overview --json
"""
HISTORY = """\
examples:
  python -m infra.ops history
  python -m infra.ops history --hours 168 --json
"""
BREAKERS = """\
examples:
  python -m infra.ops breakers
  python -m infra.ops breakers --json
"""
BREAKER = """\
modes:
  open    nothing is sent there, and what comes is parked
  closed  everything is sent, whatever fails
  auto    failures open it, and an attempt that is accepted closes it

What a breaker held up goes out once it is closed or back to auto.

examples:
  python -m infra.ops breaker slack open --reason "Slack asked us to stop"
  python -m infra.ops breaker slack auto --reason "they are well again"
"""
JOBS = """\
examples:
  python -m infra.ops jobs
  python -m infra.ops jobs --json
"""
JOB = """\
examples:
  python -m infra.ops job retry_dead_letters run
  python -m infra.ops job send_followups pause --reason "a wrong text went out"
  python -m infra.ops job send_followups resume
"""
LEADS = """\
Ends with 1 where there is none. An id is a conversation's, a session's or an alert's.

examples:
  python -m infra.ops leads --email ana@example.com
  python -m infra.ops leads --phone "+48 601 234 567"
  python -m infra.ops leads --id 3f2a9c... --json
"""
CONVERSATION = """\
examples:
  python -m infra.ops conversation 3f2a9c...
  python -m infra.ops conversation 3f2a9c... --all --json
"""
EXPORT = """\
Holds everything a visitor wrote: who took it, and why, is kept.

example:
  python -m infra.ops export 3f2a9c... --output ana.json --reason "she asked for it"
"""
OPERATOR_AUDIT = """\
examples:
  python -m infra.ops operator-audit
  python -m infra.ops operator-audit --all > actions.jsonl
"""
BUNDLE = """\
Holds nothing that a visitor wrote, only its shape: it may be sent to whoever looks for the mistake.

example:
  python -m infra.ops bundle 3f2a9c... --output bundle.json
"""
REPLAY = """\
Makes the bundle's alert on a local system (make run), breaks its destination as the history shows, and says whether the
same outcome appears: 0 if so, 1 if not.

examples:
  python -m infra.ops replay bundle.json
  python -m infra.ops replay bundle.json --url http://127.0.0.1:8081 --json
"""


def add(commands: Any, command: Callable[[Any, str, str, str], argparse.ArgumentParser]) -> None:
    """Add the commands to those there are."""
    command(commands, "overview", "whether a lead is in danger, and why", OVERVIEW)
    command(commands, "history", "how the counts came to be", HISTORY).add_argument(
        "--hours", type=int, default=24, help="how far back (24; at most 168)"
    )
    command(commands, "breakers", "how every breaker stands", BREAKERS)
    breaker = command(commands, "breaker", "force a breaker open or closed, or leave it to itself", BREAKER)
    breaker.add_argument("channel", metavar="CHANNEL", help="for example slack")
    breaker.add_argument("mode", choices=("open", "closed", "auto"), metavar="MODE", help="open, closed or auto")
    who_and_why(breaker)
    command(commands, "jobs", "when the scheduler's jobs ran and will run", JOBS)
    job = command(commands, "job", "pause, resume or run a job", JOB)
    job.add_argument("name", metavar="NAME", help="for example cleanup")
    job.add_argument("verb", choices=("pause", "resume", "run"), metavar="VERB", help="pause, resume or run")
    who_and_why(job)
    _leads(commands, command)
    audit = command(commands, "operator-audit", "who did what, and why", OPERATOR_AUDIT)
    _pages(audit, "the newest first")
    audit.add_argument("--all", action="store_true", help="every page, as a line of JSON an action")
    bundle = command(commands, "bundle", "a dead letter as a bundle that replays on a laptop", BUNDLE)
    bundle.add_argument("id", metavar="ID", help="the alert's id")
    _output(bundle)
    replay = command(commands, "replay", "a bundle on the local system: does the same happen", REPLAY)
    replay.add_argument("file", metavar="FILE", help="what `bundle` wrote")
    replay.add_argument("--seconds", type=float, default=120.0, help="how long to wait for the outcome (120)")


def _leads(commands: Any, command: Callable[[Any, str, str, str], argparse.ArgumentParser]) -> None:
    which = command(commands, "leads", "where a lead is, with every attempt at it", LEADS).add_mutually_exclusive_group(
        required=True
    )
    which.add_argument("--email", help="of the visitor")
    which.add_argument("--phone", help="of the visitor")
    which.add_argument("--id", help="of the conversation, the session or an alert")
    conversation = command(commands, "conversation", "what was said", CONVERSATION)
    conversation.add_argument("id", metavar="ID", help="the conversation's id")
    _pages(conversation, "the oldest first")
    conversation.add_argument("--all", action="store_true", help="every page")
    export = command(commands, "export", "everything that is kept of a conversation", EXPORT)
    export.add_argument("id", metavar="ID", help="the conversation's id")
    _output(export)


def check(options: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Refuse what argparse cannot."""
    if options.command in ("conversation", "export", "bundle") and not ID.fullmatch(options.id):
        error("an id has letters, digits, - and _ only")
    if options.command == "breaker" and not NAME.fullmatch(options.channel):
        error("a channel's name has lower-case letters, digits and _ only, for example slack")
    if options.command == "job" and not NAME.fullmatch(options.name):
        error("a job's name has lower-case letters, digits and _ only, for example cleanup")


def who_and_why(command: argparse.ArgumentParser) -> None:
    """Add who says so and why."""
    command.add_argument("--reason", help="why; it is kept")
    command.add_argument("--by", default=login(), help="who says so; it is kept (the login name)")


def _pages(command: argparse.ArgumentParser, order: str) -> None:
    command.add_argument("--limit", type=int, default=50, help=f"how many at most, {order} (50; at most 200)")
    command.add_argument("--after", metavar="NEXT", help="go on after the page that ended with this")


def _output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--output", metavar="FILE", help="a file that is made; without it, standard output")
    who_and_why(command)
