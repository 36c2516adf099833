"""Redrive: send dead letters again because a person said so, however many, whatever crashes meanwhile.

The redrive is written down first, then worked through in slices, and each slice is written down before it is begun:
with the epoch of each alert, which a redrive raises. Whoever goes on after a crash sees by it what was done, so that no
redrive sends an alert again twice, and none is forgotten. What one request has no time for, the sweep continues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.alert import Policy
from shared.domain.decisions import can_redrive
from shared.domain.decisions import redrive as anew
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageError, StorageUnavailable, Unreadable
from shared.flows.operations import answered
from shared.flows.operations_answers import missing, redrive_view
from shared.flows.steps import Steps
from shared.ports import AlertStore, Chance, Clock, Events, StoredAlert, TaskQueue
from shared.ports.operations import Action, Member, Redrive, RedriveStore, Selection, Wanted

SLICE = 25
RUNNING_MOST = 20
ABANDONED = timedelta(seconds=15)
"""A redrive nobody has written for so long is nobody's work any more; two who work on one do no harm."""

SHARE = 0.8
"""The part of a destination's pace that a redrive may use; the rest is for new alerts."""

AT_ONCE = 5
"""The first so many of a redrive are not spaced."""


@dataclass(frozen=True)
class RequestRedrive:
    """The command.

    Attributes:
        ids: the dead letters named one by one, each once; None where the others say which.
        wanted: those that are meant, of the named or of all.
        reason: why, None where nothing was said.
        by: who says so, None where nothing was said.
    """

    ids: tuple[str, ...] | None
    wanted: Wanted
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Redriving:
    """The flow with what it needs.

    Attributes:
        redrives: where redrives are.
        store: where alerts are.
        queue: where their tasks go.
        paces: how many messages a second each channel takes; tasks are spaced by it.
        escalation_channels: where escalations go, in order.
        policy: budgets and waits.
        run_seconds: after this long nothing more is begun.
        clock: for that.
        chance: for ids and nonces.
        events: where to report.
    """

    redrives: RedriveStore
    store: AlertStore
    queue: TaskQueue
    paces: Mapping[str, float]
    escalation_channels: tuple[str, ...]
    policy: Policy
    run_seconds: float
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self, command: RequestRedrive) -> dict[str, Any]:
        """Write a redrive down and do what there is time for.

        Returns:
            Its id; it goes on by itself.

        Raises:
            Unavailable: it could not be written down; nothing is sent again.
        """
        ends = self.clock.monotonic() + self.run_seconds
        redrive_id = self.chance.token()
        selection = Selection(command.ids, command.wanted)
        action = Action(redrive_id, "redrive", _subject(command), command.reason, command.by)
        with answered(self.events):
            begun = self.redrives.begin(redrive_id, selection, action)
        self.events("redrive_requested", redrive_id=redrive_id)
        self._work(begun, ends)
        return {"redrive": redrive_id}

    def find(self, redrive_id: str) -> dict[str, Any]:
        """How far a redrive has come.

        Raises:
            RequestError: 404, there is no such redrive.
            Unavailable: storage did not answer.
        """
        with answered(self.events):
            found = self.redrives.find(redrive_id)
        if found is None:
            raise missing("A redrive of this id")
        return redrive_view(found)

    def continue_redrives(self) -> bool:
        """Go on with what nobody works on; never raises for storage, the next run goes on.

        Returns:
            Whether there is more to do that could be done now.
        """
        ends = self.clock.monotonic() + self.run_seconds
        try:
            found = self.redrives.running(RUNNING_MOST)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            return False
        abandoned = [redrive for redrive in found if redrive.idle >= ABANDONED]
        unfinished = sum(not self._work(redrive, ends) for redrive in sorted(abandoned, key=_asked_for))
        return unfinished > 0

    @property
    def _steps(self) -> Steps:
        return Steps(self.store, self.queue, self.policy, self.escalation_channels, self.chance, self.events)

    def _work(self, redrive: Redrive, ends: float) -> bool:
        """Go on with a redrive as long as there is time; whether it is done, or somebody else's work."""
        try:
            while not redrive.done:
                counted = self._slice(redrive, ends)
                if counted is None:
                    return False
                redrive = self.redrives.save(self.redrives.take(counted, SLICE))
        except Conflict:
            return True
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            return False
        self.events("redrive_finished", redrive_id=redrive.id, count=redrive.queued)
        return True

    def _slice(self, redrive: Redrive, ends: float) -> Redrive | None:
        """The redrive with its members dealt with and counted; None where there was not enough time for all."""
        queued = 0
        for member in redrive.members:
            if self.clock.monotonic() > ends:
                return None
            at = redrive.requested_at + self._spaced(member.channel, redrive.queued + queued)
            queued += self._redriven(member, at)
        if self.clock.monotonic() > ends:
            return None
        selected = redrive.selected + len(redrive.members)
        return replace(redrive, members=(), selected=selected, queued=redrive.queued + queued)

    def _spaced(self, channel: str, before: int) -> timedelta:
        """How long after the request the alert that has so many before it is sent."""
        pace = self.paces.get(channel)
        return timedelta(seconds=max(0, before - AT_ONCE) / (pace * SHARE)) if pace else timedelta(0)

    def _redriven(self, member: Member, at: datetime) -> bool:
        """Whether this alert was queued anew, by this run or by one before it; in a conflict decided anew, once."""
        for _ in range(2):
            stored = self._stored(member)
            if stored is None:
                return False
            if stored.alert.epoch > member.epoch:
                return True
            if not can_redrive(stored.alert):
                return False
            try:
                return self._write(stored, max(at, stored.read_at))
            except Conflict:
                continue
        return False

    def _stored(self, member: Member) -> StoredAlert | None:
        try:
            return self.store.read(member.id, member.channel)
        except Unreadable:
            self.events("alert_unreadable", alert_id=member.id, channel=member.channel)
            return None

    def _write(self, stored: StoredAlert, at: datetime) -> bool:
        before = stored.alert
        after = anew(before, now=at, nonce=self.chance.token(), policy=self.policy)
        step = self._steps.plan(before, after, stored.version, now=stored.read_at)
        try:
            self._steps.write(step, event="alert_requeued")
        except (Conflict, Contention, StorageUnavailable, OutcomeUnknown):
            raise
        except StorageError as error:
            self.events("alert_unwritable", alert_id=before.id, channel=before.channel, error=type(error).__name__)
            return False
        return True


def _asked_for(redrive: Redrive) -> datetime:
    return redrive.requested_at


def _subject(command: RequestRedrive) -> dict[str, Any]:
    """The ids or the selection, for the record."""
    wanted = command.wanted
    return {
        "ids": list(command.ids) if command.ids is not None else None,
        "statuses": list(wanted.statuses) if wanted.statuses is not None else None,
        "cause": wanted.cause,
        "channel": wanted.channel,
        "from": wanted.since,
        "to": wanted.before,
    }
