"""Schemathesis against a running system: everything ``docs/openapi.yaml`` says is tried and every answer checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from infra.manifest import load
from tests.fuzz.callers import identities, links
from tests.support.local_system import LocalSystem, eventually

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "openapi.yaml"
CONFIG = Path(__file__).with_name("schemathesis.toml")

CASES = ("--max-examples", "100")
"""How many an operation, and what a time limit repeats."""

DEAD_LETTERS = 12


@contextmanager
def with_dead_letters(system: LocalSystem) -> Iterator[None]:
    """Slack refuses every alert as such, so that there are dead letters to look up, to send again and to waive."""
    system.broken("invalid_payload")
    try:
        for _ in range(DEAD_LETTERS):
            system.lead()
        eventually(lambda: len(system.console("dead_letters?channel=slack")["dead_letters"]) >= DEAD_LETTERS)
        yield
    finally:
        system.healed()


@dataclass(frozen=True)
class Fuzzed:
    """What a run came to.

    Attributes:
        seed: the run's; the same seed makes the same requests.
        cases: how many were made.
        failures: how many kinds of failure and error there were.
        answers: how often each operation was answered with each status, ``"POST /chat 200"``.
        passed: whether all of it was as the document says, warnings included.
        report: what schemathesis says.
    """

    seed: int
    cases: int
    failures: int
    answers: Counter[str]
    passed: bool
    report: str

    @property
    def server_errors(self) -> int:
        """How many answers were a 5xx."""
        return sum(count for answer, count in self.answers.items() if answer.rsplit(" ", 1)[1].startswith("5"))


def shown_at(url: str) -> dict[str, tuple[str, str]]:
    """What each function's caller shows at the local system at ``url``."""
    access = {name: str(function.access) for name, function in load().functions.items()}
    return identities(requests.get(f"{url}/_local/info", timeout=30).json(), access)


def links_at(url: str) -> list[str]:
    """Tokens of e-mails that the local system at ``url`` takes."""
    return links(requests.get(f"{url}/_local/info", timeout=30).json())


def known_at(url: str) -> dict[str, list[str]]:
    """Ids of what there is at the local system at ``url``, by the console's word for it: dead letters, and whose."""
    key = {"X-ADMIN-API-KEY": requests.get(f"{url}/_local/info", timeout=30).json()["admin_api_key"]}
    answer = requests.get(f"{url}/admin_console/dead_letters?channel=slack", headers=key, timeout=30)
    found = answer.json()["dead_letters"]
    return {
        "dead_letters": [each["id"] for each in found],
        "conversations": [each["conversation_id"] for each in found if each["conversation_id"]],
    }


def fuzz(url: str, *options: str, seed: int, shown: Mapping[str, tuple[str, str]] | None = None) -> Fuzzed:
    """One run against the system at ``url``.

    Args:
        url: the gateway's.
        options: of ``st run``: how much and how long.
        seed: from 0.
        shown: what each function's caller shows; None at a local system, which is asked.
    """
    at_home, shown = shown is None, shown_at(url) if shown is None else shown
    with tempfile.TemporaryDirectory() as folder:
        tally, report = Path(folder) / "tally.json", Path(folder) / "report.json"
        program = (sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()")
        arguments = (
            "--config-file",
            str(CONFIG),
            "run",
            str(DOCUMENT),
            "--url",
            url,
            "--seed",
            str(seed),
            "--no-color",
        )
        done = subprocess.run(
            [*program, *arguments, "--report", "json", "--report-json-path", str(report), *options],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "BELLHOP_FUZZ_IDENTITIES": json.dumps(shown),
                "BELLHOP_FUZZ_KNOWN": json.dumps(known_at(url) if at_home else {}),
                "BELLHOP_FUZZ_LINKS": json.dumps(links_at(url) if at_home else []),
                "BELLHOP_FUZZ_TALLY": str(tally),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if not report.exists():
            return Fuzzed(seed, 0, 1, Counter(), passed=False, report=done.stdout)
        said, answers = json.loads(report.read_text()), Counter(json.loads(tally.read_text()))
    failures = said["test_cases"]["unique_failures"] + len(said["errors"])
    return Fuzzed(seed, said["test_cases"]["generated"], failures, answers, done.returncode == 0, done.stdout)
