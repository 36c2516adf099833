"""The judge of a soak finds every bug that is planted into what it is shown, and nothing in a soak that went well."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.soak.evidence import evidence
from bench.soak.judge import OTHER, STALLED, UNSEEN, Evidence, Held, Shown, ids_in, judge
from shared.adapters.slack_message import slack_message
from shared.adapters.webhook import webhook_body
from shared.domain import ids
from shared.ports import Message

CHANNELS = ("slack", "monday", "webhook")
DELIVERED = (("delivered", None),)
FAILED = (("retry", "http_500"), ("rejected", "http_400"))


def name(visitor: int, channel: str) -> str:
    """The alert of a visitor."""
    return ids.alert_id(f"{visitor:032x}", "lead", channel)


def email(visitor: int) -> str:
    """The address they left."""
    return f"soak-1-{visitor}@example.com"


LOST_TO_WEBHOOK = name(3, "webhook")
TOLD = ids.escalation_id(LOST_TO_WEBHOOK, 1)


def went_well() -> Evidence:
    """Four visitors, three channels; one alert was refused and a person was told by e-mail."""
    everyone = [(visitor, channel) for visitor in range(4) for channel in CHANNELS]
    held = {
        name(visitor, channel): Held(channel, "lead", "delivered", history=DELIVERED, email=email(visitor))
        for visitor, channel in everyone
    }
    held[LOST_TO_WEBHOOK] = replace(held[LOST_TO_WEBHOOK], state="failed", history=FAILED)
    held[TOLD] = Held("email", "escalation", "delivered", route=("email", "slack"), history=DELIVERED)
    shown = [
        Shown(channel, (name(visitor, channel),), f"New lead: {email(visitor)}")
        for visitor, channel in everyone
        if name(visitor, channel) != LOST_TO_WEBHOOK
    ]
    shown.append(Shown("email", (TOLD,), f"could not be delivered: {email(3)}"))
    promised = {name(visitor, channel): (channel, email(visitor)) for visitor, channel in everyone}
    tallies = dict.fromkeys(CHANNELS, 4) | {"email": 1}
    return Evidence(promised, held, shown, {}, tallies, balanced=True)


def without(alert: str) -> Callable[[Evidence], Evidence]:
    """What a destination shows, but for one alert."""
    return lambda well: replace(well, shown=[each for each in well.shown if alert not in each.ids])


def and_shown(*more: Shown) -> Callable[[Evidence], Evidence]:
    """Further messages."""
    return lambda well: replace(well, shown=[*well.shown, *more])


def with_held(alert: str, **changed: object) -> Callable[[Evidence], Evidence]:
    """One alert is another at the end."""
    return lambda well: replace(well, held={**well.held, alert: replace(well.held[alert], **changed)})


def without_held(alert: str) -> Callable[[Evidence], Evidence]:
    """One alert's document is gone."""
    return lambda well: replace(well, held={key: each for key, each in well.held.items() if key != alert})


def sent_again(well: Evidence) -> Evidence:
    """A lead of the same visitor under another name: one key made two turns."""
    other = name(99, "slack")
    again = Held("slack", "lead", "delivered", history=DELIVERED, email=email(0))
    tallies = {**well.tallies, "slack": 5}
    shown = [*well.shown, Shown("slack", (other,), email(0))]
    return replace(well, held={**well.held, other: again}, shown=shown, tallies=tallies)


COPY = Shown("slack", (name(0, "slack"),), email(0))
PLANTED = {
    "a delivered alert that did not arrive": (without(name(1, "slack")), f"lost: {name(1, 'slack')}"),
    "an escalation that did not arrive": (without(TOLD), f"lost: {LOST_TO_WEBHOOK}"),
    "an escalation that was not made": (without_held(TOLD), "nobody is to be told"),
    "an alert whose document is gone": (without_held(name(2, "monday")), "is not held"),
    "an invented alert": (and_shown(Shown("slack", ("f" * 32,), "")), f"unexpected: {'f' * 32} at slack"),
    "an alert without an id": (and_shown(Shown("slack", ("no id in it",), "")), "unexpected: no id in it"),
    "an alert at another's destination": (
        and_shown(Shown("webhook", (name(0, "slack"),), email(0))),
        f"unexpected: {name(0, 'slack')} at webhook",
    ),
    "a copy that nothing explains": (and_shown(COPY), "1 duplicates at slack that nothing explains"),
    "a copy after a definite error": (
        lambda well: with_held(COPY.ids[0], history=(("retry", "http_500"), *DELIVERED))(and_shown(COPY)(well)),
        "1 duplicates at slack that nothing explains",
    ),
    "a copy at Monday.com, explained or not": (
        lambda well: with_held(name(0, "monday"), history=(("unknown", "timeout"), *DELIVERED))(
            and_shown(Shown("monday", (name(0, "monday"),), email(0)))(well)
        ),
        "1 duplicates at monday that nothing explains",
    ),
    "an alert that still waits": (with_held(name(0, "slack"), state="parked"), "is parked after the drain"),
    "a lead with somebody else's details": (
        lambda well: and_shown(Shown("slack", (name(0, "slack"),), email(1)))(without(name(0, "slack"))(well)),
        f"without {email(0)}",
    ),
    "a visitor with two leads": (sent_again, f"{email(0)} made 2 leads for slack"),
    "a tally that was not counted": (
        lambda well: replace(well, tallies={**well.tallies, "slack": 3}),
        "unbalanced slack: 3 accepted and not archived, 4 there",
    ),
    "a console that finds no balance": (lambda well: replace(well, balanced=False), "conservation is not balanced"),
}


