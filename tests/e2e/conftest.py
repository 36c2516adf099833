"""One local system for all end-to-end tests, with short rhythms."""

import pytest

from tests.support.local_system import LocalSystem


@pytest.fixture(scope="session")
def shared_system():
    """The running system."""
    system = LocalSystem(BELLHOP_FAST="1").wait()
    yield system
    assert system.stop() == 0, "\n".join(system.said)


@pytest.fixture
def system(shared_system):
    """The running system, with Slack well and its queue open before and after."""
    shared_system.healed()
    yield shared_system
    shared_system.healed()
    shared_system.local("POST", "queues/slack/resume")
