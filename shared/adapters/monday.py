"""A Monday.com board as a channel: an alert becomes one item, and an update of a lead changes the lead's.

Sources: https://developer.monday.com/api-reference/docs/idempotency (an answer is kept 30 minutes under its key),
https://developer.monday.com/api-reference/reference/items (``create_item``; ``column_values`` is a string of JSON),
https://developer.monday.com/api-reference/reference/items-page-by-column-values,
https://developer.monday.com/api-reference/reference/columns (``change_multiple_column_values``).

An alert is never two items. While Monday.com keeps the key's answer, a repeat under the same key gets that answer;
after that, and after a redrive (which has a new key), the item is looked up by the alert's id before it is made. What a
look-up could not find out is never taken for "it is not there".

An update is looked up by the *lead's* alert id. Changing an item to the same values twice is harmless, so it needs no
key. Where there is no item it waits for the lead's alert; an item that was there and is gone is made anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.adapters.http import AGENT, NotSent, Unanswered, post
from shared.adapters.monday_answers import Reading, classify, classify_change, found, read, refusal
from shared.adapters.monday_item import changed_values, lead_of, monday_item
from shared.domain.alert import UPDATE
from shared.domain.outcome import Blocked, Delivered, Outcome, Retry, Unknown
from shared.errors import ConfigError
from shared.monday_columns import parse_columns, resolve_columns
from shared.ports import Message

__all__ = ["API_VERSION", "Monday", "parse_columns"]

API_VERSION = "2026-07"
KEY_TRUSTED = timedelta(minutes=25)
"""How long after the first attempt its key is relied on: 30 minutes, less what clocks and queues may differ by."""

INDEXED = timedelta(minutes=1)
"""How long after a lead's delivery a look-up that finds nothing proves nothing: a board's index may be behind."""

SOON = timedelta(seconds=2)
SECONDS_TO_CONNECT = 0.2

CREATE = """\
mutation ($board: ID!, $name: String!, $group: String, $values: JSON, $labels: Boolean) {
  create_item(board_id: $board, item_name: $name, group_id: $group, column_values: $values,
    create_labels_if_missing: $labels) {
    id
    url
  }
}"""

CHANGE = """\
mutation ($board: ID!, $item: ID!, $values: JSON!, $labels: Boolean) {
  change_multiple_column_values(board_id: $board, item_id: $item, column_values: $values,
    create_labels_if_missing: $labels) {
    id
    url
  }
}"""

LOOK_UP = """\
query ($board: ID!, $column: String!, $value: String!) {
  items_page_by_column_values(limit: 1, board_id: $board, columns: [{column_id: $column, column_values: [$value]}]) {
    items {
      id
    }
  }
}"""


class Monday:
    """``shared.ports.Channel`` for one board.

    Args:
        api_key: the token, as it goes into ``Authorization``.
        board_id: the board's number.
        api_url: where the API is.
        group_id: the group new items go into; the board's first one if None.
        columns: field → column id, or ``"id:type"`` (``shared.monday_columns``).
        agent: how it introduces itself.

    Raises:
        ConfigError: names the setting that cannot be used.
    """

    def __init__(
        self,
        *,
        api_key: str,
        board_id: str,
        api_url: str = "https://api.monday.com/v2",
        group_id: str | None = None,
        columns: Mapping[str, str],
        agent: str = AGENT,
    ) -> None:
        if not re.fullmatch(r"[\x21-\x7e]+", api_key):
            raise ConfigError("MONDAY_API_KEY: was (secret); takes visible ASCII characters")
        if not re.fullmatch(r"[0-9]{1,20}", board_id):
            raise ConfigError(f"MONDAY_BOARD_ID: was {board_id!r}; takes the board's number")
        try:
            self._columns = resolve_columns(columns)
        except ValueError as error:
            raise ConfigError(f"MONDAY_COLUMNS: takes {error}") from None
        self._url = api_url
        self._headers = {"Authorization": api_key, "API-Version": API_VERSION, "Content-Type": "application/json"}
        self._headers["User-Agent"] = agent
        self._board = board_id
        self._group = group_id
        self._labels = any(column.type in ("status", "dropdown") for column in self._columns.values())

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Make the alert's item, unless it is there; see ``shared.ports.Channel``."""
        now = message.now or datetime.now(UTC)
        if message.kind == UPDATE:
            return self._update(message, now, deadline)
        first = message.first_sent_at
        late = first is not None and now - first > KEY_TRUSTED
        redriven = first is not None and message.epoch > 1  # its new key says nothing of the earlier epoch's attempts
        if late or redriven:
            there = self._look_up(message.alert_id, now, deadline)
            if there is not None:
                return Delivered() if isinstance(there, str) else _doubtful(there)
        answered = self._ask(CREATE, self._create(message), deadline, {"Idempotency-Key": idempotency_key(message)})
        if not isinstance(answered, Reading):
            return answered if first is None else _doubtful(answered)
        outcome = classify(answered, now)
        if first is None:
            return outcome
        # A board's index may be behind by seconds: of a fresh attempt a look-up proves nothing.
        return _settled(outcome, nothing_there=late and not redriven) if answered.replayed else _doubtful(outcome)

    def _update(self, message: Message, now: datetime, deadline: float) -> Outcome:
        """Change the lead's item; what is not certain leaves an earlier attempt's key alone."""
        there = self._look_up(lead_of(message), now, deadline)
        if isinstance(there, str):
            outcome = self._change(there, message, now, deadline)
        elif there is not None:
            outcome = there
        elif message.lead_ended_at is None:
            outcome = Retry("lead_not_delivered", SOON)
        elif now - message.lead_ended_at < INDEXED:
            outcome = Retry("item_not_found", SOON)
        else:
            key = {"Idempotency-Key": idempotency_key(message)}
            answered = self._ask(CREATE, self._create(message), deadline, key)
            outcome = classify(answered, now) if isinstance(answered, Reading) else answered
        return outcome if message.first_sent_at is None else _doubtful(outcome)

    def _change(self, item_id: str, message: Message, now: datetime, deadline: float) -> Outcome:
        values = json.dumps(changed_values(message, self._columns))
        variables = self._labelled({"board": self._board, "item": item_id, "values": values}, message)
        answered = self._ask(CHANGE, variables, deadline, {})
        return classify_change(answered, now) if isinstance(answered, Reading) else answered

    def _look_up(self, alert_id: str, now: datetime, deadline: float) -> str | Outcome | None:
        """The id of an alert's item, None if there is none, else what kept us from finding out."""
        variables = {"board": self._board, "column": self._columns["alert_id"].id, "value": alert_id}
        answered = self._ask(LOOK_UP, variables, deadline, {})
        if not isinstance(answered, Reading):
            return answered
        items = found(answered)
        if items is None:
            return refusal(answered, now)
        return items[0] if items else None

    def _create(self, message: Message) -> dict[str, Any]:
        item = monday_item(message, self._columns)
        variables = {"board": self._board, "name": item.name, "values": json.dumps(item.column_values)}
        if self._group is not None:
            variables["group"] = self._group
        return self._labelled(variables, message)

    def _labelled(self, variables: dict[str, Any], message: Message) -> dict[str, Any]:
        """Leave to make labels is asked for only where a column has them."""
        return {**variables, "labels": True} if self._labels and not message.plain else variables

    def _ask(
        self, query: str, variables: Mapping[str, Any], deadline: float, headers: Mapping[str, str]
    ) -> Reading | Outcome:
        if deadline - time.monotonic() < SECONDS_TO_CONNECT:
            return Retry("no_time_left")
        body = json.dumps({"query": query, "variables": variables}).encode()
        try:
            return read(post(self._url, body=body, headers={**self._headers, **headers}, deadline=deadline))
        except NotSent as error:
            # A certificate that is not theirs has to be looked into by a person.
            return Blocked("certificate") if str(error) == "certificate" else Retry(str(error))
        except Unanswered as error:
            return Unknown(str(error))


def idempotency_key(message: Message) -> str:
    """The key of an alert's attempts that may stand for one another, as a UUID; a key belongs to one body."""
    named = json.dumps([message.alert_id, message.epoch, message.key, *(["plain"] if message.plain else [])]).encode()
    return str(uuid.UUID(bytes=hashlib.blake2b(named, digest_size=16, person=b"monday-key").digest()))


def _doubtful(outcome: Outcome) -> Outcome:
    """An attempt that failed says nothing of an earlier one that was not answered: their key must be kept."""
    return replace(outcome, maybe_shown=True) if isinstance(outcome, Retry) else outcome


def _settled(outcome: Outcome, *, nothing_there: bool) -> Outcome:
    """The kept answer of the earlier attempt: with a look-up that found nothing, even a 5xx means that it failed."""
    return replace(outcome, maybe_shown=False) if isinstance(outcome, Retry) and nothing_there else outcome
