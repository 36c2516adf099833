"""What an operator sees and does of the system as a whole: breakers, counts, samples, jobs, and who did what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.breaker import Breaker
from shared.domain.counts import Counts
from shared.domain.destination import Destination
from shared.domain.samples import Sample, Verdict
from shared.ports.breakers import StoredBreaker
from shared.ports.operations import Action, Place


@dataclass(frozen=True)
class Done:
    """What a person did, as it is on record.

    Attributes:
        action: what, and who and why.
        at: when, by Firestore's time.
    """

    action: Action
    at: datetime


class OperatorAudit(Protocol):
    """Who did what: nothing is changed or removed there."""

    def note(self, action: Action) -> None:
        """Write down what a person is about to do; again with the same id is one.

        Raises:
            StorageError: it is not known to be written.
        """

    def listed(self, limit: int, after: Place | None = None) -> list[Done]:
        """What was done, the newest first, from after a place on; raises StorageUnavailable."""


class BreakerControl(Protocol):
    """Breakers as an operator moves them."""

    def read(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """The breakers as they stand; raises StorageUnavailable."""

    def move(self, stored: StoredBreaker, action: Action) -> None:
        """Write a breaker with the record of who did it, all or nothing, if nobody else has written it.

        A commit whose answer was lost is looked up by the breaker's nonce.

        Raises:
            Conflict: somebody else was first; nothing was written.
            Contention: nothing was written.
            OutcomeUnknown: no answer came, and it could not be found out.
        """


@dataclass(frozen=True)
class Oldest:
    """The alert that has been waiting for the longest."""

    id: str
    channel: str
    kind: str
    state: str
    created_at: datetime


@dataclass(frozen=True)
class Look:
    """The system at a glance.

    Attributes:
        at: Firestore's time.
        channels: the counts of every channel that was ever given an alert.
        oldest: of each channel that has alerts waiting, the oldest.
        breakers: every channel's.
        destinations: every channel's.
        late: escalations and notices that no channel has taken for a while.
        slots: of each job that was ever run, when it was last run to its end.
    """

    at: datetime
    channels: Mapping[str, Counts]
    oldest: Mapping[str, Oldest]
    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    late: int = 0
    slots: Mapping[str, datetime] = field(default_factory=dict)


class Overseeing(Protocol):
    """The system at a glance, at a cost that does not grow with what is stored."""

    def look(self, *, parked_most: timedelta, patience: timedelta) -> Look:
        """Look at everything.

        Args:
            parked_most: alerts that wait for longer are overdue.
            patience: for so long an escalation may be on its way.

        Raises:
            StorageUnavailable: it could not be read.
        """

    def counts(self) -> Look:
        """What waits and what failed alone, without who was told of it; raises StorageUnavailable."""


class Samples(Protocol):
    """Counts as they were, a sample a minute at most."""

    def taken(self, at: datetime) -> tuple[bool, bool]:
        """Whether there is a sample of this minute, and a verdict of this hour; raises StorageUnavailable."""

    def keep(self, sample: Sample, verdict: Verdict | None) -> None:
        """Keep a sample, in its minute's place, with its hour's verdict if there is one; raises StorageError."""

    def since(self, at: datetime, until: datetime) -> tuple[list[Sample], Verdict | None]:
        """The samples of these hours, oldest first, and the newest verdict; raises StorageUnavailable."""


@dataclass(frozen=True)
class ScheduledJob:
    """A job of the scheduler.

    Attributes:
        name: as the manifest calls it.
        schedule: in cron's notation.
        time_zone: that the schedule is read in.
        state: ``enabled``, ``paused``, ``disabled`` or ``unknown``.
        last_run_at: when it was last tried; None before.
        last_outcome: ``succeeded``, ``failed``, or None before.
        next_run_at: None where there is none to come.
        changed_at: when its settings were last changed, its making among them.
    """

    name: str
    schedule: str
    time_zone: str
    state: str
    last_run_at: datetime | None
    last_outcome: str | None
    next_run_at: datetime | None
    changed_at: datetime | None = None


class Scheduler(Protocol):
    """The jobs of the scheduler."""

    def jobs(self) -> list[ScheduledJob]:
        """Every job there is, by name; raises SchedulerUnavailable."""

    def pause(self, name: str) -> ScheduledJob | None:
        """Stop a job's schedule, again too; None where there is no such job; raises SchedulerUnavailable."""

    def resume(self, name: str) -> ScheduledJob | None:
        """Go on with a job's schedule, likewise."""

    def run(self, name: str) -> ScheduledJob | None:
        """Run a job now, beside its schedule, likewise; the answer comes before the run has ended."""
