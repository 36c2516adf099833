"""A language model behind the interface that OpenAI's has: POST {base}/chat/completions.

Sources: https://platform.openai.com/docs/api-reference/chat/create (what is asked and answered; Gemini, Ollama and vLLM
speak it too), https://github.com/danielfm/pybreaker. Imported only where a model is configured: pybreaker and requests
cost a cold start.

The breaker belongs to one process: what is lost by not sharing it is a few visitors' waiting, what is gained is that no
chat reads or writes for it. While it is not closed one caller at a time tries, the others are spared.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pybreaker

from shared.adapters.http import HttpAnswer, NotSent, Unanswered, post
from shared.domain.model_prompt import Prompt
from shared.errors import BellhopError
from shared.ports import Events, Refused, Suggested

FAIL_MAX = 5
"""Failures in a row that open the breaker."""

RESET_SECONDS = 60.0
"""How long it stays open before one caller tries again."""

MOST_AT_ONCE = 8
"""Callers that may wait for the model at the same time: half of the threads of one instance of ``chat``."""

MOST_TOKENS = 300
TEMPERATURE = 0.2
SECONDS_TO_CONNECT = 0.2

_MISCONFIGURED = frozenset({"http_401", "http_403", "http_404"})  # trying again does not mend a key, a URL or a name
_NOT_ITS_FAULT = frozenset(
    {"length", "content_filter"}
)  # a visitor may bring it about: it must not spoil it for others


class _Failed(BellhopError):  # noqa: N818 - what happened
    """The model, or the way to it, is out of order."""


class _Transitions(pybreaker.CircuitBreakerListener):
    """Tells when the model is given up and when it is back; trials that fail in between are no news."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        """See pybreaker."""
        del cb
        if new_state.name == pybreaker.STATE_OPEN and old_state.name == pybreaker.STATE_CLOSED:
            self._events("model_opened")
        if new_state.name == pybreaker.STATE_CLOSED:
            self._events("model_closed")


class OpenAiModel:
    """``shared.ports.LanguageModel`` over HTTP; for threads too."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None,
        events: Events,
        *,
        fail_max: int = FAIL_MAX,
        reset_seconds: float = RESET_SECONDS,
    ) -> None:
        """Take what the settings say.

        Args:
            base_url: without a slash at its end.
            model: its name there.
            api_key: None where it takes none.
            events: where it is told that the model is given up, and that it is back.
            fail_max: see ``FAIL_MAX``.
            reset_seconds: see ``RESET_SECONDS``.
        """
        self._url, self._model = f"{base_url}/chat/completions", model
        self._headers = {"Content-Type": "application/json"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=fail_max,
            reset_timeout=reset_seconds,
            listeners=[_Transitions(events)],
            throw_new_error_on_trip=False,
        )
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._trial = threading.Lock()

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """Ask once; see ``shared.ports.LanguageModel``."""
        if deadline - time.monotonic() < SECONDS_TO_CONNECT:
            return Refused("no_time_left", asked=False)
        if not self._places.acquire(blocking=False):
            return Refused("busy", asked=False)
        try:
            with self._one_trial(), self._breaker.calling():
                return _read(self._post(prompt, deadline))
        except pybreaker.CircuitBreakerError:
            return Refused("open", asked=False)
        except _Failed as failure:
            if str(failure) in _MISCONFIGURED:
                self._breaker.open()
            return Refused(str(failure))
        finally:
            self._places.release()

    @contextmanager
    def _one_trial(self) -> Iterator[None]:
        """Let one caller at a time through while the breaker is not closed.

        Raises:
            CircuitBreakerError: another one is trying.
        """
        if self._breaker.current_state == pybreaker.STATE_CLOSED:
            yield
            return
        if not self._trial.acquire(blocking=False):
            raise pybreaker.CircuitBreakerError
        try:
            yield
        finally:
            self._trial.release()

    def _post(self, prompt: Prompt, deadline: float) -> HttpAnswer:
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": prompt.instructions},
                {"role": "user", "content": prompt.message},
            ],
            "temperature": TEMPERATURE,
            "max_tokens": MOST_TOKENS,
        }
        try:
            return post(self._url, body=json.dumps(body).encode(), headers=self._headers, deadline=deadline)
        except (NotSent, Unanswered) as error:
            raise _Failed(str(error)) from error


def _read(answer: HttpAnswer) -> Suggested | Refused:
    """The first choice's text.

    Raises:
        _Failed: another status than 200, or not the documented shape.
    """
    if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
        raise _Failed(f"http_{answer.status}")
    try:
        choice = json.loads(answer.text)["choices"][0]
        reason, message = choice["finish_reason"], choice["message"]
        content, refusal = message.get("content"), message.get("refusal")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise _Failed("garbage") from None
    if isinstance(reason, str) and reason in _NOT_ITS_FAULT:
        return Refused(reason)
    if isinstance(refusal, str) and refusal:
        return Refused("refusal")
    if reason != "stop" or not isinstance(content, str):
        raise _Failed("garbage")
    return Suggested(content)
