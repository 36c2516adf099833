"""Carry a plan out: stage by stage, within one side by side, each command tried again where Google needs a moment."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from infra.deploy.failures import DeployFailed
from infra.deploy.gcloud import CommandFailed, Gcloud
from infra.deploy.planning import Planner, write_files
from infra.deploy.steps import TOLD, Plan, Step
from infra.manifest import ROOT

PASSING = re.compile(
    r"does not exist|not found|concurrent policy changes|ABORTED|RESOURCE_EXHAUSTED|UNAVAILABLE"
    r"|Permission denied on secret|has not been used in project|is not yet|409|429|503",
    re.IGNORECASE,
)
"""What gcloud says where a moment helps: what was just made is not known everywhere, or somebody was quicker."""
WAITS = (5.0, 15.0, 30.0)


@dataclass
class Applying:
    """One run.

    Attributes:
        planner: for the place.
        secret_of: asks a person for a secret's value.
        say: where progress goes, a line at a time.
        parallel: how many commands run at a time.
        sleep: how to wait.
        root: where the commands' files are written.
    """

    planner: Planner
    secret_of: Callable[[str], str]
    say: Callable[[str], None]
    parallel: int = 6
    sleep: Callable[[float], None] = time.sleep
    root: Path = ROOT
    _done: int = 0
    _failed: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, plan: Plan) -> int:
        """Carry it out; how many commands were run.

        Raises:
            DeployFailed: a command did not succeed. What ran beside it was let end; nothing of a later stage was begun.
                The same command begins where this one stopped.
        """
        secrets = {step.secret: self.secret_of(step.secret) for step in plan.steps if step.secret}
        total, begun, channels = len(plan.steps), time.monotonic(), False
        for stage in sorted({step.stage for step in plan.steps}):
            if channels and any(step.kind in TOLD and step.stage == stage for step in plan.steps):
                plan, channels = self.planner.told_again(plan), False
            steps = [step for step in plan.steps if step.stage == stage]
            write_files(tuple(steps), self.root)
            self._stage(steps, secrets, total)
            if self._failed:
                left = total - self._done
                raise DeployFailed(
                    "\n".join([*self._failed, f"stopped: {self._done} done, {left} left; run the same command again"])
                )
            channels = channels or any(step.kind == "channels" for step in steps)
        self.say(f"done: {self._done} commands in {time.monotonic() - begun:.0f} s")
        return self._done

    def _stage(self, steps: Sequence[Step], secrets: dict[str, str], total: int) -> None:
        lanes = [list(lane) for lane in _lanes(steps)]
        with ThreadPoolExecutor(self.parallel) as pool:
            list(pool.map(lambda lane: self._lane(lane, secrets, total), lanes))

    def _lane(self, lane: Sequence[Step], secrets: dict[str, str], total: int) -> None:
        for step in lane:
            if self._failed:
                return
            begun = time.monotonic()
            try:
                self._run(step, secrets.get(step.secret) if step.secret else None)
            except CommandFailed as error:
                with self._lock:
                    self._failed.append(f"{step.title}: {error}")
                return
            with self._lock:
                self._done += 1
                self.say(f"[{self._done}/{total}] {step.title}: {step.reason} ({time.monotonic() - begun:.1f} s)")

    def _run(self, step: Step, secret: str | None) -> None:
        for wait in (*WAITS, None):
            try:
                if step.call is not None:
                    step.call.make()
                else:
                    self.planner.gcloud.change(step.argv, secret)
            except CommandFailed as error:
                if wait is None or not PASSING.search(error.told):
                    raise
                self.say(f"{step.title}: {error.told} Again in {wait:g} s.")
                self.sleep(wait)
            else:
                return


def _lanes(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps that change the same thing, in one list; every other step in a list of its own."""
    named = sorted((step for step in steps if step.lane), key=lambda step: step.lane)
    return [[step] for step in steps if not step.lane] + [
        list(lane) for _, lane in groupby(named, key=lambda step: step.lane)
    ]


def show(
    plan: Plan, gcloud: Gcloud, upload: str, say: Callable[[str], None], shown: Callable[[Sequence[str]], str]
) -> None:
    """A plan for people: every command with its reason, in order."""
    say(f"upload: {upload}")
    for step in plan.steps:
        say(f"\n# {step.title}: {step.reason}")
        if step.call is not None:
            say("# gcloud has no command for this; apply asks, with gcloud's access token:")
            for line in step.call.shown:
                say(f"#   {line}")
        else:
            say(f"{shown(gcloud.whole(step.argv))}{' < (asked for, without echo)' if step.secret else ''}")
    for line in plan.unknown:
        say(f"\nnot in the manifest, left alone: {line}")
    for line in plan.unread:
        say(f"\nnot looked at: {line}")
    for line in plan.missing:
        say(f"\nmissing: the secret {line} has no such value: python -m infra.deploy secret {line.split()[0]}")
    say(f"\n{len(plan.steps)} command(s) to run" if plan.steps else "\nnothing to change")
