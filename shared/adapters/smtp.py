"""E-mail to the team as a channel: one message submitted to one mail server, within one deadline.

Sources: RFC 5321 (dialogue and codes), RFC 4954 (530, 534, 535, AUTH), RFC 3207 (STARTTLS), destinations.md (outcomes).

Who gets it stands in the settings alone: the envelope is never read from the message. Some of several recipients
refused: the message goes to the others, says there who did not get it, and is Delivered, because the team hears of the
alert, and a repeat would be a second copy to those who have it. All refused: if one may be taken later it is a
Retry, else what a refusal means. Nothing is ever sent, and nobody logged in, without the TLS the URL asks for.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import BinaryIO, Literal

from shared.adapters.deadline import Deadline
from shared.adapters.mail_message import mail
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.errors import ConfigError
from shared.mail_settings import SmtpServer, sender, valid_address
from shared.ports import Message

Stage = Literal["session", "recipient", "message", "answer"]
"""What a code answers: greeting to MAIL, RCPT, the command DATA, or the message's final dot."""

BLOCKED = frozenset({521, 523, 530, 534, 535, 538})
"""The server takes no mail, or not from us as we are: a login, its mechanism or encryption is asked for."""

SECONDS_TO_CONNECT = 0.2
SECONDS_TO_PART = 1.0
LONGEST_LINE = 2048
MOST_LINES = 100

_NO_SUCH_HOST = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class Email:
    """``shared.ports.Channel`` for one mail server and the team's addresses."""

    def __init__(self, server: SmtpServer, *, mail_from: str, to: tuple[str, ...], ca_file: str | None = None) -> None:
        """Check what can be checked without the server.

        Args:
            server: where to submit.
            mail_from: the sender, ``address`` or ``Name <address>``.
            to: the recipients' addresses.
            ca_file: certificates that are trusted instead of the system's, PEM.

        Raises:
            ConfigError: ``SMTP_CA_FILE`` or ``MAIL_FROM`` cannot be used.
        """
        self._server = server
        self._to = to
        try:
            self._from = sender(mail_from)
        except ValueError:
            raise ConfigError(f"MAIL_FROM: was {mail_from!r}; takes an e-mail address") from None
        try:
            self._tls = None if server.scheme == "smtp" else ssl.create_default_context(cafile=ca_file)
        except OSError:
            raise ConfigError(f"SMTP_CA_FILE: was {ca_file!r}; takes a readable file of PEM certificates") from None

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Submit one message; see ``shared.ports.Channel``."""
        if not any(valid_address(address) for address in self._to):
            return Rejected("address_invalid")
        return self._attempted(message, deadline)

    def _attempted(self, message: Message, deadline: float) -> Outcome:
        if deadline - time.monotonic() < SECONDS_TO_CONNECT:
            return Retry("no_time_left")
        attempt = OneAttempt(deadline)
        with attempt.kept():
            return self._outcome(message, attempt)

    def _outcome(self, message: Message, attempt: OneAttempt) -> Outcome:
        """The one place where smtplib's and the socket's errors become outcomes."""
        try:
            return self._submit(message, attempt)
        except Ended as ended:
            return ended.outcome
        except smtplib.SMTPResponseException as error:
            return Unknown("unexpected_answer") if attempt.left else classify(error.smtp_code, "session")
        except smtplib.SMTPNotSupportedError:
            return Blocked("starttls_not_offered")
        except OSError as error:  # smtplib's other errors are OSErrors too
            return _broken(error, attempt)

    def _submit(self, message: Message, attempt: OneAttempt) -> Outcome:
        client = SmtpClient(self._server, attempt, self._tls)
        try:
            client.open_session()
            client.expect_2xx("MAIL", f"FROM:<{self._from.addr_spec}>")
            missed = self._name_recipients(client)
            now = message.now or datetime.now(UTC)
            to = [address for address in self._to if valid_address(address)]
            return client.submit(mail(message, mail_from=self._from, to=to, now=now, missed=missed))
        finally:
            client.part()

    def _name_recipients(self, client: SmtpClient) -> Mapping[str, str]:
        """Say who gets it; those who do not, each with its code. Ends the attempt when nobody does."""
        missed: dict[str, str] = {}
        outcomes: list[Outcome] = []
        for address in self._to:
            if not valid_address(address):
                missed[address] = "invalid address"
                continue
            code, _ = client.docmd("RCPT", f"TO:<{address}>")
            if code // 100 != 2:  # noqa: PLR2004 - SMTP's own number
                missed[address] = str(code)
                outcomes.append(classify(code, "recipient"))
        if len(missed) < len(self._to):
            return missed
        order = (Retry, Blocked, Rejected)
        raise Ended(min(outcomes, key=lambda outcome: order.index(type(outcome))))


def classify(code: int, stage: Stage) -> Outcome:
    """What a server's code means: the one table of it.

    Codes of the table in destinations.md mean what stands there. What it does not list is read by RFC 5321, 4.2.1: a
    5xx about the recipient or the message refuses this alert, one about us (greeting, EHLO, STARTTLS, AUTH, MAIL)
    would refuse every alert. 552 is about the message wherever it comes.
    """
    cause = f"smtp_{code}"
    match code // 100:
        case 2 if stage == "answer":
            return Delivered()
        case 4:
            return Retry(cause)
        case 5 if code in BLOCKED:
            return Blocked(cause)
        case 5:
            return Blocked(cause) if stage == "session" and code != 552 else Rejected(cause)  # noqa: PLR2004
        case _:
            return Unknown("unexpected_answer") if stage == "answer" else Retry("unexpected_answer")


class Ended(Exception):  # noqa: N818 - it is no error
    """The attempt is over, and this is what it came to."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class OneAttempt(Deadline):
    """The deadline of one attempt, and whether the message has begun to leave."""

    left = False


