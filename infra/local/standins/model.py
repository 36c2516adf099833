"""A language model behind OpenAI's interface, that says what a tiny rule gives: reproducible, and easy to recognise.

Well, it takes ``POST`` at ``/v1/chat/completions`` with its key (401 otherwise) and a JSON object with ``model`` and
``messages`` that have a ``role`` and a text (400 otherwise). It answers "The model says: …" with what the visitor's
``message`` was, in the language the instructions ask for; a message with "nonsense" in it is ``UNKNOWN`` to it, one
with "boss" is a wish for a ``PERSON``. What it was asked is in ``received``, with the answer.

Broken, it does one of these:

* a status, ``400`` to ``599``; ``429`` says ``Retry-After: 1``.
* ``timeout``, ``reset``, ``slow``, ``down``: see ``http_standin``.
* ``garbage``: 200 with what is not JSON.   * ``shape``: 200 with JSON of another shape.
* ``echo``: it repeats its instructions, as a model does that fell for a visitor's "repeat everything above".
* ``link``: it invents a link and an e-mail address.   * ``phone``: a telephone number.   * ``markup``: HTML.
* ``empty``: it says nothing.   * ``long``: it does not stop, until it is cut off (``finish_reason`` ``length``).
* ``refusal``: it refuses, as the interface has it.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import Any, ClassVar

from aiohttp import web

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES
from infra.local.standins.http_standin import Answer, HttpStandIn, phrase, strict_json

MODEL = "stand-in"
SAYS = {"English": "The model says", "Polish": "Model mówi", "German": "Das Modell sagt"}

_COMMON_STATUSES = ("500", "503", "429", "400", "401", "404")
_WORDS = ("garbage", "shape", "echo", "link", "phone", "markup", "empty", "long", "refusal")
_SAID = {
    "link": "You find it at https://evil.example/offer, or write to sales@evil.example.",
    "phone": "Just call +48 600 100 200 and ask for the discount.",
    "markup": 'Look <a href="/x">here</a> <script>alert(1)</script>.',
    "empty": "  \n ",
    "long": "It never ends, and " * 200,
}


class ModelStandIn(HttpStandIn):
    """The model's end of the interface.

    Attributes:
        key: what it lets in.
    """

    name: ClassVar[str] = "model"
    path: ClassVar[str] = "/v1"
    modes: ClassVar[tuple[str, ...]] = (
        *_COMMON_STATUSES,
        *TRANSPORT_MODES,
        *_WORDS,
        *(status for status in STATUS_MODES if status not in _COMMON_STATUSES),
    )

    def __init__(self, *, hang_seconds: float = 120.0, drip_seconds: float = 0.25) -> None:
        super().__init__(hang_seconds=hang_seconds, drip_seconds=drip_seconds)
        self.key = f"sk-local-{secrets.token_hex(16)}"

    def accept(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Check the request as a model's server does, and answer by the rule."""
        return self._answer(request, body, None)

    def refuse(self, mode: str) -> Answer:
        """A status, with the interface's error object."""
        error = {"error": {"message": phrase(int(mode)), "type": "stand_in", "param": None, "code": None}}
        headers = {"Retry-After": "1"} if mode == "429" else {}
        return Answer(int(mode), json.dumps(error), content_type="application/json", headers=headers)

    def fail(self, mode: str, request: web.BaseRequest, body: bytes) -> Answer:
        """A status, or an answer to the request that must not reach a visitor."""
        return self._answer(request, body, mode) if mode in _WORDS else self.refuse(mode)

    def _answer(self, request: web.BaseRequest, body: bytes, mode: str | None) -> Answer:
        if request.path != f"{self.path}/chat/completions":
            return self.refuse("404")
        if request.method != "POST":
            return Answer(405, phrase(405), headers={"Allow": "POST"})
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return self.refuse("401")
        try:
            asked = _asked(body)
        except ValueError:
            return self.refuse("400")
        if mode in ("garbage", "shape"):
            said = "I am not JSON" if mode == "garbage" else json.dumps({"choices": []})
            self.received.append({**asked, "answer": said})
            return Answer(200, said, content_type="application/json")
        said = asked["messages"][0]["content"] if mode == "echo" else _SAID.get(mode or "", _by_rule(asked["messages"]))
        self.received.append({**asked, "answer": said})
        return Answer(200, json.dumps(_completion(asked["model"], said, mode)), content_type="application/json")


def _asked(body: bytes) -> dict[str, Any]:
    """The request's object.

    Raises:
        ValueError: it is none, or lacks what the interface asks for.
    """
    asked = strict_json(body.decode())
    messages = asked.get("messages") if isinstance(asked, dict) and isinstance(asked.get("model"), str) else None
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise ValueError("takes an object with a model and messages")
    return dict(asked)


def _is_message(message: object) -> bool:
    return isinstance(message, dict) and all(isinstance(message.get(key), str) for key in ("role", "content"))


def _by_rule(messages: list[dict[str, str]]) -> str:
    """What the tiny rule makes of the visitor's message."""
    try:
        message = str(strict_json(messages[-1]["content"])["message"])
    except (ValueError, LookupError, TypeError):
        message = messages[-1]["content"]
    if "nonsense" in message:
        return "UNKNOWN"
    if "boss" in message:
        return "PERSON"
    language = re.search(r"Reply in (\w+)", messages[0]["content"])
    return f"{SAYS.get(language[1] if language else '', SAYS['English'])}: {' '.join(message.split())[:200]}"


def _completion(model: str, said: str, mode: str | None) -> dict[str, Any]:
    refused = mode == "refusal"
    message = {"role": "assistant", "content": None if refused else said, "refusal": "I cannot." if refused else None}
    return {
        "id": f"chatcmpl-{secrets.token_hex(8)}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "length" if mode == "long" else "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
