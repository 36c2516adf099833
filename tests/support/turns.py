"""Claims, windows and commits for the tests of the chat's stores."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.admission import Limit, Window, windows
from shared.domain.alert import Alert, create
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Consent, Conversation, Turn
from shared.ports import Admitted, ChatStore, Claim, TurnCommit, Version

LIMIT = Limit("chat", 30, 60)
START = datetime.now(UTC)


def now() -> datetime:
    """The time, to the microsecond, as Firestore keeps it."""
    return datetime.now(UTC)


def unique() -> str:
    """A name nobody else has."""
    return uuid.uuid4().hex


def window(client: str = "client", limit: Limit = LIMIT) -> Window:
    """A client's window, the same for as long as the tests run."""
    return windows(client, (limit,), START)[0]


def claim(name: str = "claim", *, lives: float = 60) -> Claim:
    """A claim that holds for so many seconds; negative: it has expired."""
    expires_at = now() + timedelta(seconds=lives)
    return Claim(name, "request", "conversation", unique(), expires_at)


def admitted(store: ChatStore, wanted: Claim) -> Version:
    """Take a claim; its version."""
    admission = store.open_turn(wanted, [window()], None).admission
    assert isinstance(admission, Admitted)
    assert admission.claim_version is not None
    return admission.claim_version


def alert(name: str = "alert", **changes: Any) -> Alert:
    """A new alert."""
    made = create(
        name,
        conversation_id="conversation",
        channel="slack",
        kind="lead",
        payload={"email": "ana@example.com", "name": None, "score": 85, "message": "שלום \U0001f600 & <b>"},
        now=now(),
        nonce=unique(),
        grace=timedelta(seconds=10),
    )
    return replace(made, **changes)


def conversation(turns: int = 1, **changes: Any) -> Conversation:
    """A conversation after so many turns, every field used."""
    at = now()
    stands = Conversation(
        id="conversation",
        details=ContactDetails("Ana", "ana@example.com", "+48123456789"),
        score=85,
        consent=Consent(processing=True, marketing=False, at=at, wording="I agree to be called back."),
        language="en",
        turns=(),
        turn_count=0,
        alerted=frozenset({"lead", "correction"}),
        created_at=at,
        updated_at=at,
        fields={"area": "80", "budget": "20000 EUR"},
        open_question="May I talk to somebody?",
        version=3,
    )
    for number in range(turns):
        stands = stands.with_turn(Turn(f"question {number} \U0001f600", f"answer {number}", at))
    return replace(stands, **changes)


def commit(
    of: Conversation | None = None,
    version: Version | None = None,
    *alerts: Alert,
    held: tuple[Claim, Version] | None = None,
) -> TurnCommit:
    """The commit of a turn."""
    after = of or conversation()
    return TurnCommit(
        conversation=after,
        conversation_version=version,
        message_id=unique(),
        turn=after.turns[-1],
        alerts=alerts,
        claim=held,
        answer={"response": "Hi \U0001f600", "lead_score": 85, "handoff": False, "session_id": "s", "last": None},
        answer_expires_at=now() + timedelta(hours=24),
    )
