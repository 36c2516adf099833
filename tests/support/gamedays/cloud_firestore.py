"""A game day's Firestore is the emulator: what finds it, and what makes time pass in it."""

from __future__ import annotations

from typing import Any

from tests.support.gamedays.day import Day
from tests.support.local_system import LocalSystem


def as_in_the_cloud(day: Day) -> None:
    """``--project "$PROJECT"`` means the project whose documents the local system has."""
    info = day.system.info
    day.session.sets({"PROJECT": info["project"], "FIRESTORE_EMULATOR_HOST": info["firestore"]})


def sample_again(system: LocalSystem) -> None:
    """An hour passes: the next run of clean-up counts everything once more."""
    client: Any = system.firestore()
    try:
        client.recursive_delete(client.collection("samples"))
    finally:
        client.close()
    system.local("POST", "jobs/cleanup/run")
