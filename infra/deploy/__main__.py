"""``python -m infra.deploy``: from the manifest to Google Cloud. ``--help`` lists the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from infra.deploy.arguments import parse
from infra.deploy.commands import COMMANDS, Context
from infra.deploy.failures import INTERRUPTED, NOT_DONE, DeployFailed
from infra.deploy.gcloud import CommandFailed, Runner
from infra.deploy.rest import Send, send
from infra.manifest import ManifestError


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    run: Runner | None = None,
    ask: Send = send,
) -> int:
    """Run one command; 0 done and fine, 1 not, 2 wrong usage. A failure is told on standard error, without a trace.

    Args:
        arguments: the command line; by default the process's own.
        environ: where gcloud and its settings are found.
        run: what runs gcloud; by default the one on PATH.
        ask: what makes the requests that gcloud has no command for.
    """
    options = parse(arguments)
    try:
        return COMMANDS[options.command](Context(options, environ, run, ask))
    except DeployFailed as error:
        print(f"infra.deploy: {error}", file=sys.stderr)
        return error.status
    except (CommandFailed, ManifestError) as error:
        print(f"infra.deploy: {error}", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        print("infra.deploy: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
