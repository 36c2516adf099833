"""The visitors of a comparison: each asks once, from an address of their own, and does not come back."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
import secrets
import time
from collections.abc import Iterator

from bench.compare.judge import Asked
from bench.wire import Line

PATIENCE_SECONDS = 10.0
_OK = 200
_WANTS = ("a kitchen", "two windows & a door", "ein Bad mit Fenster, schön", "a garden and a shed")
_addresses = (str(ipaddress.ip_address(number)) for number in itertools.count(int(ipaddress.ip_address("10.0.0.1"))))


class Visitors:
    """Those of one load.

    Args:
        url: of the chat.

    Attributes:
        asked: what each met, by e-mail.
    """

    def __init__(self, url: str) -> None:
        self.asked: dict[str, Asked] = {}
        self._url = url
        run = secrets.token_hex(4)
        self._emails = (f"visitor-{run}-{number}@example.com" for number in itertools.count())

    async def crowd(self, number: int, lines: int) -> None:
        """So many, over so many connections, each as soon as the one before it was answered."""
        waiting = iter(range(number))
        await asyncio.gather(*(self._line(waiting) for _ in range(lines)))

    async def stream(self, rate: float, seconds: float) -> None:
        """So many a second, for so long; who is slow to be answered holds up nobody."""
        began, asking = time.monotonic(), []
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            asking.append(asyncio.create_task(self._alone()))
        await asyncio.gather(*asking)

    async def _line(self, waiting: Iterator[int]) -> None:
        line = Line(self._url)
        for _ in waiting:
            if not await self._ask(line):
                line = Line(self._url)
        await line.close()

    async def _alone(self) -> None:
        line = Line(self._url)
        await self._ask(line)
        await line.close()

    async def _ask(self, line: Line) -> bool:
        """Whether the connection held."""
        email, began = next(self._emails), time.monotonic()
        message = f"Hi, I need {_WANTS[len(self.asked) % len(_WANTS)]}. Please write to me: {email}"
        self.asked[email] = Asked(began, accepted=False)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                headers = {"X-Forwarded-For": next(_addresses)}
                answer = await line.post(json.dumps({"message": message}).encode(), headers)
        except (OSError, TimeoutError, EOFError):
            return False
        self.asked[email] = Asked(began, accepted=answer.status == _OK)
        return True
