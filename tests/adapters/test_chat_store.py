"""The contract of the chat's store, over the fake and over Firestore: claims, windows, turns."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.admission import exceeded
from shared.domain.budget import Budget, Lease
from shared.errors import Conflict, Contention
from shared.ports import Admitted, ClaimHeld, Opened
from tests.adapters.conftest import World
from tests.support.turns import LIMIT, admitted, alert, claim, commit, conversation, now, window


def all_at_once(number: int, action: Callable[[int], Any]) -> list[Any]:
    """Run an action on so many threads, started together."""
    start = threading.Barrier(number)

    def run(index: int) -> Any:
        start.wait()
        return action(index)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(number)))


def test_a_first_request_is_counted_and_has_its_claim(world: World) -> None:
    """With the count of its window, this request among them."""
    wanted, counted = claim(), window()
    opened = world.chat.open_turn(wanted, [counted], None)
    assert isinstance(opened.admission, Admitted)
    assert (opened.admission.counts, opened.conversation, opened.conversation_version) == (((counted, 1),), None, None)
    assert opened.admission.claim_version is not None
    assert world.names("admissions") == {wanted.id}
    assert world.count(counted.id) == 1


def test_without_a_key_there_is_no_claim(world: World) -> None:
    """Only the windows are written, each of them."""
    found = [window(), window(limit=replace(LIMIT, seconds=3600))]
    for number in (1, 2, 3):
        admission = world.chat.open_turn(None, found, None).admission
        assert admission == Admitted(tuple((each, number) for each in found), None)
    assert world.names("admissions") == set()


def test_a_live_claim_is_told_and_nothing_is_counted(world: World) -> None:
    """Whose it is, what was asked, until when; no answer yet."""
    first, counted = claim(), window()
    version = admitted(world.chat, first)
    held = world.chat.open_turn(replace(claim(), request_hash="another"), [counted], None).admission
    assert isinstance(held, ClaimHeld)
    assert (held.request_hash, held.nonce, held.answer) == ("request", first.nonce, None)
    assert (held.expires_at, held.version) == (first.expires_at, version)
    assert held.read_at >= version
    assert world.count(counted.id) == 1


def test_f28_an_expired_claim_is_taken_over(world: World) -> None:
    """Its holder died: the next request has it, counted, and the dead one's version is worth nothing."""
    dead, heir, counted = claim(lives=-1), claim(), window()
    old = admitted(world.chat, dead)
    opened = world.chat.open_turn(heir, [counted], None).admission
    assert isinstance(opened, Admitted)
    assert (opened.counts[0][1], opened.claim_version != old) == (2, True)
    held = world.chat.open_turn(claim(), [counted], None).admission
    assert isinstance(held, ClaimHeld)
    assert held.nonce == heir.nonce
    with pytest.raises(Conflict):
        world.chat.commit_turn(commit(held=(dead, old)))


@pytest.mark.parametrize("lives", [60, -1])
def test_f27_of_many_at_once_with_one_key_one_has_the_claim(world: World, lives: float) -> None:
    """A free key and an expired one alike; the others are told who holds it, or that it is crowded."""
    if lives < 0:
        admitted(world.chat, claim(lives=lives))

    def ask(index: int) -> object:
        try:
            return world.chat.open_turn(claim(), [window(f"client-{index}")], None).admission
        except Contention:
            return None

    results = all_at_once(10, ask)
    assert sum(isinstance(result, Admitted) for result in results) == 1


def test_exactly_the_quota_is_admitted_whoever_counts_at_once(world: World) -> None:
    """Forty threads on one window of thirty: thirty are admitted; who met contention was not counted."""
    counted = window()

    def ask(_index: int) -> bool | None:
        try:
            admission = world.chat.open_turn(None, [counted], None).admission
        except Contention:
            return None
        assert isinstance(admission, Admitted)
        return exceeded(admission.counts) is None

    results = all_at_once(40, ask)
    while None in results:
        results[results.index(None)] = ask(0)
    assert (results.count(True), results.count(False)) == (30, 10)
    assert world.count(counted.id) == 40


