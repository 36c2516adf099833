"""Opt-outs, audit, follow-ups, erasures and retention on the real Firestore."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest

from shared.adapters.firestore_erasures import FirestoreErasures
from shared.adapters.firestore_followups import FirestoreFollowups, FirestoreOptOuts
from shared.adapters.firestore_housekeeping import FirestoreHousekeeping
from shared.adapters.firestore_rights import FirestoreRights
from shared.adapters.system import SystemChance, SystemClock
from shared.domain import ids
from shared.domain.admission import Limit
from shared.domain.alert import State
from shared.domain.contact import ContactDetails
from shared.domain.rights import Recorded
from shared.domain.turn import LeadPolicy, Visitor
from shared.flows.admit_message import AnswerMessage
from shared.flows.erase import Erasing
from shared.flows.send_followups import SendFollowups
from shared.ports import Step
from shared.ports.rights import Removal
from tests.adapters.conftest import FirestoreWorld
from tests.support.chat_flow import KNOWLEDGE, Chat
from tests.support.fakes import FakeContinuation, FakeQueue, RecordedEvents, seconds
from tests.support.turns import unique

HASH_KEY = "an address key of tests"
ADDRESS = ids.address_hash("ana@example.com", HASH_KEY)
LOST = grpc.StatusCode.DEADLINE_EXCEEDED
WORDING = {"en": "I agree to be written to."}
DELAYS = (timedelta(0), timedelta(milliseconds=1), timedelta(hours=1))


def record(action: str = "unsubscribe") -> Recorded:
    """A line that nobody else has."""
    return Recorded(unique(), "link", action, "page", ADDRESS, "conversation")


@pytest.fixture
def rights(firestore_world: FirestoreWorld) -> FirestoreRights:
    """The store."""
    return FirestoreRights(firestore_world.database)


class Visiting:
    """Somebody who writes to a chat on Firestore."""

    def __init__(self, world: FirestoreWorld) -> None:
        self.world = world
        leads = LeadPolicy(("slack", "monday"), seconds(10), first_followup=timedelta(0))
        parts: dict[str, Any] = {"clock": SystemClock(), "chance": SystemChance(), "leads": leads}
        parts |= {"limits": (Limit("chat", 100, 60),), "knowledge": replace(KNOWLEDGE, consent_wording=WORDING)}
        self.chat = Chat(world.chat, **parts, hash_key=HASH_KEY)  # type: ignore[arg-type]

    def says(
        self,
        message: str = "Hi, call me, ana@example.com",
        session: str | None = None,
        *,
        marketing: bool | None = True,
    ) -> dict[str, Any]:
        """One turn; the answer."""
        visitor = Visitor(message, ContactDetails(), None, marketing)
        return dict(self.chat.answer(AnswerMessage(visitor, session, unique(), "client", unique())).body)


@pytest.fixture
def visitor(firestore_world: FirestoreWorld) -> Visiting:
    """Somebody."""
    return Visiting(firestore_world)


def test_f42_many_opt_outs_at_once_are_one_change(rights: FirestoreRights, firestore_world: FirestoreWorld) -> None:
    """With one line of the audit; its beginning is the first one's."""
    start = threading.Barrier(6)

    def opt_out(_number: int) -> bool:
        start.wait()
        return rights.suppress(ADDRESS, "unsubscribed", record())

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(opt_out, range(6))) == 1
    since = rights.standing(ADDRESS).since
    assert since is not None
    assert not rights.suppress(ADDRESS, "unsubscribed", record())
    assert rights.standing(ADDRESS).since == since
    assert len(firestore_world.names("consent_audit")) == 1


@pytest.mark.parametrize("name", ["suppress", "lift"])
def test_a_commit_whose_answer_was_lost_has_happened_once(
    rights: FirestoreRights, firestore_world: FirestoreWorld, name: str
) -> None:
    """It is found by its line in the audit."""
    if name == "lift":
        rights.suppress(ADDRESS, "unsubscribed", record())
    before = len(firestore_world.names("consent_audit"))
    firestore_world.wire.clear()
    firestore_world.wire.break_call("Commit", 1, status=LOST, takes_effect=True)
    how = ("unsubscribed",) if name == "suppress" else ()
    assert getattr(rights, name)(ADDRESS, *how, record(name)) is True
    assert len(firestore_world.names("consent_audit")) == before + 1


def test_an_opt_out_costs_the_same_whoever_it_is_of(rights: FirestoreRights, firestore_world: FirestoreWorld) -> None:
    """One commit and nothing else: known, unknown or opted out."""
    calls = []
    for address in (ADDRESS, "f" * 32, ADDRESS):
        firestore_world.wire.clear()
        rights.suppress(address, "unsubscribed", record())
        calls.append(list(firestore_world.wire.calls))
    assert calls == [["Commit"]] * 3


