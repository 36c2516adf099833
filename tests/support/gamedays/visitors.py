"""Visitors with addresses of their own, and the lines that Cloud Run writes of their requests."""

from __future__ import annotations

import requests

from infra.deploy.names import cloud_name
from tests.support.cloud_project import PROJECT
from tests.support.gamedays.day import Day
from tests.support.local_system import FromAddress


def from_address(address: str) -> requests.Session:
    """A client at an address of loopback; close it."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", FromAddress(address))
    return session


def written(day: Day, client: requests.Session, address: str, message: str = "What does it cost?") -> int:
    """The status of a message to chat, which stands in the log of requests afterwards."""
    answer = client.post(f"{day.system.url}/chat", json={"message": message}, timeout=30)
    day.running.says(request_entry("chat", answer.status_code, address))
    return answer.status_code


def request_entry(function: str, status: int, address: str) -> dict[str, object]:
    """A line of Cloud Run's log of requests (https://cloud.google.com/run/docs/logging#request-logs)."""
    return {
        "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2Frequests",
        "severity": "INFO" if status < 400 else "WARNING",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": cloud_name(function)}},
        "httpRequest": {"requestMethod": "POST", "status": status, "remoteIp": address},
    }


def audit_entry(kind: str, method: str, resource: str) -> dict[str, object]:
    """A line of the audit log: what somebody did in the project."""
    return {
        "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Factivity",
        "severity": "NOTICE",
        "resource": {"type": kind},
        "protoPayload": {
            "methodName": method,
            "resourceName": resource,
            "authenticationInfo": {"principalEmail": "somebody@example.com"},
        },
    }
