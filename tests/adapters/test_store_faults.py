"""The real stores on a wire that breaks: what was written is found out, what it costs is counted."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import replace

import grpc
import pytest
from google.api_core import exceptions

from shared.adapters.firestore import CONFLICTS, CONTENTIONS, NO_ANSWER, committing, reading
from shared.adapters.firestore_alerts import FirestoreAlerts
from shared.adapters.firestore_documents import alert_document
from shared.domain.alert import Alert, State
from shared.domain.budget import Budget
from shared.domain.outcome import Delivered, Outcome, Rejected, Retry
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageError, StorageUnavailable, Unreadable
from shared.flows.deliver_alert import DeliverAlert
from shared.ports import Admitted, ClaimHeld, Step
from tests.adapters.conftest import FirestoreWorld
from tests.support.fakes import (
    ScriptedChannel,
    seconds,
)
from tests.support.one_delivery import alert_delivery
from tests.support.turns import admitted, alert, claim, commit, now, unique, window

LOST = grpc.StatusCode.DEADLINE_EXCEEDED
CROWDED = grpc.StatusCode.ABORTED
DOWN = grpc.StatusCode.UNAVAILABLE


def test_a_turn_opens_in_one_round_trip(firestore_world: FirestoreWorld) -> None:
    """A commit and a read that are under way at the same time."""
    world = firestore_world
    world.chat.commit_turn(commit())
    world.wire.calls.clear()
    both = threading.Barrier(2, timeout=10)
    world.wire.before = lambda _name: both.wait() and None
    opened = world.chat.open_turn(claim(), [window()], "conversation")
    assert opened.conversation is not None
    assert sorted(world.wire.calls) == ["BatchGetDocuments", "Commit"]


def test_what_each_operation_costs(firestore_world: FirestoreWorld) -> None:
    """As its docstring says."""
    world, held = firestore_world, claim()
    costs = {}

    def cost(name: str) -> None:
        costs[name] = list(world.wire.calls)
        world.wire.calls.clear()

    opened = world.chat.open_turn(held, [window()], None).admission
    assert isinstance(opened, Admitted)
    assert opened.claim_version is not None
    cost("open without conversation")
    turn = commit(None, None, alert(), held=(held, opened.claim_version))
    world.chat.commit_turn(turn)
    cost("commit")
    world.chat.reread(turn)
    cost("reread")
    world.chat.open_turn(claim(), [window()], None)
    cost("repeat")
    world.chat.release(held, opened.claim_version)
    cost("release")
    world.alerts.due(turn.conversation.created_at, 10, channel="slack", parked=True)
    cost("due")
    world.alerts.withheld("slack", 10)
    cost("withheld")
    world.alerts.queued("slack")
    cost("queued")
    world.alerts.destinations(["slack", "monday"])
    cost("destinations")
    world.alerts.read("alert", "slack")
    cost("read")
    world.alerts.read("alert", "monday")
    cost("read of another channel")
    assert costs == {
        "open without conversation": ["Commit"],
        "commit": ["Commit"],
        "reread": ["BatchGetDocuments"],
        "repeat": ["Commit", "BatchGetDocuments"],
        "release": ["Commit"],
        "due": ["RunQuery"],
        "withheld": ["RunQuery"],
        "queued": ["RunAggregationQuery"],
        "destinations": ["BatchGetDocuments"],
        "read": ["BatchGetDocuments"],
        "read of another channel": ["BatchGetDocuments", "BatchGetDocuments"],
    }


@pytest.mark.parametrize("outcome", [Delivered(), Retry("http_500"), Rejected("no_text")])
def test_an_alert_is_delivered_in_three_round_trips(firestore_world: FirestoreWorld, outcome: Outcome) -> None:
    """One read, the claim, the outcome with its dead letter and its escalation."""
    world = firestore_world
    world.put(alert())
    world.wire.calls.clear()
    world.wire.billed.clear()
    deliver = alert_delivery(world.alerts, world.breakers, {"slack": ScriptedChannel(outcome)})
    cached = FirestoreAlerts(world.database, deliver.attempts.breakers.cache)  # type: ignore[attr-defined]
    deliver = replace(deliver, store=cached)
    deliver(DeliverAlert("alert", 1, "slack"))
    # A failure is counted: one commit more. The breaker is read beside the alert.
    counted = ["Commit"] if isinstance(outcome, Retry) else []
    assert world.wire.calls == ["BatchGetDocuments", "Commit", *counted, "Commit"]
    assert world.wire.billed["reads"] == 3  # alert, destination, breaker


def test_f03_an_admission_whose_answer_is_lost_is_found_by_its_nonce(firestore_world: FirestoreWorld) -> None:
    """It took effect: counted once, the claim is ours and can be committed."""
    world, held, counted = firestore_world, claim(), window()
    world.wire.break_call("Commit", 1, status=LOST, takes_effect=True)
    opened = world.chat.open_turn(held, [counted], None).admission
    assert isinstance(opened, Admitted)
    assert opened.counts == ((counted, 1),)
    assert opened.claim_version is not None
    world.chat.commit_turn(commit(held=(held, opened.claim_version)))


def test_f03_an_admission_whose_answer_is_lost_does_not_count_on_its_lease(firestore_world: FirestoreWorld) -> None:
    """It is not known what the counter said at that moment: the lease is lost, the budget is not exceeded."""
    world, bid = firestore_world, Budget(1000).bid(now(), 0.5)
    world.wire.break_call("Commit", 1, status=LOST, takes_effect=True)
    opened = world.chat.open_turn(claim(), [window()], None, bid.lease).admission
    assert isinstance(opened, Admitted)
    assert opened.leased is None


@pytest.mark.parametrize("status", [LOST, DOWN, grpc.StatusCode.INTERNAL])
def test_f22_windows_that_cannot_be_counted_are_unavailable(
    firestore_world: FirestoreWorld, status: grpc.StatusCode
) -> None:
    """Nothing guards the increment: it is sent once."""
    world = firestore_world
    world.wire.break_call("Commit", 1, status=status)
    with pytest.raises(StorageUnavailable):
        world.windows.count([window()])
    assert world.wire.calls == ["Commit"]


@pytest.mark.parametrize(("times", "passes"), [(2, True), (3, False)])
def test_f22_contention_on_windows_by_themselves_is_tried_three_times(
    firestore_world: FirestoreWorld, times: int, *, passes: bool
) -> None:
    """Then it is told; nothing was counted by what failed."""
    world = firestore_world
    world.wire.break_call("Commit", *range(1, times + 1), status=CROWDED)
    if passes:
        assert world.windows.count([window()]) == ((window(), 1),)
    else:
        with pytest.raises(Contention):
            world.windows.count([window()])
    assert world.count(window().id) == int(passes)


@pytest.mark.parametrize("status", [LOST, DOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED])
def test_f22_an_admission_that_did_not_happen_is_unavailable(
    firestore_world: FirestoreWorld, status: grpc.StatusCode
) -> None:
    """Nothing written; limits do not fail open."""
    world = firestore_world
    world.wire.break_call("Commit", 1, status=status)
    with pytest.raises(StorageUnavailable):
        world.chat.open_turn(claim(), [window()], None)
    assert world.names("admissions") == world.names("rate_windows") == set()


def test_f22_an_admission_that_met_anothers_claim_is_not_taken_for_ours(firestore_world: FirestoreWorld) -> None:
    """No answer, and the claim that stands is somebody else's: the nonce tells."""
    world = firestore_world
    admitted(world.chat, claim())
    world.wire.break_call("Commit", 1, status=LOST)
    with pytest.raises(StorageUnavailable):
        world.chat.open_turn(claim(), [window()], None)


