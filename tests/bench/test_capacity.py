"""The capacity model: nothing is lost in it, and the page holds what it prints."""

from __future__ import annotations

import math

import pytest

from bench import capacity
from bench.capacity_model import Load, System
from infra.manifest import load

MANIFEST = load()


def test_the_page_holds_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """What `make simulate` prints is what people read."""
    assert capacity.main([]) == 0, "make simulate ARGS=--write"


def test_a_changed_page_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who changes the manifest learns that the page is old; --write mends it. Which tables is all the same."""
    monkeypatch.setattr(capacity, "tables", lambda _manifest: "### One\n\n| a | b |")
    page = tmp_path / "capacity.md"
    page.write_text(f"# Old\n{capacity.BEGIN}\n\nnothing\n\n{capacity.END}\nrest\n", encoding="utf-8")
    assert capacity.main(["--page", str(page)]) == 1
    assert capacity.main(["--page", str(page), "--write"]) == 0
    assert capacity.main(["--page", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == (
        f"# Old\n{capacity.BEGIN}\n\n### One\n\n| a | b |\n\n{capacity.END}\nrest\n"
    )


def test_every_alert_of_the_model_arrives_once_an_outage_ends() -> None:
    """One chat a second with a third of the time down: all delivered, in the order of minutes."""
    seen = System(MANIFEST, Load(1, 600, warm=True, outage=(200, 400))).run(2400)
    assert seen.alerts == sum(count for _, count in seen.delays) > 0
    assert seen.drained is not None
    assert 100 < (seen.delay(1.0) or 0) < 400


def test_a_pace_below_the_load_never_catches_up() -> None:
    """A hundred chats a second make more leads than Slack takes; those that wait are counted."""
    seen = System(MANIFEST, Load(100, 30, warm=True)).run(60)
    assert seen.drained is None
    assert seen.backlog > seen.alerts / 2


def test_too_few_instances_refuse_and_enough_do_not() -> None:
    """By Little's law: rate times time held, against instances times concurrency."""
    load_ = Load(10_000, 20, warm=True, leads=0)
    functions = MANIFEST.functions
    enough = math.ceil(10_000 * load_.chat_seconds / functions["chat"].concurrency * 1.3)
    larger = functions["chat"].model_copy(update={"max_instances": enough})
    plenty = MANIFEST.model_copy(update={"functions": {**functions, "chat": larger}})
    assert System(MANIFEST, load_).run(40).refused > 0
    assert System(plenty, load_).run(40).refused == 0


def test_firestore_that_is_not_used_to_it_makes_chats_wait() -> None:
    """Past five hundred operations a second, until its ramp has caught up."""
    assert System(MANIFEST, Load(300, 20)).run(40).slow > 0
    assert System(MANIFEST, Load(50, 20)).run(40).slow == pytest.approx(5 / 500, abs=0.1)
