"""What the callers of a local system show: the operator's key, the platform's tokens, and the links of e-mails.

The stand-in for Cloud Tasks signs a token for whatever a task asks for: one task a function is sent to a listener here.
"""

from __future__ import annotations

import http.server
import queue
import secrets
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import requests

from shared.adapters.tokens import SignedTokens
from shared.domain.rights import LANGUAGES, MARKETING, TOKEN_LIFE, Claims

TOKEN_SECONDS = 20
BY_TASK = {"POST /admin_migration": "tasks"}
"""Operations that only a task may call, at a function that is otherwise for operators."""

LINKS = 6
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
    """Header and value that each function's caller shows, or each operation's; nothing for what everybody may call.

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
            for name, who in {**access, **BY_TASK}.items():
                if who in INVOKERS:
                    _ask(_environ(info, name.rpartition("/")[2]), who, server.server_port)
                    shown[name] = ("Authorization", heard.get(timeout=TOKEN_SECONDS))
        finally:
            server.shutdown()
            listening.join()
    return shown


def links(info: Mapping[str, Any]) -> list[str]:
    """Tokens of e-mails that nobody was sent, so that what is erased with them is nobody's; the last one is too old."""
    tokens = SignedTokens(tuple(_environ(info, "unsubscribe")["TOKEN_SIGNING_KEYS"].split(",")))
    now = datetime.now(UTC)
    made = [now] * LINKS + [now - TOKEN_LIFE - timedelta(days=1)]
    return [
        tokens.make(
            Claims(MARKETING, secrets.token_hex(16), secrets.token_hex(16), LANGUAGES[number % len(LANGUAGES)]), at
        )
        for number, at in enumerate(made)
    ]


def _environ(info: Mapping[str, Any], name: str) -> dict[str, str]:
    return psutil.Process(info["functions"][name]["pids"][0]).environ()


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
