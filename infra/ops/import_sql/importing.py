"""The import itself: opt-outs and sent follow-ups first, so that nobody is written to before they are known.

Every row has one fate: imported, there already, skipped with a reason, or refused by Firestore. The phases and the
place within one are kept with the report after every batch; a run that was cut off goes on from there.

Longer than other modules: the phases, one after the other, are read best in one place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from infra.ops.import_sql import conversations as old_conversations
from infra.ops.import_sql.addresses import address_hash, client_hash
from infra.ops.import_sql.conversations import Old, Row, conversation_name, lead_name, make
from infra.ops.import_sql.opt_outs import opt_outs
from infra.ops.import_sql.report import Report
from infra.ops.import_sql.spool import Spool
from infra.ops.import_sql.values import LONG_AGO, boolean, moment, said, whole
from infra.ops.import_sql.writing import BATCH, BATCH_BYTES, NewDocument, Target, Together
from shared.domain import ids
from shared.domain.contact import valid_email
from shared.domain.conversation import TURNS_KEPT
from shared.migrations.step import CannotTransform, Change
from shared.migrations.step import NewDocument as Created
from shared.migrations.steps import s0002_dead_letters_of_before as old_dead_letters

PHASES = (
    "suppressions",
    "followups",
    "followup_counts",
    "conversations",
    "orphans",
    "leads",
    "rodo_consents",
    "consent_audit",
    "dead_letters",
)
SAVE_ROWS = 500
FOLLOWUPS_MOST = 50
NO_PARENT = "there is no such conversation"
LISTED_MOST = 200


@dataclass
class Importing:
    """One import.

    Attributes:
        spool: the old rows.
        target: where they go.
        hash_key: what addresses are hashed with.
        zone: of old times that name none.
        language: of old conversations.
        now: when an opt-out without a time is said to be.
        tell: called with a phase and how many rows of it are done.
        report: what has come of it.
    """

    spool: Spool
    target: Target
    hash_key: str
    zone: tzinfo
    language: str
    now: datetime
    tell: Callable[[str, int], None]
    report: Report = field(default_factory=Report)
    _waiting: list[NewDocument] = field(default_factory=list)
    _bytes: int = 0
    _phase: str = PHASES[0]
    _reached: int | None = None

    def __call__(self, *, again: bool) -> Report:
        """Import everything.

        Args:
            again: from the beginning, also where an earlier run was cut off.

        Raises:
            StorageError: Firestore did not answer; what was done is kept.
        """
        state = {} if again else self.target.load()
        phases = list(PHASES)
        after: int | None = None
        if state.get("state") == "running" and state.get("phase") in PHASES[1:]:
            self.report = Report.of(state["report"])
            phases, after = phases[phases.index(state["phase"]) :], state["reached"]
        for phase in phases:
            self._phase, self._reached = phase, after
            run: Callable[[int | None], Iterator[int]] = getattr(self, f"_{phase}")
            for number, row_id in enumerate(run(after), start=1):
                self._reached = row_id
                if len(self._waiting) >= BATCH or self._bytes > BATCH_BYTES or number % SAVE_ROWS == 0:
                    self._flush()
                    self.tell(phase, number)
            self._flush()
            after = None
        self._save("done")
        return self.report

    def _flush(self) -> None:
        if self._waiting:
            self.target.create(self._waiting, self.report.fates)
            self._waiting, self._bytes = [], 0
        self._save("running")

    def _save(self, state: str) -> None:
        kept = {"state": state, "phase": self._phase, "reached": self._reached, "report": self.report.kept()}
        self.target.save(kept)

    def _add(self, path: tuple[str, ...], fields: Mapping[str, Any], **rows: int) -> None:
        self._waiting.append(NewDocument(path, fields, rows))
        self._bytes += sum(len(value) for value in fields.values() if isinstance(value, str)) + 500

    def _suppressions(self, _: int | None) -> Iterator[int]:
        out = opt_outs(self.spool, self.zone, self.report.remarks)
        for number, (address, at) in enumerate(sorted(out.items())):
            since = at if at > LONG_AGO else self.now
            document = {"list": "marketing", "reason": "imported", "since": since}
            self._add(("suppressions", address_hash(address, self.hash_key)), document)
            yield number
        self.report.opt_outs = len(out)

    def _conversations(self, after: int | None) -> Iterator[int]:
        for row in self.spool.rows("chat_conversations", after):
            name, first = self._name(row)
            leads = list(self._of_session("leads", row)) if first else []
            consents = list(self._of_session("rodo_consents", row)) if first else []
            old = Old(name, row, leads, consents)
            self._conversation(old, {"chat_conversations": 1, "leads": len(leads)})
            yield row["id"]

    def _conversation(self, old: Old, rows: dict[str, int]) -> None:
        recent: deque[Any] = deque(maxlen=TURNS_KEPT)
        count = 0
        for turn, messages in self._turns(old):
            count += 1
            recent.append(turn)
            document = {
                "conversation_id": old.id,
                "question": turn.question,
                "answer": turn.answer,
                "at": turn.at,
                "alert_ids": [],
            }
            path = ("conversations", old.id, "messages", ids.request_hash("old message", str(messages[0])))
            self._add(path, document, chat_messages=len(messages))
            if len(self._waiting) >= BATCH or self._bytes > BATCH_BYTES:
                self.target.create(self._waiting, self.report.fates)
                self._waiting, self._bytes = [], 0
        made = make(old, list(recent), count, self.zone, self.language)
        self.report.remarks.update(made.remarks)
        self._add(
            ("conversations", old.id), made.document, **{table: number for table, number in rows.items() if number}
        )

    def _turns(self, old: Old) -> Iterator[tuple[Any, list[int]]]:
        if old.conversation is None:
            return iter(())
        began = self._time(old.conversation, "started_at")

        def told() -> Iterator[Row]:
            for message in self.spool.rows("chat_messages", conversation_id=old.conversation["id"]):  # type: ignore[index]
                problem = old_conversations.problem_of_message(message)
                if problem is None:
                    yield message
                else:
                    self.report.skipped["chat_messages", problem] += 1

        return old_conversations.turns_of(told(), self.zone, began)

    def _orphans(self, after: int | None) -> Iterator[int]:
        """Messages of conversations that are not there."""
        for row in self.spool.rows("chat_messages", after):
            parent = whole(row["conversation_id"])
            if parent is None or self.spool.first("chat_conversations", id=parent) is None:
                self.report.skipped["chat_messages", NO_PARENT] += 1
            yield row["id"]

    def _leads(self, after: int | None) -> Iterator[int]:
        """Leads whose session has no conversation: one is made of all leads of the session."""
        for row in self.spool.rows("leads", after):
            session = _session(row)
            if session and self.spool.first("chat_conversations", session_id=row["session_id"]) is not None:
                continue
            leads = list(self._of_session("leads", row)) if session else [row]
            if leads[0]["id"] != row["id"]:
                continue
            consents = list(self._of_session("rodo_consents", row))
            self._conversation(Old(lead_name(row), None, leads, consents), {"leads": len(leads)})
            yield row["id"]

    def _rodo_consents(self, after: int | None) -> Iterator[int]:
        for row in self.spool.rows("rodo_consents", after):
            given = boolean(row["consent_given"])
            session = _session(row)
            document = {
                "actor": "visitor",
                "action": "consent",
                "source": "old_system",
                "conversation_id": ids.conversation_id(session) if session else None,
                "client": client_hash(row["ip_address"], self.hash_key) if row["ip_address"] else None,
                "consent": {"processing": given} if given is not None else None,
                "at": self._time(row, "consent_date"),
            }
            self._audit("old rodo consent", row["id"], document, rodo_consents=1)
            yield row["id"]

    def _consent_audit(self, after: int | None) -> Iterator[int]:
        for row in self.spool.rows("consent_audit_log", after):
            address = valid_email(row["email"] or "")
            parent = whole(row["conversation_id"])
            conversation = self.spool.first("chat_conversations", id=parent) if parent is not None else None
            document = {
                "actor": "visitor",
                "action": said(row["action"], 100) or "unknown",
                "source": "old_system",
                "address": address_hash(address, self.hash_key) if address is not None else None,
                "conversation_id": self._name(conversation)[0] if conversation is not None else None,
                "client": client_hash(row["ip_address"], self.hash_key) if row["ip_address"] else None,
                # A reason that names somebody would tell whose line it is after an erasure.
                "reason": said(row["reason"], 500) if row["reason"] and "@" not in row["reason"] else None,
                "at": self._time(row, "timestamp"),
            }
            if row["email"] and address is None:
                self.report.remarks["consent_audit_log", "its e-mail is not a valid address, and is not kept"] += 1
            self._audit("old consent audit", row["id"], document, consent_audit_log=1)
            yield row["id"]

    def _audit(self, kind: str, row_id: int, document: Mapping[str, Any], **rows: int) -> None:
        known = {name: value for name, value in document.items() if value is not None}
        self._add(("consent_audit", ids.request_hash(kind, str(row_id))), known, **rows)

    def _dead_letters(self, after: int | None) -> Iterator[int]:
        """Each in a commit of its own: its alert, its dead letter and the tally that counts it, or none of them."""
        for row in self.spool.rows("dead_letter_queue", after):
            fields = dict(row) | {name: self._at(row[name]) for name in ("created_at", "last_retry_at")}
            try:
                kind, status = old_dead_letters.of_row(fields)
            except CannotTransform as error:
                self.report.skipped["dead_letter_queue", error.reason] += 1
                yield row["id"]
                continue
            name = ids.request_hash("old dead letter", str(row["id"]))
            if status == "delivered":
                never = kind != old_dead_letters.SLACK
                reason = "the old system marked it delivered without sending it" if never else "it was delivered"
                self.report.skipped["dead_letter_queue", reason] += 1
            else:
                self._dead_letter(name, fields)
            if kind != old_dead_letters.SLACK:
                self._list_never_sent(row["id"], kind, status, name if status != "delivered" else None)
            yield row["id"]

    def _dead_letter(self, name: str, fields: Mapping[str, Any]) -> None:
        alert, dead_letter = old_dead_letters.brought(name, fields)
        created = (Created("alerts", name, alert), Created("dead_letters", name, dead_letter))
        tally = old_dead_letters.tally(str(alert["channel"]), name)
        self.target.create_together(
            Together(Change(creates=created, tallies=(tally,)), {"dead_letter_queue": 1}), self.report.fates
        )

    def _list_never_sent(self, row_id: int, kind: str, status: str, alert: str | None) -> None:
        line = {"id": row_id, "event_type": kind, "status": status, "alert": alert}
        if len(self.report.never_sent) < LISTED_MOST and line not in self.report.never_sent:
            self.report.never_sent.append(line)

    def _followups(self, after: int | None) -> Iterator[int]:
        for row in self.spool.rows("followup_events", after):
            number, parent = whole(row["followup_number"]), whole(row["conversation_id"])
            conversation = self.spool.first("chat_conversations", id=parent) if parent is not None else None
            problem = (
                NO_PARENT
                if conversation is None
                else "its number is no whole number from 1"
                if number is None or number < 1
                else "it was not sent"
                if (row["status"] or "").strip().lower() in {"failed", "pending", "scheduled", "cancelled", "skipped"}
                else None
            )
            if problem is not None or conversation is None or number is None:
                self.report.skipped["followup_events", str(problem)] += 1
            else:
                self._followup(self._name(conversation)[0], number, self._at(row["sent_at"]), followup_events=1)
            yield row["id"]

    def _followup_counts(self, after: int | None) -> Iterator[int]:
        """Follow-ups that a conversation counts, also where no event tells of them."""
        for row in self.spool.rows("chat_conversations", after):
            for number in range(1, min(whole(row["followup_count"]) or 0, FOLLOWUPS_MOST) + 1):
                self._followup(self._name(row)[0], number, self._at(row["last_followup_at"]))
            yield row["id"]

    def _followup(self, name: str, number: int, at: datetime | None, **rows: int) -> None:
        document = {"conversation_id": name, "number": number, "alert_id": None, "made_at": at or self.now}
        self._add(("followups", f"{name}:{number}"), document | {"imported": True}, **rows)

    def _name(self, row: Row) -> tuple[str, bool]:
        """A conversation's name, and whether it is the first of its session, which has the session's leads."""
        session = row["session_id"] if _session(row) else None
        first = self.spool.first("chat_conversations", session_id=session) if session is not None else None
        return conversation_name(row, first["id"] if first is not None else None), (
            first is not None and first["id"] == row["id"]
        )

    def _of_session(self, table: str, row: Row) -> Iterator[Row]:
        return self.spool.rows(table, session_id=row["session_id"]) if _session(row) else iter(())

    def _time(self, row: Row, *names: str) -> datetime:
        return next((at for name in names if (at := self._at(row[name]))), LONG_AGO)

    def _at(self, text: str | None) -> datetime | None:
        return moment(text, self.zone)


def _session(row: Row) -> str:
    return (row["session_id"] or "").strip()
