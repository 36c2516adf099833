"""Where a lead is, everything kept of it, and a dead letter as a bundle: what an operator is given, to the letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import ids
from shared.domain.alert import Alert, Attempt, State, create
from shared.domain.conversation import Consent
from shared.errors import RequestError, StorageUnavailable, Unavailable, Unreadable
from shared.flows.operations_audit import OperatingAudit
from shared.flows.operations_bundle import Bundling, TakeBundle
from shared.flows.operations_leads import DOCUMENTS_MOST, Export, FindLead, OperatingLeads
from shared.ports.operations import Action, DeadLetter, Marked, Place
from shared.ports.operations_leads import Lead, LeadStore, LoggedTurn
from shared.ports.operations_system import Done, OperatorAudit
from tests.support.fakes import NOW, POLICY, FakeChance, FakeClock, RecordedEvents

LATER = NOW + timedelta(minutes=5)
SESSION = "0123456789abcdef0123456789abcdef"
LEAD = Lead(
    id="c1",
    name="Ana",
    email="ana@example.com",
    phone="+48600100200",
    score=85,
    consent=Consent(True, False, NOW, "I agree."),
    language="en",
    turn_count=3,
    handoff=True,
    fields={"area": "80"},
    created_at=NOW,
    updated_at=LATER,
)
TURNS = [LoggedTurn(f"t{number}", NOW + timedelta(minutes=number), "Price?", "100.", ("a1",)) for number in range(3)]


def alert(alert_id: str = "a1", channel: str = "slack", conversation: str = "c1", **changes: Any) -> Alert:
    """A lead's alert."""
    made = create(
        alert_id,
        conversation_id=conversation,
        channel=channel,
        kind="lead",
        payload={"email": "ana@example.com", "score": 85, "message": "Call 12!"},
        now=NOW,
        nonce="n",
        grace=POLICY.grace,
    )
    return replace(made, **changes)


FAILED = alert(
    state=State.FAILED,
    cause="http_500",
    attempts=8,
    wake_at=None,
    ended_at=LATER,
    history=(Attempt(NOW, "unknown", "timeout"), Attempt(NOW + timedelta(seconds=1.23456), "retry", "http_500")),
)


def dead(of: Alert) -> DeadLetter:
    """Its dead letter."""
    said = (of.cause, of.attempts, of.epoch, of.history)
    return DeadLetter(of.id, "failed", "c1", of.channel, of.kind, *said, None, NOW, LATER, LATER)


class Leads(LeadStore):
    """Leads in memory, and what was asked of them."""

    def __init__(self, *leads: Lead, alerts: Sequence[Marked] = ()) -> None:
        self.leads, self.marked = list(leads), list(alerts)
        self.documents: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[Any, ...]] = []
        self.fails = False

    def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        if self.fails:
            raise StorageUnavailable("down")

    def by_email(self, email: str, limit: int) -> list[Lead]:
        """See ``LeadStore``."""
        self._ask("email", email, limit)
        return [each for each in self.leads if each.email == email]

    def by_phone(self, phone: str, limit: int) -> list[Lead]:
        """See ``LeadStore``."""
        self._ask("phone", phone, limit)
        return [each for each in self.leads if each.phone == phone]

    def by_ids(self, conversation_ids: Sequence[str], alert_id: str) -> list[Lead]:
        """See ``LeadStore``."""
        self._ask("ids", list(conversation_ids), alert_id)
        of = {each.alert.conversation_id for each in self.marked if each.alert.id == alert_id}
        return [each for each in self.leads if each.id in {*conversation_ids, *of}]

    def alerts_of(self, conversation_ids: Sequence[str], limit: int) -> list[Marked]:
        """See ``LeadStore``."""
        self._ask("alerts", list(conversation_ids), limit)
        return self.marked

    def turns(self, conversation_id: str, limit: int, after: Place | None = None) -> list[LoggedTurn]:
        """See ``LeadStore``."""
        self._ask("turns", conversation_id, limit, after)
        return TURNS[:limit]

    def everything(self, conversation_id: str, limit: int) -> Mapping[str, list[dict[str, Any]]]:
        """See ``LeadStore``."""
        self._ask("everything", conversation_id, limit)
        return self.documents


