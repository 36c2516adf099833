"""What breaks things in a soak: the destinations' fault switches, and the hand on functions and queues."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from bench.soak.plan import Action, Faults
from infra.local.standins.faults import FaultSwitch
from infra.local.system import LocalSystem


class Seeded(FaultSwitch):
    """A destination's switch that follows its plan while the storm lasts; what is set by hand still holds.

    Args:
        faults: the plan.
        told: called once for each request of the storm.

    Attributes:
        met: how many requests met each mode, ``well`` for none.
        on: whether the storm lasts.
    """

    def __init__(self, faults: Faults, told: Callable[[], None]) -> None:
        super().__init__()
        self.met: Counter[str] = Counter()
        self.on = False
        self._faults, self._told = faults, told
        self._number = 0

    def strike(self, *, canary: bool = False) -> str | None:
        """What the next request meets; a canary's takes no turn."""
        by_hand = super().strike(canary=canary)
        if by_hand is not None or canary or not self.on:
            return by_hand
        self._number += 1
        mode = self._faults.mode(self._number)
        self.met[mode or "well"] += 1
        self._told()
        return mode


class Hand:
    """Does to the system what the plan says, each thing when the destinations have had so many requests.

    Args:
        system: started.
        plan: what is done, in order.

    Attributes:
        done: how often each thing was done.
        requests: how many the destinations have had.
    """

    def __init__(self, system: LocalSystem, plan: Iterator[Action]) -> None:
        self.done: Counter[str] = Counter()
        self.requests = 0
        self._system, self._plan = system, plan
        self._progress = asyncio.Event()
        self._beside: set[asyncio.Task[None]] = set()
        self._paused: set[str] = set()
        self._stopped: set[int] = set()

    def told(self) -> None:
        """A destination has had one more request."""
        self.requests += 1
        self._progress.set()

    async def work(self) -> None:
        """Follow the plan until cancelled."""
        for action in self._plan:
            while self.requests < action.after:
                self._progress.clear()
                await self._progress.wait()
            await self._do(action)
            self.done[f"{action.what} {action.whom}"] += 1

    async def heal(self) -> None:
        """Undo what is not over yet: continue who was stopped, resume what was paused."""
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        self._signal(list(self._stopped), signal.SIGCONT)
        for queue in sorted(self._paused):
            self._system.change_queue(queue, "resume")

    async def _do(self, action: Action) -> None:
        whom = action.whom
        match action.what:
            case "kill":
                await self._system.kill(whom)
            case "kill one":
                self._signal(self._workers(whom)[:1], signal.SIGKILL)
            case "stop":
                self._aside(self._stop(self._pids(whom), action.seconds))
            case "stop one":
                self._aside(self._stop(self._workers(whom)[-1:], action.seconds))
            case "purge":
                self._system.change_queue(whom, "purge")
            case "pause":
                self._aside(self._pause(whom, action.seconds))
            case _:
                self._aside(self._run(whom))

    def _pids(self, function: str) -> list[int]:
        return list(self._system.info()["functions"][function]["pids"])

    def _workers(self, function: str) -> list[int]:
        """The processes that serve, without the one that started them."""
        return self._pids(function)[1:]

    def _aside(self, doing: object) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(doing)  # type: ignore[arg-type]
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _stop(self, pids: list[int], seconds: float) -> None:
        self._stopped |= set(pids)
        self._signal(pids, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._signal(pids, signal.SIGCONT)
        self._stopped -= set(pids)

    async def _pause(self, queue: str, seconds: float) -> None:
        self._paused.add(queue)
        self._system.change_queue(queue, "pause")
        await asyncio.sleep(seconds)
        self._system.change_queue(queue, "resume")
        self._paused.discard(queue)

    async def _run(self, job: str) -> None:
        await self._system.run_job(job)

    @staticmethod
    def _signal(pids: list[int], number: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):  # it was killed meanwhile
                os.kill(pid, number)
