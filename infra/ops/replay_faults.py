"""How a stand-in of the local system is broken so that it answers what a dead letter's destination answered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

STANDINS: Mapping[str, str] = {"slack": "slack", "monday": "monday", "email": "smtp", "webhook": "webhook"}
"""A channel → the stand-in that it sends to."""

TRANSPORT: Mapping[str, str] = {
    "connection_broken": "reset",
    "connection_failed": "down",
    "deadline": "timeout",
    "timeout": "timeout",
    "certificate": "bad_certificate",
    "bounced_550": "reject_recipient",
}
"""What goes wrong below the destination's own words."""

_STATUS = re.compile(r"(?:http|smtp|bounced)_([0-9]{3})")


def mode_for(cause: str | None, modes: Sequence[str]) -> str | None:
    """The stand-in's mode that brings a cause about; None where it has none.

    Args:
        cause: of an attempt.
        modes: what the stand-in can do.
    """
    if cause is None:
        return None
    status = _STATUS.fullmatch(cause)
    wanted = (cause, TRANSPORT.get(cause), status[1] if status else None)
    return next((mode for mode in wanted if mode in modes), None)
