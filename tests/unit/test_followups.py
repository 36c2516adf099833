"""Follow-ups: which are due, what forbids one, and that none is sent twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import decisions, followups, ids
from shared.domain.alert import FOLLOWUP, Alert, State, create
from shared.domain.delivery import expire, settle
from shared.domain.erasure import erased, perhaps_shown
from shared.domain.followups import Quiet, Standing
from shared.domain.outcome import Delivered, Outcome, Rejected, Retry, Unknown
from shared.domain.rights import Recorded
from shared.errors import StorageUnavailable
from shared.flows.visitor_mail import VisitorMailRules
from shared.ports import Channel, Message
from tests.support.delivery_flow import Delivery
from tests.support.fakes import NOW, POLICY, FakeChance, seconds
from tests.support.rights_stores import FakeRights

HOUR = timedelta(hours=1)
DELAYS = (24 * HOUR, 72 * HOUR, 168 * HOUR)
QUIET = Quiet("c" * 32, "ana@example.com", "Ana", "en", True, NOW, "a" * 32, frozenset(), False)
DEFAULTS: dict[str, Any] = {"now": NOW, "nonce": "n", "jitter": 0.5, "policy": POLICY}


def mail(**changes: Any) -> Alert:
    """A follow-up's alert, being sent unless it says otherwise."""
    made = followups.followup(QUIET, 1, "Atelier", now=NOW, nonce="made", grace=POLICY.grace)
    return replace(made, **{"state": State.SENDING, "attempts": 1} | changes)


def test_a_followup_says_who_is_written_to_and_why() -> None:
    """What its mail and its link are made of, and what forbids it later; named so that there is one of a number."""
    made = followups.followup(QUIET, 2, "Atelier", now=NOW + HOUR, nonce="made", grace=POLICY.grace)
    assert made == create(
        ids.followup_alert_id("c" * 32, 2),
        conversation_id="c" * 32,
        channel="email",
        kind=FOLLOWUP,
        payload={
            "email": "ana@example.com",
            "name": "Ana",
            "language": "en",
            "number": 2,
            "business": "Atelier",
            "address": "a" * 32,
            "conversation_id": "c" * 32,
            "quiet_since": NOW,
        },
        now=NOW + HOUR,
        nonce="made",
        grace=POLICY.grace,
    )


def test_a_followup_that_its_holder_does_not_send_has_ended() -> None:
    """With the reason."""
    ended = {"state": State.SUPPRESSED, "wake_at": None, "ended_at": NOW + HOUR, "cause": "opted_out", "nonce": "n"}
    assert followups.suppressed(mail(), now=NOW + HOUR, nonce="n", cause="opted_out") == mail(**ended)


@pytest.mark.parametrize(
    ("hours", "made", "numbers"),
    [
        (23.9, (), ()),
        (24, (), (1,)),
        (71, (1,), ()),
        (72, (1,), (2,)),
        (500, (), (1, 2, 3)),
        (500, (2,), (1, 3)),
        (500, (1, 2, 3), ()),
    ],
)
def test_due_means_due_and_absent(hours: float, made: tuple[int, ...], numbers: tuple[int, ...]) -> None:
    """However late a run comes, it finds what an earlier one should have made."""
    quiet = replace(QUIET, made=frozenset(made))
    assert followups.due(quiet, DELAYS, NOW + hours * HOUR) == numbers


@pytest.mark.parametrize("changes", [{"opted_out": True}, {"marketing": False}, {"email": None}, {"address": None}])
def test_nothing_is_due_for_whoever_may_not_be_written_to(changes: dict[str, Any]) -> None:
    """And nothing is looked for any more until they write."""
    quiet = replace(QUIET, **changes)
    assert followups.due(quiet, DELAYS, NOW + 500 * HOUR) == ()
    assert followups.next_at(quiet, DELAYS, NOW, ()) is None


