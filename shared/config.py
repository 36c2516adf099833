"""Every setting of the functions: its environment variable, what it takes, and what it means.

One frozen dataclass is made from the environment at start-up. A wrong value stops the function with a message that
names the variable, what it was and what it takes; all mistakes are told at once. Secrets never show in a repr.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from shared.errors import ConfigError

LEAD_CHANNELS_BUILT = ("slack",)
"""The channels a lead can be sent through."""

REFUSED = {
    "API_RATE_LIMIT_HOUR": "limits of endpoints other than chat",
    "API_RATE_LIMIT_MINUTE": "limits of endpoints other than chat",
    "CHAT_DAILY_BUDGET": "a daily budget",
    "DEAD_LETTER_MAX_ATTEMPTS": "an end of the scheduled attempts (they go on until the alert is delivered)",
    "ESCALATION_CHANNEL": "escalation",
    "ESCALATION_CHANNELS": "escalation",
    "LLM_BASE_URL": "a language model",
    "MONDAY_API_KEY": "the channel monday",
    "RATE_LIMIT_STORAGE_URI": "limits kept outside Firestore",
    "SMTP_URL": "the channel email",
    "WEBHOOK_URL": "the channel webhook",
}
"""Settings that promise what this version does not do: they are refused, never ignored."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Limits:
    """Rate limits as (quota, seconds) pairs, each a fixed window."""

    pairs: tuple[tuple[int, int], ...]


class _Wrong(ValueError):  # noqa: N818 - it never leaves this module
    """What a value should have been."""


def _text(value: str) -> str:
    return value


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise _Wrong(f"a whole number from {low} to {high}")
        return int(value)

    return parse


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value) or not low <= float(value) <= high:
            raise _Wrong(f"a number from {low:g} to {high:g}")
        return float(value)

    return parse


def _url(value: str) -> str:
    wanted = _Wrong("an https URL (http only on this machine's loopback)")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise wanted from None
    local = parts.hostname in LOOPBACK and parts.scheme == "http"
    if not parts.hostname or port == 0 or parts.username or parts.fragment or re.search(r"[\x00-\x20\x7f]", value):
        raise wanted
    if parts.scheme != "https" and not local:
        raise wanted
    return value


def _loopback_host(value: str) -> str:
    match = re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\]):([0-9]{1,5})", value)
    if not match or not 0 < int(match[2]) < 65536:  # noqa: PLR2004 - the number of TCP ports
        raise _Wrong("host:port on this machine's loopback, for example 127.0.0.1:8123")
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise _Wrong("a service account's e-mail address")
    return value


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(part.strip() for part in value.split(",") if part.strip())
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?", origin):
            raise _Wrong("origins separated by commas, for example https://www.example.com, or * for any")
    return origins


def _channels(value: str) -> tuple[str, ...]:
    channels = tuple(part.strip() for part in value.split(",") if part.strip())
    if not channels or any(name not in LEAD_CHANNELS_BUILT for name in channels) or len(set(channels)) < len(channels):
        raise _Wrong(f"channels separated by commas, each once, of: {', '.join(LEAD_CHANNELS_BUILT)}")
    return channels


def _limits(value: str) -> Limits:
    from limits import parse_many  # noqa: PLC0415 - only the functions that count need the library

    try:
        pairs = tuple((item.amount, item.get_expiry()) for item in parse_many(value))
    except ValueError:
        pairs = ()
    if not pairs or any(quota < 1 or seconds < 1 for quota, seconds in pairs):
        raise _Wrong("limits such as '30 per minute' or '30/minute; 200/hour'")
    return Limits(pairs)


