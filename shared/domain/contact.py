"""Contact details: found in what a visitor writes, and judged where a form field holds them.

The syntax is judged by email-validator, numbers by phonenumbers; what is here only decides where to look. Both count
against the cold start (35 and 27 ms): neither dns nor phonenumbers' geocoder is imported, email-validator with the
first text that looks like an address, phonenumbers with the first that has as many digits as a number.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.domain.names import clean_name, find_name

if TYPE_CHECKING:
    import phonenumbers

__all__ = [
    "ContactDetails",
    "clean_name",
    "find_email",
    "find_name",
    "find_phone",
    "is_phone_region",
    "valid_email",
    "valid_phone",
]

USUAL_REGIONS = frozenset(
    [
        "AT",
        "AU",
        "BE",
        "BG",
        "CA",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "NZ",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "UA",
        "US",
    ]
)
"""Some of phonenumbers' regions: for these it need not be loaded to be asked."""

MAX_EMAIL = 254  # RFC 5321, erratum 1690
_MAX_LOCAL, _MAX_DOMAIN = 64, 253
_MAX_CANDIDATES = 20  # a message with more @-signs than this is no lead
_LOCAL = frozenset(".#$%&'*+^~_-")  # RFC 5322's, less what parts words: = ? / | ! { }
_MARKUP = "#$%&'*+^~-."  # around an address it is punctuation
_LONG_PHONE, _SHORT_PHONE = 40, 7  # code points of a field; digits
_MAX_PHONE_TRIES = 50

_URL = re.compile(r"(?<![\w@.])(?:[a-z]{2,10}://|www\.)\S+", re.IGNORECASE)
_WITH_AT = re.compile(r"(?<!\S)[^\s@]*@\S*")
_PHONE_CHARS = re.compile(r"(?:tel:)?[\d\s+().,/\-\u2010-\u2015\u00a0]+", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}([./-]) ?\d{1,2}\1 ?\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2})(?!\d)")
_MONEY = r"(?:zł|zl|pln|eur|euros?|€|\$|usd|dollars?|£|gbp|chf|kč|czk|tys|złotych|m2|m²|km|kg|%)"
_MONEY_BEFORE = re.compile(rf"(?<!\w){_MONEY}\s?$", re.IGNORECASE)
_MONEY_AFTER = re.compile(rf"(?:[.,]\d\d|,-)?\s?{_MONEY}(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """How a visitor can be reached; None is what is not known."""

    name: str | None = None
    email: str | None = None  # lower-cased
    phone: str | None = None  # E.164

    @classmethod
    def found(cls, text: str, region: str) -> ContactDetails:
        """Return what a visitor's text holds; national phone numbers are read as of ``region`` (ISO 3166-1)."""
        return cls(name=find_name(text), email=find_email(text), phone=find_phone(text, region))

    @property
    def has_contact(self) -> bool:
        """Whether the visitor can be reached at all: a name alone does not do."""
        return self.email is not None or self.phone is not None

    def merged_with(self, newer: ContactDetails) -> ContactDetails:
        """Return these details with every newer one that is known in its place."""
        known = {field: value for field in self.__slots__ if (value := getattr(newer, field)) is not None}
        return replace(self, **known) if known else self


def valid_email(text: str) -> str | None:
    """Return the address in its lower-cased normal form, None if it is not one (or is longer than 254).

    ``test_environment`` admits the names RFC 6761 reserves for tests (ana@studio.test), by an argument of this one
    call and not by the library's switch for the process; example.com is admitted anyway. No DNS is asked.
    """
    address = text.strip()
    if len(address) > MAX_EMAIL:
        return None
    from email_validator import EmailNotValidError, validate_email

    try:
        once = validate_email(address, check_deliverability=False, test_environment=True).normalized.lower()
        again = validate_email(once, check_deliverability=False, test_environment=True).normalized.lower()
    except (EmailNotValidError, UnicodeError):
        return None
    return once if once == again else None  # a few letters change under lower-casing: what is stored must stay valid


def find_email(text: str) -> str | None:
    """Return the first valid e-mail address in the text, lower-cased; one inside a URL is not the visitor's."""
    return next((address for each in email_candidates(text) if (address := valid_email(each))), None)


def email_candidates(text: str) -> list[str]:
    """Return what stands around each lone @-sign, at most 20; each character is looked at twice at most."""
    text = _URL.sub(" ", text)
    candidates: list[str] = []
    at = text.find("@")
    while at >= 0 and len(candidates) < _MAX_CANDIDATES:
        left, right = at, at + 1
        while left > 0 and at - left <= _MAX_LOCAL and (text[left - 1].isalnum() or text[left - 1] in _LOCAL):
            left -= 1
        while right < len(text) and right - at <= _MAX_DOMAIN and _is_domain_char(text[right]):
            right += 1
        local, domain = text[left:at].lstrip(_MARKUP), text[at + 1 : right].rstrip("._-")
        whole = at - left <= _MAX_LOCAL and right - at <= _MAX_DOMAIN
        if local and whole and "." in domain and "@" not in (text[left - 1 : left], text[right : right + 1]):
            candidates.append(f"{local}@{domain}")
        at = text.find("@", at + 1)
    return candidates


def _is_domain_char(char: str) -> bool:
    return char.isalnum() or char in ".-_" or ("\u0300" <= char <= "\u036f")


def valid_phone(text: str, region: str) -> str | None:
    """Return the number in E.164 (+48123456789), None if ``text`` is not one number valid in its country."""
    number_text = text.strip()
    if len(number_text) > _LONG_PHONE or not _PHONE_CHARS.fullmatch(number_text):
        return None
    import phonenumbers

    try:
        number = phonenumbers.parse(number_text, region)
    except phonenumbers.NumberParseException:
        return None
    return _e164(number) if phonenumbers.is_valid_number(number) else None


def find_phone(text: str, region: str) -> str | None:
    """Return the first valid phone number in E.164; digits of an address, a URL, a date or a price are not one."""
    if sum(map(str.isdigit, text)) < _SHORT_PHONE:
        return None
    import phonenumbers

    masked = without_contact(text, blank="|")
    masked = _DATE.sub(lambda date: "|" * len(date[0]), masked)
    leniency = phonenumbers.Leniency.VALID
    for match in phonenumbers.PhoneNumberMatcher(masked, region, leniency, max_tries=_MAX_PHONE_TRIES):
        before, after = masked[max(0, match.start - 12) : match.start], masked[match.end : match.end + 14]
        if not _MONEY_BEFORE.search(before) and not _MONEY_AFTER.match(after):
            return _e164(match.number)
    return None


def without_contact(text: str, *, blank: str = " ") -> str:
    """Return the text, as long as before, with every URL and every word that holds an @-sign blanked out."""
    text = _URL.sub(lambda url: blank * len(url[0]), text)
    return _WITH_AT.sub(lambda address: blank * len(address[0]), text)


def is_phone_region(region: str) -> bool:
    """Tell whether phone numbers can be read as this country's: two capital letters (ISO 3166-1)."""
    if region in USUAL_REGIONS:
        return True
    import phonenumbers

    return region in phonenumbers.SUPPORTED_REGIONS


def _e164(number: phonenumbers.PhoneNumber) -> str:
    import phonenumbers

    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
