"""What the operator's console can be asked for, a class a route; read by ``shared.edge.admin_request``.

``by`` is who says so and ``reason`` why, None where nothing was said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class AlertsQuery:
    """``GET /alerts``: by exactly one of the two."""

    email: str | None
    id: str | None


@dataclass(frozen=True)
class DeadLettersQuery:
    """``GET /dead_letters``: a page from after a place on, of those that are wanted; None does not matter.

    Attributes:
        since: became dead letters then or later.
        before: and before then.
    """

    status: str | None
    cause: str | None
    channel: str | None
    limit: int
    after: str | None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class RedriveRequest:
    """``POST /dead_letters/redrive``.

    Attributes:
        ids: named one by one, each once; or None.
        cause: all of this cause; or None.
        since: all that became dead letters then or later; or None.
        before: and before then.
        channel: of them those of this one; None for any.
        statuses: of them those of these; None for any.
        reason: why, None where nothing was said.
        by: who says so, likewise.
    """

    ids: tuple[str, ...] | None
    cause: str | None
    since: datetime | None
    before: datetime | None
    channel: str | None
    statuses: tuple[str, ...] | None
    reason: str | None
    by: str | None


@dataclass(frozen=True)
class RedriveQuery:
    """``GET /redrives/{id}``."""

    id: str


@dataclass(frozen=True)
class WaiveRequest:
    """``POST /dead_letters/{id}/waive``: which, why, and who says so (None where nothing was said)."""

    id: str
    reason: str
    by: str | None


@dataclass(frozen=True)
class ConservationQuery:
    """``GET /conservation``."""


@dataclass(frozen=True)
class AuditQuery:
    """``GET /consent_audit``: a page, of one address or of all (None), from after a place on."""

    email: str | None
    limit: int
    after: str | None


@dataclass(frozen=True)
class ErasuresQuery:
    """``GET /erasures`` and ``GET /erasures/{id}``."""

    id: str | None


@dataclass(frozen=True)
class BreakersQuery:
    """``GET /breakers``."""


@dataclass(frozen=True)
class BreakerRequest:
    """``POST /breakers/{channel}``: ``mode`` is ``open``, ``closed`` or ``auto``."""

    channel: str
    mode: str
    reason: str | None
    by: str | None


@dataclass(frozen=True)
class CanaryQuery:
    """``GET /canary``."""


@dataclass(frozen=True)
class OverviewQuery:
    """``GET /overview``."""


@dataclass(frozen=True)
class HistoryQuery:
    """``GET /history``: of so many hours."""

    hours: int


@dataclass(frozen=True)
class JobsQuery:
    """``GET /jobs``."""


@dataclass(frozen=True)
class JobRequest:
    """``POST /jobs/{name}/{verb}``: ``verb`` is ``pause``, ``resume`` or ``run``."""

    name: str
    verb: str
    reason: str | None
    by: str | None


@dataclass(frozen=True)
class LeadsQuery:
    """``GET /leads``: by exactly one of the three; ``id`` is a conversation's, a session's or an alert's."""

    email: str | None
    phone: str | None
    id: str | None


@dataclass(frozen=True)
class ConversationQuery:
    """``GET /conversations/{id}``: a page of its turns, from after a place on."""

    id: str
    limit: int
    after: str | None


@dataclass(frozen=True)
class ExportQuery:
    """``GET /conversations/{id}/export``."""

    id: str
    reason: str | None
    by: str | None


@dataclass(frozen=True)
class BundleQuery:
    """``GET /dead_letters/{id}/bundle``."""

    id: str
    reason: str | None
    by: str | None


@dataclass(frozen=True)
class OperatorAuditQuery:
    """``GET /operator_audit``: a page, from after a place on."""

    limit: int
    after: str | None


AdminRequest = (
    AlertsQuery
    | DeadLettersQuery
    | RedriveRequest
    | RedriveQuery
    | WaiveRequest
    | BundleQuery
    | ConservationQuery
    | CanaryQuery
    | OverviewQuery
    | HistoryQuery
    | BreakersQuery
    | BreakerRequest
    | JobsQuery
    | JobRequest
    | LeadsQuery
    | ConversationQuery
    | ExportQuery
    | OperatorAuditQuery
    | AuditQuery
    | ErasuresQuery
)
