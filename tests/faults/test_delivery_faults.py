"""The numbered delivery faults on real parts: processes that die or stop, Firestore, Cloud Tasks, destinations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.breaker_cache import KNOWN_SECONDS
from tests.support.harness.checker import Verdict, judge
from tests.support.harness.lanes import Harness
from tests.support.harness.scenarios import BOTH, MONDAY, RELAY
from tests.support.harness.shim import Strike
from tests.support.harness.stopping import stopped_in
from tests.support.harness.trial import SEND_SECONDS, Step, Trial, trial, until

Play = Callable[..., None]


@pytest.fixture
def play(harness: Harness) -> Play:
    """Play a scene in a trial; what it leaves is judged, unless it says that it has not healed it."""

    def played(
        scene: Callable[[Trial], Awaitable[None]], *, settings: dict[str, str] | None = None, **how: Any
    ) -> None:
        async def in_trial() -> Verdict | None:
            async with trial(harness, settings=settings, **how) as made:
                await scene(made)
                return judge(made) if made.last else None

        verdict = harness.run(in_trial())
        assert verdict is None or verdict.wrong == []

    return played


def test_f01_killed_before_the_commit_of_a_turn(play: Play) -> None:
    """No alert and no answer; the same key can be used again once the dead request's claim has ended."""

    async def scene(made: Trial) -> None:
        asked = made.chat(key="key")
        answer = await made.run(asked, Strike("firestore Commit", 2, "kill"))
        assert answer.status is None
        assert (await made.look())["alerts"] == {}
        await made.heal(again=asked)
        assert len(made.received("slack")) == 1

    play(scene, claim=1.0)


def test_f02_killed_before_the_task_is_created(play: Play) -> None:
    """The sweep queues it; delivered once."""

    async def scene(made: Trial) -> None:
        assert (await made.run(made.chat(), Strike("tasks create", 1, "kill"))).died
        await made.heal()
        assert len(made.received("slack")) == 1
        assert len(made.logged("alert_requeued")) == 1

    play(scene)


def test_f03_the_commits_answer_is_lost(play: Play) -> None:
    """The turn is found by its message: the visitor is answered, and there is one alert."""

    async def scene(made: Trial) -> None:
        assert (await made.run(made.chat(), Strike("firestore Commit", 2, "after"))).status == 200
        assert len((await made.look())["alerts"]) == 1
        await made.heal()
        assert len(made.received("slack")) == 1

    play(scene)


def test_f04_the_answer_of_the_tasks_creation_is_lost(play: Play) -> None:
    """The visitor is answered; the task is there and delivers it, once; the sweep leaves it to that."""

    async def scene(made: Trial) -> None:
        assert (await made.run(made.chat(), Strike("tasks create", 1, "after"))).status == 200
        await made.wait_for_wake()
        assert (await made.run(Step("sweep"))).done == [0, 1]
        await made.heal()
        assert len(made.received("slack")) == 1

    play(scene)


def test_f05_killed_after_slack_accepted(harness: Harness) -> None:
    """One duplicate at most, with the same id, marked as a possible one; and counted as what it is."""

    async def scene() -> Verdict:
        async with trial(harness) as made:
            await made.lead()
            assert (await made.run(await made.delivery(), Strike("firestore Commit", 2, "kill"))).died
            await made.heal()
            assert ["ossible duplicate" in str(message) for message in made.received("slack")] == [False, True]
            calls = ("firestore BatchGetDocuments", "firestore Commit", "slack", "firestore Commit")
            return judge(made, calls=calls)

    verdict = harness.run(scene())
    assert verdict.wrong == []
    assert verdict.duplicates == {("sent, answer not seen", "slack"): 1}


def test_f06_one_task_delivered_ten_times_at_once(play: Play) -> None:
    """One send."""

    async def scene(made: Trial) -> None:
        await made.lead()
        task = await made.delivery()
        answers = await asyncio.gather(*(made.run(task) for _ in range(10)))
        assert {answer.status for answer in answers} <= {200, 500}
        assert len(made.received("slack")) == 1
        await made.heal()
        assert len(made.received("slack")) == 1

    play(scene)


