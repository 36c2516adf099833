"""Somebody tries one admin key after another: nobody else notices, and the keys are exchanged."""

import requests

from tests.support.cloud_project import PROJECT
from tests.support.gamedays.visitors import from_address, request_entry

AT = f"projects/{PROJECT}/locations/europe-west1"
ATTACKER, OPERATOR = "127.0.79.1", "127.0.79.2"
TRIED = 70


def status_of(day, client, address, key):
    """What a request for the migrations is answered; it stands in the log of requests afterwards."""
    answer = client.get(f"{day.system.url}/admin_migration/", headers={"X-ADMIN-API-KEY": key}, timeout=30)
    day.running.says(request_entry("admin_migration", answer.status_code, address))
    return answer.status_code


def callable_by_all(day, service):
    """Google's own check is not there any more."""
    name, state = f"{AT}/services/{service}", day.cloud.state
    policy = state.policy(name)
    everybody = {"role": "roles/run.invoker", "members": ["allUsers"]}
    state.set_policy(name, {**policy, "bindings": [*policy.get("bindings", []), everybody]})


def test_the_day(day, tmp_path):
    """An operator gets in meanwhile; afterwards with the new key, and with the old one no more."""
    system, lines = day.system, tmp_path / "new-keys"
    old, new = system.info["admin_api_key"], "a-new-admin-key-of-the-game-day"
    lines.write_text(f"ADMIN_API_KEYS={new}\n", encoding="utf-8")
    day.given(LINES=str(lines))
    before = day.leads(2)
    day.begins("somebody tries admin keys")
    with from_address(ATTACKER) as attacker, from_address(OPERATOR) as operator:
        found = [status_of(day, attacker, ATTACKER, f"a-guess-of-the-attacker-{number}") for number in range(TRIED)]
        assert set(found) == {401, 429}
        assert status_of(day, attacker, ATTACKER, old) == 429  # not looked at
        assert status_of(day, operator, OPERATOR, old) == 200
    callable_by_all(day, "admin-migration")
    emails = day.leads(2)
    day.fires("admin-keys-tried")
    seen = day.follows("How to see it")
    assert f"{TRIED + 1} {ATTACKER}" in seen
    assert f"1 {OPERATOR}" in seen  # let in
    assert "wrong_key\tadmin-migration" in seen
    assert "DANGER: allUsers may call the function admin_migration" in seen
    day.follows("Recovery")
    assert not lines.exists()
    day.recovers(lambda: all(system.received(email) for email in (*before, *emails)))
    day.follows("How to know it worked")
    for key, status in ((old, 401), (new, 200)):
        for function in ("admin_console/conservation", "admin_migration/"):
            answer = requests.get(f"{system.url}/{function}", headers={"X-ADMIN-API-KEY": key}, timeout=30)
            assert answer.status_code == status, (function, answer.text)
    day.follows("How to undo it")
    system.own_settings()
    day.loses_nothing()
