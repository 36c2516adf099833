"""Only operators get in: the header ``X-ADMIN-API-KEY`` is checked before anything else is looked at."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from shared import events
from shared.errors import ConfigError, RequestError

HEADER = "X-ADMIN-API-KEY"
REALM = 'ApiKey realm="bellhop"'


@dataclass(frozen=True)
class AdminKeys:
    """Lets in who shows one of these keys; several are good at the same time, so that they can be exchanged.

    Args:
        keys: as the settings have them.

    Raises:
        ConfigError: there are none, or an empty one, which everybody would have.
    """

    keys: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys or not all(self.keys):
            raise ConfigError("ADMIN_API_KEYS: takes at least one key")

    def check(self, shown: str | None) -> None:
        """Return if the request shows a key.

        How long it takes tells nothing of the keys, of their length or of how many there are that begin alike. What is
        refused is logged as ``admin_refused``, without what was shown.

        Args:
            shown: what the request has in the header; None where it has none.

        Raises:
            RequestError: 401, the same whether no key came or a wrong one, of whatever length or characters.
        """
        if shown is not None and self._is_one(shown):
            return
        events.log("admin_refused", reason="no_key" if shown is None else "wrong_key")
        raise RequestError(
            401,
            f"A valid key is needed in the header {HEADER}.",
            slug="unauthorized",
            title="The caller is not known",
            headers={"WWW-Authenticate": REALM},
        )

    def _is_one(self, shown: str) -> bool:
        """Compared as digests, which have one length, and with every key, also after one was found."""
        digest = _digest(shown)
        return sum(hmac.compare_digest(digest, _digest(key)) for key in self.keys) > 0


def _digest(key: str) -> bytes:
    # A header that is not ASCII comes as whatever the server made of it; any text has bytes in this encoding.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
