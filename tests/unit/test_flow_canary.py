"""The canary's job, over fakes: judged, removed, sent, watched; whatever cuts a run off, the next one goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import canary
from shared.domain.alert import Alert, State
from shared.domain.canary import Leg, Mark, Run, Standing
from shared.errors import CanaryRefused, Conflict, KeyReused, StorageUnavailable, Unavailable
from shared.flows.answer_message import AnswerMessage
from shared.flows.canary import MissCanary, SendCanary
from shared.flows.canary_view import LookAtCanary
from shared.ports.canary import StoredRun
from tests.support.canary_stores import FakeBoard, FakeOrders, FakeRemains, FakeRuns, FakeVisitor
from tests.support.chat_flow import Chat, ask
from tests.support.delivery_flow import Delivery
from tests.support.documents import NOW, Documents
from tests.support.fakes import (
    FakeAlertStore,
    FakeChance,
    FakeChatStore,
    FakeClock,
    RecordedEvents,
    RefusingQueue,
    ScriptedChannel,
    seconds,
)

FIVE = timedelta(minutes=5)


class World:
    """Chat, delivery and the canary's job over one Firestore in memory.

    Attributes:
        arrives: whether a task comes as soon as chat has answered.
        refuses: what chat answers instead, if anything.
    """

    def __init__(self, **parts: Any) -> None:
        self.documents = Documents()
        self.orders, self.board = FakeOrders(), parts.pop("board", FakeBoard())
        self.clock, self.events = FakeClock(), RecordedEvents()
        self.channel = ScriptedChannel(*parts.pop("outcomes", (canary_delivered(),)))
        self.delivery = Delivery(store=FakeAlertStore(self.documents), clock=self.clock)
        attempts = replace(self.delivery.deliver.attempts, canaries={"slack": self.channel, "monday": self.channel})
        self.delivery.deliver = replace(self.delivery.deliver, attempts=attempts)
        self.chat = Chat(FakeChatStore(self.documents), self.delivery.queue, canaries=self.orders.read)
        self.chat.answer = replace(
            self.chat.answer, leads=replace(self.chat.answer.leads, channels=("slack", "monday"))
        )
        self.arrives, self.refuses = True, ""
        self.runs = parts.pop("runs", None) or FakeRuns(self.documents)
        self.visitor = FakeVisitor(self._heard)
        known: dict[str, Any] = {
            "runs": self.runs,
            "remains": FakeRemains(self.documents),
            "visitor": self.visitor,
            "orders": self.orders,
            "queue": self.delivery.queue,
            "remote": self.board,
            "channels": ("slack", "monday"),
            "without": (),
            "deadline": FIVE,
            "doubt": seconds(120),
            "erase_seconds": 10.0,
            "pause": self.passes,
            "clock": self.clock,
            "chance": FakeChance(start=1000),
            "events": self.events,
        }
        self.flow = SendCanary(**known | parts)

    def _heard(self, message: str, token: str) -> str:
        if self.refuses:
            return self.refuses
        self.chat.answer(replace(ask(message), canary=token))
        if self.arrives:
            self.deliver()
        return "ok"

    def deliver(self) -> None:
        """The tasks of all alerts come."""
        for alert in self.alerts:
            self.delivery.task(alert)

    def passes(self, number: float) -> None:
        """Let seconds pass, everywhere."""
        self.clock.advance(number)
        self.documents.now += seconds(number)

    @property
    def alerts(self) -> list[Alert]:
        """The alerts there are."""
        return [stored.value for stored in self.documents.under("alerts").values()]

    @property
    def ledger(self) -> list[Run]:
        """The runs, the newest first."""
        return [stored.run for stored in FakeRuns(self.documents).newest(100)[0]]

    def stands(self, *collections: str) -> dict[str, int]:
        """How many documents of visitors there are."""
        return {name: len(self.documents.under(name)) for name in collections}


def canary_delivered() -> Any:
    """Accepted."""
    from shared.domain.outcome import Delivered  # noqa: PLC0415 - one name less above

    return Delivered()


def test_one_that_arrives_is_told_with_its_latency() -> None:
    """Through chat, with the order's session; its alerts are sent to the canary's target only; nothing is counted."""
    world = World()
    done = world.flow()
    [run] = world.ledger
    assert (done.removed, done.run) == (0, run)
    assert world.visitor.said == [(canary.message(run.id), "Canary")]
    assert {leg.mark for leg in run.legs.values()} == {Mark.ARRIVED}
    assert {line["channel"] for line in world.events.of("canary_arrived")} == {"slack", "monday"}
    assert all(line["latency_ms"] is not None for line in world.events.of("canary_arrived"))
    assert [message.kind for message in world.channel.sent] == ["canary", "canary"]
    assert world.delivery.sent == []
    assert set(world.delivery.events.names) == {"canary_moved"}
    assert list(world.documents.under("conversations")) == [run.conversation_id]
    assert world.stands("rate_windows", "dead_letters") == {"rate_windows": 0, "dead_letters": 0}


def test_the_next_run_removes_it_and_sends_its_own() -> None:
    """Alerts, conversation, and the item at Monday.com."""
    world = World()
    first = world.flow().run
    world.passes(600)
    done = world.flow()
    assert first is not None
    assert done.run is not None
    assert done.removed == 1
    assert world.board.asked == [first.alert_id("monday")]
    assert {alert.conversation_id for alert in world.alerts} == {done.run.conversation_id}
    assert list(world.documents.under("conversations")) == [done.run.conversation_id]
    assert [run.open for run in world.ledger] == [True, False]


def test_one_without_a_task_is_late_with_the_next_run() -> None:
    """It says how far it got; its task is taken back, and it is removed all the same."""
    world = World()
    world.arrives = False
    done = world.flow()
    assert done.run is not None
    assert not done.run.judged
    assert world.clock.seconds - 1000 >= 20
    world.passes(600)
    waiting = dict(world.delivery.queue.waiting)
    world.arrives = True
    assert world.flow().removed == 1
    late = world.events.of("canary_late")
    assert {(line["channel"], line["state"]) for line in late} == {("slack", "queued"), ("monday", "queued")}
    assert {line["run_id"] for line in late} == {done.run.id}
    assert not set(waiting) & set(world.delivery.queue.waiting)


def test_a_short_deadline_is_told_by_the_run_itself() -> None:
    """As in a system with short rhythms."""
    world = World(deadline=seconds(4))
    world.arrives = False
    done = world.flow()
    assert done.run is not None
    assert done.run.late
    assert len(world.events.of("canary_late")) == 2
    world.flow()
    assert len([line for line in world.events.of("canary_late") if line["run_id"] == done.run.id]) == 2


def test_what_it_waits_for_is_told() -> None:
    """A destination that leads found blocked holds it up, and its own success or failure would not end the block."""
    from shared.domain.outcome import Blocked  # noqa: PLC0415 - one name less above

    world = World(outcomes=(Blocked("no_service"),), deadline=seconds(4))
    world.flow()
    causes = {(line["channel"], line["state"], line["cause"]) for line in world.events.of("canary_late")}
    assert causes == {("slack", "parked", "no_service"), ("monday", "parked", "no_service")}
    assert world.documents.under("destinations") == {}
    assert not any(alert.blocked for alert in world.alerts)


def test_its_failures_are_not_counted_at_the_breaker() -> None:
    """However many there are; a lead's are."""
    from shared.domain.outcome import Retry  # noqa: PLC0415 - one name less above

    world = World(outcomes=(Retry("http_500"),), deadline=seconds(1))
    for _ in range(3):
        world.flow()
    assert len(world.channel.sent) >= 6
    assert world.delivery.breakers.look("slack").breaker.failures == ()


