"""What a delivery task carries: ids only, never a visitor's data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.edge.fields import ID
from shared.edge.json_text import json_type
from shared.edge.refusals import invalid_field

_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST_GENERATIONS = 2**53


@dataclass(frozen=True)
class TaskRequest:
    """Which alert, for which of its generations the task was made, and for which channel, where it says so."""

    alert_id: str
    generation: int
    channel: str | None = None


@dataclass(frozen=True)
class DigestRequest:
    """Which digest the task is of."""

    digest_id: str


def read_task_request(body: Mapping[str, Any]) -> TaskRequest | DigestRequest:
    """Check a task's body: an alert's, or a digest's where it names one.

    Raises:
        RequestError: 400, names the field.
    """
    digest_id = body.get("digest_id")
    if digest_id is None:
        return _of_alert(body)
    if not isinstance(digest_id, str) or not ID.fullmatch(digest_id):
        raise invalid_field("digest_id", "a digest's id", json_type(digest_id))
    return DigestRequest(digest_id)


def _of_alert(body: Mapping[str, Any]) -> TaskRequest:
    alert_id, generation = body.get("alert_id"), body.get("generation")
    if not isinstance(alert_id, str) or not ID.fullmatch(alert_id):
        raise invalid_field("alert_id", "an alert's id", json_type(alert_id))
    if isinstance(generation, float) and generation.is_integer():
        generation = int(generation)  # 2.0 is 2: JSON has one kind of number (RFC 8259, 6)
    if not isinstance(generation, int) or isinstance(generation, bool) or not 0 < generation < _MOST_GENERATIONS:
        raise invalid_field("generation", "a whole number from 1", json_type(generation))
    channel = body.get("channel")
    if channel is not None and (not isinstance(channel, str) or not _CHANNEL.fullmatch(channel)):
        raise invalid_field("channel", "a channel's name, or nothing", json_type(channel))
    return TaskRequest(alert_id, generation, channel)
