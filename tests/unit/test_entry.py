"""The entry of the functions: each is found by its name, and loads no code of another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import main

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(yaml.safe_load((ROOT / "infra/manifest.yaml").read_text("utf-8"))["functions"])
ENVIRON = {
    "GOOGLE_CLOUD_PROJECT": "demo",
    "ADDRESS_HASH_KEY": "an-address-key-of-tests",
    "TOKEN_SIGNING_KEYS": "a-signing-key-of-tests",
    "PUBLIC_BASE_URL": "http://127.0.0.1:9",
    "LEAD_CHANNELS": "slack",
    "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/hook",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "MAIL_FROM": "bellhop@example.com",
    "ESCALATION_EMAIL_TO": "team@example.com",
    "DELIVER_ALERT_URL": "http://127.0.0.1:9/deliver_alert",
    "SWEEP_URL": "http://127.0.0.1:9/retry_dead_letters",
    "FOLLOWUPS_URL": "http://127.0.0.1:9/send_followups",
    "CLEANUP_URL": "http://127.0.0.1:9/cleanup",
    "MIGRATION_URL": "http://127.0.0.1:9/admin_migration",
    "CHAT_URL": "http://127.0.0.1:9/chat",
    "DRAIN_PACES": "slack=1",
    "ADMIN_API_KEYS": "an-admin-key-of-tests",
    "CANARY_KEYS": "a-canary-key-of-tests",
    "OIDC_AUDIENCE": "http://127.0.0.1:9/deliver_alert",
    "OIDC_CERTS_URL": "http://127.0.0.1:9/certs",
    "TASKS_INVOKER_EMAIL": "tasks@demo.iam.gserviceaccount.com",
    "SCHEDULER_INVOKER_EMAIL": "scheduler@demo.iam.gserviceaccount.com",
}

# Loads a target as functions-framework does (functions_framework.create_app), then tells what was imported.
LOAD = """
import json, sys
import functions_framework
functions_framework.create_app(sys.argv[1], "main.py", "http")
print(json.dumps(sorted(sys.modules)))
"""

OF_CHAT_ONLY = ("shared.flows.answer_message", "shared.adapters.firestore_chat", "shared.adapters.knowledge_file")
OF_DELIVERY_ONLY = (
    "shared.flows.deliver_alert",
    "shared.channels",
    "shared.adapters.slack",
    "shared.adapters.smtp",
    "shared.adapters.http",
)
NO_REDIS = ("redis", "shared.adapters.redis_limits")
NOT_CONFIGURED = ("shared.adapters.monday", "shared.adapters.webhook", "shared.adapters.apprise", "apprise")
OF_TASKS_AND_JOBS = ("shared.edge.oidc",)
OF_CANARIES = ("shared.domain.canary", "shared.adapters.canary_orders")
OF_SWEEP_ONLY = ("shared.flows.retry_dead_letters",)
AT_FIRST_USE = ("google.cloud.tasks_v2",)
NOT_FOR = {
    "chat": (*OF_DELIVERY_ONLY, *OF_SWEEP_ONLY, *OF_CANARIES, *OF_TASKS_AND_JOBS, *AT_FIRST_USE, *NO_REDIS),
    "deliver_alert": (*OF_CHAT_ONLY, *OF_SWEEP_ONLY, *NOT_CONFIGURED, *AT_FIRST_USE),
    "retry_dead_letters": (*OF_CHAT_ONLY, *OF_DELIVERY_ONLY, *AT_FIRST_USE),
    "admin_migration": (*OF_CHAT_ONLY, *OF_DELIVERY_ONLY, *OF_SWEEP_ONLY, *AT_FIRST_USE, *NO_REDIS),
    "admin_console": (*OF_CHAT_ONLY, *OF_DELIVERY_ONLY, *OF_SWEEP_ONLY, *OF_TASKS_AND_JOBS, *AT_FIRST_USE),
    "unsubscribe": (*OF_CHAT_ONLY, *OF_DELIVERY_ONLY, *OF_SWEEP_ONLY, *OF_TASKS_AND_JOBS, *AT_FIRST_USE, *NO_REDIS),
    "send_followups": (*OF_DELIVERY_ONLY, *OF_SWEEP_ONLY, *AT_FIRST_USE, *NO_REDIS),
    "canary": (*OF_CHAT_ONLY, *OF_SWEEP_ONLY, *NOT_CONFIGURED, *AT_FIRST_USE, *NO_REDIS),
    "cleanup": (*OF_CHAT_ONLY, *OF_DELIVERY_ONLY, *OF_SWEEP_ONLY, *AT_FIRST_USE),
}


def load(target: str, environ: dict[str, str], code: str = LOAD) -> subprocess.CompletedProcess[str]:
    """Load a target in a process of its own, from the root, with this environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, target],
        cwd=ROOT,
        env=kept | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_of_the_manifest_loads_its_own_code_only(function: str) -> None:
    """functions-framework finds it, and no module of another function is imported."""
    loaded = load(function, ENVIRON)
    assert loaded.returncode == 0, loaded.stderr
    modules = json.loads(loaded.stdout.splitlines()[-1])
    assert [name for name in modules if name.startswith("functions.")] == [f"functions.{function}"]
    assert [name for name in modules if name in NOT_FOR[function]] == []
    assert [name for name in modules if name.split(".")[0] in ("infra", "tests", "pytest")] == []


