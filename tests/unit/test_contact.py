"""Contact details in free text: found where they are, never made up."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.contact import (
    USUAL_REGIONS,
    ContactDetails,
    clean_name,
    email_candidates,
    find_email,
    find_name,
    find_phone,
    is_phone_region,
    valid_email,
    valid_phone,
    without_contact,
)

ANY_TEXT = st.text(st.characters(), max_size=2_000)
NEARLY_CONTACT = st.text("@.:/<>\"'+-_ 0123456789aAzłÖ\u0307\u202e\nIm", max_size=2_000)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Hi, call me, ana@example.com", "ana@example.com"),
        ("write to Ana.Silva@Example.COM.", "ana.silva@example.com"),
        ("<ana@example.com>", "ana@example.com"),
        ("my mail is 'ana@example.com'!", "ana@example.com"),
        ('"ana@example.com",', "ana@example.com"),
        ("mailto:ana@example.com?subject=x", "ana@example.com"),
        ("e-mail:ana@example.com;phone:no", "ana@example.com"),
        ("email=ana@example.com", "ana@example.com"),
        ("**ana@example.com**", "ana@example.com"),
        ("(ana+lumen@mail.example.co.uk)", "ana+lumen@mail.example.co.uk"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("jan@żółw.pl", "jan@żółw.pl"),
        ("ana@example.com\r\nBcc: eve@example.com", "ana@example.com"),
        ("not@valid, but ana@example.com is", "ana@example.com"),
        ("ana@studio.test", "ana@studio.test"),
        ("ana@www.example.com", "ana@www.example.com"),
        ("@ana on Instagram, or ana@example.com", "ana@example.com"),
        ("call @ana or@me, ana@example.com", "ana@example.com"),
        ("ana@example.com_", "ana@example.com"),
        ("jan@voila\u0300.fr", "jan@voilà.fr"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
        ("ana@example.com\u200b", "ana@example.com"),
        ("no address here", None),
        ("ana@localhost", None),
        ("ana@@example.com", None),
        ("ana@example..com", None),
        ("@ana", None),
        ("ana@", None),
        ("ana@example.com@evil.example", None),
        ("https://user@example.com/path", None),
        ("https://shop.example/?u=ana@example.com", None),
        ("meet @ 5 p.m.", None),
        (f"{'a' * 70}@example.com", None),
        (f"ana@{'a.' * 200}com", None),
        ("ana@10.0.0.1", None),
    ],
)
def test_an_email_is_found_as_people_write_it(text: str, email: str | None) -> None:
    """Punctuation, quotes and case around an address do not matter; what is no address is none."""
    assert find_email(text) == email


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("call 600 100 200 please", "PL", "+48600100200"),
        ("tel. +48 12 345 67 89", "US", "+48123456789"),
        ("mój numer: 12-345-67-89.", "PL", "+48123456789"),
        ("(020) 8366 1177", "GB", "+442083661177"),
        ("0176 12345678", "DE", "+4917612345678"),
        ("ana@example.com, +48600100200", "PL", "+48600100200"),
        ("12.05.2026 or 600100200", "PL", "+48600100200"),
        ("581 2345", "IS", "+3545812345"),
        ("600100200", "PL", "+48600100200"),
        ("call me at 10", "PL", None),
        ("on 12.05.2026 at 10:30", "DE", None),
        ("on 2026-05-12", "DE", None),
        ("my budget is 120 000 000 zł", "PL", None),
        ("it costs € 600 100 200", "PL", None),
        ("600100200 PLN", "PL", None),
        ("ana600100200@example.com", "PL", None),
        ("https://shop.example/item/600100200", "PL", None),
        ("www.shop.example/600100200", "PL", None),
        ("PL61 1090 1014 0000 0712 1981 2874", "PL", None),
        ("1234567890123456", "PL", None),
        ("a flat of 54,5 m2 for 3 people", "PL", None),
        ("", "PL", None),
    ],
)
def test_a_phone_number_is_told_from_other_digits(text: str, region: str, phone: str | None) -> None:
    """Dates, prices, accounts, addresses and URLs hold no phone number."""
    assert find_phone(text, region) == phone


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hello, my name is Ana Silva and I need a quote", "Ana Silva"),
        ("I'm Ana", "Ana"),
        ("Hi, I\u2019m Ana Silva.", "Ana Silva"),
        ("i am Jean-Luc", "Jean-Luc"),
        ("this is Ana from Acme", "Ana"),
        ("Hi, this is Ana.", "Ana"),
        ("call me Ana, please", "Ana"),
        ("My name is Ludwig van Beethoven", "Ludwig van Beethoven"),
        ("My name is John F. Kennedy", "John F. Kennedy"),
        ("my name is Sinéad O'Connor", "Sinéad O'Connor"),
        ("my name is Ana Silva My email is ana@example.com", "Ana Silva"),
        ("nazywam się Jan Kowalski", "Jan Kowalski"),
        ("Dzień dobry, jestem Anna i szukam projektanta", "Anna"),
        ("mam na imię Łucja", "Łucja"),
        ("Ich heiße Jürgen Groß", "Jürgen Groß"),
        ("mein Name ist Anna Müller", "Anna Müller"),
        ("Hallo, ich bin Anna Schmidt aus Köln", "Anna Schmidt"),
        ("my name is Jose\u0301", "José"),
        ("Hi, call me, ana@example.com", None),
        ("I'm looking for a designer", None),
        ("I'm Interested In your offer", None),
        ("I'm Looking For A Designer", None),
        ("I'm in Kraków", None),
        ("I'm Director of sales", None),
        ("I am Polish", None),
        ("I'M ANGRY", None),
        ("Call me Monday", None),
        ("call me Tomorrow at 5", None),
        ("call me ASAP", None),
        ("this is Important", None),
        ("is this is Kraków", None),
        ("This is Kraków?", None),
        ("Jestem zainteresowany", None),
        ("Jestem Zainteresowana ofertą", None),
        ("Jestem z Krakowa", None),
        ("Jestem Państwa klientem", None),
        ("ich bin Kunde bei Ihnen", None),
        ("Ich bin Architekt", None),
        ("my name is", None),
        ("my name is ana", None),
        ("my name is not important", None),
        ("What is your name?", None),
        ("Ana Silva", None),
        (f"my name is A{'a' * 39} B{'b' * 39} C{'c' * 39}", None),
    ],
)
def test_a_name_is_taken_only_from_an_introduction(text: str, name: str | None) -> None:
    """Rather no name than one that is none."""
    assert find_name(text) == name


@pytest.mark.parametrize(
    ("given", "email"),
    [
        (" Ana@Example.com\n", "ana@example.com"),
        ("ana@example.com\r\nBcc: eve@example.com", None),
        ("Ana <ana@example.com>", None),
        ("ana@example", None),
        ("", None),
        ("a" * 250 + "@example.com", None),
        ("ana@example.com, eve@example.com", None),
        ("\u202eana@example.com", None),
    ],
)
def test_an_email_field_holds_one_address_and_nothing_else(given: str, email: str | None) -> None:
    """A header cannot be smuggled in with an address."""
    assert valid_email(given) == email


@pytest.mark.parametrize(
    ("given", "phone"),
    [
        ("600 100 200", "+48600100200"),
        (" tel:+48-600-100-200 ", "+48600100200"),
        ("+442083661177", "+442083661177"),
        ("123", None),
        ("abc600100200", None),
        ("600100200 or 600100201", None),
        ("", None),
        ("+" * 41, None),
        ("+48 000 000 000", None),
    ],
)
def test_a_phone_field_holds_one_number(given: str, phone: str | None) -> None:
    """A number must be one of its country's."""
    assert valid_phone(given, "PL") == phone


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("  Ana   Silva ", "Ana Silva"),
        ("Ana\r\nBcc: eve@example.com", "Ana Bcc: eve@example.com"),
        ("Ana\u202eavliS\u202c", "AnaavliS"),
        ("A\u200bna\x00\x1b[31m", "Ana[31m"),
        ("Ana\u2028Silva", "Ana Silva"),
        ("<script>", "<script>"),
        ("李小龍", "李小龍"),
        ("x" * 100, "x" * 80),
        ("\u202e\n", None),
        ("123", None),
        ("", None),
        ("\ud800", None),
    ],
)
def test_a_name_field_becomes_one_visible_line(given: str, name: str | None) -> None:
    """Control and format characters go; markup stays and is encoded where it is shown."""
    assert clean_name(given) == name


