"""Where visitors write, with APScheduler in the same process: ``gunicorn --workers 1 ...scheduler_web:app``.

One process, as its documentation says that schedulers cannot share a job store, and a job store on disk, as it says
for jobs that must survive a restart (https://apscheduler.readthedocs.io/en/3.x/userguide.html, /faq.html). It has no
retries: a job that repeats, and removes itself once it has succeeded, is the one of its means that outlives a crash.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from bench.compare.apps import lead as leads
from bench.compare.apps.web import chat_app

AGAIN_SECONDS = 5  # of five minutes: Bellhop's own

_scheduler = BackgroundScheduler(
    jobstores={"default": SQLAlchemyJobStore(url=f"sqlite:///{os.environ['COMPARE_FOLDER']}/jobs.sqlite")},
    job_defaults={"coalesce": True, "misfire_grace_time": None},  # a late job is run, and not dropped after a second
    timezone=UTC,
)


def attempt(lead: Mapping[str, str]) -> None:
    """One attempt; the job stays for the next one unless it succeeds."""
    leads.deliver(lead)
    _scheduler.remove_job(lead["id"])


def _queue(lead: dict[str, str]) -> None:
    _scheduler.add_job(
        attempt, "interval", seconds=AGAIN_SECONDS, args=[lead], id=lead["id"], next_run_time=datetime.now(UTC)
    )


app = chat_app(_queue)
_scheduler.start()
