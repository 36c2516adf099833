"""``python -m infra.local``: the whole system on this machine, until Ctrl-C. ``make run`` runs this."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.local import wiring
from infra.local.destinations import wants_model
from infra.local.emulator import EmulatorFailed, MissingPrerequisite
from infra.local.supervise import NotReady
from infra.local.system import LocalSystem, StartFailed
from infra.manifest import ManifestError, load

EPILOG = """\
environment:
  PORT                     the gateway's port (8080); everything else takes free ports
  BELLHOP_FAST=1           rhythms in seconds instead of minutes
  BELLHOP_MODEL=1          what the knowledge does not answer is answered by a stand-in of a language model, which
                           /_local/model/fault breaks; LLM_BASE_URL and LLM_MODEL take a real one instead
  BELLHOP_PACES            messages a second of destinations, other than the manifest's: slack=50,monday=20
  BELLHOP_LOG_FILE         every line that the functions print is added to this file, after the function's name
  FIRESTORE_EMULATOR_HOST  use this emulator instead of starting one
  any setting              is passed on to the functions that the manifest gives it to
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal; 0 after a clean end, 1 when the system did not start, 2 for wrong settings."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description="Run all of Bellhop on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, help="the gateway's port instead of PORT")
    parser.add_argument("--quiet", action="store_true", help="say nothing but the ready line and errors")
    options = parser.parse_args(arguments)
    environ = dict(os.environ)
    if options.port is not None:
        environ["PORT"] = str(options.port)
    try:
        port = wiring.port_of(environ)
        wiring.is_fast(environ)
        wants_model(environ)
        manifest = wiring.paced(load(), environ)
    except (ValueError, ManifestError) as error:
        print(error, file=sys.stderr)
        return 2
    say = (lambda _: None) if options.quiet else _say
    with contextlib.ExitStack() as ending:
        try:
            hear = _kept(environ.get("BELLHOP_LOG_FILE", "").strip(), ending)
        except OSError as error:
            print(f"BELLHOP_LOG_FILE: cannot be written ({error.strerror}); takes a file's path", file=sys.stderr)
            return 2
        return asyncio.run(_run(LocalSystem(manifest, environ, port=port, say=say, hear=hear)))


async def _run(system: LocalSystem) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    starting = asyncio.create_task(system.start())
    waiting = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return 0
        await starting
        print(f"bellhop ready: {system.url}", flush=True)
        await waiting
    except (StartFailed, NotReady, EmulatorFailed, MissingPrerequisite) as error:
        print(f"bellhop did not start.\n{error}", file=sys.stderr)
        return 1
    finally:
        for task in (starting, waiting):
            task.cancel()
        await asyncio.gather(starting, waiting, return_exceptions=True)
        await system.stop()
    return 0


def _kept(path: str, ending: contextlib.ExitStack) -> Callable[[str, str], None]:
    """Adds lines to a file, each at once, so that it has what was said before a sudden end; without a file, nothing."""
    if not path:
        return lambda _name, _line: None
    file = Path(path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115 - the stack closes it
    ending.callback(file.close)
    return lambda name, line: print(f"{name}: {line}", file=file)


def _say(line: str) -> None:
    print(f"bellhop: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
