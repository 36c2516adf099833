"""Find the reply to a message: from what the business knows, else with a language model's help, and never none.

Nothing is written here, and the model is asked once at most. Its failure costs the visitor its deadline and nothing
more: they are told what would be said without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.conversation import Conversation
from shared.domain.knowledge import Knowledge
from shared.domain.model_reply import Ask, compose_alone, compose_or_ask, conclude
from shared.domain.reply import Reply
from shared.domain.turn import Visitor
from shared.ports import Chance, Clock, Events, LanguageModel, Refused, Suggested

LATEST_SECONDS = 20.0
"""After a turn began: its commit has to follow well within the function's timeout (30 s) and its claim's life (60)."""


@dataclass(frozen=True, repr=False, eq=False)
class ModelHelp:
    """A language model that may be asked, and how long it may take to answer, in seconds."""

    model: LanguageModel
    seconds: float


@dataclass(frozen=True, repr=False, eq=False)
class Replying:
    """The flow with what it needs; ``help`` is None where no model is configured."""

    knowledge: Knowledge
    help: ModelHelp | None
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self, conversation: Conversation | None, visitor: Visitor, began: float) -> Reply:
        """Return the reply.

        Args:
            conversation: as it stands, None for a new one.
            visitor: what they sent.
            began: when the turn did, monotonic seconds.
        """
        if self.help is None:
            return compose_alone(conversation, visitor, self.knowledge)
        found = compose_or_ask(conversation, visitor, self.knowledge, self.chance.token())
        if isinstance(found, Reply):
            return found
        suggestion = self._suggestion(self.help, found, began)
        if isinstance(suggestion, Suggested):
            concluded = conclude(found, suggestion.text)
            if concluded.unfit is not None:
                self.events("model_failed", cause=concluded.unfit)
            return concluded.reply
        if suggestion.asked:
            self.events("model_failed", cause=suggestion.cause)
        return conclude(found, None).reply

    def _suggestion(self, use: ModelHelp, ask: Ask, began: float) -> Suggested | Refused:
        deadline = min(self.clock.monotonic() + use.seconds, began + LATEST_SECONDS)
        try:
            return use.model.ask(ask.prompt, deadline=deadline)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave the visitor without an answer
            self.events("model_failed", cause="broken", error=type(error).__name__)
            return Refused("broken", asked=False)
