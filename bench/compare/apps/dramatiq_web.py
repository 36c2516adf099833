"""Where visitors write, with Dramatiq behind it: ``gunicorn bench.compare.apps.dramatiq_web:app``."""

from __future__ import annotations

from bench.compare.apps.dramatiq_tasks import deliver
from bench.compare.apps.web import chat_app

app = chat_app(deliver.send)