def test_f07_sweep_and_task_race_for_an_expired_lease(play: Play) -> None:
    """One of them settles it, the other's write is refused; one send in the end."""

    async def scene(made: Trial) -> None:
        await made.lead()
        task = await made.delivery()
        assert (await made.run(task, Strike("slack", 1, "kill"))).died
        await made.wait_for_wake()
        swept, answered = await asyncio.gather(made.run(Step("sweep")), made.run(task))
        assert (await made.alerts())["slack", "lead"]["generation"] == 2
        assert len(made.logged("alert_expired")) == 1, (swept, answered)
        await made.heal()
        assert len(made.received("slack")) == 1

    play(scene)


@pytest.mark.parametrize("call", [Strike("slack", 1, "stop"), Strike("firestore Commit", 2, "stop")])
def test_f08_a_holder_that_is_stopped_past_its_lease_writes_nothing(play: Play, call: Strike) -> None:
    """Another one delivers; when the first goes on, its late write is refused."""

    async def scene(made: Trial) -> None:
        await made.lead()
        task = await made.delivery()
        running, go_on = await stopped_in(made, task, call)
        await made.wait_for_wake()
        await made.heal()
        before = (await made.alerts())["slack", "lead"]
        assert before["state"] == "delivered"
        go_on()
        late = await running
        assert late.done == "lost"
        assert (await made.alerts())["slack", "lead"] == before
        assert len(made.received("slack")) <= 2

    play(scene)


def test_f09_slack_says_when_to_come_back(play: Play) -> None:
    """At least that long passes before the next attempt; nothing is lost."""

    async def scene(made: Trial) -> None:
        await made.break_("slack", "rate_limited")
        await made.lead()
        await made.deliver()
        await made.heal()
        first, second = (await made.alerts())["slack", "lead"]["history"]
        waited = datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])
        assert waited >= timedelta(seconds=1)
        assert len(made.received("slack")) == 1

    play(scene)


@pytest.mark.parametrize("error", ["no_active_hooks", "action_prohibited", "channel_is_archived"])
def test_f10_a_revoked_webhook_is_left_alone_until_it_is_repaired(play: Play, error: str) -> None:
    """Parked with its cause, no attempt used, one notice by mail; the next alert does not even ask Slack."""

    async def scene(made: Trial) -> None:
        await made.break_("slack", error)
        asked = made.requests("slack")
        for _ in range(2):
            await made.lead()
            assert await made.deliver() == "parked"
        assert made.requests("slack") == asked + 1
        leads = [each for each in (await made.look())["alerts"].values() if each["kind"] == "lead"]
        assert {(each["attempts"], each["cause"]) for each in leads} == {(0, error)}
        await made.heal()
        assert (len(made.received("slack")), len(made.received("email"))) == (2, 1)

    play(scene, policy={"scheduled_wait": 4.0})


@pytest.mark.parametrize("mode", ["timeout", "slow"])
def test_f11_the_total_deadline_holds(harness: Harness, mode: str) -> None:
    """Whether Slack is silent or sends a byte now and then; nobody knows whether it was shown."""

    async def scene() -> Verdict:
        async with trial(harness) as made:
            await made.break_("slack", mode)
            await made.lead()
            answer = await made.run(await made.delivery())
            assert answer.done == "queued"
            assert SEND_SECONDS <= answer.seconds < SEND_SECONDS + 1
            [attempt] = (await made.alerts())["slack", "lead"]["history"]
            assert (attempt["outcome"], attempt["cause"]) == ("unknown", "timeout")
            await made.heal()
            return judge(made, unseen=True)

    verdict = harness.run(scene())
    assert verdict.wrong == []
    assert sum(verdict.duplicates.values()) == (mode == "slow")


