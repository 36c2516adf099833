"""One deployment with the real gcloud: an empty project, the same again, one change, what must never be seen."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from infra.deploy.gcloud import shown
from infra.manifest import ROOT, load
from shared.edge.console_assets import BUNDLES
from tests.support import full_place
from tests.support.cloud_project import PROJECT, SECRETS
from tests.support.google_apis.state import PROJECT_NUMBER

pytestmark = pytest.mark.timeout(900)
MANIFEST = load()
AT = f"projects/{PROJECT}/locations/europe-west1"


def email(account: str) -> str:
    """A service account's address."""
    return f"{account}@{PROJECT}.iam.gserviceaccount.com"


def the(made, method, path, **query):
    """The body of the one request of this kind."""
    found = [
        seen
        for seen in made
        if (seen.method, seen.path) == (method, path)
        and all(seen.query.get(key) == value for key, value in query.items())
    ]
    assert len(found) == 1, found
    return found[0].body


def test_an_empty_project_has_everything_after_one_apply(deployed) -> None:
    """Every function, queue, job, index, exemption, time to live, metric and policy of the manifest."""
    cloud, _, _ = deployed
    names = set(cloud.state.resources)
    wanted = {f"{AT}/functions/{name.replace('_', '-')}" for name in MANIFEST.functions}
    wanted |= {f"{AT}/queues/{name}" for name in MANIFEST.queues} | {f"{AT}/jobs/{name}" for name in MANIFEST.jobs}
    wanted |= {f"projects/{PROJECT}/metrics/{name}" for name in MANIFEST.metrics}
    wanted |= {f"apis/{name}" for name in MANIFEST.apis}
    wanted |= {f"projects/{PROJECT}/databases/(default)"} | {f"projects/{PROJECT}/secrets/{name}" for name in SECRETS}
    wanted |= {
        f"projects/{PROJECT}/serviceAccounts/{email(entry.service_account)}" for entry in MANIFEST.functions.values()
    }
    assert sorted(wanted - names) == []
    assert sum("/indexes/" in name for name in names) == len(MANIFEST.firestore.indexes)
    assert sum("/alertPolicies/" in name for name in names) == len(MANIFEST.alert_policies)
    fields = {(each.collection, name) for each in MANIFEST.firestore.exemptions for name in each.fields} | {
        (each.collection, each.field) for each in MANIFEST.firestore.ttl
    }
    assert sum("/fields/" in name for name in names) == len(fields)


def test_the_same_again_changes_nothing(deployed) -> None:
    """No mutating request at all."""
    cloud, _, _ = deployed
    assert cloud.mutations("apply") == []


def test_one_memory_size_is_one_patch(project, tmp_path) -> None:
    """One function is patched, beside the upload of its source."""
    place = full_place.write(tmp_path, ("chat: {min_instances: 1}", "chat: {min_instances: 1, memory: 1Gi}"))
    made = project.mutations("apply", "--place", place)
    assert [seen.method for seen in made] == ["POST", "PUT", "PATCH"]
    assert [seen.path for seen in made] == [
        f"/v2/{AT}/functions:generateUploadUrl",
        made[1].path,
        f"/v2/{AT}/functions/chat",
    ]
    assert made[2].body["serviceConfig"]["availableMemory"] == "1Gi"


