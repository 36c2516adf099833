"""RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10), as structured fields (RFC 9651)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def rate_headers(
    policies: Sequence[tuple[str, int, int]],
    limits: Sequence[tuple[str, int, float]] = (),
) -> dict[str, str]:
    """The two fields, each left out where it would be empty.

    Args:
        policies: (name, quota in requests, window in whole seconds), for example ``("chat", 30, 60)``.
        limits: once counted: (policy's name, requests remaining, seconds until the window ends); below zero counts as
            zero, and parts of a second are rounded up so that nobody comes back too early.

    Returns:
        For example ``{"RateLimit-Policy": '"chat";q=30;w=60', "RateLimit": '"chat";r=29;t=42'}``.

    Raises:
        ValueError: a name that is no structured string, a negative quota, a window below one second.
    """
    for name, quota, window in policies:
        if quota < 0 or window < 1:
            raise ValueError(f"policy {name}: the quota must be at least 0 and the window at least 1 second")
    headers = {
        "RateLimit-Policy": ", ".join(f"{_string(name)};q={quota};w={window}" for name, quota, window in policies),
        "RateLimit": ", ".join(
            f"{_string(name)};r={max(0, remaining)};t={max(0, math.ceil(reset))}" for name, remaining, reset in limits
        ),
    }
    return {name: value for name, value in headers.items() if value}


def _string(text: str) -> str:
    """A structured string (RFC 9651, 4.1.6): printable ASCII in double quotes."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("a policy's name must be printable ASCII")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