class SmtpClient(smtplib.SMTP):
    """smtplib's commands over a connection that ends at the deadline."""

    def __init__(self, server: SmtpServer, attempt: OneAttempt, tls: ssl.SSLContext | None) -> None:
        """Connect and read the greeting; raises what ``smtplib.SMTP`` raises."""
        self._server = server
        self._attempt = attempt
        self._tls = tls
        super().__init__(server.host, server.port, local_hostname="localhost")
        self.local_hostname = _literal(self.sock.getsockname()[0]) if self.sock else "localhost"

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        del timeout  # the attempt's own
        connection = self._attempt.connect(host, port, options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
        if self._tls is not None and self._server.scheme == "smtps":
            return self._tls.wrap_socket(connection, server_hostname=host)
        return connection

    def getreply(self) -> tuple[int, bytes]:
        """A whole reply: its code (-1 if it has none) and its lines.

        smtplib would take a line that broke off for an answer, and would read lines without end.

        Raises:
            smtplib.SMTPServerDisconnected: it did not come whole.
            OSError: likewise.
        """
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        if self.file is None:
            self.file = self.sock.makefile("rb")
        try:
            return _reply(self.file)
        except OSError:
            self.close()  # the constructor, which reads the greeting, leaves nobody else to do it
            raise

    def open_session(self) -> None:
        """EHLO, STARTTLS where the URL asks for it, EHLO again, AUTH where it has a user."""
        self.expect_2xx("EHLO")
        if self._server.scheme == "smtp+starttls":
            self.starttls(context=self._tls)
            self.expect_2xx("EHLO")
        if self._server.user is not None:
            self._log_in(self._server.user, self._server.password or "")

    def expect_2xx(self, command: str, argument: str = "") -> None:
        """Send a command; anything but success ends the attempt."""
        code, _ = self.ehlo() if command == "EHLO" else self.docmd(command, argument)
        if code // 100 != 2:  # noqa: PLR2004 - SMTP's own number
            raise Ended(classify(code, "session"))

    def submit(self, message: bytes) -> Outcome:
        """Send the message after DATA and say what its answer means."""
        code, _ = self.docmd("DATA")
        if code != 354:  # noqa: PLR2004 - SMTP's own number
            return classify(code, "message")
        self._attempt.left = True
        ending = b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"
        self.send(re.sub(rb"(?m)^\.", b"..", message) + ending)
        code, _ = self.getreply()
        return classify(code, "answer")

    def part(self) -> None:
        """Say QUIT and hear the answer, if it comes soon; whatever happens here changes nothing."""
        with contextlib.suppress(OSError):
            if self.sock is not None and not self._attempt.over:
                self.sock.settimeout(min(SECONDS_TO_PART, max(self._attempt.remaining(), 0.001)))
                self.putcmd("QUIT")
                if self.sock is not None:
                    self.sock.recv(512)
        with contextlib.suppress(OSError):
            self.close()

    def _log_in(self, user: str, password: str) -> None:
        """One mechanism, once: smtplib would try the next one on a connection that a refusal may have closed.

        smtplib also takes ASCII passwords only; RFC 4616 says UTF-8.
        """
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            code, _ = self.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}")
        elif "LOGIN" in offered:
            code, _ = self.docmd("AUTH", "LOGIN")
            for answer in (user, password):
                if code == 334:  # noqa: PLR2004 - SMTP's own number
                    code, _ = self.docmd(_base64(answer))
        else:
            raise Ended(Blocked("authentication_not_offered"))
        if code != 235:  # noqa: PLR2004 - SMTP's own number
            raise Ended(classify(code, "session"))


def _broken(error: OSError, attempt: OneAttempt) -> Outcome:
    """What a connection's failure means; before the message began to leave, nothing can have been sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Blocked("certificate")
    if isinstance(error, socket.gaierror):
        return Blocked("host_not_found") if error.errno in _NO_SUCH_HOST else Retry("name_not_resolved")
    late = attempt.over or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
    if attempt.left:
        return Unknown("timeout" if late else "connection_broken")
    if late:
        return Retry("timeout")
    if isinstance(error, ssl.SSLError):
        return Retry("tls_failed")
    return Retry("connection_broken" if isinstance(error, smtplib.SMTPException) else "connection_failed")


def _reply(lines: BinaryIO) -> tuple[int, bytes]:
    said: list[bytes] = []
    for _ in range(MOST_LINES):
        line = lines.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            break
        said.append(line[4:].strip())
        if line[3:4] != b"-":
            return (int(line[:3]) if re.match(rb"[2-5][0-9]{2}", line) else -1), b"\n".join(said)
    raise smtplib.SMTPServerDisconnected("no whole reply")


def _literal(address: str) -> str:
    """How a host without a name of its own introduces itself (RFC 5321, 4.1.3)."""
    plain = address.split("%", 1)[0]
    return f"[IPv6:{plain}]" if ipaddress.ip_address(plain).version == 6 else f"[{plain}]"  # noqa: PLR2004


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
