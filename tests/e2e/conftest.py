"""One local system for all end-to-end tests, with short rhythms."""

import pytest

from tests.support.local_system import LocalSystem


@pytest.fixture(scope="session")
def shared_system():
    """The running system."""
    system = LocalSystem(BELLHOP_FAST="1", BELLHOP_PACES="slack=20,monday=20,email=20").wait()
    yield system
    assert system.stop() == 0, "\n".join(system.said)


@pytest.fixture(scope="session")
def looking(shared_system):
    """A client of the running system's Firestore."""
    client = shared_system.firestore()
    yield client
    client.close()


@pytest.fixture
def system(shared_system, looking):
    """The running system, with every destination well, Slack's queue open, and nothing of an earlier test under way."""
    shared_system.all_healed()
    shared_system.comes_to_rest(looking)
    yield shared_system
    shared_system.all_healed()
    shared_system.local("POST", "queues/slack/resume")
