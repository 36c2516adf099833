"""The manifest: what is shipped holds, and every mistake is told with its place."""

import json
import sys
from pathlib import Path

import pytest

from infra.manifest import DEFAULT, Manifest, ManifestError, load, main
from infra.manifest_places import Places
from shared.channels import OPTIONAL
from shared.config import CHANNELS, NEEDED, from_environment

GOOD = """\
runtime: python311
invokers: {tasks: bellhop-tasks, scheduler: bellhop-scheduler}
defaults:
  memory: 512Mi
  cpu: 1
  concurrency: 10
  min_instances: 0
  max_instances: 10
  timeout: 60s
  settings:
    GOOGLE_CLOUD_PROJECT: ${project}
functions:
  chat:
    access: public
    service_account: bellhop-chat
    settings:
      LEAD_CHANNELS: slack
      KNOWLEDGE_PATH:
      DELIVER_ALERT_URL: ${url:deliver_alert}
      TASKS_INVOKER_EMAIL: ${service_account:bellhop-tasks}
    enqueues: [slack]
  deliver_alert:
    access: tasks
    service_account: bellhop-deliver
    settings:
      OIDC_AUDIENCE: ${self_url}
    secrets: [SLACK_WEBHOOK_URL]
  sweep:
    entry_point: retry_dead_letters
    access: scheduler
    service_account: bellhop-sweep
queues:
  slack:
    destination: slack
    target: deliver_alert
    max_dispatches_per_second: 1
    max_burst: 5
    max_concurrent_dispatches: 10
    retry:
      max_attempts: 100
      min_backoff: 1s
      max_backoff: 60s
      max_doublings: 5
jobs:
  sweep:
    schedule: "*/5 * * * *"
    time_zone: Etc/UTC
    target: sweep
    attempt_deadline: 180s
    retry_count: 1
"""

MORE_WORK = """\
  sweeps:
    target: sweep
    max_dispatches_per_second: 1
    max_burst: 1
    max_concurrent_dispatches: 1
    retry: {max_attempts: 10, min_backoff: 1s, max_backoff: 60s, max_doublings: 5}
  mail:
    destination: email
    target: deliver_alert
    max_dispatches_per_second: 0.5
    max_burst: 1
    max_concurrent_dispatches: 1
    retry: {max_attempts: 10, min_backoff: 1s, max_backoff: 60s, max_doublings: 5}
jobs:
"""

SECOND_QUEUE = """\
  second:
    destination: slack
    target: deliver_alert
    max_dispatches_per_second: 1
    max_burst: 5
    max_concurrent_dispatches: 10
    retry: {max_attempts: -1, min_backoff: 1s, max_backoff: 60s, max_doublings: 5}
jobs:
"""

