"""What is in the project and not in the manifest: told, never touched."""

from __future__ import annotations

from collections.abc import Iterator

from infra.deploy import plan_firestore, plan_identity
from infra.deploy.names import Names, cloud_name
from infra.deploy.plan_monitoring import LABEL
from infra.deploy.state import State

PREFIX = "bellhop"


def unknown(names: Names, state: State) -> Iterator[str]:
    """A line for each thing that a person may have forgotten, and for each caller that nobody meant."""
    yield from _callers(names, state)
    manifest = names.manifest
    known = {cloud_name(function) for function in manifest.functions}
    yield from (f"function {name}" for name in sorted(set(state.functions) - known))
    yield from (f"queue {name}" for name in sorted(set(state.queues) - set(manifest.queues)))
    yield from (f"job {name}" for name in sorted(set(state.jobs) - set(manifest.jobs)))
    accounts = set(state.accounts) - set(plan_identity.wanted_accounts(names))
    yield from (f"account {name}" for name in sorted(accounts) if name.startswith(PREFIX))
    metrics = set(state.metrics) - set(manifest.metrics)
    yield from (f"metric {name}" for name in sorted(metrics) if name.startswith(PREFIX))
    labels = {each.get("userLabels", {}).get(LABEL) for each in state.alert_policies}
    yield from (f"alert policy {name}" for name in sorted(labels - set(manifest.alert_policies) - {None}))
    yield from _of_database(names, state)


def _callers(names: Names, state: State) -> Iterator[str]:
    """The worst first: who can call a function without being meant to."""
    for function in names.manifest.functions:
        there = state.policies.get(f"functions/{cloud_name(function)}", frozenset())
        calls = {member for role, member in there if role == plan_identity.INVOKES}
        for member in sorted(calls - set(names.callers(function))):
            yield f"DANGER: {member} may call the function {function}; remove it if nobody knows why"


def _of_database(names: Names, state: State) -> Iterator[str]:
    wanted = plan_firestore.firestore_of(names)
    known = {plan_firestore.shape(index) for index in wanted.indexes}
    for each in sorted(plan_firestore.shape_of(index) for index in state.indexes):
        if each not in known:
            collection, scope, fields = each
            yield f"index of {collection} ({scope}): {', '.join(f'{name} {order}' for name, order in fields)}"
    exempt = {(each.collection, name) for each in wanted.exemptions for name in each.fields}
    yield from (f"field without an index: {place}.{name}" for place, name in sorted(state.exempt - exempt))
    ttl = {(each.collection, each.field) for each in wanted.ttl}
    yield from (f"time to live: {collection}.{name}" for collection, name in sorted(state.ttl - ttl))
