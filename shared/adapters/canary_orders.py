"""A canary's order as a signed token: which run, which channels, and when; see ``shared.adapters.tokens``."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from itsdangerous import BadData

from shared.adapters.tokens import serializer
from shared.domain.canary import ORDER_LIFE, Order
from shared.domain.ids import SESSION_ID
from shared.errors import CanaryRefused

SALT = "bellhop.canary"
LONGEST = 512
_TOKEN = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_CHANNEL = re.compile(r"[a-z]{1,20}")


class SignedOrders:
    """``shared.ports.canary.CanaryOrders``; the first key signs, all are accepted, so that keys can be rotated."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = list(reversed(keys))  # itsdangerous signs with the last one

    def make(self, order: Order, now: datetime) -> str:
        """See ``shared.ports.canary.CanaryOrders``."""
        token: str = serializer(self._keys, SALT, now).dumps([order.run_id, list(order.channels)])
        return token

    def read(self, token: str, now: datetime) -> Order:
        """See ``shared.ports.canary.CanaryOrders``; clocks may differ as long as an order lives."""
        if len(token) > LONGEST or not _TOKEN.fullmatch(token):
            raise CanaryRefused
        try:
            said, at = serializer(self._keys, SALT, now).loads(token, return_timestamp=True)
        except BadData:
            raise CanaryRefused from None
        if abs(now - at) > ORDER_LIFE:
            raise CanaryRefused
        return _order(said)


def _order(said: Any) -> Order:
    """What is signed is ours, but perhaps of another version."""
    match said:
        case [str(run_id), list(channels)] if SESSION_ID.fullmatch(run_id):
            if all(isinstance(name, str) and _CHANNEL.fullmatch(name) for name in channels):
                return Order(run_id, tuple(channels))
    raise CanaryRefused
