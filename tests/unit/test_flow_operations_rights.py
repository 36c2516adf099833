"""What an operator looks up of visitors' rights: a page of the audit, and certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain import ids
from shared.domain.erasure import RUNNING, Erasure, certificate
from shared.domain.rights import Recorded
from shared.errors import RequestError, StorageUnavailable, Unavailable
from shared.flows.operations_rights import ERASURES_MOST, OperatingRights
from shared.ports.operations import Place
from shared.ports.rights import Noted
from tests.support.erasure_stores import FakeErasures
from tests.support.fakes import NOW, FakeAlertStore, RecordedEvents
from tests.support.rights_stores import FakeRights

ANA = ids.address_hash("ana@example.com", "key")
AT = datetime(2026, 1, 5, tzinfo=UTC)
LINES = [Recorded(f"r{number}", "link", "unsubscribe", "page", ANA if number else "other") for number in range(4)]
BEGUN = Erasure("hash", RUNNING, "c1", NOW, NOW)


class AskedRights(FakeRights):
    """What was asked of the audit."""

    asked: tuple[str | None, int, tuple[datetime, str] | None]

    def audit(self, address: str | None, limit: int, after: tuple[datetime, str] | None) -> list[Noted]:
        """See ``RightsStore``."""
        self.asked = (address, limit, after)
        return super().audit(address, limit, after)


def operating(*erasures: Erasure) -> tuple[OperatingRights, AskedRights, RecordedEvents]:
    """The flows over an audit of four lines."""
    store, events = AskedRights(), RecordedEvents()
    store.records += LINES
    return OperatingRights(store, FakeErasures(FakeAlertStore(), *erasures), "key", events), store, events


def test_a_line_of_the_audit_says_all_that_was_recorded() -> None:
    """With its time, and what was agreed to, or nothing where it is not about that."""
    flow, store, _ = operating()
    agreed = Recorded("r9", "visitor", "consent", "chat", ANA, "c1", "client", "I agree.", {"marketing": True})
    store.records.append(agreed)
    page = flow.audit(None, 2, None)
    assert page["entries"] == [
        {
            "id": "r9",
            "at": AT.isoformat(),
            "actor": "visitor",
            "action": "consent",
            "source": "chat",
            "address": ANA,
            "conversation_id": "c1",
            "client": "client",
            "wording": "I agree.",
            "consent": {"marketing": True},
        },
        {
            "id": "r3",
            "at": AT.isoformat(),
            "actor": "link",
            "action": "unsubscribe",
            "source": "page",
            "address": ANA,
            "conversation_id": None,
            "client": None,
            "wording": None,
            "consent": None,
        },
    ]
    assert page["next"] == Place(AT, "r3").text


def test_the_last_page_names_no_next_one() -> None:
    """One line more is read than is shown, to know."""
    flow, store, _ = operating()
    assert (flow.audit(None, 4, None)["next"], store.asked) == (None, (None, 5, None))
    page = flow.audit(None, 3, Place(AT, "r9").text)
    assert ([each["id"] for each in page["entries"]], page["next"]) == (["r3", "r2", "r1"], Place(AT, "r1").text)
    assert store.asked == (None, 4, (AT, "r9"))


def test_an_address_is_looked_up_however_it_is_written() -> None:
    """By its keyed hash; what is no address has no lines, and nothing is read for it."""
    flow, store, _ = operating()
    assert [each["id"] for each in flow.audit(" Ana@Example.COM", 9, None)["entries"]] == ["r3", "r2", "r1"]
    assert store.asked == (ANA, 10, None)
    store.calls.clear()
    assert flow.audit("ana", 9, None) == {"entries": [], "next": None}
    assert store.calls == []


def test_what_names_no_place_is_refused() -> None:
    """Before anything is read."""
    flow, store, _ = operating()
    with pytest.raises(ValueError, match="not a place"):
        flow.audit(None, 9, "nowhere")
    assert store.calls == []


def test_certificates_are_listed_or_looked_up() -> None:
    """The newest first; one that is not there does not exist."""
    newer = replace(BEGUN, id="newer", requested_at=NOW + timedelta(days=1))
    flow, _, _ = operating(BEGUN, newer)
    assert flow.erasures(None) == {"erasures": [certificate(newer), certificate(BEGUN)]}
    assert flow.erasures("hash") == certificate(BEGUN)
    with pytest.raises(RequestError) as refused:
        flow.erasures("gone")
    assert (refused.value.status, refused.value.detail) == (404, "An erasure of this id does not exist.")


def test_so_many_certificates_are_listed() -> None:
    """The newest hundred."""
    many = [replace(BEGUN, id=str(number)) for number in range(ERASURES_MOST + 1)]
    assert len(operating(*many)[0].erasures(None)["erasures"]) == 100


def test_storage_that_does_not_answer_is_told() -> None:
    """And reported."""
    flow, store, events = operating()
    store.fails = StorageUnavailable("down")
    with pytest.raises(Unavailable):
        flow.audit(None, 9, None)
    assert events.lines == [("storage_failed", {"error": "StorageUnavailable"})]
