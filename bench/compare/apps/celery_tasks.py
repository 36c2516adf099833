"""Celery with Redis, set as its documentation says where no task may be lost; times are a sixtieth of the usual ones.

Sources: https://docs.celeryq.dev/en/stable/userguide/configuration.html (``task_acks_late``,
``task_reject_on_worker_lost``, ``worker_cancel_long_running_tasks_on_connection_loss``), /userguide/optimizing.html (a
prefetch of 1 for late acknowledgement), /userguide/tasks.html (automatic retry with backoff and jitter) and
/getting-started/backends-and-brokers/redis.html (the visibility timeout is longer than the longest countdown).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from celery import Celery

from bench.compare.apps import lead as leads

VISIBILITY_SECONDS = 60  # of 3600
BACKOFF_MOST_SECONDS = 10  # of 600

app = Celery("compare", broker=os.environ["COMPARE_REDIS_URL"])
app.conf.update(
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 2,  # of 10 s, looked at every tenth time
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 5,  # of 300
    },
    task_acks_late=True,
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_prefetch_multiplier=1,
)


@app.task(
    name="deliver",
    autoretry_for=(Exception,),
    max_retries=None,  # for ever, instead of three times
    retry_backoff=1,  # 1, 2, 4, ... s: the shortest it takes
    retry_backoff_max=BACKOFF_MOST_SECONDS,
    retry_jitter=True,
)
def deliver(lead: Mapping[str, str]) -> None:
    """One attempt; what it raises is tried again."""
    leads.deliver(lead)
