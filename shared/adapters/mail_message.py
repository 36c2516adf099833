"""What an alert looks like as an e-mail: plain text and nothing remote.

Sources: RFC 5322 (headers), RFC 2047 (characters beyond ASCII in them), RFC 3834 (``Auto-Submitted``). A visitor's text
appears in the subject, on one line, and in a lead's body: each value on a line of its own, the message quoted, so that
none of it can pass for a line of Bellhop's. Lines end with CR LF only, and only ASCII is sent (RFC 5321, 2.4).
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from shared.adapters.alert_text import REPEATED, headline, one_line, said, shortened, title_of
from shared.domain.alert import OF_A_LEAD
from shared.ports import Message

SUBJECT_MOST = 200
PLAIN_TEXT_MOST = 2000
PLAIN_MOST = 68
WORD_MOST = 39  # bytes; with what stands around them the line has at most 76 characters (RFC 2047, 2)

_ATOM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TO_ASCII = str.maketrans({"·": "-", "…": "...", "\u2013": "-", "\u2014": "-", "\u2019": "'"})


def mail(
    message: Message, *, mail_from: Address, to: Sequence[str], now: datetime, missed: Mapping[str, str] | None = None
) -> bytes:
    """A whole message as it is sent after DATA, before dots are doubled.

    Args:
        message: the alert.
        mail_from: the sender.
        to: valid addresses.
        now: for the ``Date``.
        missed: addresses the server did not take, each with its answer's code; the body tells the others.
    """
    letter = EmailMessage(policy=SMTP)
    letter["From"] = mail_from
    letter["To"] = [Address(addr_spec=address) for address in to]
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = message_id(message, mail_from.domain)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body(message, missed or {}), charset="utf-8", cte="quoted-printable")
    return subject_line(subject(message)) + letter.as_bytes()


def subject_line(text: str) -> bytes:
    """The header of one line of text; as encoded words (RFC 2047) unless it is short ASCII.

    Not left to ``email``, which drops spaces where it folds between encoded words and others (Python 3.11).
    """
    if text.isascii() and len(text) <= PLAIN_MOST and "=?" not in text:
        return f"Subject: {text}\r\n".encode()
    words = [b""]
    for character in text.encode("utf-8", "replace").decode():
        encoded = character.encode()
        if len(words[-1]) + len(encoded) > WORD_MOST:
            words.append(b"")
        words[-1] += encoded
    return b"Subject: " + b"\r\n ".join(b"=?utf-8?b?%s?=" % base64.b64encode(word) for word in words) + b"\r\n"


def message_id(message: Message, domain: str) -> str:
    """The same for every attempt at one epoch of an alert, so that a repeat is known to be one."""
    alert = message.alert_id
    if not _ATOM.fullmatch(alert):
        alert = hashlib.sha256(alert.encode("utf-8", "replace")).hexdigest()[:32]
    return f"<alert.{alert}.{message.epoch}@{domain}>"


def subject(message: Message) -> str:
    """One line that says what it is, of at most ``SUBJECT_MOST`` characters; short ASCII where it is to be plain."""
    title, repeated = headline(message), "[Possible duplicate] " if message.maybe_shown else ""
    if not message.plain:
        return shortened(repeated + title, SUBJECT_MOST)
    text = _ascii(title)
    text = repeated + (text if re.search("[A-Za-z0-9]", text) else title_of(message))
    return text if len(text) <= PLAIN_MOST else text[: PLAIN_MOST - 3].rstrip() + "..."


def body(message: Message, missed: Mapping[str, str] | None = None) -> str:
    """The text, lines ending with LF; the alert's id is in its last line."""
    title, text = title_of(message) if message.kind in OF_A_LEAD else headline(message), said(message)
    if message.plain:
        text = shortened("\n".join(text), PLAIN_TEXT_MOST).split("\n") if text else []
    lines = [REPEATED, ""] if message.maybe_shown else []
    lines += [title, "", *text] if text else [title]
    made = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
    lines += ["", *(f"Not delivered to: {address} ({code})" for address, code in (missed or {}).items())]
    lines.append(f"{made} · alert {one_line(message.alert_id)}")
    return "\n".join(lines) + "\n"


def _ascii(title: str) -> str:
    """Letters without their accents, a question mark for what has no ASCII, nothing that needs an encoded word."""
    letters = unicodedata.normalize("NFKD", title.translate(_TO_ASCII))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(bare.encode("ascii", "replace").decode().replace("=?", "= ?").split())
