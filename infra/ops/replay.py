"""``replay``: a dead letter's bundle on the local system, to see the same outcome with one's own eyes.

The alert is made as the chat makes one, in a commit with its conversation; its destination's stand-in is broken as the
history shows; the sweep brings it; what it comes to is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from infra.ops.console import console_at, local_info
from infra.ops.failures import DONE, NOT_DONE, CommandFailed
from infra.ops.replay_faults import STANDINS, mode_for
from infra.ops.tables import table, terminal
from shared.adapters.firestore import Database
from shared.adapters.firestore_alerts import FirestoreAlerts
from shared.adapters.firestore_chat import FirestoreChat
from shared.domain.alert import RELAYED, WAITING, Alert, State, create
from shared.domain.breaker import BREAKER_OPEN
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Conversation, Turn
from shared.ports import TurnCommit

FORMAT = "bellhop-replay-1"
POLL_SECONDS = 0.25
CALL_SECONDS = 60.0
WHY = {"reason": "replay of a bundle", "by": "infra.ops replay"}


@dataclass(frozen=True)
class Came:
    """What an alert came to: its last attempt's outcome and cause, and its own cause."""

    outcome: str | None
    attempt_cause: str | None
    cause: str | None


def replay(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Exit 0 where the same outcome appears, 1 where another one does."""
    bundle = _read(Path(options.file))
    info = local_info(options.url)
    local = _Local(options.url.rstrip("/"), environ)
    wanted = _wanted(bundle)
    channel = bundle["alert"]["channel"]
    with local.broken(channel, wanted), _database(info) as database:
        alert_id = _made(database, bundle)
        local.call("POST", "jobs/retry_dead_letters/run")
        seen, state = _awaited(database, alert_id, channel, wanted, options.seconds)
    same = seen == wanted
    answer = {"alert": alert_id, "same": same, "state": state, "bundle": vars(wanted), "replay": vars(seen)}
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        rows = [(name.replace("_", " "), getattr(wanted, name), getattr(seen, name)) for name in vars(wanted)]
        terminal().print(table(("what", "in the bundle", "here"), rows))
        print(f"the same outcome: {alert_id} is {state}" if same else f"ANOTHER outcome: {alert_id} is {state}")
    return DONE if same else NOT_DONE


def _read(path: Path) -> dict[str, Any]:
    try:
        bundle = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CommandFailed(f"{path} is no bundle: it is not JSON") from None
    if not isinstance(bundle, dict) or bundle.get("format") != FORMAT:
        raise CommandFailed(f"{path} is no bundle of the format {FORMAT}")
    if bundle["alert"]["channel"] not in STANDINS:
        channels = ", ".join(STANDINS)
        raise CommandFailed(f"the local system has no {bundle['alert']['channel']}; it has {channels}")
    return bundle


def _wanted(bundle: Mapping[str, Any]) -> Came:
    """What it came to there. Later tries may have come to something else: the last one is what is looked for."""
    cause = bundle["alert"]["cause"]
    if cause == BREAKER_OPEN or not bundle["attempts"]:
        return Came(None, None, cause)
    last = bundle["attempts"][-1]
    return Came(last["outcome"], last["cause"], cause if cause != "attempts_spent" else last["cause"])


class _Local:
    """The local system's switches.

    Args:
        url: its address.
        environ: the process's environment.
    """

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self._url = url
        self._environ = environ

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What it answers under ``/_local/``."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, f"{self._url}/_local/{path}", json=body, timeout=CALL_SECONDS)
        if not answer.ok:
            raise CommandFailed(f"{answer.status_code}: {self._url}/_local/{path} refused: {answer.text[:200]}")
        found: dict[str, Any] = answer.json()
        return found

    @contextmanager
    def broken(self, channel: str, wanted: Came) -> Iterator[None]:
        """As it was there, and mended afterwards."""
        if wanted.cause == BREAKER_OPEN:
            with self._forced(channel):
                yield
            return
        name = STANDINS[channel]
        mode = mode_for(wanted.attempt_cause, self.call("GET", f"{name}/fault")["modes"])
        if mode is None:
            raise CommandFailed(
                f"the local system cannot bring about {wanted.attempt_cause or 'that without an attempt'}"
            )
        self.call("PUT", f"{name}/fault", {"mode": mode})
        try:
            yield
        finally:
            self.call("DELETE", f"{name}/fault")

    @contextmanager
    def _forced(self, channel: str) -> Iterator[None]:
        with console_at(self._url, None, self._environ) as console:
            console.post(f"/breakers/{channel}", "mode", {"mode": "open", **WHY})
            try:
                yield
            finally:
                console.post(f"/breakers/{channel}", "mode", {"mode": "auto", **WHY})


@contextmanager
def _database(info: Mapping[str, Any]) -> Iterator[Database]:
    """The local system's Firestore; the library finds it by the environment."""
    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    os.environ["FIRESTORE_EMULATOR_HOST"] = info["firestore"]
    database = Database(info["project"])
    client: Any = database.client  # connected while the environment says where
    try:
        yield database
    finally:
        client.close()
        if before is None:
            del os.environ["FIRESTORE_EMULATOR_HOST"]
        else:
            os.environ["FIRESTORE_EMULATOR_HOST"] = before


def _made(database: Database, bundle: Mapping[str, Any]) -> str:
    """A conversation with the alert, in one commit as the chat writes it; it is due at once. Its id."""
    said, now = bundle["alert"], datetime.now(UTC)
    conversation_id = secrets.token_hex(16)
    payload = {**said["payload"], "conversation_id": conversation_id}
    if isinstance(payload.get("quiet_since"), str):
        payload["quiet_since"] = datetime.fromisoformat(payload["quiet_since"])
    alert = create(
        secrets.token_hex(16),
        conversation_id=conversation_id,
        channel=said["channel"],
        kind=said["kind"],
        payload=payload,
        now=now,
        nonce=secrets.token_hex(16),
        grace=timedelta(0),
        route=(said["channel"],) if said["kind"] in RELAYED else (),
    )
    alert = replace(alert, plain=said["plain"], wake_at=now - timedelta(seconds=1))
    turn = Turn("replay of a bundle", "", now)
    details = ContactDetails(name=payload.get("name"), email=payload.get("email"), phone=payload.get("phone"))
    begun = replace(Conversation.begun(conversation_id, "en", now), details=details).with_turn(turn)
    FirestoreChat(database).commit_turn(TurnCommit(begun, None, secrets.token_hex(16), turn, (alert,), None, {}, now))
    return alert.id


def _awaited(database: Database, alert_id: str, channel: str, wanted: Came, seconds: float) -> tuple[Came, str]:
    """What it comes to here, once it rests, or comes to the same."""
    store, ends = FirestoreAlerts(database), time.monotonic() + seconds
    while True:
        stored = store.read(alert_id, channel)
        if stored is None:
            raise CommandFailed(f"{alert_id} is gone")
        seen, alert = _came(stored.alert, wanted), stored.alert
        rests = alert.state is State.PARKED or alert.state not in WAITING
        if rests or time.monotonic() > ends:
            return seen, alert.state.value
        time.sleep(POLL_SECONDS)


def _came(alert: Alert, wanted: Came) -> Came:
    if not alert.history or wanted.outcome is None:
        return Came(None, None, alert.cause)
    last = alert.history[-1]
    return Came(last.outcome, last.cause, alert.cause)