def test_chat_that_does_not_answer_is_late_at_once() -> None:
    """And nothing of it is removed while chat may still write."""
    world = World()
    world.refuses = "http_503"
    world.flow()
    assert {(line["state"], line["cause"]) for line in world.events.of("canary_late")} == {("chat", "http_503")}
    world.refuses = ""
    assert world.flow().removed == 0
    world.passes(120)
    assert world.flow().removed == 2


def test_an_attempt_under_way_is_waited_for() -> None:
    """Or its outcome would find nothing to be written to."""
    world = World(deadline=seconds(1))
    world.arrives = False
    world.flow()
    [slack] = [alert for alert in world.alerts if alert.channel == "slack"]
    world.documents.put(f"alerts/{slack.id}", replace(slack, state=State.SENDING))
    world.passes(600)
    assert world.flow().removed == 0
    world.documents.put(f"alerts/{slack.id}", replace(slack, state=State.DELIVERED, wake_at=None, ended_at=NOW))
    world.passes(600)
    assert world.flow().removed == 2


def test_what_monday_does_not_delete_yet_is_left_for_another_run() -> None:
    """It is asked once a run while it does not answer; a look-up that finds nothing at once proves nothing."""
    board = FakeBoard(problem="http_500")
    world = World(board=board)
    for _ in range(3):
        world.flow()
        world.passes(600)
    assert len(board.asked) == 2
    known = {run.alert_id("monday"): run.id for run in world.ledger}
    waits = {"run_id": known[board.asked[0]], "channel": "monday", "cause": "http_500"}
    assert world.events.of("canary_waits")[0] == waits
    left = [run for run in world.runs.unsettled(9)[0] if world.documents.get(f"alerts/{run.run.alert_id('monday')}")]
    assert len(left) == 1  # the last one's: an outage of Monday.com's does not let them grow
    board.problem = None
    assert world.flow().removed == 3
    board.deleted = 0
    assert world.flow().removed == 0
    world.passes(60)
    assert world.flow().removed >= 1


