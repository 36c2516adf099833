"""The certificates that prove a token: fetched once, kept as long as their Cache-Control says."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import requests
from cachecontrol import CacheControl

from shared.edge.refusals import unavailable

FETCH_SECONDS = 5.0
COOL_DOWN_SECONDS = 60.0
_RETRY_AFTER = 10


class _Fetched(NamedTuple):
    """What a fetch brought: PEM texts by key id, and whether they came from the cache."""

    certs: dict[str, str]
    cached: bool


class Certificates:
    """Signing certificates by key id, as Google serves them: ``{"key id": "PEM"}``. Thread safe.

    Args:
        url: where they are.
        fetch_seconds: total time a fetch may take, whatever the server does.
        cool_down_seconds: how long an unknown key id does not cause another look at the server.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch_seconds: float = FETCH_SECONDS,
        cool_down_seconds: float = COOL_DOWN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fetch_seconds = fetch_seconds
        self._cool_down_seconds = cool_down_seconds
        self._clock = clock
        self._looked_at: float | None = None
        self._looking = threading.Lock()
        self._session = CacheControl(requests.Session())
        self._session.trust_env = False  # no proxy, no .netrc: straight to the source

    def find(self, key_id: str) -> str | None:
        """The certificate of ``key_id``, None where the server does not have it.

        A key that is not in the cache is looked for at the server once (keys rotate), then not again for the cool-down:
        made-up key ids cost one fetch a minute.

        Raises:
            RequestError: 503 when the certificates cannot be had; nothing is then known about the token.
        """
        fetched = self._fetch(fresh=False)
        if key_id in fetched.certs or not fetched.cached:
            return fetched.certs.get(key_id)
        # One looks, the others wait for what it finds.
        if not self._looking.acquire(timeout=self._fetch_seconds):
            raise _cannot_fetch("somebody else's fetch takes too long")
        try:
            due = self._looked_at is None or self._clock() - self._looked_at >= self._cool_down_seconds
            fetched = self._fetch(fresh=due)
            if due:
                self._looked_at = self._clock()
        finally:
            self._looking.release()
        return fetched.certs.get(key_id)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _fetch(self, *, fresh: bool) -> _Fetched:
        """Get the certificates, past the cache where ``fresh``.

        In a thread, because requests bounds each wait for bytes and not their sum: a server that sends a byte a second
        would hold the caller for ever. An abandoned thread ends with its connection.
        """
        box: queue.SimpleQueue[_Fetched | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                box.put(self._download(fresh=fresh))
            except Exception as error:  # noqa: BLE001 - raised again where somebody waits
                box.put(error)

        threading.Thread(target=work, name="certificates", daemon=True).start()
        try:
            fetched = box.get(timeout=self._fetch_seconds)
        except queue.Empty:
            raise _cannot_fetch("they took too long") from None
        if isinstance(fetched, Exception):
            raise _cannot_fetch("the fetch failed") from fetched
        return fetched

    def _download(self, *, fresh: bool) -> _Fetched:
        """One request; anything but a map of PEM texts is an error."""
        response = self._session.get(
            self._url,
            headers={"Cache-Control": "no-cache"} if fresh else {},
            timeout=self._fetch_seconds,
            allow_redirects=False,
        )
        if response.status_code != requests.codes.ok:
            raise ValueError(f"the server answered {response.status_code}")
        certs = response.json()
        if not isinstance(certs, dict) or not certs:
            raise ValueError("not a map of certificates")
        if not all(isinstance(pem, str) and pem.startswith("-----BEGIN ") for pem in certs.values()):
            raise ValueError("not PEM certificates")
        return _Fetched(certs, cached=bool(getattr(response, "from_cache", False)))


def _cannot_fetch(why: str) -> Exception:
    """503: the queue tries again."""
    detail = f"The caller's token cannot be checked: its certificates cannot be fetched, {why}."
    return unavailable(detail, retry_after=_RETRY_AFTER)
