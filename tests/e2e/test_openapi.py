"""The running system answers as ``docs/openapi.yaml`` says, whatever it is sent (``make fuzz`` for long)."""

import pytest
import requests

from tests.fuzz.run import fuzz, with_dead_letters

SEED = 20
SEEN = (
    "POST /chat 200",
    "GET /chat/widget.json 200",
    "GET /unsubscribe 200",
    "POST /unsubscribe 200",
    "POST /unsubscribe/revoke 202",
    "POST /unsubscribe/undo 200",
    "GET /unsubscribe/status 200",
    "POST /send_followups 200",
    "POST /admin_migration 200",
    "GET /admin_migration/{step} 200",
    "POST /admin_migration/{step} 200",
    "POST /admin_migration/{step} 202",
    "POST /admin_migration/{step}/stamp 200",
    "GET /admin_console/consent_audit 200",
    "GET /admin_console/erasures 200",
    "POST /chat 422",
    "OPTIONS /chat 204",
    "POST /deliver_alert 200",
    "POST /retry_dead_letters 200",
    "POST /cleanup/daily 200",
    "POST /admin_console/dead_letters/redrive 202",
    "POST /admin_console/dead_letters/{id}/waive 200",
    "GET /admin_console/conservation 200",
    "GET /admin_console/dead_letters/{id}/bundle 200",
    "GET /admin_console/overview 200",
    "GET /admin_console/history 200",
    "GET /admin_console/breakers 200",
    "POST /admin_console/breakers/{channel} 200",
    "GET /admin_console/jobs 200",
    "POST /admin_console/jobs/{name}/{verb} 200",
    "GET /admin_console/leads 200",
    "GET /admin_console/conversations/{id} 200",
    "GET /admin_console/operator_audit 200",
)


@pytest.fixture
def unmigrated(system):
    """No migration was run before, and none is known of afterwards: the system is other tests' too."""
    yield
    client = system.firestore()
    try:
        for name in ("migrations", "before_images"):
            for reference in client.collection(name).list_documents():
                reference.delete()
    finally:
        client.close()


@pytest.fixture
def left_alone(system):
    """Every breaker is left to itself afterwards, and every job runs: the fuzz moves them as an operator may."""
    yield
    key = {"X-ADMIN-API-KEY": system.info["admin_api_key"]}
    for breaker in system.console("breakers")["breakers"]:
        where = f"{system.url}/admin_console/breakers/{breaker['channel']}"
        assert requests.post(where, headers=key, json={"mode": "auto"}, timeout=30).ok
    for job in system.console("jobs")["jobs"]:
        where = f"{system.url}/admin_console/jobs/{job['name']}/resume"
        assert requests.post(where, headers=key, json={}, timeout=30).json()["state"] == "enabled"


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("unmigrated", "left_alone")
def test_f31_every_answer_is_as_described(system, capsys):
    """All checks of schemathesis, in all its phases; afterwards every alert is accounted for."""
    with with_dead_letters(system):
        fuzzed = fuzz(system.url, "--max-examples", "8", seed=SEED)
    with capsys.disabled():
        print(f"\nfuzz: seed {fuzzed.seed}, {fuzzed.cases} cases, {fuzzed.server_errors} answers of 5xx")  # noqa: T201 - to see the same again
    assert fuzzed.passed, fuzzed.report
    assert fuzzed.server_errors == 0
    assert [answer for answer in SEEN if not fuzzed.answers[answer]] == []
    assert system.console("conservation")["balanced"]
