"""Words as the matcher sees them: folded, cut, and known to be common or not, in the languages Bellhop knows."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 2_000  # code points; the longest message `chat` takes, and a bound on the work for any other

_WORD = re.compile(r"[^\W_]+")
_COMPOSED = zip("ąćęńóśźżäöü", "acenoszzaou", strict=True)  # as decomposing would, at a tenth of its time
_UNFOLDED: dict[int, str | None] = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "'": None, "\u2019": None, "`": None, **dict(_COMPOSED)}
)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text that is a list of them."""
    return frozenset(text.split())


STOP_WORDS = {
    "en": word_set(
        """a able about above across actually after again against ahead all almost alone along already also although
        always am among an and any anybody anyone anything anyway anywhere are arent around as ask at away basically
        be because been before behind being below besides best better between both btw but by came can cannot cant
        case could couldnt current currently dear definitely did different directly do does doesnt doing dont during
        each either else enough even ever every everybody everyone everything everywhere exact exactly example few
        fine folks for found from further generally get give given go going good got great guys had happen has have
        havent having hed hello help here hers herself hey hi his hiya hmm hopefully how however hows i id if ill im
        in info information instead into is isnt it itll its ive just kind kindly know later least less let lets
        like little look looking lot love madam made many maybe me mean might mind mine moment more most my myself
        nearly need neither never next nice no none nope nor not nothing now obviously of off oh ok okay okey on
        once one ones only onto or others otherwise our ours ourselves out over perhaps planning please pls plz
        possible possibly probably problem provide put question quick quickly quite rather ready really regarding
        regards right roughly s same say see seem several shall she shed should shouldnt show simply since sir so
        some somebody someone something sometimes somewhere sort still such suppose sure tell than thank thanks that
        thats the their them then there theres they theyd theyre thing things think this those though through thru
        till to today together tomorrow tonight too truly try trying typically u under understand unless until up
        upon ur us using usual usually various very via want wanted was way ways we wed well were weve what whatever
        whats whenever wherever whether which while whole whom whos whose why will wish with within
        without wonder wondering wont would wouldnt ya yeah yep yes yesterday yet you your youre yours yourself
        she he hes shes him himself herself themselves
        youve weve theyve ive id ill youll well theyll itll wholl whod whove whatll must aint dont wasnt werent hadnt
        hasnt mustnt thatd itd gonna gotta wanna cos coz yall"""
    ),
    "pl": word_set(
        """a aby albo albowiem ale ani az badz bardzo beda bede bedzie bedziecie bedziemy bez bo by byc byl byla bylaby
        bylby byli bylo byloby bym calkiem chca chce chcemy chcesz chcialabym chcialbym chcielibysmy chetnie choc
        chociaz chodzi chyba ci cie ciebie co cokolwiek cos czasami czasem czegos czesc czy czyli czym da dac dacie
        daje dajecie dalej dla dlaczego dlatego do dobra dobre dobrego dobry dokladnie dokladny dopiero dosc
        dowiedziec drodzy dziekuje dzien dzis dzisiaj gdy gdyby gdzies go hej i ich im informacje inna inne innego
        innej inny innych innym innymi interesuja interesuje ja jak jaka jakas jaki jakich jakie jakiegos jakiej
        jakies jakim jakimi jakims jakis jako jakos je jednak jego jej jesli jest jestem jestescie jestesmy jeszcze
        jezeli jutro juz kazdy kiedys kogos komus ktora ktore ktorego ktorej ktory ktorych ktorym ktorymi ktorzy
        ktos lub ma macie maja malo mam mamy mi mialabym mialbym miedzy mna mnie mniej mniejwiecej moga
        moge moglabym moglabys moglbym moglbys mogliby moglibyscie moglibysmy moich moim moj moja moje mojego mojej
        moze mozecie mozemy mozesz mozliwa mozliwe mozliwosc mozna musze my na nad nadal nalezy nam nami naprawde
        nas nasz nasza nasze naszego naszej naszych naszym nia nic nich nie niech niego niej nigdy nikt nim nimi niz
        no o od ok okolo on ona oni oraz orientacyjnie pan pana pani panstwa panstwo panstwu pewnie po pod podczas
        poniewaz poprosze potem potrzebuje powiedz powiedzcie powiedziec pozdrawiam pozniej prosilabym prosilbym
        prosze przez przy pytam pytanie raczej rowniez sa sam sama same sami sie skoro soba sobie sprawie swoich
        swoim swoimi swoj swojego swojej ta tak takie takze tam tamta tamten te tego tej temat temu ten teraz tez to
        tobie troche trzeba tu tutaj ty tych tyle tylko tym tymi u w wam wami warto was wasi wasz wasza wasze
        waszego waszej waszych waszym waszymi wczoraj we wiec wiecej wieczor wiedziec witam wlasnie wolalabym
        wolalbym wole wsrod wszyscy wszystkich wszystkie wszystko wtedy wy z za zamierzam zapytac zaraz zatem zawsze
        ze zeby znow miec mialem mialam mielismy bedac byc ona jemu jej nimi mogac moglo moglaby moglby bysmy bym bys
        byscie przeciez przepraszam dobrze okej tzn czyzby gdziekolwiek kimkolwiek kims kim kto kogo komu"""
    ),
    "de": word_set(
        """ab aber alle allen aller alles als also am an andere anderem anderen anderer anderes ans auch auf aus bald
        bei beim bekomme bekommen bekommt bezuglich bieten bietet bin bis bitte bloss brauche brauchen braucht bzw
        ca circa da dabei dafur dahin damit danach danke dann daran darauf darf daruber das dass davon dazu dein
        deine deinen deiner dem den denn der des deshalb deswegen die dies diese diesem diesen dieser dieses dir
        direkt doch dort du durch durfen durfte eben eher eigentlich ein eine einem einen einer eines einfach
        entweder er es etwa etwas euch euer eure eurem euren eurer falls frage fragen freundlichen fur furs ubers ums
        ganz gebt
        gegen gehen geht genau gerade gern gerne gestern gib gibt gibts gleich grusse gut gute guten guter gutes hab
        habe haben habt hallo halt hat hatte hatten hattest her heute hey hi hier hin hinter ich ihm ihn ihnen ihr
        ihre ihrem ihren ihrer ihres im immer in ins interesse interessiere interessieren irgendwann irgendwas
        irgendwie irgendwo ist ja je jede jedem jeden jeder jedes jemand jemandem jemanden jetzt kann kannst konnen
        konnt konnte konnten konntet kriege kriegen kurz lasse lassen lasst leider mag mal man manchmal mehr mein
        meine meinem meinen meiner meines mich mir mit mochte mochten mogen moglich moglichkeit morgen muss mussen
        musst musste nach neben nicht nichts niemand nimmt noch nur ob obwohl oder ohne pro rein sag sagen schon
        schonen sehr seid sein seit selbst sich sie sind so solche soll sollen sollt sollte sollten sondern sonst
        sowas sowie spater tag trotzdem tun tut uber ubrigens um und ungefahr uns unser unsere unserem unseren
        unserer unsrer unter vielleicht vom von vor wahrend war ware waren warum was weder wegen weil welche welchem
        welchen welcher welches wem wen weniger wenn werde werden werdet weshalb wessen wie wieder wieso will willst
        wir wird wirklich wissen wofur woher wohin wohl wollen wollt wollte womit worauf worden wurde wurden wurdet
        ziemlich zu zuerst zum zur zwischen wer aufs vors ums hinters durchs beides mussten musste musstet wurds
        gabe gebe machst tust deren dessen denen jene jener ebenso jedoch sobald solange"""
    ),
}

