"""The judge of a soak: from what the destinations show and what Firestore holds at the end; no I/O.

Lost is what was accepted and neither arrived nor reached a person by an escalation. Unexpected is what arrived and was
never accepted, or at a destination that is not its own. A duplicate is explained by what its alert's own history or the
functions' logs say of an attempt whose answer was not seen, or of a holder that lost its lease; more copies than there
are such attempts are ``other``, and a duplicate at Monday.com, which can tell repeats, always is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain import ids
from shared.domain.alert import RELAYED

UNSEEN = "sent, answer not seen"
STALLED = "holder stalled past lease"
OTHER = "other"
WINDOWS = (UNSEEN, STALLED, OTHER)

EXPIRED = "lease_expired"
_ENDED_WELL = frozenset({"delivered", "failed"})
_ID = re.compile(r"\b[0-9a-f]{32}\b")
_NAMED = re.compile(r"\balert\b\W{1,3}([0-9a-f]{32})\b")


@dataclass(frozen=True)
class Held:
    """An alert as Firestore has it at the end.

    Attributes:
        channel: its own; of a relayed one the last it went to.
        kind: what it tells.
        state: where it is.
        epoch: how often it was redriven, and one.
        route: the channels of a relayed one.
        history: outcome and cause of its attempts.
        email: of its visitor, empty where it tells of none.
    """

    channel: str
    kind: str
    state: str
    epoch: int = 1
    route: tuple[str, ...] = ()
    history: tuple[tuple[str, str | None], ...] = ()
    email: str = ""

    @property
    def relayed(self) -> bool:
        """Whether it goes from channel to channel."""
        return self.kind in RELAYED


@dataclass(frozen=True)
class Shown:
    """One message as a destination shows it: the channel, the ids of alerts in it, and all its text."""

    channel: str
    ids: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Evidence:
    """All there is to judge by.

    Attributes:
        promised: alerts that the answers to visitors promise: id → (channel, e-mail).
        held: alerts by id.
        shown: messages, oldest first.
        refused: outcomes that were not saved, as their holder had lost its lease, by alert.
        tallies: accepted less archived, by channel.
        balanced: what the console's conservation says.
    """

    promised: Mapping[str, tuple[str, str]]
    held: Mapping[str, Held]
    shown: Sequence[Shown]
    refused: Mapping[str, int]
    tallies: Mapping[str, int]
    balanced: bool


@dataclass
class Verdict:
    """What became of every alert.

    Attributes:
        accepted: alerts by channel and kind.
        delivered: those that arrived, alone or with others, by channel and kind.
        digested: those that arrived in a message of several.
        escalated: those that did not arrive, and of which a person was told.
        lost: ids.
        unexpected: ids, or what stands where one should be.
        duplicates: copies beyond the first, by window and channel.
        wrong: everything that must not be, in words.
    """

    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    delivered: Counter[tuple[str, str]] = field(default_factory=Counter)
    digested: Counter[tuple[str, str]] = field(default_factory=Counter)
    escalated: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    duplicates: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.wrong


def judge(evidence: Evidence) -> Verdict:
    """Judge a soak that was healed and drained."""
    verdict = Verdict()
    copies = Counter((shown.channel, each) for shown in evidence.shown for each in shown.ids)
    several = {(shown.channel, each) for shown in evidence.shown if len(shown.ids) > 1 for each in shown.ids}
    texts = _texts(evidence.shown)
    accepted = _accepted(evidence)
    for alert_id, alert in accepted.items():
        _judge_one(alert_id, alert, copies, several, verdict)
        _judge_copies(alert_id, alert, copies, evidence, verdict)
        verdict.wrong += _unreadable(alert_id, alert, texts)
    for channel, alert_id in copies:
        alert = accepted.get(alert_id)
        if alert is None or channel not in (alert.route or (alert.channel,)):
            verdict.unexpected.append(f"{alert_id} at {channel}")
    verdict.wrong += [f"lost: {each}" for each in verdict.lost]
    verdict.wrong += [f"unexpected: {each}" for each in verdict.unexpected]
    verdict.wrong += [
        f"{number} duplicates at {channel} that nothing explains"
        for (window, channel), number in verdict.duplicates.items()
        if window == OTHER
    ]
    verdict.wrong += [*_documents(evidence), *_unbalanced(evidence)]
    return verdict


def ids_in(channel: str, message: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the alerts that a message of a stand-in's log delivers (rule 14); what it is instead, without one."""
    match channel:
        case "slack":
            text = json.dumps(message, ensure_ascii=False)
            named = list(dict.fromkeys(_NAMED.findall(text)))
            found = named if len(named) != 1 or _tells_of_another(text) else list(dict.fromkeys(_ID.findall(text)))
        case "email":
            found = re.findall(r"<alert\.([0-9a-f]{32})\.", str(message["message_id"]))
        case "monday":
            found = _ID.findall(str(message["column_values"].get("text_alert")))
        case _:
            found = _ID.findall(str(message["body"].get("data", {}).get("alert_id")))
    return tuple(found) or (f"no id in {str(message)[:200]}",)


