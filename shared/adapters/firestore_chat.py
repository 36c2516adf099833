"""Conversations, admission claims and rate windows in Firestore."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any

from google.cloud import firestore

from shared.adapters.firestore import Database
from shared.adapters.firestore_conversation import (
    conversation_changes,
    conversation_document,
    conversation_of,
    is_tombstone,
)
from shared.adapters.firestore_documents import alert_document, record_document, tally_id
from shared.adapters.firestore_windows import FirestoreWindows, counts, pause
from shared.domain.admission import Window
from shared.domain.alert import CANARY
from shared.domain.budget import Lease
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageError, StorageUnavailable
from shared.ports import Admitted, Claim, ClaimHeld, Opened, Reread, TurnCommit, Version

ADMIT_TRIES = 3
READERS = 32


class FirestoreChat:
    """``shared.ports.ChatStore`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database, self._windows = database, FirestoreWindows(database)

    @cached_property
    def _readers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(READERS, thread_name_prefix="read")

    def open_turn(
        self, claim: Claim | None, windows: Sequence[Window], conversation_id: str | None, lease: Lease | None = None
    ) -> Opened:
        """Cost: one round trip (a commit beside a read), none where there is nothing to write and nothing to read.

        One write a window, one for a claim, one for a lease, one read if there is a conversation to look for. A
        repeated key costs one round trip and one read more, the taking over of an expired claim another.
        """
        reading: Future[Any] | None = None
        if conversation_id is not None:
            reading = self._readers.submit(self._database.read, [self._conversation(conversation_id)])
        try:
            admission = self._admit(claim, windows, lease)
        except BaseException:
            if reading is not None:
                reading.exception()
            raise
        try:
            snapshot = reading.result()[0] if reading is not None else None
        except StorageError:
            if claim is not None and isinstance(admission, Admitted) and admission.claim_version is not None:
                self.release(claim, admission.claim_version)
            raise
        if snapshot is None or not snapshot.exists or is_tombstone(snapshot):
            return Opened(admission, None, None, erased=snapshot is not None and snapshot.exists)
        return Opened(admission, conversation_of(snapshot.id, snapshot.to_dict()), snapshot.update_time)

    def _admit(self, claim: Claim | None, windows: Sequence[Window], lease: Lease | None) -> Admitted | ClaimHeld:
        if claim is None and not windows and lease is None:
            return Admitted((), None)
        for tries_left in reversed(range(ADMIT_TRIES)):
            try:
                return self._claim_and_count(claim, windows, lease, None)
            except Contention:
                if not tries_left:
                    raise
                pause()
            except OutcomeUnknown as error:
                if claim is None:
                    raise StorageUnavailable(str(error)) from error
                return self._find_out(claim, windows)
            except Conflict:
                if claim is None:
                    raise
                return self._held_or_expired(claim, windows, lease)
        raise AssertionError("unreachable: the last try returns or raises")

    def _claim_and_count(
        self, claim: Claim | None, windows: Sequence[Window], lease: Lease | None, expired: Version | None
    ) -> Admitted:
        """Create the claim (or take over an expired one), count, and take the lease, in one commit."""
        client = self._database.client
        batch = client.batch()
        for window in windows:
            self._windows.add(batch, window)
        if lease is not None:
            self._windows.add(batch, lease.shard, lease.messages)
        if claim is not None and expired is None:
            batch.create(self._claim(claim), _claim_document(claim))
        elif claim is not None:
            batch.update(
                self._claim(claim), _claim_document(claim), option=client.write_option(last_update_time=expired)
            )
        results = self._database.commit(batch)
        counted = counts(results)
        return Admitted(
            tuple(zip(windows, counted, strict=False)),
            results[-1].update_time if claim is not None else None,
            counted[-1] if lease is not None else None,
        )

    def _held_or_expired(self, claim: Claim, windows: Sequence[Window], lease: Lease | None) -> Admitted | ClaimHeld:
        """Read the claim that stands in the way; take it over if it has expired, as its holder died."""
        for _ in range(ADMIT_TRIES):
            held = self._read_claim(claim)
            if held is not None and held.expires_at > held.read_at:
                return held
            try:
                return self._claim_and_count(claim, windows, lease, held.version if held is not None else None)
            except Conflict:
                continue
            except OutcomeUnknown:
                return self._find_out(claim, windows)
        raise Contention(claim.id)

    def _find_out(self, claim: Claim, windows: Sequence[Window]) -> Admitted:
        """Whether a commit that was not answered has happened: the claim's nonce tells. Its lease counts as lost."""
        references = [self._claim(claim), *(self._windows.document(window) for window in windows)]
        stands, *counters = self._database.read(references)
        if not stands.exists or stands.get("nonce") != claim.nonce:
            raise StorageUnavailable("the admission was not answered")
        counted = tuple((window, int(counter.get("count"))) for window, counter in zip(windows, counters, strict=True))
        return Admitted(counted, stands.update_time)

    def _read_claim(self, claim: Claim) -> ClaimHeld | None:
        snapshot = self._database.read([self._claim(claim)])[0]
        if not snapshot.exists:
            return None
        data = snapshot.to_dict()
        return ClaimHeld(
            request_hash=data["request_hash"],
            nonce=data["nonce"],
            expires_at=data["expires_at"],
            answer=None if data["answer"] is None else json.loads(data["answer"]),
            version=snapshot.update_time,
            read_at=snapshot.read_time,
        )

    def release(self, claim: Claim, version: Version) -> None:
        """Cost: one round trip, one delete."""
        client = self._database.client
        batch = client.batch()
        batch.delete(self._claim(claim), option=client.write_option(last_update_time=version))
        try:
            self._database.commit(batch)
        except Conflict:
            return

    def commit_turn(self, commit: TurnCommit) -> None:
        """Cost: one round trip; two writes, one for a claim, two an alert, one where consent changes."""
        client = self._database.client
        batch = client.batch()
        conversation = self._conversation(commit.conversation.id)
        document = conversation_document(commit.conversation)
        if commit.address is not None:
            document["email_hashes"] = firestore.ArrayUnion([commit.address])
        if commit.conversation_version is None:
            batch.create(conversation, document)
        else:
            unchanged = client.write_option(last_update_time=commit.conversation_version)
            batch.update(conversation, conversation_changes(commit.conversation, document), option=unchanged)
        batch.create(self._message(commit), _message_document(commit))
        if commit.record is not None:
            batch.create(self._database.document("consent_audit", commit.record.id), record_document(commit.record))
        if commit.claim is not None:
            claim, version = commit.claim
            batch.update(
                self._claim(claim),
                {"answer": json.dumps(dict(commit.answer)), "expires_at": commit.answer_expires_at},
                option=client.write_option(last_update_time=version),
            )
        for alert in commit.alerts:
            batch.create(self._database.document("alerts", alert.id), alert_document(alert))
            if alert.kind == CANARY:
                continue
            tally = tally_id(alert.channel, alert.kind, alert.id)
            counted = {"channel": alert.channel, "kind": alert.kind, "accepted": firestore.Increment(1)}
            batch.set(self._database.document("tallies", tally), counted, merge=True)
        self._database.commit(batch)

    def reread(self, commit: TurnCommit) -> Reread:
        """Cost: one round trip, two reads, and one for a claim."""
        references = [self._conversation(commit.conversation.id), self._message(commit)]
        if commit.claim is not None:
            references.append(self._claim(commit.claim[0]))
        conversation, message, *claims = self._database.read(references)
        lost = any(not claim.exists or claim.get("nonce") != commit.claim[0].nonce for claim in claims if commit.claim)
        if not conversation.exists or is_tombstone(conversation):
            # Its messages are erased after it: of our own commit the erasure may have left nothing to see.
            return Reread(message.exists, lost, None, None, erased=conversation.exists)
        stands = conversation_of(conversation.id, conversation.to_dict())
        return Reread(message.exists, lost, stands, conversation.update_time)

    def _claim(self, claim: Claim) -> Any:
        return self._database.document("admissions", claim.id)

    def _conversation(self, conversation_id: str) -> Any:
        return self._database.document("conversations", conversation_id)

    def _message(self, commit: TurnCommit) -> Any:
        return self._conversation(commit.conversation.id).collection("messages").document(commit.message_id)


def _claim_document(claim: Claim) -> dict[str, Any]:
    """A claim without an answer; an answer is kept as JSON text, so that it is replayed to the letter."""
    return {
        "request_hash": claim.request_hash,
        "conversation_id": claim.conversation_id,
        "nonce": claim.nonce,
        "expires_at": claim.expires_at,
        "answer": None,
    }


def _message_document(commit: TurnCommit) -> dict[str, Any]:
    return {
        "conversation_id": commit.conversation.id,
        "question": commit.turn.question,
        "answer": commit.turn.answer,
        "at": commit.turn.at,
        "alert_ids": [alert.id for alert in commit.alerts if alert.kind != CANARY],  # none that must be there later
    }
