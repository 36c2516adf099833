"""Answer a visitor's message: admit it, decide, write the turn and its alerts in one commit, then hurry the alerts.

Two round trips: the admission's commit beside one read, and the turn's commit. The reply is given only after the
commit, so a visitor who saw a reply is a lead that is held; a task that cannot be created is found by the sweep
(guarantees 15 to 22).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.domain import admission, ids
from shared.domain.admission import Limit, Memory
from shared.domain.budget import Budget
from shared.domain.contact_form import contact_form
from shared.domain.conversation import Conversation
from shared.domain.knowledge import Knowledge
from shared.domain.rights import consent_record
from shared.domain.turn import LeadPolicy, Written, take_turn
from shared.errors import (
    CanaryRefused,
    Conflict,
    Contention,
    OutcomeUnknown,
    Outlived,
    QueueError,
    RequestError,
    StorageError,
    Unavailable,
)
from shared.flows.admit_message import CLAIM_LIFE, Admission, Answered, AnswerMessage, Started
from shared.flows.reply_to_message import ModelHelp, Replying
from shared.ports import TurnCommit

if TYPE_CHECKING:
    from shared.domain.canary import Order
    from shared.ports import Chance, ChatStore, Clock, Events, Reread, TaskQueue, Version

__all__ = ["AnswerMessage", "Answered", "MessageAnswering"]

ANSWER_LIFE = timedelta(hours=24)
COMMIT_TRIES = 3


@dataclass(frozen=True, repr=False, eq=False)
class MessageAnswering:
    """The flow with what it needs.

    Attributes:
        store: conversations, claims and windows.
        queue: where the tasks of the alerts go.
        knowledge: what is answered from.
        limits: of chat messages, for each client.
        leads: where leads go and how their alerts start.
        memory: what this instance remembers of clients.
        clock: for windows, expiries and the claim's life.
        chance: for ids and nonces.
        events: where to report.
        budget: of the day, for all instances; None for none.
        help: a language model's, where the knowledge has no answer; None for none.
        hash_key: what addresses are hashed with, for erasure and the consent audit; None keeps neither.
        canaries: reads what canaries show; None takes none.
    """

    store: ChatStore
    queue: TaskQueue
    knowledge: Knowledge
    limits: tuple[Limit, ...]
    leads: LeadPolicy
    memory: Memory
    clock: Clock
    chance: Chance
    events: Events
    budget: Budget | None = None
    help: ModelHelp | None = None
    hash_key: str | None = None
    canaries: Callable[[str, datetime], Order] | None = None

    @cached_property
    def _admission(self) -> Admission:
        return Admission(self.store, self.limits, self.budget, self.memory, self.clock, self.chance, self.events)

    @cached_property
    def _reply(self) -> Replying:
        return Replying(self.knowledge, self.help, self.clock, self.chance, self.events)

    @cached_property
    def _for_canaries(self) -> MessageAnswering:
        """The same without what is for visitors: their limits, the day's budget, the model, their audit."""
        return replace(self, limits=(), budget=None, help=None, hash_key=None, canaries=None)

    def __call__(self, command: AnswerMessage) -> Answered:
        """Answer once, whatever happens.

        Raises:
            CanaryRefused: it says it is a canary, and is none of ours, or too old.
            RateLimited: over the limit.
            KeyReused: the key was used for another request.
            KeyInProgress: the first request with this key is still running.
            Outlived: this one took longer than its claim.
            Unavailable: nothing could be written, or it is not known; the same key may be tried again.
        """
        if command.canary is None:
            return self.take(command, None)
        if self.canaries is None:
            raise CanaryRefused
        order = self.canaries(command.canary, self.clock.now())
        # Whatever else it carries: one order is one message of one conversation, so that it is of no use twice.
        bound = replace(command, canary=None, session_id=order.run_id, idempotency_key="canary")
        return self._for_canaries.take(bound, order)

    def take(self, command: AnswerMessage, canary: Order | None) -> Answered:
        """Answer a visitor, or a canary whose order was read; raises what a call does."""
        started = self._admission(command)
        if isinstance(started, Answered):
            return started
        started = replace(started, canary=canary)
        try:
            return self._answer(command, started)
        except BaseException:
            self._admission.release(started)
            raise

    def _answer(self, command: AnswerMessage, started: Started) -> Answered:
        started, written, body = self._commit(command, started)
        for alert in written.alerts:
            try:
                self.queue.enqueue(alert)
            except QueueError as error:
                self.events("enqueue_failed", alert_id=alert.id, channel=alert.channel, error=str(error))
        if not started.within_budget:
            self.events("budget_spent", conversation_id=started.conversation_id)
        self.events("turn_answered", conversation_id=started.conversation_id, source=written.reply.source)
        counts = started.admitted.counts
        return Answered(body, replayed=False, rate=admission.tightest(counts, started.now) if counts else None)

    def _commit(self, command: AnswerMessage, started: Started) -> tuple[Started, Written, Mapping[str, Any]]:
        """Write the turn; on a conflict with another turn apply it to what stands now, with the same answer.

        Where the conversation was erased meanwhile it is the first turn of another one.
        """
        message_id, nonce = self.chance.token(), self.chance.token()
        conversation, version = started.opened.conversation, started.opened.conversation_version
        if started.within_budget:
            reply = self._reply(conversation, command.visitor, started.began)
        else:
            reply = contact_form(self.knowledge, conversation, command.visitor.message, command.visitor.details)
        for _ in range(COMMIT_TRIES):
            written = take_turn(
                conversation,
                command.visitor,
                conversation_id=started.conversation_id,
                reply=reply,
                knowledge=self.knowledge,
                leads=self.leads,
                now=started.now,
                nonce=nonce,
            )
            if started.canary is not None:
                written = _canary(written, started.canary)
            commit = self._commit_of(command, started, conversation, written, version, message_id)
            stands = self._write(commit, started)
            if stands is None or stands.ours:
                return started, written, commit.answer
            if stands.claim_lost:
                raise self._outlived(started)
            if stands.erased:
                started = started.anew(self.chance.token())
            conversation, version = stands.conversation, stands.conversation_version
        raise self._unavailable(Contention())

    def _commit_of(
        self,
        command: AnswerMessage,
        started: Started,
        before: Conversation | None,
        written: Written,
        version: Version | None,
        message_id: str,
    ) -> TurnCommit:
        """All that this turn writes."""
        claim = None
        if started.claim is not None and started.admitted.claim_version is not None:
            claim = (started.claim, started.admitted.claim_version)
        address = record = None
        if self.hash_key is not None:
            email = written.conversation.details.email
            address = ids.address_hash(email, self.hash_key) if email is not None else None
            client = ids.client_hash(command.client, self.hash_key)
            record = consent_record(before, written.conversation, message_id, address=address, client=client)
        return TurnCommit(
            conversation=written.conversation,
            conversation_version=version,
            message_id=message_id,
            turn=written.conversation.turns[-1],
            alerts=written.alerts,
            claim=claim,
            answer=written.body(started.session_id),
            answer_expires_at=started.now + ANSWER_LIFE,
            address=address,
            record=record,
        )

    def _write(self, commit: TurnCommit, started: Started) -> Reread | None:
        """Commit a turn; None if it was written, else what stands."""
        if started.claim is not None and self.clock.monotonic() - started.began >= CLAIM_LIFE.total_seconds():
            raise self._outlived(started)
        try:
            self.store.commit_turn(commit)
        except (Conflict, Contention, OutcomeUnknown):
            try:
                return self.store.reread(commit)
            except StorageError as error:
                raise self._unavailable(error) from error
        except StorageError as error:
            raise self._unavailable(error) from error
        return None

    def _outlived(self, started: Started) -> RequestError:
        self.events("claim_outlived", conversation_id=started.conversation_id)
        return Outlived()

    def _unavailable(self, error: StorageError) -> RequestError:
        self.events("storage_failed", error=type(error).__name__)
        return Unavailable()


def _canary(written: Written, order: Order) -> Written:
    """What a canary's turn writes: alerts of its kind, for the channels that it was ordered for."""
    from shared.domain.canary import marked  # noqa: PLC0415 - a visitor's chat does not wait for it

    made = marked(alert for alert in written.alerts if alert.channel in order.channels)
    return replace(written, conversation=replace(written.conversation, canary=True), alerts=made)
