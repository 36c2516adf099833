"""Visitors' rights and the mail that needs them: keys, links, follow-ups, signatures, and how long data is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared import dkim_settings
from shared.settings import kinds
from shared.settings.declaring import setting


@dataclass(frozen=True, init=False, repr=False, eq=False)
class RightsSettings:
    """Visitors' rights and the mail that needs them."""

    token_signing_keys: tuple[str, ...] = setting(
        "TOKEN_SIGNING_KEYS",
        "Keys of the links in e-mails, separated by commas: the first one signs, all of them are accepted.",
        kinds.api_keys,
        secret=True,
    )
    address_hash_key: str | None = setting(
        "ADDRESS_HASH_KEY",
        "What e-mail addresses are hashed with; never changed, or opt-outs would be forgotten.",
        kinds.api_key,
        secret=True,
    )
    public_base_url: str | None = setting(
        "PUBLIC_BASE_URL", "Where visitors reach the functions: links are this and /unsubscribe.", kinds.base_url
    )
    followup_delays: tuple[timedelta, ...] = setting(
        "FOLLOWUP_DELAYS",
        "How long after a conversation went quiet its follow-up e-mails are due.",
        kinds.delays,
        "24h,72h,168h",
    )
    dkim_key: str | None = setting(
        "DKIM_KEY",
        "The private RSA key that e-mails to visitors are signed with.",
        dkim_settings.parse_key,
        secret=True,
    )
    dkim_selector: str | None = setting("DKIM_SELECTOR", "Under which name its public key is.", dkim_settings.selector)
    dkim_domain: str | None = setting("DKIM_DOMAIN", "In which domain its public key is.", dkim_settings.domain)
    retention_days: int = setting(
        "RETENTION_DAYS", "How long a conversation is kept after its last message.", kinds.integer(1, 3650), "365"
    )
    erasure_relook_seconds: float = setting(
        "ERASURE_RELOOK_SECONDS",
        "How long after erasing at Monday.com it is looked there again.",
        kinds.number(0, 86400),
        "2100",
    )
