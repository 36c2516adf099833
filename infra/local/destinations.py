"""The stand-ins of one local system, of destinations and of a language model, and the settings that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from infra.local.standins.model import MODEL, ModelStandIn
from infra.local.standins.monday import MondayStandIn
from infra.local.standins.slack import SlackStandIn
from infra.local.standins.smtp import CANARY_TO, SmtpStandIn
from infra.local.standins.standin import StandIn
from infra.local.standins.webhook import WebhookStandIn
from infra.local.wiring import switched_on
from shared.config import Settings

MAIL_FROM = "Bellhop <bellhop@example.com>"
ESCALATION_EMAIL_TO = "team@example.com"

_SECRETS = frozenset(item.metadata["name"] for item in fields(Settings) if item.metadata["secret"])


class Destinations:
    """Slack, Monday.com, a mail server, a webhook's receiver and a language model, started and stopped together.

    Attributes:
        by_name: what ``/_local/{name}/…`` calls them.
    """

    def __init__(self) -> None:
        self._slack = SlackStandIn()
        self._monday = MondayStandIn()
        self._smtp = SmtpStandIn()
        self._webhook = WebhookStandIn()
        self._model = ModelStandIn()
        every: tuple[StandIn, ...] = (
            self._slack,
            self._monday,
            self._smtp,
            self._webhook,
            self._model,
        )
        self.by_name: Mapping[str, StandIn] = {standin.name: standin for standin in every}
        self._of_each: tuple[dict[str, str], ...] = ()
        self._of_canaries: tuple[tuple[str, dict[str, str]], ...] = ()
        self._of_model: dict[str, str] = {}

    async def start(self) -> None:
        """Listen, each on a free loopback port."""
        urls = {name: await standin.start() for name, standin in self.by_name.items()}
        self._of_model = {"LLM_BASE_URL": urls["model"], "LLM_MODEL": MODEL, "LLM_API_KEY": self._model.key}
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

        self._of_canaries = (
            ("SLACK_WEBHOOK_URL", {"CANARY_SLACK_WEBHOOK_URL": _at(urls["slack"], self._slack.canary_path)}),
            ("MONDAY_API_KEY", {"CANARY_MONDAY_GROUP_ID": self._monday.CANARIES}),
            ("SMTP_URL", {"CANARY_EMAIL_TO": CANARY_TO}),
            ("WEBHOOK_URL", {"CANARY_WEBHOOK_URL": _at(urls["webhook"], self._webhook.canary_path)}),
        )

    @property
    def canaries(self) -> list[dict[str, Any]]:
        """What was accepted at the targets for canaries, destination by destination, oldest first."""
        return [
            {"destination": name, "shown": shown}
            for name, standin in self.by_name.items()
            for shown in standin.canaries
        ]

    def forget_canaries(self) -> None:
        """As if none had come."""
        for standin in self.by_name.values():
            standin.canaries.clear()

    async def stop(self) -> None:
        """Give up every port. Safe to repeat, and after a start that failed half-way."""
        for standin in self.by_name.values():
            await standin.stop()

    def settings(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What the functions are configured with to send here.

        Where ``environ`` has a secret of a destination, somebody means their own: nothing of the stand-in is mixed into
        that, neither its certificate nor its board nor its target for canaries. The model is asked only where
        ``BELLHOP_MODEL=1`` says so, as answers are otherwise those of the knowledge alone, and where ``environ`` has
        none of its own.
        """
        own = {name for name, value in environ.items() if name in _SECRETS and value.strip()}
        model = self._of_model if wants_model(environ) else {}
        each_own = (*self._of_each, model)
        filled = {name: value for each in each_own if not own & each.keys() for name, value in each.items()}
        for channel, target in self._of_canaries:
            if channel in filled:
                filled |= target
        return filled


def _at(url: str, path: str) -> str:
    """Another path at the same address."""
    return urlsplit(url)._replace(path=path).geturl()


def wants_model(environ: Mapping[str, str]) -> bool:
    """Whether ``BELLHOP_MODEL`` asks for the stand-in of a language model, and no other one is configured.

    Raises:
        ValueError: it is neither on nor off.
    """
    own = any(environ.get(name, "").strip() for name in ("LLM_BASE_URL", "LLM_MODEL"))
    return switched_on("BELLHOP_MODEL", environ) and not own
