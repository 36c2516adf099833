"""One harness for all tests of faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.harness.lanes import Harness


@pytest.fixture(scope="session")
def harness(firestore_host: str) -> Iterator[Harness]:
    """Workers, Cloud Tasks and destinations; nothing of it is left afterwards."""
    made = Harness(firestore_host)
    yield made
    made.stop()
