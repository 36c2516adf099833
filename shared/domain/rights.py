"""Visitors' rights: opting out of marketing mail, what is recorded of it, and what a link in an e-mail says.

An address stands here as its keyed hash (``ids.address_hash``): what is kept for ever must not tell whose it was. An
opt-out is of an address, whatever was agreed to in a chat: consent given there by somebody who types an address does
not lift it (guarantee 23).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.conversation import Conversation

MARKETING = "marketing"
"""The one list there is to opt out of; what answers a visitor's own request is no marketing mail."""

TOKEN_LIFE = timedelta(days=2 * 365)
"""How long the link of an e-mail can be used."""

LANGUAGES = ("en", "pl", "de")


@dataclass(frozen=True)
class Claims:
    """What a link says.

    Attributes:
        scope: the list it is about.
        address: the recipient's, as its keyed hash.
        conversation_id: the conversation that the e-mail followed.
        language: the recipient's, one of ``LANGUAGES``.
    """

    scope: str
    address: str
    conversation_id: str
    language: str


@dataclass(frozen=True)
class Recorded:
    """One line of the consent audit: who did what, from where, and with which wording. Its time is the store's.

    Attributes:
        id: random.
        actor: ``visitor``, ``link`` (whoever has the visitor's link), ``anyone`` (who knows an address) or ``system``.
        action: for example ``consent``, ``unsubscribe``, ``undo``, ``erasure_requested``, ``erased``, ``bounced``.
        source: ``chat``, ``page``, ``one_click``, ``api``, ``mail_server``, ``sweep``.
        address: the keyed hash of the e-mail address; None where it is not known.
        conversation_id: None where it is not known.
        client: the keyed hash of the network address it came from; None where there is none.
        wording: the words that were agreed to; None where there were none.
        consent: what is agreed to after it, by name; empty where it says nothing of that.
    """

    id: str
    actor: str
    action: str
    source: str
    address: str | None = None
    conversation_id: str | None = None
    client: str | None = None
    wording: str | None = None
    consent: Mapping[str, bool | None] | None = None


@dataclass(frozen=True)
class OptOutStanding:
    """How an address stands: since when it is opted out (None: it is not), and its erasure (None, running, done)."""

    since: datetime | None
    erasure: str | None


def consent_record(
    before: Conversation | None, after: Conversation, record_id: str, *, address: str | None, client: str
) -> Recorded | None:
    """What a turn changes of what a visitor agreed to, or whose agreement it is; None where that is nothing."""
    was = (None, None, None, None) if before is None else _agreed(before)
    if after.consent.at is None or _agreed(after) == was:
        return None
    consent = after.consent
    return Recorded(
        id=record_id,
        actor="visitor",
        action="consent",
        source="chat",
        address=address,
        conversation_id=after.id,
        client=client,
        wording=consent.wording,
        consent={"processing": consent.processing, "marketing": consent.marketing},
    )


def _agreed(conversation: Conversation) -> tuple[bool | None, bool | None, str | None, str | None]:
    consent = conversation.consent
    said = consent.at is not None
    return (consent.processing, consent.marketing, consent.wording, conversation.details.email if said else None)
