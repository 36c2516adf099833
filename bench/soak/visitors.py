"""The visitors of a soak: each with an address and an idempotency key of their own, who ask again until answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

ASK_SECONDS = 20.0
GIVE_UP_SECONDS = 150.0
"""A key whose turn was killed can be used again after a minute."""

AGAIN_SECONDS = 1.0
AT_ONCE = 8
WORDS = (
    "a kitchen",
    "<!channel> a roof",
    "two windows & a door",
    "ein Bad mit Fenster, schön 🛁",
    "a garden\nand a shed",
)


@dataclass
class Visitors:
    """Who comes, and what they were told.

    Attributes:
        url: the gateway's.
        seed: of the run: in the addresses they leave.
        answered: the bodies of the answers, by the e-mail they left.
        refused: every other thing that came instead of an answer.
        gave_up: those who were never answered.
    """

    url: str
    seed: int
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    gave_up: int = 0

    async def come(self, number: int, *, room: Callable[[], bool], until: float) -> None:
        """So many visitors, some at a time, as long as there is room for their alerts.

        Args:
            number: of visitors.
            room: whether the next one may come.
            until: monotonic seconds after which nobody comes any more.
        """
        waiting = iter(range(number))

        async def line() -> None:
            for each in waiting:
                while not room() and time.monotonic() < until:  # noqa: ASYNC110 - what is looked at has no event
                    await asyncio.sleep(0.2)
                if time.monotonic() > until:
                    return
                await self._visit(each)

        await asyncio.gather(*(line() for _ in range(AT_ONCE)))

    async def _visit(self, number: int) -> None:
        email = f"soak-{self.seed}-{number}@example.com"
        body = {
            "message": f"Hi, I need {WORDS[number % len(WORDS)]}. Please call me: {email}",
            "name": f"Visitor {number}",
        }
        began = time.monotonic()
        while time.monotonic() - began < GIVE_UP_SECONDS:
            answer = await self._ask(body, address_of(number), key=f"soak-{self.seed}-{number}")
            if answer is not None:
                self.answered[email] = answer
                return
            await asyncio.sleep(AGAIN_SECONDS)
        self.gave_up += 1

    async def _ask(self, body: dict[str, Any], address: str, *, key: str) -> dict[str, Any] | None:
        timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
        connector = aiohttp.TCPConnector(local_addr=(address, 0), force_close=True)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
                session.post(f"{self.url}/chat", json=body, headers={"Idempotency-Key": key}) as answer,
            ):
                if answer.status == 200:  # noqa: PLR2004 - HTTP's own number
                    told: dict[str, Any] = await answer.json()
                    return told
                self.refused[str(answer.status)] += 1
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.refused[type(error).__name__] += 1
        return None


def address_of(number: int) -> str:
    """The loopback address a visitor comes from; few share one."""
    shared = number // 3
    return f"127.{1 + shared // 62_500 % 250}.{shared // 250 % 250}.{1 + shared % 250}"
