"""What is read at the end of a soak for its judge: the stand-ins' logs and the documents in Firestore."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from bench.soak.judge import Evidence, Held, Shown, ids_in
from shared.domain import ids

LOGS: Mapping[str, str] = {"slack": "slack", "monday": "monday", "email": "smtp", "webhook": "webhook"}
"""A channel → the stand-in whose log tells what arrived."""


def shown(received: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Shown]:
    """Every message, by channel, as the judge sees it."""
    return [
        Shown(channel, ids_in(channel, message), json.dumps(message, ensure_ascii=False))
        for channel, messages in received.items()
        for message in messages
    ]


def promised(answered: Mapping[str, Mapping[str, Any]], channels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The alerts that the answers to visitors promise."""
    return {
        ids.alert_id(body["conversation_id"], "lead", channel): (channel, email)
        for email, body in answered.items()
        for channel in channels
    }


def stored(host: str, project: str) -> tuple[dict[str, Held], Counter[str]]:
    """Every alert, and by channel the tally of those accepted less those archived. Blocks.

    Args:
        host: the emulator's.
        project: whose documents.
    """
    os.environ["FIRESTORE_EMULATOR_HOST"] = host
    try:
        client = firestore.Client(project=project, credentials=AnonymousCredentials())
    finally:
        del os.environ["FIRESTORE_EMULATOR_HOST"]
    with closing(client):
        held = {each.id: _held(each.to_dict()) for each in client.collection("alerts").stream(timeout=120)}
        tallies: Counter[str] = Counter()
        for each in client.collection("tallies").stream(timeout=60):
            data = each.to_dict()
            tallies[data["channel"]] += data.get("accepted", 0) - data.get("archived", 0)
    return held, tallies


def evidence(
    answered: Mapping[str, Mapping[str, Any]],
    channels: Sequence[str],
    received: Mapping[str, Sequence[Mapping[str, Any]]],
    found: tuple[dict[str, Held], Counter[str]],
    *,
    refused: Mapping[str, int],
    balanced: bool,
) -> Evidence:
    """All of it together.

    Args:
        answered: the answers to visitors by their e-mail.
        channels: leads' ones.
        received: the stand-ins' logs by channel.
        found: what ``stored`` found.
        refused: outcomes that were not saved, by alert.
        balanced: what the console says.
    """
    held, tallies = found
    return Evidence(promised(answered, channels), held, shown(received), refused, tallies, balanced)


def _held(data: Mapping[str, Any]) -> Held:
    return Held(
        channel=data["channel"],
        kind=data["kind"],
        state=data["state"],
        epoch=data.get("epoch", 1),
        route=tuple(data.get("route", ())),
        history=tuple((line["outcome"], line["cause"]) for line in data["history"]),
        email=str(data["payload"].get("email") or ""),
    )
