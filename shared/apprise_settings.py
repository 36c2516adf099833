"""The setting of Apprise: what it takes. Whether Apprise knows a URL is seen only when it is loaded."""

from __future__ import annotations

import re

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[\x21-\x7e]+")


def parse_apprise_urls(text: str) -> tuple[str, ...]:
    """Apprise URLs separated by spaces (they may hold commas), each once.

    Raises:
        ValueError: what it takes; never what it was.
    """
    urls = tuple(text.split())
    if not urls or len(set(urls)) < len(urls) or not all(_URL.fullmatch(url) for url in urls):
        raise ValueError("Apprise URLs separated by spaces, each once, such as tgram://token/chat or mailto://…")
    return urls