def test_f12_a_reset_after_the_whole_body(play: Play) -> None:
    """Unknown, not failed; the repeat says that it may be one."""

    async def scene(made: Trial) -> None:
        await made.break_("slack", "reset")
        await made.lead()
        assert await made.deliver() == "queued"
        [attempt] = (await made.alerts())["slack", "lead"]["history"]
        assert attempt["outcome"] == "unknown"
        await made.heal()
        [message] = made.received("slack")
        assert "ossible duplicate" in str(message)

    play(scene)


@pytest.mark.parametrize("error", ["partial_data", "ComplexityException"])
def test_f13_monday_says_errors_with_status_200(play: Play, error: str) -> None:
    """With partial data or without: not delivered, and one item in the end."""

    async def scene(made: Trial) -> None:
        await made.break_("monday", error)
        await made.lead()
        assert await made.deliver("monday") in ("queued", "parked")
        assert made.received("monday") == []
        if error == "partial_data":
            await made.heal()
            assert len(made.received("monday")) == 1

    play(scene, settings=MONDAY)


def test_f14_mondays_daily_limit(play: Play) -> None:
    """Waits for 00:00 UTC; Slack has it at once."""

    async def scene(made: Trial) -> None:
        await made.break_("monday", "DAILY_LIMIT_EXCEEDED")
        await made.lead()
        assert await made.deliver("monday") == "parked"
        assert await made.deliver("slack") == "delivered"
        wakes = datetime.fromisoformat((await made.alerts())["monday", "lead"]["wake_at"])
        midnight = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        assert timedelta(seconds=-1) <= wakes - midnight < timedelta(minutes=10)
        assert (await made.run(Step("sweep"))).done == [0, 0]

    play(scene, settings=BOTH)


def test_f15_of_many_workers_at_a_half_open_breaker_one_probes(play: Play) -> None:
    """Two failures open it for every process; nothing is sent until one attempt may find out, and that is one."""

    async def scene(made: Trial) -> None:
        await made.break_("slack", "500")
        for _ in range(12):
            await made.lead()
        queued = [each for each in (await made.look())["alerts"].items() if each[1]["channel"] == "slack"]
        steps = [Step("deliver", {"alert_id": name, "generation": 1, "channel": "slack"}) for name, _ in queued]
        assert [(await made.run(step)).done for step in steps[:2]] == ["queued"] * 2
        await asyncio.sleep(KNOWN_SECONDS)  # from then on no process begins an attempt
        asked = made.requests("slack")
        assert [(await made.run(step)).done for step in steps[2:4]] == ["parked"] * 2
        assert made.requests("slack") == asked
        await made.mend("slack")
        await until(datetime.fromisoformat((await made.look())["breakers"]["slack"]["probe_at"]))
        await asyncio.gather(*(made.run(step) for step in steps[4:]))
        held = [each for each in (await made.look())["alerts"].values() if each["state"] == "parked"]
        states = {each["cause"] for each in held}
        assert states == {"breaker_open"}
        assert len(made.logged("breaker_closed")) == 1
        await made.heal()
        assert len(made.received("slack")) == 12

    play(scene, settings={"BREAKER_FAIL_MAX": "2", "BREAKER_RESET_SECONDS": "5"})


def test_f21_an_outage_ends_in_digests_and_new_alerts_go_in_between(play: Play) -> None:
    """Everybody is read of once, in fewer messages than there are leads; who comes meanwhile has one of their own."""

    async def scene(made: Trial) -> None:
        await made.break_("slack", "500")
        for _ in range(20):
            await made.lead()
        made.project.resume()
        for _ in range(300):
            if {each["state"] for each in (await made.look())["alerts"].values()} == {"parked"}:
                break
            await asyncio.sleep(0.1)
        await made.mend("slack")
        await until(datetime.fromisoformat((await made.look())["breakers"]["slack"]["probe_at"]))
        await made.run(Step("sweep"))
        for _ in range(300):
            if made.logged("breaker_closed"):
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(KNOWN_SECONDS)  # from then on no process holds a newcomer up for an outage that is over
        newcomer = made.chat()
        assert (await made.run(newcomer)).status == 200
        await made.heal()
        messages = made.received("slack")
        assert len(messages) < 10
        [own] = [message for message in messages if newcomer.arguments["email"] in message["text"]]
        assert "New lead" in own["text"]

    play(scene, settings={"BREAKER_FAIL_MAX": "2", "DIGEST_THRESHOLD": "5", "DEAD_LETTER_MAX_ATTEMPTS": "3"})


