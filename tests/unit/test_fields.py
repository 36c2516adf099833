"""What a business wants to know of a lead, found in free text: numbers, money, choices, in three languages."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.checks import Place
from shared.domain.fields import LeadField, fields_in, fields_score, labelled, parse_fields, parse_wording
from shared.domain.knowledge import Knowledge
from shared.errors import ConfigError

FIELDS: list[Any] = [
    {
        "id": "area",
        "label": {"en": "Square metres", "pl": "Metraż"},
        "kind": "number",
        "units": ["m2", "m²", "sqm", "square metres", "metrów", "qm"],
        "words": ["area", "metraż"],
        "min": 5,
        "max": 10_000,
        "score": 5,
    },
    {
        "id": "budget",
        "label": {"en": "Budget"},
        "kind": "money",
        "currencies": {"PLN": ["zł", "złotych"], "EUR": ["€", "euro"]},
        "words": ["budget", "budżet"],
        "min": 100,
        "score": 10,
    },
    {
        "id": "package",
        "label": {"en": "Package"},
        "kind": "choice",
        "choices": {"basic": ["basic", "podstawowy"], "premium": ["premium", "full service"]},
    },
]


def parsed(data: Any = FIELDS) -> tuple[LeadField, ...]:
    """The fields as the knowledge file's reader gives them."""
    return parse_fields(Place("file", "fields", data), "en", ("en", "pl", "de"))


KNOWN = parsed()


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("My flat is 80 m2", "80"),
        ("80m²", "80"),
        ("85,5 metrów", "85.5"),
        ("about 1 250 square metres", "1250"),
        ("Wohnung mit 90 qm", "90"),
        ("METRAŻ: 75", "75"),
        ("the area is about 120", "120"),
        ("80 m2, sorry, 90 m2", "90"),
        ("5 m2", "5"),
        ("10 000 m2", "10000"),
        ("80 people", None),
        ("m2 80", None),
        ("4 m2", None),
        ("10 001 m2", None),
        ("7/80 m2", None),
        ("80 m25", None),
        ("x80 m2", None),
        ("see https://example.com/80 m2", None),
        ("write to me@80.m2.pl", None),
        ("99999999999999999999999 m2", None),
    ],
)
def test_a_number_is_found_by_its_unit_or_its_word(text: str, area: str | None) -> None:
    """Folded, whole, within its bounds; the last mention counts."""
    assert fields_in(text, parsed()).get("area") == area


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("budget around 50 000 zł", "50000 PLN"),
        ("20k EUR", "20000 EUR"),
        ("€ 5'000", "5000 EUR"),
        ("EUR 20.000", "20000 EUR"),
        ("1.500,50 euro", "1500.5 EUR"),
        ("budżetem do 50 tys. zł", "50000 PLN"),
        ("1,5 mln złotych", "1500000 PLN"),
        ("Budget: 20000", "20000"),
        ("my budget for the 800 m2", None),
        ("120 zł/m2", None),
        ("120 zł za m2", None),
        ("it costs 5000", None),
        ("50 zł", None),
        ("2 000 000 000 zł", None),
    ],
)
def test_money_is_found_by_its_currency_or_its_word(text: str, budget: str | None) -> None:
    """With the currency's code; the price of a piece is not what a visitor has."""
    assert fields_in(text, parsed()).get("budget") == budget


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("the Premium one", "premium"),
        ("pytam o podstawowego", "basic"),
        ("I want full service please", "premium"),
        ("full and prompt service", None),
        ("the one with full", None),  # nothing follows
        ("fully serviced, podstawowe", "basic"),
        ("first basic, now premium", "premium"),
        ("basil", None),
        ("premium@example.com", None),
        ("I saw https://example.com/basic", None),
    ],
)
def test_a_choice_is_found_by_its_words(text: str, package: str | None) -> None:
    """In the forms of the languages Bellhop knows, by the choice's name."""
    assert fields_in(text, parsed()).get("package") == package


def test_fields_are_worth_points_and_shown_in_the_files_order() -> None:
    """One that the file no longer has is worth nothing and not shown."""
    known = {"budget": "20000 EUR", "area": "80", "gone": "x"}
    assert fields_score(known, KNOWN) == 15
    assert labelled(known, KNOWN) == [
        {"id": "area", "label": "Square metres", "value": "80"},
        {"id": "budget", "label": "Budget", "value": "20000 EUR"},
    ]


