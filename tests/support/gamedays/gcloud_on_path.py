"""``gcloud`` for a shell: a program of this name that has its commands run by `ForkedGcloud`, in the tests' process."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.forked_gcloud import ForkedGcloud

PROGRAM = """\
#!{python}
import json, os, socket, sys
asked = {{
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),
    "environ": {{name: value for name, value in os.environ.items() if name.startswith("CLOUDSDK_")}},
    "stdin": "" if sys.stdin.isatty() else sys.stdin.read(),
}}
with socket.socket(socket.AF_UNIX) as tests:
    tests.connect({address!r})
    tests.sendall(json.dumps(asked).encode() + b"\\n")
    answer = json.loads(tests.makefile("rb").readline())
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["status"])
"""


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = False
    gcloud: ForkedGcloud


class _Command(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """One command."""
        asked = json.loads(self.rfile.readline())
        ended = self.server.gcloud(asked["argv"], asked["stdin"], asked["environ"], Path(asked["cwd"]))
        answer = {"status": ended.status, "out": ended.out, "err": ended.err}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


@contextmanager
def gcloud_in(folder: Path, gcloud: ForkedGcloud) -> Iterator[Path]:
    """A folder for ``PATH`` with a program ``gcloud`` in it, as long as this lasts; ``folder`` is an empty one."""
    address, program = str(folder / "socket"), folder / "bin" / "gcloud"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, address=address), encoding="utf-8")
    program.chmod(0o700)
    with _Server(address, _Command) as server:
        server.gcloud = gcloud
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield program.parent
        finally:
            server.shutdown()
            thread.join()
