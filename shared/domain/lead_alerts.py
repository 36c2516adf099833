"""Which alerts a turn makes: of a captured lead, of a hot one, of a visitor who needs a person, of what changed.

A turn makes one alert a channel at most. The lead's own comes first and says what else is true of it. After it:

* ``hot`` and ``handoff`` tell people once each; in one turn they are one alert.
* ``update`` brings a channel that shows a lead as one item (``KEEPS``) to the conversation's version, whatever changed.
* A *new* way to reach the visitor (a phone number after an e-mail address) is an ``update`` for the other channels too,
  once: somebody may be about to write to the address. A changed detail or score is none: that would be noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain import alert, ids
from shared.domain.alert import HANDOFF, HOT, LEAD, UPDATE, Alert
from shared.domain.conversation import Conversation
from shared.domain.fields import LeadField, labelled

DEFAULT_HOT_SCORE = 80
KEEPS = frozenset({"monday"})
"""Channels that show one thing a lead, which changes with it; the others show messages."""

CONTACT = "contact"
"""What the id of the alert of a new way to reach the visitor is made of, in the place of its kind."""

SAID_MOST = 2_000  # code points


@dataclass(frozen=True)
class LeadPolicy:
    """Where leads go, how late their tasks may be before they count as lost, and from which score on a lead is hot.

    And how long after the last message the first follow-up e-mail is due; None for none.
    """

    channels: tuple[str, ...]
    grace: timedelta
    hot_score: int = DEFAULT_HOT_SCORE
    first_followup: timedelta | None = None


@dataclass(frozen=True)
class Told:
    """What a turn tells of a lead: a kind for people, if any, what else is true, and whether the items change."""

    kind: str | None
    flags: frozenset[str]
    changed: bool

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that have been alerted with it."""
        return self.flags | ({LEAD} if self.kind == LEAD else frozenset[str]())


def make_alerts(
    before: Conversation,
    after: Conversation,
    message: str,
    *,
    needs_person: bool,
    fields: Sequence[LeadField],
    leads: LeadPolicy,
    now: datetime,
    nonce: str,
) -> tuple[Conversation, tuple[Alert, ...]]:
    """Return the conversation with what was alerted, and the alerts, which its commit must create.

    Args:
        before: the conversation before the turn.
        after: the conversation with everything the turn brought, this turn's message among its last.
        message: the turn's.
        needs_person: a person was asked for, or an answer that the chat does not have.
        fields: the knowledge file's.
        leads: where leads go.
        now: the time of the turn.
        nonce: of the commit.
    """
    if not after.details.has_contact:
        return (replace(after, open_question=message) if needs_person else after), ()
    told = _told(before, after, needs_person=needs_person, leads=leads)
    alerted = replace(after, alerted=after.alerted | told.kinds, open_question=None)
    keeping = [channel for channel in leads.channels if channel in KEEPS]
    if told.changed and keeping:
        alerted = replace(alerted, version=alerted.version + 1)
    payload = _payload(alerted, message, before.open_question, told, fields)
    made = []
    for channel in leads.channels:
        named = _named(alerted, told, payload, channel)
        if named is not None:
            alert_id, kind, said = named
            made.append(
                alert.create(
                    alert_id,
                    conversation_id=after.id,
                    channel=channel,
                    kind=kind,
                    payload=said,
                    now=now,
                    nonce=nonce,
                    grace=leads.grace,
                )
            )
    return alerted, tuple(made)


def _told(before: Conversation, after: Conversation, *, needs_person: bool, leads: LeadPolicy) -> Told:
    asked = needs_person or before.open_question is not None
    true = {kind for kind, holds in ((HOT, after.score >= leads.hot_score), (HANDOFF, asked)) if holds}
    flags = frozenset(true - before.alerted)
    if LEAD not in before.alerted:
        return Told(LEAD, flags, changed=False)
    changed = (before.details, before.fields, before.score) != (after.details, after.fields, after.score)
    kind = next((each for each in (HANDOFF, HOT) if each in flags), UPDATE if _reachable_anew(before, after) else None)
    return Told(kind, flags, changed or bool(flags))


def _reachable_anew(before: Conversation, after: Conversation) -> bool:
    """Whether there is a way to reach the visitor that was not there."""
    was, is_ = before.details, after.details
    return (was.email is None and is_.email is not None) or (was.phone is None and is_.phone is not None)


def _named(
    conversation: Conversation, told: Told, payload: Mapping[str, Any], channel: str
) -> tuple[str, str, Mapping[str, Any]] | None:
    """The id, kind and payload of a channel's alert; None where it gets none."""
    lead_id = ids.alert_id(conversation.id, LEAD, channel)
    if told.kind == LEAD:
        return lead_id, LEAD, payload
    if channel in KEEPS:
        if not told.changed:
            return None
        version = conversation.version
        stands = {kind: True for kind in (HOT, HANDOFF) if kind in conversation.alerted}
        current = {**payload, **stands, "message": _said(conversation), "lead_id": lead_id, "version": version}
        return ids.update_id(conversation.id, channel, version), UPDATE, current
    if told.kind is None:
        return None
    return ids.alert_id(conversation.id, CONTACT if told.kind == UPDATE else told.kind, channel), told.kind, payload


def _payload(
    conversation: Conversation, message: str, earlier: str | None, told: Told, fields: Sequence[LeadField]
) -> dict[str, Any]:
    details, known = conversation.details, labelled(conversation.fields, fields)
    return {
        "name": details.name,
        "email": details.email,
        "phone": details.phone,
        "message": message,
        "score": conversation.score,
        "language": conversation.language,
        "conversation_id": conversation.id,
        **({"fields": known} if known else {}),
        **({"question": earlier} if earlier is not None else {}),
        **{flag: True for flag in (HOT, HANDOFF) if flag in told.flags},
    }


def _said(conversation: Conversation) -> str:
    """What the visitor wrote, the oldest of it left out where it is too long."""
    kept: list[str] = []
    room = SAID_MOST
    for turn in reversed(conversation.turns):
        room -= len(turn.question) + 1
        if room < 0 and kept:
            break
        kept.append(turn.question)
    return "\n".join(reversed(kept))
