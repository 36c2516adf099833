"""Any service Apprise knows, by URL, as a last channel for escalation: an optional extra.

Source: https://github.com/caronc/apprise. The package is not among the requirements; it is imported when this channel
is configured. Apprise says only whether every one of its services took the message, so a failure may have been shown by
some of them, and it has no deadline of its own, so it runs on a thread that is left behind when the time is up.

Each service has a markup of its own, and Apprise does not escape it for all of them; so what begins a mention or a tag
(``<!channel>``, ``@everyone``) is made to be text before.
"""

from __future__ import annotations

import importlib
import re
import threading
import time
from typing import Any

from shared.adapters.mail_message import body, subject
from shared.domain.outcome import Blocked, Delivered, Outcome, Retry, Unknown
from shared.errors import ConfigError
from shared.ports import Message

SECONDS_TO_CONNECT = 0.2

_BRACKETS = str.maketrans({"<": "\u2039", ">": "\u203a"})
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)")


class Apprise:
    """``shared.ports.Channel`` for the services of some Apprise URLs; each of them gets every message."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        """Load the package and hand it the URLs.

        Args:
            urls: as ``shared.apprise_settings`` parsed them.

        Raises:
            ConfigError: names ``APPRISE_URLS``: the package is missing or knows no such service; never shows a URL.
        """
        try:
            package = importlib.import_module("apprise")
        except ImportError:
            raise ConfigError(
                "APPRISE_URLS: needs the package apprise, which is not installed; install it or unset this"
            ) from None
        self._services: Any = package.Apprise()
        for number, url in enumerate(urls, start=1):
            if not self._services.add(url):
                raise ConfigError(
                    f"APPRISE_URLS: URL number {number} was (secret); takes URLs of services Apprise knows"
                )

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Notify every service; see ``shared.ports.Channel``."""
        if deadline - time.monotonic() < SECONDS_TO_CONNECT:
            return Retry("no_time_left")
        said: list[object] = []
        title, text = _literal(subject(message)), _literal(body(message))

        def notify() -> None:
            try:
                said.append(self._services.notify(title=title, body=text, body_format="text"))
            except Exception as error:  # noqa: BLE001 - a plugin's own errors are of any kind; the outcome tells it
                said.append(error)

        thread = threading.Thread(target=notify, name="apprise", daemon=True)
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
        return _outcome(said[0]) if said else Unknown("timeout")


def _literal(text: str) -> str:
    """Text without a mention or a tag; an e-mail address in it stays as it is."""
    return _MENTION.sub("@\u200b", text.translate(_BRACKETS))


def _outcome(said: object) -> Outcome:
    if said is True:
        return Delivered()
    if said is None:
        return Blocked("no_service")
    return Retry("apprise_error" if isinstance(said, Exception) else "apprise_failed", maybe_shown=True)
