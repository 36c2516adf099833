"""Every setting of the functions: its environment variable, what it takes, and what it means.

One frozen dataclass is made from the environment at start-up. A wrong value stops the function with a message that
names the variable, what it was and what it takes; all mistakes are told at once. Secrets never show in a repr.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from shared import apprise_settings, mail_settings, webhook_settings
from shared import setting_kinds as kinds
from shared.errors import ConfigError
from shared.mail_settings import SmtpServer
from shared.setting_kinds import CHANNELS, LEAD_CHANNELS, Limits
from shared.webhook_settings import Pairs, WebhookUrl

__all__ = ["CHANNELS", "LEASE_MARGIN_SECONDS", "NEEDED", "REFUSED", "Limits", "Settings", "from_environment"]

NEEDED: Mapping[str, tuple[str, ...]] = {
    "email": ("SMTP_URL", "MAIL_FROM", "ESCALATION_EMAIL_TO"),
    "slack": ("SLACK_WEBHOOK_URL",),
    "webhook": ("WEBHOOK_URL", "WEBHOOK_SECRET"),
    "monday": ("MONDAY_API_KEY", "MONDAY_BOARD_ID", "MONDAY_COLUMNS"),
    "apprise": ("APPRISE_URLS",),
}
"""A channel → what it cannot do without; whoever sets the first of them means to use it."""

REFUSED = {
    "API_RATE_LIMIT_HOUR": "limits of endpoints other than chat",
    "API_RATE_LIMIT_MINUTE": "limits of endpoints other than chat",
}
"""Settings that promise what this version does not do: they are refused, never ignored."""

LEASE_MARGIN_SECONDS = 1.0
"""What a lease must leave beside the destination's deadline, for the commits around the sending."""

_account = kinds.matching(r"[^@\s]+@[^@\s]+", "a service account's e-mail address")
_token = kinds.matching(r"[\x21-\x7e]+", "visible ASCII characters")
_board = kinds.matching(r"[0-9]{1,20}", "the board's number")
_model = kinds.matching(r"[\x21-\x7e]{1,200}", "the model's name, visible ASCII characters")
_group = kinds.matching(r"[^\s\x00-\x1f\x7f]{1,255}", "the group's id, without spaces")