def _setting(
    name: str, doc: str, parse: Callable[[str], Any] = _text, default: str | None = None, *, secret: bool = False
) -> Any:
    """A field read from the variable ``name``; ``default`` is written as it would be in the environment."""
    metadata = {"name": name, "doc": doc, "parse": parse, "default": default, "secret": secret}
    return field(default=None, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """What the environment says, checked. A field is None only where nothing was set and there is no default."""

    project: str = _setting("GOOGLE_CLOUD_PROJECT", "The Google Cloud project.")
    region: str = _setting("REGION", "Where the queues are.", default="europe-west1")
    chat_rate_limit: Limits = _setting("CHAT_RATE_LIMIT", "Chat messages of one client.", _limits, "30 per minute")
    trusted_proxy_hops: int = _setting(
        "TRUSTED_PROXY_HOPS", "How many proxies before the function append to X-Forwarded-For.", _integer(0, 9), "1"
    )
    allowed_origins: tuple[str, ...] = _setting(
        "ALLOWED_ORIGINS", "Web origins whose pages may call chat, separated by commas.", _origins, ""
    )
    lead_channels: tuple[str, ...] = _setting(
        "LEAD_CHANNELS", "Where leads go, separated by commas; by default every channel configured.", _channels
    )
    slack_webhook_url: str | None = _setting("SLACK_WEBHOOK_URL", "Slack's incoming webhook.", _url, secret=True)
    knowledge_path: str | None = _setting("KNOWLEDGE_PATH", "The knowledge file; by default the shipped sample.")
    deliver_alert_url: str | None = _setting("DELIVER_ALERT_URL", "Where tasks go.", _url)
    tasks_invoker_email: str | None = _setting("TASKS_INVOKER_EMAIL", "The account tasks call with.", _email)
    scheduler_invoker_email: str | None = _setting("SCHEDULER_INVOKER_EMAIL", "The account jobs call with.", _email)
    oidc_audience: str | None = _setting("OIDC_AUDIENCE", "The audience tokens for this function have.")
    oidc_certs_url: str = _setting(
        "OIDC_CERTS_URL",
        "Where the certificates that sign those tokens are.",
        _url,
        "https://www.googleapis.com/oauth2/v1/certs",
    )
    cloud_tasks_emulator_host: str | None = _setting(
        "CLOUD_TASKS_EMULATOR_HOST", "A stand-in for Cloud Tasks, on loopback only.", _loopback_host
    )
    quick_attempts: int = _setting("QUICK_ATTEMPTS", "Attempts made within seconds.", _integer(1, 10), "3")
    dead_letter_retry_minutes: float = _setting(
        "DEAD_LETTER_RETRY_MINUTES", "The wait between the attempts after those.", _number(0.01, 1440), "5"
    )
    lease_seconds: float = _setting("LEASE_SECONDS", "How long one attempt holds its alert.", _number(2, 1500), "30")
    destination_deadline_seconds: float = _setting(
        "DESTINATION_DEADLINE_SECONDS", "How long one attempt waits in all.", _number(1, 600), "10"
    )
    backoff_max_seconds: float = _setting(
        "BACKOFF_MAX_SECONDS", "The longest wait between two quick attempts.", _number(0, 600), "30"
    )
    sweep_grace_seconds: float = _setting(
        "SWEEP_GRACE_SECONDS", "How late a task may be before it counts as lost.", _number(0, 600), "10"
    )

    def require(self, *names: str) -> None:
        """Insist on settings that this function cannot do without.

        Args:
            names: environment variables.

        Raises:
            ConfigError: names every one that is missing.
        """
        by_name = {item.metadata["name"]: item for item in fields(self)}
        missing = [name for name in names if getattr(self, by_name[name].name) is None]
        if missing:
            docs = (f"{name}: is not set. {by_name[name].metadata['doc']}" for name in missing)
            raise ConfigError("\n".join(docs))


LEASE_MARGIN_SECONDS = 1.0
"""What a lease must leave beside the destination's deadline, for the commits around the sending."""


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read and check the settings; an empty variable counts as not set.

    Raises:
        ConfigError: one line for each mistake: the variable, what it was (not for secrets), and what it takes.
    """
    given = {name: value for name, value in environ.items() if value.strip()}
    wrong = [f"{name}: this version has no {what}; unset it" for name, what in REFUSED.items() if name in given]
    values: dict[str, Any] = {}
    for item in fields(Settings):
        name, parse = item.metadata["name"], item.metadata["parse"]
        text = given.get(name, item.metadata["default"])
        if text is None:
            continue
        try:
            values[item.name] = parse(text.strip())
        except _Wrong as error:
            shown = "(secret)" if item.metadata["secret"] else repr(text)
            wrong.append(f"{name}: was {shown}; takes {error}")
    if not wrong and values["destination_deadline_seconds"] + LEASE_MARGIN_SECONDS > values["lease_seconds"]:
        wrong.append(
            f"DESTINATION_DEADLINE_SECONDS: was {values['destination_deadline_seconds']:g}; takes at most "
            f"LEASE_SECONDS ({values['lease_seconds']:g}) less {LEASE_MARGIN_SECONDS:g}"
        )
    if wrong:
        raise ConfigError("\n".join(wrong))
    if "lead_channels" not in values and "slack_webhook_url" in values:
        values["lead_channels"] = ("slack",)
    return Settings(**values)
