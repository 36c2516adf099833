"""A local system as a user starts it, for the end-to-end tests."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psutil
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from requests.adapters import HTTPAdapter

from infra.local.ports import Port
from tests.support.log_scan import WATCHING

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90


class FromAddress(HTTPAdapter):
    """Calls from one address of loopback, as one client among many."""

    def __init__(self, address):
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        """Bind every connection to the address."""
        super().init_poolmanager(*args, **kwargs, source_address=(self._address, 0))


class LocalSystem:
    """One running system, and what tests ask of it.

    Attributes:
        log_file: where every line goes that its functions print.
        environ: what it was started with, beside this process's environment.
    """

    def __init__(self, **environ):
        self.environ = environ
        # So that the run's log scan reads them; nowhere outside a run of the tests.
        folder = WATCHING.scan.folder
        self.log_file = None if folder is None else folder / uuid.uuid4().hex
        heard = {} if self.log_file is None else {"BELLHOP_LOG_FILE": str(self.log_file)}
        passed = {name: value for name, value in os.environ.items() if not name.startswith("BELLHOP_")}
        self._port = Port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env={**passed, **heard, "PORT": str(self._port.number), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._ready: queue.Queue[str] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self._ready.put)),
            threading.Thread(target=self._read, args=(self._process.stderr, self.said.append)),
        ]
        for reader in self._readers:
            reader.start()
        self.url = ""
        self._clients = 0
        self._sessions: list[requests.Session] = []

    @staticmethod
    def _read(stream, tell):
        with stream:
            for line in stream:
                tell(line.rstrip("\n"))
        tell("")

    def wait(self):
        """Wait for the ready line; the system's URL. One that does not come up is ended."""
        try:
            line = self._ready.get(timeout=READY_SECONDS)
            assert line.startswith("bellhop ready: http://127.0.0.1:"), "\n".join([line, *self.said])
        except BaseException:
            self.stop()
            raise
        self.url = line.removeprefix("bellhop ready: ")
        for pid in [pid for function in self.info["functions"].values() for pid in function["pids"]]:
            with contextlib.suppress(psutil.Error):  # one that is just started again
                WATCHING.scan.holds_settings(psutil.Process(pid).environ())
        return self

    def ended(self, seconds=30):
        """Wait for the end; the exit status."""
        status = self._process.wait(seconds)
        for reader in self._readers:
            reader.join(10)
        for session in self._sessions:
            session.close()
        self._port.release()
        return status

    def stop(self, number=signal.SIGTERM):
        """End it as a terminal or a service manager would; the exit status."""
        self._process.send_signal(number)
        return self.ended()

    def processes(self):
        """Every process it started, and itself."""
        return [self._process.pid, *(child.pid for child in psutil.Process(self._process.pid).children(recursive=True))]

    def client(self):
        """A visitor with an address of their own."""
        self._clients += 1
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", FromAddress(f"127.0.{1 + self._clients // 250}.{1 + self._clients % 250}"))
        self._sessions.append(session)
        return session

    def local(self, method, path, **how):
        """Call ``/_local/``."""
        answer = requests.request(method, f"{self.url}/_local/{path}", timeout=30, **how)
        assert answer.ok, answer.text
        return answer.json()

    def log(self, name):
        """The last lines a function wrote."""
        answer = requests.get(f"{self.url}/_local/logs/{name}", timeout=30)
        assert answer.ok, answer.text
        return answer.text

    @property
    def info(self):
        """What runs where."""
        return self.local("GET", "info")

    def console(self, path):
        """What the operator's console tells."""
        headers = {"X-ADMIN-API-KEY": self.info["admin_api_key"]}
        answer = requests.get(f"{self.url}/admin_console/{path}", headers=headers, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def write(self, message, client=None, **fields):
        """A visitor writes; the answer."""
        with_client = client or self.client()
        return with_client.post(f"{self.url}/chat", json={"message": message, **fields}, timeout=30)

    def lead(self, **fields):
        """A visitor leaves an address nobody else has; the address."""
        email = f"visitor-{uuid.uuid4().hex[:12]}@example.com"
        answer = self.write(f"Hi, call me, {email}", **fields)
        assert answer.status_code == 200, answer.text
        return email

    def received(self, text, destination="slack"):
        """What a destination shows that has this text in it."""
        return [message for message in self.local("GET", f"{destination}/received") if text in json.dumps(message)]

    def broken(self, mode, destination="slack", **how):
        """Break a destination."""
        self.local("PUT", f"{destination}/fault", json={"mode": mode, **how})

    def healed(self, destination="slack"):
        """Mend a destination."""
        self.local("DELETE", f"{destination}/fault")

    def own_settings(self):
        """Start each function that has other settings than its own again, with its own."""
        for name in self.info["functions"]:
            if self.local("GET", f"functions/{name}/settings")["settings"]:
                self.local("DELETE", f"functions/{name}/settings")

    def all_healed(self):
        """Mend every destination."""
        for name in ("slack", "monday", "smtp", "webhook"):
            self.healed(name)

    def comes_to_rest(self, client, seconds=10.0):
        """Wait until nothing drains and no probe is to come, of what an earlier test broke.

        It goes on all the same after so many seconds: some tests leave what waits for good.
        """

        def rests():
            now = datetime.now(UTC)
            of_all = [
                each.to_dict() for name in ("breakers", "destinations") for each in client.collection(name).stream()
            ]
            return not any(each.get("draining") or (each.get("probe_at") or now) > now for each in of_all)

        with contextlib.suppress(AssertionError):
            eventually(rests, seconds)

    def alerts_of(self, text, client):
        """The alerts whose payload has this text in it, as Firestore has them, by channel and kind."""
        found = [document.to_dict() | {"id": document.id} for document in client.collection("alerts").stream()]
        return {(each["channel"], each["kind"]): each for each in found if text in json.dumps(each, default=str)}

    def firestore(self):
        """A client of its Firestore; close it."""
        info = self.info
        os.environ["FIRESTORE_EMULATOR_HOST"] = info["firestore"]
        try:
            return firestore.Client(project=info["project"], credentials=AnonymousCredentials())
        finally:
            del os.environ["FIRESTORE_EMULATOR_HOST"]

    def of_visitors(self):
        """The names of what only a chat writes: conversations, claims and windows, by collection."""
        client = self.firestore()
        try:
            written = ("conversations", "admissions", "rate_windows")
            return {(name, found.id) for name in written for found in client.collection(name).list_documents()}
        finally:
            client.close()


def eventually(found, seconds=30.0):
    """Ask until the answer is true, and return it; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
    return answer
