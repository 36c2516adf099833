"""The chat's measurement can be made, and says so where what it finds is not as wanted."""

from __future__ import annotations

import gc
import importlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import flask
import pytest

from bench import chat, chat_costs
from bench.chat_costs import AT_300, AT_MOST, LATER, WAYS
from bench.chat_stage import Served
from bench.chat_table import Row, cost_rows, ratio_row, rows_hold
from bench.meter import Meter
from bench.visitors import TURNS, visitors
from bench.wire import Answer
from infra.local.supervise import ProcessSpec, Supervised
from shared.domain.contact import ContactDetails
from shared.domain.turn import Visitor
from shared.flows.answer_message import AnswerMessage

ROOT = Path(__file__).resolve().parents[2]
SHORT = ("--runs", "1", "--messages", "24", "--connections", "1", "3", "--launches", "1")


@pytest.fixture(scope="module")
def ran(firestore_host: str) -> subprocess.CompletedProcess[str]:
    """A short run."""
    return subprocess.run(
        [sys.executable, "-m", "bench", "chat", *SHORT],
        cwd=ROOT,
        env={**os.environ, "FIRESTORE_EMULATOR_HOST": firestore_host},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="module")
def rows(ran) -> dict[str, list[str]]:
    """The table's cells after the first, by it."""
    lines = [re.split(r" {2,}", line) for line in ran.stdout.splitlines()]
    return {name: cells for name, *cells in lines if cells}


def test_a_run_measures_both_functions_at_each_number_of_connections(rows):
    """Throughput, three quantiles and CPU of both, and of a chat's calls alone; cold starts and memory once."""
    whats = ("answers a second", "p50", "the calls alone, p95", "the calls alone, CPU")
    at = [f"{what}, {number}" for number in ("1 connection", "3 connections") for what in whats]
    once = ["launch to first answer, ms", "resident memory, MiB"]
    for name in [each if each.startswith("answers") else f"{each}, ms" for each in at] + once:
        ours, bare, ratio, *_wanted = rows[name]
        assert float(ours) > 0
        assert float(bare) > 0
        assert float(ratio) > 0


def test_a_chat_costs_what_is_allowed_in_every_way_it_can_go(rows):
    """As the bench itself counts and judges it."""
    costs = {name: cells for name, cells in rows.items() if " round trips / " in name or ": as " in name}
    assert len(costs) == len(WAYS) + 2
    assert {cells[-1] for cells in costs.values()} == {"yes"}


def test_the_run_ends_with_0_only_if_all_holds(ran, rows):
    """What the table says is what the exit status says."""
    verdicts = {cells[-1] for cells in rows.values()}
    assert verdicts >= {"yes"}
    assert ran.returncode == ("NO" in verdicts), ran.stderr


