"""Words of everyday: any question may hold them, so one that nobody taught is no sign of a foreign question.

Verbs that take any object, adjectives, times, quantities, people. Nouns and verbs that are a subject by themselves
("rent", "cook", "ticket") are none. Basic forms are enough: an inflected one counts too.
"""

from __future__ import annotations

from functools import cache

from shared.domain.words import inflected, spelt, word_set

_BUCKET = 3  # letters that two forms of one word always share

EVERYDAY = {
    "en": word_set(
        """absolute accept accurate achieve active actual add adjust admire adult advance advice advise affect afraid
        afternoon agree ahead aim allow alright alternative always amount announce anyhow anymore anytime appear
        apply appreciate approach approve approximate april argue arrangement arrive aside ask assign assist assume
        assure attempt attend attractive august automatic autumn avail average avoid aware awesome awful bad base
        basic beautiful become before begin beginning believe belong belongs benefit beyond bigger bit blame both
        bother bound boyfriend breathe brief brilliant bring broad brother brought bunch busy calculate call calm
        came capable care careful carries carry cause center certain chance change charming check child choose
        christmas classic classy clear clever click client close closer colleague colourful combine come comfortable
        comment commit common communicate compact compare complete complicated concern condition confirm confused
        consider continue convenient convince cool cope correct cosy couple create critical curious customer dad
        daily dare daughter day deal december definite depend describe deserve desire detail determine different
        difficult direct disappoint discuss discussion divide doable done dont double doubt down dozen drop due
        earlier early easily easter easy efficient effort eight elegant else email empty enable encourage end ending
        enjoy enquire ensure enter entire equal especially essential evaluate evening event eventual everyday
        excellent except excited exclusive exist expect expectation explain explore expose express extend extra
        extreme face fact factor fail fair false familiar family fancy fantastic far fast father favour february feel
        fewer figure fill final first fit five flexible follow forget former forth fortune forward found four free
        frequent fresh friday friend friendly full future gather general genuine girlfriend given glad go goal gone
        got grandma grandmother grandpa grateful great greatly guest guide guy half handle happen happy hard hear
        heard held hesitate hide high hold holiday honest hope hour huge hundred hurry husband idea ideal imagine
        immediate impact important impossible impress improve include increase indeed influence inform initial
        inquire insist instance instead instruct intend interest interested involve issue january join judge july
        june keep kept key kid kids kindly knew lack lady large last late lately learn leave left level life light
        like limited list listen live locate long look lots lovely low luxury mad made main major man manage manner
        mark massive matter maximum may mean meantime mention message met method midday middle mine minimum minor
        miss mistake modern modify mom moment monday month morning mother move mum name near nearby nearer nearest
        neat necessary need negative negotiate neighbour new newest nice nine noon normal nothing november nowadays
        number object observe obtain occasion occur october odd offer official often older oldest ongoing open
        operate opinion opportunity option ordinary organise organize original otherwise outline overall overview
        overwhelm own pair parents part particular partner pass people perfect perform period permanent person
        personal phrase pick piece place plain plan pleasant please pleased pleasure plenty plus point polite poor
        popular portion position positive possibility potential practical precise prefer prepare present pressure
        pretty prevent previous principle priority private probable problem procedure process professional progress
        promise prompt proof proper propose protect protection prove pull purpose push put quality question quick
        quiet random range rapid reach react read readily realise reality reason recall receive recent recognise
        reduce reflect refuse regard regret regular reject relate relax relevant reliable rely remain remark remember
        repeat reply represent reputation request require requirement resolve respect respond response responsible
        rest result reveal right risk role rough routine rush sake satisfaction satisfy saturday save scale scenario
        second secure seem seen select send sends sensible sent separate september serious seven several severe shame
        shape share sharp shift shock short shortly sign signature signed signing similar simple simply single sister
        sit situation six size slight slow small smaller smart smooth solution solve somewhat son soonest sorry sort
        sound spare special specific speed spend spot spouse spread spring stable staff stage stand standard standing
        start state stay step still stop straight strange stress strict strong structure struggle stuff subject
        succeed success sudden sufficient suggest suit suitable summer sunday super supposed sure surely surprise
        surround survive suspect swap taken target taste technical ten tend term terrible thorough thought three
        thursday tight tiny told top total touch tough toward trace transform trend trouble true trust trusted try
        tuesday turn two type ultimate unable uncertain understand unfortunate unique unite unsure unusual upcoming
        update urgent use used useful user uses usual valid value variety view visitor vital voluntary wait walk weak
        wednesday week weekday weird welcome went whatsoever wife willing winter wise woman wonder wonderful word
        work worry worse worth wrong year yesterday young younger yourselves"""
    ),
    "pl": word_set(
        """absolutnie adresat akceptowac akceptujecie aktualnie aktualnosc aktualny ambitny autentyczny automatycznie
        babci babcia bardziej bezpieczny bezposredni bezproblemowo blad bliski blizej blyskawicznie bogaty brac
        brakuje brat brzmi brzydki bylibyscie byliscie bywac calkowity calosc caly cel chcac chcecie chcial chciala
        chcieli chcielibyscie chetny chlopak chociazby chodzic chwila chwilowo ciagle cichy ciekawy ciemny cieply
        cieszyc ciezki ciezko codziennie corka cos czas czasem czekac czerwca czerwiec czesc czesciowo czesto
        czestszy czlowiek czterech cztery czwartek czynnosc czysty daleki dalszy dany darmo data daty dawna dawno
        dawny dbac decydowac decyzja delikatny denerwowac dlugi dlugosc dobrac dodac dodatkowo dodatkowy dogodny
        dojsc doklada dokonac dopytac doradzic dorosly dorzucic doslownie dostac dostepny doswiadczyc dotad
        dotychczas dotyczyc dowiedziec dowolny drobny drugi duzo dwa dwaj dwie dwoch dwoje dziadek dzieci dzieciak
        dzieckiem dziecko dziekujemy dziesiec dziesieciu dziewczyna dziwnie dziwny dzwonic elegancki ewentualnie
        ewentualny fajny faktyczny funkcjonowac gdyby glosno glowny glupi godzina gorszy gorzej goscie gotow gotowy
        grudnia grudzien grupa gustowny idealny ile ilosc inaczej indywidualnie indywidualny informacja informowac
        inny intensywny interes istniec istnieje istotny jakosc jasny jeden jedna jedno jedynie jesien jutrzejszy
        kazda kazde klasyczny klient klienta klopot kobieta kolega kolejny kolezanka komfortowy kompleksowy komplet
        konczyc koniec koniecznie konieczny konkretny kontynuowac korzystac kreatywny krok krotki krotko krotszy
        kwestia kwiecien kwietnia lacznie ladny latwo latwy lepiej lepszy liczba liczyc lipca lipiec listopad
        listopada lokalny lubic lutego luty maksymalny maly mama martwic maz meza mezczyzna mialo mialoby mieliscie
        mieszany mieszkac mile mily minac minelo minimalny mlodszy mlody mniejszy moc mocny moglibysmy moment
        mozliwie nacisk nadac nadzieja nadzieje nagle najbardziej najblizej najblizszy najlepiej najlepszy najmniej
        najmniejszy najnowszy najpierw najpozniej najstarszy najszybciej najtaniej najwczesniej najwiekszy narazie
        naturalny natychmiast nazywac negatywny niedaleko niedawno niedlugo nieduzy niektory nieopodal nierealny
        niestety niewielki nieznany niski nizszy normalny nowoczesny nowy nowych nudny obawiac obecny obejrzec
        obiecac obiektywny obok ocenic oczekiwac oczekiwanie oczywiscie odbierac odbywa odebrac odkad odnosnie
        odpisac odpowiadac odpowiedni odpowiedz odrzucic oferowac ogladac ogolnie ogolny ograniczyc ogromny ojciec
        okazac okazja okres okreslony okropny opcja opcje oryginalny osiagnac osiem osobisty osobny ostateczny
        ostatni ostroznie otrzymac otrzymam oznacza pamietac para partner parze pazdziernik pazdziernika pelny
        pewnosc pewny piaty piec pieciu pieknie piekny pierwszy pierwszych pilny planowac plus poblizu poczatek
        poczatkowy poczekac podac podejsc podeslac podeslij podeslijcie podjac podobac podobny podpisac podpisanie
        podstawa podziekowac podzielic pogadac pojawic pojedynczy pojsc pokazac polaczyc poludnie poludniu pomagac
        pomoc pomozecie pomysl pomyslec ponownie popoludnie popoludniu poprawic poprosic poprzedni porada poradzic
        porownac poslugiwac posluguje poslugujecie postac postarac potrafic potrzebny potrzebowac potwierdzic powazny
        powiedz powiedziec powinien powod powrot powrotem poziom poznac pozniejszy pozny pozostac pozwolic pozytywny
        pracownik praktyczny prawda prawdopodobnie prawdziwy prawidlowy proba problem probowac proces profesjonalny
        proponowac propozycja propozycje prosto prosty przeciez przed przedtem przejsc przekazac przekonac
        przeprowadzic przesadzac przeslac przeszkadzac przewidziec przyblizony przydac przygotowac przyjac przyjaciel
        przyjada przyjazny przyjechac przyjedziecie przyjemnosc przyjemny przyjezdzac przyjsc przyklad przykro
        przypadek przypomniec przyszlosc przyszly przywiezc przyznac publiczny pusty pytac rachuba radzic ranek rano
        razem realny regularny reszta robia rodzaj rodzice rodzina rok rownie rozmiar rozmyslic rozny rozpatrzyc
        rozsadny rozumiec rozwazac rozwiazanie rozwinac ruch ryzyko rzadko rzecz rzetelny samodzielny samotny scisly
        sensowny siedem sierpien sierpnia silny skad skomplikowany skonczyc skorzystac skuteczny skutek slaby sluzyc
        sobota solidny specjalny spelnic spieszyc spodziewac spoko spokojny sposob spoza sprawa sprawdzic sprawny
        sprobowac sredni srednio sroda srodek staly stan standardowy stanowi starac staranny starczyc starszy strona
        styczen stycznia super swieta swietnie swietny swieto syn synek sytuacja szansa szczegol szczegolny szczery
        szczesliwy szeroki szesc szesciu szkoda szukac szybki tani tata techniczny temat teraz towarzyszyc tradycyjny
        traktowac troje trudny trwac trzech trzej trzy trzymac twierdzic tydzien tylko typ tysiac tysiace tysiecy
        ubiegly uczciwie uczciwy udac udostepnic ufac umozliwic unikac uniknac upewnic uprzejmie ustalenie uwaga
        uwazac uwielbiac uzyc uzywac uzywacie wakacje wartosc warunek watpic wazny wczesniej wczesniejszy wczesny
        wersja wersje wiadomo wiadomosc widok widziane widziec wieczor wieczorem wiek wiekszy wiele wielki wierzyc
        wlaczyc wlasciwy wlasny wniosek wnuk wojewodztwo wolno wolny wpasc wplynac wplyw wprowadzic wracac wrazenie
        wrocic wrzesien wrzesnia wskazac wspanialy wspierac wspolny wspolpraca wspomniec wstepnie wstepny wszedzie
        wybor wyboru wybrac wygladac wygodny wyjasnic wyjatkowy wyjsc wymagac wymienic wynik wyobrazic wypadlo
        wyrazic wyslac wyslijcie wysoka wysoki wysokie wystarczyc wyzej wzgledem wziac zachwycic zaczac zadac zadanie
        zadbac zadowolony zainteresowany zajac zajmowac zakladac zakonczeniu zakonczyc zalatwic zalezec zalezy
        zamiast zamierzac zaniepokoic zapewnic zaplanowac zapomniec zaproponowac zaprosic zareagowac zasada zastac
        zastanawiac zaufanie zawiesc zawsze zdazyc zdecydowac zdecydowanie zechce zgodny zgodzic zlecic zly zmartwic
        zmienic zmienie znac znaczy znajomy znalezc znany zobaczyc zona zony zostac zostawac zrobia zrobic zrobicie
        zrozumiec zwlekac zwyczajny zwykle zwykly"""
    ),
    "de": word_set(
        """abend abends abhangig abholen ablauf ablaufen ablehnen absicht absolut abwarten acht achten achtung ahnlich
        aktiv aktuell akut akzeptieren allein allgemein alter altere alternative altmodisch anbieten andauern andere
        andern andernfalls anders angeben angebracht angemessen angenehm angst anhoren ankommen ankundigen anlass
        annehmen anpassen anschauen ansehen ansprechen anstatt anstrengend antun antwort antworten anwenden anwesend
        anzahl april arg arm art auch aufbauen aufgabe aufhalten aufhoren auflisten aufmerksam aufnehmen aufpassen
        aufregend aufteilen aufwand aufwendig august ausdrucken ausfallen ausgebucht ausgehen ausgelastet auskennen
        ausnahme ausprobieren ausreichen ausreichend aussehen ausser ausserdem aussieht austauschen auswirken
        automatisch baby baldmoglichst beachten beantworten bedanken bedarf bedeuten bedienen bedingung bedingungen
        beeilen beeindrucken befriedigend begeistert beginn begleiten begrenzt begrunden begrussen behandeln
        behaupten bekannt bekannte bekommen belastbar bemerken bemuhen benotigen benutzen benutzt bequem berechtigt
        bereit bereits berichten berucksichtigen beruhigen beschaftigen bescheid bescheiden beschliessen beschreiben
        besitzen besonders besorgt besser bestatigen beste bestehen bestimmt bestimmte bestmoglich beteiligen
        betrachten betreffen bevor bevorzugen bevorzugt beweisen bezweifeln bieten bisher bisschen bitten bleiben
        blick bloss brauchen breit bringen bruder bunt chance chaotisch charmant dahin danach dankbar datum dauerhaft
        dauernd denken details deutlich dezember dienen dienstag ding dinge donnerstag doppelt dran drauf drei dreien
        dringend dritte dumm dunkel durchaus durchfuhren durchlesen durchschnittlich durften echt edel effektiv
        effizient egal ehemalig ehesten ehrlich eigen eigentlich eignen eilig einbringen eindruck einfach einfallen
        einfluss einhalten einige einladen einmal einmalig einsetzen eintragen einverstanden einzeln einzig elegant
        eltern empfangen empfinden ende enden endlich eng entgegen enthusiastisch entlang entscheiden entscheidung
        entspannt entsprechen entstehen enttauscht entwickeln erfahren erfolg erfolgen erfolgreich erfullen ergeben
        ergebnis erhalten erhoffen erholen erinnern erkennen erkundigen erlauben erlebnis erledigen erleichtern
        ermitteln ermoglichen ernst ernsthaft erreichen erscheinen ersetzen erst erstaunlich erstellen erster
        erwachsene erwahnen erwarten erwunscht erzahlen etwa eventuell exakt exklusiv extra fair faktisch fallt
        falsch familiar familie farblich fassen fast februar fertig fest finden flexibel folgen folgende fordern form
        formulieren fortschritt fortsetzen frau freitag freiwillig fremd freuen freund freundin freundlich frisch
        froh fruh fruher fruhestens fruhling frustriert fuhlen fuhren fullen funf funktionieren fur furchtbar gabs
        ganze garnicht geben gebrauchen gedanke gedanken geeignet gefallen gefuhl gegenseitig geheim gehoren
        gelegenheit gelingen gelten gemacht gemeinsam gemutlich genau genial geniessen genommen genug genugend
        geplant gerecht gering gesamt gesamte geschehen geschickt geschmack geschutzt gesehen getan gewesen gewiss
        gewohnlich gewohnt ginge gingen glatt glauben gleich glucklich grob gross grosser grossmutter grosszugig
        grund grundsatzlich gultig gunstig gut halb halbe halt halten haltet handeln handlich hangen harmonisch hart
        hasslich hattet haufig haupt hektisch helfen hell herausfinden herbst herr hervorragend hilfe hindern hinweis
        hinweisen hoch hochwertig hoffen hoffentlich hoher horen hubsch hundert ideal idee individuell info
        informieren innerhalb innovativ insgesamt intensiv interessant irgend irre jahr jahresende jahrlich januar
        jemals jetzt juli jung jungen jungs juni kaum kennen kind kinder klappen klar klassisch klein klug kollege
        komisch kommen kommend komplett komplex kompliziert konkret konnen konntest konzept korrekt kreativ kriterium
        kritisch kummern kunde kurz kurzfristig lang langfristig langsam langweilig laufen laut lebendig ledig leer
        leicht leider leise letzte letztlich leute lieb lieber liebsten liegen lust luxurios machbar macht mai mama
        mann marz maximal mehrere meinen meist menge mengen mensch merken merkwurdig methode mindestens minimal
        minute mit mitbringen mittag mitte mitteilen mittlerweile mittwoch modern modisch moglich moglichst moment
        monat montag morgens motiviert mutig mutter nachdenken nachfragen nachher nachmittag nachmittags nachricht
        nachste nachster nachstgelegen nachtraglich nachvollziehen nah nahe naher name namlich naturlich negativ
        nenne nennen nennt nervos nett neu neugierig neulich neun niedrig normal normalerweise notig notwendig
        november nutzen nutzlich nutzt oberflachlich objektiv offen offenbar offentlich offiziell oft oktober oma opa
        optimal optisch ordentlich ordnung organisieren orientieren original ostern paar papa partner passen
        passieren passiert perfekt person personlich plan planen plotzlich positiv praktikabel praktisch prasentieren
        prima privat problem professionell profitieren prozess prufen punkt qualitat qualitativ radikal rasch raten
        reagieren real realisieren realistisch rechtzeitig regel regelmassig regeln reich reichen reihe relativ
        relevant respekt richtig riesig risiko rolle ruckmeldung ruhe ruhig rund sache sachen sagen sammeln samstag
        sauber schade schaffen scharf schatzen scheinen schicken schickt schlau schlecht schlicht schlimm schnell
        schneller schon schonmal schriftlich schuld schutz schutzen schwach schwer schwester schwierig sechs sehen
        sein seite selber selbstandig selbstverstandlich selten seltener seltsam senden sendet september serios
        setzen setzt sicher sieben sieht sinn sinnvoll situation sitzen sitzt sofort sohn solide sommer sonntag sonst
        sorgen sorgfaltig spannend sparen spass spater speziell spontan stabil standig stark statt stattfinden stehen
        steigen steigern stelle stellen still stolz storen streng stress super tagsuber tatsachlich teil teilen
        teilnehmen tendenziell thema tochter toll total traditionell treffen trennen treu typ typisch uberblick
        uberfordert uberhaupt uberlassen uberlege uberlegen uberraschen uberzeugen uberzeugend ublich ubliche ubrig
        uhr umgehen umgekehrt umstand umstandlich unangenehm unbedingt unbekannt uneinig ungefahr ungunstig unklar
        unmoglich unsicher unterschied unterschiedlich unterschreiben unterschrieben unterschrift unterstutzen
        untersuchen unzufrieden ursprunglich vage variieren vater verandern veranderung verbessern verbieten
        verbringen vereinfachen verfassen verfolgen verfugbar vergessen vergisst vergleich verhalten verhindern
        verkehrt verlangern verlassen verlasslich vermeiden vermuten vernunftig veroffentlichen verraten verschieden
        verschlechtern versprechen verstandlich verstehen versuchen vertrauen vertreten verwechseln verwenden
        verwendet verwirrt verzichten viel vielleicht vier voll vollig vollstandig voran voraussetzen voraussetzung
        voraussichtlich vorbehalten vorbereiten vorgehen vorhaben vorhanden vorher vorkommen vorlegen vorliegen vorne
        vorschlag vorschlagen vorschreiben vorsicht vorstellen vorteil vorziehen wachsen wahlen wahlweise wahr
        wahrscheinlich waret warm warten wechseln wegfallen weihnachten weit weiter weiterfuhren weiterhelfen
        weitermachen weitgehend welch wenig wert wichtig wieviel willkommen winter wirken wirklichkeit wissen woche
        wochenende wochentag wohnlich wunder wunderbar wunsch wunschen wurdig wusste wusstet wutend zahl zahlreich
        zehn zeigen zeigt zeit zeitlich zeitlos zeitnah zentral ziel ziemlich zogern zufallig zufrieden zugreifen
        zukunft zulassen zulassig zumindest zurechtkommen zusagen zusammen zusammenarbeiten zusammenhang
        zusammensetzen zusatzlich zuschicken zustand zustandig zustimmen zuverlassig zuvor zweck zwei zweifel zweite
        zwingend"""
    ),
}

