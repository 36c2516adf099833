"""Canaries on the real Firestore, at a chat over the wire, and in the console: kept apart, judged, removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest

from shared.adapters import canary_visitor
from shared.adapters.canary_visitor import ChatVisitor
from shared.adapters.firestore_canary import FirestoreCanaryRemains, FirestoreCanaryRuns
from shared.adapters.firestore_conservation import FirestoreConservation
from shared.adapters.firestore_housekeeping import FirestoreHousekeeping
from shared.channels import canary_targets, configured
from shared.config import from_environment
from shared.domain import canary
from shared.domain.alert import CANARY, Alert, State
from shared.domain.canary import Leg, Mark, Run
from shared.domain.conservation import Census
from shared.errors import Conflict, StorageUnavailable
from shared.ports import Message, Step
from tests.adapters.conftest import FirestoreWorld, World
from tests.support.raw_server import OK, Connection, serving
from tests.support.turns import admitted, alert, claim, commit, conversation, now, unique

KEPT = timedelta(days=30)
DELIVERED = Leg(Mark.ARRIVED, timedelta(milliseconds=1500), "delivered")


@pytest.fixture
def runs(firestore_world: FirestoreWorld) -> FirestoreCanaryRuns:
    """The ledger."""
    return FirestoreCanaryRuns(firestore_world.database)


@pytest.fixture
def remains(firestore_world: FirestoreWorld) -> FirestoreCanaryRemains:
    """What runs leave."""
    return FirestoreCanaryRemains(firestore_world.database)


@pytest.fixture
def census(firestore_world: FirestoreWorld) -> Callable[[], Census]:
    """Count what there is."""
    return lambda: FirestoreConservation(firestore_world.database).census(KEPT)


def begun(*channels: str) -> Run:
    """A run that began now."""
    return Run.begun(unique(), now(), channels or ("slack",), ("email",))


def sent(world: World, run: Run) -> list[Alert]:
    """What chat writes of a run's message."""
    leads = [alert(f"of {name}", channel=name, conversation_id=run.conversation_id) for name in run.legs]
    made = canary.marked(leads)
    wanted = claim(unique())
    version = admitted(world.chat, wanted)
    about = conversation(id=run.conversation_id, canary=True)
    world.chat.commit_turn(commit(about, None, *made, held=(wanted, version)))
    return list(made)


def moved(world: World, made: Alert, state: State) -> Alert:
    """The alert in another state."""
    stored = world.alerts.read(made.id, made.channel)
    assert stored is not None
    waits = state in {State.SENDING, State.PARKED}
    times = {"wake_at": now() if waits else None, "ended_at": None if waits else now()}
    after = replace(made, state=state, nonce=unique(), cause="x", **times)
    world.alerts.write(Step(made, after, stored.version))
    return after


def test_a_canary_is_counted_nowhere_and_is_no_dead_letter(world: World) -> None:
    """A lead beside it is; in memory as on Firestore."""
    [made] = sent(world, begun())
    world.chat.commit_turn(commit(conversation(id="c"), None, alert("lead", conversation_id="c")))
    lead = world.alerts.read("lead")
    assert lead is not None
    for each in (made, lead.alert):
        moved(world, moved(world, each, State.PARKED), State.FAILED)
    assert (world.tally("slack", CANARY), world.tally("slack", "lead")) == (0, 1)
    assert world.names("dead_letters") == {"lead"}


def test_conservation_balances_while_canaries_are_under_way(
    firestore_world: FirestoreWorld, census: Callable[[], Census]
) -> None:
    """In every state, beside leads; also where a lead is lost the canaries are not what is named."""
    firestore_world.chat.commit_turn(commit(conversation(id="c"), None, alert("lead", conversation_id="c")))
    for state in State:
        [made] = sent(firestore_world, begun())
        if state is not State.QUEUED:
            moved(firestore_world, made, state)
    found = census()
    assert (found.balanced, found.wrong, found.complete) == (True, (), True)
    slack = found.channels["slack"]
    assert (slack.accepted, slack.alerts, sum(slack.states.values())) == (1, 1, 1)
    firestore_world.database.document("alerts", "lead").delete()
    found = census()
    assert [each.id for each in found.wrong] == ["lead"]


