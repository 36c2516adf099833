"""What the flows report, whole: alarms count these events, and an operator filters by their fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import ids
from shared.domain.alert import Alert
from shared.domain.destination import Destination
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.errors import Contention, OutcomeUnknown, QueueError, StorageError, StorageUnavailable
from tests.support.delivery_flow import Delivery, parked, queued, sending
from tests.support.fakes import (
    NOW,
    POLICY,
    DeliveringChannel,
    FakeDigestQueue,
    RefusingQueue,
    ScriptedChannel,
    seconds,
)

ID = ids.alert_id("a", "lead", "slack")
ABOUT = {"alert_id": ID, "channel": "slack", "kind": "lead"}
ESCALATED = {"alert_id": ids.escalation_id(ID, 1), "channel": "email", "kind": "escalation"}


def after_its_task(outcome: Outcome, **changes: Any) -> list[tuple[str, dict[str, Any]]]:
    """What is reported of a lead whose attempt came to this."""
    alert = queued(**changes)
    system = Delivery(alert, channel=ScriptedChannel(outcome), email=DeliveringChannel())
    system.task(alert)
    return system.events.lines


@pytest.mark.parametrize(
    ("outcome", "before", "event", "attempts", "cause"),
    [
        (Delivered(), 0, "alert_delivered", 1, None),
        (Delivered(), 4, "alert_delivered", 5, None),
        (Retry("http_500"), 0, "alert_repeated", 1, "http_500"),
        (Unknown("timeout"), 0, "alert_repeated", 1, "timeout"),
        (Retry("http_500"), 2, "alert_parked", 3, "http_500"),
    ],
)
def test_an_attempt_is_reported_by_what_the_alert_became(
    outcome: Outcome, before: int, event: str, attempts: int, cause: str | None
) -> None:
    """With how many attempts it has had, and the last one's cause."""
    told = after_its_task(outcome, attempts=before)
    assert told == [(event, {"attempts": attempts, "cause": cause, **ABOUT})]


@pytest.mark.parametrize(
    ("outcome", "before", "attempts", "cause"),
    [(Rejected("no_text"), 0, 1, "no_text"), (Retry("reset"), 7, 8, "reset")],
)
def test_a_failure_is_reported_and_then_who_tells_of_it(
    outcome: Outcome, before: int, attempts: int, cause: str
) -> None:
    """The escalation has the failure's cause: it has none of its own."""
    assert after_its_task(outcome, attempts=before) == [
        ("alert_failed", {"attempts": attempts, "cause": cause, **ABOUT}),
        ("alert_made", {"cause": cause, **ESCALATED}),
    ]


def test_a_block_is_reported_with_its_notice() -> None:
    """The alert has used no attempt."""
    notice = {"alert_id": ids.notice_id("slack", 1, 1), "channel": "email", "kind": "notice"}
    assert after_its_task(Blocked("no_team")) == [
        ("alert_parked", {"attempts": 0, "cause": "no_team", **ABOUT}),
        ("destination_blocked", {"channel": "slack", "cause": "no_team"}),
        ("alert_made", {"cause": "no_team", **notice}),
    ]


def test_a_probe_that_succeeds_reports_the_repair() -> None:
    """After the alert's own delivery."""
    alert = queued()
    system = Delivery(alert, email=DeliveringChannel())
    held = Destination("slack", cause="no_team", since=NOW, probe_at=NOW, remind_at=NOW + timedelta(days=1), blocks=1)
    system.store.documents.put("destinations/slack", held)
    system.task(alert)
    assert system.events.lines[:2] == [
        ("alert_delivered", {"attempts": 1, "cause": None, **ABOUT}),
        ("destination_repaired", {"channel": "slack"}),
    ]


def test_a_canary_is_reported_as_one_and_nothing_else() -> None:
    """Alarms count leads; a canary that reaches nobody rings by its own run."""
    told = after_its_task(Delivered(), kind="canary")
    assert told == [
        ("canary_moved", {"state": "failed", "attempts": 1, "cause": "no_canary_target", **ABOUT, "kind": "canary"})
    ]


def swept(alert: Alert, later: float) -> list[tuple[str, dict[str, Any]]]:
    """What a sweep reports so many seconds later."""
    system = Delivery(alert, email=DeliveringChannel())
    system.after(later)
    system.sweep()
    return system.events.lines


def test_a_sweep_reports_what_it_did_to_each_and_how_many_they_were() -> None:
    """A lease that is over by what it came to; what is due as queued again; what still has its task as left to it."""
    finished = ("sweep_finished", {"count": 1, "postponed": 0})
    cause = "lease_expired"
    assert swept(sending(), 31) == [
        ("alert_expired", {"cause": cause, **ABOUT}),
        ("alert_repeated", {"attempts": 1, "cause": cause, **ABOUT}),
        finished,
    ]
    assert swept(sending(attempts=3, unknowns=2), 31) == [
        ("alert_failed", {"attempts": 3, "cause": "unconfirmed", **ABOUT}),
        ("alert_made", {"cause": "unconfirmed", **ESCALATED}),
        finished,
    ]
    assert swept(parked(), 301) == [("alert_requeued", {"attempts": 3, "cause": None, **ABOUT}), finished]


def test_what_its_task_will_do_is_left_to_it_and_reported_so() -> None:
    """The task is in the queue, only late."""
    alert = queued()
    system = Delivery(alert)
    system.queue.enqueue(alert)
    system.after(20)
    system.sweep()
    assert system.events.lines == [
        ("alert_postponed", {"attempts": 0, "cause": None, **ABOUT}),
        ("sweep_finished", {"count": 0, "postponed": 1}),
    ]


