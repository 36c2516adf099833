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
import socket
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from infra.local.standins.faults import TRANSPORT_MODES, Fault, FaultSwitch
from infra.local.standins.http_standin import _bound, _reset
from infra.local.standins.smtp_certificates import make_authority, server_context
from infra.local.standins.smtp_session import STATUSES, Plan, Session, Talk

CANARY_TO = "canary@example.com"
_HOST = "127.0.0.1"
_USER = "bellhop"


class SmtpStandIn:
    """A mail server on a loopback port that can be broken and healed; see ``HttpStandIn``, whose interface it has.

    Attributes:
        name: what ``/_local/{name}/…`` calls it.
        modes: every mode ``set_fault`` takes, the commonest first.
        received: the accepted mails, oldest first: ``from``, ``to``, ``subject``, ``message_id``, ``headers``,
            ``text``, ``html``, ``raw``.
        canaries: the same of mails to ``CANARY_TO``. Nothing tells before a mail whom a connection is for, so these
            connections take part in what ``rate`` and ``seed`` decide.
        requests: how many connections reached it.
        ca_file: the certificate clients must trust, PEM; there between ``start`` and ``stop``.
    """

    name: ClassVar[str] = "smtp"
    modes: ClassVar[tuple[str, ...]] = (*STATUSES, *TRANSPORT_MODES, "bad_certificate", "reject_recipient")

    def __init__(self, *, hang_seconds: float = 120.0, drip_seconds: float = 0.25) -> None:
        self.received: list[dict[str, Any]] = []
        self.canaries: list[dict[str, Any]] = []
        self.requests = 0
        self.ca_file = ""
        self._password = secrets.token_urlsafe(12)
        self._waits = (hang_seconds, drip_seconds)
        self._switch = FaultSwitch()
        self._changing = asyncio.Lock()
        self._plan: Plan | None = None
        self._sessions: set[Session] = set()
        self._port = 0
        self._listener: asyncio.Server | None = None
        self._reserved: socket.socket | None = None  # keeps the port while down: bound, not listening

    @property
    def fault(self) -> Fault | None:
        """What is broken now; None while it is well."""
        return self._switch.fault

    async def start(self) -> str:
        """Listen on a free loopback port; the URL a client is configured with.

        Raises:
            RuntimeError: it was started before and not stopped.
        """
        async with self._changing:
            if self._plan is not None:
                raise RuntimeError("the smtp stand-in is already started")
            authority = make_authority()
            with tempfile.NamedTemporaryFile(prefix="bellhop-smtp-", suffix=".pem", delete=False) as file:
                file.write(authority.pem())
            self.ca_file = file.name
            self._plan = Plan(
                user=_USER.encode(),
                password=self._password.encode(),
                trusted=server_context(authority),
                untrusted=server_context(make_authority()),
                hang_seconds=self._waits[0],
                drip_seconds=self._waits[1],
                received=self.received,
                canaries=self.canaries,
                canary_to=CANARY_TO,
                sessions=self._sessions,
            )
            self._reserved = _bound(0)
            self._port = int(self._reserved.getsockname()[1])
            self._switch.set(None)
            await self._listen()
        return f"smtp+starttls://{_USER}:{self._password}@{_HOST}:{self._port}"

    async def stop(self) -> None:
        """Give up the port and end every connection at once; no task, socket or file is left. Safe to repeat."""
        async with self._changing:
            await self._refuse_connections()
            if self._reserved is not None:
                self._reserved.close()
                self._reserved = None
            self._forget_certificate()
            self._plan = None

    def _forget_certificate(self) -> None:
        if self.ca_file:
            Path(self.ca_file).unlink(missing_ok=True)
            self.ca_file = ""

    async def set_fault(self, fault: Fault) -> None:
        """Break it, from the next connection on; with ``down`` at rate 1, open ones are cut off too.

        Raises:
            ValueError: the mode is none of this stand-in's.
            RuntimeError: it is not started.
        """
        if fault.mode not in self.modes:
            raise ValueError(f"{fault.mode!r} is not a mode of the {self.name} stand-in")
        await self._change(fault)

    async def heal(self) -> None:
        """Serve as usual from the next connection on, on the same port."""
        await self._change(None)

    async def _change(self, fault: Fault | None) -> None:
        async with self._changing:
            if self._plan is None:
                raise RuntimeError("the smtp stand-in is not started")
            self._switch.set(fault)
            if fault is not None and fault.mode == "down" and fault.rate >= 1:
                await self._refuse_connections()
            else:
                await self._listen()

    async def _listen(self) -> None:
        if self._reserved is None or self._plan is None:
            return
        self._listener = await asyncio.get_running_loop().create_server(self._session, sock=self._reserved)
        self._reserved = None

    def _session(self) -> asyncio.Protocol:
        """A protocol for a connection just made, with the mode it meets."""
        if self._plan is None or self._listener is None:
            return _Cut()
        self.requests += 1
        mode = self._switch.strike()
        return _Cut() if mode == "down" else Session(Talk(self._plan, mode))

    async def _refuse_connections(self) -> None:
        """Close the listening socket, keep its port, reset what is connected and wait until it is over."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self._reserved = _bound(self._port)
        await asyncio.sleep(0)  # a connection accepted in this turn of the loop is counted only in the next
        while self._sessions:
            for session in list(self._sessions):
                session.cut()
            await asyncio.sleep(0)


class _Cut(asyncio.Protocol):
    """A connection that is reset as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reset it."""
        if isinstance(transport, asyncio.Transport):
            _reset(transport)