class Audited(OperatorAudit):
    """What was written down."""

    def __init__(self) -> None:
        self.actions: list[Action] = []

    def note(self, action: Action) -> None:
        """See ``OperatorAudit``."""
        self.actions.append(action)

    def listed(self, limit: int, after: Place | None = None) -> list[Done]:
        """See ``OperatorAudit``."""
        return [Done(each, NOW) for each in self.actions][:limit]


class Site:
    """The flows over fakes."""

    def __init__(self, *leads: Lead, alerts: Sequence[Marked] = ()) -> None:
        self.store, self.audited, self.events = Leads(*leads, alerts=alerts), Audited(), RecordedEvents()
        self.audit = OperatingAudit(self.audited, FakeChance(), self.events)
        self.flow = OperatingLeads(self.store, self.audit, lambda: "PL", self.events)


NOTE = (
    "An incoming webhook does not tell where Slack shows its message: search the channel for the alert's id, "
    "which every message ends with."
)


def test_a_lead_is_shown_with_all_that_became_of_it() -> None:
    """Who it is, what was agreed to, and each of its alerts with what there is to do about it."""
    item = alert("a2", "monday", state=State.DELIVERED, shown_at="https://example.com/2", wake_at=None, ended_at=LATER)
    older = replace(item, id="a3", shown_at="https://example.com/3")
    elsewhere = Marked(alert("a9", conversation="c9"), None)
    site = Site(LEAD, alerts=[Marked(FAILED, dead(FAILED)), Marked(item, None), Marked(older, None), elsewhere])
    found = site.flow.find(FindLead(email=" Ana@Example.COM"))
    [shown] = found["conversations"]
    alerts = shown.pop("alerts")
    assert found["slack_note"] == NOTE
    assert shown == {
        "id": "c1",
        "created_at": NOW.isoformat(),
        "updated_at": LATER.isoformat(),
        "name": "Ana",
        "email": "ana@example.com",
        "phone": "+48600100200",
        "score": 85,
        "language": "en",
        "turn_count": 3,
        "fields": {"area": "80"},
        "consent": {"processing": True, "marketing": False, "at": NOW.isoformat(), "wording": "I agree."},
        "handoff": True,
        "monday_item_url": "https://example.com/3",
    }
    assert [each["id"] for each in alerts] == ["a1", "a2", "a3"]
    told = {name: alerts[0][name] for name in ("next_attempt_at", "runbook", "url", "note", "dead_letter", "state")}
    assert told == {
        "next_attempt_at": None,
        "runbook": "alert-failed.md",
        "url": None,
        "note": NOTE,
        "dead_letter": "failed",
        "state": "failed",
    }
    assert (alerts[1]["runbook"], alerts[1]["url"], alerts[1]["note"]) == (None, "https://example.com/2", None)
    assert site.store.asked == [("email", "ana@example.com", 20), ("alerts", ["c1"], 100)]


@pytest.mark.parametrize(
    ("stands", "next_at"),
    [
        (alert(), NOW + POLICY.grace),
        (alert(state=State.PARKED, wake_at=LATER), LATER),
        (alert(state=State.SENDING, wake_at=LATER), None),
    ],
)
def test_a_lead_says_when_an_alert_is_tried_next(stands: Alert, next_at: Any) -> None:
    """Where that is known; an attempt under way has an end, not a time."""
    [shown] = Site(LEAD, alerts=[Marked(stands, None)]).flow.find(FindLead(id="c1"))["conversations"]
    assert shown["alerts"][0]["next_attempt_at"] == (next_at.isoformat() if next_at else None)
    assert shown["monday_item_url"] is None


@pytest.mark.parametrize(
    ("cause", "history", "page"),
    [
        ("http_404", (Attempt(NOW, "blocked", "http_404"),), "destination-blocked.md"),
        ("http_404", (Attempt(NOW, "rejected", "http_404"),), "alert-failed.md"),
        ("http_404", (Attempt(NOW, "retry", "http_500"),), "destination-blocked.md"),
        ("http_500", (), "alert-failed.md"),
    ],
)
def test_a_dead_letter_has_its_page(cause: str, history: tuple[Attempt, ...], page: str) -> None:
    """By what the attempt came to that its cause is of."""
    stands = replace(FAILED, cause=cause, history=history)
    [shown] = Site(LEAD, alerts=[Marked(stands, dead(stands))]).flow.find(FindLead(id="c1"))["conversations"]
    assert shown["alerts"][0]["runbook"] == page


