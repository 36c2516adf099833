"""``infra.deploy lint``: every dangerous setting is found, and what is shipped has none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.deploy import linting
from infra.deploy import place as places
from infra.deploy.__main__ import main
from infra.deploy.failures import DeployFailed
from infra.deploy.indexes import Query, uncovered
from infra.deploy.place import Place
from infra.manifest import DEFAULT, Manifest, load

SHIPPED = load()
PRODUCTION = places.load("production", SHIPPED, project="demo-project")


def function(name: str, **changes: object) -> Manifest:
    """The manifest with one function changed past its own checks."""
    changed = SHIPPED.functions[name].model_copy(update=changes)
    return SHIPPED.model_copy(update={"functions": {**SHIPPED.functions, name: changed}})


def setting(name: str, key: str, value: str) -> Manifest:
    """The manifest with one setting of a function changed past its own checks."""
    return function(name, settings={**SHIPPED.functions[name].settings, key: value})


def queue(name: str, **changes: object) -> Manifest:
    """The manifest with one queue changed past its own checks."""
    changed = SHIPPED.queues[name].model_copy(update=changes)
    return SHIPPED.model_copy(update={"queues": {**SHIPPED.queues, name: changed}})


def placed(**settings: str) -> Place:
    """Production with these settings too."""
    return PRODUCTION.model_copy(update={"settings": {**PRODUCTION.settings, **settings}})


def retry_of_three() -> Manifest:
    """A queue that gives up after three attempts."""
    return queue("slack", retry=SHIPPED.queues["slack"].retry.model_copy(update={"max_attempts": 3}))


def without_index() -> Manifest:
    """A database without the sweep's index."""
    database = SHIPPED.firestore
    assert database is not None
    kept = tuple(index for index in database.indexes if dict(index.fields).keys() != {"channel", "state", "wake_at"})
    return SHIPPED.model_copy(update={"firestore": database.model_copy(update={"indexes": kept})})


def without_limit() -> Manifest:
    """A public function that limits nobody."""
    kept = {name: text for name, text in SHIPPED.functions["chat"].settings.items() if "RATE_LIMIT" not in name}
    return function("chat", settings=kept)


def unprotected() -> Manifest:
    """A database that one command deletes."""
    assert SHIPPED.firestore is not None
    return SHIPPED.model_copy(update={"firestore": SHIPPED.firestore.model_copy(update={"delete_protection": False})})


