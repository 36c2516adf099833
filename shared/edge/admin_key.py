"""Only operators get in: the header ``X-ADMIN-API-KEY`` is checked before anything else is looked at."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from shared import events
from shared.errors import ConfigError, RateLimited, RequestError

HEADER = "X-ADMIN-API-KEY"
REALM = 'ApiKey realm="bellhop"'
WRONG_MOST = 60
WRONG_SECONDS = 60
CLIENTS_REMEMBERED = 10_000


class WrongKeys:
    """Wrong keys by client, counted by this instance in windows of a minute; a flood costs no storage operation.

    A request without a key is no guess and is not counted. Clients are forgotten, the oldest first, before they fill
    the memory.
    """

    def __init__(self, most: int = WRONG_MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock, self._lock = most, clock, threading.Lock()
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def refuse_limited(self, client: str) -> None:
        """Raise RateLimited where this client's window is full."""
        with self._lock:
            began, count = self._counts.get(client, (0.0, 0))
        left = began + WRONG_SECONDS - self._clock()
        if count >= self._most and left > 0:
            raise RateLimited(int(left) + 1)

    def count(self, client: str) -> None:
        """One more; the one that fills the window is logged as ``admin_limited``."""
        now = self._clock()
        with self._lock:
            began, count = self._counts.pop(client, (now, 0))
            fresh = now - began >= WRONG_SECONDS
            self._counts[client] = (now, 1) if fresh else (began, count + 1)
            full = not fresh and count + 1 == self._most
            while len(self._counts) > CLIENTS_REMEMBERED:
                self._counts.popitem(last=False)
        if full:
            events.log("admin_limited", count=self._most)


@dataclass(frozen=True)
class AdminKeys:
    """Lets in who shows one of these keys; several are good at the same time, so that they can be exchanged.

    Args:
        keys: as the settings have them.

    Raises:
        ConfigError: there are none, or an empty one, which everybody would have.
    """

    keys: tuple[str, ...] = field(repr=False)
    wrong: WrongKeys = field(default_factory=WrongKeys, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.keys or not all(self.keys):
            raise ConfigError("ADMIN_API_KEYS: takes at least one key")

    def check(self, shown: str | None, client: str | None = None) -> None:
        """Return if the request shows a key.

        How long it takes tells nothing of the keys, of their length or of how many there are that begin alike. What is
        refused is logged as ``admin_refused``, without what was shown.

        Args:
            shown: what the request has in the header; None where it has none.
            client: the address it came from; who shows too many wrong keys is not listened to for a while. None where
                that is not counted.

        Raises:
            RequestError: 401, the same whether no key came or a wrong one, of whatever length or characters.
            RateLimited: too many wrong keys came from this client; this one was not looked at.
        """
        if shown is not None and client is not None:
            self.wrong.refuse_limited(client)
        if shown is not None and self._is_one(shown):
            return
        events.log("admin_refused", reason="no_key" if shown is None else "wrong_key")
        if shown is not None and client is not None:
            self.wrong.count(client)
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