MISTAKES = {
    "runtime": ("python311", "nodejs20", "runtime: was 'nodejs20'; takes a Python runtime"),
    "memory": ("  memory: 512Mi", "  memory: 512MB", "defaults.memory: was '512MB'; takes a number with Mi or Gi, for"),
    "memory-range": (
        "access: public",
        "access: public\n    memory: 64Gi",
        "functions.chat.memory: was '64Gi'; takes from",
    ),
    "unknown-key": (
        "access: public",
        "acess: public",
        "functions.chat.acess: is not a key here; did you mean 'access'?",
    ),
    "unknown-section": ("\nqueues:", "\nqueue: {}\nqueues:", "queue: is not a key here; did you mean 'queues'?"),
    "unknown-retry-key": ("max_doublings", "max_doubling", "queues.slack.retry.max_doubling: is not a key here; did"),
    "unknown-default": ("  cpu: 1", "  cpu: 1\n  access: public", "defaults.access: takes no such key; each function"),
    "missing-key": ("    access: public\n", "", "functions.chat.access: is missing"),
    "missing-section": ("runtime: python311\n", "", "runtime: is missing"),
    "access": (
        "access: public",
        "access: everybody",
        "functions.chat.access: was 'everybody'; takes 'public', 'admin',",
    ),
    "empty-value": ("access: public", "access:", "functions.chat.access: was empty; takes 'public'"),
    "entry-point": (
        "  chat:",
        "  chatt:",
        "functions.chatt.entry_point: was 'chatt'; takes the name of a module in func",
    ),
    "function-name": ("  chat:", "  Chat-1:\n    entry_point: chat", "functions.Chat-1: takes names of a-z, 0-9 and _"),
    "function-empty": (
        "  sweep:\n    entry",
        "  chat2:\n  sweep:\n    entry",
        "functions.chat2: was empty; takes a mapping",
    ),
    "queue-name": ("\n  slack:", "\n  slack_1:", "queues.slack_1: takes names of a-z, 0-9 and -"),
    "job-name": ("jobs:\n  sweep:", "jobs:\n  Sweep!:", "jobs.Sweep!: takes names of a-z"),
    "account": (
        "account: bellhop-chat",
        "account: chat",
        "functions.chat.service_account: was 'chat'; takes 6 to 30 of",
    ),
    "filter-without-resource": (
        "jobs:\n",
        "metrics:\n  refused: {filter: 'httpRequest.status=429', description: x}\njobs:\n",
        "metrics.refused.filter: was 'httpRequest.status=429'; takes a filter that names one kind of resource",
    ),
    "invoker": ("tasks: bellhop-tasks", "tasks: x@y", "invokers.tasks: was 'x@y'; takes 6 to 30 of"),
    "concurrency": (
        "  concurrency: 10",
        "  concurrency: 0",
        "defaults.concurrency: was 0; takes a whole number from 1",
    ),
    "shared-cpu": (
        "access: public",
        "access: public\n    cpu: 0.5",
        "functions.chat.cpu: was 0.5; takes at least 1 where",
    ),
    "instances": (
        "access: public",
        "access: public\n    min_instances: 11",
        "max_instances: was 10; takes at least 11",
    ),
    "timeout": (
        "access: public",
        "access: public\n    timeout: 2h",
        "functions.chat.timeout: was '2h'; takes whole sec",
    ),
    "timeout-range": (
        "access: public",
        "access: public\n    timeout: 3601s",
        "chat.timeout: was '3601s'; takes whole sec",
    ),
    "task-timeout": (
        "access: tasks",
        "access: tasks\n    timeout: 31m",
        "functions.deliver_alert.timeout: was '31m'; take",
    ),
    "task-timeout-range": (
        "access: tasks",
        "access: tasks\n    timeout: 1801",
        "was 1801; takes at most 1800s where Cloud",
    ),
    "setting-name": (
        "LEAD_CHANNELS",
        "LEAD_CHANELS",
        "settings.LEAD_CHANELS: takes a setting of shared/config.py; did ",
    ),
    "setting-value": (
        "LEAD_CHANNELS: slack",
        "LEAD_CHANNELS: yes",
        "LEAD_CHANNELS: was True; takes one line of text (yes",
    ),
    "plain-secret": (
        "KNOWLEDGE_PATH:",
        "SLACK_WEBHOOK_URL: https://x",
        "SLACK_WEBHOOK_URL: takes no secret in plain text",
    ),
    "secret-and-setting": (
        "OIDC_AUDIENCE:",
        "SLACK_WEBHOOK_URL:",
        "deliver_alert.settings.SLACK_WEBHOOK_URL: takes no",
    ),
    "secret": (
        "[SLACK_WEBHOOK_URL]",
        "[SLACK_WEBHOOK]",
        "functions.deliver_alert.secrets.0: was 'SLACK_WEBHOOK'; takes",
    ),
    "secret-list": (
        "[SLACK_WEBHOOK_URL]",
        "SLACK_WEBHOOK_URL",
        "deliver_alert.secrets: was 'SLACK_WEBHOOK_URL'; takes a",
    ),
    "placeholder-kind": ("${self_url}", "${own_url}", "OIDC_AUDIENCE: was '${own_url}'; takes known placeholders only"),
    "placeholder-function": (
        "${url:deliver_alert}",
        "${url:deliver}",
        "this manifest names; did you mean 'deliver_alert'?",
    ),
    "placeholder-queue": (
        "LEAD_CHANNELS: slack",
        "LEAD_CHANNELS: '${queue:slak}'",
        "${queue:...} takes what this manifest",
    ),
    "placeholder-account": ("account:bellhop-tasks}", "account:bellhop-task}", "did you mean 'bellhop-tasks'?"),
    "placeholder-name": (
        "${project}",
        "${project:mine}",
        "defaults.settings.GOOGLE_CLOUD_PROJECT: was '${project:mine}'; ",
    ),
    "dollar": (
        "${project}",
        "$project",
        "GOOGLE_CLOUD_PROJECT: was '$project'; takes a dollar sign only to begin a pl",
    ),
    "enqueues": (
        "[slack]",
        "[slac]",
        "functions.chat.enqueues.0: was 'slac'; takes a queue of this manifest; did you me",
    ),
    "enqueues-twice": (
        "[slack]",
        "[slack, slack]",
        "functions.chat.enqueues: was ['slack', 'slack']; takes each name on",
    ),
    "queue-target": (
        "target: deliver_alert",
        "target: deliver",
        "queues.slack.target: was 'deliver'; takes a function of",
    ),
    "queue-access": ("target: deliver_alert", "target: chat", "takes a function whose access is 'tasks', not 'public'"),
    "queue-destination": (
        "target: deliver_alert",
        "target: sweep",
        "queues.slack.target: was 'sweep'; takes a function whose access is 'tasks', not 'scheduler', as the queue has",
    ),
    "queue-without-destination": (
        "destination: slack\n    target: deliver_alert",
        "target: chat",
        (
            "queues.slack.target: was 'chat'; takes a function whose access is 'tasks' or 'scheduler' "
            "or 'admin', not 'public'"
        ),
    ),
    "queue-wrong-destination": (
        "destination: slack\n    target: deliver_alert",
        "destination: slak\n    target: sweep",
        "queues.slack.target: was 'sweep'; takes a function whose access is 'tasks', not 'scheduler'",
    ),
    "destination": (
        "destination: slack",
        "destination: slak",
        "destination: was 'slak'; takes a channel of shared/config.py; did you mean 'slack'?",
    ),
    "paces-name": ("${self_url}", "${paces:slack}", "OIDC_AUDIENCE: was '${paces:slack}'; ${paces} takes no name"),
    "job-path": (
        "target: sweep\n    attempt",
        "target: sweep\n    path: daily\n    attempt",
        "jobs.sweep.path: was 'daily'",
    ),
    "job-path-query": (
        "target: sweep\n    attempt",
        "target: sweep\n    path: /daily?all\n    attempt",
        "was '/daily?all'; takes a path that begins with a slash",
    ),
    "job-target": (
        "target: sweep",
        "target: sweeper",
        "jobs.sweep.target: was 'sweeper'; takes a function of this mani",
    ),
    "job-access": ("target: sweep", "target: chat", "takes a function whose access is 'scheduler', not 'public'"),
    "destination-twice": (
        "jobs:\n",
        SECOND_QUEUE,
        "queues.second.destination: was 'slack'; takes a destination that no",
    ),
    "pace": (
        "second: 1",
        "second: 501",
        "queues.slack.max_dispatches_per_second: was 501; takes a number from 0.01 to",
    ),
    "gives-up": (
        "max_attempts: 100",
        "max_attempts: 7",
        "queues.slack.retry.max_attempts: was 7; takes -1 or at least 8",
    ),
    "backoff": (
        "min_backoff: 1s",
        "min_backoff: soon",
        "queues.slack.retry.min_backoff: was 'soon'; takes seconds from",
    ),
    "backoff-order": (
        "max_backoff: 60s",
        "max_backoff: 0.5s",
        "max_backoff: was '0.5s'; takes no less than min_backoff",
    ),
    "cron": ("*/5 * * * *", "*/5 * * *", "jobs.sweep.schedule: was '*/5 * * *'; takes five cron fields"),
    "cron-field": (
        "*/5 * * * *",
        "61 * * * *",
        "jobs.sweep.schedule: was '61 * * * *'; takes five cron fields (minute",
    ),
    "cron-never": ("*/5 * * * *", "0 0 31 2 *", "jobs.sweep.schedule: was '0 0 31 2 *'; takes "),
    "time-zone": (
        "Etc/UTC",
        "Europe/Warsav",
        "was 'Europe/Warsav'; takes a name of the IANA time zone database; did you",
    ),
    "attempt-deadline": (
        "deadline: 180s",
        "deadline: 10s",
        "jobs.sweep.attempt_deadline: was '10s'; takes whole second",
    ),
    "retry-count": (
        "retry_count: 1",
        "retry_count: 6",
        "jobs.sweep.retry_count: was 6; takes a whole number from 0 to 5",
    ),
    "key-twice": (
        "access: public",
        "access: public\n    access: admin",
        "functions.chat.access: is said twice, on lines 14",
    ),
    "section-twice": ("jobs:\n", "jobs: {}\njobs:\n", "jobs: is said twice, on lines"),
    "syntax": ("  chat:", "  chat: [", "is not YAML: line 1"),
    "tag": ("python311", "!!python/name:os.system x", "is not YAML: line 1: could not determine a constructor"),
    "alias-in-itself": ("python311", "&runtime [*runtime]", "is not YAML: an alias stands inside what it names"),
    "no-mapping": (GOOD, "- chat\n", "takes a mapping at the top"),
    "empty": (GOOD, "", "takes a mapping at the top"),
    "defaults-list": (
        "  settings:\n    GOOGLE_CLOUD_PROJECT: ${project}\n",
        "  settings: 5\n",
        "defaults.settings: was 5; ",
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the modules that the manifests of these tests name."""
    (tmp_path / "functions").mkdir()
    for name in ("chat", "deliver_alert", "retry_dead_letters"):
        (tmp_path / "functions" / f"{name}.py").touch()
    return tmp_path


def loaded(root: Path, text: str) -> Manifest:
    """What ``text`` says, read as a manifest."""
    path = root / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, root=root)


def test_the_shipped_manifest_loads() -> None:
    """The manifest in the repository has no mistake."""
    assert set(load().functions) >= {"chat", "deliver_alert", "retry_dead_letters"}


def test_every_channel_has_a_queue_of_its_own_name() -> None:
    """One queue a destination: a task finds its queue by the alert's channel."""
    destinations = {name: queue.destination for name, queue in load().queues.items() if queue.destination}
    assert destinations == {name: name for name in CHANNELS}


@pytest.mark.parametrize("function", ["retry_dead_letters", "canary"])
def test_who_takes_tasks_back_may(function: str) -> None:
    """An erasure and a canary's removal delete tasks, which who may only create and look at them may not."""
    assert "roles/cloudtasks.taskDeleter" in load().functions[function].roles


def test_monday_gets_one_item_at_a_time() -> None:
    """Two changes of one board at the same time are discouraged (destinations.md)."""
    assert load().queues["monday"].max_concurrent_dispatches == 1


def test_the_functions_that_escalate_know_the_same_channels_and_may_enqueue_for_each() -> None:
    """What deliver_alert cannot deliver and what the sweep finds go the same ways."""
    deliver, sweep = (load().functions[name] for name in ("deliver_alert", "retry_dead_letters"))
    assert deliver.settings["ESCALATION_CHANNELS"] == sweep.settings["ESCALATION_CHANNELS"] == "email, slack"
    assert set(deliver.enqueues) == set(sweep.enqueues) >= {*CHANNELS, "sweeps"}


def test_the_function_that_sends_has_every_setting_of_every_channel() -> None:
    """None is forgotten when a channel gets another one."""
    deliver = load().functions["deliver_alert"]
    wanted = [*NEEDED.values(), *OPTIONAL.values()]
    assert {name for names in wanted for name in names} <= {*deliver.settings, *deliver.secrets}


def test_the_runtime_is_the_python_of_the_tests() -> None:
    """Production runs the Python version that these tests run on."""
    assert f"runtime: python{sys.version_info.major}{sys.version_info.minor}" in DEFAULT.read_text(encoding="utf-8")


@pytest.mark.parametrize(("before", "after", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_place(root: Path, before: str, after: str, message: str) -> None:
    """Each mistake stops the loading with its place, what it was and what it takes."""
    assert before in GOOD
    with pytest.raises(ManifestError) as caught:
        loaded(root, GOOD.replace(before, after, 1))
    assert message in str(caught.value)


def test_every_mistake_is_told_at_once(root: Path) -> None:
    """Mistakes of every kind are told together, in the order of the text, each with its line."""
    text = GOOD
    for name in ("memory", "setting-name", "plain-secret", "queue-access", "cron", "key-twice"):
        text = text.replace(*MISTAKES[name][:2], 1)
    with pytest.raises(ManifestError) as caught:
        loaded(root, text)
    places = [line.split(":")[0] for line in str(caught.value).splitlines()[1:]]
    assert places == [
        "defaults.memory",
        "functions.chat.access",
        "functions.chat.settings.LEAD_CHANELS",
        "functions.chat.settings.SLACK_WEBHOOK_URL",
        "queues.slack.target",
        "jobs.sweep.schedule",
    ]
    assert "(line 4)" in str(caught.value)


def test_a_mistake_in_the_defaults_is_told_once(root: Path) -> None:
    """What three functions inherit is one mistake, where it was written."""
    with pytest.raises(ManifestError) as caught:
        loaded(root, GOOD.replace("timeout: 60s", "timeout: 0s"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A wrong path is a manifest error too, not a traceback."""
    with pytest.raises(ManifestError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_defaults_are_filled_in(root: Path) -> None:
    """A function has what it says, else what the defaults say; settings are joined."""
    manifest = loaded(root, GOOD.replace("access: public", "access: public\n    memory: 1Gi"))
    assert [function.memory for function in manifest.functions.values()] == ["1Gi", "512Mi", "512Mi"]
    assert manifest.functions["chat"].timeout == 60
    assert set(manifest.functions["deliver_alert"].settings) == {"GOOGLE_CLOUD_PROJECT", "OIDC_AUDIENCE"}


def test_the_entry_point_is_the_name_unless_said(root: Path) -> None:
    """A function may be deployed under another name than its module's."""
    manifest = loaded(root, GOOD)
    assert {name: function.entry_point for name, function in manifest.functions.items()} == {
        "chat": "chat",
        "deliver_alert": "deliver_alert",
        "sweep": "retry_dead_letters",
    }


def test_placeholders_are_filled_for_a_place(root: Path) -> None:
    """A function's environment holds its settings with URLs and accounts of where it runs, and its threads."""
    places = Places("demo", "europe-west1", {"deliver_alert": "http://127.0.0.1:9"})
    text = GOOD.replace("LEAD_CHANNELS: slack", "LEAD_CHANNELS: ${queue:slack} in ${region}")
    assert loaded(root, text).environment("chat", places, {}) == {
        "GOOGLE_CLOUD_PROJECT": "demo",
        "LEAD_CHANNELS": "projects/demo/locations/europe-west1/queues/slack in europe-west1",
        "DELIVER_ALERT_URL": "http://127.0.0.1:9",
        "TASKS_INVOKER_EMAIL": "bellhop-tasks@demo.iam.gserviceaccount.com",
        "THREADS": "10",
    }
    assert loaded(root, GOOD).environment("deliver_alert", places, {})["OIDC_AUDIENCE"] == "http://127.0.0.1:9"


def test_the_paces_are_those_of_the_queues_that_have_a_destination(root: Path) -> None:
    """The sweep reads there how much each destination takes; other queues are none of its business."""
    text = GOOD.replace("LEAD_CHANNELS: slack", "DRAIN_PACES: ${paces}").replace("jobs:\n", MORE_WORK)
    places = Places("demo", "europe-west1", {"deliver_alert": "http://127.0.0.1:9"})
    environment = loaded(root, text).environment("chat", places, {})
    assert environment["DRAIN_PACES"] == "slack=1,email=0.5"
    assert from_environment(environment).drain_paces == {"slack": 1.0, "email": 0.5}


def test_a_queue_without_a_destination_continues_a_function_of_the_schedulers(root: Path) -> None:
    """Its tasks come with the account that the function lets in; a destination's with the tasks' own."""
    manifest = loaded(root, GOOD.replace("jobs:\n", MORE_WORK))
    assert manifest.queues["sweeps"].destination is None
    assert [manifest.invoker(name) for name in ("sweep", "deliver_alert")] == ["bellhop-scheduler", "bellhop-tasks"]


def test_a_job_may_have_a_path(root: Path) -> None:
    """One function may do different work for different jobs; without one there is none."""
    text = GOOD.replace("target: sweep\n    attempt", "target: sweep\n    path: /daily\n    attempt")
    assert loaded(root, text).jobs["sweep"].path == "/daily"
    assert loaded(root, GOOD).jobs["sweep"].path is None


def test_a_setting_without_a_value_is_passed_on(root: Path) -> None:
    """It is taken from outside as it is, a dollar sign in it too; what the manifest sets is not."""
    places = Places("demo", "europe-west1", {"deliver_alert": "http://127.0.0.1:9"})
    environ = {"KNOWLEDGE_PATH": "/tmp/${x}", "LEAD_CHANNELS": "other", "HOME": "/root"}
    environment = loaded(root, GOOD).environment("chat", places, environ)
    assert environment["KNOWLEDGE_PATH"] == "/tmp/${x}"
    assert environment["LEAD_CHANNELS"] == "slack"
    assert "HOME" not in environment


def test_the_command_prints_what_the_manifest_says(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good manifest is summed up, or printed as JSON, and the exit status is 0."""
    monkeypatch.setattr("infra.manifest.ROOT", root)
    loaded(root, GOOD)
    assert main([str(root / "manifest.yaml")]) == 0
    assert "queue slack: slack by deliver_alert, 1 a second" in capsys.readouterr().out
    assert main([str(root / "manifest.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["functions"]["chat"]["memory"] == "512Mi"


def test_the_command_tells_mistakes_and_fails(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong manifest is told on standard error, and the exit status is 1."""
    (root / "manifest.yaml").write_text(GOOD.replace("Etc/UTC", "Mars"), encoding="utf-8")
    assert main([str(root / "manifest.yaml")]) == 1
    assert "jobs.sweep.time_zone: was 'Mars'" in capsys.readouterr().err
