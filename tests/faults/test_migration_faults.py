"""A migration while visitors write: whichever of its calls is struck or stopped, no message and no field is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.support.harness.checker import judge
from tests.support.harness.lanes import AT_ONCE, LANES, Harness
from tests.support.harness.shim import MODES, Strike
from tests.support.harness.stopping import stopped_in
from tests.support.harness.sweep import strikes
from tests.support.harness.trial import Step, Trial, trial

STEP = Step("migrate", {"step": "0001"})
VISITORS = 3
SETTINGS = {
    "ADMIN_API_KEYS": "an-admin-key-of-tests-of-some-length",
    "MIGRATION_URL": "http://127.0.0.1:1/admin_migration",
}
STOP = "stop"
BLIND = "a migration writes without a condition"


async def migrated(harness: Harness, strike: Strike | None, plant: str | None = None) -> tuple[Any, list[str]]:
    """Migrate conversations that are gone on with; the migration's calls, and what is wrong afterwards.

    A process that is stopped has read and not written, or is about to read: everybody writes before it goes on. Where
    the process ends or fails instead, everybody writes before the migration is begun again.
    """
    async with trial(harness, settings=SETTINGS, plant=plant) as made:
        for _ in range(VISITORS):
            await made.lead()
        visitors = list(made.answered)
        assert (await made.run(Step("outdate"))).done == VISITORS
        if strike is not None and strike.mode == STOP:
            running, go_on = await stopped_in(made, STEP, strike)
            await everybody_writes(made, visitors, 1)
            go_on()
            answer = await running
        else:
            answer = await made.run(STEP, strike)
            await everybody_writes(made, visitors, 1)
        state = answer.answer
        async with asyncio.timeout(60):
            while state != "done":
                again = await made.run(STEP)
                state = again.answer
                await asyncio.sleep(0.1)  # of one that died the lease has to end
        await everybody_writes(made, visitors, 2)
        await made.heal()
        return answer.calls, judge(made).wrong + [wrong for each in visitors for wrong in await missing(made, each)]


async def everybody_writes(made: Trial, visitors: list[dict[str, Any]], number: int) -> None:
    """Each visitor goes on with their conversation."""
    asked = [
        made.chat(session=each["session_id"], email=each["email"], message=f"Question {number}?") for each in visitors
    ]
    answers = await asyncio.gather(*(made.run(step) for step in asked))
    assert [answer.status for answer in answers] == [200] * len(visitors)


async def missing(made: Trial, visitor: dict[str, Any]) -> list[str]:
    """What of a conversation is not there: its turns, messages and fields, old and new ones."""
    name = visitor["conversation_id"]
    stands = made.last["conversations"][name]
    logged = await made.documents(f"conversations/{name}/messages")
    first = f"Hi, call me, {visitor['email']}"
    said = [first, "Question 1?", "Question 2?"]
    wanted = {
        "turns": said,
        "messages": sorted(said),
        "turn_count": len(said),
        "email": visitor["email"],
        "unknown_field": "stays",
        "context_data": f'{{"user": {{"Email": "{visitor["email"].upper()}"}}}}',
    }
    found = {name: stands.get(name) for name in wanted}
    found["turns"] = [turn["question"] for turn in stands["turns"]]
    found["messages"] = sorted(message["question"] for message in logged.values())
    return [f"{key} of {name} is {found[key]}, not {wanted[key]}" for key in wanted if found[key] != wanted[key]]


def swept(harness: Harness, modes: tuple[str, ...], plant: str | None = None) -> dict[str, list[str]]:
    """Every call of the migration in these modes; what is wrong, by point."""

    async def tried() -> dict[str, list[str]]:
        calls, wrong = await migrated(harness, None, plant)
        assert wrong == [] or plant is not None
        room = asyncio.Semaphore(LANES if STOP not in modes else AT_ONCE // 2)  # who is stopped keeps its turn

        async def one(strike: Strike) -> tuple[str, list[str]]:
            async with room:
                return f"{strike.label} {strike.number}, {strike.mode}", (await migrated(harness, strike, plant))[1]

        every = {replace(each, mode=mode) for each in strikes(calls) for mode in modes}
        assert len(every) >= 8 * len(modes), calls
        return {point: wrong for point, wrong in await asyncio.gather(*map(one, every)) if wrong}

    return harness.run(tried())


def test_stopped_at_any_call_while_everybody_writes(harness: Harness) -> None:
    """What it had read has changed when it writes: it reads again."""
    assert swept(harness, (STOP,)) == {}


@pytest.mark.crash_points
@pytest.mark.timeout(1200)
def test_failed_or_ended_at_any_call_and_begun_again(harness: Harness) -> None:
    """Whoever goes on with it comes to the same end."""
    assert swept(harness, MODES) == {}


def test_a_migration_that_writes_blindly_is_found(harness: Harness) -> None:
    """The check itself: with whole documents written, whatever they had become, turns are lost, and it says so."""
    calls, _ = harness.run(migrated(harness, None, BLIND))
    first_write = calls[: calls.index("firestore RunQuery")].count("firestore Commit") + 1
    _, wrong = harness.run(migrated(harness, Strike("firestore Commit", first_write, STOP), BLIND))
    assert any(each.startswith("turns of") for each in wrong), wrong
