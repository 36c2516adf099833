"""A real redis-server on a free port of the loopback, which can be stopped, killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from infra.local.ports import HOST, Port

MISSING = "needs redis-server, and none is on PATH: sudo apt-get install redis-server, or brew install redis"


class RedisServer:
    """The server.

    Attributes:
        uri: where it is.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            # CI must not pass for want of it (.ci/run).
            (pytest.fail if os.environ.get("BELLHOP_SKIP_NOTHING") else pytest.skip)(MISSING)
        self._held = Port()
        self._port = self._held.number
        self._command = [program, "--port", str(self._port), "--bind", HOST, "--dir", str(folder)]
        self._command += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        self.uri = f"redis://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self, *more: str) -> None:
        """Start it, empty, and wait until it answers."""
        self._process = subprocess.Popen([*self._command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                with socket.create_connection(("127.0.0.1", self._port), 5) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(100):
                        return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def pause(self) -> None:
        """Let it hang: connections are taken, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it for good: its port is anybody's."""
        self.kill()
        self._held.release()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