def test_windows_can_be_counted_by_themselves(world: World) -> None:
    """In the same counters, for endpoints other than chat."""
    found = [window(), window(limit=replace(LIMIT, seconds=3600))]
    world.chat.open_turn(None, found[:1], None)
    assert world.windows.count(found) == ((found[0], 2), (found[1], 1))
    assert world.windows.count(found[:1]) == ((found[0], 3),)


def lease(messages: int = 10) -> Lease:
    """A part of a budget of a thousand."""
    bid = Budget(1000).bid(now(), 0.5)
    assert bid.lease is not None
    return replace(bid.lease, messages=messages)


@pytest.mark.parametrize("keyed", [True, False])
def test_an_admission_takes_the_lease_that_is_asked_for(world: World, *, keyed: bool) -> None:
    """Its counter grows by so many messages, and what it says then comes back, beside the windows' counts."""
    found = [window(), window(limit=replace(LIMIT, seconds=3600))]
    for number in (1, 2, 3):
        wanted = claim(f"claim {number}") if keyed else None
        admission = world.chat.open_turn(wanted, found, None, lease()).admission
        assert isinstance(admission, Admitted)
        assert admission.counts == tuple((each, number) for each in found)
        assert (admission.leased, admission.claim_version is not None) == (10 * number, keyed)
    assert world.count(lease().shard.id) == 30


def test_a_request_that_is_not_admitted_takes_no_lease(world: World) -> None:
    """A repeat counts nothing, not even that."""
    admitted(world.chat, claim())
    assert isinstance(world.chat.open_turn(claim(), [window()], None, lease()).admission, ClaimHeld)
    assert world.count(lease().shard.id) == 0


def test_who_takes_over_an_expired_claim_takes_the_lease_too(world: World) -> None:
    """Once, in the commit that succeeds."""
    admitted(world.chat, claim(lives=-1))
    admission = world.chat.open_turn(claim(), [window()], None, lease()).admission
    assert isinstance(admission, Admitted)
    assert admission.leased == world.count(lease().shard.id) == 10


def test_nothing_to_count_and_nothing_to_claim_is_admitted(world: World) -> None:
    """Where windows are counted elsewhere."""
    world.chat.commit_turn(commit(conversation(1)))
    opened = world.chat.open_turn(None, [], "conversation")
    assert (opened.admission, opened.conversation is not None) == (Admitted((), None), True)


def test_a_release_frees_the_key_at_once(world: World) -> None:
    """The next request with it is admitted."""
    first = claim()
    world.chat.release(first, admitted(world.chat, first))
    assert world.names("admissions") == set()
    assert isinstance(world.chat.open_turn(claim(), [window()], None).admission, Admitted)


def test_a_release_of_what_is_not_ours_any_more_does_nothing(world: World) -> None:
    """Taken over, answered, or gone."""
    dead, heir = claim(lives=-1), claim()
    old = admitted(world.chat, dead)
    new = admitted(world.chat, heir)
    world.chat.release(dead, old)
    assert world.names("admissions") == {heir.id}
    world.chat.commit_turn(commit(held=(heir, new)))
    world.chat.release(heir, new)
    assert world.names("admissions") == {heir.id}
    other = claim("other")
    version = admitted(world.chat, other)
    world.chat.release(other, version)
    world.chat.release(other, version)


def opened(world: World) -> Opened:
    """What stands, by a request of its own."""
    return world.chat.open_turn(None, [window("reader")], "conversation")


def test_a_turn_is_written_whole(world: World) -> None:
    """Conversation, message, alerts, tallies and the answer, and each comes back as it was."""
    held, made = claim(), alert()
    turn = commit(conversation(3), None, made, held=(held, admitted(world.chat, held)))
    world.chat.commit_turn(turn)
    stands = opened(world)
    assert (stands.conversation, world.names("messages")) == (turn.conversation, {turn.message_id})
    stored = world.alerts.read(made.id)
    assert stored is not None
    assert (stored.alert, stored.receipt) == (made, False)
    assert world.tally("slack", "lead") == 1
    answered = world.chat.open_turn(claim(), [window()], None).admission
    assert isinstance(answered, ClaimHeld)
    assert answered.answer is not None
    assert list(answered.answer.items()) == list(turn.answer.items())
    assert (answered.expires_at, answered.nonce) == (turn.answer_expires_at, held.nonce)