def test_the_requests_are_those_that_google_is_to_get(deployed) -> None:
    """Queue retries, a job's token, a function's service, an index, a field without one, a metric, a policy."""
    _, made, _ = deployed
    queue = next(seen.body for seen in made if seen.path == f"/v2/{AT}/queues" and seen.body["name"].endswith("/slack"))
    assert queue["rateLimits"] == {"maxDispatchesPerSecond": 1.0, "maxConcurrentDispatches": 10}
    assert queue["retryConfig"] == {"maxAttempts": 100, "minBackoff": "1s", "maxBackoff": "60s", "maxDoublings": 5}
    job = next(seen.body for seen in made if seen.path == f"/v1/{AT}/jobs" and seen.body["name"].endswith("_daily"))
    url = f"https://cleanup-{PROJECT_NUMBER}.europe-west1.run.app"
    assert job["httpTarget"]["uri"] == f"{url}/daily"
    assert job["httpTarget"]["oidcToken"] == {
        "serviceAccountEmail": email("bellhop-scheduler-invoker"),
        "audience": url,
    }
    assert (job["schedule"], job["attemptDeadline"], job["retryConfig"]["retryCount"]) == ("17 3 * * *", "180s", 3)
    function = the(made, "POST", f"/v2/{AT}/functions", functionId="deliver-alert")
    config = function["serviceConfig"]
    assert function["buildConfig"]["entryPoint"] == "deliver_alert"
    assert function["buildConfig"]["serviceAccount"].endswith(email("bellhop-builder"))
    assert config["serviceAccountEmail"] == email("bellhop-deliver-alert")
    assert (config["availableMemory"], config["availableCpu"], config["timeoutSeconds"]) == ("512Mi", "1", 60)
    assert (config["maxInstanceRequestConcurrency"], config["environmentVariables"]["THREADS"]) == (32, "32")
    assert config["ingressSettings"] == "ALLOW_INTERNAL_ONLY"
    assert (
        config["environmentVariables"]["OIDC_AUDIENCE"]
        == f"https://deliver-alert-{PROJECT_NUMBER}.europe-west1.run.app"
    )
    assert {each["key"]: each["version"] for each in config["secretEnvironmentVariables"]} == {
        "SLACK_WEBHOOK_URL": "1",
        "SMTP_URL": "1",
        "TOKEN_SIGNING_KEYS": "1",
    }
    indexes = [seen.body for seen in made if seen.path.endswith("/collectionGroups/messages/indexes")]
    assert ("COLLECTION_GROUP", [_ascending("at"), _ascending("conversation_id")]) in [
        (each["queryScope"], each["fields"]) for each in indexes
    ]
    assert ("COLLECTION", [_ascending("conversation_id"), _ascending("at")]) in [
        (each["queryScope"], each["fields"]) for each in indexes
    ]
    base = f"/v1/projects/{PROJECT}/databases/(default)/collectionGroups"
    assert the(made, "PATCH", f"{base}/alerts/fields/payload")["indexConfig"] == {}
    assert the(made, "PATCH", f"{base}/admissions/fields/expires_at")["ttlConfig"] == {}
    policy = next(seen.body for seen in made if seen.body.get("displayName") == "Bellhop: dead-letters-growing")
    (condition,) = policy["conditions"]
    assert condition["conditionThreshold"]["thresholdValue"] == 20.0
    assert policy["documentation"]["links"][0]["url"].endswith("/runbooks/dead-letters-growing.md")
    absent = next(seen.body for seen in made if seen.body.get("displayName") == "Bellhop: canary-absent")
    [condition] = absent["conditions"]
    assert condition["conditionAbsent"]["duration"] == "2400s"
    assert "bellhop_canary_arrived" in condition["conditionAbsent"]["filter"]
    paused = next(seen.body for seen in made if seen.body.get("displayName") == "Bellhop: queue-paused")
    [condition] = paused["conditions"]
    assert condition["conditionThreshold"]["filter"].endswith('AND resource.type="cloud_tasks_queue"')


def test_every_queue_job_and_index_is_asked_for_as_the_manifest_has_it(deployed) -> None:
    """All of them, the numbers of the requests beside those of the manifest."""
    _, made, _ = deployed
    queues = {seen.body["name"].rsplit("/", 1)[1]: seen.body for seen in made if seen.path == f"/v2/{AT}/queues"}
    assert {name: (body["rateLimits"], body["retryConfig"]) for name, body in queues.items()} == {
        name: (
            {
                "maxDispatchesPerSecond": queue.max_dispatches_per_second,
                "maxConcurrentDispatches": queue.max_concurrent_dispatches,
            },
            {
                "maxAttempts": queue.retry.max_attempts,
                "minBackoff": f"{queue.retry.min_backoff:g}s",
                "maxBackoff": f"{queue.retry.max_backoff:g}s",
                "maxDoublings": queue.retry.max_doublings,
            },
        )
        for name, queue in MANIFEST.queues.items()
    }
    jobs = {seen.body["name"].rsplit("/", 1)[1]: seen.body for seen in made if seen.path == f"/v1/{AT}/jobs"}
    assert {name: (body["schedule"], body["httpTarget"]["oidcToken"]) for name, body in jobs.items()} == {
        name: (
            job.schedule,
            {
                "serviceAccountEmail": email(MANIFEST.invoker(job.target)),
                "audience": f"https://{job.target.replace('_', '-')}-{PROJECT_NUMBER}.europe-west1.run.app",
            },
        )
        for name, job in MANIFEST.jobs.items()
    }
    indexes = {
        (
            seen.path.split("/")[-2],
            seen.body["queryScope"].lower().replace("_", "-"),
            tuple((field["fieldPath"], field["order"].lower()) for field in seen.body["fields"]),
        )
        for seen in made
        if seen.path.endswith("/indexes")
    }
    assert indexes == {(each.collection, each.scope, each.fields) for each in MANIFEST.firestore.indexes}


