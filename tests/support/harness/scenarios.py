"""The scenarios of the sweep: each arranges something, and names the step whose every call is struck."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.harness.shim import Strike
from tests.support.harness.trial import Step, Trial, until, wake_of

SLOT = "2026-01-05T09:00:00Z"
BOTH = {"LEAD_CHANNELS": "slack, monday", "DRAIN_PACES": "slack=100,monday=100,email=100"}
MONDAY = {"LEAD_CHANNELS": "monday", "DRAIN_PACES": "monday=100,email=100"}
WEBHOOK = {"LEAD_CHANNELS": "webhook", "DRAIN_PACES": "webhook=100,email=100"}
MAIL = {"LEAD_CHANNELS": "email", "ESCALATION_CHANNELS": "slack, email"}
RELAY = {"ESCALATION_CHANNELS": "email, webhook", "DRAIN_PACES": "slack=100,email=100,webhook=100"}


@dataclass(frozen=True)
class Scenario:
    """What is struck, in which circumstances.

    Attributes:
        name: in words.
        arrange: brings the circumstances about, and names the step.
        comes_to: what the step answers when nothing strikes it; None where that does not matter.
        settings: of the functions, where they differ.
        options: of the trial, where they differ.
        changed: of the trial, for the struck step only.
        again: the visitor asks again, with the same key, until there is an answer.
        unseen: a destination takes an attempt without answering it.
    """

    name: str
    arrange: Callable[[Trial], Awaitable[Step]]
    comes_to: Any = None
    settings: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    again: bool = False
    unseen: bool = False


async def _new_visitor(trial: Trial) -> Step:
    return trial.chat()


async def _with_a_key(trial: Trial) -> Step:
    """The second message of a conversation is the one that makes the lead."""
    first = await trial.run(trial.chat(message="Hello!", email="nobody yet"))
    trial.answered.clear()
    return trial.chat(key="key", session=first.done["session_id"])


async def _key_only(trial: Trial) -> Step:
    return trial.chat(key="key")


async def _replay(trial: Trial) -> Step:
    asked = trial.chat(key="key")
    await trial.run(asked)
    return asked


def _lead(channel: str = "slack", fault: tuple[str, str] | None = None, *, for_good: bool = False) -> Any:
    """A lead's first attempt, at a destination that has that fault."""

    async def arrange(trial: Trial) -> Step:
        if fault is not None:
            await trial.break_(*fault, for_good=for_good)
        await trial.lead()
        return await trial.delivery(channel)

    return arrange


def _nth(number: int, fault: str, *, for_good: bool = False, then: str = "") -> Any:
    """The n-th attempt of a lead at Slack, all of them with a fault."""

    async def arrange(trial: Trial) -> Step:
        await trial.break_("slack", fault, for_good=for_good)
        await trial.lead()
        for _ in range(number - 1):
            if await trial.deliver() == "parked":
                await _swept(trial)
        if then:
            await trial.break_("slack", then, for_good=for_good)
        return await trial.delivery()

    return arrange


async def _swept(trial: Trial) -> None:
    """The parked alert of Slack is queued again, when its time has come."""
    await trial.wait_for_wake()
    await trial.run(Step("sweep"))


async def _blocked(trial: Trial) -> None:
    await trial.break_("slack", "no_active_hooks")
    await trial.lead()
    assert await trial.deliver() == "parked"


async def _probe(trial: Trial) -> Step:
    """The oldest of two that wait for the repair is let out to look."""
    await _blocked(trial)
    await trial.lead()
    await trial.deliver()
    await _wait_for_probe(trial)
    await trial.run(Step("sweep"))
    return await trial.delivery()


async def _repaired(trial: Trial) -> Step:
    step = await _probe(trial)
    await trial.mend("slack")
    return step


async def _wait_for_probe(trial: Trial) -> None:
    place = (await trial.look())["destinations"]["slack"]
    await until(wake_of({"wake_at": place["probe_at"]}))


async def _let_out(trial: Trial) -> Step:
    await _blocked(trial)
    await trial.deliver("email", "notice")
    await _wait_for_probe(trial)
    return Step("sweep", {"slot": SLOT})