def test_a_task_that_cannot_be_created_is_reported() -> None:
    """With the alert it is of and the queue's own word."""
    system = Delivery(queued(), queue=RefusingQueue())
    system.after(20)
    system.sweep()
    reported = [("enqueue_failed", {"alert_id": ID, "channel": "slack", "error": "ServiceUnavailable"})]
    assert [line for line in system.events.lines if line[0] == "enqueue_failed"] == reported


def test_a_digests_task_that_cannot_be_created_is_reported() -> None:
    """By the digest."""

    class Refusing(FakeDigestQueue):
        """A queue that takes no digest."""

        def enqueue_digest(self, digest: Any) -> None:
            """Refuse."""
            super().enqueue_digest(digest)
            raise QueueError("ServiceUnavailable")

    queue = Refusing()
    waiting = [parked(f"v{number}", wake_at=NOW) for number in range(6)]
    system = Delivery(*waiting, queue=queue, digest_threshold=3, email=DeliveringChannel())
    system.store.documents.put("destinations/slack", Destination("slack", draining=True, repaired_at=NOW))
    system.after(1)
    system.sweep()
    [digest] = queue.digests
    assert system.events.of("enqueue_failed") == [
        {"digest_id": digest.id, "channel": "slack", "error": "ServiceUnavailable"}
    ]


def test_what_waits_for_very_long_is_reported_one_by_one_and_then_the_message() -> None:
    """Each with its cause; the message has none, and its task is made at once."""
    made = NOW - POLICY.parked_most - seconds(60)
    old = [
        parked(name, created_at=since, blocked=True, attempts=0, cause="no_team", wake_at=NOW + POLICY.long_wait)
        for name, since in (("a", made - seconds(9)), ("b", made))
    ]
    system = Delivery(*old, email=DeliveringChannel())
    far = NOW + timedelta(days=9)
    system.store.documents.put("destinations/slack", Destination("slack", cause="no_team", probe_at=far, remind_at=far))
    system.sweep()
    told = [line for line in system.events.lines if line[0] in ("alert_overdue", "alert_made")]
    [message] = [
        stored.value for stored in system.store.documents.under("alerts").values() if stored.value.kind == "overdue"
    ]
    assert told == [
        *[("alert_overdue", {"alert_id": each.id, "channel": "slack", "cause": "no_team"}) for each in old],
        ("alert_made", {"alert_id": message.id, "channel": "email", "kind": "overdue"}),
    ]
    assert [task.alert_id for task in system.queue.asked] == [message.id]
    nonces = [message.nonce, *(system.store.alert(each.id).nonce for each in old)]
    assert len(set(nonces)) == len(nonces)
    assert "made" not in nonces


def test_a_round_of_an_escalation_that_nobody_took_is_reported_with_its_number() -> None:
    """An alarm rings from the first one on."""
    alert = queued()
    refused = ScriptedChannel(Rejected("no_text"), Retry("http_500"))
    system = Delivery(alert, channel=refused, email=ScriptedChannel(Retry("reset")), paces={"slack": 9.0, "email": 9.0})
    system.task(alert)
    told = system.store.alert(ESCALATED["alert_id"])
    for count in (1, 2):
        for _ in range(9):
            if system.events.names.count("escalation_undelivered") == count:
                break
            if system.store.alert(told.id).wake_at is not None and system.store.alert(told.id).state == "parked":
                system.after(3000)
                system.sweep()
            system.task(told)
    reported = system.events.of("escalation_undelivered")
    assert [each["count"] for each in reported] == [1, 2]
    assert all((each["alert_id"], each["kind"]) == (told.id, "escalation") for each in reported)
    assert {each["channel"] for each in reported} <= {"email", "slack"}
    assert {each["cause"] for each in reported} <= {"http_500", "reset"}


@pytest.mark.parametrize("error", [Contention(), StorageError("InvalidArgument")])
def test_an_alert_that_cannot_be_written_does_not_keep_the_pass_from_the_others(error: StorageError) -> None:
    """Somebody else was there: nothing to report. Refused for another reason: the alert and the error are."""
    others = [sending(name) for name in ("a", "b", "c")]
    system = Delivery(*others, email=DeliveringChannel())
    system.after(31)
    writes = system.store.write
    broken = others[1].id

    def write(step: Any) -> Any:
        if step.before.id == broken:
            raise error
        return writes(step)

    system.store.write = write  # type: ignore[method-assign]
    assert system.sweep().requeued == 2
    reported = system.events.of("alert_unwritable")
    wanted = (
        [] if isinstance(error, Contention) else [{"alert_id": broken, "channel": "slack", "error": "StorageError"}]
    )
    assert reported == wanted


@pytest.mark.parametrize("error", [StorageUnavailable("DeadlineExceeded"), OutcomeUnknown("Aborted")])
def test_storage_that_does_not_answer_ends_the_pass(error: StorageError) -> None:
    """What is left is the next one's."""
    system = Delivery(sending("a"), sending("b"), email=DeliveringChannel())
    system.after(31)
    tried: list[str] = []

    def write(step: Any) -> Any:
        tried.append(step.before.id)
        raise error

    system.store.write = write  # type: ignore[method-assign]
    with pytest.raises(Exception, match=r"(?i)stor"):
        system.sweep()
    assert len(tried) == 1


def test_without_a_channel_to_escalate_through_a_failure_is_still_reported() -> None:
    """And nothing else is made."""
    alert = queued()
    system = Delivery(alert, channel=ScriptedChannel(Rejected("no_text")))
    system.deliver = replace(system.deliver, escalation_channels=())
    system.task(alert)
    assert system.events.lines == [("alert_failed", {"attempts": 1, "cause": "no_text", **ABOUT})]