def test_a_field_may_be_as_long_as_it_says() -> None:
    """254 code points of an address, 40 of a number; one more is too long."""
    host = ".".join(["b" * 62] * 3)
    for local, valid in ((62, True), (63, False)):
        address = f"{'a' * local}@{host}.pl"
        assert (len(address) <= 254, valid_email(address) is not None) == (valid, valid)
    for spaces, valid in ((31, True), (32, False)):
        number = f"600{' ' * spaces}100200"
        assert (len(number) <= 40, valid_phone(number, "PL") is not None) == (valid, valid)


def test_newer_details_win_and_unknown_ones_do_not() -> None:
    """What was known stays until something newer is."""
    known = ContactDetails(name="Ana", email="ana@example.com")
    newer = ContactDetails(email="eve@example.com", phone="+48600100200")
    assert known.merged_with(newer) == ContactDetails("Ana", "eve@example.com", "+48600100200")
    assert known.merged_with(ContactDetails()) == known


def test_a_visitor_can_be_reached_by_email_or_phone() -> None:
    """A name alone is no way to reach anyone."""
    assert not ContactDetails(name="Ana").has_contact
    assert ContactDetails(email="ana@example.com").has_contact
    assert ContactDetails(phone="+48600100200").has_contact


def test_all_details_are_found_in_one_text() -> None:
    """One message may hold everything."""
    found = ContactDetails.found("Hi, I'm Ana Silva, ana@example.com or 600 100 200", "PL")
    assert found == ContactDetails("Ana Silva", "ana@example.com", "+48600100200")