class DyingRuns(FakeRuns):
    """The process ends at the n-th operation, before or after it took effect."""

    def __init__(self, documents: Documents, number: int, *, after: bool) -> None:
        super().__init__(documents)
        self._left, self._after = number, after

    def _dies(self, really: Callable[[], Any]) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise KeyboardInterrupt
        done = really()
        if self._left == 0:
            raise KeyboardInterrupt
        return done

    def begin(self, run: Run) -> StoredRun:
        """Write, or die."""
        return self._dies(lambda: super(DyingRuns, self).begin(run))  # type: ignore[no-any-return]

    def save(self, stored: StoredRun) -> StoredRun:
        """Write, or die."""
        return self._dies(lambda: super(DyingRuns, self).save(stored))  # type: ignore[no-any-return]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_dies_is_judged_and_removed_by_the_next(number: int, after: bool) -> None:  # noqa: FBT001
    """Wherever: nothing of it is left, and no alarm rings for what arrived."""
    world = World()
    world.flow()
    world.passes(600)
    world.flow = replace(world.flow, runs=DyingRuns(world.documents, number, after=after))
    if number < 5:
        with pytest.raises(KeyboardInterrupt):
            world.flow()
    world.flow = replace(world.flow, runs=FakeRuns(world.documents))
    for _ in range(2):
        world.passes(600)
        world.flow()
    [last, *before] = world.ledger
    assert all(not run.open and run.judged for run in before)
    assert {alert.conversation_id for alert in world.alerts} == {last.conversation_id}
    assert list(world.documents.under("conversations")) == [last.conversation_id]
    assert world.events.of("canary_late") == []


def test_two_runs_at_once_do_no_harm() -> None:
    """Each sends its own; what one has settled the other leaves alone."""
    world = World()
    world.flow()
    world.passes(600)

    class Raced(FakeRuns):
        def save(self, stored: StoredRun) -> StoredRun:
            raise Conflict(stored.run.id)

    done = replace(world.flow, runs=Raced(world.documents))()
    assert done.removed == 0
    world.passes(600)
    world.flow()
    world.passes(600)
    world.flow()
    assert all(not run.open for run in world.ledger[1:])


def test_without_a_target_none_is_sent_and_that_is_noted_once() -> None:
    """So that nobody misses it; what was left before is removed."""
    world = World()
    world.flow()
    world.flow = replace(world.flow, orders=None)
    for _ in range(3):
        world.passes(600)
        assert world.flow().run is None
    assert [bool(run.legs) for run in world.ledger] == [False, True]
    assert world.alerts == []
    world.passes(7200)
    MissCanary(world.runs, 6 * FIVE, world.events)()
    assert world.events.of("canary_missing") == []


def test_storage_that_does_not_answer_is_an_answer() -> None:
    """The scheduler's next run goes on."""

    class Away(FakeRuns):
        def unsettled(self, limit: int) -> Any:
            raise StorageUnavailable("ServiceUnavailable")

    world = World()
    with pytest.raises(Unavailable):
        replace(world.flow, runs=Away(world.documents))()
    assert world.events.names == ["storage_failed"]


def test_a_task_that_cannot_be_taken_back_is_left() -> None:
    """It finds nothing to do."""

    class Refusing(RefusingQueue):
        def forget(self, alert: Alert) -> None:
            self.holds(alert)

    world = World(deadline=seconds(1))
    world.arrives = False
    world.flow()
    world.passes(600)
    assert replace(world.flow, queue=Refusing())().removed == 1
    told = world.events.of("enqueue_failed")
    assert told != []
    assert all(each["error"] and each["alert_id"] for each in told)
    assert {each["channel"] for each in told} <= {"slack", "monday"}


