"""Words of everyday: a question may hold them whatever it is about, so one that nobody taught is no sign of a foreign one.

Verbs that take any object, adjectives, times, quantities, people. Nouns and verbs that are a subject by themselves
("rent", "cook", "ticket") are none. Basic forms are enough: an inflected one counts too.
"""

from __future__ import annotations

from functools import cache

from shared.domain.words import inflected, spelt, word_set

_BUCKET = 3  # letters that two forms of one word always share

EVERYDAY = {
    "en": word_set(
        """absolute accurate active actual add adult advance afraid afternoon agree aim allow alright always amount
        anymore anytime appreciate approximate april arrive assist assume attend august autumn average avoid aware
        awesome awful bad basic beautiful become before begin believe belong beyond bit boss both bother boyfriend brand
        brief brilliant bring brother busy button call care careful certain chance change check child choose christmas
        clear click client close colleague come comfortable common compare complete complicated confirm confused
        consider continue convenient cool correct couple create curious customer dad date daughter day deal december
        definite depend detail different difficult discuss discussion doable dont double down drop due early easter
        easily easy effort eight elderly else end ensure entire equal especially essential evening event eventual
        everyday excellent except excited expect expectation explain extra fact fair family fantastic far fast father
        favourite favorite february feel fill final first fit five flexible follow forget form former
        forward four free frequent fresh friday friend friendly full fun future general girlfriend glad go grandma
        grandmother grandpa great guest guy half handle happen happy hard hear heard high hold holiday hope huge human
        hundred husband idea ideal imagine immediate important impossible inform inquire enquire intend interest
        interested involve issue january job join july june keep key kid kids kindly lady large last late lately
        learn leave left level life light like limited list listen live local long look lose lovely low lunch main
        major man manage march matter maximum may mean mention message middle midday mine minimum minor miss mistake
        modern moment monday month morning mother mum mom move name near necessary need neighbour new nice nine
        noon normal nothing notice november number october odd offer often open option order ordinary
        original otherwise own parents part particular partner pass people perfect period person personal place plan
        plain please pleased plus point pop popular positive possibility potential practical precise prefer
        prepare present pretty previous private probable problem process prompt proper purpose quality question
        quick quiet random range reach read reason receive recent recommend regular relevant remain remember reply
        request require requirement respond response rest result right rough run rush saturday save search second
        seem september serious seven several short shortly similar simple single sister sit situation six size slight
        slow small smooth solution solve son sound special specific spouse spring staff stage stand standard start
        state stay step still stop straight strange stuff subject suggest suitable suit summer sunday super sure
        surprise swap switch teenager ten terrible test three thursday tight tiny top total tough toward trouble true
        trust tuesday turn two type understand unfortunate unsure update urgent use useful user usual value visitor
        wait walk wednesday week weekday weird wife winter woman wonderful word work worry worse worth wrong year
        yesterday young met made done gone got taken given seen told went came knew thought left kept sent"""
    ),
    "pl": word_set(
        """akceptowac aktualny aktualnie babcia babci bac bardziej blad bliski brac brakuje brat calosc caly caly czekac
        cel chetny chlopak chociazby chwila ciekawy ciezki ciezko corka czas czasem czerwiec czerwca czesc czesto
        czestszy cztery czterech czwartek czlowiek daleki dany data daty dawno dawna dawny decyzja dlugi dobrac dodatkowy
        dogodny dojsc doklada dopytac dorosly doslownie dostac dostepny dotyczyc dowolny dotad drobny drugi duzo dwa
        dwie dwoje dziadek dziala dziecko dzieci dzieckiem dzieciak dziekujemy dziewczyna dziesiec dziwny dzwonic ewentualny
        fajny faktyczny gdyby glowny godzina gorzej goscie gotowy grudzien grudnia grupa ilosc indywidualny informacja
        inaczej istnieje istotny jakosc jeden jedna jedno jedynie jesien kazda klient klienta kobieta kochac kolega
        kolejny kolezanka koniec koniecznie konczyc skonczyc konkretny korzystac krotki krotko kwiecien kwietnia kwestia
        latwo latwy lato lepiej lepszy liczba lipiec lipca listopad listopada luty lutego ludzie ludzi ladny maksymalny
        maly mama maz meza mezczyzna mieszkac mily minimalny mlody moment myslec nagle najlepszy najblizszy najmniej
        najpierw najwczesniej najbardziej napisac narazie natychmiast nazwa nazywac niedawno niedlugo niektory
        niestety nieznany normalny nowy nowych numer obecny obawiac obejrzec oczekiwac oczywiscie odpowiedz
        odpowiedni ogolny ogromny ojciec okazja okazac okres okreslony opcja opcje ostatni osiem osobisty
        osobny oznacza pamietac para parze partner pazdziernik pazdziernika pelny pewny piaty piec pierwszy
        pilny pisac planowac plus pogadac pojsc pokazac polecic pomagac pomoc pomozecie popoludnie popoludniu poludnie
        poludniu porownac porada postac potrzebny potrzebowac powiedziec powinien powod pozny poziom poznac pracownik
        prawda prawdziwy prawdopodobnie problem proponowac propozycja prosty prosto przeciez przed
        przedtem przejsc przeszkadzac przyjaciel przyjechac przyjsc przyklad przypadek przyszlosc przyszly pytac ranek
        rano razem realny rodzaj rodzice rodzina rok rozny rozumiec rozwazac rozwiazanie rzecz samodzielny
        sensowny siedem siostra skad skomplikowany slyszec sierpien sierpnia sobota specjalny spokojny sprawa sprawdzic
        standardowy stan starac staly stanowi strona stycznia styczen super swieto swieta synek syn sytuacja
        szczegol szczegolny szef szesc szukac szybki srednio sroda sredni swietny tata tani temat teraz teraz tydzien
        trudny trwac trzy troje typ tylko uczciwy udac upewnic uprzejmie uwazac uwaga uzyc wakacje wartosc
        warunek wazny wczesny wczesniej wersja wiek wiele wieczor wieczorem wielki wiosna wlasny wnuk wolny wpasc
        wplyw wrzesien wrzesnia wspolny wspomniec wszedzie wybor wyboru wybrac wygladac wygodny wyjasnic
        wymagac wynik wypadlo wystarczyc wysoki wlasciwy zaczac zajac zajmowac zakonczyc zakonczeniu zalatwic zalezec
        zastac zastanawiac zapomniec zasada zdazyc zdanie zdecydowac zima zly zmiana zmieniac znac znaczy znajomy znany
        znalezc zobaczyc zostawac zostac zona zony zwykly zwyczajny zdecydowanie zyc zycie"""
    ),
    "de": word_set(
        """abend abends abschliessen absolut abwarten achten acht aktuell allein allgemein alternative
        andern andere angenehm angst ansehen anders antwort antworten april auch auflisten aufpassen aufhoren august
        ausserdem ausnahme aussehen baby bedeuten bedarf beginn begrenzt bekannt bekommen benotigen bereit bescheid
        besonders besser beste bestatigen bestimmt bestimmte bevor bevorzugen bisher bisschen bleiben  brauchen bringen
        bruder chance danach dauernd daten datum details deutlich dezember dienstag ding dinge donnerstag doppelt drei
        dringend dritte durchschnittlich dumm durchaus echt egal ehrlich eigentlich eigen eilig einfach einige einmal
        einzeln eltern ende enden endlich entscheiden entscheidung enttauscht erfahren erinnern erklaren erlauben erledigen
        ernst erreichen erst erster erwachsene erwarten erzahlen etwa extra familie fast februar fehlen feste
        fest finden flexibel folgen folgende form frau freitag freuen freund freundin freundlich fruh fruher fruhestens
        fruhling fuhlen funktionieren fur funf ganze geben gefallen gehoren gemeinsam genau genug gering geschehen
        gewohnlich gewiss glauben gleich glucklich grob gross grossmutter grund gultig gunstig gut halb halbe
        halten handeln haufig haupt heissen helfen herr herbst hilfe hoch hoffen hoffentlich horen hundert idee ideal info
        informieren insgesamt irgend jahr januar jetzt jemals juli jung jungs juni kind kinder klappen klar klein komisch
        kompliziert komplett konkret konnen  kollege kommen kummern kunde kurz kurzfristig lang langsam lassen laufen
        leicht leider leute letzte lieb lieben lieber lustig machbar macht maximal mai mann mama marz mehrere meinen
        meist menge mensch merken minimal minute mindestens mit mitbringen mitte mittag mittwoch modern moglich moment
        monat montag morgens mutter nachher nachmittag nachmittags nachricht nachste nachtraglich naher name namlich
        nennen nett neu neun neulich niedrig normal normalerweise notig notwendig november nummer nutzen offen oft
        oktober oma opa ordnung ort ostern paar papa partner passen passiert passieren person personlich plan planen platz
        plotzlich praktisch prima privat problem prufen punkt qualitat richtig ruhig rund sache sachen samstag
        sagen schade schaffen schatzen schauen scheinen schicken schlecht schlimm schnell schon schonmal schreiben
        schwer schwester schwierig sechs sehen seite selber selten senden september sicher sieben sinnvoll situation
        sofort sohn sommer sonntag sonst spater speziell spontan stehen stelle stellen stimmen stress suchen super
        tatsachlich teil tochter toll total treffen typ typisch uberhaupt uberlegen uberzeugen ubliche ublich ubrig
        umstandlich unbedingt ungefahr ungunstig uhr unterschied unterstutzen vater verfugbar vergessen vergleich
        verlieren verlauf verschieden verstehen versuchen viel vier vielleicht vollig voll voran voraussichtlich vorher
        vorschlag vorschlagen vorstellen wahlen wahr wahrscheinlich warten wechseln weihnachten weit weiter welch
        wenig wert wichtig wieviel winter wirken wissen woche wochenende wochentag wort wunsch wunschen wunderbar zahl
        zehn zeigen zeit zentral ziel ziemlich zufallig zufrieden zukunft zumindest zusammen zusatzlich zustandig zwei
        zweite zwingend sieht aussieht fallt halt vergisst sitzt sitzen wusste gesehen genommen gemacht getan sein gewesen haltet"""
    ),
}


def is_everyday(word: str, language: str) -> bool:
    """Tell whether a folded word is one of everyday, a form of one, or a number."""
    if word.isdigit():
        return True
    return any(word == other or inflected(word, other, language) for other in _buckets(language).get(word[:_BUCKET], ()))


@cache
def _buckets(language: str) -> dict[str, list[str]]:
    buckets: dict[str, list[str]] = {}
    for each in EVERYDAY[language]:
        word = spelt(each, language)
        buckets.setdefault(word[:_BUCKET], []).append(word)
    return buckets
