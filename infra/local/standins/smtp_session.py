"""One connection to the SMTP stand-in: aiosmtpd's protocol, and what goes wrong at which stage."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as Details

from infra.local.standins.standin import reset

_AT_AUTH = {
    "454": "454 4.7.0 Temporary authentication failure",
    "534": "534 5.7.9 Authentication mechanism is too weak",
    "535": "535 5.7.8 Authentication credentials invalid",
}
_AT_MAIL = {
    "530": "530 5.7.0 Authentication required",
    "452": "452 4.3.1 Insufficient system storage",
}
_AT_RCPT = {
    "450": "450 4.2.1 Mailbox busy",
    "550": "550 5.1.1 No such user here",
    "551": "551 5.7.1 User not local",
    "553": "553 5.1.3 Mailbox name not allowed",
}
_AT_END = {
    "451": "451 4.3.0 Local error in processing",
    "552": "552 5.3.4 Message too big",
    "554": "554 5.6.0 Transaction failed",
}
_AT_START = {"421": "421 4.3.2 Service not available, closing transmission channel"}

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's: it warns of itself and of broken connections

STATUSES = tuple(sorted([*_AT_START, *_AT_AUTH, *_AT_MAIL, *_AT_RCPT, *_AT_END]))
"""Every status that is a mode."""


@dataclass(frozen=True)
class Plan:
    """What every connection to one stand-in shares.

    Attributes:
        user: who may log in.
        password: with this.
        trusted: TLS as it should be.
        untrusted: TLS that nobody trusts.
        hang_seconds: how long ``timeout`` keeps a connection.
        drip_seconds: between two bytes in ``slow``.
        received: where accepted mails are kept.
        canaries: where those are kept that go to ``canary_to`` alone.
        canary_to: who gets canaries.
        sessions: the connections there are.
    """

    user: bytes
    password: bytes
    trusted: ssl.SSLContext
    untrusted: ssl.SSLContext
    hang_seconds: float
    drip_seconds: float
    received: list[dict[str, Any]]
    canaries: list[dict[str, Any]]
    canary_to: str
    sessions: set[Session]


class Talk:
    """What the server says at each stage of one connection: aiosmtpd calls the hooks."""

    def __init__(self, plan: Plan, mode: str | None) -> None:
        self.plan = plan
        self.mode = mode or ""
        self._named = 0

    def authenticate(self, _: SMTP, __: Details, ___: Envelope, ____: str, given: Any) -> AuthResult:
        """The one user with the one password."""
        if self.mode in _AT_AUTH:
            return AuthResult(success=False, handled=False, message=_AT_AUTH[self.mode])
        right = (
            isinstance(given, LoginPassword)
            and secrets.compare_digest(given.login, self.plan.user)
            and secrets.compare_digest(given.password, self.plan.password)
        )
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Details, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender."""
        if self.mode in _AT_MAIL:
            return _AT_MAIL[self.mode]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        self._named = 0
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Details, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        self._named += 1
        if self.mode in _AT_RCPT:
            return _AT_RCPT[self.mode]
        if self.mode == "reject_recipient" and self._named == 1:
            return _AT_RCPT["550"]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: Session, _: Details, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep the mail, or do not."""
        if self.mode in _AT_END:
            return _AT_END[self.mode]
        if self.mode == "timeout":
            await asyncio.sleep(self.plan.hang_seconds)
        if self.mode in ("timeout", "reset"):
            server.cut()
            await asyncio.get_running_loop().create_future()  # the connection's end ends this
        canary = envelope.rcpt_tos == [self.plan.canary_to]
        (self.plan.canaries if canary else self.plan.received).append(parsed(envelope))
        if self.mode == "unanswered":
            server.cut()
            await asyncio.get_running_loop().create_future()  # as above
        answer = f"250 2.0.0 OK: queued as {secrets.token_hex(48)}"  # long, so that dripping it takes long
        if self.mode == "slow":
            await server.drip(answer.encode(), self.plan.drip_seconds)
            return ""
        return answer

    async def handle_exception(self, error: Exception) -> str:
        """A client that broke off TLS, or said what cannot be understood."""
        return f"500 5.5.0 {type(error).__name__}"


class Session(SMTP):
    """A connection, from its greeting to its end."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        super().__init__(
            talk,
            hostname="localhost",
            ident="Bellhop's stand-in",
            tls_context=talk.plan.untrusted if talk.mode == "bad_certificate" else talk.plan.trusted,
            require_starttls=True,
            auth_required=True,
            authenticator=talk.authenticate,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Known from now on; called again when TLS has begun."""
        self._talk.plan.sessions.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forgotten."""
        super().connection_lost(error)
        self._talk.plan.sessions.discard(self)

    def cut(self) -> None:
        """Reset the connection."""
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.Transport):
            reset(transport)

    async def drip(self, text: bytes, seconds: float) -> None:
        """Send a byte at a time."""
        for byte in text:
            self._writer.write(bytes([byte]))
            await self._writer.drain()
            await asyncio.sleep(seconds)

    async def _handle_client(self) -> None:
        """Greet and serve, unless there is no service."""
        if self._talk.mode in _AT_START:
            await self.push(_AT_START[self._talk.mode])
            self._writer.close()
            return
        await super()._handle_client()


def parsed(envelope: Envelope) -> dict[str, Any]:
    """A mail as JSON: the envelope's sender and recipients, and the message's parts as a mail program shows them."""
    raw = envelope.content if isinstance(envelope.content, bytes) else b""
    message = message_from_bytes(raw, policy=default)

    return {
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "subject": str(message["Subject"] or ""),
        "message_id": str(message["Message-ID"] or ""),
        "headers": {name: str(value) for name, value in message.items()},
        "text": _text(message, "plain"),
        "html": _text(message, "html"),
        "raw": raw.decode("utf-8", "replace"),
    }


def _text(message: EmailMessage, kind: str) -> str | None:
    """The body of a kind; None where there is none or it cannot be read."""
    found = message.get_body((kind,))
    try:
        return None if found is None else str(found.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError):
        return None
