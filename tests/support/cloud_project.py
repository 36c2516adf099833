"""A project on the stand-in of Google's APIs, with the installed gcloud."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.deploy.__main__ import main
from infra.manifest import ROOT
from tests.support import full_place
from tests.support.forked_gcloud import ForkedGcloud, sdk
from tests.support.google_apis.server import GoogleApis
from tests.support.google_apis.state import Seen, State

PROJECT = "demo-project"
SECRETS = {
    "ADMIN_API_KEYS": "key-for-operators-0123456789",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/very-secret-word",
    "SMTP_URL": "smtp+starttls://bellhop:very-secret-word@mail.example.com:587",
    "ADDRESS_HASH_KEY": "hash-very-secret-word-0123",
    "TOKEN_SIGNING_KEYS": "signing-very-secret-word-0123",
}


class Terminal(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@dataclass
class Cloud:
    """A project on the stand-in, and ``infra.deploy`` for it.

    Attributes:
        apis: the stand-in.
        gcloud: the real one.
        place: a file with everything that a place can have.
    """

    apis: GoogleApis
    gcloud: ForkedGcloud
    place: str

    @property
    def state(self) -> State:
        """What the project holds."""
        return self.apis.state

    def deploy(self, *arguments: str, secrets: bool = False, terminal: bool = False) -> int:
        """One command; the exit status. ``secrets`` are given on standard input, which may be a person's terminal."""
        lines = "".join(f"{name}={value}\n" for name, value in SECRETS.items())
        before, sys.stdin = sys.stdin, (Terminal if terminal else io.StringIO)(lines if secrets else "")
        try:
            how = ["--secrets-stdin"] if secrets else []
            how += [] if "--place" in arguments else ["--place", self.place]
            environ = {"PATH": os.environ["PATH"], **self.apis.environment()}
            return main([*arguments, *how, "--project", PROJECT], environ, self.gcloud)
        finally:
            sys.stdin = before

    def mutations(self, *arguments: str, secrets: bool = False) -> list[Seen]:
        """The mutating requests of one command that succeeds."""
        self.state.forget()
        assert self.deploy(*arguments, secrets=secrets) == 0
        return self.state.mutations()


def with_sdk() -> None:
    """Skip where the Google Cloud SDK is not installed; fail where nothing may be skipped."""
    if sdk() is None:
        reason = "the Google Cloud SDK is not installed: https://cloud.google.com/sdk/docs/install"
        if os.environ.get("BELLHOP_SKIP_NOTHING"):
            pytest.fail(f"{reason}, and BELLHOP_SKIP_NOTHING is set")
        pytest.skip(reason)


@contextmanager
def a_project(folder: Path, *changes: tuple[str, str]) -> Iterator[Cloud]:
    """The real gcloud and a project, empty at first; whoever asks is skipped where the Google Cloud SDK is missing.

    Args:
        folder: where its files go.
        changes: of the shipped place's text, for `full_place.write`.
    """
    with_sdk()
    apis = GoogleApis(PROJECT)
    gcloud, place = ForkedGcloud(apis.environment(), folder, ROOT), full_place.write(folder, *changes)
    try:
        yield Cloud(apis, gcloud, place)
    finally:
        gcloud.stop()
        apis.stop()