def test_the_rules_are_in_force_and_asked_for_with_gclouds_token(deployed) -> None:
    """What gcloud has no command for: the ruleset is the file, and the database's release points at it."""
    cloud, made, _ = deployed
    rules = (ROOT / "firestore.rules").read_text(encoding="utf-8")
    ruleset = the(made, "POST", f"/v1/projects/{PROJECT}/rulesets")
    assert ruleset == {"source": {"files": [{"name": "firestore.rules", "content": rules}]}}
    release = the(made, "POST", f"/v1/projects/{PROJECT}/releases")
    assert release["name"] == f"projects/{PROJECT}/releases/cloud.firestore"
    assert cloud.state.resources[release["rulesetName"]]["source"] == ruleset["source"]


def test_the_budget_is_asked_for_and_another_amount_is_one_patch(project, deployed, tmp_path) -> None:
    """Of this project only, at the manifest's percentages; those who are told are the place's."""
    _, made, _ = deployed
    channels = [name for name in project.state.resources if "/notificationChannels/" in name]
    path = f"/v1/billingAccounts/{full_place.ACCOUNT}/budgets"
    body = the(made, "POST", path)
    assert body["amount"]["specifiedAmount"]["units"] == "50"
    assert body["budgetFilter"] == {"projects": [f"projects/{PROJECT_NUMBER}"]}
    assert body["thresholdRules"] == [
        *({"thresholdPercent": part} for part in (0.5, 0.9, 1.0)),
        {"thresholdPercent": 1.0, "spendBasis": "FORECASTED_SPEND"},
    ]
    assert sorted(body["notificationsRule"]["monitoringNotificationChannels"]) == sorted(channels)
    assert len(channels) == len(full_place.NOTIFIED)
    place = full_place.write(tmp_path, ("# monthly_budget: 50", "monthly_budget: 80"))
    (patch,) = project.mutations("apply", "--only", "budget", "--place", place)
    assert (patch.method, patch.path.rpartition("/")[0]) == ("PATCH", path)
    assert project.mutations("apply", "--only", "budget", "--place", place) == []
    (kept,) = (body for name, body in project.state.resources.items() if "/budgets/" in name)
    assert kept["amount"]["specifiedAmount"]["units"] == "80"
    assert len(kept["thresholdRules"]) == len(body["thresholdRules"])


def test_every_function_is_called_by_those_meant_and_nobody_else(deployed) -> None:
    """The public ones by anybody, the others by their invoker, the operators' by operators and the smoke test."""
    cloud, _, _ = deployed
    callers = {
        name.rsplit("/", 1)[1]: {member for binding in policy["bindings"] for member in binding["members"]}
        for name, policy in cloud.state.policies.items()
        if "/services/" in name
    }
    assert callers == {
        "chat": {"allUsers"},
        "deliver-alert": {f"serviceAccount:{email('bellhop-tasks-invoker')}"},
        "retry-dead-letters": {f"serviceAccount:{email('bellhop-scheduler-invoker')}"},
        "cleanup": {f"serviceAccount:{email('bellhop-scheduler-invoker')}"},
        "canary": {f"serviceAccount:{email('bellhop-scheduler-invoker')}"},
        "admin-console": {f"serviceAccount:{email('bellhop-deployer')}"},
        "admin-migration": {
            f"serviceAccount:{email('bellhop-deployer')}",
            f"serviceAccount:{email('bellhop-tasks-invoker')}",
        },
        "send-followups": {f"serviceAccount:{email('bellhop-scheduler-invoker')}"},
        "unsubscribe": {"allUsers"},
    }


