"""Admit a visitor's message: limits, the idempotency key's claim, the day's budget, and what stands.

One round trip, and none for a client that is known to be over its limit (guarantees 15 to 21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.domain import admission, ids
from shared.domain.admission import Limit, Memory, Rate, Window
from shared.domain.budget import Budget, Lease
from shared.domain.turn import Visitor
from shared.errors import Contention, KeyInProgress, KeyReused, RateLimited, StorageError, Unavailable
from shared.ports import Admitted, Chance, ChatStore, Claim, ClaimHeld, Clock, Events, Opened

if TYPE_CHECKING:
    from shared.domain.canary import Order

CLAIM_LIFE = timedelta(seconds=60)
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
        canary: the token that says it is a canary's; None for visitors.
    """

    visitor: Visitor
    session_id: str | None
    idempotency_key: str | None
    client: str
    request_hash: str
    canary: str | None = None


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


@dataclass(frozen=True, repr=False, eq=False)
class Started:
    """A turn that was admitted: what it works with until its commit.

    Attributes:
        opened: what stands.
        claim: ours, None without a key.
        admitted: how the request was counted.
        within_budget: whether it is answered in full, or as a contact form would.
        session_id: the visitor's, old or new.
        conversation_id: of that session.
        now: the time of the turn.
        began: when it began, by the clock that never goes backwards.
        canary: what was asked for, where it is a canary; None for visitors.
    """

    opened: Opened
    claim: Claim | None
    admitted: Admitted
    within_budget: bool
    session_id: str
    conversation_id: str
    now: datetime
    began: float
    canary: Order | None = None

    def anew(self, session_id: str) -> Started:
        """The same turn as the first one of a new conversation: the old one was erased (guarantee 26)."""
        conversation_id = ids.conversation_id(session_id)
        claim = replace(self.claim, conversation_id=conversation_id) if self.claim is not None else None
        return replace(self, claim=claim, session_id=session_id, conversation_id=conversation_id)


@dataclass(frozen=True, repr=False, eq=False)
class Admission:
    """The flow with what it needs; see `shared.flows.answer_message.MessageAnswering`."""

    store: ChatStore
    limits: tuple[Limit, ...]
    budget: Budget | None
    memory: Memory
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self, command: AnswerMessage) -> Started | Answered:
        """Admit a message, or give the answer that was given before under its key.

        Whoever gets a turn must end it: with the commit, or with ``release``.

        Raises:
            RateLimited: over the limit; the key can be used again at once.
            KeyReused: the key was used for another request.
            KeyInProgress: the first request with this key is still running.
            Unavailable: nothing is known to be written; limits do not fail open.
        """
        now, began = self.clock.now(), self.clock.monotonic()
        windows = admission.windows(command.client, self.limits, now)
        refused = self.memory.refused(windows)
        if refused is not None:
            raise _limited(refused, now)
        session_id = command.session_id or self.chance.token()
        conversation_id = ids.conversation_id(session_id)
        claim = self._claim(command, conversation_id, now)
        opened, within = self._open(claim, windows, conversation_id if command.session_id else None, now)
        if isinstance(opened.admission, ClaimHeld):
            return self._repeat(command, opened.admission, windows, now)
        started = Started(opened, claim, opened.admission, within, session_id, conversation_id, now, began)
        if opened.erased:
            started = started.anew(self.chance.token())
        full = admission.exceeded(opened.admission.counts)
        if full is not None:
            self.memory.refuse(full)
            self.release(started)
            self.events("turn_refused")
            raise _limited(full, now)
        return started

    def release(self, started: Started) -> None:
        """Let the same key be used again at once; if that fails the claim ends by itself."""
        if started.claim is None or started.admitted.claim_version is None:
            return
        try:
            self.store.release(started.claim, started.admitted.claim_version)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)

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

    def _open(
        self, claim: Claim | None, windows: tuple[Window, ...], conversation_id: str | None, now: datetime
    ) -> tuple[Opened, bool]:
        """What stands, and whether the message is within the day's budget."""
        if self.budget is None:
            return self._opened(claim, windows, conversation_id, None), True
        bid = self.budget.bid(now, self.chance.fraction())
        counted, admitted = None, False
        try:
            opened = self._opened(claim, windows, conversation_id, bid.lease)
            if isinstance(opened.admission, Admitted):
                counted, admitted = opened.admission.leased, admission.exceeded(opened.admission.counts) is None
        finally:
            within = self.budget.settle(bid, counted, admitted=admitted)
        return opened, within

    def _opened(
        self, claim: Claim | None, windows: tuple[Window, ...], conversation_id: str | None, lease: Lease | None
    ) -> Opened:
        try:
            return self.store.open_turn(claim, windows, conversation_id, lease)
        except Contention:
            raise RateLimited(BUSY_RETRY_SECONDS) from None
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error

    def _repeat(self, command: AnswerMessage, held: ClaimHeld, windows: tuple[Window, ...], now: datetime) -> Answered:
        full = admission.exceeded(self.memory.repeat(windows))
        if full is not None:
            raise _limited(full, now)
        if held.request_hash != command.request_hash:
            raise KeyReused
        if held.answer is None:
            raise KeyInProgress(1)
        return Answered(held.answer, replayed=True, rate=None)


def _limited(full: Window, now: datetime) -> RateLimited:
    return RateLimited(admission.seconds_until(full.ends_at, now), full.limit.name)