def _tells_of_another(text: str) -> bool:
    """An escalation names the alert that failed, which it does not deliver."""
    return "infra.ops redrive" in text or "could not be delivered" in text


def _accepted(evidence: Evidence) -> dict[str, Held]:
    """What visitors were promised, and every alert there is."""
    promised = {
        name: Held(channel, "lead", "missing", email=email) for name, (channel, email) in evidence.promised.items()
    }
    return promised | dict(evidence.held)


def _judge_one(
    alert_id: str,
    alert: Held,
    copies: Counter[tuple[str, str]],
    several: set[tuple[str, str]],
    verdict: Verdict,
) -> None:
    channels = alert.route or (alert.channel,)
    row = (channels[0], alert.kind)
    verdict.accepted[row] += 1
    if any(copies[channel, alert_id] for channel in channels):
        verdict.delivered[row] += 1
        verdict.digested[row] += any((channel, alert_id) in several for channel in channels)
    elif _told_of(alert_id, alert, copies):
        verdict.escalated[row] += 1
    else:
        verdict.lost.append(f"{alert_id} ({alert.channel} {alert.kind}, {alert.state})")


def _told_of(alert_id: str, alert: Held, copies: Counter[tuple[str, str]]) -> bool:
    """Whether a person was told of one of its epochs' failures, wherever escalations go."""
    told = {ids.escalation_id(alert_id, epoch) for epoch in range(1, alert.epoch + 1)}
    return any(number for (_, name), number in copies.items() if name in told) if alert.state == "failed" else False


def _judge_copies(
    alert_id: str, alert: Held, copies: Counter[tuple[str, str]], evidence: Evidence, verdict: Verdict
) -> None:
    """Explain each copy beyond the first by an attempt that may have made it."""
    found = {channel: copies[channel, alert_id] for channel in alert.route or (alert.channel,)}
    extra = sum(found.values()) - 1
    if extra < 1:
        return
    channel = max(found, key=lambda name: found[name])
    if channel == "monday":
        verdict.duplicates[OTHER, channel] += extra
        return
    stalled = min(extra, evidence.refused.get(alert_id, 0))
    unseen = min(extra - stalled, max(0, sum(map(_doubtful, alert.history)) - stalled))
    for window, number in ((STALLED, stalled), (UNSEEN, unseen), (OTHER, extra - stalled - unseen)):
        if number:
            verdict.duplicates[window, channel] += number


def _doubtful(attempt: tuple[str, str | None]) -> bool:
    """Whether an attempt may have been shown although it did not count as delivered.

    A stand-in that answers a 5xx has not accepted anything: that explains no copy.
    """
    outcome, cause = attempt
    return outcome == "unknown" or (outcome == "retry" and str(cause).startswith("internal_"))


def _texts(shown: Sequence[Shown]) -> dict[tuple[str, str], str]:
    """The last text in which each alert is shown."""
    return {(each.channel, name): each.text for each in shown for name in each.ids}


def _unreadable(alert_id: str, alert: Held, texts: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """A lead that arrived without its visitor's address, or with another's, has not arrived."""
    text = texts.get((alert.channel, alert_id))
    if text is not None and not alert.relayed and alert.email and alert.email not in text:
        yield f"{alert_id} is shown at {alert.channel} without {alert.email}"


def _documents(evidence: Evidence) -> Iterator[str]:
    held = evidence.held
    for name in evidence.promised.keys() - held.keys():
        yield f"a visitor was answered, and the alert {name} is not held"
    for name, alert in held.items():
        if alert.state not in _ENDED_WELL:
            yield f"{name} ({alert.channel} {alert.kind}) is {alert.state} after the drain"
        if alert.state == "failed" and not alert.relayed and ids.escalation_id(name, alert.epoch) not in held:
            yield f"{name} ({alert.channel} {alert.kind}) failed, and nobody is to be told"
    leads = Counter((alert.channel, alert.email) for alert in held.values() if alert.kind == "lead" and alert.email)
    yield from (
        f"{email} made {number} leads for {channel}" for (channel, email), number in leads.items() if number > 1
    )


def _unbalanced(evidence: Evidence) -> Iterator[str]:
    """Rule 1 by our own count, and by the console's."""
    there = Counter(alert.channel for alert in evidence.held.values())
    for channel in there.keys() | evidence.tallies.keys():
        counted = evidence.tallies.get(channel, 0)
        if counted != there[channel]:
            yield f"unbalanced {channel}: {counted} accepted and not archived, {there[channel]} there"
    if not evidence.balanced:
        yield "the console's conservation is not balanced"
