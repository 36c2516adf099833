"""What a plan is made of: one gcloud command a step, or what it has none for, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

KINDS: Mapping[str, int] = {
    "apis": 0,
    "accounts": 1,
    "secrets": 1,
    "database": 1,
    "roles": 2,
    "rules": 3,
    "indexes": 3,
    "queues": 3,
    "metrics": 3,
    "channels": 3,
    "queue-roles": 4,
    "policies": 4,
    "budget": 4,
    "functions": 4,
    "traffic": 5,
    "invokers": 5,
    "jobs": 6,
}
"""Kind of step → its stage. Stages follow each other; what is in one stage needs nothing of the same."""

TOLD = ("policies", "budget")
"""The kinds that name the channels of those who are told."""


@dataclass(frozen=True)
class Call:
    """What gcloud has no command for.

    Attributes:
        shown: the requests, a line each, for people.
        make: makes them; raises CommandFailed.
    """

    shown: tuple[str, ...]
    make: Callable[[], None]


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        kind: a key of ``KINDS``.
        name: what it is about: a function, a queue, ...
        argv: gcloud's arguments, without the project.
        reason: why, for people: what is not there, or what differs.
        lane: steps of one lane and stage run one after another, as they change the same thing.
        files: what the command reads, by path.
        secret: the secret whose value goes to standard input; its value is no part of a plan.
        call: what is done instead of a command of gcloud's, where it has none; ``argv`` is empty then.
    """

    kind: str
    name: str
    argv: tuple[str, ...]
    reason: str
    lane: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = None
    call: Call | None = None

    @property
    def stage(self) -> int:
        """When it is its turn."""
        return KINDS[self.kind]

    @property
    def title(self) -> str:
        """What it is about, in two words."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Plan:
    """The steps in order, and what was found that the manifest does not know.

    Attributes:
        steps: nothing to do where there are none.
        unknown: lines for people; nothing of it is touched.
        missing: secrets that functions need and that have no value.
        unread: lines for people: what could not be looked at, and is left as it is.
    """

    steps: tuple[Step, ...]
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def only(self, wanted: Sequence[str]) -> Plan:
        """The part that is of these kinds or about these names; all of it for none."""
        if not wanted:
            return self
        steps = tuple(step for step in self.steps if {step.kind, step.name} & set(wanted))
        kept = {step.name for step in steps if step.kind == "secrets"}
        needs = any(step.kind == "functions" for step in steps)
        return replace(self, steps=steps, missing=self.missing if needs else tuple(sorted(kept & {*self.missing})))


def ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """By stage; within one in the order they came."""
    return tuple(sorted(steps, key=lambda step: step.stage))
