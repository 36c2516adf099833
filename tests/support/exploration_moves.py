"""All that can happen next in a small world, in the order in which the flows do things, with a crash at every step."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.alert import REDRIVABLE, Alert, State
from shared.domain.outcome import Delivered
from tests.support.exploration_decisions import EFFECTS, Decisions
from tests.support.exploration_store import LOST, STALLED, Store
from tests.support.exploration_world import DUE, IDLE, LATER, Catalogue, Doc, Process, Scenario, World

Move = tuple[str, World]

NOTICES = 2
BROKEN = "!"
"""Begins the name of what is a fault: a crash, a lost task, a clock set back, or a destination that does not accept."""


class Moves:
    """What can happen next.

    Args:
        scenario: the small world.
        catalogue: what the numbers stand for.
    """

    def __init__(self, scenario: Scenario, catalogue: Catalogue) -> None:
        self._scenario, self._catalogue = scenario, catalogue
        self.decisions, self.store = Decisions(scenario, catalogue), Store(catalogue)

    def after(self, world: World) -> Iterator[Move]:
        """Every move with the world it leads to."""
        for index, process in enumerate(world.processes):
            sweep = index == len(world.processes) - 1
            if process.step != "idle":
                yield from getattr(self, f"_{process.step}")(world, index, process)
                yield f"{BROKEN}crash", self._crashed(world, index, process)
            elif sweep:
                yield from self._sweeps(world, index)
            else:
                yield from self._tasks_come(world, index)
        yield from self._clock(world)
        yield from self._people(world)
        if any(doc.queued or doc.stale for doc in world.docs):
            purged = tuple(doc._replace(queued=False, stale=False) for doc in world.docs)
            yield f"{BROKEN}purge", world._replace(docs=purged)

    def _driven(self, world: World) -> Iterator[tuple[Doc, Alert]]:
        for doc in world.docs:
            alert = self._catalogue.alerts[doc.alert]
            if self._scenario.relays or not alert.relayed:
                yield doc, alert

    def _crashed(self, world: World, index: int, process: Process) -> World:
        """It is gone; the queue delivers its task again."""
        if process.accepted and process.step in {"sent", "receipt"}:
            world = self._excused(world, process, LOST)
        return world.run(index, IDLE)

    def _excused(self, world: World, process: Process, excuse: int) -> World:
        doc = world.doc(process.doc)
        return world.put(doc._replace(excuse=max(doc.excuse, excuse)))

    # -- a worker

    def _tasks_come(self, world: World, index: int) -> Iterator[Move]:
        for doc, alert in self._driven(world):
            if doc.queued:
                yield from self._task(world, index, doc, alert, stale=False)
            if doc.stale:
                yield from self._task(world, index, doc, alert, stale=True)

    def _task(self, world: World, index: int, doc: Doc, alert: Alert, *, stale: bool) -> Iterator[Move]:
        receipt = doc.receipt == alert.epoch
        place = world.place(alert.channel)
        decision = self.decisions.asked(doc.alert, place, stale=stale, lease_over=doc.lease_over, receipt=receipt)
        if decision == "busy":
            return
        if decision == "ignored":
            yield "task ignored", world.put(doc._replace(stale=False) if stale else doc._replace(queued=False))
            return
        if stale:
            self.store.faults.append("d: a task of an older generation was followed")
        if alert.state is State.SENDING and not doc.lease_over and not receipt:
            self.store.faults.append("d: a live lease was broken")
        change = self._catalogue.changes[decision]
        yield (
            "task",
            world.run(
                index,
                Process(
                    "decided",
                    doc.name,
                    decision,
                    task=not stale,
                    probing=change.place >= 0,
                    sent_before=alert.first_sent_at is not None,
                ),
            ),
        )

    def _decided(self, world: World, index: int, process: Process) -> Iterator[Move]:
        """The claim's commit, or that of what it found out."""
        if not self.store.accepts(process):
            yield "conflict", world.run(index, IDLE)
            return
        change = self._catalogue.changes[process.change]
        after = self.store.commit(world, process.doc, process.change, index)
        if not change.claims:
            yield "moved", after.run(index, self._hurrying(after.processes[index], process.change))
            return
        held = process._replace(step="holding", change=-1, held=change.after, task=after.processes[index].task)
        yield "claimed", after.run(index, held)

    def _holding(self, world: World, index: int, process: Process) -> Iterator[Move]:
        """The attempt, and all that may come of it."""
        for name in self._scenario.effects:
            if name == "blocked" and not world.blocks:
                continue
            effect = EFFECTS[name]
            after = self._received(world, process, accepted=effect.accepted, blocked=name == "blocked")
            if name == "lost":
                after = self._excused(after, process, LOST)
            sent = process._replace(step="sent", outcome=name, accepted=effect.accepted)
            label = "sent" if name == "delivered" else f"{BROKEN}{name}"
            yield label, after.run(index, sent)._replace(blocks=world.blocks - (name == "blocked"))

    def _received(self, world: World, process: Process, *, accepted: bool, blocked: bool) -> World:
        """What the destination shows after an attempt."""
        doc, held = world.doc(process.doc), self._catalogue.alerts[process.held]
        stands = self._catalogue.alerts[doc.alert]
        if stands.epoch == held.epoch and not blocked:
            doc = doc._replace(sends=min(doc.sends + 1, self._scenario.policy.attempts + 1))
        if not process.fresh or doc.lease_over:
            doc = doc._replace(excuse=STALLED)
        known = held.channel == "monday" and (
            doc.item == (held.epoch, held.key) or (process.sent_before and held.epoch > 1 and doc.item != (0, 0))
        )
        if accepted and not known and (held.channel == "monday" or stands.epoch == held.epoch):
            item = (held.epoch, held.key) if held.channel == "monday" else doc.item
            doc = doc._replace(copies=min(doc.copies + 1, 2), item=item)
        return world.put(doc)

    def _sent(self, world: World, index: int, process: Process) -> Iterator[Move]:
        """The outcome's commit."""
        outcome = EFFECTS[process.outcome].outcome
        leaves = isinstance(outcome, Delivered)
        if self.store.accepts(process):
            held = self._catalogue.alerts[process.held]
            number = self.decisions.settled(
                process.held,
                process.outcome,
                world.place(held.channel),
                probing=process.probing,
                sent_before=process.sent_before,
            )
            after = self.store.commit(world, process.doc, number, index)
            yield "saved", after.run(index, self._hurrying(after.processes[index], number))
            if leaves:
                yield f"{BROKEN}unsaved", world.run(index, process._replace(step="receipt"))
        elif leaves:
            yield "lease lost", self._excused(world, process, STALLED).run(index, process._replace(step="receipt"))
        else:
            yield "outcome lost", self._acknowledged(world, process).run(index, IDLE)

    def _receipt(self, world: World, index: int, process: Process) -> Iterator[Move]:
        """What a holder leaves that could not write its outcome; with its lease lost the task is done."""
        epoch = self._catalogue.alerts[process.held].epoch
        after = world.put(world.doc(process.doc)._replace(receipt=epoch))
        yield "receipt", (after if process.fresh else self._acknowledged(after, process)).run(index, IDLE)

    def _hurrying(self, process: Process, number: int) -> Process:
        return Process("tasks", process.doc, task=process.task, pending=self.store.pending(process.doc, number))

    def _tasks(self, world: World, index: int, process: Process) -> Iterator[Move]:
        """The tasks that follow from a commit; the queue may refuse them."""
        done = self._acknowledged(world, process).run(index, IDLE)
        yield "done", self.store.enqueue(done, process.pending)
        if process.pending:
            yield f"{BROKEN}refused", done

    def _acknowledged(self, world: World, process: Process) -> World:
        return world.put(world.doc(process.doc)._replace(queued=False)) if process.task else world

    # -- the sweep

    def _sweeps(self, world: World, index: int) -> Iterator[Move]:
        for channel, number in world.places:
            place = self._catalogue.places[number]
            if place.blocked and place.remind_at == DUE:
                yield "remind", self._reminded(world, index, number)
            if place.blocked and (place.probe_at is None or place.probe_at == DUE):
                yield from self._released(world, index, channel, "probe")
            if place.draining:
                drains = [*self._released(world, index, channel, "drain")]
                yield from drains or [("drained", self.store.place(world, self.decisions.drained(number)))]
        for doc, alert in self._driven(world):
            if alert.wake_at == DUE:
                yield from self._due(world, index, doc, alert)

    def _reminded(self, world: World, index: int, number: int) -> World:
        place, made = self.decisions.reminded(number)
        after = self.store.make(self.store.place(world, place), made)
        lead = after.docs[0].name
        return after.run(index, Process("tasks", lead, pending=tuple((name, True) for name, _ in made)))

    def _released(self, world: World, index: int, channel: str, label: str) -> Iterator[Move]:
        for doc, alert in self._driven(world):
            if alert.channel == channel and alert.blocked:
                yield label, self._found(world, index, doc, "requeue")

    def _due(self, world: World, index: int, doc: Doc, alert: Alert) -> Iterator[Move]:
        number = world.place(alert.channel)
        if alert.state is State.SENDING:
            if doc.lease_over:
                yield "expire", self._found(world, index, doc, "expire")
        elif alert.state is State.QUEUED:
            yield "recover", self._found(world, index, doc, "postpone" if doc.queued else "requeue")
            if doc.queued:
                yield f"{BROKEN}queue silent", self._found(world, index, doc, "requeue")
        elif number >= 0 and self._catalogue.places[number].blocked and not alert.relayed:
            yield "withhold", self._found(world, index, doc, "withhold")
        else:
            yield "wake", self._found(world, index, doc, "requeue")

    def _found(self, world: World, index: int, doc: Doc, how: str) -> World:
        return world.run(index, Process("decided", doc.name, self.decisions.swept(doc.alert, how)))

    # -- what nobody controls

    def _clock(self, world: World) -> Iterator[Move]:
        """Time passes, or is set back, for one thing at a time."""
        for doc, alert in self._driven(world):
            if alert.wake_at is not None:
                yield from self._wakes(world, doc, alert)
            if alert.state is State.SENDING:
                label = f"{BROKEN}lease set back" if doc.lease_over else "lease over"
                yield label, world.put(doc._replace(lease_over=not doc.lease_over))
        for _, number in world.places:
            place = self._catalogue.places[number]
            if place.probe_at is not None:
                yield from self._comes(world, number, "probe_at")
            if place.leased_until == LATER:
                yield from self._comes(world, number, "leased_until")
            if place.remind_at == LATER and place.notices < NOTICES:
                yield from self._comes(world, number, "remind_at")

    def _wakes(self, world: World, doc: Doc, alert: Alert) -> Iterator[Move]:
        due = alert.wake_at == DUE
        # Time alone writes nothing: who has read the alert still has its version.
        other = self.decisions.woken(doc.alert, LATER if due else DUE)
        yield f"{BROKEN}clock back" if due else "clock", world.put(doc._replace(alert=other))

    def _comes(self, world: World, number: int, field: str) -> Iterator[Move]:
        due = getattr(self._catalogue.places[number], field) == DUE
        other = self.decisions.due(number, field, LATER if due else DUE)
        channel = self._catalogue.places[number].name
        places = tuple((name, other if name == channel else known) for name, known in world.places)
        yield f"{BROKEN}clock back" if due else "time to look", world._replace(places=places)

    def _people(self, world: World) -> Iterator[Move]:
        for doc, alert in self._driven(world):
            if alert.relayed:
                continue
            if alert.state in REDRIVABLE and alert.epoch < self._scenario.epochs:
                number = self.decisions.decided(doc.alert, "redrive")
                after = self.store.commit(world, doc.name, number, -1)
                yield f"{BROKEN}redrive, task lost", after
                yield f"{BROKEN}redrive", self.store.enqueue(after, self.store.pending(doc.name, number))
            if alert.state is State.FAILED:
                number = self.decisions.decided(doc.alert, "waive")
                yield f"{BROKEN}waive", self.store.commit(world, doc.name, number, -1)