# They shape a question more than they say what it is about: a match on them alone is an accident.
LIGHT_WORDS = {
    "en": word_set(
        """allowed available big bring come day days decide done expect far fast find first hour large live living long
        make minute minutes money month months much often people possible quickly ready small soon speak special
        spend stay suit suits take talk time week when whens where wheres work year years"""
    ),
    "pl": word_set(
        """blisko chwila chwile czas czasu czesto daleko dlugo dni duze duzego duzej duzy gdzie godzin ile iloma kiedy
        ktokolwiek lat lata male malego malej maly miesiac miesiace miesiecy mieszkam mieszkamy minut nastepny
        nastepnym nowe nowego nowej nowy pieniedzy pierwsza pierwszy przyszly przyszlym robi robic robicie rok roku
        szybko trwa tydzien tygodniu znajde"""
    ),
    "de": word_set(
        """erste ersten fertig finde finden findet frei fruh geld gross grosse grossen grosses jahr jahre jahren klein
        kleine kleinen kleines komme kommen kommt lange lauft leben liegt mache machen macht monat monate nachste
        nachsten nehme nehmen nehmt neu neue neuen neues oft schnell stunde stunden tage tagen viel viele vielen
        wann weit wieviel wieviele wo woche wochen wohne wohnen zeit"""
    ),
}

