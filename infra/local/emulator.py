"""The real Firestore emulator, started and stopped as one process group."""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from collections import deque
from urllib.parse import quote

from infra.local import groups
from infra.local.emulator_search import EmulatorPlan, MissingPrerequisite, find_emulator, not_answering
from infra.local.ports import HOST, Port

__all__ = ["Emulator", "EmulatorFailed", "EmulatorPlan", "MissingPrerequisite", "find_emulator"]

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


class EmulatorFailed(Exception):  # noqa: N818 - what happened
    """The emulator did not start or did not do what was asked; the message has its last lines."""


class Emulator:
    """A Firestore emulator that answers.

    Everything it holds is in its memory and gone once it is stopped. It ends with this process, however that ends.

    Attributes:
        host: ``127.0.0.1:PORT``, as FIRESTORE_EMULATOR_HOST takes it.
    """

    def __init__(self, host: str, started: _Started | None = None) -> None:
        self.host = host
        self._started = started

    @classmethod
    def start(cls, plan: EmulatorPlan, *, log_lines: int = 200) -> Emulator:
        """Start it on a free port of loopback and wait until it answers, about 1.5 s; blocks.

        One that runs already is used as it is.

        Args:
            plan: from `find_emulator`.
            log_lines: how many of its last lines are kept.

        Raises:
            EmulatorFailed: it ended, or did not answer within a minute.
        """
        if plan.host:
            return cls(plan.host)
        port = Port()
        started = _Started(plan.command(port.number), log_lines, port)
        host = f"{HOST}:{port.number}"
        if trouble := started.wait(host):
            started.stop()
            raise EmulatorFailed("\n".join([f"The Firestore emulator {trouble}; its last lines:", *started.lines]))
        return cls(host, started)

    @property
    def pid(self) -> int | None:
        """Its java, None if it is not ours or was stopped."""
        return self._started.pid if self._started else None

    def tail(self) -> list[str]:
        """Its last lines, oldest first; none if it is not ours."""
        return list(self._started.lines) if self._started else []

    def stop(self) -> None:
        """End it, and wait until it is gone. One that is not ours is left alone; stopping twice is no error."""
        if self._started:
            self._started.stop()

    def clear(self, project: str) -> None:
        """Delete every document of a project's default database.

        Raises:
            EmulatorFailed: it did not do so.
        """
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request("DELETE", f"/emulator/v1/projects/{quote(project)}/databases/(default)/documents")
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise EmulatorFailed(f"The Firestore emulator at {self.host} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise EmulatorFailed(f"The Firestore emulator did not clear {project}: HTTP {answer.status}: {text}")


class _Started:
    """The java process of an emulator, its guard, and the thread that reads what it prints."""

    def __init__(self, command: list[str], log_lines: int, port: Port) -> None:
        self._port = port
        self.lines: deque[str] = deque(maxlen=log_lines)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        self._guard = groups.Guard(self._process.pid)
        self._reader = threading.Thread(target=self._read, name="emulator log", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process.poll() is None else None

    def wait(self, host: str) -> str:
        """Wait until it answers; returns what is wrong with it, empty if nothing is."""
        end = time.monotonic() + _START_SECONDS
        while not_answering(host):
            if self.pid is None:
                self._reader.join(_STOP_SECONDS)
                return f"ended with exit status {self._process.returncode}"
            if time.monotonic() > end:
                return f"did not answer within {_START_SECONDS:g} s"
            time.sleep(0.02)
        return ""

    def stop(self) -> None:
        groups.end(self._process.pid, _STOP_SECONDS)
        self._process.wait()
        self._guard.release()
        self._reader.join(_STOP_SECONDS)
        self._port.release()

    def _read(self) -> None:
        assert self._process.stdout  # noqa: S101 - it is a pipe
        with self._process.stdout as output:
            self.lines.extend(line.rstrip("\n") for line in output)
