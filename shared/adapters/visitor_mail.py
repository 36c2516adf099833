"""E-mail to a visitor: like e-mail to the team (``smtp``), but to the address in the alert, and at most once.

Just before DATA the flow is told (``Message.before_data``); where it could not write that down nothing is sent. A
server that knows no such mailbox (550, 551, 553 after RCPT; RFC 5321, 4.2.3) has bounced it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from shared.adapters.followup_mail import FollowupMail
from shared.adapters.smtp import Email, Ended, OneAttempt, SmtpClient, classify
from shared.domain.alert import FOLLOWUP
from shared.domain.delivery import BOUNCED
from shared.domain.outcome import Outcome, Rejected, Retry
from shared.errors import StorageError
from shared.mail_settings import SmtpServer, valid_address
from shared.ports import Message

NO_MAILBOX = frozenset({550, 551, 553})


class VisitorMail(Email):
    """``shared.ports.Channel`` for follow-ups."""

    def __init__(self, server: SmtpServer, *, mail_from: str, mails: FollowupMail, ca_file: str | None = None) -> None:
        """See ``Email``; ``mails`` makes the messages."""
        super().__init__(server, mail_from=mail_from, to=(), ca_file=ca_file)
        self._mails = mails

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Submit one message; see ``shared.ports.Channel``."""
        if not valid_address(str(message.payload["email"])):
            return Rejected(f"{BOUNCED}_address")  # valid, but not in ASCII: this server's protocol cannot carry it
        return self._attempted(message, deadline)

    def _submit(self, message: Message, attempt: OneAttempt) -> Outcome:
        to = str(message.payload["email"])
        letter = self._mails.mail(message, to=to, now=message.now or datetime.now(UTC))
        client = SmtpClient(self._server, attempt, self._tls)
        try:
            client.open_session()
            client.expect_2xx("MAIL", f"FROM:<{self._from.addr_spec}>")
            code, _ = client.docmd("RCPT", f"TO:<{to}>")
            if code // 100 != 2:  # noqa: PLR2004 - SMTP's own number
                raise Ended(Rejected(f"{BOUNCED}_{code}") if code in NO_MAILBOX else classify(code, "recipient"))
            self._tell(message)
            return client.submit(letter)
        finally:
            client.part()

    @staticmethod
    def _tell(message: Message) -> None:
        try:
            if message.before_data is not None:
                message.before_data()
        except StorageError:
            raise Ended(Retry("not_recorded")) from None


class Mailing:
    """E-mail as one channel: follow-ups to visitors, everything else to the team."""

    def __init__(self, team: Email, visitors: VisitorMail | None) -> None:
        """Args: visitors: None where what follow-ups need is not configured."""
        self._team = team
        self._visitors = visitors

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """See ``shared.ports.Channel``."""
        if message.kind != FOLLOWUP:
            return self._team.send(message, deadline=deadline)
        if self._visitors is None:
            return Rejected("links_not_configured")
        return self._visitors.send(message, deadline=deadline)