async def _draining(trial: Trial) -> Step:
    await trial.run(await _repaired(trial))
    return Step("sweep", {"slot": SLOT})


async def _reminder(trial: Trial) -> Step:
    await _blocked(trial)
    await trial.deliver("email", "notice")
    place = (await trial.look())["destinations"]["slack"]
    await until(wake_of({"wake_at": place["remind_at"]}))
    return Step("sweep", {"slot": SLOT})


async def _lost_task(trial: Trial) -> Step:
    await trial.lead()
    trial.project.purge()
    await trial.wait_for_wake()
    return Step("sweep", {"slot": SLOT})


async def _waiting_task(trial: Trial) -> Step:
    await trial.lead()
    await trial.wait_for_wake()
    return Step("sweep", {"slot": SLOT})


def _expired(attempts: int) -> Any:
    """So many attempts: Slack answered the first ones with 500, the holder of the last one died; its lease is over."""

    async def arrange(trial: Trial) -> Step:
        await trial.break_("slack", "500")
        await trial.lead()
        for _ in range(attempts - 1):
            if await trial.deliver() == "parked":
                await _swept(trial)
        await trial.run(await trial.delivery(), Strike("slack", 1, "exit_before"))
        await trial.wait_for_wake()
        return Step("sweep", {"slot": SLOT})

    return arrange


async def _task_of_expired(trial: Trial) -> Step:
    await _expired(1)(trial)
    return await trial.delivery()


async def _due_parked(trial: Trial) -> Step:
    await trial.break_("slack", "500")
    await trial.lead()
    for _ in range(2):
        await trial.deliver()
    await trial.wait_for_wake()
    return Step("sweep", {"slot": SLOT})


async def _due_while_blocked(trial: Trial) -> Step:
    """One is parked for its next attempt while another one finds the block."""
    await _due_parked(trial)
    await trial.break_("slack", "no_active_hooks")
    await trial.lead()
    await trial.deliver()
    await trial.deliver("email", "notice")
    await _wait_for_probe(trial)
    return Step("sweep", {"slot": SLOT})


async def _told(trial: Trial) -> Step:
    """The escalation of a lead that Slack refuses."""
    await trial.break_("slack", "invalid_payload", for_good=True)
    await trial.lead()
    assert await trial.deliver() == "failed"
    return await trial.delivery("email", "escalation")


async def _told_elsewhere(trial: Trial) -> Step:
    """The last attempt at a mail server that is down: the escalation goes on to the webhook."""
    await trial.break_("smtp", "451", for_good=True)
    await _told(trial)
    assert await trial.deliver("email", "escalation") == "queued"
    return await trial.delivery("email", "escalation")


async def _all_round(trial: Trial) -> Step:
    """The last attempt at the last of its channels: it waits for another round."""
    await trial.break_("webhook", "500")
    await trial.run(await _told_elsewhere(trial))
    assert await trial.deliver("webhook", "escalation") == "queued"
    return await trial.delivery("webhook", "escalation")


async def _notice(trial: Trial) -> Step:
    await _blocked(trial)
    return await trial.delivery("email", "notice")


async def _expired_documents(trial: Trial) -> Step:
    await trial.lead(key="key")
    for collection in ("admissions", "rate_windows"):
        await trial.run(Step("age", {"collection": collection, "field": "expires_at", "days": 1}))
    return Step("cleanup", {"slot": SLOT})


async def _ended_alerts(trial: Trial) -> Step:
    """Two that were delivered and one that failed, all of them long ago; only those two are removed."""
    await trial.lead()
    await trial.deliver()
    await _told(trial)
    await trial.deliver("email", "escalation")
    await trial.run(Step("age", {"collection": "alerts", "field": "ended_at", "days": 40}))
    return Step("cleanup", {"slot": SLOT, "daily": True})


async def _cleanup_goes_on(trial: Trial) -> Step:
    await _expired_documents(trial)
    return Step("cleanup", {"slot": SLOT})


async def _until_parked(trial: Trial) -> None:
    """Every task of a lead for Slack comes, until none is queued any more."""
    while (await trial.alerts()).get(("slack", "lead"), {}).get("state") == "queued":
        await trial.deliver()


