"""Where visitors write, with Celery behind it: ``gunicorn bench.compare.apps.celery_web:app``."""

from __future__ import annotations

from bench.compare.apps.celery_tasks import deliver
from bench.compare.apps.web import chat_app

app = chat_app(deliver.delay)