@given(st.text(max_size=300))
def test_whatever_is_written_values_are_short_and_within_bounds(text: str) -> None:
    """No text raises, and nothing of it gets into a value but a number or a name of the file."""
    found = fields_in(text, KNOWN)
    assert all(len(value) < 30 for value in found.values())
    assert found.get("package") in (None, "basic", "premium")


@pytest.mark.parametrize(
    "piece", ["1 111 ", "budget ", "1", "€", "1,1.", "budget is of ", "80 ", "premium full ", "k ", "0.0 ", "zł 1"]
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    """However often it is repeated: no pattern goes back over it."""
    began = time.perf_counter()
    fields_in(piece * 20_000, KNOWN)
    assert time.perf_counter() - began < 1.0


def changed(number: int, **keys: Any) -> list[Any]:
    """The fields with one of them changed; a key that is None goes."""
    data = copy.deepcopy(FIELDS)
    data[number] = {key: value for key, value in {**data[number], **keys}.items() if value is not None}
    return data


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([], ["fields", "one at least"]),
        (FIELDS * 4, ["fields", "at most 10"]),
        (FIELDS + FIELDS[:1], ["fields[4]", "no other", "area"]),
        (changed(0, id="Area"), ["fields[1].id", "'Area'", "lower-case"]),
        (changed(0, kind="text"), ["fields[1].kind", "'text'", "number, money, choice"]),
        (changed(0, kind="money"), ["fields[1]", "units", "currencies"]),
        (changed(0, units=None), ["fields[1].units", "required"]),
        (changed(0, units=["2m"]), ["fields[1].units[1]", "digit"]),
        (changed(0, units=["m"] * 31), ["fields[1].units", "at most 30"]),
        (changed(0, units=[" "]), ["fields[1].units[1]"]),
        (changed(0, label={"pl": "Metraż"}), ["fields[1].label.en", "required"]),
        (changed(0, min=20_000), ["fields[1].max", "10000", "20000"]),
        (changed(0, score=101), ["fields[1].score", "0 to 100"]),
        (changed(0, words=["["]), []),
        (changed(1, currencies={"zł": ["zł"]}), ["fields[2].currencies", "zł", "three capital letters"]),
        (changed(1, currencies=["PLN"]), ["fields[2].currencies", "mapping"]),
        (changed(2, choices={"basic": ["!"]}), ["fields[3].choices.basic[1]", "letters"]),
        (changed(2, choices={}), ["fields[3].choices", "mapping"]),
        (changed(2, words=["package"]), ["fields[3]", "words"]),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(data: Any, named: list[str]) -> None:
    """What it was and what is accepted; a sign that means something in a pattern is no mistake."""
    if not named:
        assert parsed(data)
        return
    with pytest.raises(ConfigError) as refused:
        parsed(data)
    assert [each for each in named if each not in str(refused.value)] == []


def test_a_knowledge_file_may_have_fields_and_the_wording_of_the_consent() -> None:
    """Labelled in its default language."""
    sample = yaml.safe_load((Path(__file__).parents[2] / "shared/knowledge/sample.yaml").read_text())
    knowledge = Knowledge.parse({**sample, "fields": FIELDS, "consent_wording": {"en": "I agree."}}, "file")
    assert [field.label for field in knowledge.fields] == ["Square metres", "Budget", "Package"]
    assert knowledge.consent_wording == {"en": "I agree."}
    bare = {key: value for key, value in sample.items() if key not in ("fields", "consent_wording")}
    assert (Knowledge.parse(bare, "file").fields, Knowledge.parse(bare, "file").consent_wording) == ((), {})


def test_the_wording_of_the_consent_is_a_sentence_a_language() -> None:
    """Of the file's languages."""
    wording = {"en": "I agree  to be called."}
    assert parse_wording(Place("file", "consent_wording", wording), ("en", "pl")) == {"en": "I agree to be called."}
    with pytest.raises(ConfigError, match="only these keys: en, pl"):
        parse_wording(Place("file", "consent_wording", {"fr": "x"}), ("en", "pl"))