@given(st.integers(0, 300), st.frozensets(st.integers(1, 3)))
def test_after_a_run_the_next_look_is_when_the_next_one_is_due(hours: int, made: frozenset[int]) -> None:
    """Never in the past, and None once all are made."""
    quiet, now = replace(QUIET, made=made), NOW + hours * HOUR
    due = followups.due(quiet, DELAYS, now)
    next_at = followups.next_at(quiet, DELAYS, now, due)
    left = [number for number in (1, 2, 3) if number not in {*made, *due}]
    assert (next_at is None) == (not left)
    if next_at is not None:
        assert next_at > now
        assert next_at == NOW + DELAYS[left[0] - 1]


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing(False, NOW, True), None),
        (Standing(True, NOW, True), "opted_out"),
        (Standing(False, None, False), "erased"),
        (Standing(False, NOW, False), "no_consent"),
        (Standing(False, NOW + HOUR, True), "replied"),
    ],
)
def test_what_forbids_a_mail(standing: Standing, why: str | None) -> None:
    """As read under its lease."""
    assert followups.forbidden(mail().payload, standing) == why


@pytest.mark.parametrize("outcome", [Unknown("timeout"), Retry("internal_KeyError", maybe_shown=True)])
def test_a_mail_that_began_to_leave_is_never_sent_again(outcome: Outcome) -> None:
    """What nobody knows the end of is final, and is listed as such."""
    after = settle(mail(data_started=True), outcome, **DEFAULTS)
    assert (after.state, after.cause) == (State.FAILED, "unconfirmed")
    assert not decisions.can_redrive(after)
    with pytest.raises(ValueError, match="is not redriven"):
        decisions.redrive(after, now=NOW, nonce="n", policy=POLICY)


def test_a_dead_holders_mail_is_sent_again_only_if_it_had_not_begun_to_leave() -> None:
    """That is what was written down before its first byte."""
    how = {"now": NOW, "nonce": "n", "jitter": 0.5, "policy": POLICY}
    assert expire(mail(), **how).state is State.QUEUED  # type: ignore[arg-type]
    assert expire(mail(data_started=True), **how).cause == "unconfirmed"  # type: ignore[arg-type]


def test_a_mail_that_surely_failed_is_sent_again() -> None:
    """The server said no after the message (451): it has not arrived."""
    after = settle(mail(data_started=True), Retry("smtp_451"), **DEFAULTS)
    assert (after.state, after.data_started) == (State.QUEUED, False)


def test_a_bounce_ends_it_without_calling_anybody() -> None:
    """Suppressed; another refusal fails and is told of."""
    assert settle(mail(), Rejected("bounced_550"), **DEFAULTS).state is State.SUPPRESSED
    assert settle(mail(data_started=True), Rejected("smtp_554"), **DEFAULTS).state is State.FAILED


class OptOuts(FakeRights):
    """Opt-outs, and how a conversation stands."""

    def __init__(self, standing: Standing | StorageUnavailable) -> None:
        super().__init__()
        self._standing = standing
        self.looked: list[tuple[str, str]] = []

    def look(self, address: str, conversation_id: str) -> Standing:
        """See ``OptOuts``."""
        self.looked.append((address, conversation_id))
        if isinstance(self._standing, StorageUnavailable):
            raise self._standing
        return self._standing


class MailServer(Channel):
    """Tells the flow before the message leaves, as the real one does."""

    def __init__(self, outcome: Outcome) -> None:
        self.sent: list[Message] = []
        self.stored: list[bool] = []
        self.nonces: list[str] = []
        self._outcome = outcome
        self.world: Delivery | None = None

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """See ``Channel``."""
        assert message.before_data is not None
        assert self.world is not None
        before = self.world.store.alert(message.alert_id)
        message.before_data()
        begun = self.world.store.alert(message.alert_id)
        assert begun == replace(before, data_started=True, nonce=begun.nonce)
        self.nonces += [before.nonce, begun.nonce]
        self.stored.append(begun.data_started)
        self.sent.append(message)
        return self._outcome


