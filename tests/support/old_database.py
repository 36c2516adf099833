"""An old database of a given size, as dirty as the real ones are; the same one for the same seed."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg

BEGAN = datetime(2024, 3, 1, 9, 0, 0)  # noqa: DTZ001 - the old system's times name no zone
TABLES = {
    "chat_conversations": (
        "id integer primary key, session_id text, context_data text, started_at timestamp, ended_at timestamp, "
        "feedback_text text, conversation_summary text, needs_human_review boolean, followup_count integer, "
        "last_followup_at timestamp, email text, marketing_consent boolean, rodo_consent boolean"
    ),
    "chat_messages": (
        "id integer primary key, conversation_id integer, message text, sender text, timestamp timestamp, "
        "is_followup boolean"
    ),
    "leads": (
        "id integer primary key, session_id text, name text, email text, phone text, interested_package text, "
        "property_size text, location text, additional_info text, notes text, status text, monday_item_id text, "
        "lead_score integer, last_interaction timestamp, created_at timestamp"
    ),
    "rodo_consents": (
        "id integer primary key, session_id text, consent_given boolean, consent_date timestamp, ip_address text, "
        "user_agent text"
    ),
    "dead_letter_queue": (
        "id integer primary key, event_type text, target text, payload text, error_message text, retry_count integer, "
        "created_at timestamp, last_retry_at timestamp, status text"
    ),
    "consent_audit_log": (
        "id integer primary key, conversation_id integer, lead_id integer, email text, action text, "
        "timestamp timestamp, ip_address text, user_agent text, reason text, notes text"
    ),
    "followup_events": (
        "id integer primary key, conversation_id integer, followup_number integer, sent_at timestamp, status text"
    ),
    "users": "id integer primary key, password text",
}
CONTEXTS = ("{broken", "[1, 2]", "", None, '{"email": "not an address"}')
HARD = 'Zażółć\tgęślą\\ jaźń\nI\'m "quoted"; (1, NULL) \\N 🙂'


class OldDatabase:
    """Rows by table.

    Args:
        conversations: how many there are; the other tables follow from that.
        seed: of everything that is by chance.
    """

    def __init__(self, conversations: int, seed: int = 1) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - the same rows every time
        self.rows: dict[str, list[tuple]] = {name: [] for name in TABLES}
        for number in range(1, conversations + 1):
            self._conversation(number, conversations)
        self._orphans(conversations)
        self.rows["users"].append((1, "secret"))

    @property
    def counts(self) -> Counter[str]:
        """How many rows each table has."""
        return Counter({name: len(rows) for name, rows in self.rows.items() if name != "users"})

    def load(self, uri: str, *, without: tuple[str, ...] = ()) -> None:
        """Put it into a database that is empty or has an old one."""
        with psycopg.connect(uri) as connection:
            for name, columns in TABLES.items():
                connection.execute(f"DROP TABLE IF EXISTS {name}")
                if name in without:
                    continue
                connection.execute(f"CREATE TABLE {name} ({columns})")
                with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copied:
                    for row in self._shuffled(self.rows[name]):
                        copied.write_row(row)

    def _shuffled(self, rows: list[tuple]) -> list[tuple]:
        return random.Random(7).sample(rows, len(rows))  # noqa: S311 - likewise

    def _conversation(self, number: int, most: int) -> None:
        chance, at = self._chance, BEGAN + timedelta(minutes=number)
        session = f"session-{number if number % 17 else number - 1}"  # now and then two have one session
        email = f"Visitor{number}@Example.com"
        context = CONTEXTS[number % 5] if number % 3 == 0 else json.dumps({"user_data": {"email": email}})
        marketing = (None, True, False)[number % 3] if number % 10 == 0 else None
        sent = number % 4 if number % 6 == 0 else 0
        self.rows["chat_conversations"].append(
            (number, session, context, at, None, None, HARD, False, sent, None, None, marketing, number % 2 == 0)
        )
        for _ in range(chance.randint(0, 3)):
            self._messages(number, at)
        if number % 4 == 0:
            self._lead(session, email, at, f"x marketing_consent:{number % 8 == 4}")
        if number % 12 == 0:
            self._lead(session, "broken@", at, None)
        if number % 5 == 0:
            self._add("rodo_consents", session, True, at, "203.0.113.7", "Mozilla")
        if number % 9 == 0:
            actions = (("unsubscribe",), ("consent_given",), ("unsubscribe", "unsubscribe_undo"))[number // 9 % 3]
            for hours, action in enumerate(actions):
                said = (action, at + timedelta(hours=hours), "203.0.113.7", "Mozilla", "asked", None)
                self._add("consent_audit_log", number, None, email, *said)
        if sent:
            self._add("followup_events", number, 1, at, "sent")
        if number % 7 == 0:
            self._dead_letter(number, session, at)
        if number == most:
            self._add("followup_events", number, 2, None, "failed")

    def _messages(self, conversation: int, at: datetime) -> None:
        number = len(self.rows["chat_messages"])
        self._add("chat_messages", conversation, f"Question {number} {HARD}", "user", at, False)
        self._add("chat_messages", conversation, f"Answer {number}", "Bot " if number % 5 else "bot", at, False)
        if number % 11 == 0:
            self._add("chat_messages", conversation, "", "user", at, False)
        if number % 13 == 0:
            self._add("chat_messages", conversation, f"Still there? {number}", "bot", at, True)

    def _lead(self, session: str, email: str, at: datetime, notes: str | None) -> None:
        number = len(self.rows["leads"])
        rest = (notes, "new", f"item{number}", number % 140 - 20, at, at)
        self._add("leads", session, f"Ana {number}", email, "+48 601 234 567", "Comfort", "60", "Gdańsk", HARD, *rest)

    def _dead_letter(self, number: int, session: str, at: datetime) -> None:
        kind = ("slack_alert", "email", "sms")[number // 7 % 3]
        status = ("pending", "failed", "delivered")[number // 21 % 3]
        payload = "{broken" if number % 35 == 0 else json.dumps({"text": f"Old lead {number}", "session_id": session})
        error = "HTTPError: 500 for url https://hooks.example.com/secret"
        self._add("dead_letter_queue", kind, "#leads", payload, error, number % 6, at, None, status)

    def _orphans(self, most: int) -> None:
        at = BEGAN
        self._add("chat_messages", most + 1000, "Nobody's", "user", at, False)
        self._add("chat_messages", None, "Nobody's either", "user", at, False)
        self._add("chat_messages", 1, "From the system", "system", at, False)
        self._lead("session-of-nobody", "Orphan@Example.com", at, "marketing_consent:False")
        self._lead("session-of-nobody", "orphan@example.com", at, None)
        self.rows["leads"].append((len(self.rows["leads"]) + 1, None, "Ola", "ola@example.com", *(None,) * 11))
        self._add("rodo_consents", "session-of-none", True, at, None, None)
        self._add("dead_letter_queue", "fax", "x", "{}", "", 0, at, None, "pending")
        self._add("followup_events", most + 1000, 1, at, "sent")

    def _add(self, table: str, *values: object) -> None:
        self.rows[table].append((len(self.rows[table]) + 1, *values))

    def texts(self) -> Iterator[str]:
        """What every message that can be imported says."""
        for _, conversation, message, sender, _, _ in self.rows["chat_messages"]:
            known = conversation is not None and conversation <= len(self.rows["chat_conversations"])
            if known and message and sender.strip().lower() in ("user", "bot"):
                yield message