@pytest.fixture
def plain(firestore_host, monkeypatch):
    """The function that makes a chat's calls and nothing else, in a world that counts them: what a message cost."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    before = gc.get_threshold()
    plain_chat = importlib.import_module("bench.plain_chat")
    gc.set_threshold(*before)
    gc.unfreeze()
    world, app = chat_costs.World(), flask.Flask("plain")
    with ThreadPoolExecutor(2) as readers:
        monkeypatch.setattr(plain_chat, "_connected", lambda: (world.store._database.client, readers))

        def ask(**asked):
            world.meter.reset()
            headers = {"Idempotency-Key": "key"} if asked.pop("key", None) else {}
            with app.test_request_context(method="POST", json={"message": "Hi", **asked}, headers=headers):
                answer = plain_chat.plain_chat(flask.request).get_json()
            meter = world.meter
            cost = (meter.round_trips, len(meter.calls), meter.reads, meter.writes, meter.deletes)
            return answer["session_id"], chat_costs.Cost(*cost)

        yield world, ask


def test_the_calls_alone_are_those_of_a_chat(plain):
    """So many, in two round trips, at the first turn and at a later one, with a key and without."""
    _world, ask = plain
    session, first = ask()
    assert first == AT_MOST[chat_costs.FIRST]
    assert ask(key=True)[1] == AT_MOST[chat_costs.FIRST_KEYED]
    assert ask(session_id=session)[1] == AT_MOST[chat_costs.LATER]
    assert ask(session_id=session, key=True)[1] == AT_MOST[chat_costs.LATER_KEYED]


def shape(write):
    """What a write is made of: where it goes, what it sets, and what it changes by itself."""
    collection = write.update.name.split("/")[-2].removeprefix("plain_").removeprefix("rate_")
    values = {name: value.WhichOneof("value_type") for name, value in write.update.fields.items()}
    transforms = {each.field_path: each.WhichOneof("transform_type") for each in write.update_transforms}
    return collection, values, sorted(write.update_mask.field_paths), transforms


def test_the_calls_alone_write_what_a_chat_writes(plain, monkeypatch):
    """Field by field, by type: at the first turn and at a later one."""
    world, ask = plain
    commits, count = [], world.meter.intercept_unary_unary

    def watched(continuation, details, request):
        commits.append(sorted(map(shape, type(request).pb(request).writes), key=str))
        return count(continuation, details, request)

    monkeypatch.setattr(world.meter, "intercept_unary_unary", watched)
    session, _ = ask(key=True)
    ask(session_id=session, key=True)
    plain_ones, commits[:] = list(commits), []
    first = world.flow(AnswerMessage(Visitor("Hi", ContactDetails(), None, None), None, "key", "client", "hash"))
    again = AnswerMessage(
        Visitor("Hi", ContactDetails(), None, None), first.body["session_id"], "key", "client", "hash"
    )
    world.flow(again)
    assert len(commits) == 2 * 2
    assert plain_ones == commits


@pytest.mark.parametrize(
    ("ours", "least", "most", "holds"),
    [
        ([69.0], 0.7, None, False),
        ([70.0], 0.7, None, True),
        ([140.0], None, 1.4, True),
        ([141.0], None, 1.4, False),
        ([10.0, 200.0, 71.0], 0.7, None, True),  # the median of the ratios, not the ratio of anything else
        ([10.0], None, None, None),
    ],
)
def test_a_ratio_is_judged(ours, least, most, holds):
    """By the median of neighbouring runs."""
    assert ratio_row("x", ours, [100.0] * len(ours), least=least, most=most).holds is holds


@pytest.mark.parametrize("what", ["round_trips", "calls", "reads", "writes", "deletes", "tasks"])
def test_one_thing_more_than_is_allowed_is_seen(what):
    """In any of what is counted."""
    most = AT_MOST[LATER]
    costs = {**AT_MOST, LATER: replace(most, **{what: getattr(most, what) + 1})}
    assert rows_hold(cost_rows(AT_MOST))
    assert [row.name.split(":")[0] for row in cost_rows(costs) if row.holds is False] == [LATER, AT_300]


def test_a_conversation_that_costs_less_later_is_not_the_same_either():
    """Equal is equal."""
    costs = {**AT_MOST, AT_300: replace(AT_MOST[AT_300], writes=1)}
    assert not rows_hold(cost_rows(costs))
    assert not rows_hold([Row("x", "1", holds=True), Row("y", "1", holds=False)])


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(200, b'{"response":"x"}', 0.1)],
        [Answer(200, b'{"response":"x"}', 0.1), Answer(429, b'{"title":"x"}', 0.1)],
        [Answer(200, b'{"response":"x"}', 0.1), Answer(200, b"{}", 0.1)],
    ],
)
def test_a_function_that_does_not_answer_every_message_is_not_measured(answers):
    """Refusals are quick, and would be counted as speed."""
    served = Served("", Supervised(ProcessSpec("x", ("x",), {}, ROOT)))
    with pytest.raises(chat.WrongAnswer, match="did not answer 2 messages"):
        chat._check("chat", served, answers, 2)


@pytest.mark.parametrize(
    ("calls", "round_trips"),
    [
        ([(0.0, 1.0), (0.1, 0.9), (1.1, 2.0)], 2),
        ([(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)], 3),
        ([(0.0, 3.0), (0.1, 1.0), (1.1, 2.0)], 2),
        ([], 0),
    ],
)
def test_round_trips_are_calls_that_waited_for_one_another(calls, round_trips):
    """Two at a time are one."""
    meter = Meter()
    meter._under_way = calls
    assert meter.round_trips == round_trips


def test_a_visitor_begins_a_conversation_and_goes_on_with_it():
    """As many messages as asked for, one client each, keys for every other one."""
    came = list(visitors(4 * TURNS + 1))
    assert [len(each) for each in came] == [TURNS] * 4 + [1]
    assert len({said.client for each in came for said in each}) == len(came)
    assert [all(said.key for said in each) for each in came] == [False, True, False, True, False]


def test_the_counted_flow_is_refused_as_the_deployed_one_is(firestore_host: str, monkeypatch: pytest.MonkeyPatch):
    """A limit that is not reached would make the last rows of the table cheap for nothing."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    world = chat_costs.World()
    assert world.ask(key="key").deletes == 0
    assert WAYS[chat_costs.DENIED](world).deletes == 1