# Of these, when something is: it changes no subject.
TIMES = {
    "en": word_set(
        """monday tuesday wednesday thursday friday saturday sunday weekday weekend week month year morning noon
        afternoon evening night midday january february march april june july august september october november
        december spring summer autumn winter easter christmas holiday soon early late later minute moment"""
    ),
    "pl": word_set(
        """poniedzialek wtorek sroda czwartek piatek sobota niedziela weekend tydzien tygodniu miesiac rok rano
        ranek poludniu popoludniu popoludnie wieczor wieczorem noc styczen luty marzec marcu kwiecien maj
        czerwiec lipiec sierpien wrzesien pazdziernik listopad grudzien wiosna lato jesien zima swieta wkrotce
        wczesniej pozniej chwila"""
    ),
    "de": word_set(
        """montag dienstag mittwoch donnerstag freitag samstag sonntag wochenende woche monat jahr morgens
        vormittag mittag nachmittag abend abends nacht januar februar marz april mai juni juli august september
        oktober november dezember fruhling sommer herbst winter ostern weihnachten feiertag bald fruh spat
        spater minute moment"""
    ),
}


def is_time(word: str, language: str) -> bool:
    """Tell whether a folded word says when something is, or is a number."""
    near = (other for other in TIMES[language] if other[:_BUCKET] == word[:_BUCKET])
    return word.isdigit() or any(word == other or inflected(word, other, language) for other in near)


def is_everyday(word: str, language: str) -> bool:
    """Tell whether a folded word is one of everyday, a form of one, or a number."""
    if word.isdigit():
        return True
    return any(
        word == other or inflected(word, other, language) for other in _buckets(language).get(word[:_BUCKET], ())
    )


@cache
def _buckets(language: str) -> dict[str, list[str]]:
    buckets: dict[str, list[str]] = {}
    for each in EVERYDAY[language]:
        word = spelt(each, language)
        buckets.setdefault(word[:_BUCKET], []).append(word)
    return buckets
