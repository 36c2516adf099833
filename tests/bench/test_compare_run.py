"""A comparison measures, breaks, heals and judges: tried on systems in this process, one careful and one careless."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from bench.compare.judge import Shown
from bench.compare.plan import FAULTS, Fault, Plan
from bench.compare.run import Comparison, Measured, NotDelivering
from bench.compare.slack import TimedSlack
from bench.compare.systems import STRIKES, System

PLAN = Plan(
    rounds=2,
    crowd=6,
    lines=2,
    pace=40.0,
    seconds=0.1,
    settle=0.0,
    rate=40.0,
    before=0.1,
    broken=0.4,
    after=0.1,
    patience=5.0,
)
KILLED, REFUSING, STOPPED, LYING, CHECKED = (replace(fault, wait=1.0, latency=0.0) for fault in FAULTS)


class InProcess(System):
    """A chat that tells Slack beside its answer.

    Args:
        careful: a message that was not taken is sent again until it is; otherwise it is forgotten.
        twice: every message is sent twice.
        seconds: it begins to send so long after it answered.
    """

    def __init__(self, name: str, *, careful: bool = True, twice: bool = False, seconds: float = 0.0) -> None:
        super().__init__(name)
        self.struck: list[int] = []
        self.checks = self.stopped = False
        self._careful, self._twice, self._seconds = careful, twice, seconds
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Serve on a free port."""
        app = web.Application()
        app.add_routes([web.post("/chat", self._chat)])
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/chat"

    async def stop(self) -> None:
        """End it and what it was sending."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._runner and self._session:
            await self._runner.cleanup()
            await self._session.close()

    async def strike(self, number: int) -> None:
        """Remember it."""
        self.struck.append(number)

    async def queue_stops(self) -> None:
        """Turn visitors away."""
        self.stopped = True

    async def queue_goes_on(self) -> None:
        """And no longer."""
        self.stopped = False

    async def check_body(self) -> None:
        """Read what Slack says."""
        self.checks = True

    async def _chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.stopped:
            return web.Response(status=503)
        for _ in range(1 + self._twice):
            task = asyncio.create_task(self._send(body["message"]))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return web.json_response({})

    async def _send(self, text: str) -> None:
        assert self._session
        await asyncio.sleep(self._seconds)
        while True:
            async with self._session.post(self.slack_url, json={"text": text}) as answer:
                taken = answer.status == 200 and (not self.checks or await answer.text() == "ok")
            if taken or not self._careful:
                return
            await asyncio.sleep(0.02)


def compare(*systems: InProcess, faults: tuple[Fault, ...]) -> dict[str, Measured]:
    """One run."""
    return dict(asyncio.run(Comparison(systems, faults, PLAN, lambda _: None).run()))


def losses(measured: Measured) -> dict[str, bool]:
    """By fault, whether anything was lost."""
    return {key: bool(verdict.lost) for key, verdict in measured.verdicts.items()}


def test_whoever_forgets_what_was_refused_loses_it_and_whoever_repeats_it_does_not() -> None:
    """Both meet the same faults; who was answered 200 with an error believes it until told to read the answer."""
    careful, careless = InProcess("careful"), InProcess("careless", careful=False)
    found = compare(careful, careless, faults=(REFUSING, LYING, CHECKED))
    assert losses(found["careful"]) == {"b": False, "d": True, "e": False}
    assert losses(found["careless"]) == {"b": True, "d": True, "e": True}
    assert {verdict.twice for each in found.values() for verdict in each.verdicts.values()} == {0}


def test_rounds_are_measured_and_every_visitor_is_waited_for() -> None:
    """A rate a round, a wait for each visitor of the stream."""
    found = (compare(InProcess("one"), faults=()))["one"]
    assert len(found.rates) == PLAN.rounds
    assert min(found.rates) > 0
    assert len(found.waits) == PLAN.rounds * round(PLAN.pace * PLAN.seconds)


def test_who_takes_longer_is_waited_for() -> None:
    """Lost is what is not there after the wait, not what is not there at once."""
    found = compare(InProcess("slow", seconds=0.4), faults=(REFUSING,))["slow"]
    assert losses(found) == {"b": False}


def test_duplicates_are_counted() -> None:
    """One for each visitor who was told of twice."""
    verdict = (compare(InProcess("twice", twice=True), faults=(KILLED,)))["twice"].verdicts["a"]
    assert verdict.twice == verdict.accepted > 0
    assert verdict.lost == ()


def test_every_strike_is_made_and_a_queue_that_stops_goes_on() -> None:
    """Who is turned away meanwhile is not lost."""
    system = InProcess("one")
    found = (compare(system, faults=(KILLED, STOPPED)))["one"]
    assert system.struck == list(range(STRIKES))
    assert not system.stopped
    assert found.verdicts["c"].turned_away > 0
    assert found.verdicts["c"].accepted > 0
    assert losses(found) == {"a": False, "c": False}


def test_a_system_that_does_not_deliver_unbroken_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run says so instead of printing a figure."""
    system = InProcess("mute")
    monkeypatch.setattr(system, "_send", lambda _text: asyncio.sleep(0))
    monkeypatch.setattr("bench.compare.run._TRIAL_SECONDS", 0.3)
    with pytest.raises(NotDelivering, match="mute, while nothing was broken: 2 accepted, 0 turned away, 2 not shown"):
        compare(system, faults=())


def test_slack_remembers_when_it_took_what_and_takes_its_time() -> None:
    """Half before it accepts, half after; what it refuses is not shown."""
    began, [shown] = asyncio.run(shown_slowly({"text": "visitor-1-1@example.com"}, {"no": "text"}))
    assert shown.emails == ("visitor-1-1@example.com",)
    assert shown.at - began >= 0.1


async def shown_slowly(*bodies: dict[str, str]) -> tuple[float, list[Shown]]:
    """When the first was posted, and what a Slack that takes a fifth of a second shows of them."""
    slack = TimedSlack()
    address, slack.latency = await slack.start(), 0.2
    try:
        async with aiohttp.ClientSession() as session:
            began = time.monotonic()
            for body in bodies:
                await (await session.post(address, json=body)).read()
    finally:
        await slack.stop()
    return began, slack.shown