async def _opens(trial: Trial) -> None:
    """One failure opens the breaker; the lead waits for its second attempt."""
    await trial.break_("slack", "500")
    await trial.lead()
    assert await trial.deliver() == "queued"


async def _waits_for_breaker(trial: Trial) -> Step:
    await _opens(trial)
    return await trial.delivery()


async def _closes(trial: Trial) -> Step:
    """It is time to find out, and Slack is well again."""
    await _opens(trial)
    await trial.mend("slack")
    await until(wake_of({"wake_at": (await trial.look())["breakers"]["slack"]["probe_at"]}))
    return await trial.delivery()


async def _breaker_let_out(trial: Trial) -> Step:
    """One waits for the breaker, and the sweep lets it find out."""
    await trial.run(await _waits_for_breaker(trial))
    await until(wake_of({"wake_at": (await trial.look())["breakers"]["slack"]["probe_at"]}))
    return Step("sweep", {"slot": SLOT})


async def _breaker_drains(trial: Trial) -> Step:
    """Two wait for it while a third one's attempt closes it."""
    await _opens(trial)
    for _ in range(2):
        await trial.lead()
    await _until_parked(trial)
    await trial.mend("slack")
    await until(wake_of({"wake_at": (await trial.look())["breakers"]["slack"]["probe_at"]}))
    await trial.run(Step("sweep"))
    await trial.deliver()
    return Step("sweep", {"slot": SLOT})


async def _three_parked(trial: Trial) -> Step:
    """Their next attempt is due."""
    await trial.break_("slack", "500")
    for _ in range(3):
        await trial.lead()
    await _until_parked(trial)
    await trial.mend("slack")
    for each in (await trial.look())["alerts"].values():
        await until(wake_of(each))
    return Step("sweep", {"slot": SLOT})


def _digest(fault: str | None = None, *, for_good: bool = False) -> Any:
    """A digest of three, at a Slack that has that fault."""

    async def arrange(trial: Trial) -> Step:
        await trial.run(await _three_parked(trial))
        if fault is not None:
            await trial.break_("slack", fault, for_good=for_good)
        [digest_id] = await trial.documents("digests")
        return Step("deliver", {"digest_id": digest_id})

    return arrange


async def _digest_of_a_blocked_slack(trial: Trial) -> Step:
    """Somebody else has found the block since it was made."""
    step = await _digest("no_active_hooks")(trial)
    await trial.lead()
    await trial.deliver()
    return step


async def _overdue(trial: Trial) -> Step:
    """One that a block has kept for two days."""
    await _blocked(trial)
    await trial.deliver("email", "notice")
    await trial.run(Step("age", {"collection": "alerts", "field": "created_at", "days": 2}))
    return Step("sweep", {"slot": SLOT})


ONE_FAILURE = {"BREAKER_FAIL_MAX": "1", "BREAKER_RESET_SECONDS": "1.5"}
DIGESTS = {"DIGEST_THRESHOLD": "2", "BREAKER_FAIL_MAX": "100"}


