"""Old values as what they mean; the old rows are dirty, so nothing here raises."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE, _FALSE = frozenset({"t", "true", "1", "yes", "y", "on"}), frozenset({"f", "false", "0", "no", "n", "off"})
_OPTED_OUT = re.compile(r"marketing_consent\s*[:=]\s*['\"]?(?:false|no|0)\b", re.IGNORECASE)
_ZONE = re.compile(r"([+-]\d\d)$")
_YEARS = range(1970, 2200)
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")


def boolean(text: str | None) -> bool | None:
    """True, false, or None where it is neither."""
    word = (text or "").strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def whole(text: str | None) -> int | None:
    """A whole number; a fraction is cut."""
    try:
        return int(float(text)) if text is not None and text.strip() else None
    except (ValueError, OverflowError):
        return None


def moment(text: str | None, zone: tzinfo) -> datetime | None:
    """A time in UTC; one that names no zone is of ``zone``."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(_ZONE.sub(r"\1:00", text.strip()))
        at = at.replace(tzinfo=zone) if at.tzinfo is None else at
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None


def said(text: str | None, most: int = 100_000) -> str:
    """A text as Firestore can hold it."""
    return _NOT_TEXT.sub("\ufffd", text or "")[:most]


def opted_out(notes: str | None) -> bool:
    """Whether a lead's notes hide that it wants no marketing."""
    return _OPTED_OUT.search(notes or "") is not None