def test_a_lead_is_found_by_whatever_is_known() -> None:
    """A number of the house's country, an alert, a session; what is no address or number finds nothing, unasked."""
    site = Site(LEAD, alerts=[Marked(alert(), None)])
    assert len(site.flow.find(FindLead(phone="600 100 200"))["conversations"]) == 1
    assert len(site.flow.find(FindLead(id="a1"))["conversations"]) == 1
    site.flow.find(FindLead(id=SESSION))
    assert [asked for asked in site.store.asked if asked[0] != "alerts"] == [
        ("phone", "+48600100200", 20),
        ("ids", ["a1"], "a1"),
        ("ids", [SESSION, ids.conversation_id(SESSION)], SESSION),
    ]
    site.store.asked.clear()
    for command in (FindLead(email="ana"), FindLead(phone="12")):
        assert site.flow.find(command) == {"conversations": [], "slack_note": NOTE}
    assert {asked[0] for asked in site.store.asked} == {"alerts"}


def test_a_conversation_is_read_page_by_page() -> None:
    """One turn more is read than is shown, to know whether there are more."""
    site = Site(LEAD, alerts=[Marked(alert(), None)])
    page = site.flow.conversation("c1", 2, Place(NOW, "t9").text)
    assert page["turns"][0] == {
        "id": "t0",
        "at": NOW.isoformat(),
        "question": "Price?",
        "answer": "100.",
        "alert_ids": ["a1"],
    }
    assert ([each["id"] for each in page["turns"]], page["next"]) == (["t0", "t1"], Place(TURNS[1].at, "t1").text)
    assert (page["conversation"]["id"], len(page["conversation"]["alerts"])) == ("c1", 1)
    assert site.store.asked == [
        ("ids", ["c1"], "c1"),
        ("turns", "c1", 3, Place(NOW, "t9")),
        ("alerts", ["c1"], 100),
    ]
    assert site.flow.conversation("c1", 3, None)["next"] is None


def test_a_conversation_is_not_found_by_its_alert() -> None:
    """Nothing of another one is read."""
    site = Site(LEAD, alerts=[Marked(alert(), None)])
    with pytest.raises(RequestError) as refused:
        site.flow.conversation("a1", 2, None)
    assert (refused.value.status, refused.value.detail) == (404, "A conversation of this id does not exist.")
    assert site.store.asked == [("ids", ["a1"], "a1")]


def test_everything_is_given_as_json_and_on_record() -> None:
    """Times, sets and what JSON has no word for; who took it, and why."""
    site = Site(LEAD)
    kept = {"at": NOW, "n": 1, "x": 0.5, "on": True, "no": None, "in": {"at": [NOW]}, "set": {"a"}, "odd": 1j}
    site.store.documents = {"conversations": [{"id": "c1", **kept}], "turns": []}
    plain = {**kept, "at": NOW.isoformat(), "in": {"at": [NOW.isoformat()]}, "set": ["a"], "odd": "1j"}
    assert site.flow.export(Export("c1", "asked", "Eve")) == {
        "conversation_id": "c1",
        "collections": {"conversations": [{"id": "c1", **plain}], "turns": []},
        "complete": True,
    }
    assert site.store.asked == [("everything", "c1", 2001)]
    assert site.audited.actions == [Action(f"{1:032x}", "export", {"conversation_id": "c1"}, "asked", "Eve")]


def test_an_export_says_where_it_is_not_everything() -> None:
    """So many documents of each collection are given."""
    site = Site(LEAD)
    for many, complete in ((DOCUMENTS_MOST, True), (DOCUMENTS_MOST + 1, False)):
        site.store.documents = {"turns": [{"id": str(number)} for number in range(many)], "alerts": []}
        given = site.flow.export(Export("c1"))
        assert (len(given["collections"]["turns"]), given["complete"]) == (2000, complete)