def test_an_undo_leaves_nothing_but_its_record(rights: FirestoreRights) -> None:
    """And a second one changes nothing."""
    rights.suppress(ADDRESS, "unsubscribed", record())
    assert rights.lift(ADDRESS, record("undo"))
    assert not rights.lift(ADDRESS, record("undo"))
    assert rights.standing(ADDRESS).since is None
    assert [noted.record.action for noted in rights.audit(ADDRESS, 10, None)] == ["undo", "unsubscribe"]


def test_the_audit_is_read_page_by_page(rights: FirestoreRights) -> None:
    """The newest first, of one address or of all."""
    for number in range(5):
        rights.suppress(f"{number}" * 32, "unsubscribed", replace(record(), address=f"{number}" * 32))
    page = rights.audit(None, 3, None)
    rest = rights.audit(None, 3, (page[-1].at, page[-1].record.id))
    assert [noted.record.address[0] for noted in (*page, *rest) if noted.record.address] == list("43210")
    assert len(rights.audit("3" * 32, 10, None)) == 1


def test_a_chat_records_what_is_agreed_to_and_by_whom(visitor: Visiting, rights: FirestoreRights) -> None:
    """Once, when it is said, and again when it turns out whose it is; not with every turn."""
    session = visitor.says("Hello!")["session_id"]
    visitor.says("Hello again!", session)
    visitor.says(session=session)
    visitor.says("What does it cost?", session)
    visitor.says("No more mails", session, marketing=False)
    found = [noted.record for noted in rights.audit(None, 10, None)]
    assert [(each.address, each.consent) for each in reversed(found)] == [
        (None, {"processing": None, "marketing": True}),
        (ADDRESS, {"processing": None, "marketing": True}),
        (ADDRESS, {"processing": None, "marketing": False}),
    ]
    assert all(each.wording == WORDING["en"] and each.client and each.actor == "visitor" for each in found)
    assert "ana@example.com" not in str(found)


def test_what_is_agreed_to_costs_one_write_when_it_changes(visitor: Visiting) -> None:
    """Five with a key; the address's hash is in the conversation's own write."""
    wire = visitor.world.wire
    session = visitor.says("Hello!")["session_id"]
    wire.clear()
    visitor.says("Hello again!", session)
    assert wire.billed["writes"] == 5
    wire.clear()
    visitor.says("No mails", session, marketing=False)
    assert wire.billed["writes"] == 6


def followups(world: FirestoreWorld, queue: FakeQueue | None = None) -> SendFollowups:
    """The flow on Firestore."""
    return SendFollowups(
        store=FirestoreFollowups(world.database, HASH_KEY),
        queue=queue or FakeQueue(),
        again=FakeContinuation(),
        delays=DELAYS,
        business="Atelier",
        grace=seconds(10),
        page=10,
        run_seconds=45,
        clock=SystemClock(),
        chance=SystemChance(),
        events=RecordedEvents(),
    )


def test_five_runs_at_once_make_each_followup_once(visitor: Visiting) -> None:
    """Of every conversation that is due; what is not due yet waits."""
    conversations = [visitor.says(f"I am person{number}@example.com")["conversation_id"] for number in range(4)]
    with ThreadPoolExecutor(5) as threads:
        done = list(threads.map(lambda _: followups(visitor.world)(), range(5)))
    assert sum(each.made for each in done) == 8
    assert visitor.world.names("followups") == {f"{name}:{number}" for name in conversations for number in (1, 2)}
    assert visitor.world.tally("email", "followup") == 8
    assert followups(visitor.world)().made == 0


def test_a_followup_is_made_for_nobody_who_opted_out(visitor: Visiting, rights: FirestoreRights) -> None:
    """Nor for somebody who agreed to nothing."""
    visitor.says()
    visitor.says("I am bob@example.com", marketing=None)
    rights.suppress(ADDRESS, "unsubscribed", record())
    assert followups(visitor.world)().made == 0
    assert visitor.world.names("followups") == set()


def test_how_an_address_stands_while_a_mail_is_sent(visitor: Visiting, rights: FirestoreRights) -> None:
    """Opted out, last heard of, agreed; an erased conversation was never heard of."""
    conversation = visitor.says()["conversation_id"]
    opt_outs = FirestoreOptOuts(visitor.world.database)
    stands = opt_outs.look(ADDRESS, conversation)
    assert (stands.opted_out, stands.marketing) == (False, True)
    assert stands.last_wrote is not None
    rights.suppress(ADDRESS, "unsubscribed", record())
    assert opt_outs.look(ADDRESS, conversation).opted_out
    FirestoreErasures(visitor.world.database, timedelta(days=1)).entomb(conversation, ADDRESS)
    assert opt_outs.look(ADDRESS, conversation).last_wrote is None