@pytest.mark.parametrize("plant", ["a poison", "a deadly poison"])
def test_f16_a_poison_alert_spends_its_budget_and_the_others_arrive(play: Play, plant: str) -> None:
    """Whether our code fails or the process dies at each attempt: a person is told in the end."""

    async def scene(made: Trial) -> None:
        await made.lead(email="poison@example.com")
        await made.lead(email="ana@example.com")
        await made.heal()
        [message], [mail] = made.received("slack"), made.received("email")
        assert "ana@example.com" in str(message)
        assert "poison@example.com" in mail["text"]
        assert {each["status"] for each in made.last["dead_letters"].values()} == {"failed"}

    play(scene, plant=plant)


def test_f17_the_dead_letter_cannot_be_written(play: Play) -> None:
    """The task is answered with 5xx, the alert stays in the outbox; no half of it is written."""

    async def scene(made: Trial) -> None:
        await made.break_("slack", "500")
        await made.lead()
        assert await made.deliver() == "queued"
        answer = await made.run(await made.delivery(), Strike("firestore Commit", 3, "RESOURCE_EXHAUSTED", times=3))
        assert answer.status == 503
        alert = (await made.alerts())["slack", "lead"]
        assert (alert["state"], alert["wake_at"] is not None) == ("sending", True)
        assert await made.documents("dead_letters") == {}
        await made.heal()
        assert len(made.received("slack")) == 1

    play(scene)


def test_f18_one_slot_fired_twice_at_the_same_time(play: Play) -> None:
    """One pass; the other one is told to come back, and finds it done."""

    async def scene(made: Trial) -> None:
        await made.lead()
        made.project.purge()
        await made.wait_for_wake()
        slot = Step("sweep", {"slot": "2026-01-05T09:05:00Z"})
        answers = await asyncio.gather(*(made.run(slot) for _ in range(4)))
        passes = [answer for answer in answers if answer.status == 200 and answer.answer is not None]
        assert [answer.answer for answer in passes] == [[1, 0]]
        assert {answer.status for answer in answers} <= {200, 409}
        assert (await made.run(slot)).done is None
        await made.heal()

    play(scene)


def test_f19_two_passes_overlap(play: Play) -> None:
    """A dead holder's last attempt is settled once: one escalation, one mail; a lost task is queued once."""

    async def scene(made: Trial) -> None:
        await made.break_("slack", "500", for_good=True)
        await made.lead()
        for _ in range(2):
            await made.deliver()
        await made.wait_for_wake()
        await made.run(Step("sweep"))
        await made.run(await made.delivery(), Strike("slack", 1, "kill"))
        await made.lead()
        made.project.purge()
        await made.wait_for_wake()
        leases = max(datetime.fromisoformat(each["wake_at"]) for each in (await made.look())["alerts"].values())
        await until(leases + timedelta(seconds=0.15))
        await asyncio.gather(*(made.run(Step("sweep")) for _ in range(3)))
        assert len(made.logged("alert_failed")) == 1
        assert len(made.logged("alert_made")) == 1
        await made.heal()
        assert len(made.received("email")) == 2

    play(scene)


