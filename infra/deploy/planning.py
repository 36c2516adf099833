"""The plan: what there should be beside what there is, every kind of thing by its own module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.deploy import (
    plan_budget,
    plan_firestore,
    plan_functions,
    plan_identity,
    plan_monitoring,
    plan_queues,
    plan_rules,
)
from infra.deploy.gcloud import Gcloud
from infra.deploy.names import Names
from infra.deploy.place import Place
from infra.deploy.state import State, read_state
from infra.deploy.steps import TOLD, Plan, Step, ordered
from infra.deploy.unknown import unknown
from infra.manifest import Manifest


@dataclass(frozen=True)
class Planner:
    """Makes plans for one place.

    Attributes:
        gcloud: for its project.
        manifest: with what the place has otherwise.
        place: where.
        source: what the functions' label says of the source that is here.
        folder: where the files that commands read are written.
        rules: the database's security rules.
    """

    gcloud: Gcloud
    manifest: Manifest
    place: Place
    source: str
    folder: Path
    rules: plan_rules.Rules

    def plan(self) -> Plan:
        """Read the project and compare; raises CommandFailed where it cannot be read."""
        state = self.state()
        names = self.names(state)
        return Plan(
            ordered(self._steps(names, state)),
            tuple(unknown(names, state)),
            plan_identity.missing_versions(names, state),
            plan_budget.unread(self.place, state),
        )

    def state(self) -> State:
        """The project as it is; raises CommandFailed."""
        return read_state(self.gcloud, self.manifest, self.place, self.rules)

    def names(self, state: State) -> Names:
        """What things are called there."""
        return Names(self.manifest, self.place, state.number)

    def told_again(self, plan: Plan) -> Plan:
        """The plan once channels were made: the policies and the budget name them."""
        state = self.state()
        names = self.names(state)
        fresh = [*plan_monitoring.policies(names, state, self.folder), *plan_budget.budget(names, state)]
        if state.budgets is None:  # the service was not on when it was planned: gcloud says what is not allowed
            fresh += [step for step in plan.steps if step.kind == "budget"]
        planned = {step.title for step in plan.steps if step.kind in TOLD}
        others = tuple(step for step in plan.steps if step.kind not in TOLD)
        return replace(plan, steps=ordered([*others, *(step for step in fresh if step.title in planned)]))

    def _steps(self, names: Names, state: State) -> Iterator[Step]:
        yield from plan_identity.apis(names, state)
        yield from plan_identity.accounts(names, state)
        yield from plan_identity.secrets(names, state)
        yield from plan_firestore.database(names, state)
        yield from plan_identity.project_roles(names, state)
        yield from plan_identity.acting_roles(names, state)
        yield from plan_identity.secret_roles(names, state)
        yield from plan_rules.steps(self.rules, state.rules)
        yield from plan_firestore.backups(names, state)
        yield from plan_firestore.indexes(names, state)
        yield from plan_firestore.exemptions(names, state)
        yield from plan_firestore.ttl(names, state)
        yield from plan_queues.queues(names, state)
        yield from plan_monitoring.metrics(names, state, self.folder)
        yield from plan_monitoring.channels(names, state)
        yield from plan_identity.queue_roles(names, state)
        yield from plan_monitoring.policies(names, state, self.folder)
        yield from plan_budget.budget(names, state)
        yield from plan_functions.functions(names, state, self.source, self.folder)
        yield from plan_functions.traffic(names, state)
        yield from plan_identity.invokers(names, state)
        yield from plan_queues.jobs(names, state)


def write_files(steps: tuple[Step, ...], root: Path) -> None:
    """Write what the commands read, so that a plan's command can be run by hand as it stands."""
    files: Mapping[str, Any] = {path: text for step in steps for path, text in step.files.items()}
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
