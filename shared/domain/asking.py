"""What kind of thing a question asks for: a price, a number, a time, a place.

"How many people live in Poland?" and "Do you work all over Poland?" share their one telling word. What tells them apart
is that nobody taught the topic any question that asks for a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from shared.domain.words import word_set

# language → kind → openings of a question; the longest that stands at a place counts.
_OPENINGS: dict[str, dict[str, str]] = {
    "en": {
        "price": "how much, how expensive, how costly, what does it cost, what would it cost",
        "number": "how many",
        "size": "how old, how tall, how big, how large, how heavy, how high, how deep, how wide, how fast, how rich",
        "span": "how long, how many days, how many weeks, how many months, how many years, how many hours",
        "person": "who, whos, whose, whom",
        "place": "where, wheres, whereabouts",
        "time": "when, whens, what time, at what time",
        "reason": "why",
    },
    "pl": {
        "price": """ile kosztuje, ile kosztuja, ile kosztowal, ile kosztowalo, ile kosztowalaby, ile kosztowalby, ile
            zaplace, ile place, ile by kosztowal, ile bedzie kosztowac, ile to kosztuje, ile bierzecie, ile liczycie,
            po ile, za ile, ile pieniedzy""",
        "number": "ile, ilu, iloma",
        "size": """ile lat ma, ile lat masz, ile lat maja, ile ma lat, ile wzrostu, ile wazy, ile mierzy, ile zarabia,
            ile zarabiaja, ile zarabiacie, jak wysoki, jak wysoka, jak wysokie, jak stary, jak stara, jak duzy,
            jak duza, jak duze, jak szybki, jak gleboki, jak gleboka, jak ciezki""",
        "span": """jak dlugo, jak dlugi, jak dluga, ile trwa, ile trwaja, ile czasu, ile dni, ile tygodni, ile miesiecy,
            ile lat, ile godzin, ile zajmuje""",
        "person": "kto, kogo, komu, kim, czyj, czyja",
        "place": "gdzie, dokad, skad",
        "time": "kiedy, o ktorej, do ktorej, od ktorej, w jakich godzinach",
        "reason": "dlaczego, czemu",
    },
    "de": {
        "price": "was kostet, was kosten, wie teuer, wie viel kostet, wieviel kostet, wie viel kosten, wieviel kosten",
        "number": "wie viele, wieviele",
        "size": "wie alt, wie gross, wie schwer, wie tief, wie schnell, wie breit, wie reich",
        "span": """wie lange, wie lang, wie viele tage, wie viele wochen, wie viele monate, wie viele jahre, wie viele
            stunden, wieviele wochen, wieviele monate, wieviele jahre""",
        "person": "wer, wem, wen, wessen",
        "place": "wo, wohin, woher",
        "time": "wann, um wie viel uhr, um wieviel uhr, ab wann, bis wann",
        "reason": "warum, wieso, weshalb, weswegen",
    },
}

# Who asks, who is asked, and what was pointed at.
_BETWEEN_US = {
    "en": word_set("i im id ill ive me my mine we us our you your u ur youre yours anyone somebody someone it this"),
    "pl": word_set(
        """was wam wami wasz wasza wasze waszego waszej waszych waszym waszymi mam mnie mi moj moja moje mojego mojej
        moge chce to jestescie nas nam panstwo ja prosze potrzebuje"""
    ),
    "de": word_set(
        """ich wir ihr sie ihre ihrem ihren ihrer ihnen euch euer eure eurem euren eurer mich mir mein meine meinem
        meinen uns unser unsere das es"""
    ),
}
_VERBS_BETWEEN_US: dict[str, tuple[str, ...]] = {"pl": ("cie", "my")}  # Polish needs no word for "you" and "we"


def is_between_us(said: Sequence[str], language: str) -> bool:
    """Tell whether the folded words name the visitor, the business or something that was pointed at."""
    endings = _VERBS_BETWEEN_US.get(language, ())
    return any(word in _BETWEEN_US[language] or (endings and word.endswith(endings)) for word in said)


def kind_asked(said: Sequence[str], language: str) -> str | None:
    """Return the kind that the first question word among the folded words shows, None if there is none ("do you …")."""
    openings = _openings(language)
    for at, word in enumerate(said):
        for run, kind in openings.get(word, ()):
            if tuple(said[at : at + len(run)]) == run:
                return kind
    return None


@cache
def _openings(language: str) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for kind, listed in _OPENINGS[language].items():
        for each in listed.split(","):
            run = tuple(each.split())
            found.setdefault(run[0], []).append((run, kind))
    for runs in found.values():
        runs.sort(key=lambda item: -len(item[0]))
    return found