MISTAKES: dict[str, tuple[str, Callable[[], Manifest], Place]] = {
    "a queue that gives up before the alert does": ("queue-gives-up", retry_of_three, PRODUCTION),
    "more attempts than a queue makes": (
        "queue-gives-up",
        lambda: SHIPPED,
        placed(DEAD_LETTER_MAX_ATTEMPTS="100"),
    ),
    "two destinations in one queue": ("shared-queue", lambda: queue("slack", destination="slack, monday"), PRODUCTION),
    "two queues of one destination": ("shared-queue", lambda: queue("webhook", destination="slack"), PRODUCTION),
    "a channel without a queue": ("shared-queue", lambda: queue("email", destination=None), PRODUCTION),
    "a timeout beyond the queue's deadline": (
        "timeout-beyond-deadline",
        lambda: function("deliver_alert", timeout=700),
        PRODUCTION,
    ),
    "a timeout beyond the job's deadline": (
        "timeout-beyond-deadline",
        lambda: function("cleanup", timeout=200),
        PRODUCTION,
    ),
    "a breaker shorter than a usual Retry-After": (
        "breaker-too-short",
        lambda: setting("deliver_alert", "BREAKER_RESET_SECONDS", "5"),
        PRODUCTION,
    ),
    "retries past Monday.com's memory without the column": (
        "monday-without-look-up",
        lambda: SHIPPED,
        placed(LEAD_CHANNELS="slack, monday", MONDAY_COLUMNS='{"email": "email_1"}'),
    ),
    "concurrency with less than one CPU": ("concurrency-without-cpu", lambda: function("chat", cpu=0.5), PRODUCTION),
    "THREADS unequal to concurrency": ("threads-differ", lambda: setting("chat", "THREADS", "4"), PRODUCTION),
    "a missing index": ("missing-index", without_index, PRODUCTION),
    "a public function without limit": ("public-without-limit", without_limit, PRODUCTION),
    "a secret in the manifest": (
        "plain-secret",
        lambda: setting("chat", "KNOWLEDGE_PATH", "https://hooks.slack.com/services/T/B/x"),
        PRODUCTION,
    ),
    "a secret in a place": (
        "plain-secret",
        lambda: SHIPPED,
        placed(MONDAY_API_URL="https://user:password@example.com"),
    ),
    "a value that stops the function": ("wrong-value", lambda: SHIPPED, placed(CHAT_RATE_LIMIT="many")),
    "a channel without its secret": (
        "channel-unconfigured",
        lambda: SHIPPED,
        PRODUCTION.model_copy(update={"secrets": {"SLACK_WEBHOOK_URL": 1}}),
    ),
    "a function without what it needs": (
        "function-incomplete",
        lambda: SHIPPED,
        PRODUCTION.model_copy(update={"secrets": {"SLACK_WEBHOOK_URL": 1, "SMTP_URL": 1, "ADMIN_API_KEYS": 1}}),
    ),
    "a setting that the function is not given": (
        "function-incomplete",
        lambda: function("cleanup", settings={}),
        PRODUCTION,
    ),
    "a task's function open to the internet": ("open-to-all", lambda: function("cleanup", ingress="all"), PRODUCTION),
    "a name too long for a host": (
        "name-too-long",
        lambda: SHIPPED.model_copy(update={"functions": {**SHIPPED.functions, "x" * 60: SHIPPED.functions["chat"]}}),
        PRODUCTION,
    ),
    "a database without protection": ("database-unprotected", unprotected, PRODUCTION),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_found(mistake: str) -> None:
    """By its rule."""
    rule, manifest, place = MISTAKES[mistake]
    assert rule in {found.rule for found in linting.findings(manifest(), place)}


def test_every_rule_has_a_mistake() -> None:
    """None is there untested."""
    assert {rule for rule, _, _ in MISTAKES.values()} == set(linting.RULES)


@pytest.mark.parametrize("place", places.names())
def test_what_is_shipped_has_none(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And the command says so."""
    assert main(["lint", "--place", place], {}) == 0
    assert capsys.readouterr().out == "nothing dangerous found\n"


def test_a_manifest_that_does_not_load_is_a_mistake_too(tmp_path, capsys) -> None:
    """Two destinations written in one queue, as a person would."""
    path = tmp_path / "manifest.yaml"
    text = DEFAULT.read_text(encoding="utf-8")
    path.write_text(text.replace("destination: slack\n", "destination: [slack, monday]\n"), encoding="utf-8")
    assert main(["lint", "--manifest", str(path)], {}) == 1
    assert "queues.slack.destination: was ['slack', 'monday']" in capsys.readouterr().err


PLACE = "project: demo-project\nregion: europe-west1\nfirestore_location: eur3\nrunbooks: https://example.com/r\n"
WRONG_PLACES = {
    "an unknown key": ("notfy: []", "notfy: is not a key here; did you mean 'notify'?"),
    "a secret's value": ("secrets: {SMTP_URL: latest}", "takes a whole number from 1 to 1000000: a version, never"),
    "an unknown secret": ("secrets: {SMPT_URL: 1}", "secrets.SMPT_URL: takes a secret of the manifest; did you mean"),
    "a secret as a setting": ("settings: {SMTP_URL: x}", "settings.SMTP_URL: takes no secret in plain text"),
    "an unknown setting": ("settings: {MAIL_FORM: x}", "settings.MAIL_FORM: takes a setting of the manifest; did you"),
    "what is filled in": ("settings: {OIDC_AUDIENCE: x}", "settings.OIDC_AUDIENCE: is filled in by the deployment"),
    "an unknown function": ("functions: {chatt: {cpu: 1}}", "functions.chatt: takes a function of the manifest; did"),
    "what a place may not change": ("functions: {chat: {access: admin}}", "functions.chat.access: takes no such key"),
    "said twice": ("region: europe-west2", "region: is said twice"),
    "no YAML": ("settings: {", "is not YAML"),
}


@pytest.mark.parametrize("mistake", WRONG_PLACES)
def test_a_wrong_place_is_refused(mistake: str, tmp_path) -> None:
    """With the words that say what it takes."""
    line, told = WRONG_PLACES[mistake]
    path = tmp_path / "place.yaml"
    path.write_text(f"{PLACE}{line}\n", encoding="utf-8")
    with pytest.raises(DeployFailed) as refused:
        places.load(str(path), SHIPPED)
    assert told in str(refused.value)


def test_a_place_without_a_file_is_told_with_those_there_are() -> None:
    """A mistyped name is found."""
    with pytest.raises(DeployFailed, match="did you mean 'staging'"):
        places.load("stagng", SHIPPED)


def test_a_wrong_value_of_a_function_is_refused() -> None:
    """With the manifest's own words."""
    place = PRODUCTION.model_copy(update={"functions": {"chat": {"memory": "1GB"}}})
    with pytest.raises(DeployFailed, match=r"functions.chat.memory: takes a number with Mi or Gi"):
        places.applied(SHIPPED, place)


NEEDS = {
    "two equal fields, ordered by a third": (Query("a", "collection", ("x", "y"), (("t", "ascending"),)), True),
    "one of two joined indexes is missing": (Query("a", "collection", ("x", "z"), (("t", "ascending"),)), False),
    "the other direction": (Query("a", "collection", ("x",), (("t", "descending"),)), False),
    "equal fields only": (Query("a", "collection", ("x", "y", "z"), ()), True),
    "a field without an index": (Query("a", "collection", ("gone",), ()), False),
    "ordered by a field without an index": (Query("a", "collection", (), (("gone", "ascending"),)), False),
    "ordered by one field": (Query("a", "collection", (), (("t", "descending"),)), True),
    "over a group": (Query("a", "collection-group", (), (("t", "ascending"),)), False),
    "over a group, with an index": (
        Query("g", "collection-group", (), (("t", "ascending"), ("u", "ascending"))),
        True,
    ),
    "ordered by two fields without an index": (
        Query("a", "collection", (), (("t", "ascending"), ("u", "ascending"))),
        False,
    ),
}


@pytest.mark.parametrize("need", NEEDS)
def test_whether_an_index_serves_a_query(need: str) -> None:
    """Indexes that end in the same order are joined; a field alone has its own unless it is exempt."""
    from infra.manifest_cloud import Firestore  # noqa: PLC0415 - only here

    database = Firestore.model_validate(
        {
            "database": "(default)",
            "delete_protection": True,
            "point_in_time_recovery": True,
            "backup": {"retention_days": 7},
            "indexes": [
                {"collection": "a", "fields": ["x", "t"]},
                {"collection": "a", "fields": ["y", "t"]},
                {"collection": "g", "scope": "collection-group", "fields": ["t", "u"]},
            ],
            "exemptions": [{"collection": "a", "fields": ["gone"]}],
        }
    )
    query, served = NEEDS[need]
    assert (uncovered(query, database) is None) == served