def test_f03_an_admission_without_a_key_is_not_counted_again(firestore_world: FirestoreWorld) -> None:
    """Nothing guards the increment: it is not repeated."""
    world = firestore_world
    world.wire.break_call("Commit", 1, status=LOST, takes_effect=True)
    with pytest.raises(StorageUnavailable):
        world.chat.open_turn(None, [window()], None)
    assert world.count(window().id) == 1


def test_f03_a_takeover_whose_answer_is_lost_is_found(firestore_world: FirestoreWorld) -> None:
    """The second commit, on the dead holder's claim."""
    world, heir = firestore_world, claim()
    admitted(world.chat, claim(lives=-1))
    world.wire.break_call("Commit", 2, status=LOST, takes_effect=True)
    assert isinstance(world.chat.open_turn(heir, [window()], None).admission, Admitted)
    held = world.chat.open_turn(claim(), [window()], None).admission
    assert isinstance(held, ClaimHeld)
    assert held.nonce == heir.nonce


@pytest.mark.parametrize(("times", "passes"), [(2, True), (3, False)])
def test_f22_contention_on_a_window_is_tried_three_times(
    firestore_world: FirestoreWorld, times: int, *, passes: bool
) -> None:
    """Then it is told; nothing was written by what failed."""
    world = firestore_world
    world.wire.break_call("Commit", *range(1, times + 1), status=CROWDED)
    if passes:
        world.chat.open_turn(None, [window()], None)
    else:
        with pytest.raises(Contention):
            world.chat.open_turn(None, [window()], None)
    assert world.count(window().id) == int(passes)