def test_one_is_missed_once_in_a_while() -> None:
    """By the sweep: its own job may be gone."""
    world = World()
    world.flow()
    misses = MissCanary(world.runs, 6 * FIVE, world.events)
    misses()
    world.passes(29 * 60)
    misses()
    assert world.events.of("canary_missing") == []
    world.passes(60)
    for _ in range(5):
        misses()
        world.passes(300)
    assert [line["count"] for line in world.events.of("canary_missing")] == [30]
    world.passes(600)
    misses()
    assert len(world.events.of("canary_missing")) == 2


def test_a_ledger_that_does_not_answer_ends_nobody_elses_work() -> None:
    """The sweep has redrives and erasures to go on with."""

    class Away(FakeRuns):
        def newest(self, limit: int) -> Any:
            raise StorageUnavailable("ServiceUnavailable")

    world = World()
    MissCanary(Away(world.documents), 6 * FIVE, world.events)()
    assert world.events.lines == [("storage_failed", {"error": "StorageUnavailable"})]


def test_how_it_stands_in_one_word() -> None:
    """By the last one whose end is known; by none where none was begun for too long."""
    world = World()
    look = LookAtCanary(world.runs, 6 * FIVE, world.events)
    assert look.standing() == Standing.QUIET
    world.flow()
    assert look.standing() == Standing.ARRIVES
    world.refuses = "timeout"
    world.passes(600)
    world.flow()
    assert (look.standing(), look()["late"]) == (Standing.REFUSED, True)
    world.refuses = ""
    world.passes(600)
    run = Run.begun("cut off", world.documents.now, ["slack"], [])
    world.runs.begin(replace(run, legs={"slack": Leg(Mark.UNKNOWN)}))
    assert (look.standing(), look()["late"]) == (Standing.CUT_OFF, True)
    world.passes(600)
    late = replace(run, id="late", at=world.documents.now, legs={"slack": Leg(Mark.LATE, reached="queued")})
    world.runs.begin(late)
    assert look.standing() == Standing.LATE
    world.passes(1800)
    assert look.standing() == Standing.MISSING


def test_the_console_shows_the_last_day() -> None:
    """Latencies, what was late, and whether one is missed."""
    world = World()
    look = LookAtCanary(world.runs, 6 * FIVE, world.events)
    assert look() == {"configured": False, "last_run": None, "late": False, "without": [], "runs": []}
    world.flow()
    shown = look()
    assert (shown["configured"], shown["late"], shown["last_run"]) == (True, False, NOW.isoformat())
    assert shown["runs"][0]["channels"]["slack"].keys() == {"state", "latency_ms", "reached", "cause"}
    assert shown["runs"][0]["channels"]["slack"]["state"] == "arrived"
    world.refuses = "timeout"
    world.passes(600)
    world.flow()
    assert look()["late"]
    world.refuses = ""
    world.passes(600)
    world.flow()
    assert not look()["late"]
    world.passes(1800)
    assert look()["late"]


def test_a_canary_is_no_visitor() -> None:
    """No limit, no budget, one message an order; what is forged is refused before anything is written."""
    orders = FakeOrders()
    chat = Chat(canaries=orders.read)
    token = orders.make(canary.Order("b" * 32, ("slack",)), NOW)
    message = canary.message("b" * 32)
    with pytest.raises(CanaryRefused):
        chat.answer(replace(ask(message), canary="forged"))
    with pytest.raises(CanaryRefused):
        Chat().answer(replace(ask(message), canary=token))
    assert chat.store.calls == []
    answers = [chat.answer(replace(ask(message, key=f"key {turn}"), canary=token)) for turn in range(5)]
    assert [answer.replayed for answer in answers] == [False, True, True, True, True]
    assert answers[0].rate is None
    assert len(chat.stored("alerts")) == len(chat.stored("messages")) == len(chat.queue.waiting) == 1
    assert chat.stored("rate_windows") == {}
    with pytest.raises(KeyReused):
        chat.answer(replace(ask("another message, bob@example.com"), canary=token))
    [conversation] = chat.stored("conversations").values()
    assert (conversation.canary, conversation.followup_at) == (True, None)


def test_a_visitor_is_no_canary() -> None:
    """Whatever their session; a canary's session is not theirs to go on with unnoticed."""
    chat = Chat(canaries=FakeOrders().read)
    command: AnswerMessage = ask("Hi, call me, ana@example.com")
    chat.answer(command)
    [alert] = chat.stored("alerts").values()
    [conversation] = chat.stored("conversations").values()
    assert (alert.kind, conversation.canary) == ("lead", False)
