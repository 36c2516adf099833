"""Visitors of a website who write to a chat: what they ask, in which order, over how many connections."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from bench.knowledge import questions
from bench.wire import Answer, Line

TURNS = 4
"""Messages of one visitor: the first one begins a conversation, the others continue it."""

_clients = itertools.count(int(ipaddress.ip_address("10.0.0.1")))


@cache
def _asked() -> tuple[Iterator[str], ...]:
    """For each language what is asked in it: the knowledge benchmark's questions, shuffled the same way every time."""
    by_language: dict[str, list[str]] = {}
    for each in questions():
        by_language.setdefault(each.language, []).append(each.text)
    for texts in by_language.values():
        random.Random(TURNS).shuffle(texts)  # noqa: S311 - an order, no secret
    return tuple(itertools.cycle(texts) for texts in by_language.values())


@dataclass(frozen=True)
class Said:
    """One message of a visitor.

    Attributes:
        body: without the session, which only the answer before it names.
        client: the visitor's address, their own.
        key: an idempotency key, None for none.
    """

    body: Mapping[str, str]
    client: str
    key: str | None

    def headers(self) -> dict[str, str]:
        """What is sent beside the body."""
        key = {} if self.key is None else {"Idempotency-Key": self.key}
        return {"X-Forwarded-For": self.client} | key


def visitors(messages: int) -> Iterator[list[Said]]:
    """Visitors of ``TURNS`` messages each until there are so many messages; every other one sends keys."""
    for number, start in enumerate(range(0, messages, TURNS)):
        client, asking = str(ipaddress.ip_address(next(_clients))), _asked()[number % len(_asked())]
        asked = [next(asking) for _ in range(start, min(start + TURNS, messages))]
        yield [Said({"message": each}, client, secrets.token_hex(16) if number % 2 else None) for each in asked]


async def all_write(url: str, messages: int, connections: int) -> list[Answer]:
    """Send so many messages over so many connections, each visitor's next message after the answer to the last.

    Raises:
        OSError, TimeoutError: a connection broke, or an answer did not come.
    """
    waiting = visitors(messages)
    lines = (_write(url, waiting) for _ in range(connections))
    return [answer for line in await asyncio.gather(*lines) for answer in line]


async def _write(url: str, waiting: Iterator[list[Said]]) -> list[Answer]:
    line, answers = Line(url), []
    for visitor in waiting:
        session: dict[str, str] = {}
        for said in visitor:
            answer = await line.post(json.dumps({**said.body, **session}).encode(), said.headers())
            answers.append(answer)
            session = session or _session(answer)
    await line.close()
    return answers


def _session(answer: Answer) -> dict[str, str]:
    """The session that an answer names; nothing where it is no answer, which the caller will see."""
    try:
        return {"session_id": json.loads(answer.body)["session_id"]}
    except (ValueError, KeyError, TypeError):
        return {}
