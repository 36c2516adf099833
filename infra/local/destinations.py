"""The destinations' stand-ins of one local system, and the settings with which the functions send to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from urllib.parse import urlsplit

from infra.local.standins.http_standin import HttpStandIn
from infra.local.standins.monday import MondayStandIn
from infra.local.standins.slack import SlackStandIn
from infra.local.standins.smtp import SmtpStandIn
from infra.local.standins.webhook import WebhookStandIn
from shared.config import Settings

MAIL_FROM = "Bellhop <bellhop@example.com>"
ESCALATION_EMAIL_TO = "team@example.com"

_SECRETS = frozenset(item.metadata["name"] for item in fields(Settings) if item.metadata["secret"])


class Destinations:
    """Slack, Monday.com, a mail server and a webhook's receiver, started and stopped together.

    Attributes:
        by_name: what ``/_local/{name}/…`` calls them.
    """

    def __init__(self) -> None:
        self._slack = SlackStandIn()
        self._monday = MondayStandIn()
        self._smtp = SmtpStandIn()
        self._webhook = WebhookStandIn()
        every: tuple[HttpStandIn | SmtpStandIn, ...] = (self._slack, self._monday, self._smtp, self._webhook)
        self.by_name: Mapping[str, HttpStandIn | SmtpStandIn] = {standin.name: standin for standin in every}
        self._of_each: tuple[dict[str, str], ...] = ()

    async def start(self) -> None:
        """Listen, each on a free loopback port."""
        urls = {name: await standin.start() for name, standin in self.by_name.items()}
        self._of_each = (
            {"SLACK_WEBHOOK_URL": urls["slack"]},
            dict(self._monday.settings),
            {
                "SMTP_URL": urls["smtp"],
                "SMTP_CA_FILE": self._smtp.ca_file,
                "MAIL_FROM": MAIL_FROM,
                "ESCALATION_EMAIL_TO": ESCALATION_EMAIL_TO,
            },
            {
                "WEBHOOK_URL": urls["webhook"],
                "WEBHOOK_SECRET": self._webhook.secret,
                "WEBHOOK_ALLOWED_PRIVATE": urlsplit(urls["webhook"]).netloc,
            },
        )

    async def stop(self) -> None:
        """Give up every port. Safe to repeat, and after a start that failed half-way."""
        for standin in self.by_name.values():
            await standin.stop()

    def settings(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What the functions are configured with to send here.

        Where ``environ`` has a secret of a destination, somebody means their own: nothing of the stand-in is mixed into
        that, neither its certificate nor its board.
        """
        own = {name for name, value in environ.items() if name in _SECRETS and value.strip()}
        return {name: value for each in self._of_each if not own & each.keys() for name, value in each.items()}
