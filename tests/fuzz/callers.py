"""What the callers of a local system show: the operator's key, and the platform's tokens.

The stand-in for Cloud Tasks signs a token for whatever a task asks for: one task a function is sent to a listener here.
"""

from __future__ import annotations

import http.server
import queue
import threading
import uuid
from collections.abc import Mapping
from typing import Any

import psutil
import requests

TOKEN_SECONDS = 20
INVOKERS = {"tasks": "TASKS_INVOKER_EMAIL", "scheduler": "SCHEDULER_INVOKER_EMAIL"}
"""By who may call a function, the setting that names their account."""


class _Listener(http.server.BaseHTTPRequestHandler):
    """Answers a task and keeps the token it came with."""

    heard: queue.Queue[str]

    def do_POST(self) -> None:
        """Take it."""
        self.heard.put(self.headers["Authorization"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""


def identities(info: Mapping[str, Any], access: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Header and value that each function's caller shows; nothing for what everybody may call.

    Args:
        info: what ``/_local/info`` says.
        access: the manifest's word for who may call each function.
    """
    shown = {name: ("X-ADMIN-API-KEY", info["admin_api_key"]) for name, who in access.items() if who == "admin"}
    heard: queue.Queue[str] = queue.Queue()
    handler = type("Listener", (_Listener,), {"heard": heard})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        listening = threading.Thread(target=server.serve_forever, args=(0.02,))
        listening.start()
        try:
            for name, who in access.items():
                if who in INVOKERS:
                    _ask(psutil.Process(info["functions"][name]["pids"][0]).environ(), who, server.server_port)
                    shown[name] = ("Authorization", heard.get(timeout=TOKEN_SECONDS))
        finally:
            server.shutdown()
            listening.join()
    return shown


def _ask(environ: Mapping[str, str], who: str, port: int) -> None:
    """Queue a task that shows the listener what a function's caller shows the function."""
    place = f"projects/{environ['GOOGLE_CLOUD_PROJECT']}/locations/{environ['REGION']}/queues/sweeps"
    token = {"serviceAccountEmail": environ[INVOKERS[who]], "audience": environ["OIDC_AUDIENCE"]}
    target = {"url": f"http://127.0.0.1:{port}/", "httpMethod": "POST", "oidcToken": token}
    task = {"name": f"{place}/tasks/{uuid.uuid4().hex}", "httpRequest": target}
    answer = requests.post(
        f"http://{environ['CLOUD_TASKS_EMULATOR_HOST']}/v2/{place}/tasks", json={"task": task}, timeout=10
    )
    answer.raise_for_status()
