"""Every interleaving of workers, sweep, crashes, late tasks, clock steps and people, over small worlds.

The transition functions are the real ones; ``tests.support.exploration`` drives them as the flows do. The second half
plants bugs and sees that the search finds each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import decisions, delivery, escalation, ids
from shared.domain.alert import DEAD_LETTER_STATUS, ESCALATION, LEAD, NOTICE, WAITING, Alert, Policy, State
from shared.domain.claims import Ignored
from shared.domain.destination import Destination
from shared.domain.outcome import Unknown
from shared.flows.steps import Steps
from tests.support import exploration_store
from tests.support.exploration import Explored, Explorer
from tests.support.exploration_store import Store
from tests.support.exploration_world import Scenario

TIMES: dict[str, Any] = {
    "lease": timedelta(seconds=30),
    "grace": timedelta(seconds=10),
    "scheduled_wait": timedelta(minutes=5),
    "backoff_max": timedelta(seconds=30),
}
TWO = Policy(quick_attempts=1, scheduled_attempts=1, **TIMES)
FOUR = Policy(quick_attempts=2, scheduled_attempts=2, **TIMES)
BOTH = ("email", "slack")
SHORT = ("delivered", "lost", "retry", "broken", "rejected", "unknown")

SLACK_WHOLE = Scenario("slack, whole", "slack", BOTH, TWO, blocks=0, epochs=1)
MONDAY_WHOLE = Scenario("monday, whole", "monday", BOTH, TWO, blocks=0, epochs=1, effects=SHORT)
SLACK = Scenario("slack", "slack", BOTH, FOUR)
MONDAY = Scenario("monday", "monday", BOTH, TWO)
SLACK_LONG = Scenario("slack, long", "slack", BOTH, FOUR, relays=True, blocks=3, epochs=3)
MONDAY_LONG = Scenario("monday, long", "monday", BOTH, TWO, relays=True, blocks=3, epochs=3)
RELAYS = Scenario("what is made", "monday", BOTH, TWO, workers=1, relays=True)

LIVES = {
    (LEAD, State.QUEUED),
    (LEAD, State.SENDING),
    (LEAD, State.DELIVERED),
    (LEAD, State.PARKED),
    (LEAD, State.FAILED),
    (LEAD, State.WAIVED),
    (ESCALATION, State.QUEUED),
}
RELAYED = {(kind, state) for kind in (ESCALATION, NOTICE) for state in (*WAITING, State.DELIVERED)}


@pytest.mark.parametrize(
    ("scenario", "states", "sample", "seen"),
    [
        pytest.param(SLACK_WHOLE, 300_000, 2_000, LIVES, marks=pytest.mark.crash_points),
        pytest.param(MONDAY_WHOLE, 300_000, 2_000, LIVES, marks=pytest.mark.crash_points),
        (SLACK, 50_000, 2_000, LIVES | {(NOTICE, State.QUEUED)}),
        (MONDAY, 50_000, 2_000, LIVES | {(NOTICE, State.QUEUED)}),
        (RELAYS, 50_000, 2_000, LIVES | {(ESCALATION, State.DELIVERED), (NOTICE, State.SENDING)}),
    ],
    ids=["slack-whole", "monday-whole", "slack", "monday", "what-is-made"],
)
def test_f20_no_order_of_events_breaks_a_rule(
    scenario: Scenario, states: int, sample: int, seen: set[tuple[str, State]]
) -> None:
    """Nothing vanishes, waits for nothing, ends untold, overdraws its budget or stays behind; see the rules."""
    found = Explorer(scenario).explore(states, sample)
    _print(scenario, found)
    assert found.faults == []
    assert found.healed == sample
    assert found.whole is (states > 50_000)
    assert found.states >= min(states, 100_000)
    assert found.seen >= seen


@pytest.mark.parametrize("scenario", [SLACK_LONG, MONDAY_LONG], ids=["slack", "monday"])
def test_f20_no_long_life_breaks_a_rule(scenario: Scenario) -> None:
    """Far from the beginning too: several redrives, blocks and rounds, and two workers for everything that is made."""
    found = Explorer(scenario).walk(400, 250)
    _print(scenario, found)
    assert found.faults == []
    assert found.healed == 400
    assert found.seen >= LIVES | RELAYED


def _print(scenario: Scenario, found: Explored) -> None:
    print(  # noqa: T201 - the numbers are part of what this shows
        f"\n{scenario.name}: {found.states} states, {found.transitions} transitions, "
        f"{found.depth} steps deep{', all of them' if found.whole else ''}; healed from {found.healed}"
    )


Plant = Callable[[pytest.MonkeyPatch], None]


def _wrapped(name: str, change: Callable[[Callable[..., Any]], Callable[..., Any]], module: Any = delivery) -> Plant:
    """A bug planted around a function."""
    return lambda patch: patch.setattr(module, name, change(getattr(module, name)))


def _without_wake_at(real: Callable[..., Alert]) -> Callable[..., Alert]:
    return lambda *args, **given: replace(real(*args, **given), wake_at=None)


def _under_the_old_generation(real: Callable[..., Alert]) -> Callable[..., Alert]:
    return lambda alert, **given: replace(real(alert, **given), generation=alert.generation)


def _lost_tasks_under_the_old_generation(real: Callable[..., Alert]) -> Callable[..., Alert]:
    def requeue(alert: Alert, **given: Any) -> Alert:
        after = real(alert, **given)
        return replace(after, generation=alert.generation) if alert.state is State.QUEUED else after

    return requeue


def _uncounted(real: Callable[..., Alert]) -> Callable[..., Alert]:
    return lambda alert, **given: replace(real(alert, **given), attempts=alert.attempts)


def _under_the_old_nonce(real: Callable[..., Alert]) -> Callable[..., Alert]:
    return lambda alert, outcome, **given: replace(real(alert, outcome, **given), nonce=alert.nonce)


def _a_new_key_after_unknown(real: Callable[..., Alert]) -> Callable[..., Alert]:
    def settle(alert: Alert, outcome: Any, **given: Any) -> Alert:
        after = real(alert, outcome, **given)
        return replace(after, key=after.key + 1) if isinstance(outcome, Unknown) else after

    return settle


def _final_alerts_too(real: Callable[..., Ignored | None]) -> Callable[..., Ignored | None]:
    return lambda alert, generation: real(alert, generation) if generation != alert.generation else None


def _in_the_same_epoch(real: Callable[..., Alert]) -> Callable[..., Alert]:
    return lambda alert, **given: replace(real(alert, **given), epoch=alert.epoch)


def _any_generation(real: Callable[..., Ignored | None]) -> Callable[..., Ignored | None]:
    return lambda alert, _: real(alert, alert.generation)


def _any_lease(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **given: real(*args, **{**given, "lease_age": given["policy"].lease})


def _no_receipt(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **given: real(*args, **{**given, "delivered_before": False})


def _never(_: Callable[..., Any]) -> Callable[..., bool]:
    return lambda *_, **__: False


def _always(_: Callable[..., Any]) -> Callable[..., bool]:
    return lambda *_, **__: True


def _none(_: Callable[..., Any]) -> Callable[..., tuple[Alert, ...]]:
    return lambda *_, **__: ()


def _failing(_: Callable[..., Alert]) -> Callable[..., Alert]:
    return lambda alert, now, _: delivery.ended(alert, State.FAILED, now)


def _only_up(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, world, key, number: real(self, world, key, max(number, 0))


def _once_for_all_epochs(real: Callable[[str, int], str]) -> Callable[[str, int], str]:
    return lambda alert, _: real(alert, 1)


def _without_parked(patch: pytest.MonkeyPatch) -> None:
    kept = {state: status for state, status in DEAD_LETTER_STATUS.items() if state is not State.PARKED}
    patch.setattr(exploration_store, "DEAD_LETTER_STATUS", kept)


def _unlimited_unknowns(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delivery, "REPEATS_OF_UNKNOWN", {})


ALONE = replace(SLACK, workers=1)
DOUBTFUL = replace(ALONE, effects=("unknown",), epochs=1)
REFUSED = replace(ALONE, effects=("rejected",))
KEYED = replace(MONDAY, workers=1, effects=("delivered", "lost"), epochs=1)
MOVING = replace(RELAYS, effects=("rejected",), epochs=1)

BUGS = {
    "settle ignores how often Unknown may be repeated": (_unlimited_unknowns, DOUBTFUL, "e: Unknown repeated"),
    "claim ignores the generation": (_wrapped("_nothing_to_do", _any_generation), ALONE, "d: a task of an older"),
    "claim ignores a live lease": (_wrapped("claim", _any_lease), SLACK, "d: a live lease was broken"),
    "claim takes what is final": (_wrapped("_nothing_to_do", _final_alerts_too), ALONE, "c: out of"),
    "claim ignores a receipt": (_wrapped("claim", _no_receipt), ALONE, "j: two copies at slack"),
    "claim does not count the attempt": (_wrapped("held", _uncounted), ALONE, "e: an attempt that is not counted"),
    "settle keeps the nonce": (_wrapped("settle", _under_the_old_nonce), ALONE, "d: written under another nonce"),
    "a new key after Unknown": (_wrapped("settle", _a_new_key_after_unknown), KEYED, "j: two copies at monday"),
    "expire drops wake_at": (_wrapped("expire", _without_wake_at), ALONE, "b: "),
    "postpone drops wake_at": (_wrapped("postpone", _without_wake_at), ALONE, "b: "),
    "parked without a dead letter": (_without_parked, ALONE, "g: parked"),
    "failed without an escalation": (_wrapped("calls_for", _never, escalation), ALONE, "h: failed, and nobody"),
    "blocked without a notice": (_wrapped("notices", _none, Steps), ALONE, "h: slack is blocked"),
    "one escalation for all epochs": (_wrapped("escalation_id", _once_for_all_epochs, ids), REFUSED, "h: told twice"),
    "an escalation fails": (_wrapped("_next_channel", _failing), MOVING, "h: a relayed alert that is failed"),
    "the sweep keeps the generation": (_wrapped("requeue", _under_the_old_generation), ALONE, "d: queued under"),
    "the sweep keeps the name of a lost task": (
        _wrapped("requeue", _lost_tasks_under_the_old_generation),
        replace(ALONE, effects=("delivered",)),
        "i: ",
    ),
    "a blocked destination is never probed": (
        _wrapped("takes_probe", _never, Destination),
        replace(ALONE, effects=("delivered", "blocked")),
        "i: ",
    ),
    "redrive keeps the epoch": (_wrapped("redrive", _in_the_same_epoch, decisions), REFUSED, "c: out of failed"),
    "tallies that do not follow the channel": (_wrapped("_counted", _only_up, Store), MOVING, "f: tallies"),
    "commits without their precondition": (_wrapped("accepts", _always, Store), SLACK, "d: written by somebody"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_exploration_finds_a_planted_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks a rule is reported as that rule; without this the search above could pass by seeing nothing."""
    plant, scenario, rule = BUGS[bug]
    plant(monkeypatch)
    found = Explorer(scenario).explore(20_000, 2_000)
    assert [fault for fault in found.faults if fault.startswith(rule)], found
