"""A function of the local system with other settings, as after a deployment, and with its own again."""

import pytest
import requests

from tests.support.local_system import eventually

LIMIT = {"CHAT_RATE_LIMIT": "2 per minute"}


@pytest.fixture
def settings(system):
    """Where the chat's settings are changed; they are its own afterwards."""
    yield f"{system.url}/_local/functions/chat/settings"
    system.local("DELETE", "functions/chat/settings")


def test_a_function_starts_again_with_other_settings_and_back(system, settings):
    """Whoever comes while it starts waits for it."""
    before = system.info["functions"]["chat"]["pids"]
    assert requests.put(settings, json=LIMIT, timeout=30).json() == {"settings": LIMIT}
    client = system.client()
    assert [system.write("Prices?", client).status_code for _ in range(3)] == [200, 200, 429]
    assert requests.get(settings, timeout=30).json() == {"settings": LIMIT}
    assert requests.delete(settings, timeout=30).json() == {"settings": {}}
    assert [system.write("Prices?", client).status_code for _ in range(3)] == [200, 200, 200]
    assert not {*before} & {*system.info["functions"]["chat"]["pids"]}


def test_a_setting_can_be_taken_away(system, settings):
    """As where the deployment does not name it: without an origin in the list its pages are not let in."""
    origin = {"Origin": "https://shop.example"}
    allowed = "Access-Control-Allow-Origin"
    requests.put(settings, json={"ALLOWED_ORIGINS": origin["Origin"]}, timeout=30)
    answered = requests.post(f"{system.url}/chat", json={"message": "Prices?"}, headers=origin, timeout=30)
    assert answered.headers[allowed] == origin["Origin"]
    requests.put(settings, json={"ALLOWED_ORIGINS": None}, timeout=30)
    answered = requests.post(f"{system.url}/chat", json={"message": "Prices?"}, headers=origin, timeout=30)
    assert answered.headers.get(allowed) != origin["Origin"]


def test_settings_that_the_function_cannot_live_with_stop_it_until_they_are_taken_back(system, settings):
    """It says which, and starts as soon as it can."""
    requests.put(settings, json={"CHAT_RATE_LIMIT": "many"}, timeout=30)
    eventually(lambda: "config_invalid" in system.log("chat") and "CHAT_RATE_LIMIT" in system.log("chat"))
    requests.delete(settings, timeout=30)
    assert eventually(lambda: system.write("Prices?").status_code == 200)


@pytest.mark.parametrize(
    ("body", "named"), [({"MONDAY_API_KEY": "x"}, "chat has no MONDAY_API_KEY"), ({"LLM_MODEL": 3}, "SETTING")]
)
def test_what_the_function_does_not_have_is_refused(system, settings, body, named):
    """Naming what it has; nothing changes."""
    refused = requests.put(settings, json=body, timeout=30)
    assert refused.status_code == 400
    assert named in refused.json()["detail"]
    assert requests.put(settings, data="{", timeout=30).status_code == 400
    assert requests.get(settings, timeout=30).json() == {"settings": {}}
