"""The store and the queue of an explored world: commits that are conditional, tasks that are named."""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.alert import DEAD_LETTER_STATUS, State
from tests.support.exploration_world import Catalogue, Change, Doc, Process, World

STALLED, LOST = 2, 1


class Store:
    """What a commit makes of a world.

    Args:
        catalogue: what the numbers stand for.

    Attributes:
        faults: the rules that were broken by the last commits; emptied by whoever reads them.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.faults: list[str] = []

    def accepts(self, process: Process) -> bool:
        """Whether a commit's precondition holds: nobody has written what it was made from."""
        return process.fresh and process.place_fresh

    def commit(self, world: World, name: int, number: int, writer: int) -> World:
        """Write a change; the writer's own process is put further by the caller.

        Args:
            world: as it is.
            name: the alert's.
            number: the change's.
            writer: the process that writes, -1 for a person.
        """
        change, doc, process = self._catalogue.changes[number], world.doc(name), world.processes[writer]
        self.faults.extend(change.faults)
        if writer >= 0 and not process.fresh:
            self.faults.append("d: written by somebody who had lost it")
        before, after = self._catalogue.alerts[doc.alert], self._catalogue.alerts[change.after]
        excuse, holder = doc.excuse, process.step == "sent"
        if before.state is State.SENDING and not holder and self._is_held(world, name):
            excuse = STALLED
        redriven = after.epoch != before.epoch
        anew = redriven and after.channel != "monday"
        written = doc._replace(
            alert=change.after,
            lease_over=False,
            dead=after.state in DEAD_LETTER_STATUS,
            queued=doc.queued and not change.bumped,
            taken=doc.taken and not change.bumped,
            stale=doc.stale or (doc.queued and change.bumped),
            copies=0 if anew else doc.copies,
            excuse=0 if anew else excuse,
            sends=0 if redriven else doc.sends,
        )
        world = self._lost_by_others(world.put(written), name, bumped=change.bumped)
        if after.channel != before.channel:
            world = self._counted(world, (before.channel, before.kind), -1)
            world = self._counted(world, (after.channel, after.kind), 1)
        world = self._make(world, change)
        return world if change.place < 0 else self.place(world, change.place)

    def place(self, world: World, number: int) -> World:
        """Write a destination."""
        channel = self._catalogue.places[number].name
        others = tuple(place for place in world.places if place[0] != channel)
        processes = tuple(
            process._replace(place_fresh=False) if process.probing and process.step == "decided" else process
            for process in world.processes
        )
        return world._replace(places=tuple(sorted((*others, (channel, number)))), processes=processes)

    def make(self, world: World, made: Iterable[tuple[int, int]]) -> World:
        """Create alerts that must not exist."""
        for name, alert in made:
            if any(doc.name == name for doc in world.docs):
                self.faults.append("h: told twice")
                continue
            known = self._catalogue.alerts[alert]
            world = world._replace(docs=tuple(sorted((*world.docs, Doc(name, alert)))))
            world = self._counted(world, (known.channel, known.kind), 1)
        return world

    def enqueue(self, world: World, pending: Iterable[tuple[int, bool]]) -> World:
        """Create tasks; that a name was used already is success."""
        for name, current in pending:
            doc = world.doc(name)
            if not current:
                world = world.put(doc._replace(stale=True))
            elif not doc.taken:
                world = world.put(doc._replace(queued=True, taken=True))
        return world

    def pending(self, name: int, number: int) -> tuple[tuple[int, bool], ...]:
        """The tasks that a change calls for."""
        change = self._catalogue.changes[number]
        # As ``Steps.write``: of what it queued under another generation, and of what it made.
        queued = self._catalogue.alerts[change.after].state is State.QUEUED and self.hurries(change)
        return (*(((name, True),) if queued else ()), *((made, True) for made, _ in change.made))

    def hurries(self, change: Change) -> bool:
        """Whether the alert that was queued needs another task."""
        return change.bumped

    def _make(self, world: World, change: Change) -> World:
        return self.make(world, change.made)

    def _is_held(self, world: World, name: int) -> bool:
        return any(
            process.doc == name and process.fresh and process.step in {"holding", "sent", "receipt"}
            for process in world.processes
        )

    def _lost_by_others(self, world: World, name: int, *, bumped: bool) -> World:
        """Whoever has read this alert has an old version of it now."""
        processes = []
        for process in world.processes:
            changed = process
            if process.doc == name:
                changed = process._replace(fresh=False, task=process.task and not bumped)
            if bumped and any(one == name for one, _ in process.pending):
                pending = tuple((one, current and one != name) for one, current in process.pending)
                changed = changed._replace(pending=pending)
            processes.append(changed)
        return world._replace(processes=tuple(processes))

    def _counted(self, world: World, key: tuple[str, str], number: int) -> World:
        tallies = dict(world.tallies)
        tallies[key] = tallies.get(key, 0) + number
        return world._replace(tallies=tuple(sorted((key, count) for key, count in tallies.items() if count)))
