"""Sessions of operators in a browser: a signed cookie and nothing stored (``docs/decisions/0029``).

Each is signed with the admin key that was shown at sign-in, so that taking a key out of ``ADMIN_API_KEYS`` ends the
sessions that began with it, in every instance at once.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, Signer, URLSafeSerializer

COOKIE = "__Host-bellhop"
"""A browser takes a cookie of this name only with Secure, Path=/ and no Domain (RFC 6265bis, 4.1.3.2)."""

LIFE = timedelta(hours=8)
IDLE = timedelta(hours=1)
RENEWED = timedelta(minutes=5)
"""A session is written down anew at most so often."""

LONGEST = 1024
_SESSION, _FORMS = "bellhop.console.session", "bellhop.console.forms"
# 48 bytes are 64 characters without a spare bit: no other text decodes to the same signature.
_HOW: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha384}


@dataclass(frozen=True)
class Session:
    """An operator who signed in.

    Attributes:
        id: random.
        by: who they say they are; stands in the audit beside what they do.
        began: when they signed in.
        seen: when they last asked for something, to within ``RENEWED``.
        key: the admin key they showed.
    """

    id: str
    by: str
    began: datetime
    seen: datetime
    key: str = field(repr=False)

    @property
    def form_token(self) -> str:
        """What every form of this session carries, so that no other page can send it."""
        return Signer(self.key, _FORMS, **_HOW).get_signature(self.id).decode()

    def sent_by_us(self, token: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.form_token.encode(), token.encode("utf-8", "surrogatepass"))

    @property
    def cookie(self) -> str:
        """The session as the browser keeps it."""
        said = [self.id, self.by, int(self.began.timestamp()), int(self.seen.timestamp())]
        text: str = _serializer(self.key).dumps(said)
        return text

    def renewed(self, now: datetime) -> Session | None:
        """The session as seen now; None where that was written down a short while ago."""
        return replace(self, seen=now) if now - self.seen >= RENEWED else None

    @property
    def ends_at(self) -> datetime:
        """When it is over if nothing more is asked for."""
        return min(self.began + LIFE, self.seen + IDLE)


def session_of(cookie: str | None, keys: tuple[str, ...], now: datetime) -> Session | None:
    """The session that a cookie holds; None where it is none of ours, or over.

    Args:
        cookie: as it came; None where none did.
        keys: the admin keys that are good.
        now: the time.
    """
    if cookie is None or len(cookie) > LONGEST:
        return None
    for key in keys:
        try:
            session = _session(_serializer(key).loads(cookie), key)
        except (BadData, ValueError, OverflowError, OSError):
            continue
        return session if session is not None and session.began <= now + RENEWED and now < session.ends_at else None
    return None


def _session(said: Any, key: str) -> Session | None:
    """What is signed is ours, but perhaps of another version."""
    match said:
        case [str(name), str(by), int(began), int(seen)]:
            return Session(name, by, datetime.fromtimestamp(began, UTC), datetime.fromtimestamp(seen, UTC), key)
    return None


def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, _SESSION, signer_kwargs=_HOW)
