"""What the functions of the local system are started with, and how queues, tasks and jobs reach them."""

import base64
import json

import pytest

from infra.local import wiring
from infra.local.wiring import Wiring, admin_key_of
from infra.manifest import load
from infra.manifest_places import Places

URLS = {"chat": "http://127.0.0.1:1", "deliver_alert": "http://127.0.0.1:2", "retry_dead_letters": "http://127.0.0.1:3"}
FILLED = {
    "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/hook",
    "MONDAY_BOARD_ID": "42",
    "ESCALATION_CHANNELS": "filled",
    "ADMIN_API_KEYS": "k" * 32,
}


@pytest.fixture(scope="module")
def manifest():
    """The shipped manifest."""
    return load()


def wired(manifest, environ=None, *, fast=False, tmp_path="/nowhere"):
    """The wiring of a system that was started in this environment."""
    urls = {name: f"http://127.0.0.1:{number}" for number, name in enumerate(manifest.functions, start=20)} | URLS
    places = Places("demo", "local", urls)
    return Wiring(manifest, places, "127.0.0.1:8", "127.0.0.1:7", FILLED, environ or {}, fast, tmp_path)


def test_what_the_manifest_leaves_open_is_filled_in_where_it_belongs(manifest):
    """Plain settings and secrets alike, and only for the functions that have them; the manifest's values stand."""
    wiring = wired(manifest)
    deliver, chat = wiring.environment("deliver_alert"), wiring.environment("chat")
    assert (deliver["MONDAY_BOARD_ID"], deliver["SLACK_WEBHOOK_URL"]) == ("42", "http://127.0.0.1:9/hook")
    assert deliver["ESCALATION_CHANNELS"] == "email, slack"
    assert not {"MONDAY_BOARD_ID", "SLACK_WEBHOOK_URL", "ADMIN_API_KEYS"} & set(chat)


def test_what_is_set_outside_wins_over_both(manifest):
    """A user's own Slack, board and channels; an empty variable counts as not set."""
    environ = {"MONDAY_BOARD_ID": "7", "ESCALATION_CHANNELS": "slack", "SLACK_WEBHOOK_URL": " "}
    deliver = wired(manifest, environ).environment("deliver_alert")
    assert (deliver["MONDAY_BOARD_ID"], deliver["ESCALATION_CHANNELS"]) == ("7", "slack")
    assert deliver["SLACK_WEBHOOK_URL"] == FILLED["SLACK_WEBHOOK_URL"]


def test_the_single_escalation_channel_takes_the_place_of_the_manifests_list(manifest):
    """Both at once would be refused, though the user set only one."""
    for function in ("deliver_alert", "retry_dead_letters"):
        environment = wired(manifest, {"ESCALATION_CHANNEL": "slack"}).environment(function)
        assert environment["ESCALATION_CHANNEL"] == "slack"
        assert "ESCALATION_CHANNELS" not in environment


def test_secrets_set_outside_reach_only_the_functions_that_have_them(manifest):
    """As in production, where each account may read its own secrets only."""
    environ = {"MONDAY_API_KEY": "token"}
    wiring = wired(manifest, environ)
    assert wiring.environment("deliver_alert")["MONDAY_API_KEY"] == "token"
    assert "MONDAY_API_KEY" not in wiring.environment("chat")


def test_the_sweep_knows_the_paces_of_the_queues(manifest):
    """What drains a backlog keeps to what each destination takes."""
    environment = wired(manifest).environment("retry_dead_letters")
    assert environment["DRAIN_PACES"] == "slack=1,monday=1,email=1,webhook=5,apprise=1"
    assert environment["SWEEP_URL"] == URLS["retry_dead_letters"]


def test_short_rhythms_give_way_to_what_is_set_outside(manifest):
    """``BELLHOP_FAST`` is a default."""
    assert wired(manifest, fast=True).environment("deliver_alert")["LEASE_SECONDS"] == "5"
    assert wired(manifest, {"LEASE_SECONDS": "9"}, fast=True).environment("deliver_alert")["LEASE_SECONDS"] == "9"
    assert "LEASE_SECONDS" not in wired(manifest).environment("deliver_alert")


@pytest.mark.parametrize(
    ("queue", "function", "account", "body"),
    [
        ("slack", "deliver_alert", "bellhop-tasks-invoker", {"alert_id": "trial", "generation": 1}),
        ("monday", "deliver_alert", "bellhop-tasks-invoker", {"alert_id": "trial", "generation": 1}),
        ("sweeps", "retry_dead_letters", "bellhop-scheduler-invoker", {}),
    ],
)
def test_a_trial_task_carries_what_its_function_lets_in(manifest, queue, function, account, body):
    """The account of whoever usually calls it, its URL as audience, and nothing to do."""
    request = wired(manifest).task_body(queue)["task"]["httpRequest"]
    assert request["url"] == request["oidcToken"]["audience"] == URLS[function]
    assert request["oidcToken"]["serviceAccountEmail"] == f"{account}@demo.iam.gserviceaccount.com"
    assert json.loads(base64.b64decode(request["body"])) == body


def test_a_jobs_path_is_called_with_a_token_for_the_function(manifest):
    """The audience stays the function's URL: that is what the function compares it with."""
    job = manifest.jobs["retry_dead_letters"].model_copy(update={"path": "/daily"})
    changed = manifest.model_copy(update={"jobs": {"plain": manifest.jobs["retry_dead_letters"], "daily": job}})
    targets = [wired(changed).job_body(name)["httpTarget"] for name in ("plain", "daily")]
    assert [target["uri"] for target in targets] == [
        URLS["retry_dead_letters"],
        f"{URLS['retry_dead_letters']}/daily",
    ]
    assert {target["oidcToken"]["audience"] for target in targets} == {URLS["retry_dead_letters"]}


def test_a_function_of_operators_gets_the_local_key(manifest):
    """The one that ``/_local/info`` tells."""
    admin = manifest.functions["chat"].model_copy(update={"access": "admin", "secrets": ("ADMIN_API_KEYS",)})
    changed = manifest.model_copy(update={"functions": {**manifest.functions, "admin_console": admin}})
    assert wired(changed).environment("admin_console")["ADMIN_API_KEYS"] == FILLED["ADMIN_API_KEYS"]


def test_the_local_key_is_the_first_of_those_set_outside():
    """So that what ``/_local/info`` tells is let in."""
    assert admin_key_of({"ADMIN_API_KEYS": " first-key, second"}) == "first-key"
    assert admin_key_of({"ADMIN_API_KEYS": " "}) == admin_key_of({}) == ""


def test_other_paces_are_those_of_queues_and_of_the_drain() -> None:
    """One number: what the stand-in dispatches and what the sweep fills are the same."""
    manifest = wiring.paced(load(), {"BELLHOP_PACES": "slack=50, monday=0.5"})
    queues = manifest.queues
    assert (queues["slack"].max_dispatches_per_second, queues["slack"].max_burst) == (50, 50)
    assert (queues["monday"].max_dispatches_per_second, queues["monday"].max_burst) == (0.5, 5)
    assert queues["email"] == load().queues["email"]
    assert "slack=50" in manifest.paces
    assert wiring.paced(load(), {}) == load()


@pytest.mark.parametrize("value", ["slack", "slack=0", "slack=fast", "nobody=1", "sweeps=5"])
def test_a_pace_that_cannot_be_is_refused(value: str) -> None:
    """Before anything is started; the message names the variable."""
    with pytest.raises(ValueError, match="BELLHOP_PACES"):
        wiring.paced(load(), {"BELLHOP_PACES": value})
