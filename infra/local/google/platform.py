"""What queues and jobs share: the time, the network, the key, and the local system's shorter rhythms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from infra.local.google.attempt import Send
from infra.local.google.background import Background
from infra.local.google.clock import Clock
from infra.local.google.target import TokenFor


@dataclass(frozen=True)
class Platform:
    """The surroundings of every queue and job.

    Attributes:
        clock: the only source of time.
        send: makes the requests.
        token_for: makes identity tokens.
        background: where attempts and loops run.
        backoff_cap: no retry waits longer; None for as long as was set.
        job_rhythm: jobs come this often, whatever their cron line says; None for the cron line.
    """

    clock: Clock
    send: Send
    token_for: TokenFor
    background: Background
    backoff_cap: timedelta | None = None
    job_rhythm: timedelta | None = None
