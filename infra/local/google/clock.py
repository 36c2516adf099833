"""The time the stand-in lives by: the machine's, or one a test moves by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

FAR_FUTURE = datetime.max.replace(tzinfo=UTC)
"""Never, as a moment to sleep until."""

_LONGEST_NAP = timedelta(minutes=1)  # timers stand still while a laptop sleeps: look at the clock again now and then


class Clock(Protocol):
    """Where the stand-in reads the time and how it waits."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    async def sleep_until(self, when: datetime, wake: asyncio.Event) -> None:
        """Return once ``when`` has come or ``wake`` is set, whichever is first; at once where one already holds."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime, wake: asyncio.Event) -> None:
        """Return once ``when`` has come or ``wake`` is set, whichever is first."""
        while not wake.is_set() and (left := when - self.now()) > timedelta(0):
            try:
                async with asyncio.timeout(min(left, _LONGEST_NAP).total_seconds()):
                    await wake.wait()
            except TimeoutError:
                continue


class ManualClock:
    """A time that passes only when ``advance`` is called, so that days take no time and the order is always the same.

    It belongs to one event loop.
    """

    def __init__(self, start: datetime, *, turns: int = 30) -> None:
        self._now = start.astimezone(UTC)
        self._turns = turns
        self._sleepers: dict[asyncio.Future[None], datetime] = {}

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return self._now

    async def sleep_until(self, when: datetime, wake: asyncio.Event) -> None:
        """Return once ``when`` has come or ``wake`` is set, whichever is first."""
        if when <= self._now or wake.is_set():
            return
        due: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        woken = asyncio.ensure_future(wake.wait())
        self._sleepers[due] = when
        try:
            await asyncio.wait((due, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._sleepers[due]
            woken.cancel()

    async def advance(self, by: timedelta) -> None:
        """Let ``by`` pass: everyone due on the way is woken in the order of time, at exactly their moment."""
        end = self._now + by
        await self.settle()
        while due := [sleeper for sleeper, when in self._sleepers.items() if when <= end and not sleeper.done()]:
            first = min(self._sleepers[sleeper] for sleeper in due)
            self._now = max(self._now, first)
            for sleeper in due:
                if self._sleepers[sleeper] <= self._now:
                    sleeper.set_result(None)
            await self.settle()
        self._now = end
        await self.settle()

    async def settle(self) -> None:
        """Let everything that can go on without time passing and without a network go on."""
        for _ in range(self._turns):
            await asyncio.sleep(0)
