"""Every setting of the functions: its environment variable, what it takes, and what it means.

One frozen dataclass is made from the environment at start-up. A wrong value stops the function with a message that
names the variable, what it was and what it takes; all mistakes are told at once. Secrets never show in a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from shared import webhook_settings
from shared.errors import ConfigError
from shared.settings.canary import CanarySettings
from shared.settings.channels import ChannelsSettings
from shared.settings.chat import ChatSettings
from shared.settings.delivery import DeliverySettings
from shared.settings.identity import IdentitySettings
from shared.settings.kinds import CHANNELS, Limits
from shared.settings.limits import LimitsSettings
from shared.settings.rights import RightsSettings

__all__ = ["CHANNELS", "LEASE_MARGIN_SECONDS", "NEEDED", "Limits", "Settings", "from_environment"]

NEEDED: Mapping[str, tuple[str, ...]] = {
    "email": ("SMTP_URL", "MAIL_FROM", "ESCALATION_EMAIL_TO"),
    "slack": ("SLACK_WEBHOOK_URL",),
    "webhook": ("WEBHOOK_URL", "WEBHOOK_SECRET"),
    "monday": ("MONDAY_API_KEY", "MONDAY_BOARD_ID", "MONDAY_COLUMNS"),
    "apprise": ("APPRISE_URLS",),
}
"""A channel → what it cannot do without; whoever sets the first of them means to use it."""

LEASE_MARGIN_SECONDS = 1.0
"""What a lease must leave beside the destination's deadline, for the commits around the sending."""


@dataclass(frozen=True, eq=False)
class Settings(
    IdentitySettings, LimitsSettings, ChannelsSettings, ChatSettings, DeliverySettings, RightsSettings, CanarySettings
):
    """What the environment says, checked. A field is None only where nothing was set and there is no default."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are configured, in the order of ``CHANNELS``."""
        return tuple(name for name in CHANNELS if not self._missing(*NEEDED[name]))

    @property
    def canary_channels(self) -> tuple[str, ...]:
        """The channels of leads that have a target for canaries."""
        targets = {
            "slack": self.canary_slack_webhook_url,
            "monday": self.canary_monday_group_id or self.canary_monday_board_id,
            "email": self.canary_email_to,
            "webhook": self.canary_webhook_url,
        }
        return tuple(name for name in self.lead_channels or () if targets[name])

    def require(self, *names: str) -> None:
        """Insist on settings that this function cannot do without.

        Args:
            names: environment variables.

        Raises:
            ConfigError: names every one that is missing.
        """
        docs = {item.metadata["name"]: item.metadata["doc"] for item in fields(self)}
        if missing := self._missing(*names):
            raise ConfigError("\n".join(f"{name}: is not set. {docs[name]}" for name in missing))

    def require_channels(self) -> None:
        """Insist that every channel named can send, and that each one's failures reach a person through another.

        For functions that send; the others know the channels' names only.

        Raises:
            ConfigError: a line for each mistake, which begins with ``LEAD_CHANNELS`` or ``ESCALATION_CHANNELS``.
        """
        self.require("LEAD_CHANNELS", "ESCALATION_CHANNELS")
        named = {"LEAD_CHANNELS": self.lead_channels, "ESCALATION_CHANNELS": self.escalation_channels}
        wrong = [
            f"{name}: was {', '.join(listed)!r}; {channel} is not configured: set {', '.join(missing)}"
            for name, listed in named.items()
            for channel in listed
            if (missing := self._missing(*NEEDED[channel]))
        ]
        wrong += [
            f"ESCALATION_CHANNELS: was {', '.join(self.escalation_channels)!r}; takes a channel other than {channel} "
            "too: an alert that cannot be delivered must reach a person another way"
            for channel in self.lead_channels
            if not set(self.escalation_channels) - {channel}
        ]
        if wrong:
            raise ConfigError("\n".join(wrong))

    def _missing(self, *names: str) -> tuple[str, ...]:
        return tuple(name for name in names if getattr(self, _FIELD[name]) is None)


