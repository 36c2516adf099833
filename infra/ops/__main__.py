"""``python -m infra.ops``: look up alerts, send them again, waive them, and see whether every one is accounted for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from infra.ops.arguments import parse
from infra.ops.commands import COMMANDS
from infra.ops.console import console_at
from infra.ops.failures import INTERRUPTED, CommandFailed


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run one command; 0 done and fine, 1 not, 2 wrong usage. A failure is one line on standard error."""
    options = parse(arguments)
    try:
        with console_at(options.url, options.console_url, environ) as console:
            return COMMANDS[options.command](console, options)
    except CommandFailed as error:
        print(f"infra.ops: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("infra.ops: interrupted; a redrive that was begun goes on by itself", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