class Board:
    """A destination whose items can be deleted, which may have a problem."""

    def __init__(self, *problems: str) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._problems = list(problems)

    def erase(self, alert_ids: Any, *, deadline: float) -> Removal:
        """See ``RemoteEraser``."""
        self.asked.append(tuple(alert_ids))
        return Removal(0, self._problems.pop(0)) if self._problems else Removal(len(alert_ids))


def erasing(world: FirestoreWorld, board: Board | None = None, **changes: Any) -> Erasing:
    """The flow on Firestore, which waits for nothing."""
    flow = Erasing(
        store=FirestoreErasures(world.database, timedelta(days=1)),
        alerts=world.alerts,
        queue=FakeQueue(),
        remotes={"monday": board} if board is not None else {},
        sweep=FakeContinuation(),
        lease=timedelta(0),
        wait=timedelta(0),
        relook=timedelta(0),
        overdue=timedelta(days=1),
        ask_seconds=1,
        run_seconds=45,
        clock=SystemClock(),
        chance=SystemChance(),
        events=RecordedEvents(),
    )
    return replace(flow, **changes)


def sent(world: FirestoreWorld) -> None:
    """Every alert there is was delivered."""
    for name in world.names("alerts"):
        stored = world.alerts.read(name)
        assert stored is not None
        after = replace(stored.alert, state=State.DELIVERED, attempts=1, wake_at=None, nonce=unique())
        world.alerts.write(Step(stored.alert, after, stored.version))


def test_an_erasure_leaves_hashes_only(visitor: Visiting, rights: FirestoreRights) -> None:
    """In every collection; it ends with what was erased where, and why not in Slack."""
    conversation = visitor.says()["conversation_id"]
    visitor.says("And my friend is ana@example.com too")
    sent(visitor.world)
    board = Board("http_503")
    assert rights.request_erasure(ADDRESS, conversation, record("erasure_requested"))
    assert not rights.request_erasure(ADDRESS, conversation, record("erasure_requested"))
    flow = erasing(visitor.world, board)
    for _ in range(4):
        flow.continue_erasures()
    erasure = flow.store.find(ADDRESS)
    assert erasure is not None
    assert (erasure.state, erasure.tries, erasure.problems, erasure.looked_again) == ("done", 3, ("http_503",), True)
    assert len(erasure.conversations) == 2
    assert erasure.erased["messages"] == 2
    assert set(erasure.sent) == {"slack", "monday"}
    everything = str(
        [snapshot.to_dict() for name in visitor.world.database.client.collections() for snapshot in name.stream()]
    )
    assert "ana@" not in everything
    assert visitor.world.names("messages") == set()
    assert {visitor.world.document("alerts", name)["state"] for name in visitor.world.names("alerts")} == {"erased"}
    assert rights.standing(ADDRESS).since is not None


def test_an_erasure_that_waits_for_too_long_is_told_of(visitor: Visiting, rights: FirestoreRights) -> None:
    """At each pass, with what is in the way; not before."""
    conversation = visitor.says()["conversation_id"]
    sent(visitor.world)
    rights.request_erasure(ADDRESS, conversation, record("erasure_requested"))
    early, late = RecordedEvents(), RecordedEvents()
    erasing(visitor.world, Board("Unauthorized"), events=early).continue_erasures()
    assert (early.names.count("erasure_waits"), early.of("erasure_overdue")) == (1, [])
    erasing(visitor.world, Board("Unauthorized"), events=late, overdue=timedelta(0)).continue_erasures()
    assert late.of("erasure_overdue") == [{"conversation_id": conversation, "cause": "Unauthorized"}]


def test_an_alert_that_is_being_sent_is_erased_after_its_outcome(visitor: Visiting, rights: FirestoreRights) -> None:
    """The erasure waits, and is not certified before."""
    conversation = visitor.says()["conversation_id"]
    [name] = [
        name for name in visitor.world.names("alerts") if visitor.world.document("alerts", name)["channel"] == "slack"
    ]
    stored = visitor.world.alerts.read(name)
    assert stored is not None
    held = replace(stored.alert, state=State.SENDING, attempts=1, nonce=unique())
    version = visitor.world.alerts.write(Step(stored.alert, held, stored.version))
    rights.request_erasure(ADDRESS, conversation, record())
    flow = erasing(visitor.world, Board())
    flow.continue_erasures()
    flow.continue_erasures()
    assert visitor.world.document("alerts", name)["state"] == "sending"
    running = flow.store.find(ADDRESS)
    assert running is not None
    assert running.state == "running"
    visitor.world.alerts.write(Step(held, replace(held, state=State.DELIVERED, wake_at=None, nonce=unique()), version))
    for _ in range(3):
        flow.continue_erasures()
    assert visitor.world.document("alerts", name)["payload"] == {}
    done = flow.store.find(ADDRESS)
    assert done is not None
    assert done.state == "done"
    assert done.sent["slack"] == (name,)


