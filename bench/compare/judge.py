"""The judge of a comparison, the same for every system: from who was answered and what Slack shows; no I/O.

Lost is what was accepted (the visitor got a 200) and is not shown at the end, whatever the reason. Shown twice are the
copies beyond a visitor's first, accepted or not. A lost lead is known of where a person was told of it by other means,
or a record says that it was not delivered.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DELIVERED = "delivered"
_EMAIL = re.compile(r"\bvisitor-[0-9a-z]+-[0-9]+@example\.com\b")


@dataclass(frozen=True)
class Asked:
    """What a visitor met.

    Attributes:
        at: when they asked, in seconds.
        accepted: whether the answer was a 200.
    """

    at: float
    accepted: bool


@dataclass(frozen=True)
class Shown:
    """A message in Slack.

    Attributes:
        at: when it was accepted, in seconds of the same clock.
        emails: of the visitors it tells of.
        warns: it says itself that it may be a repetition.
    """

    at: float
    emails: tuple[str, ...]
    warns: bool = False


@dataclass(frozen=True)
class Evidence:
    """All there is to judge by.

    Attributes:
        asked: visitors by the e-mail they left.
        shown: messages, oldest first; those of other visitors are not looked at.
        told: e-mails of which a person was told by other means.
        recorded: what the record says of an e-mail's alert; nothing where none is kept.
    """

    asked: Mapping[str, Asked]
    shown: Sequence[Shown]
    told: Collection[str] = ()
    recorded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What became of a load.

    Attributes:
        accepted: visitors who got a 200.
        turned_away: visitors who got anything else.
        lost: e-mails.
        known: of the lost, those that a person or a record knows of.
        twice: copies beyond the first.
        warned: of those copies, the ones that say that they may be repetitions.
        waits: seconds from asking to Slack's receipt, of who was accepted and shown, the shortest first.
    """

    accepted: int
    turned_away: int
    lost: tuple[str, ...]
    known: int
    twice: int
    warned: int
    waits: tuple[float, ...]


def judge(evidence: Evidence) -> Verdict:
    """Judge a load, after its wait."""
    asked, first = evidence.asked, {}
    twice = warned = 0
    for message in evidence.shown:
        for email in message.emails:
            if email not in asked:
                continue
            if email in first:
                twice, warned = twice + 1, warned + message.warns
            else:
                first[email] = message.at
    accepted = [email for email, visitor in asked.items() if visitor.accepted]
    lost = tuple(email for email in accepted if email not in first)
    return Verdict(
        accepted=len(accepted),
        turned_away=len(asked) - len(accepted),
        lost=lost,
        known=sum(email in evidence.told or evidence.recorded.get(email, DELIVERED) != DELIVERED for email in lost),
        twice=twice,
        warned=warned,
        waits=tuple(sorted(first[email] - asked[email].at for email in accepted if email in first)),
    )


def emails_in(message: Any) -> tuple[str, ...]:
    """The visitors that a message tells of, each once."""
    return tuple(dict.fromkeys(_EMAIL.findall(json.dumps(message))))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of the values does not exceed (nearest rank); NaN of none.

    Args:
        values: sorted.
        share: above 0, at most 1.
    """
    return values[max(0, math.ceil(len(values) * share) - 1)] if values else math.nan
