"""Dramatiq with Redis and its usual middleware, Retries among it; times are a sixtieth of the usual ones.

Sources: https://dramatiq.io/guide.html (messages are acknowledged late, and retried 20 times unless an actor says
otherwise) and https://dramatiq.io/reference.html (``RedisBroker``, ``Retries``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.compare.apps import lead as leads

HEARTBEAT_MS = 5_000  # of 60,000; a sixtieth would be as long as its workers' own beat
MAINTENANCE = 60_000  # of a million commands, instead of 1,000: a sixtieth of the time holds a sixtieth of the commands
BACKOFF_LEAST_MS = 250  # of 15,000
BACKOFF_MOST_MS = 7 * 86_400_000 // 60

dramatiq.set_broker(
    RedisBroker(
        url=os.environ["COMPARE_REDIS_URL"],
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=MAINTENANCE,
    )
)


@dramatiq.actor(min_backoff=BACKOFF_LEAST_MS, max_backoff=BACKOFF_MOST_MS)
def deliver(lead: Mapping[str, str]) -> None:
    """One attempt; what it raises is tried again."""
    leads.deliver(lead)
