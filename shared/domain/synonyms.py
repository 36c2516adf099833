"""Words that mean much the same to anybody who asks a business something, whatever its trade.

A visitor's word that the knowledge file does not hold is taken for those of its line that the file does hold. What is
special to one trade belongs into the file (``words``). Basic forms are enough: an inflected one counts too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from shared.domain.words import inflected, spelt

_BUCKET = 3  # letters that two forms of one word always share

# A line is a group; a word may stand in several.
GROUPS = {
    "en": """\
price cost charge fee rate tariff pricing quote quotation estimate expensive pricey costly affordable afford cheap
price cost budget afford
quote quotation estimate
open opening opened hours closed shut close
address location located based situated whereabouts directions street district postcode neighbourhood map
directions route map navigate
tram bus metro transport train
appointment meeting visit consultation slot session
book schedule arrange reserve reservation booking
cancel cancellation reschedule postpone
refund reimburse reimbursement
contract agreement
pay payment paid settle paypal visa mastercard wire cheque
deposit prepayment downpayment upfront advance
instalment installment monthly
invoice bill receipt
card visa mastercard debit
transfer wire iban
cash banknotes
guarantee warranty guaranteed warranties
defect fault flaw damage broken complaint complain
complain complaint claim
duration timeline timeframe turnaround deadline timescale lead-time
finish complete completed done ready finished
start begin kick commence
online remote remotely virtual virtually video zoom skype teams webcam internet web facetime
phone telephone call ring dial
person human somebody someone agent representative operator advisor consultant
robot bot chatbot machine
contact reach touch
owner boss founder ceo head runs director
team staff employees crew colleagues
experience experienced background expertise
qualified licensed certified accredited diploma degree
company business firm agency
portfolio gallery showcase
photos pictures images pics photographs
reviews testimonials opinions ratings feedback
instagram insta facebook pinterest
references referrals
english german polish language
parking park garage carpark
car vehicle auto van
lift elevator escalator
stairs steps staircase
wheelchair disabled disability mobility
accessible barrier barrierfree
dog pet puppy animal
children kids child toddler baby pram stroller buggy
discount rebate reduction cheaper
package bundle plan tier option variant
included include contain comprise cover
difference distinction differ
services offer offering
abroad overseas foreign
free complimentary gratis
end terminate cancel
travel commute
""",
    "pl": """\
cena koszt kosztowac kosztuje cennik stawka oplata honorarium wycena wydatek budzet tani drogi drogo tanio kwota taryfa
wycena oferta kosztorys
wydac wydatek przeznaczyc
otwarte otwarcia czynne otwierac
zamkniete zamykac nieczynne
adres lokalizacja siedziba polozenie ulica dzielnica mapa
dojechac dojazd trafic dotrzec
tramwaj autobus komunikacja pociag przystanek
wizyta spotkanie konsultacja
umowic zarezerwowac rezerwacja zapisac ustalic rezerwowac
pomiar zmierzyc obmiar
odwolac anulowac zrezygnowac rezygnacja rezygnowac
przelozyc przesunac przeniesc
odstapic rozwiazac wypowiedziec zerwac
zwrot oddac oddajecie zwracac
zaplacic placic platnosc uregulowac rozliczenie blik visa paypal
zaliczka zadatek przedplata
rata raty ratalnie transza miesiecznie rozlozyc
faktura rachunek paragon
gotowka
karta visa mastercard
przelew przelac
gwarancja rekojmia reczyc
usterka wada uszkodzenie zepsuc awaria
reklamacja skarga reklamowac zazalenie
zaczac rozpoczac ruszyc wystartowac startowac
gotowy skonczyc ukonczyc zakonczyc
dlugo trwac zajmowac czas
online zdalnie wirtualnie internet wideo skype zoom teams odleglosc net kamerka
zadzwonic telefon oddzwonic przedzwonic zatelefonowac telefoniczny dzwonic
rozmawiac porozmawiac pogadac rozmowa
czlowiek osoba pracownik konsultant doradca
kontakt skontaktowac
wlasciciel szef zalozyciel kierownik prezes kieruje
zespol personel pracownik
doswiadczenie doswiadczony wyksztalcenie kwalifikacje
uprawnienia licencja dyplom certyfikat
firma przedsiebiorstwo
portfolio galeria realizacje
zdjecia fotki fotografie foty
opinie recenzje referencje oceny
instagram insta facebook fejs
jezyk angielski niemiecki polski
parking zaparkowac parkowac postojowe garaz
samochod auto pojazd woz
winda dzwig
schody stopnie progi prog
wozek niepelnosprawny
pies piesek zwierze zwierzak szczeniak
dziecko dzieci maluch niemowle
rabat znizka promocja upust taniej
pakiet wariant opcja
zawiera obejmuje wliczone zawierac
roznica roznic odroznic
uslugi oferta
zagranica granica
darmowy darmowa bezplatny bezplatna gratis
""",
    "de": """\