def test_a_turn_after_an_erasure_begins_another_conversation(visitor: Visiting, rights: FirestoreRights) -> None:
    """Nothing of it is written where the tombstone stands."""
    first = visitor.says()
    rights.request_erasure(ADDRESS, first["conversation_id"], record())
    erasing(visitor.world, Board()).continue_erasures()
    second = visitor.says("Hello!", first["session_id"])
    assert second["session_id"] != first["session_id"]
    assert set(visitor.world.document("conversations", first["conversation_id"])) == {
        "erased_at",
        "erasure",
        "expires_at",
    }
    assert visitor.world.document("conversations", second["conversation_id"])["turn_count"] == 1


def test_a_turn_under_way_while_it_is_erased_begins_another_conversation(visitor: Visiting) -> None:
    """Its commit meets the tombstone."""
    first = visitor.says()
    store = FirestoreErasures(visitor.world.database, timedelta(days=1))
    once = [True]

    def entomb(name: str) -> None:
        if name == "Commit" and visitor.world.wire.calls.count("Commit") == 2 and once:
            once.clear()
            store.entomb(first["conversation_id"], ADDRESS)

    visitor.world.wire.clear()
    visitor.world.wire.before = entomb
    second = visitor.says("Hello!", first["session_id"])
    assert not once
    assert second["session_id"] != first["session_id"]
    assert "erased_at" in visitor.world.document("conversations", first["conversation_id"])


def test_old_conversations_are_forgotten_with_all_that_hangs_on_them(visitor: Visiting) -> None:
    """In bounded runs; a younger one stays, and the alerts' counts add up."""
    old = [visitor.says(f"I am person{number}@example.com")["conversation_id"] for number in range(3)]
    kept = visitor.says("I am bob@example.com")["conversation_id"]
    long_ago = SystemClock().now() - timedelta(days=400)
    for name in old:
        visitor.world.database.document("conversations", name).update({"updated_at": long_ago})
    store = FirestoreHousekeeping(visitor.world.database)
    assert [store.forget_conversations(timedelta(days=365), 2) for _ in range(3)] == [2, 1, 0]
    assert visitor.world.names("conversations") == {kept}
    assert len(visitor.world.names("messages")) == 1
    alerts = [visitor.world.document("alerts", name) for name in visitor.world.names("alerts")]
    assert sorted(each["state"] for each in alerts) == ["erased"] * 6 + ["queued"] * 2
    assert "person" not in str(alerts)


def test_the_audit_is_kept_as_long_as_conversations(visitor: Visiting) -> None:
    """A page at a time."""
    visitor.says()
    store = FirestoreHousekeeping(visitor.world.database)
    assert store.forget_audit(timedelta(days=365), 10) == 0
    for name in visitor.world.names("consent_audit"):
        long_ago = SystemClock().now() - timedelta(days=400)
        visitor.world.database.document("consent_audit", name).update({"at": long_ago})
    assert store.forget_audit(timedelta(days=365), 10) == 1


def test_a_conversation_of_an_earlier_version_is_found_by_its_address(
    visitor: Visiting, rights: FirestoreRights
) -> None:
    """It has no hashes yet."""
    from google.cloud import firestore  # noqa: PLC0415 - only here

    names = [visitor.says()["conversation_id"] for _ in range(2)]
    for name in names:
        visitor.world.database.document("conversations", name).update({"email_hashes": firestore.DELETE_FIELD})
    rights.request_erasure(ADDRESS, names[0], record())
    erasing(visitor.world, Board()).continue_erasures()
    assert all("erased_at" in visitor.world.document("conversations", name) for name in names)


def test_conversations_of_others_are_left_alone(visitor: Visiting, rights: FirestoreRights) -> None:
    """Whoever has a link and then types another person's address cannot have that person's data erased."""
    other = visitor.says("I am bob@example.com")["conversation_id"]
    mine = visitor.says()
    visitor.says("My e-mail is bob@example.com now", mine["session_id"])
    assert visitor.world.document("conversations", mine["conversation_id"])["email"] == "bob@example.com"
    rights.request_erasure(ADDRESS, mine["conversation_id"], record())
    erasing(visitor.world, Board()).continue_erasures()
    assert "erased_at" in visitor.world.document("conversations", mine["conversation_id"])
    assert visitor.world.document("conversations", other)["email"] == "bob@example.com"
