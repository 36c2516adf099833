"""What a follow-up looks like: one e-mail of two parts that says the same, with a link that unsubscribes in one click.

Sources: RFC 2369 and RFC 8058 (``List-Unsubscribe``, ``List-Unsubscribe-Post``; both covered by a DKIM signature),
RFC 6376 and RFC 8301 (DKIM, RSA with SHA-256), RFC 3834 (``Auto-Submitted``), RFC 2046 (alternatives, best last).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.adapters.alert_text import one_line
from shared.adapters.mail_message import message_id, subject_line
from shared.domain.rights import LANGUAGES, MARKETING, Claims
from shared.errors import ConfigError
from shared.ports import Message
from shared.ports.rights import Tokens

FOLDER = Path(__file__).parents[1] / "templates"
NAME_MOST = 60
_NAME = re.compile(r"[^\W\d_]+(?:(?:[ '\u2019-]|\. )[^\W\d_]+){0,4}")
SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"auto-submitted",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
"""The headers a signature covers."""


@dataclass(frozen=True)
class DkimKey:
    """What mail is signed with: the private key (PEM), and where its public key is."""

    private_key: str
    selector: str
    domain: str

    def check(self) -> None:
        """See that mail can be signed with it.

        Raises:
            ConfigError: names the setting.
        """
        try:
            self.sign(b"From: a@example.com\r\n\r\n")
        except Exception as error:  # noqa: BLE001 - dkimpy raises what its parsers do
            raise ConfigError(f"DKIM_KEY: was (secret); it cannot be used: {type(error).__name__}") from None

    def sign(self, message: bytes) -> bytes:
        """The message with its signature before it; raises what dkimpy raises for a key that is none."""
        import dkim  # noqa: PLC0415 - only where a key is configured

        header: bytes = dkim.sign(
            message,
            self.selector.encode(),
            self.domain.encode(),
            self.private_key.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(SIGNED),
        )
        return header + message


@dataclass(frozen=True)
class FollowupMail:
    """The follow-ups of one company.

    Attributes:
        mail_from: the sender.
        unsubscribe_url: where ``unsubscribe`` is.
        tokens: makes links.
        signing: None for no signature.
    """

    mail_from: Address
    unsubscribe_url: str
    tokens: Tokens
    signing: DkimKey | None = None

    def mail(self, message: Message, *, to: str, now: datetime) -> bytes:
        """A whole message as it is sent after DATA, before dots are doubled.

        Args:
            message: of a follow-up's alert.
            to: a valid address.
            now: for the ``Date`` and the link.
        """
        said = self._said(message, now)
        letter = EmailMessage(policy=SMTP)
        letter["From"] = self.mail_from
        letter["To"] = Address(addr_spec=to)
        letter["Date"] = format_datetime(now)
        letter["Message-ID"] = message_id(message, self.mail_from.domain)
        letter["Auto-Submitted"] = "auto-generated"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        letter.set_content(self._rendered(said, html=False), charset="utf-8", cte="quoted-printable")
        letter.add_alternative(self._rendered(said, html=True), subtype="html", charset="utf-8", cte="quoted-printable")
        # Not left to ``email``, which would break the link where it folds.
        link = f"List-Unsubscribe: <{said['url']}>\r\n".encode("ascii")
        whole = subject_line(self._subject(said)) + link + letter.as_bytes()
        return self.signing.sign(whole) if self.signing is not None else whole

    def _said(self, message: Message, now: datetime) -> dict[str, Any]:
        payload = message.payload
        language = payload["language"] if payload["language"] in LANGUAGES else LANGUAGES[0]
        claims = Claims(MARKETING, payload["address"], _conversation_of(message), language)
        return {
            "language": language,
            "number": int(payload["number"]),
            "business": one_line(payload["business"]),
            "name": _greeted(payload.get("name")),
            "url": f"{self.unsubscribe_url}?t={self.tokens.make(claims, now)}",
        }

    def _rendered(self, said: Mapping[str, Any], *, html: bool) -> str:
        environment = self._html if html else self._text
        return environment.get_template(f"followup/mail.{'html' if html else 'txt'}").render(said)

    def _subject(self, said: Mapping[str, Any]) -> str:
        texts = self._text.get_template(f"followup/{said['language']}.j2").module
        return str(texts.subject(said["number"], said["business"]))  # type: ignore[attr-defined]

    @cached_property
    def _text(self) -> Environment:
        return _environment(html=False)

    @cached_property
    def _html(self) -> Environment:
        return _environment(html=True)


def _environment(*, html: bool) -> Environment:
    how: dict[str, Any] = {"undefined": StrictUndefined, "keep_trailing_newline": True}
    loader = FileSystemLoader(FOLDER)
    # The text part is no HTML: encoded, it would show the encoding.
    return Environment(loader=loader, autoescape=html, **how)  # nosec B701  # noqa: S701 - see above


def _greeted(name: object) -> str:
    """A name to greet with; empty for a text that may be anything else.

    Whoever types another person's address into a chat must not be able to have their words or links sent there.
    """
    text = one_line(name)
    return text if len(text) <= NAME_MOST and _NAME.fullmatch(text) else ""


def _conversation_of(message: Message) -> str:
    return str(message.payload["conversation_id"])