def test_what_was_loaded_is_left_out_of_collections_which_are_rare() -> None:
    """And they are made again once it is loaded."""
    told = LOAD.replace("sorted(sys.modules)", "[gc.isenabled(), gc.get_freeze_count() > 10_000, *gc.get_threshold()]")
    loaded = load("chat", ENVIRON, f"import gc\n{told}")
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout.splitlines()[-1]) == [True, True, *main.COLLECT_AFTER]


def test_every_function_of_the_manifest_has_a_module_and_none_is_forgotten() -> None:
    """The manifest and the folder name the same functions."""
    modules = {path.stem for path in (ROOT / "functions").glob("*.py")} - {"__init__"}
    assert modules == set(FUNCTIONS) == set(NOT_FOR)


def test_an_unknown_target_is_refused_in_the_frameworks_words() -> None:
    """Nothing else is loaded in its place."""
    loaded = load("nothing", ENVIRON)
    assert loaded.returncode != 0
    assert "is expected to contain a function named 'nothing'" in loaded.stderr


@pytest.mark.parametrize("name", ["nothing", "_chat", "__wrapped__", "os", "importlib_metadata"])
def test_a_name_that_is_no_entry_point_is_no_attribute(name: str) -> None:
    """As for any module: hasattr is false, nothing is imported."""
    with pytest.raises(AttributeError, match=f"module 'main' has no attribute '{name}'"):
        getattr(main, name)


def test_f45_a_function_with_a_wrong_setting_does_not_start_and_says_which() -> None:
    """All of them on the log, with the severity that calls a person; secrets not shown."""
    loaded = load("chat", ENVIRON | {"CHAT_RATE_LIMIT": "often", "SLACK_WEBHOOK_URL": "verysecret"})
    assert loaded.returncode != 0
    line = json.loads(loaded.stdout.splitlines()[0])
    assert (line["severity"], line["event"], line["function"]) == ("CRITICAL", "config_invalid", "chat")
    assert "CHAT_RATE_LIMIT: was 'often'" in line["error"]
    assert "verysecret" not in loaded.stdout + loaded.stderr


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"SMTP_URL": ""}, "ESCALATION_CHANNELS: was 'slack'; takes a channel other than slack too"),
        ({"LEAD_CHANNELS": "slack, monday"}, "LEAD_CHANNELS: was 'slack, monday'; monday is not configured"),
        ({"SMTP_URL": "smtps://h.example", "SMTP_CA_FILE": "/nowhere.pem"}, "SMTP_CA_FILE: was '/nowhere.pem'"),
    ],
)
def test_f45_delivery_does_not_start_with_channels_that_cannot_keep_the_promise(
    environ: dict[str, str], told: str
) -> None:
    """It says so on the log as of any other setting, also where only the channel itself can tell."""
    loaded = load("deliver_alert", ENVIRON | environ)
    assert loaded.returncode != 0
    line = json.loads(loaded.stdout.splitlines()[0])
    assert (line["event"], line["function"]) == ("config_invalid", "deliver_alert")
    assert line["error"].startswith(told)


@pytest.mark.parametrize(
    ("function", "needed"),
    [
        ("chat", {"GOOGLE_CLOUD_PROJECT", "DELIVER_ALERT_URL", "TASKS_INVOKER_EMAIL", "LEAD_CHANNELS"}),
        ("deliver_alert", {"GOOGLE_CLOUD_PROJECT", "LEAD_CHANNELS", "ESCALATION_CHANNELS", "OIDC_AUDIENCE"}),
        ("retry_dead_letters", {"GOOGLE_CLOUD_PROJECT", "SCHEDULER_INVOKER_EMAIL", "OIDC_AUDIENCE"}),
    ],
)
def test_a_function_names_every_setting_it_cannot_do_without(function: str, needed: set[str]) -> None:
    """All at once, before it serves anything."""
    loaded = load(function, {})
    assert loaded.returncode != 0
    said = json.loads(loaded.stdout.splitlines()[0])["error"]
    assert needed <= {line.split(":")[0] for line in said.splitlines()}