def test_no_account_reads_a_secret_that_is_not_its_own(deployed) -> None:
    """Secret by secret."""
    cloud, _, _ = deployed
    readers = {
        name.rsplit("/", 1)[1]: {member for binding in policy["bindings"] for member in binding["members"]}
        for name, policy in cloud.state.policies.items()
        if "/secrets/" in name
    }
    assert readers["SLACK_WEBHOOK_URL"] == {f"serviceAccount:{email('bellhop-deliver-alert')}"}
    assert readers["ADMIN_API_KEYS"] == {
        f"serviceAccount:{email('bellhop-admin-console')}",
        f"serviceAccount:{email('bellhop-admin-migration')}",
        f"serviceAccount:{email('bellhop-deployer')}",
    }


def test_the_upload_holds_what_production_needs_and_nothing_else(deployed) -> None:
    """No test, no tool, no document; the same for every function."""
    cloud, _, _ = deployed
    names = zipfile.ZipFile(io.BytesIO(cloud.state.uploads[0])).namelist()
    assert {
        "main.py",
        "requirements.txt",
        "functions/chat.py",
        "shared/config.py",
        "shared/knowledge/sample.yaml",
        "runbooks/alert-failed.md",
        "shared/console/templates/overview.html",
        *(f"shared/console/assets/{part}" for parts in BUNDLES.values() for part in parts),
    } <= {*names}
    assert {name.split("/")[0] for name in names} == {
        "main.py",
        "requirements.txt",
        "functions",
        "runbooks",
        "shared",
    }
    assert [name for name in names if name.endswith(".pyc")] == []


def test_no_secret_is_ever_an_argument(deployed) -> None:
    """What is an argument stands in the process list: it goes to standard input; it arrived all the same."""
    cloud, _, commands = deployed
    arguments = json.dumps(commands)
    assert [name for name, value in SECRETS.items() if value in arguments or "very-secret-word" in arguments] == []
    stored = {name.split("/")[3]: value for name, value in cloud.state.payloads.items()}
    assert stored == SECRETS


def test_every_command_ran_for_real_and_is_one_that_the_linter_knows(deployed, capsys) -> None:
    """The plan shows the very commands that apply ran, secrets asked for apart."""
    cloud, _, commands = deployed
    changing = [command for command in commands if "--quiet" in command]
    # One of each kind: commands that differ in their values only are the same to the linter.
    shapes = {
        (command[:2], tuple(word.partition("=")[0] for word in command if "--" in word)): command
        for command in changing
    }
    assert len(shapes) >= 20
    asked = [shown(command) for command in shapes.values()]
    linted(cloud, asked)


def linted(cloud, commands) -> None:
    """Every command passes gcloud's own linter."""
    path = ROOT / ".local" / "commands.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([{"command_string": each} for each in commands]), encoding="utf-8")
    ended = cloud.gcloud(["meta", "lint-gcloud-commands", f"--commands-file={path}"], None)
    path.unlink()
    results = json.loads(ended.out)
    assert len(results) == len(commands)
    wrong = [(each["command_string"][:200], each["error_message"]) for each in results if not each["success"]]
    assert wrong == []


def test_what_nobody_knows_is_told_and_left_alone(deployed, capsys) -> None:
    """A queue of somebody else, and a caller that nobody meant."""
    cloud, _, _ = deployed
    strange, service = f"{AT}/queues/strange", f"{AT}/services/deliver-alert"
    cloud.state.resources[strange] = {"name": strange, "state": "RUNNING"}
    before = cloud.state.policies[service]
    extra = {"role": "roles/run.invoker", "members": ["allUsers"]}
    cloud.state.policies[service] = {**before, "bindings": [*before["bindings"], extra]}
    assert cloud.mutations("plan") == []
    told = capsys.readouterr().out
    assert "left alone: queue strange" in told
    assert "DANGER: allUsers may call the function deliver_alert" in told
    cloud.state.policies[service] = before
    del cloud.state.resources[strange]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_what_cannot_be_read_is_not_taken_for_missing(deployed, command, capsys) -> None:
    """Where Google refuses a list, nothing is created."""
    cloud, _, _ = deployed
    project = cloud.state.resources.pop(f"projects/{PROJECT}")
    cloud.state.forget()
    try:
        assert cloud.deploy(command) == 1
    finally:
        cloud.state.resources[f"projects/{PROJECT}"] = project
    assert cloud.state.mutations() == []
    assert "projects describe" in capsys.readouterr().err


def _ascending(field: str) -> dict[str, str]:
    return {"fieldPath": field, "order": "ASCENDING"}