preis kosten kostet tarif honorar gebuhr budget teuer gunstig billig preislich ausgaben preise kostenpunkt leisten
angebot kostenvoranschlag offerte
geoffnet offen offnen offnungszeiten
geschlossen schliessen zumachen
adresse anschrift standort sitz ansassig befinden stadtteil strasse postleitzahl lage
anfahrt wegbeschreibung route hinkommen
strassenbahn tram bus bahn verkehrsmittel haltestelle
termin treffen besuch beratung gesprach beratungstermin
vereinbaren buchen ausmachen reservieren ansetzen anmelden
absagen stornieren storno stornierung
verschieben verlegen umbuchen
kundigen kundigung zurucktreten aussteigen abspringen widerrufen
zuruck erstatten erstattung ruckerstattung
vertrag vereinbarung
bezahlen zahlen zahlung bezahlung begleichen paypal visa zahlungsarten
anzahlung anzahlen vorkasse vorab voraus
raten ratenzahlung monatlich zahlungsplan
rechnung beleg quittung
karte kreditkarte visa mastercard
uberweisung uberweisen
bar bargeld
garantie gewahrleistung haften garantieren abgesichert
mangel schaden fehler defekt kaputt beschadigen
reklamieren reklamation beschweren beschwerde bemangeln
anfangen beginnen starten loslegen
fertig abgeschlossen fertigstellen
dauer dauert zeitplan zeitrahmen bearbeitungszeit zeitraum
online internet video videoanruf zoom skype teams virtuell netz remote ferne distanz videokonferenz videocall
anrufen telefonieren telefonisch zuruckrufen ruckruf telefon
mensch person mitarbeiter berater kundenservice kundendienst
kontaktieren melden erreichen kontakt
inhaber besitzer chef grunder leiter chefin geschaftsfuhrer leitet
team belegschaft mitarbeiter personal kollegen
erfahrung erfahren ausbildung
qualifiziert zugelassen zertifiziert lizenziert diplom
firma unternehmen betrieb
portfolio galerie
fotos bilder aufnahmen fotografien
bewertungen rezensionen meinungen kundenmeinungen kundenstimmen
instagram insta facebook
sprache deutsch englisch polnisch
parken parkplatz stellplatz garage parkhaus abstellen
auto wagen fahrzeug pkw
aufzug lift fahrstuhl
stufen treppen treppe stufenlos
rollstuhl behindert behindertengerecht barrierefrei
hund haustier tier welpe
kinder kleinkind baby kinderwagen
rabatt nachlass ermassigung skonto
paket variante option
enthalten inklusive beinhalten dabei inbegriffen
unterschied unterscheiden
leistungen dienstleistungen services
ausland auslandisch
gratis kostenlos umsonst kostenfrei
beenden kundigen auflosen
""",
}


def synonyms(word: str, language: str) -> Iterator[str]:
    """Yield the other words of the groups that a folded word, or one it is a form of, stands in."""
    for other, group in _buckets(language).get(word[:_BUCKET], ()):
        if word == other or inflected(word, other, language):
            yield from (each for each in group if each != word)


@cache
def _buckets(language: str) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    buckets: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for line in GROUPS[language].splitlines():
        group = tuple(spelt(word, language) for word in line.split())
        for word in group:
            buckets.setdefault(word[:_BUCKET], []).append((word, group))
    return buckets
