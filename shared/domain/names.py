"""A person's name in free text: only what follows an introduction and looks like one. Rather none than a wrong one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from shared.domain.words import word_set

MAX_NAME = 80  # code points
_MAX_WORDS = 4

_SURE = r"my name is|my name['\u2019]s|nazywam si[ęe]|mam na imi[ęe]|ich hei(?:ß|ss)e|mein name ist"
_UNSURE = r"i['\u2019]?m|i am|call me|jestem|ich bin"
_INTRODUCTION = re.compile(
    rf"(?<!\w)(?:(?P<sure>{_SURE})|(?P<unsure>{_UNSURE})|(?P<this>this is))(?=[ :])", re.IGNORECASE
)
_WORD = re.compile(r":? {1,3}([^\W\d_]{1,40}(?:['\u2019\-][^\W\d_]{1,40}){0,3}(?!\w))(\.(?= ))?")
_SENTENCE_START = re.compile(
    r"(?:^|[.!?,;:\n\u2013\u2014-]|\b(?:hi|hello|hey|morning|afternoon|evening))\s*$", re.IGNORECASE
)
_PARTICLES = word_set("al bin da de del della den der di do dos du el la le ten ter van von zu")
_CALLING = word_set("from here at speaking calling writing and")

# Words that open with a capital in a heading, a German noun or a day, and are no names.
_NOT_NAMES = word_set(
    """a about actually afraid again all also am amazing an and any anyone anything architect are as asap asking at
    available awesome back based because but buying buyer by calling ceo client confused considering contacting curious
    currently customer designer director done english even excited fine for founder french friendly from german glad
    going good great happy hello her here hey hi his homeowner how i if important in information interested is it
    just keen landlord late later looking lost maybe me moving my new nice not now of on only or our out owner
    planning please polish possible pretty quite ready really renovating renting sad searching she so sorry still
    student super sure tenant thank thanks that the there they this thinking to today tomorrow tonight too trying
    ukrainian unable unhappy unsure urgent using very waiting was we welcome what when where which who why will with
    without wondering working writing yes yesterday you your
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december spring summer autumn winter
    ale architektem bardzo bo ciekaw ciekawa czy dla dzisiaj gotowa gotowy i jutro juz już klientem klientką ktoś mam na
    nie pan pana pani państwa państwem po pod polakiem polką projektantem przed sam sama szukam tak teraz tu tutaj tylko
    u w właścicielem właścicielką wasza waszą waszym z za zadowolona zadowolony zainteresowana zainteresowani
    zainteresowany że
    poniedziałek wtorek środa czwartek piątek sobota niedziela
    am an architekt architektin auf aus bauherr bauherrin bei besitzer besitzerin der deutscher deutsche designer die
    eigentümer eigentümerin ein eine frau gerade geschäftsführer geschäftsführerin hausbesitzer herr herrn ihr
    ihre ihnen in ingenieur inhaber inhaberin interessent interessentin interessiert käufer kunde kundin lehrer
    lehrerin makler maklerin mensch mieter mieterin mit mutter neukunde nicht pole polin rentner rentnerin sehr schüler
    selbstständig student studentin und unternehmer unternehmerin vater vermieter vermieterin von zufrieden
    montag dienstag mittwoch donnerstag freitag samstag sonntag"""
)


def find_name(text: str) -> str | None:
    """Return the name by which the visitor introduces themselves in English, Polish or German; ≤ 80 code points."""
    text = unicodedata.normalize("NFC", text)
    for introduction in _INTRODUCTION.finditer(text):
        found = list(_name_words(text, introduction.end()))
        name = " ".join(word for word, _ in found)
        if not found or len(name) > MAX_NAME:
            continue
        if introduction["sure"] or _is_introduced(text, introduction, len(found), text[found[-1][1] :]):
            return name
    return None


def clean_name(text: str) -> str | None:
    """Return a name from a form field as one line of at most 80 code points; None if no letter is left.

    Line breaks and tabs become spaces; control and format characters (bidirectional overrides, zero width), lone
    surrogates and private use are dropped. A longer name is cut: a lead is not refused over it.
    """
    spaced = " ".join(unicodedata.normalize("NFC", text[: 10 * MAX_NAME]).split())
    shown = "".join(char for char in spaced if not unicodedata.category(char).startswith("C"))
    name = " ".join(shown.split())[:MAX_NAME].strip()
    return name if any(char.isalpha() for char in name) else None


def _name_words(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Yield the name's words from ``start`` on, each with where it ends; a particle only when a name follows it."""
    held: list[tuple[str, int]] = []
    position, yielded = start, 0
    while yielded < _MAX_WORDS and (match := _WORD.match(text, position)):
        word, dot = match[1], match[2] or ""
        initial = bool(dot) and len(word) == 1 and word.isupper() and yielded > 0
        if initial or (yielded and word in _PARTICLES):
            held.append((word + dot if initial else word, match.end()))
        elif _is_proper(word):
            yield from (*held, (word, match.end(1)))
            yielded, held = yielded + len(held) + 1, []
            if dot:
                return
        else:
            return
        position = match.end() if initial else match.end(1)


def _is_proper(word: str) -> bool:
    """Tell whether a word is written as a name: Ana, Anne-Marie, O'Brien, McDonald; not ANA, iPhone, Interested."""
    if len(word) < 2 or word.casefold() in _NOT_NAMES:  # noqa: PLR2004 - a letter is no name
        return False
    pieces = [piece.removeprefix("Mc") or piece for piece in re.split(r"['\u2019-]", word)]
    return all(piece[0].isupper() and not any(char.isupper() for char in piece[1:]) for piece in pieces)


def _is_introduced(text: str, introduction: re.Match[str], count: int, rest: str) -> bool:
    """Tell whether a phrase that also opens other sentences ("I'm …", "this is …") is an introduction here."""
    if rest.lstrip()[:1] == "?":
        return False
    next_word = re.match(r"\s{1,3}(\w{1,20})", rest)
    stops = next_word is None or next_word[1].casefold() in _CALLING
    if introduction["this"]:
        opens = _SENTENCE_START.search(text[max(0, introduction.start() - 20) : introduction.start()])
        return opens is not None and stops
    if introduction["unsure"].casefold() == "ich bin":
        return count > 1 or stops  # German writes every noun with a capital
    return next_word is None or next_word[1].casefold() not in {"of", "in"}
