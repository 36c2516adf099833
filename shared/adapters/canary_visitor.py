"""A canary as a visitor of the chat: one POST to the function's own address, as a browser would send it."""

from __future__ import annotations

import json
import time
from http import HTTPStatus

from shared.adapters.http import NotSent, Unanswered, post

HEADER = "X-Bellhop-Canary"
ANSWER_SECONDS = 20.0
"""How long a visitor would wait, with a cold start in it."""

TRIES = 2


class ChatVisitor:
    """``shared.ports.canary.CanaryVisitor`` for one chat."""

    def __init__(self, url: str) -> None:
        """Args: url: where the function ``chat`` is."""
        self._url = url

    def write(self, message: str, name: str, token: str) -> str:
        """See ``shared.ports.canary.CanaryVisitor``; tried again once, as a visitor would: the order is taken once."""
        said = ""
        for _ in range(TRIES):
            said = self._answer(json.dumps({"message": message, "name": name}).encode(), token)
            if said == "ok":
                break
        return said

    def _answer(self, body: bytes, token: str) -> str:
        headers = {"Content-Type": "application/json", HEADER: token}
        try:
            answer = post(self._url, body=body, headers=headers, deadline=time.monotonic() + ANSWER_SECONDS)
        except (NotSent, Unanswered) as error:
            return str(error)
        return "ok" if answer.status == HTTPStatus.OK else f"http_{answer.status}"