def _setting(
    name: str, doc: str, parse: Callable[[str], Any] = kinds.text, default: str | None = None, *, secret: bool = False
) -> Any:
    """A field read from the variable ``name``; ``default`` is written as it would be in the environment."""
    metadata = {"name": name, "doc": doc, "parse": parse, "default": default, "secret": secret}
    return field(default=None, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """What the environment says, checked. A field is None only where nothing was set and there is no default."""

    project: str = _setting("GOOGLE_CLOUD_PROJECT", "The Google Cloud project.")
    region: str = _setting("REGION", "Where the queues are.", default="europe-west1")
    chat_rate_limit: Limits = _setting("CHAT_RATE_LIMIT", "Chat messages of one client.", kinds.limits, "30 per minute")
    chat_daily_budget: int | None = _setting(
        "CHAT_DAILY_BUDGET",
        "Messages of all visitors that are answered in full on one day of UTC, counted approximately.",
        kinds.integer(1, kinds.LARGEST_QUOTA),
    )
    api_rate_limit_hour: Limits = _setting(
        "API_RATE_LIMIT_HOUR", "Requests of one client to each other public endpoint.", kinds.limits, "200 per hour"
    )
    api_rate_limit_minute: Limits = _setting(
        "API_RATE_LIMIT_MINUTE", "The same, for a shorter window.", kinds.limits, "50 per minute"
    )
    rate_limit_storage_uri: str | None = _setting(
        "RATE_LIMIT_STORAGE_URI", "A Redis that limits are counted in.", kinds.redis_uri, secret=True
    )
    trusted_proxy_hops: int = _setting(
        "TRUSTED_PROXY_HOPS",
        "How many proxies before the function append to X-Forwarded-For.",
        kinds.integer(0, 9),
        "1",
    )
    allowed_origins: tuple[str, ...] = _setting(
        "ALLOWED_ORIGINS", "Web origins whose pages may call chat, separated by commas.", kinds.origins, ""
    )
    lead_channels: tuple[str, ...] = _setting(
        "LEAD_CHANNELS",
        "Where leads go, separated by commas; by default those configured of slack, monday.",
        kinds.channels(*LEAD_CHANNELS),
    )
    escalation_channels: tuple[str, ...] = _setting(
        "ESCALATION_CHANNELS",
        "Where a person is told of what cannot be delivered, the first choice first; by default all configured.",
        kinds.channels(*CHANNELS),
    )
    escalation_channel: str | None = _setting(
        "ESCALATION_CHANNEL", "The same as ESCALATION_CHANNELS with one channel.", kinds.channel
    )
    slack_webhook_url: str | None = _setting("SLACK_WEBHOOK_URL", "Slack's incoming webhook.", kinds.url, secret=True)
    monday_api_key: str | None = _setting("MONDAY_API_KEY", "Monday.com's API token.", _token, secret=True)
    monday_board_id: str | None = _setting("MONDAY_BOARD_ID", "The board that gets an item an alert.", _board)
    monday_columns: Mapping[str, str] | None = _setting(
        "MONDAY_COLUMNS", "Which column of the board takes which field, JSON.", kinds.columns
    )
    monday_group_id: str | None = _setting("MONDAY_GROUP_ID", "The group of new items; by default the first.", _group)
    monday_api_url: str = _setting(
        "MONDAY_API_URL", "Where Monday.com's API is.", kinds.url, "https://api.monday.com/v2"
    )
    smtp_url: SmtpServer | None = _setting(
        "SMTP_URL", "The mail server, with user and password.", mail_settings.parse_smtp_url, secret=True
    )
    smtp_ca_file: str | None = _setting("SMTP_CA_FILE", "Certificates trusted instead of the system's, a PEM file.")
    mail_from: str | None = _setting("MAIL_FROM", "The sender of e-mail.", mail_settings.parse_mail_from)
    escalation_email_to: tuple[str, ...] = _setting(
        "ESCALATION_EMAIL_TO", "The team's addresses, separated by commas.", mail_settings.parse_mail_to
    )
    webhook_url: WebhookUrl | None = _setting("WEBHOOK_URL", "A receiver of Standard Webhooks.", secret=True)
    webhook_secret: str | None = _setting(
        "WEBHOOK_SECRET", "What the webhook is signed with.", webhook_settings.parse_webhook_secret, secret=True
    )
    webhook_allowed_private: Pairs = _setting(
        "WEBHOOK_ALLOWED_PRIVATE",
        "Exact host:port pairs that WEBHOOK_URL may lead to though they are private.",
        webhook_settings.parse_allowed_private,
        "",
    )
    apprise_urls: tuple[str, ...] = _setting(
        "APPRISE_URLS", "Services of Apprise, separated by spaces.", apprise_settings.parse_apprise_urls, secret=True
    )
    admin_api_keys: tuple[str, ...] = _setting(
        "ADMIN_API_KEYS", "Keys of operators, separated by commas.", kinds.api_keys, secret=True
    )
    knowledge_path: str | None = _setting("KNOWLEDGE_PATH", "The knowledge file; by default the shipped sample.")
    hot_lead_score: int = _setting(
        "HOT_LEAD_SCORE", "From this score on, 0 to 100, a lead is hot.", kinds.integer(0, 100), "80"
    )
    deliver_alert_url: str | None = _setting("DELIVER_ALERT_URL", "Where tasks go.", kinds.url)
    sweep_url: str | None = _setting("SWEEP_URL", "Where tasks that continue the sweep go.", kinds.url)
    cleanup_url: str | None = _setting("CLEANUP_URL", "Where tasks that continue the clean-up go.", kinds.url)
    drain_paces: Mapping[str, float] | None = _setting(
        "DRAIN_PACES", "How many messages a second each channel takes.", kinds.paces
    )
    tasks_invoker_email: str | None = _setting("TASKS_INVOKER_EMAIL", "The account tasks call with.", _account)
    scheduler_invoker_email: str | None = _setting("SCHEDULER_INVOKER_EMAIL", "The account jobs call with.", _account)
    oidc_audience: str | None = _setting("OIDC_AUDIENCE", "The audience tokens for this function have.")
    oidc_certs_url: str = _setting(
        "OIDC_CERTS_URL",
        "Where the certificates that sign those tokens are.",
        kinds.url,
        "https://www.googleapis.com/oauth2/v1/certs",
    )
    cloud_tasks_emulator_host: str | None = _setting(
        "CLOUD_TASKS_EMULATOR_HOST", "A stand-in for Cloud Tasks, on loopback only.", kinds.loopback_host
    )
    quick_attempts: int = _setting("QUICK_ATTEMPTS", "Attempts made within seconds.", kinds.integer(1, 10), "3")
    dead_letter_retry_minutes: float = _setting(
        "DEAD_LETTER_RETRY_MINUTES", "The wait between the attempts after those.", kinds.number(0.01, 1440), "5"
    )
    dead_letter_max_attempts: int = _setting(
        "DEAD_LETTER_MAX_ATTEMPTS", "How many of those attempts, before a person is told.", kinds.integer(0, 100), "5"
    )
    delivered_days: int = _setting(
        "DELIVERED_DAYS", "How long an alert is kept after its end.", kinds.integer(1, 3650), "30"
    )
    lease_seconds: float = _setting(
        "LEASE_SECONDS", "How long one attempt holds its alert.", kinds.number(2, 1500), "30"
    )
    destination_deadline_seconds: float = _setting(
        "DESTINATION_DEADLINE_SECONDS", "How long one attempt waits in all.", kinds.number(1, 600), "10"
    )
    backoff_max_seconds: float = _setting(
        "BACKOFF_MAX_SECONDS", "The longest wait between two quick attempts.", kinds.number(0, 600), "30"
    )
    sweep_grace_seconds: float = _setting(
        "SWEEP_GRACE_SECONDS", "How late a task may be before it counts as lost.", kinds.number(0, 600), "10"
    )
    llm_base_url: str | None = _setting(
        "LLM_BASE_URL", "An OpenAI-compatible API, up to and without /chat/completions.", kinds.base_url
    )
    llm_model: str | None = _setting("LLM_MODEL", "The language model's name there.", _model)
    llm_api_key: str | None = _setting("LLM_API_KEY", "The key for it, where it takes one.", _token, secret=True)
    llm_deadline_seconds: float = _setting(
        "LLM_DEADLINE_SECONDS", "How long a visitor waits for the model, in all.", kinds.number(0.5, 15), "8"
    )

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are configured, in the order of ``CHANNELS``."""
        return tuple(name for name in CHANNELS if not self._missing(*NEEDED[name]))

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
    wrong = [f"{name}: this version has no {what}; unset it" for name, what in REFUSED.items() if given.pop(name, None)]
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
    if {"ESCALATION_CHANNEL", "ESCALATION_CHANNELS"} <= given:
        wrong.append("ESCALATION_CHANNEL: is set, and ESCALATION_CHANNELS too; takes one of the two")
    deadline, lease = values.get("destination_deadline_seconds"), values.get("lease_seconds")
    if deadline and lease and deadline + LEASE_MARGIN_SECONDS > lease:
        wrong.append(
            f"DESTINATION_DEADLINE_SECONDS: was {deadline:g}; takes at most LEASE_SECONDS ({lease:g}) less "
            f"{LEASE_MARGIN_SECONDS:g}"
        )
    if "webhook_url" in values and "webhook_allowed_private" in values:
        try:
            values["webhook_url"] = webhook_settings.parse_webhook_url(
                values["webhook_url"], values["webhook_allowed_private"]
            )
        except ValueError as error:
            wrong.append(f"WEBHOOK_URL: was (secret); takes {error}")
    return wrong


def _completed(values: dict[str, Any]) -> Settings:
    """The settings, with the channels that follow from what is configured where none are named."""
    configured = Settings(**values).channels
    leads = tuple(name for name in ("slack", "monday") if name in configured)
    if "escalation_channel" in values:
        values["escalation_channels"] = (values["escalation_channel"],)
    by_default = {"lead_channels": leads or None, "escalation_channels": configured or None}
    return Settings(**by_default | values)
