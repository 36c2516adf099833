"""What an alert looks like as an e-mail."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.alert_text import one_line
from shared.adapters.mail_message import PLAIN_MOST, SUBJECT_MOST, body, mail, message_id, subject
from tests.support.smtp_servers import a_message

SENDER = Address("Bellhop", addr_spec="alerts@example.com")
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=400)


def source(message, to=("ann@example.com",)):
    """The bytes that are sent."""
    return mail(message, mail_from=SENDER, to=to, now=NOW)


def read(message):
    """The mail as a mail program reads it."""
    return message_from_bytes(source(message), policy=default)


def test_a_lead_shows_all_that_is_known_of_it():
    """One line a value, the message quoted, the id last."""
    assert body(a_message()) == (
        "New lead\n\nName: Ada Lovelace\nE-mail: ada@example.org\nPhone: +441234567\nScore: 85\n\n"
        "Message:\n> Hello\n\n2026-03-01 09:30 UTC · alert 0123456789abcdef\n"
    )
    assert subject(a_message()) == "New lead: Ada Lovelace · ada@example.org · +441234567"


def test_what_is_not_known_of_a_lead_takes_no_line():
    """Only the e-mail address."""
    message = a_message(payload={"email": "ada@example.org", "name": None, "message": ""})
    assert body(message).startswith("New lead\n\nE-mail: ada@example.org\n\n2026")
    assert subject(message) == "New lead: ada@example.org"


@pytest.mark.parametrize("kind", ["escalation", "notice", "something new"])
def test_any_other_kind_shows_its_title_and_text(kind):
    """Lines stay lines."""
    message = a_message(kind=kind, payload={"title": "Slack is blocked", "text": "Do this:\n1. Repair it"})
    assert subject(message) == "Slack is blocked"
    assert body(message).startswith("Slack is blocked\n\nDo this:\n1. Repair it\n\n2026")


@pytest.mark.parametrize(
    ("kind", "title"),
    [("escalation", "An alert could not be delivered"), ("notice", "A destination needs repair"), ("other", "Alert")],
)
def test_without_a_title_the_kind_says_what_it_is(kind, title):
    """Nobody gets a mail without a subject."""
    assert subject(a_message(kind=kind, payload={})) == title
    assert body(a_message(kind=kind, payload={})).startswith(f"{title}\n")


@pytest.mark.parametrize("kind", ["lead", "escalation"])
def test_f13_a_repeat_says_so_first(kind):
    """In the subject and in the text."""
    message = a_message(kind=kind, maybe_shown=True)
    assert subject(message).startswith("[Possible duplicate] ")
    assert body(message).startswith("Possible duplicate: this alert may have been shown before.\n")


def test_the_headers_are_those_of_an_automatic_mail_made_now():
    """An old date would hide it far down."""
    letter = read(a_message())
    assert letter["Date"].datetime == NOW
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"] == "<alert.0123456789abcdef.1@example.com>"
    assert letter.get_content_type() == "text/plain"


def test_the_message_id_follows_from_the_alert_and_its_epoch_alone():
    """Whatever the rest, and whatever the id is made of."""
    assert message_id(a_message(epoch=3, maybe_shown=True), "example.com") == "<alert.0123456789abcdef.3@example.com>"
    odd = message_id(a_message(alert_id="a>\r\nX: y <b"), "example.com")
    assert odd == message_id(a_message(alert_id="a>\r\nX: y <b"), "example.com")
    assert odd.isascii()
    assert not set(odd) & set("\r\n ")
    assert odd != message_id(a_message(alert_id="another\r\n"), "example.com")


@given(name=ANYTHING, said=ANYTHING)
def test_f40_whatever_a_visitor_writes_the_mail_has_the_same_headers_and_lines_of_smtp(name, said):
    """Only CR LF ends a line, none is too long, all is ASCII, and the subject can be read back."""
    message = a_message(payload={"name": name, "message": said})
    raw = source(message)
    assert raw.isascii()
    assert b"\0" not in raw
    assert raw.replace(b"\r\n", b"").count(b"\r") == raw.replace(b"\r\n", b"").count(b"\n") == 0
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    letter = message_from_bytes(raw, policy=default)
    assert letter.keys() == read(a_message()).keys()
    assert letter["To"] == "ann@example.com"
    assert letter["Subject"] == subject(message)
    assert letter.get_content().replace("\r\n", "\n") == body(message)


@given(said=ANYTHING)
def test_no_line_of_a_visitors_passes_for_one_of_ours(said):
    """Every line of the message is quoted."""
    lines = body(a_message(payload={"message": said})).split("\n")
    begin = lines.index("Message:") + 1 if "Message:" in lines else 0
    assert all(line.startswith("> ") for line in lines[begin:-3]) or not begin


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\0"])
def test_f40_no_kind_of_line_end_is_left_in_a_value(end):
    """Python, mail programs and servers do not agree on what ends a line."""
    assert one_line(f"Eve{end}Bcc: x@example.com") == "Eve Bcc: x@example.com"


def test_a_long_subject_is_cut_and_encoded():
    """And still says what it is."""
    message = a_message(payload={"name": "✨" * 1000})
    assert len(subject(message)) == SUBJECT_MOST
    assert max(len(line) for line in source(message).split(b"\r\n\r\n")[0].split(b"\r\n")) <= 76
    assert subject(message).endswith("…")
    assert read(message)["Subject"] == subject(message)


@pytest.mark.parametrize(
    "title", ["=?utf-8?q?not_encoded?=", "x" * 69, "word " * 30, "00 ¡¡¡¡𐀀𐀀𐀀𐀀𐀀 ¡", "e\u0301 " * 60]
)
def test_a_subject_is_read_back_as_it_was(title):
    """Spaces between encoded words and all."""
    message = a_message(kind="notice", payload={"title": title})
    assert read(message)["Subject"] == subject(message)


def test_half_a_surrogate_pair_does_not_keep_a_lead_back():
    """JSON can carry it, UTF-8 cannot."""
    assert "Name: ?" in body(a_message(payload={"name": "\ud83d"}))
    assert source(a_message(payload={"name": "\ud83d", "message": "\udc00"}))


def test_dots_and_froms_at_the_start_of_a_line_come_through():
    """They mean something to SMTP and to mailboxes."""
    message = a_message(kind="notice", payload={"title": "t", "text": ".\nFrom me\n..\n"})
    assert "\n.\nFrom me\n..\n" in read(message).get_content().replace("\r\n", "\n")


EVIL = "Eve\r\nBcc: x@example.com\u202e\x00\x1b[2J\ud800"


@pytest.mark.parametrize("kind", ["lead", "escalation", "notice"])
@pytest.mark.parametrize("plain", [False, True])
def test_f40_hostile_text_is_only_text_in_every_kind(kind, plain):
    """No header more, no control, no override, one line of subject."""
    message = a_message(kind=kind, plain=plain, payload={"title": EVIL, "name": EVIL, "text": EVIL, "message": EVIL})
    letter = read(message)
    assert letter.keys() == read(a_message()).keys()
    assert "Eve Bcc: x@example.com [2J?" in letter["Subject"]
    shown = letter.get_content().replace("\r\n", "\n")
    assert not set(shown) & {"\r", "\0", "\x1b", *("\u202e" if kind != "lead" else "")}


@given(title=ANYTHING, text=ANYTHING)
@pytest.mark.parametrize("kind", ["lead", "escalation", "notice"])
def test_a_plain_mail_has_a_short_subject_of_ascii_and_a_short_text(kind, title, text):
    """No encoded word, no long body, whatever is in it."""
    payload = {"title": title, "name": title, "text": text * 20, "message": text * 20}
    message = a_message(kind=kind, plain=True, payload=payload, maybe_shown=True)
    raw = source(message)
    assert raw.isascii()
    assert b"Subject: " + subject(message).encode("ascii") + b"\r\n" in raw
    assert subject(message).startswith("[Possible duplicate] ")
    assert "=?" not in subject(message)
    assert len(subject(message)) <= PLAIN_MOST
    assert len(body(message)) < 3000
    assert read(message)["Subject"] == subject(message)


def test_a_plain_mail_says_what_matters():
    """The title, the beginning of the text, the id."""
    message = a_message(kind="escalation", plain=True, payload={"title": "Zoë · waits…", "text": "y\n" * 5000})
    assert subject(message) == "Zoe - waits..."
    first, *rest, last = body(message).rstrip("\n").split("\n")
    assert first == "Zoë · waits…"
    assert sum(map(len, rest)) < 2000
    assert rest[-2].endswith("…")
    assert last == "2026-03-01 09:30 UTC · alert 0123456789abcdef"


def test_a_plain_subject_cannot_be_read_as_an_encoded_word():
    """It is what stands there."""
    message = a_message(kind="notice", plain=True, payload={"title": "=?utf-8?q?other?="})
    assert b"Subject: = ?utf-8?q?other?=\r\n" in source(message)


@pytest.mark.parametrize("title", ["שלום", "\u0327", "…", "=?"])
def test_a_plain_subject_without_a_letter_says_what_kind_it_is(title):
    """Question marks alone tell nobody anything."""
    message = a_message(kind="notice", plain=True, payload={"title": title})
    assert subject(message) == "A destination needs repair"


def test_a_plain_lead_still_tells_who_it_is():
    """The details stand in its text."""
    assert body(a_message(plain=True)) == body(a_message())
    assert subject(a_message(plain=True)) == "New lead: Ada Lovelace - ada@example.org - +441234567"
