"""After an outage: how soon all who waited are read of in Slack, at its own pace, and what new leads wait meanwhile.

The whole local system runs with its usual rhythms and paces. Slack's breaker stands open and its time has come, as many
leads as asked for wait for it, and Slack is well again. From the sweep's next run on it is watched until every one of
them is shown; all the while new visitors come and leave their address.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from google.cloud import firestore

from bench.filling import emulator
from bench.report import say, table
from infra.local import wiring
from infra.local.system import LocalSystem
from infra.manifest import load
from shared.adapters.firestore import Database
from shared.adapters.firestore_breakers import FirestoreBreakers
from shared.adapters.firestore_documents import alert_document, dead_letter_document, tally_id
from shared.domain import alert as alerts
from shared.domain import breaker as breakers
from shared.domain.alert import Alert, State
from shared.domain.breaker import Breaker
from shared.ports import StoredBreaker

BATCH = 100
LOOK_SECONDS = 0.5
GIVE_UP_SECONDS = 3600.0
OUTAGE = timedelta(hours=2)
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Storm:
    """What is asked for.

    Attributes:
        waiting: leads that wait for Slack.
        every: seconds between two new visitors.
        paces: overrides of the manifest's, as ``BELLHOP_PACES`` takes them; empty for none.
    """

    waiting: int
    every: float
    paces: str = ""


@dataclass
class Drained:
    """What came of it.

    Attributes:
        seconds: from the repair until every lead that waited was shown.
        messages: that told of them.
        waits: of the new leads, in seconds.
        missing: leads that were not shown.
        twice: leads that were shown more than once.
        balanced: conservation adds up.
    """

    seconds: float
    messages: int
    waits: list[float]
    missing: int
    twice: int
    balanced: bool


def run(storm: Storm) -> bool:
    """Measure and print; whether every lead was shown, and conservation adds up."""
    with emulator(roomy=True):  # without indexes it looks through all there is, within Bellhop's own deadlines
        drained = asyncio.run(_run(storm))
    pace = load().queues["slack"].max_dispatches_per_second if not storm.paces else None
    table(
        f"{storm.waiting:,} leads that waited for Slack, from its repair on",
        ["", ""],
        [
            ["seconds until all were read", f"{drained.seconds:.0f}"],
            ["messages that told of them", drained.messages],
            ["a message a second that Slack takes", pace if pace is not None else storm.paces],
            ["new leads meanwhile", len(drained.waits)],
            ["their longest wait, seconds", f"{max(drained.waits, default=0):.1f}"],
            [
                "their median wait, seconds",
                f"{sorted(drained.waits)[len(drained.waits) // 2]:.1f}" if drained.waits else "-",
            ],
            ["leads not shown", drained.missing],
            ["leads shown twice", drained.twice],
            ["conservation balanced", "yes" if drained.balanced else "NO"],
        ],
    )
    return not drained.missing and drained.balanced


async def _run(storm: Storm) -> Drained:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BELLHOP_")}
    environ |= {"LEAD_CHANNELS": "slack", "CHAT_RATE_LIMIT": "10000 per minute"}
    environ |= {"BELLHOP_PACES": storm.paces} if storm.paces else {}
    said: list[str] = []
    system = LocalSystem(wiring.paced(load(), environ), environ, port=0, say=said.append)
    try:
        await system.start()
        return await _watched(system, storm)
    finally:
        await system.stop()


async def _watched(system: LocalSystem, storm: Storm) -> Drained:
    info: Mapping[str, Any] = system.info()
    say(f"storing {storm.waiting:,} leads that wait")
    names = await asyncio.to_thread(_arrange, info, storm.waiting)
    headers = {"X-ADMIN-API-KEY": info["admin_api_key"]}
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        began = time.monotonic()
        async with session.post(f"{system.url}/_local/jobs/retry_dead_letters/run") as answer:
            answer.raise_for_status()
        coming = asyncio.create_task(_come(system, session, storm.every))
        shown: dict[str, int] = {}
        try:
            while time.monotonic() - began < GIVE_UP_SECONDS:
                shown = _shown(system)
                if all(name in shown for name in names):
                    break
                say(f"{time.monotonic() - began:4.0f} s: {sum(name in shown for name in names):,} read of")
                await asyncio.sleep(max(LOOK_SECONDS, storm.every / 2))
        finally:
            coming.cancel()
            (waits,) = await asyncio.gather(coming, return_exceptions=True)
        seconds = time.monotonic() - began
        messages = sum(bool(names & set(_ids(message))) for message in system.destinations["slack"].received)
        balanced = await _balanced(system, session)
    return Drained(
        seconds,
        messages,
        waits if isinstance(waits, list) else [],
        sum(name not in shown for name in names),
        sum(shown.get(name, 0) > 1 for name in names),
        balanced,
    )


def _arrange(info: Mapping[str, Any], number: int) -> set[str]:
    """Leads that a breaker holds up, their dead letters, what was accepted, and the breaker, open and due."""
    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    os.environ["FIRESTORE_EMULATOR_HOST"] = info["firestore"]
    try:
        database, now = Database(info["project"]), datetime.now(UTC)
        made = [_waiting(place, now) for place in range(number)]
        for first in range(0, number, BATCH):
            _store(database, made[first : first + BATCH])
        opened = breakers.opened(
            Breaker("slack"), "http_503", now=now - OUTAGE, wait=timedelta(0), nonce=secrets.token_hex(16)
        )
        FirestoreBreakers(database).write(StoredBreaker(opened, None, now))
        database.client.close()
        return {alert.id for alert in made}
    finally:
        if before is None:
            del os.environ["FIRESTORE_EMULATOR_HOST"]
        else:
            os.environ["FIRESTORE_EMULATOR_HOST"] = before


def _waiting(place: int, now: datetime) -> Alert:
    made = now - OUTAGE + timedelta(milliseconds=500 * place)
    lead = {
        "name": f"Visitor {place}",
        "email": f"visitor-{place}@example.com",
        "phone": "+48600100200",
        "message": f"How much is it for {place} square metres, and when could you come?",
        "score": place % 100,
    }
    created = alerts.create(
        secrets.token_hex(16),
        conversation_id=secrets.token_hex(16),
        channel="slack",
        kind=alerts.LEAD,
        payload=lead,
        now=made,
        nonce=secrets.token_hex(16),
        grace=timedelta(seconds=10),
    )
    held = {"state": State.PARKED, "blocked": True, "cause": breakers.BREAKER_OPEN, "wake_at": now + timedelta(hours=1)}
    return Alert(**{**vars(created), **held})


def _store(database: Database, made: list[Alert]) -> None:
    batch = database.client.batch()
    for alert in made:
        letter = dead_letter_document(alert) | {"entered_at": alert.created_at, "escalated_at": None}
        batch.create(database.document("alerts", alert.id), alert_document(alert))
        batch.create(database.document("dead_letters", alert.id), letter)
        counted = {"channel": "slack", "kind": alerts.LEAD, "accepted": firestore.Increment(1)}
        batch.set(database.document("tallies", tally_id("slack", alerts.LEAD, alert.id)), counted, merge=True)
    batch.commit()


async def _come(system: LocalSystem, session: aiohttp.ClientSession, every: float) -> list[float]:
    """Visitors who come one after the other until it is over; how long Slack took to show each."""
    waits: list[float] = []
    watching: set[asyncio.Task[None]] = set()
    try:
        while True:
            watching.add(asyncio.create_task(_visit(system, session, waits)))
            await asyncio.sleep(every)
    except asyncio.CancelledError:
        await asyncio.gather(*watching, return_exceptions=True)
        return waits


async def _visit(system: LocalSystem, session: aiohttp.ClientSession, waits: list[float]) -> None:
    email = f"new-{secrets.token_hex(6)}@example.com"
    async with session.post(f"{system.url}/chat", json={"message": f"Call me, {email}"}) as answer:
        answer.raise_for_status()
    began = time.monotonic()
    while time.monotonic() - began < GIVE_UP_SECONDS:
        if any(email in json.dumps(message) for message in system.destinations["slack"].received[-200:]):
            waits.append(time.monotonic() - began)
            return
        await asyncio.sleep(0.2)


def _shown(system: LocalSystem) -> dict[str, int]:
    """The ids that Slack shows, and how often."""
    counts: dict[str, int] = {}
    for message in system.destinations["slack"].received:
        for name in set(_ids(message)):
            counts[name] = counts.get(name, 0) + 1
    return counts


def _ids(message: Any) -> list[str]:
    return _ID.findall(json.dumps(message))


async def _balanced(system: LocalSystem, session: aiohttp.ClientSession) -> bool:
    async with session.get(f"{system.url}/admin_console/conservation") as answer:
        return answer.ok and bool((await answer.json())["balanced"])
