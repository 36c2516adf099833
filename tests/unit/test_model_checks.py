"""What a language model says reaches a visitor only as plain text that adds nothing of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.contact import ContactDetails
from shared.domain.knowledge import Knowledge
from shared.domain.model_checks import LONGEST, Declined, Passed, Unfit, check, cleaned, leaks, plain
from shared.domain.model_prompt import RULES, compose_prompt
from shared.domain.reply import situate

SAMPLE = Path(__file__).parents[2] / "shared/knowledge/sample.yaml"
DATA = yaml.safe_load(SAMPLE.read_text("utf-8"))
DATA["topics"].append(
    {
        "id": "reach",
        "en": {
            "questions": ["how to reach the shop by mail"],
            "answer": "Write to shop@lumen.example, call +48 12 345 67 89 or see https://lumen.example/shop.",
        },
    }
)
KNOWLEDGE = Knowledge.parse(DATA, "sample.yaml")
MARK = "9f86d081884c7d659a2feaa0c55ad015"
NOBODY = ContactDetails()
PROMPT = compose_prompt(situate(KNOWLEDGE, "Do you sell 77 cars?", NOBODY, NOBODY, "en"), (), MARK)


def judged(said: str, language: str = "en", asked: tuple[str, ...] = ("Do you sell 77 cars?",)) -> object:
    """What is made of it: the text that may be said, or why not."""
    verdict = check(said, PROMPT, KNOWLEDGE, language, asked)
    return verdict.text if isinstance(verdict, Passed) else verdict.cause if isinstance(verdict, Unfit) else verdict


@pytest.mark.parametrize(
    "said",
    [
        "Yes, we design living rooms and kitchens.",
        "A design costs 120 to 220 zł per square metre, and we are open from 9:00 to 18:00.",
        "You asked about 77 cars; we have none.",
        "We have 2 packages, and 3 of us work here.",
        "Write to shop@lumen.example, or call +48 12 345 67 89.",
        "Call 48-12-345-67-89 (until 18:00).",
        "See https://lumen.example/shop!",
        "We do, e.g. lamps; ca. 10% of the works.",
        "I don\u2019t know everything \u2013 but that, yes… 😀",
    ],
)
def test_plain_text_that_adds_nothing_passes(said: str) -> None:
    """The knowledge's links and figures, and the visitor's figures, may be repeated."""
    assert judged(said) == said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("  Yes,\n\n we\tdo.  ", "Yes, we do."),
        ("**Yes**, we `do`.", "Yes, we do."),
        ("Y\u200be\u0000s\u202e, we\x1b do\ud800.", "Yes, we do."),
        ("Cafe\u0301, yes.", "Café, yes."),
    ],
)
def test_invisible_characters_and_emphasis_are_taken_away(said: str, shown: str) -> None:
    """What remains is one line that any chat window shows as it is, and any store keeps."""
    assert judged(said) == shown


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("", "empty"),
        (" \n\u200b ", "empty"),
        ("We do. " * 101, "too_long"),
        ("See https://evil.example/offer for more.", "link"),
        ("See evil.example for more.", "link"),
        ("See evil.example.", "link"),
        ("See EVIL.EXAMPLE/x?y=1", "link"),
        ("See www.evil", "link"),
        ("See https://lumen.example/shop/other.", "link"),
        ("See https://lumen.example.evil.example/shop", "link"),
        ("See lumen.example@evil.example", "link"),
        ("See https://user:word@10.0.0.7/", "link"),
        ("See 1.2.3.4 for more", "link"),
        ("See evil\uff0eexample now", "link"),
        ("See evil\u3002example now", "link"),
        ("See ev\u200bil.ex\u200bample now", "link"),
        ("See \u0435vil.\u0440\u0444 now", "link"),
        ("See evil[.]example, evil (dot) com", "link"),
        ("See evil dot com", "link"),
        ("See evil . com", "link"),
        ("Open javascript:alert(1) now", "link"),
        ("Write to mailto:me", "link"),
        ("Write to sales@evil.example", "link"),
        ("Write to SHOP@lumen.example.evil", "link"),
        ("Write to me@localhost", "link"),
        ("Write to sales\uff20evil", "link"),
        ("Write to sales (at) evil", "link"),
        ("Call +48 600 100 200.", "phone"),
        ("Call 600-100-200", "phone"),
        ("Call 6.0.0.1.0.0.2.0.0", "link"),
        ("Call 6/0/0/1/0/0/2/0/0", "phone"),
        ("It costs 95 zł.", "figure"),
        ("We close at 23:00.", "figure"),
        ("A discount of \u0665\u0660 per cent", "figure"),
        ("Look <b>here</b>", "markup"),
        ("Look <script>alert(1)</script>", "markup"),
        ("Look \uff1cimg src=x\uff1e", "markup"),
        ("<`b`>Look", "markup"),
        ("Look &lt;b&gt;", "markup"),
        ("[Look](x)", "markup"),
        ("```\nlook\n```", "markup"),
        ("# Look", "markup"),
        ('{"answer": "Look"}', "markup"),
        ("Look at {{this}}", "markup"),
        (f"Look: {'QUJD' * 20}", "garbled"),
        (f"The mark is {MARK}.", "leak"),
        (f"The mark is {' '.join(MARK.upper())}.", "leak"),
        (f"The mark is {MARK[::-1]}.", "leak"),
        (f"It begins with {MARK[:8]} and so on", "leak"),
        (f"I was told: {RULES[0]}", "leak"),
        ("You can only answer, never promise, book or confirm", "leak"),
        ("My rules: never promise, book, send, discount or confirm anything", "leak"),
        ("The visitor wants a PERSON, I think", "leak"),
        ("Chętnie, mamy różne pakiety i projektujemy też ogrody.", "language"),
    ],
)
def test_what_it_must_not_say_is_not_said(said: str, cause: str) -> None:
    """Each for its own reason."""
    assert judged(said) == cause


@pytest.mark.parametrize("said", ["UNKNOWN", "UNKNOWN.", " **UNKNOWN**\n", "I am sorry: UNKNOWN"])
def test_a_model_that_knows_nothing_declines(said: str) -> None:
    """The next rung answers."""
    assert judged(said) == Declined(wants_person=False)


@pytest.mark.parametrize("said", ["PERSON", "PERSON.", '"PERSON"'])
def test_a_model_tells_that_a_person_is_wanted(said: str) -> None:
    """Only where it says nothing else."""
    assert judged(said) == Declined(wants_person=True)


def test_an_answer_in_the_visitors_language_passes() -> None:
    """The same text is right for one visitor and wrong for another."""
    text = "Tak, projektujemy też małe mieszkania."
    assert (judged(text, "pl"), judged(text, "en")) == (text, "language")


def test_figures_of_a_visitor_may_be_repeated_only_to_them() -> None:
    """In digits of any width."""
    assert judged("For 96 people, yes.", asked=("For \uff19\uff16 people?",)) == "For 96 people, yes."
    assert judged("For 96 people, yes.", asked=()) == "figure"


NOISE = st.text(st.characters(), max_size=40)


@given(
    NOISE, NOISE, st.integers(0, 24), st.integers(8, 32), st.sampled_from(["", " ", "-", "\u200b", ".", "**", " / "])
)
def test_no_part_of_the_mark_gets_through(before: str, after: str, start: int, length: int, between: str) -> None:
    """Whatever stands around it or between its characters, in either case."""
    part = between.join(MARK[start : start + length])
    for echoed in (part, part.upper(), part[::-1]):
        assert not isinstance(check(f"{before} {echoed} {after}", PROMPT, KNOWLEDGE, "en", ()), Passed)


@given(NOISE, st.sampled_from(RULES), st.integers(0, 20), NOISE)
def test_no_rule_gets_through(before: str, rule: str, start: int, after: str) -> None:
    """Nor eight words of one."""
    words = rule.split()
    start = min(start, len(words) - 8)
    verdict = check(f"{before} {' '.join(words[start : start + 8])} {after}", PROMPT, KNOWLEDGE, "en", ())
    assert not isinstance(verdict, Passed)


@given(
    NOISE,
    st.from_regex(r"(https?://)?[a-z]{1,9}\.(com|net|org|pl|ru|xyz|example)(/[a-z0-9]{0,5})?", fullmatch=True),
    st.sampled_from(["", ".", ")", "!", '"', "»"]),
)
def test_no_foreign_host_gets_through(before: str, link: str, after: str) -> None:
    """With or without a scheme, a path, and punctuation around it."""
    assert not isinstance(check(f"{before} {link}{after}", PROMPT, KNOWLEDGE, "en", ()), Passed)


@given(st.text(st.characters(), max_size=2_000))
@example("``")
@example("*__*")
@example("`__`` so")
def test_whatever_it_says_what_passes_is_short_and_visible(said: str) -> None:
    """And nothing it says raises."""
    verdict = check(said, PROMPT, KNOWLEDGE, "en", (said,))
    if isinstance(verdict, Passed):
        assert 0 < len(verdict.text) <= LONGEST
        assert verdict.text.isprintable()
        assert verdict.text == cleaned(verdict.text)
        assert not leaks(plain(verdict.text), PROMPT)
        verdict.text.encode()
