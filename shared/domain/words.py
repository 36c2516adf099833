"""Words as the matcher sees them: folded, cut, and known to be common or not, in the languages Bellhop knows."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 2_000  # code points; the longest message `chat` takes, and a bound on the work for any other

_WORD = re.compile(r"[^\W_]+")
_UNFOLDED = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "'": None, "\u2019": None, "`": None})


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text that is a list of them."""
    return frozenset(text.split())


STOP_WORDS = {
    "en": word_set(
        """a about actually ahead all also am an and any anybody anyone anything are around as ask at basically be
        because been before being but by can cant could current currently did do does doesnt doing dont each ever
        every exactly example for from generally get give given go going got had happen has have having hello help
        here hey hi his how i id if ill im in info information into is it its itll ive just kind kindly know let lets
        like look looking lot love many maybe me mean might mind more most my need nice of off ok okay on one only or
        our ours out over perhaps please possible possibly provide question quick quickly quite really roughly s
        say see shall she should show so some somebody someone something sort still such tell than thank thanks that
        thats the their them then there theres they thing things think this those thru to today too typically u
        understand up us usually very want wanted was we well were what whats which will with without wonder
        wondering would wouldnt yes yet you youre your yours"""
    ),
    "pl": word_set(
        """a aby albo ale albowiem az bardzo bede bedzie by byc byl byla bym chce chcialabym chcialbym chcemy ci
        cie co cos czesc czy dla dlaczego do dokladnie drodzy dziekuje dzien gdy go i ich im informacje innych
        ja jak jaka jaki jakie jakies jako je jednak jego jej jest jestem jestescie jesli juz kazdy ktora ktore
        ktory ktorzy lub ma maja mam mamy macie mi mnie moge moglabym moglbym mogliby moj moja moje moze mozecie
        mozliwe mozna musze my na nad nam nami nas nasz nasze nie nim no o od ok okolo on ona oni oraz pan pana pani
        panstwa panstwo panstwu po pod poniewaz poprosze powiedz powiedziec potrzebuje prosze przez przy pytanie sa
        sie sobie sprawie swoj ta tak takie tam te tego tej temat ten to tu ty tylko tym u w wam wami was wasz wasza
        wasze we wiec wiedziec witam wy z za zamierzam zapytac ze zeby"""
    ),
    "de": word_set(
        """aber alle als also am an auch auf aus bei bin bis bitte da damit danke das dass dein dem den denn der des
        die dies diese dir doch du ein eine einem einen einer eines er es etwa etwas euch euer eure fragen fur gern
        gerne genau gibt gute guten hab habe haben habt hallo hat ich ihnen ihr ihre ihrem ihren im in ins ist ja
        kann kannst konnen konnt konnte konnten konntet mal man mein meine meinem meinen mich mir mit moglich mochte
        mochten muss nach nicht noch nur ob oder schon sein sich sie sind so tag uber um und uns unser unsere von vor
        war was weil welche welcher welches wenn werden wie wir wird wissen wurde wurden zu zum zur"""
    ),
}

# They shape a question more than they say what it is about: a match on them alone is an accident.
LIGHT_WORDS = {
    "en": word_set("where when who much long often soon time make take work"),
    "pl": word_set("ile gdzie kiedy kto dlugo czesto trwa robicie"),
    "de": word_set("wo wann wer viel lange oft macht"),
}

# What may differ at the end of two forms of one word. Lists and not a stemmer: an owner can see why two words met.
ENDINGS = {
    "en": word_set("s es e ed d ing er ers ings ly y ies ment ation") | {""},
    "pl": word_set(
        """a y i e u o om ami ach ow owi em ie ego emu ej ym ych ymi im ich imi iem ia iu io c ac ic ec yc uje uja
        ujecie ujemy owac ze cie my sz m am aja amy acie ony ona one ana ane any anie ania eniu enie enia la ly li
        l lo t n na ne ny nej nym nych ce ca cy ek ka ki ke ko rze zie"""
    )
    | {""},
    "de": word_set("e en er es n s em ern ung ungen t te st ten") | {""},
}

LANGUAGES = tuple(STOP_WORDS)


def fold(text: str) -> str:
    """Return the text in lower case without accents (ł, ß and ø too) or apostrophes, at most 2,000 code points in."""
    decomposed = unicodedata.normalize("NFKD", text[:MAX_TEXT].casefold())
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark)).translate(_UNFOLDED)


def words(text: str) -> tuple[str, ...]:
    """Return the folded words in their order; what is neither letter nor digit parts them."""
    return tuple(_WORD.findall(fold(text)))


def inflected(one: str, other: str, language: str) -> bool:
    """Tell whether two folded words are forms of one: a common beginning of three letters or more, known endings."""
    common = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        common += 1
    least = 3 if language == "pl" else 4
    endings = ENDINGS[language]
    cuts = range(common, max(least, common - 2) - 1, -1)
    return any(one[cut:] in endings and other[cut:] in endings for cut in cuts)
