"""Erase all that is kept of an address: step by step, each written down, so that a crash at any point loses nothing.

Every step is safe to repeat, and each pass begins at the beginning: what is gone already is not found again. The
tombstones come first, so that nothing new hangs on a conversation; the alerts next, those being sent after their
outcome; then the destinations; and before it is certified, all of it is looked for once more (guarantee 26).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain import erasure as domain
from shared.domain.alert import DEAD_LETTER_STATUS, Alert, State
from shared.domain.erasure import DONE, ITEMS_AT, Erasure
from shared.domain.rights import Recorded
from shared.errors import Conflict, Contention, QueueError, StorageError
from shared.ports import AlertStore, Chance, Clock, Continuation, Events, Step, TaskQueue
from shared.ports.rights import ErasureStore, FoundAlert, RemoteEraser

AT_ONCE = 20
"""So many erasures are worked on by one run."""

NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True)
class Erasing:
    """The flow with what it needs.

    Attributes:
        store: the ledger, and what hangs on conversations.
        alerts: where alerts are.
        queue: where their tasks are.
        remotes: the destinations that can delete, by channel.
        sweep: asked to go on at the next time there is something to do.
        lease: how long an attempt at an alert may be under way.
        wait: before a destination that did not do it is asked again.
        relook: how long after that it is looked there once more.
        overdue: after so long a person is told, again at each pass.
        ask_seconds: how long a destination may take.
        run_seconds: after this long nothing more is begun.
        clock: for that.
        chance: for nonces.
        events: where to report.
    """

    store: ErasureStore
    alerts: AlertStore
    queue: TaskQueue
    remotes: Mapping[str, RemoteEraser]
    sweep: Continuation
    lease: timedelta
    wait: timedelta
    relook: timedelta
    overdue: timedelta
    ask_seconds: float
    run_seconds: float
    clock: Clock
    chance: Chance
    events: Events

    def continue_erasures(self) -> bool:
        """Go on with every erasure whose time has come; never raises for storage, the next run goes on.

        Returns:
            Whether there is more to do that could be done now.
        """
        ends = self.clock.monotonic() + self.run_seconds
        try:
            found, now = self.store.running(AT_ONCE)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            return False
        due = sorted((each for each in found if each.wake_at <= now), key=lambda each: each.wake_at)
        for number, erasure in enumerate(due):
            if self.clock.monotonic() > ends:
                return number < len(due)
            try:
                self._work(erasure, now)
            except Conflict:
                continue  # another run works on it
            except StorageError as error:
                self.events("storage_failed", error=type(error).__name__)
        return len(found) == AT_ONCE and len(due) == AT_ONCE

    def _work(self, erasure: Erasure, now: datetime) -> None:
        """One pass: as far as it can go now."""
        erasure, sending = self._here(erasure)
        if sending:
            self._wait(domain.later(erasure, now + self.lease, "being_sent"), now)
            return
        if erasure.items and not erasure.looked_again:
            erasure = self._there(erasure, now)
            if not erasure.looked_again:
                self._wait(erasure, now)
                return
        erasure = self._again_here(erasure, now)
        if erasure.wake_at > now:
            self._wait(erasure, now)
            return
        record = Recorded(self.chance.token(), "system", "erased", "sweep", erasure.id, erasure.conversation_id)
        self.store.save(replace(erasure, state=DONE), record)
        self.events("erasure_finished", conversation_id=erasure.conversation_id)

    def _here(self, erasure: Erasure) -> tuple[Erasure, bool]:
        """Everything in Firestore and in the queues; and whether an alert is being sent, whose outcome comes first."""
        while new := self.store.conversations(erasure.id, erasure.conversation_id):
            # Written down before the first of them is a tombstone, which tells nothing of whose it was.
            erasure = self.store.save(erasure.found(new))
            for conversation_id in new:
                self.store.entomb(conversation_id, erasure.id)
        sending = False
        for conversation_id in erasure.conversations:
            for found in self.store.alerts(conversation_id):
                if found.state != State.ERASED:
                    erasure, done = self._alert(erasure, found, conversation_id)
                    sending = sending or not done
            erasure = self.store.save(erasure.counted(self.store.remove(conversation_id)))
        return erasure, sending

    def _alert(self, erasure: Erasure, found: FoundAlert, conversation_id: str) -> tuple[Erasure, bool]:
        """One alert, with its dead letter and its task; whether that is done."""
        stored = self.alerts.read(found.id, found.channel)
        if stored is None or stored.alert.state is State.ERASED:
            return erasure, True
        alert = stored.alert
        if alert.state is State.SENDING:
            return erasure, False
        if domain.perhaps_shown(alert):
            # Written down before the alert says nothing of it any more.
            erasure = self.store.save(erasure.noted(alert))
        after = domain.erased(alert, now=stored.read_at, nonce=self.chance.token(), conversation_id=conversation_id)
        try:
            self.alerts.write(Step(alert, after, stored.version))
        except (Conflict, Contention):
            return erasure, False
        letter = alert.state in DEAD_LETTER_STATUS
        if alert.waiting and after.state is State.ERASED:
            self._forget_task(alert)
        return erasure.counted({"alerts": 1, "dead_letters": int(letter)}), True

    def _forget_task(self, alert: Alert) -> None:
        """Its task says nothing of a visitor and would do nothing; it goes all the same."""
        try:
            self.queue.forget(alert)
        except QueueError as error:
            self.events("enqueue_failed", alert_id=alert.id, channel=alert.channel, error=str(error))

    def _there(self, erasure: Erasure, now: datetime) -> Erasure:
        """The destination whose items can be deleted; without it that is what the certificate says."""
        remote = self.remotes.get(ITEMS_AT)
        if remote is None:
            return replace(domain.later(erasure, now, NOT_CONFIGURED), looked_again=True)
        removal = remote.erase(erasure.items, deadline=self.clock.monotonic() + self.ask_seconds)
        return domain.asked(erasure, removal.deleted, removal.problem, now=now, again=self.relook, wait=self.wait)

    def _again_here(self, erasure: Erasure, now: datetime) -> Erasure:
        """A last look; what came meanwhile (an escalation, a turn that was under way) is erased by another pass."""
        left = bool(self.store.conversations(erasure.id, erasure.conversation_id)) or any(
            found.state != State.ERASED
            for conversation_id in erasure.conversations
            for found in self.store.alerts(conversation_id)
        )
        return domain.later(erasure, now + self.wait, "something_new") if left else erasure

    def _wait(self, erasure: Erasure, now: datetime) -> None:
        self.store.save(erasure)
        told = {"conversation_id": erasure.conversation_id, "cause": erasure.problem or "looks_again"}
        self.events("erasure_waits", **told)
        if now - erasure.requested_at > self.overdue:
            self.events("erasure_overdue", **told)
        try:
            self.sweep.ask(f"erasure {erasure.id} {erasure.wake_at.isoformat()}", erasure.wake_at)
        except QueueError as error:
            self.events("enqueue_failed", error=str(error))
