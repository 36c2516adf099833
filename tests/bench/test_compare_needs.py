"""What a comparison needs is pinned, found or named; its command takes what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bench.compare import needs
from bench.compare.__main__ import NAMES, parser
from bench.compare.apps import lead
from bench.compare.plan import FAULTS, LONG_WAIT, WAIT, Plan
from infra.local.emulator import MissingPrerequisite
from infra.manifest import ROOT

APPS = sorted((ROOT / "bench" / "compare" / "apps").glob("*.py"))
PRODUCT = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([a-z][a-z0-9-]*)==(\S+)", needs.REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))
PEERS = {"apscheduler", "celery", "dramatiq", "flask-limiter", "sqlalchemy"}


def test_the_alternatives_are_pinned_with_hashes() -> None:
    """Every line that names a package goes on with its hashes."""
    text = needs.REQUIREMENTS.read_text(encoding="utf-8").replace("\\\n", " ")
    packages = [line for line in text.splitlines() if re.match(r"[a-z]", line)]
    assert len(packages) > 40
    assert [line for line in packages if not re.search(r"==\S+.*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_alternatives_are_none_of_the_product_s_dependencies() -> None:
    """What both have is the same version."""
    product = dict(re.findall(r"^([a-z][a-z0-9-]*)==(\S+)", PRODUCT, re.MULTILINE))
    assert PINNED.keys() >= PEERS
    assert not PEERS & product.keys()
    both = PINNED.keys() & product.keys()
    assert {"flask", "google-cloud-firestore", "gunicorn", "redis"} <= both
    assert {name: PINNED[name] for name in both} == {name: product[name] for name in both}


@pytest.mark.parametrize("path", APPS, ids=lambda path: path.stem)
def test_an_alternative_s_program_compiles_and_imports_nothing_of_bellhop_s(path: Path) -> None:
    """It runs where Bellhop's requirements are not."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = [name for name in names if name.split(".")[0] in {"bench", "functions", "infra", "shared"}]
    assert [name for name in ours if not name.startswith("bench.compare.apps")] == []


def test_a_missing_redis_is_named_with_the_commands(tmp_path: Path) -> None:
    """As the other prerequisites are."""
    with pytest.raises(MissingPrerequisite, match="apt-get install redis-server"):
        needs.find_redis(path=str(tmp_path))


def test_an_environment_is_finished_or_made_anew(tmp_path: Path) -> None:
    """What pip could not install leaves no stamp; what is stamped with the same requirements is used as it is."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-package==1 --hash=md5:0\n", encoding="utf-8")
    said: list[str] = []
    with pytest.raises(MissingPrerequisite, match="pip could not install"):
        needs.alternatives(said.append, folder=tmp_path / "venv", requirements=requirements)
    assert len(said) == 1
    requirements.write_text("# nothing\n", encoding="utf-8")
    for _ in range(2):
        python = needs.alternatives(said.append, folder=tmp_path / "venv", requirements=requirements)
        assert python.exists()
    assert len(said) == 2


def test_the_command_compares_everything_unless_told_otherwise() -> None:
    """All systems, all faults, the plan's own numbers."""
    options = parser().parse_args([])
    assert (options.systems, options.faults) == (list(NAMES), [fault.key for fault in FAULTS])
    assert (options.rounds, options.visitors) == (Plan.rounds, Plan.crowd)
    options = parser().parse_args(["--systems", "Bellhop", "Celery", "--faults", "--rounds", "1"])
    assert (options.systems, options.faults, options.rounds) == (["Bellhop", "Celery"], [], 1)


@pytest.mark.parametrize("wrong", [["--rounds", "0"], ["--visitors", "x"], ["--systems", "RQ"], ["--faults", "z"]])
def test_the_command_says_what_it_takes(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """2, and a line about the argument."""
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(wrong)
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_the_whole_comparison_fits_in_a_quarter_of_an_hour() -> None:
    """Waits and loads alone; what is left is for starting seven systems and for the crowds."""
    plan = Plan()
    faults = sum(plan.before + plan.broken + plan.after + fault.wait for fault in FAULTS)
    assert faults + plan.rounds * (plan.seconds + plan.settle) * (1 + 2 * (len(NAMES) - 1)) < 13 * 60


def test_every_wait_is_longer_than_whatever_looks_again_last() -> None:
    """Celery's visibility timeout after a crash; the longest backoff that a fault of that length reaches."""
    source = (ROOT / "bench" / "compare" / "apps" / "celery_tasks.py").read_text(encoding="utf-8")
    [visibility] = re.findall(r"^VISIBILITY_SECONDS = ([0-9]+)", source, re.MULTILINE)
    assert int(visibility) + 5 < LONG_WAIT
    assert Plan().broken * 2 < WAIT
    assert {fault.wait for fault in FAULTS if fault.what != "slack"} == {LONG_WAIT}


def test_a_lead_is_read_as_the_alternatives_do() -> None:
    """The address, in lower case, and an id of its own."""
    found = lead.lead_of({"message": "Hi, write to Visitor-1-2@Example.com."})
    assert (found["email"], len(found["id"])) == ("visitor-1-2@example.com", 32)
    assert lead.lead_of({"message": found["message"]})["id"] != found["id"]


@pytest.mark.parametrize("wrong", [None, [], {}, {"message": ""}, {"message": 1}, {"message": "no address"}])
def test_what_is_no_lead_is_refused_by_the_alternatives(wrong: object) -> None:
    """With what is accepted."""
    with pytest.raises(ValueError, match='"message"'):
        lead.lead_of(wrong)
