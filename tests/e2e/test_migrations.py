"""Migrations on the running system: over HTTP with a key, killed, asked for twice, while visitors write."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
import requests
from google.cloud.firestore_v1.base_query import FieldFilter

from tests.support.local_system import ROOT, eventually
from tests.support.migrating import fill, old_conversation
from tests.support.old_database import OldDatabase
from tests.support.postgres_server import PostgresServer

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
WRONG = ["", "x", "k" * 31, "k" * 33, "k" * 4000, "kéy" * 11, "ключ" * 8, "\xff" * 32]


@pytest.fixture
def client(system):
    """A client of the system's Firestore, in which nothing is migrated yet and nothing is left afterwards.

    What came over from an old system is old: the clean-up may forget it at any moment, between a plan and its run.
    """
    client = system.firestore()
    yield client
    with_age = client.collection("conversations").where(filter=FieldFilter("updated_at", "<", LONG_AGO))
    for snapshot in with_age.stream():
        client.recursive_delete(snapshot.reference)
    for name in ("migrations", "before_images"):
        for reference in client.collection(name).list_documents():
            reference.delete()
    for reference in client.collection("conversations").list_documents():
        if reference.id.startswith("c0"):
            reference.delete()
    client.close()


def asked(system, method, path="/", key=None, **how):
    """What the function answers to an operator."""
    headers = {"X-ADMIN-API-KEY": (key or system.info["admin_api_key"]).encode()}
    return requests.request(method, f"{system.url}/admin_migration{path}", headers=headers, timeout=60, **how)


def row(system, step):
    """A step's ledger."""
    answer = asked(system, "GET", f"/{step}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ended(system, step, states=("done", "rolled_back")):
    """A step's ledger once it has come to its end; asked for again whenever it stands still."""

    def found():
        stands = row(system, step)
        if stands["stalled"]:
            asked(system, "POST", f"/{step}", json={"dry_run": False})
        return stands if stands["state"] in states else None

    return eventually(found, 60)


def ops(system, *arguments):
    """A command as an operator runs it."""
    environ = {name: value for name, value in os.environ.items() if name not in ("ADMIN_API_KEY", "ADDRESS_HASH_KEY")}
    command = [sys.executable, "-m", "infra.ops", *arguments, "--url", system.url]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("key", WRONG, ids=range(len(WRONG)))
def test_f34_a_wrong_key_of_any_length_or_letters_is_401(system, key):
    """The same answer as without a key; it tells nothing of what there is."""
    without = requests.get(f"{system.url}/admin_migration/", timeout=30)
    headers = {"X-ADMIN-API-KEY": key.encode()}
    for path in ("/", "/0001", "/nothing"):
        answer = requests.get(f"{system.url}/admin_migration{path}", headers=headers, timeout=30)
        assert (answer.status_code, answer.json()) == (401, without.json())


def test_a_slice_comes_with_a_token_only(system):
    """The operator's key does not open the tasks' door, nor do headers that anybody can send."""
    body = {"step": "0001", "run": 1, "slice": 1}
    assert asked(system, "POST", "/", json=body).status_code == 401
    headers = {"X-CloudTasks-QueueName": "migrations", "Authorization": "Bearer a.b.c"}
    assert requests.post(f"{system.url}/admin_migration", json=body, headers=headers, timeout=30).status_code == 401


def test_what_is_asked_wrongly_is_told(system):
    """Each refusal says what is accepted; a run is never guessed."""
    for path, body, status in (
        ("/0001", {}, 400),
        ("/0001", {"dry_run": "no"}, 400),
        ("/0001", {"dry_run": False, "force": True}, 400),
        ("/0001", {"dry_run": False, "after": "x"}, 400),
        ("/0009", {"dry_run": True}, 404),
        ("/1", {"dry_run": True}, 404),
        ("/0001/rollback", {"by": 7}, 400),
        ("/0001/rollback", {}, 409),
        ("/0001/stamp", {"state": "gone"}, 400),
        ("/0003", {"dry_run": False}, 409),
    ):
        answer = asked(system, "POST", path, json=body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), path
    assert asked(system, "POST", "/0001", data=b"{").status_code == 415
    assert asked(system, "DELETE", "/0001").status_code == 405


def test_f37_killed_five_times_while_visitors_write_and_two_ask_at_once(system, client):
    """SIGKILL at random, and on by itself; the second who asks gets 409; no message and no field is lost."""
    count = 3000
    fill(client, count)
    visitors = [(visitor := system.client(), system.write("Hello", visitor).json()["session_id"]) for _ in range(4)]
    plan = asked(system, "POST", "/0001", json={"dry_run": True}).json()
    both = [None, None]

    def ask(place):
        both[place] = asked(system, "POST", "/0001", json={"dry_run": False, "by": "me"}).status_code

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(both) == [202, 409]
    chance, said = random.Random(5), 0  # noqa: S311 - where to strike
    for strike in range(5):
        threading.Event().wait(chance.uniform(0.1, 0.6))
        system.local("POST", "functions/admin_migration/kill")
        visitor, session = visitors[strike % 4]
        answer = system.write(f"Message {strike}", visitor, session_id=session)
        said += answer.status_code == 200
        eventually(lambda: asked(system, "GET", "/0001").ok)
    stands = ended(system, "0001")
    assert stands["counts"] | plan["counts"] == stands["counts"]
    assert said == 5
    logged = [each.to_dict()["question"] for each in client.collection_group("messages").stream()]
    assert all(logged.count(f"Message {strike}") == 1 for strike in range(5))
    for number in chance.sample(range(count), 200):
        there = client.document("conversations", f"c{number:07d}").get().to_dict()
        assert there | {"email": None} == old_conversation(number) | {"email": None} | (
            {} if "email" in there else {"email": None}
        )
        if number % 3 and number % 11:
            assert there["email"] == f"visitor{number}@example.com"
    assert asked(system, "POST", "/0001/rollback").status_code == 202
    back = ended(system, "0001", ("rolled_back",))
    assert (back["counts"]["restored"], back["counts"]["kept"]) == (stands["counts"]["written"], 0)
    for number in chance.sample(range(count), 200):
        assert client.document("conversations", f"c{number:07d}").get().to_dict() == old_conversation(number)


def test_the_commands_plan_run_and_take_back(system, client):
    """From a terminal: tables, JSON, and exit statuses that tell whether something was left."""
    fill(client, 30)
    status = ops(system, "migrate", "status")
    assert (status.returncode, "0003" in status.stdout) == (0, True), status.stderr
    plan = ops(system, "migrate", "plan", "0001")
    assert (plan.returncode, "nothing was written" in plan.stdout, "example.com" in plan.stdout) == (1, True, False)
    ran = ops(system, "migrate", "run", "0001", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["state"]) == (1, "done"), ran.stderr
    assert ops(system, "migrate", "run", "0003").returncode == 1
    stamped = ops(system, "migrate", "stamp", "0002", "--as", "done", "--reason", "no old rows", "--json")
    assert json.loads(stamped.stdout)["log"][-1]["reason"] == "no old rows"
    assert ops(system, "migrate", "stamp", "0002", "--as", "pending").returncode == 0
    back = ops(system, "migrate", "rollback", "0001")
    assert (back.returncode, "rolled_back" in back.stdout) == (0, True), back.stderr
    assert ops(system, "migrate", "run").returncode == 2
    assert ops(system, "migrate", "stamp", "0001").returncode == 2


@pytest.fixture
def old_ones_are_kept(system):
    """What was said in 2024 is within the retention: the daily clean-up runs every few seconds here, and would win."""
    system.local("PUT", "functions/cleanup/settings", json={"RETENTION_DAYS": "3650"})
    yield
    system.own_settings()


@pytest.mark.usefixtures("old_ones_are_kept")
def test_a_team_comes_over_and_its_pending_alerts_arrive(system, client):
    """From a real PostgreSQL into the running system: pending Slack alerts are sent, all is accounted for."""
    postgres = PostgresServer()
    try:
        OldDatabase(70).load(postgres.uri)
        done = ops(system, "import-sql", "--from", postgres.uri, "--json")
    finally:
        postgres.stop()
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert all(counts["unaccounted"] == 0 for counts in answer["tables"].values())
    pending = client.collection("dead_letters").where(filter=FieldFilter("status", "==", "pending"))
    eventually(lambda: not pending.get(), 60)
    eventually(lambda: system.received("Old lead 63"), 60)
    assert len(system.received("Old lead 63")) == 1
    conservation = ops(system, "conservation", "--json")
    assert json.loads(conservation.stdout)["balanced"], conservation.stdout
