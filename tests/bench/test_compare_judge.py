"""The judge of a comparison finds what is planted, the same for every system, and its table says so."""

from __future__ import annotations

import math

import pytest

from bench.compare.judge import Asked, Evidence, Shown, Verdict, emails_in, judge, percentile
from bench.compare.plan import FAULTS
from bench.compare.run import Measured
from bench.compare.systems import ALTERNATIVES, BELLHOP
from bench.compare.table import NEEDS, notes, rows


def visitor(number: int) -> str:
    """The address a visitor leaves."""
    return f"visitor-0a1b-{number}@example.com"


def shown(*numbers: int, at: float = 12.0, warns: bool = False) -> Shown:
    """A message that tells of some."""
    return Shown(at, tuple(visitor(number) for number in numbers), warns)


ASKED = {visitor(number): Asked(10.0 + number, accepted=number != 3) for number in range(4)}
"""Four visitors, a second apart; the last was turned away."""

WELL = (shown(0, at=10.5), shown(1, at=11.25), shown(2, at=13.0))


def test_a_load_that_went_well_has_nothing_lost_and_nothing_twice() -> None:
    """Who was turned away is counted, and not lost; the waits are from asking to showing."""
    assert judge(Evidence(ASKED, WELL)) == Verdict(3, 1, (), 0, 0, 0, (0.25, 0.5, 1.0))


def test_a_planted_loss_is_found() -> None:
    """Whoever was accepted and is not shown is lost, by name."""
    verdict = judge(Evidence(ASKED, WELL[:2]))
    assert (verdict.accepted, verdict.lost, verdict.known) == (3, (visitor(2),), 0)
    assert verdict.waits == (0.25, 0.5)


def test_a_planted_duplicate_is_found() -> None:
    """Every copy beyond the first; those that say so are counted apart, and the first one's time holds."""
    verdict = judge(Evidence(ASKED, (*WELL, shown(1, at=20.0, warns=True), shown(1, at=30.0))))
    assert (verdict.lost, verdict.twice, verdict.warned) == ((), 2, 1)
    assert max(verdict.waits) == 1.0


def test_a_duplicate_of_who_was_turned_away_is_a_duplicate() -> None:
    """A first copy of theirs is neither lost nor too much."""
    assert judge(Evidence(ASKED, (*WELL, shown(3)))).twice == 0
    assert judge(Evidence(ASKED, (*WELL, shown(3), shown(3)))).twice == 1


def test_a_message_of_several_shows_each_of_them() -> None:
    """A digest is no loss, and a digest after a message is a copy."""
    verdict = judge(Evidence(ASKED, (shown(0, 1, 2), shown(2))))
    assert (verdict.lost, verdict.twice) == ((), 1)


def test_messages_of_another_load_are_not_looked_at() -> None:
    """What came late of the load before."""
    assert judge(Evidence(ASKED, (*WELL, shown(77), shown(77)))) == judge(Evidence(ASKED, WELL))


@pytest.mark.parametrize(
    ("told", "recorded", "known"),
    [
        ((visitor(2),), {}, 1),
        ((), {visitor(2): "queued"}, 1),
        ((), {visitor(2): "delivered"}, 0),
        ((visitor(0),), {visitor(0): "queued"}, 0),
    ],
    ids=["told", "recorded as not delivered", "recorded as delivered", "of another, who is shown"],
)
def test_a_lost_lead_is_known_where_a_person_or_the_record_says_so(told, recorded, known) -> None:
    """It is lost all the same."""
    verdict = judge(Evidence(ASKED, WELL[:2], told, recorded))
    assert (len(verdict.lost), verdict.known) == (1, known)


def test_the_visitors_of_a_message_are_found_wherever_they_stand_in_it() -> None:
    """Each once; nobody else's addresses."""
    message = {
        "text": f"New lead: {visitor(1)}",
        "blocks": [{"text": f"<{visitor(1)}> {visitor(12)} team@example.com"}],
    }
    assert emails_in(message) == (visitor(1), visitor(12))


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_a_percentile_is_the_nearest_rank(share: float, value: float) -> None:
    """Of a hundred values the 99th is p99."""
    assert percentile([float(number) for number in range(1, 101)], share) == value


def test_nothing_has_no_percentile() -> None:
    """And says so."""
    assert math.isnan(percentile([], 0.5))


def measured(rate: float, **verdict: object) -> Measured:
    """What came of a system that met all faults alike."""
    met = Verdict(
        **{"accepted": 70, "turned_away": 2, "lost": (), "known": 0, "twice": 0, "warned": 0, "waits": ()} | verdict
    )
    verdicts = {fault.key: met for fault in FAULTS}
    return Measured(rates=[rate, rate * 3, rate * 2], waits=(0.01, 0.02, 0.5), verdicts=verdicts)


def test_the_table_says_what_was_found_of_each_system() -> None:
    """Medians, ratios to Bellhop, percentiles, lost, twice, turned away and needs, column by column."""
    systems = {
        BELLHOP: measured(10.0, twice=3, warned=2),
        "Celery": measured(40.0, lost=("a", "b")),
        "Celery+": measured(20.0, lost=("a",), known=1),
    }
    heads, table = rows(systems, FAULTS)
    assert heads == ["", *systems]
    by_title = {str(title): cells for title, *cells in table}
    assert by_title["deliveries a second"] == ["20", "80", "40"]
    assert by_title["  times Bellhop's"] == ["1.0", "4.0", "2.0"]
    assert by_title["chat to Slack, p99, ms"] == ["500", "500", "500"]
    assert "turned away, nothing broken" not in by_title
    assert by_title["  Firestore"] == ["yes", "-", "yes"]
    for fault in FAULTS:
        place = [str(title) for title, *_ in table].index(fault.title)
        assert [cells[1:] for cells in table[place : place + 5]] == [
            ["", "", ""],
            [70, 70, 70],
            [2, 2, 2],
            ["0", "2", "1 (1 known)"],
            ["3 (2 say so)", "0", "0"],
        ]


def test_who_was_turned_away_while_nothing_was_broken_is_in_the_table() -> None:
    """A row that is there only if it says something."""
    busy = measured(10.0)
    busy.turned_away = 4
    _heads, table = rows({BELLHOP: busy, "Celery": measured(10.0)}, FAULTS)
    assert ["turned away, nothing broken", 4, 0] in table


def test_every_system_has_its_needs_in_the_table() -> None:
    """A row for each thing, a word for each system."""
    assert {frozenset(by_kind) for by_kind in NEEDS.values()} == {frozenset((BELLHOP, *ALTERNATIVES))}


def test_what_came_after_its_time_is_told() -> None:
    """It stays lost in the table, and the note says that it came later."""
    late = measured(10.0, lost=("a", "b"))
    late.later = {"c": 2, "d": 0}
    found = notes({BELLHOP: measured(10.0), "Celery": late}, FAULTS)
    assert found[1:] == ["Celery: of those lost in (c) the queue stands still, 2 were shown later."]
    assert "75" in found[0]
    assert "40" in found[0]