@pytest.mark.parametrize("hours", [-1, 1])
def test_f20_a_machine_whose_clock_is_an_hour_off(play: Play, hours: int) -> None:
    """Leads come in and go out as ever, and a lost one is found, by the wrong machine's time at the latest."""

    async def scene(made: Trial) -> None:
        await made.lead()
        assert await made.deliver() == "delivered"
        await made.lead()
        made.project.purge()
        wakes = datetime.fromisoformat((await made.alerts())["slack", "lead"]["wake_at"])
        assert wakes < datetime.now(UTC) + timedelta(hours=max(0, hours), seconds=1)
        if hours < 0:
            await made.heal()
            assert len(made.received("slack")) == 2

    play(scene, skew=hours * 3600.0)


def test_f20_a_clock_that_jumps_does_not_end_a_lease(play: Play) -> None:
    """While an alert is being sent a sweep and a task come from machines an hour ahead and an hour behind."""

    async def scene(made: Trial) -> None:
        await made.lead()
        task = await made.delivery()
        running, go_on = await stopped_in(made, task, Strike("slack", 1, "stop"))
        for skew in (3600.0, -3600.0):
            assert (await made.run(Step("sweep"), skew=skew)).done == [0, 0]
            assert (await made.run(task, skew=skew)).status == 500
        go_on()
        assert (await running).done == "delivered"
        await made.heal()
        assert len(made.received("slack")) == 1

    play(scene, policy={"lease": 30.0})  # it must not run out by itself


@pytest.mark.parametrize("status", ["ABORTED", "UNAVAILABLE"])
def test_f22_firestore_fails_a_visitor_five_times(play: Play, status: str) -> None:
    """503 and no partial state; once it is well again the same visitor is a lead."""

    async def scene(made: Trial) -> None:
        asked = made.chat()
        answer = await made.run(asked, Strike("firestore Commit", 2, status, times=5))
        assert answer.status == 503
        stands = [await made.documents(name) for name in ("alerts", "conversations", "tallies", "admissions")]
        assert stands == [{}, {}, {}, {}]
        await made.heal(again=asked)
        assert len(made.received("slack")) == 1

    play(scene)


@pytest.mark.parametrize("status", ["ABORTED", "UNAVAILABLE"])
@pytest.mark.parametrize("do", ["deliver", "sweep"])
def test_f22_firestore_fails_a_task_and_a_pass_five_times(play: Play, do: str, status: str) -> None:
    """503 (or nothing done), the alert is as it was; the next one does it."""

    async def scene(made: Trial) -> None:
        await made.lead()
        task = await made.delivery()
        made.project.purge()
        await made.wait_for_wake()
        before = (await made.alerts())["slack", "lead"]
        answer = await made.run(
            task if do == "deliver" else Step("sweep"), Strike("firestore Commit", 1, status, times=5)
        )
        assert answer.status == 503 or (do, answer.answer) == ("sweep", [0, 0])
        assert (await made.alerts())["slack", "lead"] == before
        await made.heal()
        assert len(made.received("slack")) == 1

    play(scene)


def test_f23_a_purged_queue_is_rebuilt_from_the_outbox(play: Play) -> None:
    """Ten leads whose tasks are gone arrive, once each, under new generations."""

    async def scene(made: Trial) -> None:
        for _ in range(10):
            await made.lead()
        made.project.purge()
        await made.heal()
        assert len(made.received("slack")) == 10
        assert {each["generation"] for each in made.last["alerts"].values()} == {2}

    play(scene)


def test_f24_every_channel_is_down(play: Play) -> None:
    """The escalation goes round and round, each round logged for the person on call, until one is mended."""

    async def scene(made: Trial) -> None:
        for name, mode in (("slack", "500"), ("smtp", "451"), ("webhook", "500")):
            await made.break_(name, mode)
        await made.lead()
        made.project.resume()
        while len(made.logged("escalation_undelivered")) < 2:
            await made.run(Step("sweep"))
            await asyncio.sleep(0.05)
        assert {event["severity"] for event in made.logged("escalation_undelivered")} == {"CRITICAL"}
        alerts = await made.alerts()
        assert alerts["slack", "lead"]["state"] == "failed"
        await made.heal()
        assert len(made.received("email")) + len(made.received("webhook")) == 1

    play(scene, settings=RELAY)