def test_what_a_canary_writes_is_marked(firestore_world: FirestoreWorld) -> None:
    """The conversation, as no visitor's is; its message mentions no alert, as that will be gone."""
    run = begun()
    sent(firestore_world, run)
    firestore_world.chat.commit_turn(commit(conversation(id="c"), None, alert("lead", conversation_id="c")))
    assert firestore_world.document("conversations", run.conversation_id)["canary"] is True
    assert "canary" not in firestore_world.document("conversations", "c")
    [message] = firestore_world.database.document("conversations", run.conversation_id).collection("messages").get()
    assert message.get("alert_ids") == []
    opened = firestore_world.chat.open_turn(None, [], run.conversation_id)
    assert opened.conversation is not None
    assert opened.conversation.canary


def test_all_of_a_run_is_removed_and_nothing_else(
    firestore_world: FirestoreWorld, remains: FirestoreCanaryRemains, census: Callable[[], Census]
) -> None:
    """Alerts, receipts, messages, the key's claim, the conversation; again is no error."""
    run = begun("slack", "monday")
    made = sent(firestore_world, run)
    firestore_world.alerts.leave_receipt(made[0])
    firestore_world.chat.commit_turn(commit(conversation(id="c"), None, alert("lead", conversation_id="c")))
    alerts, read_at = remains.alerts(run)
    assert (alerts, abs(read_at - now()) < timedelta(minutes=1)) == ({"slack": made[0], "monday": made[1]}, True)
    remains.remove(run, alerts)
    remains.remove(run, dict.fromkeys(alerts))
    assert firestore_world.names("alerts") == {"lead"}
    assert firestore_world.names("conversations") == {"c"}
    assert len(firestore_world.names("messages")) == 1
    assert firestore_world.names("receipts") == set()
    left = firestore_world.database.client.collection("admissions").stream()
    assert [each.id for each in left if each.get("conversation_id") == run.conversation_id] == []
    assert census().balanced


def test_an_alert_that_has_moved_on_is_not_removed(
    firestore_world: FirestoreWorld, remains: FirestoreCanaryRemains
) -> None:
    """Somebody may be sending it: nothing of the run is."""
    run = begun("slack", "monday")
    made = sent(firestore_world, run)
    alerts, _ = remains.alerts(run)
    moved(firestore_world, made[1], State.SENDING)
    with pytest.raises(Conflict):
        remains.remove(run, alerts)
    assert firestore_world.names("alerts") == {each.id for each in made}
    assert run.conversation_id in firestore_world.names("conversations")


def test_one_that_was_left_over_is_archived_uncounted(
    firestore_world: FirestoreWorld, census: Callable[[], Census]
) -> None:
    """Where the job was taken away with a canary under way."""
    [made] = sent(firestore_world, begun())
    moved(firestore_world, made, State.DELIVERED)
    firestore_world.database.document("alerts", made.id).update({"ended_at": now() - timedelta(days=31)})
    assert FirestoreHousekeeping(firestore_world.database).archive_ended(KEPT, 10) == 1
    assert firestore_world.names("alerts") == set()
    assert census().balanced
    assert firestore_world.names("tallies") == set()


