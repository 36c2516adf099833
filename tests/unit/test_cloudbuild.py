"""``cloudbuild.yaml`` and the manifest's schemas: what the vendor's schema says, and what it misses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra import manifest_schema
from infra.deploy.arguments import parse
from infra.manifest import ROOT, load

TEXT = (ROOT / "cloudbuild.yaml").read_text(encoding="utf-8")
BUILD = yaml.safe_load(TEXT)
STEPS = {step["id"]: step for step in BUILD["steps"]}
BUILT_IN = {
    "PROJECT_ID",
    "PROJECT_NUMBER",
    "BUILD_ID",
    "LOCATION",
    "REVISION_ID",
    "COMMIT_SHA",
    "SHORT_SHA",
    "BRANCH_NAME",
}


def mistakes(build: dict, text: str) -> list[str]:
    """What the schema misses: unknown or later steps in waitFor, undeclared or unused substitutions, no logging."""
    found, before = [], {"-"}
    for step in build["steps"]:
        found += [f"{step['id']} waits for {name}" for name in step.get("waitFor", []) if name not in before]
        before.add(step["id"])
    used = set(re.findall(r"(?<!\$)\$\{?(_?[A-Z][A-Z_0-9]*)\}?", re.sub(r"\$\$.", "", text)))
    found += [f"{name} is not declared" for name in sorted(used - BUILT_IN - set(build["substitutions"]))]
    found += [f"{name} is not used" for name in sorted(set(build["substitutions"]) - used)]
    if "serviceAccount" in build and build.get("options", {}).get("logging") != "CLOUD_LOGGING_ONLY":
        found.append("an account of our own needs CLOUD_LOGGING_ONLY")
    return found


def schema_says(*arguments: str) -> subprocess.CompletedProcess:
    """What check-jsonschema finds."""
    program = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_the_vendors_schema_accepts_it() -> None:
    """Offline: the schema comes with the tool."""
    said = schema_says("--builtin-schema", "vendor.cloudbuild", str(ROOT / "cloudbuild.yaml"))
    assert said.returncode == 0, said.stdout


def test_what_the_schema_misses_is_right_too() -> None:
    """Ids, substitutions, logging."""
    assert mistakes(BUILD, TEXT) == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("waitFor: [plan]", "waitFor: [plann]", "functions waits for plann"),
        ("waitFor: [test]", "waitFor: [smoke]", "plan waits for smoke"),
        ('--wait="$_SMOKE_SECONDS"', '--wait="$_SMOKE"', "_SMOKE is not declared"),
        ("  logging: CLOUD_LOGGING_ONLY", "  logging: GCS_ONLY", "an account of our own needs CLOUD_LOGGING_ONLY"),
    ],
)
def test_a_mistake_that_the_schema_misses_is_found(right: str, wrong: str, told: str) -> None:
    """Each is planted once."""
    assert right in TEXT
    text = TEXT.replace(right, wrong, 1)
    assert told in mistakes(yaml.safe_load(text), text)


def test_the_steps_come_in_the_order_that_is_promised() -> None:
    """Test, plan, functions, the rest, canary; each waits for the one before."""
    assert list(STEPS) == ["test", "plan", "functions", "queues-jobs-indexes", "smoke"]
    assert [step["waitFor"] for step in STEPS.values()][1:] == [[name] for name in list(STEPS)[:-1]]


def test_every_step_that_changes_something_leads_the_traffic_back() -> None:
    """To the revisions that the plan's step wrote down."""
    assert "revisions --place" in STEPS["plan"]["args"][1]
    for name in ("functions", "queues-jobs-indexes"):
        assert "rollback $$where --to=/workspace/revisions.json" in STEPS[name]["args"][1]
    assert "--rollback-to=/workspace/revisions.json" in STEPS["smoke"]["args"][1]


def test_every_command_of_ours_is_one(capsys) -> None:
    """The arguments are understood, with the substitutions' defaults filled in."""
    scripts = "\n".join(step["args"][1] for step in STEPS.values()).replace("\\\n", " ")
    where = f"--place={BUILD['substitutions']['_PLACE']} --project=demo-project"
    scripts = scripts.replace("$$where", where).replace('"$PROJECT_ID"', "demo-project")
    for name, value in BUILD["substitutions"].items():
        scripts = scripts.replace(f'"${name}"', value)
    commands = re.findall(r"-m infra\.deploy ([^|\n]*[^|\n{ ])", scripts)
    assert len(commands) == 7
    for command in commands:
        parse(command.split())


def test_it_runs_as_the_manifests_account() -> None:
    """Whose roles bootstrap grants."""
    assert BUILD["substitutions"]["_DEPLOYER"] == load().deployer.account
    assert BUILD["serviceAccount"].endswith("${_DEPLOYER}@$PROJECT_ID.iam.gserviceaccount.com")


@pytest.mark.parametrize("name", manifest_schema.FILES)
def test_the_schemas_for_editors_are_current(name: str) -> None:
    """``python -m infra.manifest_schema`` writes them."""
    assert manifest_schema.FILES[name].read_text(encoding="utf-8") == manifest_schema.texts()[name]


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("manifest", "infra/manifest.yaml"),
        ("place", "infra/places/production.yaml"),
        ("place", "infra/places/staging.yaml"),
    ],
)
def test_what_is_shipped_fits_its_schema_and_a_mistake_does_not(kind: str, file: str, tmp_path) -> None:
    """An editor shows nothing red, and shows a mistyped key."""
    schema = str(manifest_schema.FILES[kind])
    said = schema_says("--schemafile", schema, str(ROOT / file))
    assert said.returncode == 0, said.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((ROOT / file).read_text(encoding="utf-8") + "\nqueus: {}\n", encoding="utf-8")
    assert schema_says("--schemafile", schema, str(wrong)).returncode == 1


def test_the_database_is_denied_to_everybody_but_the_functions() -> None:
    """One rule over every document, and none beside it."""
    rules = (ROOT / "firestore.rules").read_text(encoding="utf-8")
    assert re.findall(r"allow [^;]+;", rules) == ["allow read, write: if false;"]
    assert "match /{document=**}" in rules


def test_secrets_are_named_in_no_text_of_the_build() -> None:
    """The smoke test's key comes from Secret Manager, by version."""
    assert json.dumps(BUILD["availableSecrets"]).count("ADMIN_API_KEYS") == 2
    assert STEPS["smoke"]["secretEnv"] == ["ADMIN_API_KEYS"]
