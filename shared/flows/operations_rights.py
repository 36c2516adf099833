"""What an operator looks up of visitors' rights: the consent audit, and the certificates of erasures. JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.domain import ids
from shared.domain.contact import valid_email
from shared.domain.erasure import certificate
from shared.flows.operations import answered
from shared.flows.operations_answers import missing
from shared.ports import Events
from shared.ports.operations import Place
from shared.ports.rights import ErasureStore, Noted, RightsStore

ERASURES_MOST = 100


@dataclass(frozen=True)
class OperatingRights:
    """The flows with what they need; ``hash_key`` is what addresses are hashed with."""

    store: RightsStore
    erasing: ErasureStore
    hash_key: str
    events: Events

    def audit(self, email: str | None, limit: int, after: str | None) -> dict[str, Any]:
        """A page of the audit, of one address (however it is written) or of all, and where the next one begins.

        Raises:
            ValueError: ``after`` names no place.
            Unavailable: storage did not answer.
        """
        address = valid_email(email) if email is not None else None
        if email is not None and address is None:
            return {"entries": [], "next": None}
        hashed = ids.address_hash(address, self.hash_key) if address is not None else None
        place = Place.of(after) if after is not None else None
        with answered(self.events):
            found = self.store.audit(hashed, limit + 1, (place.entered_at, place.id) if place is not None else None)
        page, more = found[:limit], len(found) > limit
        next_page = Place(page[-1].at, page[-1].record.id).text if more else None
        return {"entries": [_view(noted) for noted in page], "next": next_page}

    def erasures(self, erasure_id: str | None) -> dict[str, Any]:
        """The certificate of one erasure, or those of the newest.

        Raises:
            RequestError: 404, there is no such erasure.
            Unavailable: storage did not answer.
        """
        with answered(self.events):
            if erasure_id is None:
                return {"erasures": [certificate(each) for each in self.erasing.listed(ERASURES_MOST)]}
            found = self.erasing.find(erasure_id)
        if found is None:
            raise missing("An erasure of this id")
        return certificate(found)


def _view(noted: Noted) -> dict[str, Any]:
    record = noted.record
    return {
        "id": record.id,
        "at": noted.at.isoformat(),
        "actor": record.actor,
        "action": record.action,
        "source": record.source,
        "address": record.address,
        "conversation_id": record.conversation_id,
        "client": record.client,
        "wording": record.wording,
        "consent": dict(record.consent) if record.consent is not None else None,
    }
