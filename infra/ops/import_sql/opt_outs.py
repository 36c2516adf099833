"""Addresses that want no marketing, wherever the old system kept that: leads' notes, a column, its audit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

from infra.ops.import_sql.conversations import Old, context_email, emails_of
from infra.ops.import_sql.spool import Spool
from infra.ops.import_sql.values import LONG_AGO, boolean, moment, opted_out
from shared.domain.contact import valid_email
from shared.migrations.step import CannotTransform

NOT_KEPT = "an opt-out without a valid address cannot be kept"
_IN = re.compile(r"undo|re-?sub|opt[ _-]?in")
_OUT = re.compile(r"unsub|opt[ _-]?out|withdr|revok|eras|delet|forget")


def opt_outs(spool: Spool, zone: tzinfo, remarks: Counter[tuple[str, str]]) -> dict[str, datetime]:
    """Addresses in their normal form, and since when; not those whose opt-out was undone later, by the audit.

    Consent that was given in a chat later undoes nothing: whoever types an address need not be its owner.

    Args:
        spool: the old rows.
        zone: of times that name none.
        remarks: gets what cannot be kept, by table and why.
    """
    out: dict[str, datetime] = {}
    for table, email, at in _said(spool, zone):
        address = valid_email(email or "")
        if address is None:
            remarks[table, NOT_KEPT] += 1
        else:
            out[address] = max(at, out.get(address, LONG_AGO))
    for row in spool.rows("consent_audit_log"):
        address = valid_email(row["email"] or "")
        undone = moment(row["timestamp"], zone) if action_of(row) == "in" else None
        if address in out and undone is not None and undone > out[address]:
            del out[address]
    return out


def action_of(row: dict[str, Any]) -> str | None:
    """Whether a line of the audit opts ``out`` of marketing, or ``in`` again; None where it does neither."""
    action = (row["action"] or "").strip().lower()
    if _IN.search(action):
        return "in"
    return "out" if _OUT.search(action) else None


def _said(spool: Spool, zone: tzinfo) -> Iterator[tuple[str, str | None, datetime]]:
    """Every opt-out: its table, the address as it was written, and when."""
    for lead in spool.rows("leads"):
        if opted_out(lead["notes"]):
            yield "leads", lead["email"], _time(lead, zone, "last_interaction", "created_at")
    for row in spool.rows("chat_conversations"):
        if boolean(row["marketing_consent"]) is False:
            for text in _emails(spool, row):
                yield "chat_conversations", text, _time(row, zone, "ended_at", "started_at")
    for row in spool.rows("consent_audit_log"):
        if action_of(row) == "out":
            yield "consent_audit_log", row["email"], _time(row, zone, "timestamp")


def _emails(spool: Spool, row: dict[str, Any]) -> list[str]:
    """Every address of a conversation: that it may be no lead's is no reason to write to it."""
    session = (row["session_id"] or "").strip()
    leads = list(spool.rows("leads", session_id=row["session_id"])) if session else []
    found = [text for _, text in emails_of(Old("", row, leads))]
    try:
        inside = context_email(row["context_data"])
    except CannotTransform:
        inside = None
    return found + ([inside] if inside else [])


def _time(row: dict[str, Any], zone: tzinfo, *names: str) -> datetime:
    return next((at for name in names if (at := moment(row[name], zone))), LONG_AGO)
