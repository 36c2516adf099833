"""A mail server to submit to, as it behaves towards us (destinations.md, E-mail over SMTP, every row).

Well, it speaks SMTP (aiosmtpd) on a loopback port: STARTTLS is required, with a certificate made at the start, then
AUTH, then it takes every mail and keeps it in ``received``. A mail is there as it would show: who sent it and who gets
it by the envelope, the decoded headers, the text, and the raw source.

Broken, a connection meets one mode, decided when it is made:

* a status, at the stage where it really comes: ``421`` instead of the greeting; ``454``, ``534``, ``535`` after AUTH;
  ``530``, ``452`` after MAIL; ``450``, ``550``, ``551``, ``553`` after each RCPT; ``451``, ``552``, ``554`` after the
  mail.
* ``reject_recipient``: the first recipient of a mail is answered 550, the others are taken.
* ``bad_certificate``: the certificate is signed by somebody nobody trusts.
* ``timeout``: the mail is read, an answer never comes; nothing is accepted. ``hang_seconds`` later it closes.
* ``reset``: the mail is read, then the connection is reset; nothing is accepted.
* ``unanswered``: the mail is accepted, then the connection is reset.
* ``slow``: the mail is accepted, its answer comes one byte every ``drip_seconds``.
* ``down``: at rate 1 the port refuses connections, open ones are reset, and healing takes the same port again; at a
  lower rate a struck connection is reset before the greeting.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from pathlib import Path
from typing import ClassVar

from infra.local.ports import HOST
from infra.local.standins.faults import TRANSPORT_MODES
from infra.local.standins.smtp_certificates import make_authority, server_context
from infra.local.standins.smtp_session import STATUSES, Plan, Session, Talk
from infra.local.standins.standin import StandIn, reset

CANARY_TO = "canary@example.com"
_USER = "bellhop"


class SmtpStandIn(StandIn):
    """A mail server.

    Attributes:
        received: the accepted mails, oldest first: ``from``, ``to``, ``subject``, ``message_id``, ``headers``,
            ``text``, ``html``, ``raw``.
        canaries: the same of mails to ``CANARY_TO``. Nothing tells before a mail whom a connection is for, so these
            connections take part in what ``rate`` and ``seed`` decide.
        ca_file: the certificate clients must trust, PEM; there between ``start`` and ``stop``.
    """

    name: ClassVar[str] = "smtp"
    modes: ClassVar[tuple[str, ...]] = (*STATUSES, *TRANSPORT_MODES, "bad_certificate", "reject_recipient")

    def __init__(self, *, hang_seconds: float = 120.0, drip_seconds: float = 0.25) -> None:
        super().__init__(hang_seconds=hang_seconds, drip_seconds=drip_seconds)
        self.ca_file = ""
        self._password = secrets.token_urlsafe(12)
        self._plan: Plan | None = None
        self._sessions: set[Session] = set()

    def open(self) -> None:
        """Make the certificates, the trusted one's authority into a file."""
        authority = make_authority()
        with tempfile.NamedTemporaryFile(prefix="bellhop-smtp-", suffix=".pem", delete=False) as file:
            file.write(authority.pem())
        self.ca_file = file.name
        self._plan = Plan(
            user=_USER.encode(),
            password=self._password.encode(),
            trusted=server_context(authority),
            untrusted=server_context(make_authority()),
            hang_seconds=self._hang_seconds,
            drip_seconds=self._drip_seconds,
            received=self.received,
            canaries=self.canaries,
            canary_to=CANARY_TO,
            sessions=self._sessions,
        )

    def close(self) -> None:
        """Remove the certificate."""
        Path(self.ca_file).unlink(missing_ok=True)
        self.ca_file, self._plan = "", None

    def url(self, port: int) -> str:
        """With the account."""
        return f"smtp+starttls://{_USER}:{self._password}@{HOST}:{port}"

    def cut(self) -> bool:
        """Reset every session."""
        sessions = list(self._sessions)
        for session in sessions:
            session.cut()
        return bool(sessions)

    def protocol(self) -> asyncio.BaseProtocol:
        """A protocol for a connection just made, with the mode it meets."""
        if self._plan is None or self._listener is None:
            return _Cut()
        self.requests += 1
        mode = self._switch.strike()
        return _Cut() if mode == "down" else Session(Talk(self._plan, mode))


class _Cut(asyncio.Protocol):
    """A connection that is reset as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reset it."""
        if isinstance(transport, asyncio.Transport):
            reset(transport)
