"""Round trips to Firestore of one delivery, for each way it can end; counted in this process, in the wire."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from bench import alerts
from bench.filling import emulator
from bench.hands import Answering, CountingContinuation, CountingQueue
from bench.meter import Meter
from bench.report import say, table
from bench.stage import SETTINGS
from shared import bootstrap
from shared.adapters.firestore_alerts import FirestoreAlerts
from shared.adapters.firestore_documents import alert_document
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry
from shared.flows.deliver_alert import AlertDelivery, DeliverAlert

ENVIRON = SETTINGS | {
    "OIDC_AUDIENCE": "https://deliver.example.com",
    "DELIVER_ALERT_URL": "https://deliver.example.com",
    "TASKS_INVOKER_EMAIL": "tasks@example.com",
    "SWEEP_URL": "https://sweep.example.com",
    "SCHEDULER_INVOKER_EMAIL": "scheduler@example.com",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.example.com/services/T0/B0/bench",
}


@dataclass(frozen=True)
class World:
    """The flow as it is deployed, but for where it sends and queues.

    Attributes:
        flow: it.
        meter: in its wire to Firestore.
        queue: counts tasks.
        sweep: counts what is asked for.
        database: its Firestore.
    """

    flow: AlertDelivery
    meter: Meter
    queue: CountingQueue
    sweep: CountingContinuation
    database: Any

    def deliver(self, alert_id: str, generation: int, outcome: Outcome, channel: str | None = "slack") -> list[object]:
        """One task, where the destination answers with that outcome; what it cost."""
        channels = dict.fromkeys(("slack", "email"), Answering(outcome))
        self.meter.reset()
        self.queue.operations = self.sweep.operations = 0
        attempts = replace(self.flow.attempts, channels=channels)
        state = replace(self.flow, attempts=attempts)(DeliverAlert(alert_id, generation, channel))
        trips = [f"{name} x{len(list(calls))}" for name, calls in groupby(self.meter.calls)]
        tasks = self.queue.operations + self.sweep.operations
        return [state, len(self.meter.calls), self.meter.reads, self.meter.writes, tasks, ", ".join(trips)]

    def put(self) -> str:
        """A fresh alert, queued; its id."""
        alert = alerts.queued()
        self.database.document("alerts", alert.id).set(alert_document(alert))
        return alert.id


def run() -> None:
    """Measure and print, on an emulator of its own."""
    with emulator():
        measure()


def measure() -> None:
    """Measure and print, on the emulator that the environment names."""
    say("counting the round trips of a delivery")
    world = _world()
    rows = [[name, *way(world)] for name, way in WAYS.items()]
    heads = ["way", "state", "round trips", "reads", "writes", "tasks", "calls in order"]
    table("Firestore round trips of one task, Cloud Tasks operations beside them", heads, rows)


def _world() -> World:
    flow = bootstrap.deliver_alert(ENVIRON | {"GOOGLE_CLOUD_PROJECT": f"demo-bench-{secrets.token_hex(4)}"}).flow
    meter, queue, sweep = Meter(), CountingQueue(), CountingContinuation()
    if not isinstance(flow.store, FirestoreAlerts):
        raise TypeError("the flow's store is not Firestore")
    database = flow.store._database  # noqa: SLF001 - the wire that is counted in
    meter.watch(database)
    attempts = replace(flow.attempts, sweep=sweep, events=_silent)
    quiet = replace(flow, queue=queue, attempts=attempts, events=_silent)
    world = World(quiet, meter, queue, sweep, database)
    world.deliver(world.put(), 1, Delivered())  # the first call connects
    return world


def _silent(event: str, /, **values: str | float | None) -> None:
    """Events have no place in a table."""
    del event, values


def _first(outcome: Outcome) -> Callable[[World], list[object]]:
    return lambda world: world.deliver(world.put(), 1, outcome)


def _unnamed(world: World) -> list[object]:
    return world.deliver(world.put(), 1, Delivered(), channel=None)


def _again(world: World) -> list[object]:
    alert_id = world.put()
    world.deliver(alert_id, 1, Delivered())
    return world.deliver(alert_id, 1, Delivered())


def _escalation(world: World) -> list[object]:
    alert_id = world.put()
    world.deliver(alert_id, 1, Rejected("invalid_blocks"))
    letter = world.database.document("dead_letters", alert_id).get().to_dict()
    return world.deliver(letter["escalation_id"], 1, Delivered(), channel="email")


def _probe(world: World) -> list[object]:
    """The destination was blocked, by other settings: one attempt may find out at once."""
    world.database.document("destinations", "slack").update({"fingerprint": "of other settings"})
    return world.deliver(world.put(), 1, Delivered())


WAYS: dict[str, Callable[[World], list[object]]] = {
    "delivered at the first attempt": _first(Delivered()),
    "delivered, the task names no channel": _unnamed,
    "to be repeated": _first(Retry("http_500", maybe_shown=True)),
    "failed, with its escalation": _first(Rejected("invalid_blocks")),
    "the escalation, delivered": _escalation,
    "a task that came twice": _again,
    "blocked, with the notice": _first(Blocked("no_active_hooks")),
    "parked by a known block": _first(Delivered()),
    "the probe that finds it repaired": _probe,
}
"""In this order: those after the block meet it."""