def test_nothing_is_on_record_of_what_was_not_there() -> None:
    """It does not exist."""
    site = Site()
    with pytest.raises(RequestError, match=r"A conversation of this id does not exist\."):
        site.flow.export(Export("c1"))
    assert site.audited.actions == []


def test_storage_that_does_not_answer_is_told() -> None:
    """Whatever was asked."""
    site = Site(LEAD)
    site.store.fails = True
    for asked in (
        lambda: site.flow.find(FindLead(id="c1")),
        lambda: site.flow.conversation("c1", 1, None),
        lambda: site.flow.export(Export("c1")),
    ):
        with pytest.raises(Unavailable):
            asked()
    assert site.events.names == ["storage_failed"] * 3


class Letters:
    """A store of one alert."""

    def __init__(self, found: Marked | Exception | None) -> None:
        self.found = found

    def alert(self, alert_id: str) -> Marked | None:
        """See ``OperatorStore``."""
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def bundled(found: Marked | Exception | None) -> tuple[Bundling, Audited]:
    """The flow over one alert."""
    audited, events = Audited(), RecordedEvents()
    audit = OperatingAudit(audited, FakeChance(), events)
    store: Any = Letters(found)
    return Bundling(store, audit, {"SLACK_PACE": "1"}, {"bellhop": "1"}, FakeClock(LATER), events), audited


def test_a_bundle_holds_what_replays_and_nothing_of_the_visitor() -> None:
    """What decides how it is tried, attempts by the time since it was made; who took it is on record."""
    flow, audited = bundled(Marked(FAILED, dead(FAILED)))
    assert flow(TakeBundle("a1", "look", "Eve")) == {
        "format": "bellhop-replay-1",
        "made_at": LATER.isoformat(),
        "versions": {"bellhop": "1"},
        "settings": {"SLACK_PACE": "1"},
        "alert": {
            "channel": "slack",
            "kind": "lead",
            "state": "failed",
            "cause": "http_500",
            "attempts_used": 8,
            "epoch": 1,
            "plain": False,
            "maybe_shown": False,
            "blocked": False,
            "payload": {"email": "xxx@xxxxxxx.xxx", "score": 85, "message": "Xxxx 00!"},
        },
        "attempts": [
            {"after_seconds": 0.0, "outcome": "unknown", "cause": "timeout"},
            {"after_seconds": 1.235, "outcome": "retry", "cause": "http_500"},
        ],
        "dead_letter": {"status": "failed", "cause": "http_500"},
        "runbook": "alert-failed.md",
    }
    assert audited.actions == [Action(f"{1:032x}", "bundle", {"ids": ["a1"]}, "look", "Eve")]


@pytest.mark.parametrize(
    ("found", "status", "detail"),
    [
        (None, 404, "A dead letter of this id does not exist."),
        (Marked(alert(), None), 404, "A dead letter of this id does not exist."),
        (Unreadable("a1"), 409, "The alert's document cannot be read by this version; look at it in Firestore."),
    ],
)
def test_what_is_no_dead_letter_has_no_bundle(found: Marked | Exception | None, status: int, detail: str) -> None:
    """And nothing is on record."""
    flow, audited = bundled(found)
    with pytest.raises(RequestError) as refused:
        flow(TakeBundle("a1"))
    assert (refused.value.status, refused.value.detail, audited.actions) == (status, detail, [])


def test_actions_are_listed_page_by_page() -> None:
    """Times of a subject as text, and nothing that is empty."""
    site = Site()
    site.audited.actions += [
        Action("x1", "redrive", {"since": NOW, "cause": None, "ids": ["a1"]}, "why", "Eve"),
        Action("x2", "waive", {}, None, None),
    ]
    page = site.audit.listed(1, None)
    assert page["actions"] == [
        {
            "id": "x1",
            "at": NOW.isoformat(),
            "action": "redrive",
            "subject": {"since": NOW.isoformat(), "ids": ["a1"]},
            "reason": "why",
            "by": "Eve",
        }
    ]
    assert page["next"] == Place(NOW, "x1").text
    assert site.audit.listed(2, Place(NOW, "x9").text)["next"] is None
