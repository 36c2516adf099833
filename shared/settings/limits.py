"""What visitors may use, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import kinds
from shared.settings.declaring import setting
from shared.settings.kinds import Limits


@dataclass(frozen=True, init=False, repr=False, eq=False)
class LimitsSettings:
    """What visitors may use, and from where."""

    chat_rate_limit: Limits = setting("CHAT_RATE_LIMIT", "Chat messages of one client.", kinds.limits, "30 per minute")
    chat_daily_budget: int | None = setting(
        "CHAT_DAILY_BUDGET",
        "Messages of all visitors that are answered in full on one day of UTC, counted approximately.",
        kinds.integer(1, kinds.LARGEST_QUOTA),
    )
    api_rate_limit_hour: Limits = setting(
        "API_RATE_LIMIT_HOUR", "Requests of one client to each other public endpoint.", kinds.limits, "200 per hour"
    )
    api_rate_limit_minute: Limits = setting(
        "API_RATE_LIMIT_MINUTE", "The same, for a shorter window.", kinds.limits, "50 per minute"
    )
    rate_limit_storage_uri: str | None = setting(
        "RATE_LIMIT_STORAGE_URI", "A Redis that limits are counted in.", kinds.redis_uri, secret=True
    )
    trusted_proxy_hops: int = setting(
        "TRUSTED_PROXY_HOPS",
        "How many proxies before the function append to X-Forwarded-For.",
        kinds.integer(0, 9),
        "1",
    )
    allowed_origins: tuple[str, ...] = setting(
        "ALLOWED_ORIGINS", "Web origins whose pages may call chat, separated by commas.", kinds.origins, ""
    )
