"""Answer a visitor's message: admit it, decide, write the turn and its alerts in one commit, then hurry the alerts.

Two round trips: the admission's commit beside one read, and the turn's commit. The reply is given only after the
commit, so a visitor who saw a reply is a lead that is held; a task that cannot be created is found by the sweep
(guarantees 15 to 22).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.domain import admission, ids
from shared.domain.admission import Limit, Memory, Rate, Window
from shared.domain.knowledge import Knowledge
from shared.domain.reply import Reply
from shared.domain.turn import LeadPolicy, Visitor, Written, take_turn
from shared.errors import (
    Conflict,
    Contention,
    KeyInProgress,
    KeyReused,
    OutcomeUnknown,
    Outlived,
    QueueError,
    RateLimited,
    RequestError,
    StorageError,
    Unavailable,
)
from shared.ports import (
    Admitted,
    Chance,
    ChatStore,
    Claim,
    ClaimHeld,
    Clock,
    Events,
    Opened,
    Reread,
    TaskQueue,
    TurnCommit,
    Version,
)

CLAIM_LIFE = timedelta(seconds=60)
ANSWER_LIFE = timedelta(hours=24)
COMMIT_TRIES = 3
BUSY_RETRY_SECONDS = 2


@dataclass(frozen=True)
class AnswerMessage:
    """The command, checked at the edge.

    Attributes:
        visitor: what they wrote and told.
        session_id: theirs, None for a new one.
        idempotency_key: theirs, None without one.
        client: the address the message came from, normalised.
        request_hash: of everything that was asked.
    """

    visitor: Visitor
    session_id: str | None
    idempotency_key: str | None
    client: str
    request_hash: str


@dataclass(frozen=True)
class Answered:
    """The reply.

    Attributes:
        body: as the HTTP contract has it.
        replayed: it is the saved answer of an earlier request with this key.
        rate: what is left to the client; None where nothing was counted.
    """

    body: Mapping[str, Any]
    replayed: bool
    rate: Rate | None


@dataclass(frozen=True)
class _Started:
    """A turn that was admitted: what it works with until its commit."""

    opened: Opened
    claim: Claim | None
    admitted: Admitted
    session_id: str
    conversation_id: str
    now: datetime
    began: float

    def commit_of(self, written: Written, version: Version | None, message_id: str) -> TurnCommit:
        """All that this turn writes."""
        claim = None
        if self.claim is not None and self.admitted.claim_version is not None:
            claim = (self.claim, self.admitted.claim_version)
        return TurnCommit(
            conversation=written.conversation,
            conversation_version=version,
            message_id=message_id,
            turn=written.conversation.turns[-1],
            alerts=written.alerts,
            claim=claim,
            answer=written.body(self.session_id),
            answer_expires_at=self.now + ANSWER_LIFE,
        )


@dataclass(frozen=True)
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

    def __call__(self, command: AnswerMessage) -> Answered:
        """Answer once, whatever happens.

        Raises:
            RateLimited: over the limit.
            KeyReused: the key was used for another request.
            KeyInProgress: the first request with this key is still running.
            Outlived: this one took longer than its claim.
            Unavailable: nothing could be written, or it is not known; the same key may be tried again.
        """
        now, began = self.clock.now(), self.clock.monotonic()
        windows = admission.windows(command.client, self.limits, now)
        refused = self.memory.refused(windows)
        if refused is not None:
            raise RateLimited(admission.seconds_until(refused.ends_at, now))
        session_id = command.session_id or self.chance.token()
        conversation_id = ids.conversation_id(session_id)
        claim = self._claim(command, conversation_id, now)
        try:
            opened = self.store.open_turn(claim, windows, conversation_id if command.session_id else None)
        except Contention:
            raise RateLimited(BUSY_RETRY_SECONDS) from None
        except StorageError as error:
            raise self._unavailable(error) from error
        if isinstance(opened.admission, ClaimHeld):
            return self._repeat(command, opened.admission, windows, now)
        started = _Started(opened, claim, opened.admission, session_id, conversation_id, now, began)
        try:
            return self._answer(command, started)
        except BaseException:
            self._release(started)
            raise

    def _claim(self, command: AnswerMessage, conversation_id: str, now: datetime) -> Claim | None:
        if command.idempotency_key is None:
            return None
        return Claim(
            id=ids.claim_id(command.idempotency_key, command.session_id or command.client),
            request_hash=command.request_hash,
            conversation_id=conversation_id,
            nonce=self.chance.token(),
            expires_at=now + CLAIM_LIFE,
        )

    def _repeat(self, command: AnswerMessage, held: ClaimHeld, windows: tuple[Window, ...], now: datetime) -> Answered:
        full = admission.exceeded(self.memory.repeat(windows))
        if full is not None:
            raise RateLimited(admission.seconds_until(full.ends_at, now))
        if held.request_hash != command.request_hash:
            raise KeyReused
        if held.answer is None:
            raise KeyInProgress(1)
        return Answered(held.answer, replayed=True, rate=None)

    def _answer(self, command: AnswerMessage, started: _Started) -> Answered:
        counts = started.admitted.counts
        full = admission.exceeded(counts)
        if full is not None:
            self.memory.refuse(full)
            self.events("turn_refused")
            raise RateLimited(admission.seconds_until(full.ends_at, started.now))
        written, body = self._commit(command, started)
        for alert in written.alerts:
            try:
                self.queue.enqueue(alert)
            except QueueError as error:
                self.events("enqueue_failed", alert_id=alert.id, channel=alert.channel, error=str(error))
        self.events("turn_answered", conversation_id=started.conversation_id, source=written.reply.source)
        return Answered(body, replayed=False, rate=admission.tightest(counts, started.now))

    def _commit(self, command: AnswerMessage, started: _Started) -> tuple[Written, Mapping[str, Any]]:
        """Write the turn; on a conflict with another turn apply it to what stands now, with the same answer."""
        message_id, nonce = self.chance.token(), self.chance.token()
        conversation, version = started.opened.conversation, started.opened.conversation_version
        reply: Reply | None = None
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
            reply = written.reply
            commit = started.commit_of(written, version, message_id)
            stands = self._write(commit, started)
            if stands is None or stands.ours:
                return written, commit.answer
            if stands.claim_lost:
                raise self._outlived(started)
            conversation, version = stands.conversation, stands.conversation_version
        raise self._unavailable(Contention())

    def _write(self, commit: TurnCommit, started: _Started) -> Reread | None:
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

    def _release(self, started: _Started) -> None:
        """Let the same key be used again at once; if that fails the claim ends by itself."""
        if started.claim is None or started.admitted.claim_version is None:
            return
        try:
            self.store.release(started.claim, started.admitted.claim_version)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)

    def _outlived(self, started: _Started) -> RequestError:
        self.events("claim_outlived", conversation_id=started.conversation_id)
        return Outlived()

    def _unavailable(self, error: StorageError) -> RequestError:
        self.events("storage_failed", error=type(error).__name__)
        return Unavailable()
