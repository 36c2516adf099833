"""The function admin_migration while its keys are rotated, on the real Firestore."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import flask
import pytest

from tests.adapters.conftest import FirestoreWorld

OLD, NEW = "the-old-key-0123456789", "the-new-key-0123456789"
ENVIRON = {
    "MIGRATION_URL": "http://127.0.0.1:9/admin_migration",
    "OIDC_AUDIENCE": "http://127.0.0.1:9/admin_migration",
    "TASKS_INVOKER_EMAIL": "tasks@demo.iam.gserviceaccount.com",
    "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:9",
}
MODULE = "functions.admin_migration"


@pytest.fixture
def deployed(firestore_world: FirestoreWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Deploy the function with these keys; what calls it with a key and gives the status."""
    with ExitStack() as ending:

        @contextmanager
        def started(keys: str) -> Iterator[Any]:
            for name, value in ENVIRON.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", firestore_world.database.client.project)
            monkeypatch.setenv("ADMIN_API_KEYS", keys)
            sys.modules.pop(MODULE, None)
            function = importlib.import_module(MODULE)
            yield function
            sys.modules.pop(MODULE, None)
            function.MIGRATIONS.flow.store._database.client._firestore_api.transport.close()

        def deploy(keys: str) -> Callable[[str], int]:
            function = ending.enter_context(started(keys))

            def status(key: str) -> int:
                with flask.Flask("migrations").test_request_context("/", headers={"X-ADMIN-API-KEY": key}):
                    answer: flask.Response = function.admin_migration(flask.request)
                return answer.status_code

            return status

        yield deploy


def test_f35_both_keys_during_rotation_and_only_the_new_one_afterwards(deployed: Callable[[str], Any]) -> None:
    """Before, during and after; a deployment with the new keys is what ends the old one."""
    before, during, after = deployed(OLD), deployed(f"{OLD}, {NEW}"), deployed(NEW)
    assert [before(OLD), before(NEW)] == [200, 401]
    assert [during(OLD), during(NEW)] == [200, 200]
    assert [after(OLD), after(NEW)] == [401, 200]
