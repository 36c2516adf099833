"""The score of a lead grows with what is known of the visitor and stays within 0 and 100."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.contact import ContactDetails
from shared.domain.scoring import Interest, ScoreWeights, interests_in, lead_score

WEIGHTS = ScoreWeights(
    email=35,
    phone=30,
    name=10,
    message=2,
    messages_at_most=10,
    interests=(Interest("price", 15, ("price", "how much", "cena")), Interest("booking", 20, ("visit", "umówić"))),
)
ANA = ContactDetails("Ana", "ana@example.com", "+48600100200")


@pytest.mark.parametrize(
    ("details", "messages", "score"),
    [
        (ContactDetails(), [], 0),
        (ContactDetails(), ["hello"], 2),
        (ContactDetails(email="ana@example.com"), ["hello"], 37),
        (ContactDetails(email="ana@example.com"), ["what are your prices"], 52),
        (ContactDetails(), ["price", "and the price", "How much?"], 21),
        (ContactDetails(), ["a"] * 50, 10),
        (ANA, ["price of a visit"], 100),
    ],
)
def test_points_are_added_and_cut_at_a_hundred(details: ContactDetails, messages: list[str], score: int) -> None:
    """An interest counts once, messages up to their limit."""
    assert lead_score(WEIGHTS, details, messages) == score


@pytest.mark.parametrize(
    ("text", "interests"),
    [
        ("What are your PRICES?", {"price"}),
        ("ceny i chcę się umówić", {"price", "booking"}),
        ("how very much", set()),
        ("priceless visor", set()),
        ("", set()),
    ],
)
def test_interests_show_in_inflected_words_and_runs_of_words(text: str, interests: set[str]) -> None:
    """A run of words counts only as a run; another word with the same beginning does not."""
    assert interests_in(text, WEIGHTS) == interests


@settings(deadline=None)  # the machine may be busy
@given(
    st.builds(ContactDetails, *[st.none() | st.just("x")] * 3),
    st.builds(ContactDetails, *[st.none() | st.just("y")] * 3),
    st.lists(st.text(max_size=100), max_size=12),
    st.text(max_size=100),
)
def test_the_score_never_falls(
    details: ContactDetails, newer: ContactDetails, messages: list[str], message: str
) -> None:
    """More details and more messages never make a lead colder, and no text breaks the score."""
    before = lead_score(WEIGHTS, details, messages)
    after = lead_score(WEIGHTS, details.merged_with(newer), [*messages, message])
    assert 0 <= before <= after <= 100
