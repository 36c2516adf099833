"""The chat's store in memory, and those that fail: each failure has its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from shared.domain.admission import Window
from shared.domain.alert import CANARY
from shared.domain.budget import Lease
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageError, StorageUnavailable
from shared.ports import (
    Admitted,
    ChatStore,
    Claim,
    ClaimHeld,
    Opened,
    RateWindows,
    Reread,
    TurnCommit,
    Version,
)
from tests.support.documents import Documents, Write


class FakeWindows(RateWindows):
    """Windows in memory.

    Attributes:
        documents: where they are.
        calls: how often they were asked.
    """

    def __init__(self, documents: Documents | None = None) -> None:
        self.documents = documents or Documents()
        self.calls = 0

    def count(self, windows: Sequence[Window]) -> tuple[tuple[Window, int], ...]:
        """See ``shared.ports.RateWindows``."""
        self.calls += 1
        counting = [Write(f"rate_windows/{window.id}", lambda was: (was or 0) + 1) for window in windows]
        return tuple(zip(windows, self.documents.commit(counting)[1], strict=True))


class BrokenWindows(FakeWindows):
    """Windows that cannot be counted."""

    def __init__(self, error: StorageError) -> None:
        super().__init__()
        self._error = error

    def count(self, windows: Sequence[Window]) -> tuple[tuple[Window, int], ...]:
        """Fail."""
        self.calls += 1
        raise self._error


class FakeChatStore(ChatStore):
    """Conversations, claims and windows in memory.

    Attributes:
        documents: where they are; shared with a `tests.support.alert_stores.FakeAlertStore` that shall see the alerts.
        calls: the names of the operations asked for, in order.
    """

    def __init__(self, documents: Documents | None = None) -> None:
        self.documents = documents or Documents()
        self.calls: list[str] = []

    def open_turn(
        self, claim: Claim | None, windows: Sequence[Window], conversation_id: str | None, lease: Lease | None = None
    ) -> Opened:
        """See ``shared.ports.ChatStore``."""
        self.calls.append("open_turn")
        admission = self._admit(claim, windows, lease)
        stands = self.documents.get(f"conversations/{conversation_id}") if conversation_id else None
        return Opened(admission, stands.value, stands.version) if stands else Opened(admission, None, None)

    def _admit(self, claim: Claim | None, windows: Sequence[Window], lease: Lease | None) -> Admitted | ClaimHeld:
        counting = [Write(f"rate_windows/{window.id}", lambda was: (was or 0) + 1) for window in windows]
        if lease is not None:
            counting.append(Write(f"rate_windows/{lease.shard.id}", lambda was: (was or 0) + lease.messages))
        while True:
            claiming = []
            if claim is not None:
                held = self.documents.get(f"admissions/{claim.id}")
                if held is not None and held.value[0].expires_at > self.documents.now:
                    saved = None if held.value[1] is None else json.loads(held.value[1])
                    mine: Claim = held.value[0]
                    read_at = self.documents.now
                    return ClaimHeld(mine.request_hash, mine.nonce, mine.expires_at, saved, held.version, read_at)
                version = held.version if held else None
                claiming = [Write(f"admissions/{claim.id}", (claim, None), missing=held is None, version=version)]
            try:
                committed, values = self.documents.commit([*counting, *claiming])
            except Conflict:
                continue
            counts = tuple(zip(windows, values, strict=False))
            leased = values[len(windows)] if lease is not None else None
            return Admitted(counts, committed if claim is not None else None, leased)

    def release(self, claim: Claim, version: Version) -> None:
        """See ``shared.ports.ChatStore``."""
        self.calls.append("release")
        try:
            self.documents.commit([Write(f"admissions/{claim.id}", None, version=version)])
        except Conflict:
            return

    def commit_turn(self, commit: TurnCommit) -> None:
        """See ``shared.ports.ChatStore``."""
        self.calls.append("commit_turn")
        writes = [
            Write(
                f"conversations/{commit.conversation.id}",
                commit.conversation,
                missing=commit.conversation_version is None,
                version=commit.conversation_version,
            ),
            Write(f"messages/{commit.message_id}", commit, missing=True),
        ]
        if commit.claim is not None:
            claim, version = commit.claim
            done = replace(claim, expires_at=commit.answer_expires_at)
            writes.append(Write(f"admissions/{claim.id}", (done, json.dumps(dict(commit.answer))), version=version))
        for alert in commit.alerts:
            writes.append(Write(f"alerts/{alert.id}", alert, missing=True))
            if alert.kind != CANARY:
                writes.append(Write(f"tallies/{alert.channel}.{alert.kind}.{alert.id}", lambda was: (was or 0) + 1))
        self.documents.commit(writes)

    def reread(self, commit: TurnCommit) -> Reread:
        """See ``shared.ports.ChatStore``."""
        self.calls.append("reread")
        lost = False
        if commit.claim is not None:
            held = self.documents.get(f"admissions/{commit.claim[0].id}")
            lost = held is None or held.value[0].nonce != commit.claim[0].nonce
        ours = self.documents.get(f"messages/{commit.message_id}") is not None
        stands = self.documents.get(f"conversations/{commit.conversation.id}")
        return Reread(ours, lost, stands.value if stands else None, stands.version if stands else None)


class UnansweredChatStore(FakeChatStore):
    """The first commits of a turn get no answer; they took effect or not."""

    def __init__(self, documents: Documents | None = None, *, takes_effect: bool, commits: int = 1) -> None:
        super().__init__(documents)
        self._takes_effect, self._left = takes_effect, commits

    def commit_turn(self, commit: TurnCommit) -> None:
        """Leave the caller without an answer."""
        self._left -= 1
        if self._left < 0 or self._takes_effect:
            super().commit_turn(commit)
        else:
            self.calls.append("commit_turn")
        if self._left >= 0:
            raise OutcomeUnknown("DeadlineExceeded")


class ContendedChatStore(FakeChatStore):
    """The first operations of one name (``open_turn``, ``commit_turn``) meet contention."""

    def __init__(self, operation: str, times: int) -> None:
        super().__init__()
        self._operation, self._left = operation, times

    def open_turn(
        self, claim: Claim | None, windows: Sequence[Window], conversation_id: str | None, lease: Lease | None = None
    ) -> Opened:
        """Meet contention or open."""
        self._contend("open_turn")
        return super().open_turn(claim, windows, conversation_id, lease)

    def commit_turn(self, commit: TurnCommit) -> None:
        """Meet contention or commit."""
        self._contend("commit_turn")
        super().commit_turn(commit)

    def _contend(self, operation: str) -> None:
        if operation == self._operation and self._left > 0:
            self._left -= 1
            self.calls.append(operation)
            raise Contention("Aborted")


class RacedChatStore(FakeChatStore):
    """Something else happens just before each of the first commits."""

    def __init__(self, documents: Documents | None = None, *rivals: Callable[[TurnCommit], None]) -> None:
        super().__init__(documents)
        self._rivals = list(rivals)

    def commit_turn(self, commit: TurnCommit) -> None:
        """Let the rival act first."""
        if self._rivals:
            self._rivals.pop(0)(commit)
        super().commit_turn(commit)


class UnreachableChatStore(FakeChatStore):
    """Firestore cannot be reached for some operations."""

    def __init__(self, *operations: str) -> None:
        super().__init__()
        self._operations = operations

    def open_turn(
        self, claim: Claim | None, windows: Sequence[Window], conversation_id: str | None, lease: Lease | None = None
    ) -> Opened:
        """Fail or open."""
        self._reach("open_turn")
        return super().open_turn(claim, windows, conversation_id, lease)

    def commit_turn(self, commit: TurnCommit) -> None:
        """Fail or commit."""
        self._reach("commit_turn")
        super().commit_turn(commit)

    def reread(self, commit: TurnCommit) -> Reread:
        """Fail or read."""
        self._reach("reread")
        return super().reread(commit)

    def release(self, claim: Claim, version: Version) -> None:
        """Fail or release."""
        self._reach("release")
        super().release(claim, version)

    def _reach(self, operation: str) -> None:
        if operation in self._operations:
            self.calls.append(operation)
            raise StorageUnavailable("ServiceUnavailable")
