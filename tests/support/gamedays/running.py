"""A local system as the project on the stand-in of Google's APIs sees it: its logs, its queues and jobs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import psutil
import requests

from infra.deploy.names import cloud_name
from tests.support.cloud_project import PROJECT
from tests.support.gamedays.backup import Backup
from tests.support.gamedays.revisions import Revisions
from tests.support.google_apis.state import Refused
from tests.support.local_system import LocalSystem

HERE = "local"
"""The region that a local system calls its own."""
FINISHED = "type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"
ANSWERED = timedelta(seconds=1)
"""A job shows when its last attempt began, and not whether it has ended: after so long it has."""
_STATUS = {0: 200, 3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 13: 500, 14: 503, 16: 401}


class Running:
    """What `google_apis.state.Behind` asks for, and what Cloud Scheduler would log; from the moment it is made on."""

    def __init__(self, system: LocalSystem) -> None:
        assert system.log_file is not None
        self._system, self._lock = system, threading.Lock()
        self._file = system.log_file
        self._at = self._file.stat().st_size if self._file.exists() else 0
        self._logged: list[dict[str, Any]] = []
        self._attempts: dict[str, str] = {}
        self.revisions = Revisions(system)
        self.backup = Backup(system)

    def serves(self, service: str, revision: str, settings: Mapping[str, str]) -> None:
        """The function of this name has these settings from now on."""
        self.revisions.serves(service, revision, settings)

    def restores(self, database: str) -> None:
        """What the backup held stands in a database of this name."""
        self.backup.restores(database)

    def entries(self) -> list[dict[str, Any]]:
        """What the functions and the scheduler logged, in the order in which it was found."""
        with self._lock:
            self._read_lines()
            self._look_at_jobs()
            return list(self._logged)

    def says(self, entry: dict[str, Any]) -> None:
        """Google logs this, which no function does."""
        with self._lock:
            self._logged.append({"timestamp": datetime.now(UTC).isoformat(), **entry})

    def call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """A request to Cloud Tasks or Cloud Scheduler, of a queue or job of the same name here; raises Refused."""
        where, _, rest = path.partition("/locations/")
        version = where.split("/")[1]
        here = f"/{version}/projects/{self._info['project']}/locations/{HERE}/{rest.partition('/')[2]}"
        answer = requests.request(method, f"{self._google}{here}", json=body or None, timeout=30)
        found: dict[str, Any] = answer.json()
        if not answer.ok:
            raise Refused(found["error"]["code"], found["error"]["status"], found["error"]["message"])
        region = path.split("/locations/")[1].split("/", maxsplit=1)[0]
        return json.loads(
            json.dumps(found)
            .replace(f"projects/{self._info['project']}/", f"projects/{PROJECT}/")
            .replace(f"locations/{HERE}/", f"locations/{region}/")
        )

    @cached_property
    def _info(self) -> dict[str, Any]:
        return self._system.info

    @cached_property
    def _google(self) -> str:
        """Where Cloud Tasks and Cloud Scheduler are, which every function is told."""
        [pid, *_] = self._info["functions"]["deliver_alert"]["pids"]
        return f"http://{psutil.Process(pid).environ()['CLOUD_TASKS_EMULATOR_HOST']}"

    def _read_lines(self) -> None:
        with self._file.open("rb") as file:
            file.seek(self._at)
            read = file.read()
        whole = read[: read.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            self._logged.append(_entry(line))

    def _look_at_jobs(self) -> None:
        location = f"/v1/projects/{PROJECT}/locations/{HERE}"
        for job in self.call("GET", f"{location}/jobs", {}).get("jobs", []):
            name, at = job["name"].rsplit("/", 1)[1], job.get("lastAttemptTime", "")
            if name not in self._attempts:
                self._attempts[name] = at  # what was before this began is nobody's business
            if at != self._attempts[name] and datetime.now(UTC) - datetime.fromisoformat(at) > ANSWERED:
                self._attempts[name] = at
                self._logged.append(_attempt(name, at, job.get("status", {}).get("code", 0)))


def _entry(line: str) -> dict[str, Any]:
    """A line of a function, as Cloud Logging shows it."""
    function, _, said = line.partition(": ")
    try:
        event = json.loads(said)
    except ValueError:
        event = None
    entry: dict[str, Any] = {
        "timestamp": datetime.now(UTC).isoformat(),
        "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2Fstdout",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": cloud_name(function)}},
    }
    if not isinstance(event, dict):
        return entry | {"textPayload": said}
    fields = {name: value for name, value in event.items() if name != "severity"}
    return entry | {"severity": event.get("severity", "DEFAULT"), "jsonPayload": fields}


def _attempt(job: str, at: str, code: int) -> dict[str, Any]:
    """What Cloud Scheduler logs of an attempt that has ended."""
    status = _STATUS.get(code, 500)
    return {
        "timestamp": at,
        "logName": f"projects/{PROJECT}/logs/cloudscheduler.googleapis.com%2Fexecutions",
        "severity": "INFO" if status < 400 else "ERROR",
        "resource": {"type": "cloud_scheduler_job", "labels": {"job_id": job}},
        "jsonPayload": {"@type": FINISHED, "jobName": job},
        "httpRequest": {"status": status},
    }
