"""The console's smaller rules: when a job is due, which page a cause has, what a chart shows, what a bundle hides."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.manifest import load
from shared.adapters import slack, smtp, webhook
from shared.adapters.monday_answers import BLOCKED_STATUSES, BY_STATUS, ERRORS, Kind
from shared.domain.redaction import redacted
from shared.domain.runbooks import BLOCKED, BLOCKING, FAILED, OPEN, QUOTA, runbook_for
from shared.domain.samples import Sample, hour_of, minute_of, thinned
from shared.domain.schedules import JOBS, due_before
from tests.support.fakes import NOW

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


def at(text: str) -> datetime:
    """A time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "back", "due"),
    [
        ("*/5 * * * *", "Etc/UTC", 1, "2026-03-29T09:55"),
        ("*/5 * * * *", "Etc/UTC", 3, "2026-03-29T09:45"),
        ("17 3 * * *", "Etc/UTC", 3, "2026-03-27T03:17"),
        ("30 8 * * *", "Europe/Warsaw", 1, "2026-03-29T06:30"),  # the clocks went forward that night
        ("30 8 * * *", "Europe/Warsaw", 2, "2026-03-28T07:30"),
    ],
)
def test_when_a_job_was_due(schedule: str, zone: str, back: int, due: str) -> None:
    """In its own time zone, also over a change of the clocks."""
    assert due_before(schedule, zone, at("2026-03-29T10:00"), back) == at(due)


@pytest.mark.parametrize(
    ("schedule", "zone"), [("every 5 minutes", "Etc/UTC"), ("* * * * *", "Mars/Olympus"), ("", "")]
)
def test_a_schedule_nobody_can_read_is_none(schedule: str, zone: str) -> None:
    """No error: what is said of the job is that nobody knows."""
    assert due_before(schedule, zone, NOW) is None


def test_the_jobs_that_have_to_be_are_the_manifests() -> None:
    """One that is missing in the cloud is told; the canary's tells by itself that it is late."""
    assert sorted(JOBS) == sorted({*load().jobs} - {"canary"})


def theirs() -> dict[str, str]:
    """Every cause that a destination's answer can become, with the page it needs."""
    causes = {name: BLOCKED if name in slack.BLOCKED else FAILED for name in slack.NAMES}
    causes |= {name: BLOCKED if kind is Kind.BLOCKED else FAILED for kind, names in ERRORS.items() for name in names}
    causes |= dict.fromkeys(BY_STATUS, FAILED) | {"DAILY_LIMIT_EXCEEDED": QUOTA}
    causes |= {f"http_{status}": BLOCKED for status in webhook.BLOCKED | BLOCKED_STATUSES}
    causes |= {f"smtp_{status}": BLOCKED for status in smtp.BLOCKED}
    return causes


@pytest.mark.parametrize(("cause", "page"), sorted(theirs().items()))
def test_every_cause_of_a_destination_has_its_page(cause: str, page: str) -> None:
    """The one on which the word stands, as the tables of the adapters say what a person has to repair."""
    assert runbook_for(cause) == page
    assert (RUNBOOKS / page).is_file()


@pytest.mark.parametrize(
    ("cause", "outcome", "page"),
    [
        (None, None, FAILED),
        ("breaker_open", None, OPEN),
        ("unconfirmed", None, FAILED),
        ("DAILY_LIMIT_EXCEEDED", "retry", QUOTA),
        ("internal_ValueError", "retry", FAILED),
        ("http_404", "retry", FAILED),  # an attempt says what it came to
        ("some_new_word", "blocked", BLOCKED),
        ("attempts_spent", None, FAILED),
    ],
)
def test_a_cause_of_ours_and_one_nobody_knows_have_a_page(cause: str | None, outcome: str | None, page: str) -> None:
    """What the attempt came to decides where it is known."""
    assert runbook_for(cause, outcome) == page
    assert (RUNBOOKS / page).is_file()


def test_no_blocking_word_is_made_up() -> None:
    """Each is one that an adapter says."""
    ours = {path.read_text(encoding="utf-8") for path in (RUNBOOKS.parent / "shared").rglob("*.py")}
    ours = {text for text in ours if "BLOCKING = frozenset" not in text}
    assert [word for word in BLOCKING if not any(f'"{word}"' in text for text in ours)] == []


def test_a_chart_has_so_many_points_and_the_last_one() -> None:
    """Evenly spread, in order."""
    samples = [Sample(NOW + timedelta(minutes=number), {}) for number in range(1000)]
    shown = thinned(samples, 300)
    assert (len(shown), shown[-1]) == (300, samples[-1])
    assert shown == sorted(shown, key=lambda sample: sample.at)
    assert {round((b.at - a.at) / timedelta(minutes=1)) for a, b in itertools.pairwise(shown)} <= {3, 4}
    assert thinned(samples[:7], 300) == samples[:7]
    assert hour_of(at("2026-01-05T09:59:59")) == at("2026-01-05T09:00")
    assert minute_of(at("2026-01-05T09:59:59")) == at("2026-01-05T09:59")


def test_a_payload_keeps_its_shape_and_what_is_ours() -> None:
    """Letters, digits and nothing else are replaced; words of ours stay, but not under a visitor's fields."""
    payload = {
        "name": "Ana Kowalska",
        "email": "ana.k+1@example.com",
        "phone": "+48601234567",
        "message": "Zażółć gęślą: 12 m²!\n日本",
        "score": 70,
        "language": "pl",
        "hot": True,
        "version": 3,
        "question": None,
        "fields": {"state": "Mazowsze", "language": "Polish"},
        "entries": [{"kind": "lead", "name": "Bob", "at": at("2026-01-05T09:00")}],
    }
    assert redacted(payload) == {
        "name": "Xxx Xxxxxxxx",
        "email": "xxx.x+0@xxxxxxx.xxx",
        "phone": "+00000000000",
        "message": "Xxéééé xééxé: 00 x0!\n\u5b57\u5b57",
        "score": 70,
        "language": "pl",
        "hot": True,
        "version": 0,
        "question": None,
        "fields": {"state": "Xxxxxxxx", "language": "Xxxxxx"},
        "entries": [{"kind": "lead", "name": "Xxx", "at": "2026-01-05T09:00:00+00:00"}],
    }


@given(st.text(min_size=1))
def test_what_is_redacted_has_its_length_and_none_of_its_letters(text: str) -> None:
    """Whatever the script; twice is as once."""
    shown = redacted({"message": text})["message"]
    assert len(shown) == len(text)
    assert not any(
        a.isalnum() and a == b and a not in "xX0\u00c9\u00e9\u5b57" for a, b in zip(text, shown, strict=True)
    )
