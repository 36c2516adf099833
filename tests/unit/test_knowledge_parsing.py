"""A knowledge file, read to the letter: what each key becomes, where its bounds are, and what each mistake is told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from shared.domain.fields import LeadField
from shared.domain.knowledge import Entry, Knowledge, Phrases
from shared.domain.scoring import Interest, ScoreWeights
from shared.errors import ConfigError

SAID = ("thanks_lead", "ask_contact", "unknown", "noted", "handoff", "handoff_ask")
AREA: dict[str, Any] = {
    "id": "area_2",
    "label": {"en": "Area", "de": "Fläche"},
    "kind": "number",
    "units": ["m2", "Square  Metres"],
    "words": ["Area", "Fläche"],
    "min": 5,
    "max": 500,
    "score": 7,
}
BUDGET: dict[str, Any] = {
    "id": "budget",
    "label": {"en": "Budget"},
    "kind": "money",
    "currencies": {"PLN": ["Zł", "PLN"], "EUR": ["€"]},
}
PACKAGE: dict[str, Any] = {
    "id": "package",
    "label": {"en": "Package"},
    "kind": "choice",
    "choices": {"Basic one": ["Basic", "the cheap-one"], "x": ["x"]},
}
FILE: dict[str, Any] = {
    "business": " Atelier ",
    "phone_region": "PL",
    "default_language": "en",
    "languages": ["de", "en"],
    "confidence": 0.7,
    "phrases": {
        language: {name: f"{name} in {language} of {{business}}" for name in SAID} for language in ("en", "de")
    },
    "topics": [
        {
            "id": "prices",
            "source": "price list",
            "en": {"questions": ["What does it cost?", "Prices?"], "answer": "100.", "words": "price, how much"},
            "de": {"questions": ["Preise?"], "answer": "100 €."},
        },
        {"id": "person", "intent": "handoff", "en": {"questions": ["A person?"]}},
        {"id": "hi", "intent": "greeting", "en": {"questions": ["Hi"], "answer": "Hello."}},
    ],
    "score": {
        "email": 1,
        "phone": 2,
        "name": 3,
        "message": 4,
        "messages_at_most": 5,
        "interests": [{"id": "kitchen", "weight": 6, "words": ["kitchen", "oven"]}],
    },
    "fields": [AREA, BUDGET, PACKAGE],
    "consent_wording": {"en": "I agree."},
    "trade_words": {"de": "Küche, Herd"},
}
TEXT = "a text of 1 to {} characters (in quotes if YAML reads it as something else)"


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """The file with something else at a place."""
    data = copy.deepcopy(FILE)
    at: Any = data
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return data


def read(data: object = FILE) -> Knowledge:
    """What the file says."""
    return Knowledge.parse(data, "my.yaml")


def test_every_key_of_a_file_is_read() -> None:
    """All there is, as it is kept: the default language first, texts without what surrounds them, fields folded."""
    phrases = {language: Phrases(*(f"{name} in {language} of Atelier" for name in SAID)) for language in ("en", "de")}
    assert read() == Knowledge(
        business="Atelier",
        phone_region="PL",
        languages=("en", "de"),
        default_language="en",
        entries=(
            Entry(
                "prices",
                "en",
                ("What does it cost?", "Prices?"),
                "100.",
                "price list",
                "answer",
                ("price", "how much"),
            ),
            Entry("prices", "de", ("Preise?",), "100 €.", "price list", "answer"),
            Entry("person", "en", ("A person?",), "", "topic person", "handoff"),
            Entry("hi", "en", ("Hi",), "Hello.", "topic hi", "greeting"),
        ),
        phrases=phrases,
        weights=ScoreWeights(1, 2, 3, 4, 5, interests=(Interest("kitchen", 6, ("kitchen", "oven")),)),
        confidence=0.7,
        fields=(
            LeadField(
                "area_2",
                "number",
                "Area",
                7,
                (("m2", ""), ("square metres", "")),
                ("area", "flache"),
                5,
                500,
            ),
            LeadField("budget", "money", "Budget", 0, (("pln", "PLN"), ("zl", "PLN"), ("eur", "EUR"), ("€", "EUR"))),
            LeadField(
                "package",
                "choice",
                "Package",
                0,
                (("basic", "Basic one"), ("the cheap one", "Basic one"), ("x", "x")),
            ),
        ),
        consent_wording={"en": "I agree."},
        trade_words={"de": ("Küche", "Herd")},
    )


def test_a_file_may_leave_much_out() -> None:
    """What is not there has its default; a score of interests alone as well."""
    needed = ("business", "phone_region", "default_language", "languages", "phrases", "topics")
    few = read({key: FILE[key] for key in needed})
    assert (few.weights, few.confidence, few.fields) == (ScoreWeights(), 0.64, ())
    assert (few.consent_wording, few.trade_words) == ({}, {})
    assert read(changed("score", to={"email": 9})).weights == ScoreWeights(email=9)


@pytest.mark.parametrize(
    "data",
    [
        changed("business", to="x" * 120),
        changed("confidence", to=0.5),
        changed("confidence", to=1),
        changed("phrases", "en", "noted", to="x" * 500),
        changed("topics", 0, "id", to="x" * 60),
        changed("topics", 0, "source", to="x" * 300),
        changed("topics", 0, "en", "questions", 0, to="x" * 300),
        changed("topics", 0, "en", "answer", to="x" * 2_000),
        changed("topics", 0, "en", "words", to="x" * 10_000),
        changed("score", "email", to=0),
        changed("score", "email", to=100),
        changed("score", "interests", 0, "id", to="x" * 60),
        changed("score", "interests", 0, "weight", to=0),
        changed("score", "interests", 0, "weight", to=100),
        changed("score", "interests", 0, "words", to=["x" * 300]),
        changed("fields", to=[{**AREA, "id": f"area_{number}"} for number in range(10)]),
        changed("fields", 0, "id", to="a" * 40),
        changed("fields", 0, "label", "en", to="x" * 60),
        changed("fields", 0, "units", to=["m"] * 30),
        changed("fields", 0, "units", to=["m" * 60]),
        changed("fields", 0, "score", to=0),
        changed("fields", 0, "score", to=100),
        changed("fields", 0, "min", to=0),
        changed("fields", 0, "min", to=500),
        changed("fields", 0, "max", to=5),
        changed("fields", 0, "max", to=1_000_000_000),
        changed("fields", 1, "currencies", to={f"A{a}{b}": ["x"] for a in "ABC" for b in "ABCDEFGHIJ"}),
        changed("fields", 2, "choices", to={"x" * 40: ["x"]}),
    ],
)
def test_the_bounds_themselves_are_accepted(data: dict[str, Any]) -> None:
    """The longest text, the highest number, the longest list."""
    assert read(data) != read()


FORM = "a currency's code of three capital letters, for example EUR"
WEIGHTS = "email, phone, name, message, messages_at_most, interests"
NAMED = "a mapping of 1 to 30 names, each with a list of words"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            changed("phone_region", to="48"),
            "phone_region is '48'; it takes a country of two capital letters, for example PL",
        ),
        (changed("languages", to=[]), "languages is []; it takes a list of languages, one at least"),
        (changed("languages", to=["fr"]), "languages[1] is 'fr'; it takes one of en, pl, de"),
        (changed("default_language", to="pl"), "default_language is 'pl'; it takes one of de, en"),
        (changed("topics", to=[]), "topics is []; it takes a list of topics, one at least"),
        (changed("topics", 1, "id", to="prices"), "topics[2].id is 'prices'; it takes an id that no other topic has"),
        (
            changed("topics", 1, to={"id": "a"}),
            "topic 'a' is {'id': 'a'}; it takes questions and an answer under one of de, en, at least",
        ),
        (
            changed("topics", 0, "en", "questions", to=[]),
            "topic 'prices'.en.questions is []; it takes a list of questions, one at least",
        ),
        (
            changed("topics", 0, "en", "questions", 1, to="?"),
            "topic 'prices'.en.questions[2] is '?'; it takes a question with letters or digits in it",
        ),
        (
            changed("topics", 0, "en", "words", to="a,,b"),
            "topic 'prices'.en.words is 'a,,b'; it takes words with a comma between every two",
        ),
        (changed("score", "interests", to=[]), "score.interests is []; it takes a list of interests, one at least"),
        (
            changed("score", "interests", 0, "words", to=[]),
            "score.interests[1].words is []; it takes a list of words, one at least",
        ),
        (
            changed("score", "interests", 0, "words", to=["!"]),
            "score.interests[1].words[1] is '!'; it takes a word with letters or digits in it",
        ),
        (
            changed("score", "emial", to=1),
            f"score.key 'emial' is 'emial'; it takes only these keys: {WEIGHTS}",
        ),
        (changed("fields", to=[]), "fields is []; it takes a list of fields, one at least"),
        (
            changed("fields", 0, "id", to="2a"),
            "fields[1].id is '2a'; it takes lower-case letters, digits and underscores, a letter first",
        ),
        (changed("fields", 0, "units", to=[]), "fields[1].units is []; it takes a list of words, one at least"),
        (
            changed("fields", 0, "units", 0, to="2m"),
            "fields[1].units[1] is '2m'; it takes a word or a sign that does not begin with a digit",
        ),
        (changed("fields", 0, "max", to=4), "fields[1].max is 4; it takes a whole number from 5 to 1000000000"),
        (changed("fields", 0, "min", to=-1), "fields[1].min is -1; it takes a whole number from 0 to 1000000000"),
        (changed("fields", 1, "currencies", to={}), f"fields[2].currencies is {{}}; it takes {NAMED}"),
        (
            changed("fields", 1, "currencies", to={"zł": ["zł"]}),
            f"fields[2].currencies is {{'zł': ['zł']}}; it takes {FORM}, in the place of 'zł'",
        ),
        (
            changed("fields", 2, "choices", "x", to=["!"]),
            "fields[3].choices.x[1] is '!'; it takes a word with letters or digits in it",
        ),
    ],
)
def test_a_mistake_is_told_to_the_letter(data: dict[str, Any], said: str) -> None:
    """Where, what it was, and what is accepted there."""
    with pytest.raises(ConfigError) as refused:
        read(data)
    assert str(refused.value) == f"my.yaml: {said}"


def test_too_much_of_something_is_told_to_the_letter() -> None:
    """How much there may be."""
    fields = [{**AREA, "id": f"area_{number}"} for number in range(11)]
    for data, said in (
        (changed("business", to="x" * 121), f"it takes {TEXT.format(120)}"),
        (
            changed("fields", 2, "choices", to={"x" * 41: []}),
            f"it takes a name of at most 40 characters, in the place of {'x' * 40!r}",
        ),
        (changed("fields", 0, "id", to="a" * 41), f"it takes {TEXT.format(40)}"),
        (changed("fields", 0, "label", "en", to="x" * 61), f"it takes {TEXT.format(60)}"),
        (changed("fields", 0, "units", to=["m" * 61]), f"it takes {TEXT.format(60)}"),
        (changed("phrases", "en", "noted", to="x" * 501), f"it takes {TEXT.format(500)}"),
        (changed("score", "interests", 0, "id", to="x" * 61), f"it takes {TEXT.format(60)}"),
        (changed("score", "interests", 0, "words", to=["x" * 301]), f"it takes {TEXT.format(300)}"),
        (changed("topics", 0, "id", to="x" * 61), f"it takes {TEXT.format(60)}"),
        (changed("topics", 0, "source", to="x" * 301), f"it takes {TEXT.format(300)}"),
        (changed("topics", 0, "en", "questions", to=["x" * 301]), f"it takes {TEXT.format(300)}"),
        (changed("topics", 0, "en", "words", to="x" * 10_001), f"it takes {TEXT.format('10,000')}"),
        (changed("fields", to=fields), "it takes at most 10 fields"),
        (changed("fields", to=[AREA, AREA]), "it takes an id that no other field has, not area_2"),
        (changed("fields", 0, "units", to=["m"] * 31), "it takes at most 30 words"),
    ):
        with pytest.raises(ConfigError) as refused:
            read(data)
        assert str(refused.value).endswith(said)