async def _quiet(trial: Trial, marketing: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - a scenario's own
    """Somebody who agreed, was told of, and went quiet until the first follow-up is due; their conversation."""
    await trial.lead(marketing=marketing)
    await trial.deliver()
    body = trial.answered[-1]
    await asyncio.sleep(FOLLOWUP_SECONDS + 0.1)
    return body


async def _followup_due(trial: Trial) -> Step:
    await _quiet(trial)
    return Step("followups", {"slot": SLOT})


async def _followup_made(trial: Trial) -> Step:
    await _quiet(trial)
    await trial.run(Step("followups"))
    return await trial.delivery("email", "followup")


async def _followup_bounces(trial: Trial) -> Step:
    await trial.break_("smtp", "550", for_good=True)
    return await _followup_made(trial)


async def _followup_opted_out(trial: Trial) -> Step:
    body = await _quiet(trial)
    await trial.run(Step("followups"))
    await trial.run(_of_link(body, "by_link"))
    return await trial.delivery("email", "followup")


def _of_link(body: dict[str, Any], action: str) -> Step:
    return Step("unsubscribe", {"action": action, "email": body["email"], "conversation_id": body["conversation_id"]})


async def _opts_out(trial: Trial) -> Step:
    body = await _quiet(trial)
    trial.exempt.add(body["conversation_id"])
    return _of_link(body, "by_link")


async def _revokes(trial: Trial) -> Step:
    await trial.lead()
    for channel in ("slack", "monday"):
        await trial.deliver(channel)
    body = trial.answered[-1]
    trial.erased.append(body["email"])
    return _of_link(body, "revoke")


async def _erases(trial: Trial) -> Step:
    assert (await trial.run(await _revokes(trial))).done == "running"
    return Step("sweep", {"slot": SLOT})


async def _erases_what_waits(trial: Trial) -> Step:
    """Nothing was sent yet: the tasks are there, and one alert has failed and was told of."""
    await trial.break_("slack", "invalid_payload", for_good=True)
    await trial.lead()
    await trial.deliver()
    body = trial.answered[-1]
    trial.erased.append(body["email"])
    await trial.run(_of_link(body, "revoke"))
    return Step("sweep", {"slot": SLOT})


FOLLOWUP_SECONDS = 1
FOLLOWUPS = {"FOLLOWUP_DELAYS": f"{FOLLOWUP_SECONDS}s"}
ERASURE = BOTH | {"ERASURE_RELOOK_SECONDS": "0.3", "LEASE_SECONDS": "2", "DESTINATION_DEADLINE_SECONDS": "1"}
ERASURE |= {"DEAD_LETTER_RETRY_MINUTES": "0.01"}

RIGHTS = ("followup", "unsubscribe", "sweep: erases")
"""How the scenarios of visitors' rights begin; they have a test of their own."""

SHORT_CLAIM = {"claim": 1.0}
NO_TIME = {"run_seconds": -1.0}

SCENARIOS = (
    Scenario("chat: a new visitor", _new_visitor, settings=BOTH),
    Scenario("chat: with a key, asked again", _with_a_key, options=SHORT_CLAIM, again=True),
    Scenario("chat: a new visitor with a key", _key_only, options=SHORT_CLAIM, again=True),
    Scenario("chat: a replay", _replay, again=True),
    Scenario("slack: delivered", _lead(), "delivered"),
    Scenario("monday: delivered", _lead("monday"), "delivered", MONDAY),
    Scenario("email: delivered", _lead("email"), "delivered", MAIL),
    Scenario("webhook: delivered", _lead("webhook"), "delivered", WEBHOOK),
    Scenario("slack: 500, repeated", _lead(fault=("slack", "500")), "queued"),
    Scenario("monday: 500, repeated", _lead("monday", ("monday", "500")), "queued", MONDAY),
    Scenario("email: 451, repeated", _lead("email", ("smtp", "451")), "queued", MAIL),
    Scenario("webhook: 503, repeated", _lead("webhook", ("webhook", "503")), "parked", WEBHOOK),
    Scenario("slack: 500, parked", _nth(2, "500"), "parked"),
    Scenario("slack: 500, failed and escalated", _nth(3, "500", for_good=True), "failed"),
    Scenario("slack: rejected", _lead(fault=("slack", "invalid_payload"), for_good=True), "failed"),
    Scenario("monday: rejected", _lead("monday", ("monday", "ColumnValueException"), for_good=True), "failed", MONDAY),
    Scenario("email: rejected", _lead("email", ("smtp", "554"), for_good=True), "failed", MAIL),
    Scenario("webhook: rejected", _lead("webhook", ("webhook", "400"), for_good=True), "failed", WEBHOOK),
    Scenario("slack: blocked", _lead(fault=("slack", "no_active_hooks")), "parked"),
    Scenario("monday: blocked", _lead("monday", ("monday", "401")), "parked", MONDAY),
    Scenario("email: blocked", _lead("email", ("smtp", "535")), "parked", MAIL),
    Scenario("webhook: blocked", _lead("webhook", ("webhook", "410")), "parked", WEBHOOK),
    Scenario("slack: a probe finds the repair", _repaired, "delivered"),
    Scenario("slack: a probe finds the block", _probe, "parked"),
    Scenario("slack: unknown", _lead(fault=("slack", "reset")), "queued"),
    Scenario("slack: unknown, but accepted", _lead(fault=("slack", "slow")), "queued", unseen=True),
    Scenario("monday: unknown, but accepted", _lead("monday", ("monday", "slow")), "queued", MONDAY, unseen=True),
    Scenario("email: unknown, but accepted", _lead("email", ("smtp", "slow")), "queued", MAIL, unseen=True),
    Scenario("webhook: unknown, but accepted", _lead("webhook", ("webhook", "slow")), "queued", WEBHOOK, unseen=True),
    Scenario("escalation: delivered", _told, "delivered"),
    Scenario("escalation: moved on", _told_elsewhere, "queued", RELAY),
    Scenario("escalation: a round is over", _all_round, "parked", RELAY),
    Scenario("notice: delivered", _notice, "delivered"),
    Scenario("deliver: the task of a dead holder", _task_of_expired),
    Scenario("sweep: a lost task", _lost_task, [1, 0]),
    Scenario("sweep: a task that waits", _waiting_task, [0, 1]),
    Scenario("sweep: an expired lease", _expired(1), [1, 0]),
    Scenario("sweep: an expired lease parks", _expired(2), [1, 0]),
    Scenario("sweep: an expired lease fails", _expired(3), [1, 0]),
    Scenario("sweep: due and parked", _due_parked, [1, 0]),
    Scenario("sweep: due while blocked", _due_while_blocked),
    Scenario("sweep: a probe is let out", _let_out, [1, 0]),
    Scenario("sweep: a drain", _draining),
    Scenario("sweep: a reminder", _reminder, options={"remind": 0.3}),
    Scenario("sweep: no time, goes on", _lost_task, [0, 0], changed=NO_TIME),
    Scenario("slack: opens its breaker", _lead(fault=("slack", "500")), "queued", ONE_FAILURE),
    Scenario("slack: waits for its breaker", _waits_for_breaker, "parked", ONE_FAILURE),
    Scenario("slack: closes its breaker", _closes, "delivered", ONE_FAILURE),
    Scenario("sweep: a breaker's probe is let out", _breaker_let_out, [1, 0], ONE_FAILURE),
    Scenario("sweep: a breaker's drain", _breaker_drains, [2, 0], ONE_FAILURE),
    Scenario("sweep: a digest is made", _three_parked, [3, 0], DIGESTS),
    Scenario("digest: delivered", _digest(), "delivered", DIGESTS),
    Scenario("digest: 500", _digest("500"), "parked", DIGESTS),
    Scenario("digest: refused, divided", _digest("invalid_payload", for_good=True), "divided", DIGESTS),
    Scenario("digest: finds a block", _digest("no_active_hooks"), "parked", DIGESTS),
    Scenario("digest: waits for a repair", _digest_of_a_blocked_slack, "parked", DIGESTS),
    Scenario("digest: unknown, but accepted", _digest("slow"), "parked", DIGESTS, unseen=True),
    Scenario("sweep: overdue alerts", _overdue),
    Scenario("cleanup: what expired", _expired_documents, [2, 0, False]),
    Scenario("cleanup: what ended long ago", _ended_alerts, [0, 2, False]),
    Scenario("cleanup: no time, goes on", _cleanup_goes_on, [0, 0, True], changed=NO_TIME),
    Scenario("followups: one is due", _followup_due, [1, 1, False], settings=FOLLOWUPS),
    Scenario("followup: sent", _followup_made, "delivered", settings=FOLLOWUPS),
    Scenario("followup: the address bounces", _followup_bounces, "suppressed", settings=FOLLOWUPS),
    Scenario("followup: opted out while it waits", _followup_opted_out, "suppressed", settings=FOLLOWUPS),
    Scenario("unsubscribe: opts out", _opts_out, settings=FOLLOWUPS, again=True),
    Scenario("unsubscribe: has everything erased", _revokes, "running", settings=ERASURE, again=True),
    Scenario("sweep: erases", _erases, settings=ERASURE),
    Scenario("sweep: erases what waits", _erases_what_waits, settings=ERASURE),
)