def test_a_conversation_goes_on_from_the_version_that_was_read(world: World) -> None:
    """Its next turn replaces it, with another message beside the first."""
    world.chat.commit_turn(commit(conversation(1)))
    stands = opened(world)
    after = conversation(2, alerted=frozenset(), consent=replace(conversation().consent, marketing=None, at=now()))
    world.chat.commit_turn(commit(after, stands.conversation_version))
    assert opened(world).conversation == after
    assert len(world.names("messages")) == 2


def test_alerts_are_counted_over_all_shards(world: World) -> None:
    """By channel and kind, in the commit that makes them."""
    for number in range(20):
        alerts = [alert(f"alert-{number}-{channel}", channel=channel) for channel in ("slack", "monday")]
        world.chat.commit_turn(commit(conversation(1, id=f"c{number}"), None, *alerts))
    assert (world.tally("slack", "lead"), world.tally("monday", "lead"), world.tally("slack", "x")) == (20, 20, 0)
    assert len(world.names("tallies")) > 4


@pytest.mark.parametrize("at_fault", ["conversation exists", "conversation moved on", "claim", "alert", "message"])
def test_a_turn_with_one_thing_in_its_way_is_not_written_at_all(world: World, at_fault: str) -> None:
    """A failed precondition anywhere: no conversation, message, alert, tally, or answer."""
    held = claim()
    version = admitted(world.chat, held)
    standing = commit(conversation(1), None, alert("standing"))
    world.chat.commit_turn(standing)
    before = opened(world)
    turn = commit(conversation(2), before.conversation_version, alert("new"), held=(held, version))
    if at_fault == "conversation exists":
        turn = replace(turn, conversation_version=None)
    elif at_fault == "conversation moved on":
        world.chat.commit_turn(commit(conversation(5), before.conversation_version))
    elif at_fault == "claim":
        world.chat.release(held, version)
    elif at_fault == "alert":
        turn = replace(turn, alerts=[alert("new"), alert("standing")])
    else:
        turn = replace(turn, message_id=standing.message_id)
    stands = opened(world).conversation
    with pytest.raises(Conflict):
        world.chat.commit_turn(turn)
    assert opened(world).conversation == stands
    assert (world.names("alerts"), world.tally("slack", "lead")) == ({"standing"}, 1)
    assert turn.message_id == standing.message_id or turn.message_id not in world.names("messages")
    again = world.chat.open_turn(claim(), [window()], None).admission
    assert not isinstance(again, ClaimHeld) or again.answer is None


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("key", ["none", "ours", "gone", "taken over"])
def test_a_reread_tells_what_became_of_a_commit(world: World, key: str, *, written: bool) -> None:
    """Whether it happened, whether the claim is lost, and what stands."""
    held = claim(lives=-1 if key == "taken over" else 60)
    version = admitted(world.chat, held)
    turn = commit(held=None if key == "none" else (held, version))
    if written:
        world.chat.commit_turn(replace(turn, claim=None))
    if key == "gone":
        world.chat.release(held, version)
    elif key == "taken over":
        admitted(world.chat, claim())
    stands = world.chat.reread(turn)
    assert (stands.ours, stands.claim_lost) == (written, key in ("gone", "taken over"))
    assert stands.conversation == (turn.conversation if written else None)
    assert (stands.conversation_version is not None) == written
    if written:
        world.chat.commit_turn(commit(conversation(2), stands.conversation_version))


def test_a_reread_after_a_whole_commit_finds_its_claim_still_ours(world: World) -> None:
    """The answer was saved under our nonce."""
    held = claim()
    turn = commit(held=(held, admitted(world.chat, held)))
    world.chat.commit_turn(turn)
    stands = world.chat.reread(turn)
    assert (stands.ours, stands.claim_lost) == (True, False)


def test_a_reread_of_another_turns_conversation_is_not_ours(world: World) -> None:
    """Another turn was first: it stands, ours did not happen."""
    other = commit(conversation(4))
    world.chat.commit_turn(other)
    stands = world.chat.reread(commit(conversation(1)))
    assert (stands.ours, stands.conversation) == (False, other.conversation)