def test_text_without_its_contact_keeps_its_length() -> None:
    """What is left can be matched without an address's words."""
    assert without_contact("mail ana@example.com, or https://x.example/a now").split() == ["mail", "or", "now"]
    assert len(without_contact("a@b c")) == 5


@pytest.mark.parametrize(
    "hostile", ["@" * 2_000, "a@" * 1_000, "a@b." * 500, "a." * 1_000 + "@" + "b." * 500, "a@b.c " * 333, "x" * 2_000]
)
def test_few_and_short_candidates_are_judged_in_a_hostile_text(hostile: str) -> None:
    """Twenty candidates at most, none longer than an address can be: the work does not grow with the text."""
    candidates = email_candidates(hostile)
    assert len(candidates) <= 20
    assert all(len(candidate) <= 64 + 1 + 253 for candidate in candidates)


@settings(deadline=None)  # the machine may be busy
@given(ANY_TEXT | NEARLY_CONTACT)
def test_whatever_is_found_is_valid_and_on_one_line(text: str) -> None:
    """No text raises; a found address and number validate again to themselves; nothing holds a line break."""
    found = ContactDetails.found(text, "PL")
    assert found.email is None or valid_email(found.email) == found.email
    assert found.phone is None or valid_phone(found.phone, "US") == found.phone
    assert found.name is None or 1 < len(found.name) <= 80
    for value in (found.name, found.email, found.phone):
        assert value is None or (value.isprintable() and value.splitlines() == [value])


@settings(deadline=None)  # the machine may be busy
@given(ANY_TEXT)
def test_no_field_raises_and_a_clean_name_is_clean_again(text: str) -> None:
    """Cleaning twice changes nothing."""
    valid_email(text)
    valid_phone(text, "PL")
    name = clean_name(text)
    assert name is None or (len(name) <= 80 and name.splitlines() == [name] and clean_name(name) == name)


@settings(deadline=None)  # the machine may be busy
@given(st.emails(), ANY_TEXT.filter(lambda text: "@" not in text))
def test_a_plain_address_is_found_behind_any_words(address: str, before: str) -> None:
    """What stands before an address does not hide it, unless it makes it part of a URL."""
    found = find_email(f"{before} {address.lower()}")
    assert found is None or valid_email(found) == found
    if address.replace("@", "").replace(".", "").isalnum() and valid_email(address):
        assert found == valid_email(address)


def test_a_phone_region_is_one_that_phonenumbers_knows() -> None:
    """Also those that it is not asked about."""
    assert set(phonenumbers.SUPPORTED_REGIONS) >= USUAL_REGIONS
    assert all(map(is_phone_region, phonenumbers.SUPPORTED_REGIONS))
    assert not any(map(is_phone_region, ("", "pl", "XX", "48", "POL")))
