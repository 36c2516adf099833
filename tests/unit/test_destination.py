"""A destination that waits for its repair: found once, told once a day, probed now and then, drained afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.destination import (
    REMIND_AFTER,
    Destination,
    block,
    drained,
    judge,
    lease_probe,
    release_probe,
    remind,
    repair,
    resume,
)
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

FINE = Destination("slack")
LATER = NOW + seconds(90)


def refusing(destination: Destination = FINE) -> Destination:
    """One that was found blocked."""
    return block(destination, "no_service", now=NOW, fingerprint="old", nonce="found", policy=POLICY)


def test_nothing_is_known_of_a_destination_at_first() -> None:
    """It is taken for fine."""
    assert not FINE.blocked
    assert (FINE.blocks, FINE.notices, FINE.draining) == (0, 0, False)


def test_f10_a_block_is_found_with_its_first_notice() -> None:
    """It says since when and why, counts one notice, and names when the next and the first probe are due."""
    assert refusing() == Destination(
        "slack",
        cause="no_service",
        since=NOW,
        blocks=1,
        notices=1,
        told="no_service",
        remind_at=NOW + REMIND_AFTER,
        probe_at=NOW + POLICY.probe_wait,
        fingerprint="old",
        nonce="found",
    )
    assert refusing().blocked


def test_f10_a_block_that_is_found_again_is_the_same_block() -> None:
    """A probe that failed moves the next one; nobody is told again, but the cause and the settings are the newest."""
    again = block(refusing(), "no_team", now=LATER, fingerprint="new", nonce="again", policy=POLICY)
    probe_at = LATER + POLICY.probe_wait
    assert again == replace(refusing(), cause="no_team", fingerprint="new", nonce="again", probe_at=probe_at)


def test_a_block_after_a_repair_is_another_one() -> None:
    """Its notices have other names, and the drain of the earlier one stops."""
    other = refusing(repair(refusing(), now=LATER, nonce="fixed"))
    assert (other.blocks, other.notices, other.since, other.draining) == (2, 1, NOW, False)


@pytest.mark.parametrize(
    ("probe_at", "fingerprint", "taken"),
    [
        (NOW + seconds(1), "old", False),
        (NOW, "old", True),
        (NOW - seconds(1), "old", True),
        (None, "old", True),
        (NOW + seconds(1), "new", True),
    ],
)
def test_a_probe_is_taken_when_due_or_under_other_settings(probe_at: object, fingerprint: str, *, taken: bool) -> None:
    """A secret that was changed is tried at once."""
    destination = replace(refusing(), probe_at=probe_at)  # type: ignore[arg-type]
    assert destination.takes_probe(NOW, fingerprint) is taken


def test_a_leased_probe_keeps_the_others_away_until_its_holder_must_be_gone() -> None:
    """It stays blocked meanwhile; a holder that died holds nobody up for longer than its lease and a grace."""
    leased = lease_probe(refusing(), now=LATER, fingerprint="new", nonce="probe", policy=POLICY)
    ends = LATER + POLICY.lease + POLICY.grace
    assert leased == replace(refusing(), probe_at=ends, leased_until=ends, fingerprint="new", nonce="probe")
    assert not leased.takes_probe(ends - seconds(0.001), "new")
    assert leased.takes_probe(ends, "new")


def test_of_two_settings_only_one_probes_at_a_time() -> None:
    """During a deployment both are there: the lease holds for either."""
    leased = lease_probe(refusing(), now=LATER, fingerprint="new", nonce="probe", policy=POLICY)
    assert not leased.takes_probe(LATER, "old")
    failed = block(leased, "no_service", now=LATER, fingerprint="new", nonce="again", policy=POLICY)
    assert failed.takes_probe(LATER, "old")


def test_a_probe_that_was_refused_is_given_back() -> None:
    """An alert refused for what it is says nothing of the repair: another one probes at once."""
    leased = lease_probe(refusing(), now=LATER, fingerprint="old", nonce="probe", policy=POLICY)
    released = release_probe(leased, now=LATER, nonce="back")
    assert released == replace(refusing(), probe_at=LATER, nonce="back")


def test_a_block_that_was_only_resumed_goes_on_as_the_same() -> None:
    """Within the day of its notice, until it is drained; then, and for another cause, it is a new one."""
    resumed = resume(refusing(), now=LATER, nonce="tried")
    free = {"cause": None, "probe_at": None, "draining": True, "repaired_at": LATER, "nonce": "tried"}
    assert resumed == replace(refusing(), **free)
    assert (resumed.blocked, resumed.draining, resumed.told) == (False, True, "no_service")
    given: dict[str, Any] = {"fingerprint": "old", "nonce": "again", "policy": POLICY}
    same = block(resumed, "no_service", now=LATER, **given)
    assert (same.blocks, same.notices, same.since) == (1, 1, NOW)
    for anew in (
        block(resumed, "no_team", now=LATER, **given),
        block(resumed, "no_service", now=NOW + REMIND_AFTER, **given),
        block(drained(resumed, nonce="over"), "no_service", now=LATER, **given),
        block(repair(refusing(), now=LATER, nonce="fixed"), "no_service", now=LATER, **given),
    ):
        assert (anew.blocks, anew.notices) == (2, 1)


def test_f11_a_repair_ends_the_block_and_begins_the_drain() -> None:
    """Nothing of the block is left but its number, so that the next one has another."""
    repaired = repair(refusing(), now=LATER, nonce="fixed")
    assert repaired == Destination(
        "slack", blocks=1, fingerprint="old", draining=True, repaired_at=LATER, nonce="fixed"
    )
    assert not repaired.blocked


def test_a_person_is_reminded_once_a_day() -> None:
    """Each notice has its number; the block is the same."""
    reminded = remind(refusing(), now=LATER, nonce="told")
    assert reminded == replace(refusing(), notices=2, remind_at=LATER + REMIND_AFTER, nonce="told")
    assert seconds(24 * 3600) == REMIND_AFTER


def test_a_drain_ends() -> None:
    """Nothing else of the destination changes."""
    draining = repair(refusing(), now=LATER, nonce="fixed")
    assert drained(draining, nonce="over") == replace(draining, draining=False, nonce="over")


def test_the_drain_of_a_block_that_was_only_resumed_forgets_the_block() -> None:
    """Its next one is new, with notices of its own."""
    leased = lease_probe(refusing(), now=NOW, fingerprint="old", nonce="probe", policy=POLICY)
    resumed = resume(leased, now=LATER, nonce="tried")
    assert resumed.leased_until is None
    over = Destination("slack", blocks=1, fingerprint="old", repaired_at=LATER, nonce="over")
    assert drained(resumed, nonce="over") == over


GIVEN: dict[str, Any] = {"now": LATER, "nonce": "judged"}
SETTINGS: dict[str, Any] = {"fingerprint": "new", "policy": POLICY}


@pytest.mark.parametrize("probing", [False, True])
def test_f10_whatever_attempt_finds_a_block_says_so(*, probing: bool) -> None:
    """With the settings that it was made with."""
    found = judge(FINE, Blocked("no_team"), probing=probing, **GIVEN, **SETTINGS)
    assert found == block(FINE, "no_team", **GIVEN, **SETTINGS)
    assert found is not None
    assert (found.nonce, found.since, found.fingerprint) == ("judged", LATER, "new")


@pytest.mark.parametrize("outcome", [Delivered(), Rejected("no_text"), Retry("http_500"), Unknown("timeout")])
def test_nothing_else_is_said_of_a_destination_that_is_fine(outcome: Outcome) -> None:
    """Nothing is written of it then; so it is by a probe that another has ended the block before."""
    for probing in (False, True):
        assert judge(FINE, outcome, probing=probing, **GIVEN, **SETTINGS) is None


@pytest.mark.parametrize(
    "outcome", [Delivered(), Rejected("no_text"), Blocked("no_team"), Retry("http_500"), Unknown("timeout")]
)
def test_an_attempt_that_began_before_the_block_says_nothing_of_it(outcome: Outcome) -> None:
    """Only a probe does."""
    assert judge(refusing(), outcome, probing=False, **GIVEN, **SETTINGS) is None


@pytest.mark.parametrize(
    ("outcome", "after"),
    [
        (Delivered(), repair),
        (Rejected("no_text"), release_probe),
        (Retry("http_500"), resume),
        (Unknown("timeout"), resume),
    ],
)
def test_a_probe_says_whether_the_block_is_over(outcome: Outcome, after: Callable[..., Destination]) -> None:
    """It is; nothing is known of it; or alerts live by their own budgets again."""
    leased = lease_probe(refusing(), now=NOW, fingerprint="old", nonce="probe", policy=POLICY)
    judged = judge(leased, outcome, probing=True, **GIVEN, **SETTINGS)
    assert judged == after(leased, **GIVEN)
    assert judged is not None
    assert (judged.nonce, LATER in (judged.repaired_at, judged.probe_at)) == ("judged", True)


def test_a_probe_that_meets_the_block_moves_the_next_one() -> None:
    """The block goes on as the same."""
    leased = lease_probe(refusing(), now=NOW, fingerprint="old", nonce="probe", policy=POLICY)
    judged = judge(leased, Blocked("no_service"), probing=True, **GIVEN, **SETTINGS)
    probe_at = LATER + POLICY.probe_wait
    assert judged == replace(refusing(), fingerprint="new", probe_at=probe_at, nonce="judged")
