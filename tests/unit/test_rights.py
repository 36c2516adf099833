"""What a turn adds to the consent audit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.contact import ContactDetails
from shared.domain.conversation import Consent, Conversation
from shared.domain.rights import Recorded, consent_record
from tests.support.fakes import NOW

ASKED = Conversation.begun("c1", "en", NOW)
AGREED = replace(
    ASKED,
    details=ContactDetails(email="ana@example.com"),
    consent=Consent(processing=True, marketing=False, at=NOW, wording="I agree."),
)
RECORD = Recorded(
    id="r1",
    actor="visitor",
    action="consent",
    source="chat",
    address="hash",
    conversation_id="c1",
    client="client",
    wording="I agree.",
    consent={"processing": True, "marketing": False},
)


def recorded(before: Conversation | None, after: Conversation) -> Recorded | None:
    """What is recorded of a turn."""
    return consent_record(before, after, "r1", address="hash", client="client")


@pytest.mark.parametrize("before", [None, ASKED, replace(AGREED, consent=replace(AGREED.consent, at=None))])
def test_a_first_consent_is_recorded(before: Conversation | None) -> None:
    """Whoever gave it, from where, for what and in which words."""
    assert recorded(before, AGREED) == RECORD


@pytest.mark.parametrize(
    "changed",
    [
        replace(AGREED, consent=replace(AGREED.consent, processing=False)),
        replace(AGREED, consent=replace(AGREED.consent, marketing=True)),
        replace(AGREED, consent=replace(AGREED.consent, wording="I do agree.")),
        replace(AGREED, details=ContactDetails(email="ben@example.com")),
    ],
)
def test_a_change_of_it_is_recorded(changed: Conversation) -> None:
    """Of what is agreed to, of the words, or of whose agreement it is."""
    consent = {"processing": changed.consent.processing, "marketing": changed.consent.marketing}
    assert recorded(AGREED, changed) == replace(RECORD, wording=changed.consent.wording, consent=consent)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AGREED, AGREED),
        (AGREED, replace(AGREED, consent=replace(AGREED.consent, at=NOW.replace(year=2027)), score=50)),
        (None, ASKED),
        (ASKED, replace(ASKED, details=ContactDetails(email="ana@example.com"))),
    ],
)
def test_a_turn_that_changes_nothing_of_it_is_not_recorded(before: Conversation | None, after: Conversation) -> None:
    """Saying it again adds no line; neither does an address of somebody who was asked nothing yet."""
    assert recorded(before, after) is None