def delivering(standing: Any, outcome: Outcome | None = None) -> tuple[Delivery, MailServer, OptOuts]:
    """The delivery flow with a follow-up that waits."""
    server, opt_outs = MailServer(outcome or Delivered()), OptOuts(standing)
    world = Delivery(email=server)
    world.deliver = replace(world.deliver, visitor_mail=VisitorMailRules(opt_outs, FakeChance(start=1000)))
    server.world = world
    world.store.put(mail(state=State.QUEUED, attempts=0))
    return world, server, opt_outs


FINE = Standing(False, NOW, True)


def test_a_mail_is_sent_once_what_says_so_is_stored() -> None:
    """``data_started`` is there before the message leaves; the outcome is saved after it."""
    world, server, opt_outs = delivering(FINE)
    assert world.task(mail()) == "delivered"
    assert server.stored == [True]
    assert len({*server.nonces, world.store.alert(mail().id).nonce}) == 3  # a commit of its own each
    assert opt_outs.looked == [("a" * 32, mail().conversation_id)]
    assert world.task(mail()) == "ignored"
    assert len(server.sent) == 1


def test_f25_an_opt_out_before_the_read_keeps_it_from_being_sent() -> None:
    """It ends suppressed, with the reason."""
    world, server, _ = delivering(replace(FINE, opted_out=True))
    assert world.task(mail()) == "suppressed"
    assert (world.store.alert(mail().id).cause, server.sent) == ("opted_out", [])


def test_nothing_is_sent_while_opt_outs_cannot_be_read() -> None:
    """The task comes back; the alert is found by its lease."""
    world, server, _ = delivering(StorageUnavailable("x"))
    with pytest.raises(Exception, match="could not be stored"):
        world.task(mail())
    assert server.sent == []


def test_without_the_rules_no_mail_is_sent() -> None:
    """An omission in the wiring sends nothing."""
    world, server, _ = delivering(FINE)
    world.deliver = replace(world.deliver, visitor_mail=None)
    assert world.task(mail()) == "suppressed"
    assert server.sent == []


def test_a_bounce_opts_the_address_out() -> None:
    """Before the outcome is saved, with a line of the audit."""
    world, _, opt_outs = delivering(FINE, Rejected("bounced_550"))
    assert world.task(mail()) == "suppressed"
    assert opt_outs.suppressed == {"a" * 32: "bounced"}
    token = FakeChance(start=1000).token()
    recorded = Recorded(token, "system", "bounced", "mail_server", "a" * 32, mail().conversation_id)
    assert opt_outs.records == [recorded]


@pytest.mark.parametrize("outcome", [Delivered(), Rejected("smtp_554"), Retry("smtp_451"), Retry("bounced_550")])
def test_what_is_no_bounce_opts_nobody_out(outcome: Outcome) -> None:
    """A refusal for another reason is not the address's fault."""
    world, _, opt_outs = delivering(FINE, outcome)
    world.task(mail())
    assert (opt_outs.suppressed, opt_outs.records) == ({}, [])


def test_a_bounce_of_a_mail_to_the_team_opts_nobody_out() -> None:
    """Only visitors' addresses are opted out."""
    world, _, opt_outs = delivering(FINE, Rejected("bounced_550"))
    rules = world.deliver.visitor_mail
    assert rules is not None
    rules.learn(mail(kind="lead"), Rejected("bounced_550"))
    assert (opt_outs.suppressed, opt_outs.records) == ({}, [])


def test_an_erased_alert_says_nothing_of_a_visitor() -> None:
    """In any state but while it is sent."""
    for state in State:
        alert = mail(state=state, kind=FOLLOWUP)
        if state is State.SENDING:
            with pytest.raises(ValueError, match="being sent"):
                erased(alert, now=NOW, nonce="n")
        else:
            after = erased(alert, now=NOW + seconds(1), nonce="n")
            assert (after.state, after.payload, after.wake_at) == (State.ERASED, {}, None)
    assert perhaps_shown(mail())
    assert not perhaps_shown(mail(state=State.QUEUED, attempts=0))
