"""Redis, where the limits are counted, is gone: Firestore counts, and clean-up goes on."""

import pytest
from redis import Redis

from tests.support.cloud_project import PROJECT
from tests.support.gamedays.day import REGION
from tests.support.gamedays.deploying import deploys, keeps
from tests.support.redis_server import RedisServer

SECRET = "RATE_LIMIT_STORAGE_URI"


@pytest.fixture
def redis(tmp_path):
    """A server of its own."""
    server = RedisServer(tmp_path)
    yield server
    server.stop()


def counted(redis):
    """How many windows Redis counts."""
    with Redis.from_url(redis.uri) as client:
        return len(client.keys("*"))


def test_the_day(day, redis):
    """Nobody notices; the system goes on without it, and back to it."""
    name = f"projects/{PROJECT}/locations/{REGION}/instances/limits"
    day.cloud.state.resources[name] = {"name": name, "state": "READY"}
    keeps(day, SECRET, redis.uri)
    deploys(day, SECRET, "chat", "unsubscribe")
    day.given(REDIS="limits")
    day.leads(2)
    assert counted(redis) > 0
    day.begins("Redis is gone")
    redis.kill()
    day.cloud.state.resources[name]["state"] = "REPAIRING"
    emails = day.leads(3)
    day.fires("redis-down")
    assert "REPAIRING" in day.follows("How to see it")
    day.follows("Recovery")
    emails += day.leads(2)
    day.recovers(lambda: all(day.system.received(email) for email in emails))
    day.follows("How to know it worked")
    redis.start()
    day.follows("How to undo it")
    day.leads(1)
    assert counted(redis) > 0
    day.loses_nothing()
