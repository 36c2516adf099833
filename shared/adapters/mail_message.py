"""What an alert looks like as an e-mail: plain text and nothing remote.

Sources: RFC 5322 (headers), RFC 2047 (characters beyond ASCII in them), RFC 3834 (``Auto-Submitted``). A visitor's text
appears in the subject, on one line, and in the body: each value on a line of its own, the message quoted, so that none
of it can pass for a line of Bellhop's. Lines end with CR LF only, and only ASCII is sent (RFC 5321, 2.4).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from shared.ports import Message

SUBJECT_MOST = 200
VALUE_MOST = 500
TEXT_MOST = 100_000
PLAIN_MOST = 68
WORD_MOST = 39  # bytes; with what stands around them the line has at most 76 characters (RFC 2047, 2)
LABELS = (("name", "Name"), ("email", "E-mail"), ("phone", "Phone"), ("score", "Score"))
REPEATED = "Possible duplicate: this alert may have been shown before."
TITLES = {"lead": "New lead", "escalation": "An alert could not be delivered", "notice": "A destination needs repair"}

_ATOM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_ONE_LINE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


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
    """One line that says what it is, of at most ``SUBJECT_MOST`` characters."""
    title = TITLES.get(message.kind, "Alert")
    if message.kind == "lead":
        who = (one_line(message.payload.get(key)) for key in ("name", "email", "phone"))
        title = f"{title}: {' · '.join(part for part in who if part)}"
    else:
        title = one_line(message.payload.get("title")) or title
    return _cut(f"[Possible duplicate] {title}" if message.maybe_shown else title, SUBJECT_MOST)


def body(message: Message, missed: Mapping[str, str] | None = None) -> str:
    """The text, lines ending with LF; the alert's id is in its last line."""
    lines = [REPEATED, ""] if message.maybe_shown else []
    lines += _lead(message.payload) if message.kind == "lead" else _generic(message)
    made = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
    lines += ["", *(f"Not delivered to: {address} ({code})" for address, code in (missed or {}).items())]
    lines.append(f"{made} · alert {one_line(message.alert_id)}")
    return "\n".join(lines) + "\n"


def one_line(value: Any) -> str:
    """A value as text without a control character or a line's end of any kind, cut; empty for None."""
    text = "" if value is None else _encodable(str(value))
    return _cut(_NOT_ONE_LINE.sub(" ", text).strip(), VALUE_MOST)


def _lead(payload: Mapping[str, Any]) -> list[str]:
    lines = [TITLES["lead"], ""]
    lines += [f"{label}: {text}" for key, label in LABELS if (text := one_line(payload.get(key)))]
    said = _lines(payload.get("message"))
    if said:
        lines += ["", "Message:", *(f"> {line}" for line in said)]
    return lines


def _generic(message: Message) -> list[str]:
    """A title and a text that Bellhop wrote."""
    title = one_line(message.payload.get("title")) or TITLES.get(message.kind, "Alert")
    said = _lines(message.payload.get("text"))
    return [title, "", *said] if said else [title]


def _lines(value: Any) -> list[str]:
    text = "" if value is None else _encodable(str(value))
    return _NOT_TEXT.sub(" ", _cut(text, TEXT_MOST)).splitlines()


def _encodable(text: str) -> str:
    """Text without halves of surrogate pairs, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