def test_a_run_is_kept_as_it_is(runs: FirestoreCanaryRuns, firestore_world: FirestoreWorld) -> None:
    """Every field; the newest first; what is closed is not unsettled; it goes after 35 days."""
    older, newer = begun("slack", "monday"), begun()
    older = replace(older, at=older.at - timedelta(minutes=10))
    stored = runs.begin(older)
    runs.begin(newer)
    after = replace(older, chat="ok", legs={"slack": DELIVERED, "monday": Leg(Mark.LATE, None, "parked", "http_500")})
    stored = runs.save(replace(stored, run=replace(after, told_at=now())))
    assert [each.run for each in runs.newest(10)[0]] == [newer, stored.run]
    assert [each.run for each in runs.newest(1)[0]] == [newer]
    assert [each.run.id for each in runs.unsettled(10)[0]] == [newer.id, older.id]
    runs.save(replace(stored, run=replace(stored.run, open=False)))
    assert [each.run.id for each in runs.unsettled(10)[0]] == [newer.id]
    expires = firestore_world.document("canary_runs", newer.id)["expires_at"]
    assert expires - newer.at == timedelta(days=35)
    firestore_world.database.document("canary_runs", newer.id).update({"expires_at": now() - timedelta(seconds=1)})
    assert FirestoreHousekeeping(firestore_world.database).remove_expired("canary_runs", 10) == 1
    assert [each.run.id for each in runs.newest(10)[0]] == [older.id]


def test_of_two_writers_one_wins(runs: FirestoreCanaryRuns) -> None:
    """The other one looks again."""
    stored = runs.begin(begun())
    runs.save(replace(stored, run=replace(stored.run, chat="ok")))
    with pytest.raises(Conflict):
        runs.save(replace(stored, run=replace(stored.run, chat="timeout")))


@pytest.mark.parametrize("takes_effect", [True, False])
def test_a_beginning_that_was_not_answered_is_found_out(
    runs: FirestoreCanaryRuns,
    firestore_world: FirestoreWorld,
    takes_effect: bool,  # noqa: FBT001
) -> None:
    """It is one run, whether it was written or not; where it cannot be found out, none is sent."""
    lost = grpc.StatusCode.DEADLINE_EXCEEDED
    run = begun()
    firestore_world.wire.break_call("Commit", 1, status=lost, takes_effect=takes_effect)
    assert runs.begin(run).run == run
    assert [each.run for each in runs.newest(10)[0]] == [run]
    firestore_world.wire.break_call("BatchGetDocuments", 1, status=grpc.StatusCode.INTERNAL)
    firestore_world.wire.break_call("Commit", 1, status=lost)
    with pytest.raises(StorageUnavailable):
        runs.begin(begun())


def test_looking_and_removing_cost_what_they_say(
    firestore_world: FirestoreWorld, runs: FirestoreCanaryRuns, remains: FirestoreCanaryRemains
) -> None:
    """A read a channel, however many runs there are."""
    run = begun("slack", "monday")
    sent(firestore_world, run)
    runs.begin(run)
    firestore_world.wire.clear()
    alerts, _ = remains.alerts(run)
    assert (firestore_world.wire.calls, firestore_world.wire.billed["reads"]) == (["BatchGetDocuments"], 2)
    firestore_world.wire.clear()
    runs.newest(144)
    runs.unsettled(50)
    assert firestore_world.wire.calls == ["BatchGetDocuments", "RunQuery"] * 2
    firestore_world.wire.clear()
    remains.remove(run, alerts)
    assert firestore_world.wire.calls[:2] == ["BatchGetDocuments", "Commit"]


def answering(status: bytes) -> Callable[[Connection], None]:
    """A chat that answers so, and keeps what it was asked."""

    def behave(connection: Connection) -> None:
        asked.append(connection.read())
        connection.raw.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")

    asked = answering.asked = []  # type: ignore[attr-defined]
    return behave


def test_it_writes_as_a_visitor_with_its_order(nothing_is_left: None) -> None:
    """JSON, the header, no key and no session; 200 is all that counts."""
    with serving(answering(b"200 OK")) as chat:
        assert ChatVisitor(chat.url).write("Hi, a@b.example", "Canary", "an-order") == "ok"
    [asked] = answering.asked  # type: ignore[attr-defined]
    head, _, body = asked.partition(b"\r\n\r\n")
    assert body == b'{"message": "Hi, a@b.example", "name": "Canary"}'
    assert b"x-bellhop-canary: an-order" in head.lower()
    assert b"application/json" in head
    assert b"idempotency-key" not in head.lower()


