"""What the business knows: topics with answers, the sentences of the assistant, and the weights of a lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from shared.domain.checks import Place
from shared.domain.contact import is_phone_region
from shared.domain.fields import LeadField, parse_fields, parse_wording
from shared.domain.language import detect_language, likely_languages
from shared.domain.matching import Index
from shared.domain.scoring import MAX_SCORE, Interest, ScoreWeights
from shared.domain.smalltalk import SmallTalk
from shared.domain.words import LANGUAGES, has_word

__all__ = ["Entry", "Intent", "Knowledge", "Match", "Phrases", "detect_language"]

Intent = Literal["answer", "handoff", "greeting"]
OPTIONAL = ("confidence", "score", "fields", "consent_wording", "trade_words")
INTENTS: tuple[Intent, ...] = ("answer", "handoff", "greeting")
DEFAULT_CONFIDENCE = 0.64
_TIE, _SURE = 0.05, 0.9  # two entries this near to each other are asked about, unless each is this sure
_MOST_WORDS = 10_000  # code points


@dataclass(frozen=True, slots=True)
class Entry:
    """One topic in one language.

    Attributes:
        id: the topic's, the same in every language.
        language: ISO 639-1.
        questions: ways to ask, one at least.
        answer: what is said; empty for a handoff, whose sentences are among the phrases.
        source: where the answer comes from, for the team.
        intent: ``answer``; ``handoff``: a person is asked for; ``greeting``: small talk, answered if all there is.
        words: words or runs of words that tell the topic by themselves.
    """

    id: str
    language: str
    questions: tuple[str, ...]
    answer: str
    source: str
    intent: Intent
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """An entry and how sure it is that it was asked for, 0 to 1."""

    entry: Entry
    confidence: float


@dataclass(frozen=True, slots=True)
class Phrases:
    """What the assistant says by itself, in one language; each must be true whenever it is said."""

    thanks_lead: str  # contact details were just taken and the team is told
    ask_contact: str  # nothing to reach the visitor by is known
    unknown: str  # there is no answer to the question
    noted: str  # … but the visitor can be reached: the question is kept for the team
    handoff: str  # a person was asked for, and the visitor can be reached
    handoff_ask: str  # a person was asked for, and the visitor cannot be reached yet


@dataclass(frozen=True)
class Knowledge:
    """A knowledge file, checked; nothing changes what it answers, threads may share it."""

    business: str
    phone_region: str  # ISO 3166-1, how phone numbers without a country code are read
    languages: tuple[str, ...]  # the default one first
    default_language: str
    entries: tuple[Entry, ...]
    phrases: Mapping[str, Phrases]
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    confidence: float = DEFAULT_CONFIDENCE  # below it a question counts as unknown
    fields: tuple[LeadField, ...] = ()  # what to find out about a lead beside contact details
    consent_wording: Mapping[str, str] = field(default_factory=dict)  # what visitors agree to, by language
    trade_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by language: they tell no topic
    _answering: Mapping[str, tuple[Entry, ...]] = field(init=False, repr=False, compare=False)
    _indices: dict[str, Index] = field(init=False, repr=False, compare=False, default_factory=dict)
    _small_talk: Mapping[str, SmallTalk] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        answering, small_talk = {}, {}
        for language in self.languages:
            here = [entry for entry in self.entries if entry.language == language]
            answering[language] = tuple(entry for entry in here if entry.intent != "greeting")
            greetings = [entry for entry in here if entry.intent == "greeting"]
            small_talk[language] = SmallTalk([entry.questions for entry in greetings])
        object.__setattr__(self, "_answering", answering)
        object.__setattr__(self, "_small_talk", small_talk)

    @classmethod
    def parse(cls, data: object, where: str) -> Knowledge:
        """Return the knowledge in ``data``, as a YAML reader gives it; ``where`` names the file in errors.

        Raises:
            ConfigError: naming the file, the topic or key, what it was and what is accepted.
        """
        top = Place(where, "", data).mapping(
            ["business", "phone_region", "default_language", "languages", "phrases", "topics"], OPTIONAL
        )
        languages = tuple(each.one_of(LANGUAGES) for each in top["languages"].items("languages"))
        default = top["default_language"].one_of(languages)
        region = top["phone_region"].text(longest=120)
        if not is_phone_region(region):
            raise top["phone_region"].wrong("a country of two capital letters, for example PL")
        business = top["business"].text(longest=120)
        return cls(
            business=business,
            phone_region=region,
            languages=tuple(dict.fromkeys((default, *languages))),
            default_language=default,
            entries=_entries(top["topics"], languages),
            phrases=_phrases(top["phrases"], languages, business),
            weights=_weights(top["score"]) if "score" in top else ScoreWeights(),
            confidence=top["confidence"].share(0.5, 1.0) if "confidence" in top else DEFAULT_CONFIDENCE,
            fields=parse_fields(top["fields"], default, languages) if "fields" in top else (),
            consent_wording=parse_wording(top["consent_wording"], languages) if "consent_wording" in top else {},
            trade_words=_trade_words(top["trade_words"], languages) if "trade_words" in top else {},
        )

    def best_match(self, question: str, language: str | None = None) -> Match | None:
        """Return the entry the question is about, None if none is sure or two are alike; no language means any."""
        best, second = [*self.ranked(question, language), None, None][:2]
        if best is None or best.confidence < self.confidence:
            return self._greeting(question, language)
        alike = second is not None and best.confidence - second.confidence < _TIE and best.confidence < _SURE
        return None if alike else best

    def ranked(self, question: str, language: str | None = None) -> list[Match]:
        """Return every entry with a word of the question, small talk left out, the surest first."""
        matches: list[Match] = []
        for each in self._among(question, language):
            asked = self._small_talk[each].without(question)
            found = self._index(each).ranked(asked)
            matches += [Match(self._answering[each][place], confidence) for place, confidence in found]
        return sorted(matches, key=lambda match: -match.confidence)

    def _index(self, language: str) -> Index:
        """Return the index of a language, made when it is first asked for: most functions hear one language only."""
        if language not in self._indices:
            entries = self._answering[language]
            questions, keywords = ([getattr(entry, of) for entry in entries] for of in ("questions", "words"))
            self._indices[language] = Index(language, questions, keywords, self.trade_words.get(language, ()))
        return self._indices[language]

    def _greeting(self, question: str, language: str | None) -> Match | None:
        for each in self._among(question, language):
            greetings = [entry for entry in self.entries if entry.intent == "greeting" and entry.language == each]
            place = self._small_talk[each].only(question)
            if place is not None:
                return Match(greetings[place], 1.0)
        return None

    def _among(self, question: str, language: str | None) -> tuple[str, ...]:
        """Return the language, or those the question may be in: no index is made for a language it cannot be in."""
        return (language,) if language in self.languages else likely_languages(question, self.languages)


def _entries(topics: Place, languages: tuple[str, ...]) -> tuple[Entry, ...]:
    seen: set[str] = set()
    entries: list[Entry] = []
    for topic in topics.items("topics"):
        keys = topic.mapping(["id"], ["source", "intent", *languages])
        topic_id = keys["id"].text(longest=60)
        if topic_id in seen:
            raise keys["id"].wrong("an id that no other topic has")
        seen.add(topic_id)
        named = Place(topic.where, f"topic {topic_id!r}", topic.value)
        if not any(language in keys for language in languages):
            raise named.wrong(f"questions and an answer under one of {', '.join(languages)}, at least")
        entries += [
            _entry(place, topic_id, language, keys)
            for language, place in named.mapping(["id"], ["source", "intent", *languages]).items()
            if language in languages
        ]
    return tuple(entries)


def _entry(place: Place, topic_id: str, language: str, keys: dict[str, Place]) -> Entry:
    intent = next(
        each for each in INTENTS if each == (keys["intent"].one_of(INTENTS) if "intent" in keys else "answer")
    )
    required = ["questions"] if intent == "handoff" else ["questions", "answer"]
    texts = place.mapping(required, [] if intent == "greeting" else ["words"])
    questions = []
    for question in texts["questions"].items("questions"):
        questions.append(question.text(longest=300))
        if not has_word(questions[-1]):
            raise question.wrong("a question with letters or digits in it")
    return Entry(
        id=topic_id,
        language=language,
        questions=tuple(questions),
        answer=texts["answer"].text() if "answer" in texts else "",
        source=keys["source"].text(longest=300) if "source" in keys else f"topic {topic_id}",
        intent=intent,
        words=_listed(texts["words"]) if "words" in texts else (),
    )


def _trade_words(place: Place, languages: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {language: _listed(text) for language, text in place.mapping([], languages).items()}


def _listed(place: Place) -> tuple[str, ...]:
    """Return what stands between the commas of one text: a list of YAML's takes ten times as long to read."""
    listed = tuple(each.strip() for each in place.text(_MOST_WORDS).split(","))
    if not all(map(has_word, listed)):
        raise place.wrong("words with a comma between every two")
    return listed


def _phrases(phrases: Place, languages: tuple[str, ...], business: str) -> dict[str, Phrases]:
    names = [each.name for each in fields(Phrases)]
    by_language = phrases.mapping(languages)
    return {
        language: Phrases(**{n: p.text(500).replace("{business}", business) for n, p in place.mapping(names).items()})
        for language, place in by_language.items()
    }


def _weights(score: Place) -> ScoreWeights:
    numbers = ("email", "phone", "name", "message", "messages_at_most")
    keys = score.mapping([], [*numbers, "interests"])
    given = {name: keys[name].integer(0, MAX_SCORE) for name in numbers if name in keys}
    interests = []
    for each in keys["interests"].items("interests") if "interests" in keys else []:
        parts = each.mapping(["id", "weight", "words"])
        weight = parts["weight"].integer(0, MAX_SCORE)
        for word in parts["words"].items("words"):
            if not has_word(word.text(longest=300)):
                raise word.wrong("a word with letters or digits in it")
        interests.append(Interest(parts["id"].text(longest=60), weight, parts["words"].texts("words")))
    return ScoreWeights(**given, interests=tuple(interests))
