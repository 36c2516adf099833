"""What the settings' values may look like. A parser raises ValueError with what it takes, never with what it was.

The channels' own settings are parsed by the leaves ``shared.mail_settings``, ``shared.webhook_settings``,
``shared.monday_columns`` and ``shared.apprise_settings`` in the same way.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import urlsplit

from shared import monday_columns

CHANNELS = ("email", "slack", "webhook", "monday", "apprise")
"""Every channel there is, in the order in which they are asked to escalate where nothing else is said."""

LEAD_CHANNELS = ("slack", "monday", "email", "webhook")
"""The channels a lead can be sent through."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

LONGEST_WINDOW_SECONDS = 366 * 24 * 60 * 60
LARGEST_QUOTA = 999_999_999
LONGEST_DELAY = timedelta(days=3650)


@dataclass(frozen=True)
class Limits:
    """Rate limits as (quota, seconds) pairs, each a fixed window, no window twice."""

    pairs: tuple[tuple[int, int], ...]


def text(value: str) -> str:
    """Any text."""
    return value


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number from ``low`` to ``high``."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    """A number from ``low`` to ``high``, in digits."""

    def parse(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value) or not low <= float(value) <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return parse


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(low: timedelta, high: timedelta) -> Callable[[str], timedelta]:
    """A time span with its unit, from ``low`` to ``high``."""

    def parse(value: str) -> timedelta:
        match = re.fullmatch(r"([0-9]{1,9}) ?([smhd])", value)
        span = timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else timedelta.min
        if not low <= span <= high:
            raise ValueError(f"a number and s, m, h or d, such as 90m or 24h, from {low} to {high}")
        return span

    return parse


def matching(pattern: str, takes: str) -> Callable[[str], str]:
    """Text that a pattern matches as a whole."""

    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(takes)
        return value

    return parse


token = matching(r"[\x21-\x7e]+", "visible ASCII characters")
"""A key or a token of somebody else's service."""


def url(value: str) -> str:
    """Where to call: https, or http on this machine's loopback."""
    wanted = ValueError("an https URL (http only on this machine's loopback)")
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


def redis_uri(value: str) -> str:
    """Where a Redis is; with TLS (``rediss``) the certificates to trust may be named."""
    match = re.fullmatch(
        r"redis(s?)://(?:[^\s/?#@]*@)?(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(?:/[0-9]{1,2})?"
        r"(\?ssl_ca_certs=[^\s?&#]+)?",
        value,
    )
    if not match or not 0 < int(match[2] or 6379) < 65536 or (match[3] and not match[1]):  # noqa: PLR2004 - TCP ports
        raise ValueError("redis://host:port, or rediss:// for TLS, with user:password@, /database, ?ssl_ca_certs=file")
    return value


def base_url(value: str) -> str:
    """The beginning of URLs: a ``url`` without a query, and without the slash it may end with."""
    if "?" in url(value):
        raise ValueError("an https URL without a query (http only on this machine's loopback)")
    return value.rstrip("/")


def loopback_host(value: str) -> str:
    """A ``host:port`` on this machine."""
    match = re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\]):([0-9]{1,5})", value)
    if not match or not 0 < int(match[2]) < 65536:  # noqa: PLR2004 - the number of TCP ports
        raise ValueError("host:port on this machine's loopback, for example 127.0.0.1:8123")
    return value


def origins(value: str) -> tuple[str, ...]:
    """Web origins separated by commas, or ``*``."""
    listed = _listed(value)
    for origin in listed:
        if origin != "*" and not re.fullmatch(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?", origin):
            raise ValueError("origins separated by commas, for example https://www.example.com, or * for any")
    return listed


def channels(*known: str) -> Callable[[str], tuple[str, ...]]:
    """Some of the channels, in the order they are written."""

    def parse(value: str) -> tuple[str, ...]:
        listed = _listed(value)
        if not listed or any(name not in known for name in listed) or len(set(listed)) < len(listed):
            raise ValueError(f"channels separated by commas, each once, of: {', '.join(known)}")
        return listed

    return parse


def channel(value: str) -> str:
    """One channel."""
    if value not in CHANNELS:
        raise ValueError(f"one channel of: {', '.join(CHANNELS)}")
    return value


def limits(value: str) -> Limits:
    """Rate limits in the notation of the library ``limits``, each window at most 366 days and none twice."""
    from limits import parse_many  # noqa: PLC0415 - only the functions that count need the library

    try:
        pairs = tuple((item.amount, item.get_expiry()) for item in parse_many(value))
    except ValueError:
        pairs = ()
    countable = all(1 <= quota <= LARGEST_QUOTA and 1 <= seconds <= LONGEST_WINDOW_SECONDS for quota, seconds in pairs)
    if not pairs or not countable or len({seconds for _, seconds in pairs}) < len(pairs):
        raise ValueError(
            "limits such as '30 per minute' or '30/minute; 200/hour', each window once and of 366 days at most"
        )
    return Limits(pairs)


def paces(value: str) -> Mapping[str, float]:
    """Channel → messages a second, above 0."""
    matches = [re.fullmatch(r"([a-z]+) *= *([0-9]{1,9}(?:\.[0-9]{1,9})?)", part) for part in _listed(value)]
    found = {match[1]: float(match[2]) for match in matches if match is not None and match[1] in CHANNELS}
    if not found or len(found) < len(matches) or min(found.values()) <= 0:
        raise ValueError(
            "channel=messages a second (above 0), separated by commas, each channel once, such as slack=1, monday=0.5; "
            f"channels: {', '.join(CHANNELS)}"
        )
    return MappingProxyType(found)


def columns(value: str) -> Mapping[str, str]:
    """``shared.monday_columns.parse_columns``, in a mapping that cannot be changed."""
    return MappingProxyType(monday_columns.parse_columns(value))


def api_keys(value: str) -> tuple[str, ...]:
    """Keys separated by commas, each hard to guess."""
    listed = _listed(value)
    if not listed or not all(re.fullmatch(r"[\x21-\x7e]{16,256}", key) for key in listed):
        raise ValueError("keys separated by commas, each of 16 to 256 visible ASCII characters other than the comma")
    return listed


def api_key(value: str) -> str:
    """One key that is hard to guess."""
    if not re.fullmatch(r"[\x21-\x7e]{16,256}", value):
        raise ValueError("a key of 16 to 256 visible ASCII characters")
    return value


def delays(value: str) -> tuple[timedelta, ...]:
    """Waits in growing order, each a whole number of s, m, h or d."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    matches = [re.fullmatch(r"([0-9]{1,6})([smhd])", part) for part in _listed(value)]
    found = [timedelta(**{units[match[2]]: int(match[1])}) for match in matches if match is not None]
    growing = all(earlier < later for earlier, later in itertools.pairwise([timedelta(0), *found]))
    if not found or len(found) < len(matches) or not growing or found[-1] > LONGEST_DELAY:
        raise ValueError("waits in growing order, each a whole number of s, m, h or d, such as 24h, 72h, 168h")
    return tuple(found)


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
