"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest

from infra.local.emulator import Emulator, find_emulator

# An example's time says nothing on a machine that does other things beside.
hypothesis.settings.register_profile("bellhop", deadline=None)
hypothesis.settings.load_profile("bellhop")


@pytest.fixture(scope="session")
def firestore_host() -> Iterator[str]:
    """The ``host:port`` of one Firestore emulator for all tests; each takes a project of its own."""
    emulator = Emulator.start(find_emulator(os.environ, install=False, say=lambda _line: None))
    yield emulator.host
    emulator.stop()