# What may differ at the end of two forms of one word. Lists and not a stemmer: an owner can see why two words met.
ENDINGS = {
    "en": word_set("s es e ed d ing er ers ings ly y ies ment ation ence ance able") | {""},
    "pl": word_set(
        """a y i e u o om ami ach ow owi em ie ego emu ej ym ych ymi im ich imi iem ia iu io c ac ic ec yc uje uja
        ujecie ujemy owac ze cie my sz m am aja amy acie ony ona one ana ane any anie ania eniu enie enia la ly
        li l lo t n na ne ny nej nym nych ce ca cy ek ka ki ke ko rze zie owanie owania owaniu owany owana owane
        owal owala ecie ku kiem kow kach ci cie icie aniem owaniem ienia ieniem ieniu anci antow"""
    )
    | {""},
    "de": word_set("e en er es n s em ern ung ungen t te st ten et etes eten est") | {""},
}

# What a form of a word may begin with besides: aspect in Polish; in German the participle, and what stands apart in
# "rufen Sie an".
BEGINNINGS: dict[str, tuple[str, ...]] = {
    "en": (),
    "pl": ("za", "po", "wy", "na", "w", "z", "s"),
    "de": ("ge", "an", "ab", "auf", "aus", "ein", "mit", "vor", "zuruck"),
}
# Languages that write two words as one, and what stands between them.
LINKS: dict[str, tuple[str, ...]] = {"de": ("", "s", "n", "en", "es", "er", "e")}

LANGUAGES = tuple(STOP_WORDS)


def fold(text: str) -> str:
    """Return the text in lower case without accents (ł, ß and ø too) or apostrophes, at most 2,000 code points in."""
    plain = text[:MAX_TEXT].casefold()
    if plain.isascii():  # most of what is written, and folded many times a message: the same, ten times as fast
        return plain.replace("'", "").replace("`", "")
    decomposed = unicodedata.normalize("NFKD", plain)
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark)).translate(_UNFOLDED)


def words(text: str) -> tuple[str, ...]:
    """Return the folded words in their order; what is neither letter nor digit parts them."""
    return tuple(_WORD.findall(fold(text)))


def has_word(text: str) -> bool:
    """Tell whether there is a letter or a digit in a text."""
    return _WORD.search(text) is not None


def spelt(word: str, language: str) -> str:
    """Return a folded word with its umlauts spelt one way: "kueche" as "kuche", which is what "küche" is folded to."""
    if language != "de" or "e" not in word:
        return word
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def inflected(one: str, other: str, language: str) -> bool:
    """Tell whether two folded words are forms of one: a common beginning of three letters or more, known endings."""
    common = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        common += 1
    least = 4 if language == "en" else 3
    endings = ENDINGS[language]
    cuts = range(common, max(least, common - 2) - 1, -1)
    return any(one[cut:] in endings and other[cut:] in endings for cut in cuts)