_FIELD = {item.metadata["name"]: item.name for item in fields(Settings)}


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read and check the settings; an empty variable counts as not set.

    Raises:
        ConfigError: one line for each mistake: the variable, what it was (not for secrets), and what it takes.
    """
    given = {name: value for name, value in environ.items() if value.strip()}
    wrong: list[str] = []
    values: dict[str, Any] = {}
    for item in fields(Settings):
        text = given.get(item.metadata["name"], item.metadata["default"])
        if text is None:
            continue
        try:
            values[item.name] = item.metadata["parse"](text.strip())
        except ValueError as error:
            shown = "(secret)" if item.metadata["secret"] else repr(text)
            wrong.append(f"{item.metadata['name']}: was {shown}; takes {error}")
    wrong += _between(values, set(given))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return _completed(values)


def _between(values: dict[str, Any], given: set[str]) -> list[str]:
    """What is wrong between settings that are right by themselves; puts the webhook's URL in its final form."""
    wrong = [
        f"{name}: is not set, but {needed[0]} is; the channel {channel} needs both"
        for channel, needed in NEEDED.items()
        for name in needed
        if needed[0] in given and name not in given
    ]
    wrong += [
        f"{lacking}: is not set, but {named} is; a language model needs both"
        for named, lacking in (("LLM_BASE_URL", "LLM_MODEL"), ("LLM_MODEL", "LLM_BASE_URL"))
        if _FIELD[named] in values and lacking not in given
    ]
    wrong += _between_rights(values, given)
    if {"ESCALATION_CHANNEL", "ESCALATION_CHANNELS"} <= given:
        wrong.append("ESCALATION_CHANNEL: is set, and ESCALATION_CHANNELS too; takes one of the two")
    deadline, lease = values.get("destination_deadline_seconds"), values.get("lease_seconds")
    if deadline and lease and deadline + LEASE_MARGIN_SECONDS > lease:
        wrong.append(
            f"DESTINATION_DEADLINE_SECONDS: was {deadline:g}; takes at most LEASE_SECONDS ({lease:g}) less "
            f"{LEASE_MARGIN_SECONDS:g}"
        )
    for name in ("webhook_url", "canary_webhook_url"):
        if name not in values or "webhook_allowed_private" not in values:
            continue
        try:
            values[name] = webhook_settings.parse_webhook_url(values[name], values["webhook_allowed_private"])
        except ValueError as error:
            wrong.append(f"{name.upper()}: was (secret); takes {error}")
    return wrong


def _between_rights(values: dict[str, Any], given: set[str]) -> list[str]:
    """What is wrong between the limits of the other public endpoints, and between the parts of a signature."""
    wrong = []
    hour, minute = (values.get(f"api_rate_limit_{name}", Limits(())) for name in ("hour", "minute"))
    if {seconds for _, seconds in hour.pairs} & {seconds for _, seconds in minute.pairs}:
        wrong.append("API_RATE_LIMIT_MINUTE: has a window as long as one of API_RATE_LIMIT_HOUR; takes another one")
    signing = {"DKIM_KEY", "DKIM_SELECTOR", "DKIM_DOMAIN"}
    if there := sorted(signing & given):
        wrong += [
            f"{name}: is not set, but {there[0]} is; a signature needs all of DKIM_*"
            for name in sorted(signing - given)
        ]
    return wrong


def _completed(values: dict[str, Any]) -> Settings:
    """The settings, with the channels that follow from what is configured where none are named."""
    configured = Settings(**values).channels
    leads = tuple(name for name in ("slack", "monday") if name in configured)
    if "escalation_channel" in values:
        values["escalation_channels"] = (values["escalation_channel"],)
    by_default = {"lead_channels": leads or None, "escalation_channels": configured or None}
    return Settings(**by_default | values)
