"""An exhaustive search through the small worlds that the real transition functions make.

Breadth first, each world once: what two workers, the sweep, crashes between any two steps, lost, late and doubled
tasks, a clock that jumps, a destination that does anything, and people may do in any order. Sources of the idea:
model checkers such as TLC and Stateright; here the code that runs is the model.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from shared.domain.alert import State
from tests.support.exploration_moves import BROKEN, Moves
from tests.support.exploration_rules import faults_of_world
from tests.support.exploration_world import IDLE, LEAD_ID, Catalogue, Doc, Scenario, World

STEPS_TO_HEAL = 400
NEVER_HEALED = "i: not at an end although nothing goes wrong any more"
SEED = 20261126
FIRST = ("saved", "receipt", "done", "claimed", "moved", "sent", "conflict", "lease lost", "outcome lost")
THEN = (
    "time to look",
    "task",
    "task ignored",
    "remind",
    "probe",
    "drain",
    "drained",
    "expire",
    "recover",
    "wake",
    "lease over",
)
ORDER = {label: place for place, label in enumerate((*FIRST, *THEN, "clock", "withhold"))}
"""What happens first where nothing goes wrong any more: what was begun ends, the queue works, the sweep comes."""


@dataclass
class Explored:
    """What a search found.

    Attributes:
        states: distinct worlds.
        transitions: moves taken.
        depth: of the furthest world.
        whole: no world was left unseen.
        healed: worlds from which a healing run was made.
        faults: the first broken rules, each with the way there.
        seen: the states that alerts were seen in.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    whole: bool = True
    healed: int = 0
    faults: list[str] = field(default_factory=list)
    seen: set[tuple[str, State]] = field(default_factory=set)


class Explorer:
    """A search through one scenario.

    Args:
        scenario: the small world.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._catalogue = scenario, Catalogue()
        self._moves = Moves(scenario, self._catalogue)
        self._healing = Moves(replace(scenario, relays=True), self._catalogue)
        self._healed: set[World] = set()
        self._came: dict[World, tuple[World | None, str, int]] = {}
        self.found = Explored()

    def explore(self, states: int, sample: int) -> Explored:
        """Look at so many worlds, and at the way out of a sample of them; stops at the first broken rule."""
        begin = self._beginning()
        self._came[begin] = (None, "made", 0)
        self._judge(begin)
        ahead = deque([begin])
        while ahead and not self.found.faults:
            world = ahead.popleft()
            depth = self._came[world][2] + 1
            for label, after in self._moves.after(world):
                self.found.transitions += 1
                after = _alike(after)  # noqa: PLW2901 - the same world, told in one way
                self._report(world, label, self._moves.store.faults)
                if after in self._came:
                    continue
                if len(self._came) >= states:
                    self.found.whole = False
                    continue
                self._came[after] = (world, label, depth)
                self.found.depth = depth
                self._judge(after)
                ahead.append(after)
        self.found.states = len(self._came)
        if not self.found.faults:
            self._heal_some(sample)
        return self.found

    def walk(self, runs: int, steps: int) -> Explored:
        """Go at random, far deeper than one can look everywhere; faults are rarer there, so that things go on."""
        chance = random.Random(SEED)  # noqa: S311 - a way that can be found again, no secret
        begin = self._beginning()
        self._came[begin] = (None, "made", 0)
        for _ in range(runs):
            end = self._stroll(begin, steps, chance)
            if not self.found.faults and not self._heals(end):
                self._report(end, "never healed", [NEVER_HEALED])
            if self.found.faults:
                break
            self.found.healed += 1
        self.found.states, self.found.whole = len(self._came), False
        return self.found

    def _stroll(self, world: World, steps: int, chance: random.Random) -> World:
        """One life, to its end, its last step or its first fault."""
        for _ in range(steps):
            moves = list(self._moves.after(world))
            if not moves:
                break
            label, after = chance.choices(moves, [1 if label[0] == BROKEN else 4 for label, _ in moves])[0]
            self.found.transitions += 1
            after = _alike(after)
            self._report(world, "one of the next steps", self._moves.store.faults)
            if after not in self._came:
                depth = self._came[world][2] + 1
                self._came[after] = (world, label, depth)
                self.found.depth = max(self.found.depth, depth)
                self._judge(after)
            world = after
            if self.found.faults:
                break
        return world

    def _beginning(self) -> World:
        lead = Doc(self._catalogue.name(LEAD_ID), self._moves.decisions.born(), queued=True, taken=True)
        alert = self._catalogue.alerts[lead.alert]
        processes = (IDLE,) * (self._scenario.workers + 1)
        return World((lead,), (), processes, (((alert.channel, alert.kind), 1),), self._scenario.blocks)

    def _judge(self, world: World) -> None:
        for doc in world.docs:
            alert = self._catalogue.alerts[doc.alert]
            self.found.seen.add((alert.kind, alert.state))
        self._report(world, "", [*faults_of_world(world, self._catalogue, self._scenario)])

    def _report(self, world: World, label: str, faults: list[str]) -> None:
        if faults:
            way = " / ".join([*self._way(world), label])
            self.found.faults.extend(f"{fault} ({way})" for fault in faults)
            faults.clear()

    def _way(self, world: World) -> list[str]:
        labels: list[str] = []
        while True:
            before, label, _ = self._came[world]
            labels.insert(0, label)
            if before is None:
                return labels
            world = before

    def _heal_some(self, sample: int) -> None:
        worlds = list(self._came)
        chosen = random.Random(SEED).sample(worlds, min(sample, len(worlds)))  # noqa: S311 - a sample, no secret
        for world in chosen:
            if not self._heals(world) or not self._heals(world._replace(processes=(IDLE,) * len(world.processes))):
                self._report(world, "never healed", [NEVER_HEALED])
                return
        self.found.healed = len(chosen)

    def _heals(self, world: World) -> bool:
        """Whether everything comes to its end with no more faults, a destination that accepts, and time."""
        passed = []
        for _ in range(STEPS_TO_HEAL):
            if world in self._healed or self._ended(world):
                self._healed.update(passed)
                return True
            passed.append(world)
            moves = [(ORDER[label], after) for label, after in self._healing.after(world) if label[0] != BROKEN]
            self._report_healing(world)
            if not moves:
                return False
            world = min(moves, key=lambda move: move[0])[1]
        return False

    def _report_healing(self, world: World) -> None:
        if self._healing.store.faults:
            self.found.faults.extend(f"{fault} (while healing)" for fault in self._healing.store.faults)
            self._healing.store.faults.clear()

    def _ended(self, world: World) -> bool:
        return not any(self._unended(world))

    def _unended(self, world: World) -> Iterator[bool]:
        for doc in world.docs:
            alert = self._catalogue.alerts[doc.alert]
            yield alert.state is not State.DELIVERED if alert.relayed else alert.waiting


def _alike(world: World) -> World:
    """The same world with its workers in one order: they do not differ."""
    *workers, sweep = world.processes
    return world._replace(processes=(*sorted(workers), sweep))
