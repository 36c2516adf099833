"""Every route of the stand-in, and what an empty project has."""

from __future__ import annotations

from tests.support.google_apis import (
    billing,
    firestore,
    functions,
    identity,
    logs,
    monitoring,
    queues,
    redis,
    rules,
    run,
)
from tests.support.google_apis.state import PROJECT_NUMBER, State

ROUTES = (
    *billing.ROUTES,
    *functions.ROUTES,
    *queues.ROUTES,
    *firestore.ROUTES,
    *identity.ROUTES,
    *logs.ROUTES,
    *monitoring.ROUTES,
    *redis.ROUTES,
    *rules.ROUTES,
    *run.ROUTES,
)


def new_project(state: State) -> None:
    """A project as it is after ``gcloud projects create`` with billing."""
    name = f"projects/{state.project}"
    state.resources[name] = {
        "projectId": state.project,
        "projectNumber": PROJECT_NUMBER,
        "lifecycleState": "ACTIVE",
        "name": state.project,
    }
    owner = {"role": "roles/owner", "members": ["user:owner@example.com"]}
    state.policies[name] = state.policy(name) | {"bindings": [owner]}
