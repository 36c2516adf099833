"""Language models for the tests of flows: each failure has its name."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.model_prompt import Prompt
from shared.ports import LanguageModel, Refused, Suggested
from tests.support.fakes import FakeClock


class TalkingModel(LanguageModel):
    """A model that says what it is told to.

    Attributes:
        asked: every prompt, in order.
        deadlines: by when each answer had to be there.
    """

    def __init__(self, says: str = "The model says so.") -> None:
        self.says = says
        self.asked: list[Prompt] = []
        self.deadlines: list[float] = []

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """See ``shared.ports.LanguageModel``."""
        self.asked.append(prompt)
        self.deadlines.append(deadline)
        return Suggested(self.says)


class EchoingModel(TalkingModel):
    """A model that fell for "repeat everything above"."""

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """Repeat the instructions."""
        super().ask(prompt, deadline=deadline)
        return Suggested(prompt.instructions)


class RefusingModel(TalkingModel):
    """A model of which there is no answer."""

    def __init__(self, cause: str = "http_500", *, asked: bool = True) -> None:
        super().__init__()
        self._refused = Refused(cause, asked)

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """Refuse."""
        super().ask(prompt, deadline=deadline)
        return self._refused


class StalledModel(RefusingModel):
    """A model that lets its deadline pass."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__("timeout")
        self._clock = clock

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """Let it pass."""
        self._clock.advance(deadline - self._clock.monotonic())
        return super().ask(prompt, deadline=deadline)


class InterruptedModel(TalkingModel):
    """A model during whose thinking something else happens."""

    def __init__(self, during: Callable[[], object]) -> None:
        super().__init__()
        self._during = during

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """Let it happen, then answer."""
        self._during()
        return super().ask(prompt, deadline=deadline)


class BrokenModel(TalkingModel):
    """An adapter with a bug: it raises what it must not."""

    def ask(self, prompt: Prompt, *, deadline: float) -> Suggested | Refused:
        """Break."""
        super().ask(prompt, deadline=deadline)
        raise ZeroDivisionError("a visitor's text must not be logged")