@pytest.mark.parametrize(
    ("status", "said"),
    [(b"503 No", "http_503"), (b"403 No", "http_403"), (b"302 Away", "http_302"), (b"201 X", "http_201")],
)
def test_another_answer_is_told_after_a_second_try(status: bytes, said: str, nothing_is_left: None) -> None:
    """As a visitor would try again."""
    with serving(answering(status)) as chat:
        assert ChatVisitor(chat.url).write("Hi", "Canary", "an-order") == said
        assert chat.connections == 2


def test_a_chat_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, nothing_is_left: None) -> None:
    """It hangs, breaks off, or is not there; well again at the second try, it is well."""
    monkeypatch.setattr(canary_visitor, "ANSWER_SECONDS", 0.3)
    with serving(lambda connection: connection.hang()) as chat:
        assert ChatVisitor(chat.url).write("Hi", "Canary", "an-order") == "timeout"
    assert ChatVisitor(chat.url).write("Hi", "Canary", "an-order") == "connection_failed"
    tries: list[int] = []

    def behave(connection: Connection) -> None:
        tries.append(1)
        connection.read()
        connection.reset() if len(tries) == 1 else connection.raw.sendall(OK)

    with serving(behave) as chat:
        assert ChatVisitor(chat.url).write("Hi", "Canary", "an-order") == "ok"


def test_the_targets_of_canaries_are_their_own() -> None:
    """Made as the channels are, with what canaries have instead; a channel without one is left out."""
    leads = {
        "LEAD_CHANNELS": "slack, monday, email, webhook",
        "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/leads",
        "MONDAY_API_KEY": "key",
        "MONDAY_BOARD_ID": "1",
        "MONDAY_GROUP_ID": "leads",
        "MONDAY_COLUMNS": '{"alert_id": "a"}',
        "SMTP_URL": "smtps://u:p@mail.example.com",
        "MAIL_FROM": "bellhop@example.com",
        "ESCALATION_EMAIL_TO": "team@example.com",
        "WEBHOOK_URL": "https://hooks.example.com/leads",
        "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    theirs = {
        "CANARY_SLACK_WEBHOOK_URL": "http://127.0.0.1:9/canaries",
        "CANARY_MONDAY_GROUP_ID": "canaries",
        "CANARY_EMAIL_TO": "canary@example.com",
        "CANARY_WEBHOOK_URL": "https://hooks.example.com/canaries",
    }
    assert canary_targets(from_environment(leads)) == {}
    assert list(canary_targets(from_environment(leads | {"CANARY_MONDAY_BOARD_ID": "2"}))) == ["monday"]
    made = canary_targets(from_environment(leads | theirs))
    assert list(made) == ["slack", "monday", "email", "webhook"]
    slack, monday, mail, webhook = (vars(each) for each in made.values())
    assert slack["_url"].endswith("/canaries")
    assert (monday["_board"], monday["_group"], monday["_headers"]["Authorization"]) == ("1", "canaries", "key")
    assert vars(mail["_team"])["_to"] == ("canary@example.com",)
    assert mail["_visitors"] is None
    assert webhook["_url"].url.endswith("/canaries")
    assert {slack["_headers"]["User-Agent"], monday["_headers"]["User-Agent"], webhook["_agent"]} == {"bellhop-canary"}
    assert vars(configured(from_environment(leads | theirs))["slack"])["_url"].endswith("/leads")


def test_it_says_that_it_is_no_lead() -> None:
    """Wherever it shows: the first thing a person reads."""
    from shared.adapters.alert_text import headline  # noqa: PLC0415 - the one use
    from shared.adapters.webhook import webhook_body  # noqa: PLC0415 - the one use

    message = Message("a", CANARY, {"name": "Canary", "email": "c@d.example"}, maybe_shown=False, created_at=now())
    assert headline(message) == "Canary, not a lead: Canary · c@d.example"
    assert '"type": "canary"' in webhook_body(message)
