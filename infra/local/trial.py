"""The trial before "ready": every leg of the way from a message to a destination is walked once.

A chat goes through the gateway to Firestore; a task for an alert that does not exist goes through each destination's
queue, with its token, to its function and Firestore; through the other queues goes a task that continues their
function's work; each job is run. What the trial wrote is deleted afterwards.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp

from infra.local.google.standin import GoogleStandIn
from infra.local.wiring import Wiring

LEG_SECONDS = 45.0
"""What a leg may take: a machine that does much else, or an emulator that is still cold, is slow and not broken."""

POLL_SECONDS = 0.02
AGAIN_SECONDS = 0.5
UNAVAILABLE = 503
"""What a function answers whose storage does not answer in time; it says itself that it may be asked again."""

AFTERWARDS = ("canary",)
"""Jobs that go through what the other legs have shown to be passable."""


class TrialFailed(Exception):  # noqa: N818 - what happened
    """One leg of the way is not passable.

    Attributes:
        function: which function did not do its part.
    """

    def __init__(self, function: str, what: str) -> None:
        super().__init__(what)
        self.function = function


async def try_out(gateway: str, wired: Wiring, google: GoogleStandIn) -> None:
    """Walk every leg at the same time.

    Raises:
        TrialFailed: the first leg that failed.
    """
    legs = [_queue(name, wired, google) for name in wired.manifest.queues]
    legs += [_job(name, wired, google) for name in wired.manifest.jobs if name not in AFTERWARDS]
    if "chat" in wired.manifest.functions:
        legs.append(_chat(gateway))
    walking = [asyncio.ensure_future(leg) for leg in legs]
    try:
        await asyncio.gather(*walking)
    finally:
        for leg in walking:
            leg.cancel()
        await asyncio.gather(*walking, return_exceptions=True)
    for name in AFTERWARDS:
        if name in wired.manifest.jobs:
            await _job(name, wired, google)


async def _chat(gateway: str) -> None:
    give_up = time.monotonic() + LEG_SECONDS
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LEG_SECONDS)) as session:
            while True:
                async with session.post(f"{gateway}/chat", json={"message": "Hello"}) as answer:
                    status, text = answer.status, await answer.text()
                if status != UNAVAILABLE or time.monotonic() > give_up:
                    break
                await asyncio.sleep(AGAIN_SECONDS)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TrialFailed("chat", f"A chat was not answered ({type(error).__name__}).") from error
    if status != 200:  # noqa: PLR2004 - HTTP's own number
        raise TrialFailed("chat", f"A chat was answered with {status}: {text[:500]}")


async def _queue(name: str, wired: Wiring, google: GoogleStandIn) -> None:
    queue = wired.places.queue(name)
    google.create_task(queue, wired.task_body(name))
    give_up = time.monotonic() + LEG_SECONDS
    while google.queue_depth(queue):
        if time.monotonic() > give_up:
            target = wired.manifest.queues[name].target
            raise TrialFailed(target, f"{target} does not accept the tasks of the queue {name}.")
        await asyncio.sleep(POLL_SECONDS)


async def _job(name: str, wired: Wiring, google: GoogleStandIn) -> None:
    give_up = time.monotonic() + LEG_SECONDS
    while True:
        status = await google.run_job(wired.job_name(name))
        if status != UNAVAILABLE or time.monotonic() > give_up:
            break
        await asyncio.sleep(AGAIN_SECONDS)
    if status is None or not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        target = wired.manifest.jobs[name].target
        said = "did not answer" if status is None else f"answered with {status}"
        raise TrialFailed(target, f"{target} {said} when the job {name} ran.")