def test_f22_a_conversation_that_cannot_be_read_gives_the_claim_back(firestore_world: FirestoreWorld) -> None:
    """The same key can be used again at once."""
    world = firestore_world
    world.wire.break_call("BatchGetDocuments", 1, status=LOST)
    with pytest.raises(StorageUnavailable):
        world.chat.open_turn(claim(), [window()], "conversation")
    assert world.names("admissions") == set()


def test_a_read_that_fails_for_a_moment_is_tried_again(firestore_world: FirestoreWorld) -> None:
    """Reads may be repeated."""
    world = firestore_world
    world.put(alert())
    world.wire.break_call("BatchGetDocuments", 1, 2, status=DOWN)
    assert world.alerts.read("alert") is not None


@pytest.mark.parametrize("takes_effect", [True, False])
def test_f03_a_turns_commit_is_sent_once_and_its_loss_is_told(
    firestore_world: FirestoreWorld, *, takes_effect: bool
) -> None:
    """The client's own retry is off: the reread finds out."""
    world, turn = firestore_world, commit(None, None, alert())
    world.wire.break_call("Commit", 1, status=DOWN, takes_effect=takes_effect)
    with pytest.raises(OutcomeUnknown):
        world.chat.commit_turn(turn)
    assert world.wire.calls == ["Commit"]
    assert world.chat.reread(turn).ours is takes_effect
    assert world.tally("slack", "lead") == int(takes_effect)


@pytest.mark.parametrize("takes_effect", [True, False])
@pytest.mark.parametrize("losses", [1, 2])
@pytest.mark.parametrize("status", [LOST, DOWN, CROWDED])
def test_f03_a_write_whose_answer_is_lost_happens_once(
    firestore_world: FirestoreWorld, losses: int, status: grpc.StatusCode, *, takes_effect: bool
) -> None:
    """Found by its nonce, or tried again on the same version."""
    world, made = firestore_world, alert()
    version = world.put(made)
    after = replace(made, state=State.PARKED, cause="x", nonce=unique())
    world.wire.break_call("Commit", *range(1, losses + 1), status=status, takes_effect=takes_effect)
    written = world.alerts.write(Step(made, after, version))
    stored = world.alerts.read(made.id)
    assert stored is not None
    assert (stored.alert, stored.version) == (after, written)
    assert world.dead_letter(made.id) is not None


def test_f08_a_write_whose_answer_is_lost_to_another_is_a_conflict(firestore_world: FirestoreWorld) -> None:
    """It did not happen, and somebody else's did."""
    world, made = firestore_world, alert()
    version = world.put(made)

    def rival(name: str) -> None:
        if name == "BatchGetDocuments":
            world.wire.before = lambda _name: None
            world.put(replace(made, nonce="rival"))

    world.wire.before = rival
    world.wire.break_call("Commit", 1, status=LOST)
    with pytest.raises(Conflict):
        world.alerts.write(Step(made, replace(made, nonce=unique()), version))
    assert world.wire.calls == ["Commit", "Commit", "BatchGetDocuments", "Commit"]  # two of them arranged it


