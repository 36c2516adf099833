"""``python -m infra.ops``: look after alerts, migrate what is stored, come over from the old database."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from infra.ops.arguments import parse
from infra.ops.commands import COMMANDS
from infra.ops.console import CONSOLE, CONSOLE_VARIABLE, MIGRATIONS, console_at
from infra.ops.failures import INTERRUPTED, CommandFailed
from infra.ops.import_sql.command import import_sql
from infra.ops.login import DEFAULT_URL


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run one command; 0 done and fine, 1 not, 2 wrong usage. A failure is one line on standard error."""
    options = parse(arguments)
    try:
        if options.command == "import-sql":
            return import_sql(options, environ)
        if options.command == "restore":
            from infra.ops.restore import restore  # noqa: PLC0415 - Firestore's library is slow to load

            return restore(options)
        if options.command == "replay":
            from infra.ops.replay import replay  # noqa: PLC0415 - Firestore's library is slow to load, no other needs it

            return replay(options, environ)
        path = MIGRATIONS if options.command == "migrate" else CONSOLE
        with console_at(options.url, _console_url(options, environ, path), environ, path) as console:
            return COMMANDS[options.command](console, options)
    except CommandFailed as error:
        print(f"infra.ops: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("infra.ops: interrupted; what was begun goes on by itself", file=sys.stderr)
        return INTERRUPTED


def _console_url(options: argparse.Namespace, environ: Mapping[str, str], path: str) -> str | None:
    """What the command line says; otherwise what the environment does of the console."""
    if options.console_url is not None or options.url != DEFAULT_URL or path != CONSOLE:
        said: str | None = options.console_url
        return said
    return environ.get(CONSOLE_VARIABLE, "").strip() or None


if __name__ == "__main__":
    sys.exit(main())
