"""A language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.domain.model_prompt import Prompt


@dataclass(frozen=True)
class Suggested:
    """What the model said; nobody has looked at it yet."""

    text: str


@dataclass(frozen=True)
class Refused:
    """There is no answer of the model.

    Attributes:
        cause: a machine word, for example ``timeout``, ``http_429``, ``garbage``.
        asked: whether it was asked at all: not while it is known to be out of order, or too busy already.
    """

    cause: str
    asked: bool = True


class LanguageModel(Protocol):
    """A language model that may fail, and is spared while it does."""

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """Ask once; never raises for what the model or the network does.

        Args:
            prompt: what to ask.
            deadline: monotonic seconds by which there is an outcome, whatever happens.
        """