def test_a_write_that_is_refused_is_not_tried_again(firestore_world: FirestoreWorld) -> None:
    """The version has moved on: one commit, and one read to see whose."""
    world, made = firestore_world, alert()
    version = world.put(made)
    world.put(replace(made, nonce="rival"))
    world.wire.calls.clear()
    with pytest.raises(Conflict):
        world.alerts.write(Step(made, replace(made, nonce=unique()), version))
    assert world.wire.calls == ["Commit", "BatchGetDocuments"]


@pytest.mark.parametrize(("status", "error"), [(LOST, OutcomeUnknown), (CROWDED, Contention)])
def test_f22_a_write_is_given_up_after_three_tries(
    firestore_world: FirestoreWorld, status: grpc.StatusCode, error: type[StorageError]
) -> None:
    """Whatever kept it from happening is told."""
    world, made = firestore_world, alert()
    version = world.put(made)
    world.wire.break_call("Commit", 1, 2, 3, 4, status=status)
    with pytest.raises(error):
        world.alerts.write(Step(made, replace(made, nonce=unique()), version))
    assert world.wire.calls.count("Commit") == 4  # the first one arranged the alert


def test_f03_a_lost_write_that_cannot_be_looked_up_is_unknown(firestore_world: FirestoreWorld) -> None:
    """StorageUnavailable would say that nothing was written; here it was."""
    world, made = firestore_world, alert()
    version = world.put(made)
    world.wire.break_call("Commit", 1, status=LOST, takes_effect=True)
    world.wire.break_call("BatchGetDocuments", 1, status=LOST)
    with pytest.raises(OutcomeUnknown):
        world.alerts.write(Step(made, replace(made, nonce=unique()), version))


def test_f16_an_alert_that_cannot_be_read_does_not_hide_the_others(firestore_world: FirestoreWorld) -> None:
    """A document of another version of the code, or one repaired by hand."""
    world, made = firestore_world, alert()
    world.put(made)
    poison = {"wake_at": made.created_at, "channel": "slack", "state": "queued"}
    world.database.document("alerts", "poison").set(poison)
    page = world.alerts.due(made.created_at + seconds(60), 10, channel="slack", parked=False)
    assert (page.unreadable, [found.alert for found in page.alerts]) == (("poison",), [made])


CHANGED = [item.name for item in dataclasses.fields(Alert) if item.name not in ("id", "channel", "wake_at", "state")]


@pytest.mark.parametrize("field", CHANGED)
def test_f16_a_field_of_another_kind_does_not_hide_the_others(firestore_world: FirestoreWorld, field: str) -> None:
    """Somebody changed it by hand: the sweep would fail at it, with everything that comes after."""
    world, made = firestore_world, alert()
    world.put(made)
    document = alert_document(replace(made, id="poison")) | {field: {"of": "another kind"} if field != "payload" else 3}
    world.database.document("alerts", "poison").set(document)
    page = world.alerts.due(made.wake_at + seconds(60), 10, channel=made.channel, parked=False)
    assert (page.unreadable, [found.alert for found in page.alerts]) == (("poison",), [made])
    with pytest.raises(Unreadable):
        world.alerts.read("poison", made.channel)


ERRORS = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)]


@pytest.mark.parametrize("kind", [each for each in ERRORS if issubclass(each, exceptions.GoogleAPICallError)])
def test_no_error_of_the_library_gets_out(kind: type[exceptions.GoogleAPICallError]) -> None:
    """Every one is turned into one of ours, and what it means is known."""
    with pytest.raises(StorageError) as commits, committing():
        raise kind("private text")
    with pytest.raises(StorageUnavailable) as reads, reading():
        raise kind("private text")
    assert "private" not in f"{commits.value} {reads.value}"
    wanted = {Conflict: CONFLICTS, Contention: CONTENTIONS, OutcomeUnknown: NO_ANSWER}
    assert type(commits.value) in [ours for ours, theirs in wanted.items() if issubclass(kind, theirs)] or [
        StorageError
    ]
