"""What one pass of the scheduled jobs reads and writes, however much is stored that is not due."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import alerts
from bench.filling import emulator, fill
from bench.hands import CountingContinuation, CountingQueue, StillClock
from bench.meter import Meter
from bench.report import say, table
from infra.manifest import load
from shared import bootstrap
from shared.adapters.firestore_alerts import FirestoreAlerts
from shared.adapters.firestore_documents import alert_document, dead_letter_document
from shared.adapters.firestore_housekeeping import FirestoreHousekeeping
from shared.domain.alert import Alert

CHANNELS = ("slack", "monday", "email", "webhook")
ENVIRON = {
    "OIDC_AUDIENCE": "https://job.example.com",
    "SCHEDULER_INVOKER_EMAIL": "scheduler@example.com",
    "TASKS_INVOKER_EMAIL": "tasks@example.com",
    "DELIVER_ALERT_URL": "https://deliver.example.com",
    "SWEEP_URL": "https://sweep.example.com",
    "CLEANUP_URL": "https://cleanup.example.com",
    "ESCALATION_CHANNELS": "email,slack",
    "DIGEST_THRESHOLD": "2",  # whatever is stored beside them, what is due goes out in one message
}
NOT_DUE = timedelta(hours=1)
LATELY = timedelta(days=2)
LONG_AGO = timedelta(days=365)


@dataclass(frozen=True)
class Job:
    """A scheduled job as it is deployed, but for where its tasks go.

    Attributes:
        run: one slot of it.
        meter: in its wire to Firestore.
        tasks: operations on tasks so far.
    """

    run: Callable[[], Any]
    meter: Meter
    tasks: Callable[[], int]


def run(levels: Sequence[int], *, due: int) -> None:
    """Measure and print.

    Args:
        levels: how many parked alerts with their dead letters, and how many delivered alerts, are not due.
        due: how many of each are, in every second measurement.
    """
    rows: list[Sequence[object]] = []
    with emulator(roomy=True) as firestore:
        for stored in levels:
            project = f"demo-bench-{secrets.token_hex(4)}"
            rows += _level(firestore.host, project, stored, due)
            firestore.clear(project)
    table(
        "One pass, its slot included: calls, and what is billed",
        ["job", "stored, not due", "due", "calls", "documents", "reads", "writes", "deletes", "tasks", "did"],
        sorted(rows, key=lambda row: (str(row[0]), row[2], row[1])),
    )


def _level(host: str, project: str, stored: int, due: int) -> list[list[object]]:
    say(f"storing {stored:,} parked alerts, {stored:,} dead letters and {stored:,} delivered alerts")
    now = datetime.now(UTC)
    _park(host, project, stored, now + NOT_DUE)
    _end(host, project, stored, now - LATELY)
    jobs = {"retry_dead_letters": _sweep(project), "cleanup": _cleanup(project)}
    rows = [_measured(name, job, stored, 0) for name, job in jobs.items()]
    _park(host, project, due, now - NOT_DUE, CHANNELS[:1], seed="parked")
    _end(host, project, due, now - LONG_AGO, seed="ended")  # the same names always: they decide on the tallies
    return rows + [_measured(name, job, stored, due) for name, job in jobs.items()]


def _measured(name: str, job: Job, stored: int, due: int) -> list[object]:
    say(f"{name}: one pass, {stored:,} stored, {due} due")
    job.meter.reset()
    before = job.tasks()
    did = job.run()
    cost = job.meter
    counted = [len(cost.calls), cost.returned, cost.reads, cost.writes, cost.deletes, job.tasks() - before]
    return [name, stored, due, *counted, did]


def _park(
    host: str, project: str, number: int, wake_at: datetime, channels: Sequence[str] = CHANNELS, *, seed: str = ""
) -> None:
    for position, channel in enumerate(channels):
        ids = alerts.ids(len(range(position, number, len(channels))), seed and f"{seed} {channel}")
        alert = alerts.parked(channel, wake_at)
        letter = {**dead_letter_document(alert), "entered_at": wake_at, "escalated_at": None}
        fill(host, project, "dead_letters", ids, letter)
        fill(host, project, "alerts", ids, alert_document(alert), spread=_spread(alert))


def _end(host: str, project: str, number: int, ended_at: datetime, *, seed: str = "") -> None:
    for position, channel in enumerate(CHANNELS):
        ids = alerts.ids(len(range(position, number, len(CHANNELS))), seed and f"{seed} {channel}")
        fill(host, project, "alerts", ids, alert_document(alerts.delivered(channel, ended_at)), spread="ended_at")


def _spread(alert: Alert) -> str:
    """Those not due wake one after the other; those due are so at once."""
    return "wake_at" if alert.wake_at is not None and alert.wake_at > datetime.now(UTC) else ""


def _sweep(project: str) -> Job:
    built = bootstrap.retry_dead_letters(_environ(project))
    meter, queue, again = Meter(), CountingQueue(), CountingContinuation()
    if not isinstance(built.flow.store, FirestoreAlerts):
        raise TypeError("the flow's store is not Firestore")
    meter.watch(built.flow.store._database)  # noqa: SLF001 - the wire that is counted in
    clock = StillClock()
    steps = replace(built.flow.moves.steps, queue=queue, events=_silent)
    moves = replace(built.flow.moves, steps=steps, clock=clock, events=_silent)
    flow = replace(
        built.flow,
        queue=queue,
        moves=moves,
        backlog=replace(built.flow.backlog, queue=queue, moves=moves, events=_silent),
        overdue=replace(built.flow.overdue, steps=steps, events=_silent),
        again=again,
        clock=clock,
        events=_silent,
    )

    def once() -> str:
        swept = built.once("retry-dead-letters", _slot(), flow)
        return f"requeued {swept.requeued}" if swept is not None else "skipped"

    return Job(once, meter, lambda: queue.operations + again.operations)


def _cleanup(project: str) -> Job:
    built = bootstrap.cleanup(_environ(project))
    meter, again = Meter(), CountingContinuation()
    if not isinstance(built.daily.store, FirestoreHousekeeping):
        raise TypeError("the flow's store is not Firestore")
    meter.watch(built.daily.store._database)  # noqa: SLF001 - the wire that is counted in
    flow = replace(built.daily, again=again, clock=StillClock(), events=_silent)

    def once() -> str:
        cleaned = built.once("cleanup-daily", _slot(), flow)
        return f"removed {cleaned.alerts}" if cleaned is not None else "skipped"

    return Job(once, meter, lambda: again.operations)


def _environ(project: str) -> Mapping[str, str]:
    return ENVIRON | {"GOOGLE_CLOUD_PROJECT": project, "DRAIN_PACES": load().paces}


def _slot() -> str:
    return datetime.now(UTC).isoformat()


def _silent(event: str, /, **values: str | float | None) -> None:
    """Events have no place in a table."""
    del event, values