def test_a_soak_that_went_well_passes() -> None:
    """Everything is counted where it belongs."""
    verdict = judge(went_well())
    assert verdict.wrong == []
    assert verdict.passed
    assert verdict.accepted[("webhook", "lead")] == 4
    assert verdict.delivered[("webhook", "lead")] == 3
    assert verdict.escalated[("webhook", "lead")] == 1
    assert sum(verdict.delivered.values()) == 12
    assert not verdict.duplicates


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_bug_is_found(plant: str) -> None:
    """By what it says, and the soak has not passed."""
    change, finding = PLANTED[plant]
    verdict = judge(change(went_well()))
    assert not verdict.passed
    assert any(finding in each for each in verdict.wrong), verdict.wrong


@pytest.mark.parametrize(
    ("history", "refused", "window"),
    [
        ((("unknown", "timeout"), *DELIVERED), 0, UNSEEN),
        ((("unknown", "lease_expired"), *DELIVERED), 0, UNSEEN),
        ((("unknown", "lease_expired"), *DELIVERED), 1, STALLED),
        ((("retry", "internal_KeyError"), *DELIVERED), 0, UNSEEN),
    ],
)
def test_a_copy_is_explained_by_one_of_two_windows(history, refused, window) -> None:
    """By an attempt nobody knows the end of, or by a holder whose outcome was refused; a third copy is not."""
    alert = COPY.ids[0]
    once = replace(with_held(alert, history=history)(and_shown(COPY)(went_well())), refused={alert: refused})
    verdict = judge(once)
    assert verdict.passed
    assert verdict.duplicates == {(window, "slack"): 1}
    assert judge(and_shown(COPY)(once)).duplicates == {(window, "slack"): 1, (OTHER, "slack"): 1}


def test_an_alert_that_nobody_saw_made_is_accepted_all_the_same() -> None:
    """The visitor got no answer, and the turn was committed: it counts, and must arrive."""
    well = went_well()
    unseen = replace(well, promised={})
    assert judge(unseen).passed
    assert judge(without(name(0, "slack"))(unseen)).lost


def test_a_digest_delivers_every_alert_that_it_lists() -> None:
    """They are counted apart."""
    listed = tuple(name(visitor, "slack") for visitor in range(4))
    text = " ".join(email(visitor) for visitor in range(4))
    well = went_well()
    alone = [each for each in well.shown if each.channel != "slack"]
    verdict = judge(replace(well, shown=[*alone, Shown("slack", listed, text)]))
    assert verdict.passed
    assert verdict.digested[("slack", "lead")] == 4


def message(kind: str, alert: str, payload: dict[str, object]) -> Message:
    """An alert on its way."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Message(alert_id=alert, kind=kind, payload=payload, maybe_shown=False, created_at=at)


def test_ids_are_found_where_the_adapters_put_them() -> None:
    """In Slack's own form of a lead, in an escalation only its own, in a webhook's body."""
    lead, told = "a" * 32, "b" * 32
    failed = {"title": "Not delivered", "text": f"could not be delivered\npython -m infra.ops redrive {lead}"}
    said = {"email": email(0), "message": "hello"}
    assert ids_in("slack", slack_message(message("lead", lead, said))) == (lead,)
    assert ids_in("slack", slack_message(message("escalation", told, failed))) == (told,)
    assert ids_in("webhook", {"body": json.loads(webhook_body(message("lead", lead, said)))}) == (lead,)
    assert ids_in("email", {"message_id": f"<alert.{lead}.1@example.com>"}) == (lead,)
    assert ids_in("monday", {"column_values": {"text_alert": lead}}) == (lead,)
    listed = {"text": f"2 leads · alert {lead} · alert {told}", "blocks": []}
    assert ids_in("slack", listed) == (lead, told)
    assert ids_in("slack", {"text": "hello"})[0].startswith("no id in")


def test_what_visitors_were_told_is_what_is_promised() -> None:
    """An alert for each channel, by the conversation in the answer."""
    answered = {email(0): {"conversation_id": f"{0:032x}"}}
    found = evidence(answered, CHANNELS, {"slack": []}, ({}, {}), refused={}, balanced=True)
    assert found.promised == {name(0, channel): (channel, email(0)) for channel in CHANNELS}
    assert len(judge(found).lost) == len(CHANNELS)
