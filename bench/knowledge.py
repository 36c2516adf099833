"""How many questions the shipped knowledge answers rightly: precision and recall over three sets, and what that takes.

The sets are bench/data/knowledge.yaml and, by other hands, bench/data/knowledge_second.yaml and knowledge_third.yaml,
most of which must not be answered; their heads tell who wrote them and what was looked at. Each is split in two by a
hash of its texts. The matcher is tuned on ``tune`` and judged by ``report``, whose mistakes are never shown.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from bench.report import table
from shared.adapters.knowledge_file import load_knowledge
from shared.domain.contact import ContactDetails
from shared.domain.knowledge import Knowledge
from shared.domain.language import detect_language
from shared.domain.reply import situate

Half = Literal["tune", "report"]
HALVES: tuple[Half, ...] = ("tune", "report")
SETS = {
    "first": Path(__file__).parent / "data" / "knowledge.yaml",
    "second": Path(__file__).parent / "data" / "knowledge_second.yaml",
    "third": Path(__file__).parent / "data" / "knowledge_third.yaml",
}
MIN_PRECISION, MIN_RECALL = 0.95, 0.85
_LOADS = 9


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor might ask first, and the topic an answer must come from; None: there must be no answer."""

    text: str
    language: str
    topic: str | None

    @property
    def half(self) -> Half:
        """Which half the question is in: nothing but its text decides."""
        return HALVES[hashlib.sha256(self.text.encode()).digest()[0] % 2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question was answered with: (topic, language), or None."""

    question: Question
    given: tuple[str, str] | None
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the answer is of the topic asked about and in the visitor's language."""
        return self.given is not None and self.given == (self.question.topic, self.question.language)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one set of questions."""

    answerable: int
    foreign: int  # must not be answered
    given: int
    right: int

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Score:
        """Return the counts of these outcomes."""
        every = tuple(outcomes)
        answerable = sum(each.question.topic is not None for each in every)
        given = sum(each.given is not None for each in every)
        return cls(answerable, len(every) - answerable, given, sum(each.right for each in every))

    @property
    def precision(self) -> float:
        """Right answers among the answers given; 1 when none was given."""
        return self.right / self.given if self.given else 1.0

    @property
    def recall(self) -> float:
        """Right answers among the questions that have one; 1 when none has."""
        return self.right / self.answerable if self.answerable else 1.0

    @property
    def good(self) -> bool:
        """Whether the thresholds are met."""
        return self.precision >= MIN_PRECISION and self.recall >= MIN_RECALL


def questions(path: Path = SETS["first"]) -> tuple[Question, ...]:
    """Return a set's questions in the file's order."""
    data = yaml.safe_load(path.read_text("utf-8"))
    asked = [(topic, here) for topic, here in data["topics"].items()] + [(None, data["none"])]
    return tuple(
        Question(text, language, topic)
        for topic, by_language in asked
        for language, texts in by_language.items()
        for text in texts
    )


def ask(knowledge: Knowledge, question: Question) -> Outcome:
    """Return what `chat` finds for this as a visitor's first message."""
    language = detect_language(question.text, knowledge.languages)
    match = situate(knowledge, question.text, ContactDetails(), ContactDetails(), language).match
    given = (match.entry.id, match.entry.language) if match else None
    return Outcome(question, given, match.confidence if match else 0.0)


def score(outcomes: Sequence[Outcome], half: Half, language: str | None = None) -> Score:
    """Return the score of one half, of one language or of all."""
    return Score.of(o for o in outcomes if o.question.half == half and language in (None, o.question.language))


def run(sets: Sequence[str] = tuple(SETS), halves: Sequence[Half] = HALVES, *, mistakes: bool = False) -> bool:
    """Print the scores of the shipped sample, on request the mistakes of the tune halves; whether all are good."""
    knowledge = load_knowledge()
    verdicts = []
    for name in sets:
        outcomes = [ask(knowledge, each) for each in questions(SETS[name])]
        for half in halves:
            _show(f"knowledge, {name} set, {half} half", outcomes, half, knowledge.languages)
        if mistakes:
            _show_mistakes(f"mistakes of the tune half, {name} set", outcomes)
        verdicts += [(name, half, score(outcomes, half).good) for half in halves]
    _show_times(knowledge, [each.text for name in sets for each in questions(SETS[name])])
    sys.stdout.write(f"\nasked for: precision >= {MIN_PRECISION}, recall >= {MIN_RECALL}\n")
    for name, half, good in verdicts:
        sys.stdout.write(f"{name} set, {half} half: {'good' if good else 'MISSED'}\n")
    return all(good for _, _, good in verdicts)


def _show(title: str, outcomes: Sequence[Outcome], half: Half, languages: Iterable[str]) -> None:
    scores = {each: score(outcomes, half, each) for each in languages} | {"all": score(outcomes, half)}
    rows = [
        [name, s.answerable, s.foreign, s.given, s.right, f"{s.precision:.3f}", f"{s.recall:.3f}"]
        for name, s in scores.items()
    ]
    table(title, ["", "answerable", "foreign", "given", "right", "precision", "recall"], rows)


def _show_mistakes(title: str, outcomes: Sequence[Outcome]) -> None:
    wrong = [o for o in outcomes if o.question.half == "tune" and not _fine(o)]
    rows = [[o.question.text, o.question.language, o.question.topic or "-", _given(o)] for o in wrong]
    table(title, ["question", "language", "topic", "answered"], rows)


def _show_times(knowledge: Knowledge, texts: Sequence[str]) -> None:
    """Print what loading the file takes and what a question takes, on this machine."""
    loading = [_seconds(load_knowledge) for _ in range(_LOADS)]
    first = Question("What is the capital of France, and who lives there?", "en", None)
    fresh = [load_knowledge() for _ in range(_LOADS)]
    opening = [_seconds(lambda each=each: ask(each, first)) for each in fresh]
    asking = sorted(_seconds(lambda text=text: ask(knowledge, Question(text, "", None))) for text in texts)
    rows = [
        ["load_knowledge()", f"{statistics.median(loading) * 1e3:.1f}", f"{max(loading) * 1e3:.1f}"],
        ["a first question, unanswered", f"{statistics.median(opening) * 1e3:.1f}", f"{max(opening) * 1e3:.1f}"],
        ["a question", f"{statistics.median(asking) * 1e3:.2f}", f"{asking[len(asking) * 95 // 100] * 1e3:.2f}"],
    ]
    table("milliseconds", ["", "median", "most / 95 of 100"], rows)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _fine(outcome: Outcome) -> bool:
    return outcome.right or (outcome.question.topic is None and outcome.given is None)


def _given(outcome: Outcome) -> str:
    return f"{outcome.given[0]} {outcome.given[1]} {outcome.confidence:.2f}" if outcome.given else "-"
