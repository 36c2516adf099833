"""Firestore stops answering for a while, and an index is missing: visitors get errors, what was taken is not lost."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import requests

from tests.support.cloud_project import PROJECT

INDEXES = f"projects/{PROJECT}/databases/(default)/collectionGroups/dead_letters/indexes/"


def test_firestore_stands_still_and_an_index_is_made(day):
    """What was taken before waits, and goes out once Firestore answers."""
    system, state = day.system, day.cloud.state
    day.leads()
    system.local("POST", "queues/slack/pause")
    [waiting] = day.leads()
    day.begins("Firestore does not answer, and an index is missing")
    index = next(name for name in state.resources if name.startswith(INDEXES))
    del state.resources[index]
    with standing_still(system):
        system.local("POST", "queues/slack/resume")
        with ThreadPoolExecutor(6) as visitors:
            refused = list(visitors.map(lambda number: turned_away(system, number), range(6)))
        day.fires("error-rate", seconds=90)
    assert all(status in (503, None) for status in refused)
    said = day.follows("How to see it")
    assert "storage_failed" in said
    assert "dead_letters" in day.follows("Causes, likeliest first")
    day.follows("Recovery")
    assert any(name.startswith(INDEXES) and state.resources[name]["state"] == "READY" for name in state.resources)
    day.recovers(lambda: system.received(waiting) and system.write("Hello").status_code == 200)
    day.follows("How to know it worked")
    day.loses_nothing()


@contextmanager
def standing_still(system):
    """The emulator's processes do nothing; they go on afterwards."""
    port = system.info["firestore"].rsplit(":", 1)[1]
    held = [each for each in map(psutil.Process, system.processes()) if any(port in word for word in each.cmdline())]
    assert held, "the emulator was not found"
    for process in held:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in held:
            process.send_signal(signal.SIGCONT)


def turned_away(system, number):
    """The status that a visitor gets who leaves an address; None where none came."""
    try:
        return system.write(f"Hi, call me, refused-{number}@example.com").status_code
    except requests.RequestException:
        return None
