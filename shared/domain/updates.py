"""Updates of a lead where it is one thing that changes: only the conversation's current version is worth sending.

They go one at a time for a conversation and channel (guarantee 27). Who holds an update's lease looks *then* which
version stands; who wants one looks first whether another's lease is live. So of two that run at the same time one sees
the other: the newer one waits for the older one's end, or the older one finds that it is outdated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.domain.alert import UPDATE, Alert, State
from shared.domain.delivery import ended

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """What an update is compared with.

    Attributes:
        version: the conversation's, None where it is gone.
        lead: the alert of the lead that is updated, at the same channel; None where it is gone.
    """

    version: int | None
    lead: Alert | None

    @property
    def lead_ended_at(self) -> datetime | None:
        """When the lead's own alert came to its end, whatever that was; None while it still may be delivered."""
        if self.lead is None:
            return LONG_AGO
        return None if self.lead.waiting else self.lead.ended_at or LONG_AGO


def versioned(alert: Alert) -> bool:
    """Whether an alert brings its channel to a version of a lead."""
    return alert.kind == UPDATE and "version" in alert.payload


def outdated(alert: Alert, standing: Standing) -> bool:
    """Whether a newer version stands; its own alert was made in the same commit."""
    return standing.version is not None and int(alert.payload["version"]) < standing.version


def superseded(held: Alert, *, now: datetime, nonce: str) -> Alert:
    """The end of an update that its holder has not sent, as a newer version stands."""
    return replace(ended(held, State.SUPERSEDED, now), nonce=nonce, cause=None)
