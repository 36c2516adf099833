"""Settings that would hurt, found without asking anybody: in the manifest, in the place, and between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.deploy.indexes import recorded, uncovered
from infra.deploy.names import LONGEST_LABEL, cloud_name
from infra.deploy.place import Place
from infra.manifest import Function, Manifest
from shared import config
from shared.settings.needs import NEEDS

TASK_DEADLINE_SECONDS = 600
"""How long Cloud Tasks waits for a function where a task says nothing else."""
USUAL_RETRY_AFTER_SECONDS = 30.0
"""What Slack usually says in Retry-After."""
MONDAY_REMEMBERS_MINUTES = 30.0
"""How long Monday.com knows an idempotency key."""
_NUMBER_DIGITS = 12
"""A project's number has about as many."""
_SECRET = re.compile(
    r"hooks\.slack\.com/services/|xox[abprs]-|whsec_|://[^/\s:@]+:[^/\s@]+@|-----BEGIN|\bAIza[\w-]{30}|\bsk-[\w-]{20}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\."
)


@dataclass(frozen=True)
class Finding:
    """One dangerous setting: the rule's name, where it is, and what would happen."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}: {self.what}"


@dataclass(frozen=True)
class _Look:
    """What the rules look at."""

    manifest: Manifest
    place: Place

    def value(self, name: str, function: str | None = None) -> str | None:
        """A setting as a function has it: the place's, the manifest's, the default; of any function by default."""
        if name in self.place.settings:
            return self.place.settings[name]
        for each, entry in self.manifest.functions.items():
            if function in (None, each) and (text := entry.settings.get(name)) is not None:
                return text
        found = (item.metadata["default"] for item in _FIELDS.values() if item.metadata["name"] == name)
        return next((str(default) for default in found if default is not None), None)

    def number(self, name: str, otherwise: float) -> float:
        """A setting as a number."""
        try:
            return float(self.value(name) or otherwise)
        except ValueError:
            return otherwise

    def channels(self, *names: str) -> list[str]:
        """The channels that these settings list, each once."""
        listed = [part.strip() for name in names for part in (self.value(name) or "").split(",")]
        return [name for name in dict.fromkeys(listed) if name]


_FIELDS = config.Settings.__dataclass_fields__


def findings(manifest: Manifest, place: Place) -> list[Finding]:
    """Everything that is dangerous, rule by rule; empty where nothing is.

    Args:
        manifest: with what the place has otherwise.
        place: where.
    """
    look = _Look(manifest, place)
    return [Finding(name, where, what) for name, rule in RULES.items() for where, what in rule(look)]


Found = Iterator[tuple[str, str]]


def _queue_gives_up(look: _Look) -> Found:
    needs = look.number("QUICK_ATTEMPTS", 3) + look.number("DEAD_LETTER_MAX_ATTEMPTS", 5)
    for name, queue in look.manifest.queues.items():
        if queue.destination is not None and 0 < queue.retry.max_attempts < needs:
            yield f"queues.{name}", f"gives up after {queue.retry.max_attempts} attempts; an alert may take {needs:g}"


def _shared_queue(look: _Look) -> Found:
    """The manifest takes one destination a queue; a channel without a queue of its own would share or have none."""
    queues = [queue.destination for queue in look.manifest.queues.values() if queue.destination is not None]
    for name in sorted({each for each in queues if queues.count(each) > 1 or "," in each or " " in each}):
        yield "queues", f"{name!r}: one queue carries one destination, or a slow one holds up the others' alerts"
    for name in look.channels("LEAD_CHANNELS", "ESCALATION_CHANNELS"):
        if name not in queues:
            yield "queues", f"the channel {name} has no queue: its alerts would wait for the sweep"


def _timeouts(look: _Look) -> Found:
    for name, queue in look.manifest.queues.items():
        timeout = look.manifest.functions[queue.target].timeout
        if timeout > TASK_DEADLINE_SECONDS:
            yield (
                f"functions.{queue.target}.timeout",
                f"{timeout} s is beyond the {TASK_DEADLINE_SECONDS} s that the queue {name} waits: it is sent twice",
            )
    for name, job in look.manifest.jobs.items():
        timeout = look.manifest.functions[job.target].timeout
        if timeout > job.attempt_deadline:
            yield (
                f"functions.{job.target}.timeout",
                f"{timeout} s is beyond the {job.attempt_deadline} s that the job {name} waits: it counts as failed",
            )


def _breaker(look: _Look) -> Found:
    reset = look.number("BREAKER_RESET_SECONDS", 60)
    if reset < USUAL_RETRY_AFTER_SECONDS:
        yield (
            "settings.BREAKER_RESET_SECONDS",
            f"{reset:g} s is shorter than a usual Retry-After ({USUAL_RETRY_AFTER_SECONDS:g} s)",
        )


def _monday(look: _Look) -> Found:
    if "monday" not in look.channels("LEAD_CHANNELS", "ESCALATION_CHANNELS"):
        return
    minutes = look.number("DEAD_LETTER_RETRY_MINUTES", 5) * look.number("DEAD_LETTER_MAX_ATTEMPTS", 5)
    waits = max(minutes, 60 * look.number("MAX_PARKED_AGE", 24))
    if waits > MONDAY_REMEMBERS_MINUTES and not _has_alert_column(look.value("MONDAY_COLUMNS")):
        yield (
            "settings.MONDAY_COLUMNS",
            (
                f"without a column for alert_id a lead becomes two items: retries go on for {waits:g} minutes, and "
                f"Monday.com knows a key for {MONDAY_REMEMBERS_MINUTES:g}"
            ),
        )


def _has_alert_column(columns: str | None) -> bool:
    try:
        parsed = json.loads(columns or "{}")
    except ValueError:
        return False
    return isinstance(parsed, Mapping) and bool(parsed.get("alert_id"))


def _cpu(look: _Look) -> Found:
    for name, entry in look.manifest.functions.items():
        if entry.cpu < 1 < entry.concurrency:
            yield (
                f"functions.{name}.cpu",
                f"{entry.cpu:g} CPU with {entry.concurrency} requests at once: Cloud Run refuses it",
            )


def _threads(look: _Look) -> Found:
    for name, entry in look.manifest.functions.items():
        said = look.place.settings.get("THREADS", entry.settings.get("THREADS"))
        if said is not None and said != str(entry.concurrency):
            yield (
                f"functions.{name}.settings.THREADS",
                f"{said} threads for {entry.concurrency} requests at once: the others wait inside; leave it out",
            )


def _index(look: _Look) -> Found:
    for query in recorded():
        if look.manifest.firestore is None or (why := uncovered(query, look.manifest.firestore)):
            yield f"firestore.indexes ({query})", f"{why}: the query fails in the cloud"


def _unlimited(look: _Look) -> Found:
    for name, entry in look.manifest.functions.items():
        if entry.access == "public" and not any("RATE_LIMIT" in setting for setting in entry.settings):
            yield f"functions.{name}", "anybody may call it and it takes no rate limit: name one under its settings"


def _plain_secret(look: _Look) -> Found:
    for name, entry in look.manifest.functions.items():
        for setting, text in entry.settings.items():
            if text is not None and (setting in look.manifest.secrets or _SECRET.search(text)):
                yield f"functions.{name}.settings.{setting}", "holds a secret in plain text; name it under 'secrets'"
    for setting, text in look.place.settings.items():
        if setting in look.manifest.secrets or _SECRET.search(text):
            yield f"settings.{setting}", "holds a secret in plain text; name its version under 'secrets'"


def _wrong_value(look: _Look) -> Found:
    fields = {item.metadata["name"]: item.metadata for item in _FIELDS.values()}
    for name, text in look.place.settings.items():
        try:
            if name in fields:
                fields[name]["parse"](text.strip())
        except ValueError as error:
            yield f"settings.{name}", f"was {text!r}; takes {error}; the function would not start"


def _unconfigured(look: _Look) -> Found:
    """A channel that is named and lacks what it needs stops the functions that send."""
    for name in look.channels("LEAD_CHANNELS", "ESCALATION_CHANNELS"):
        for needed in config.NEEDED.get(name, ()):
            if needed not in look.place.secrets and look.value(needed) is None:
                kind = "secrets" if needed in look.manifest.secrets else "settings"
                yield f"{kind}.{needed}", f"the channel {name} is named and needs it; deliver_alert would not start"


def _incomplete(look: _Look) -> Found:
    """A function that lacks what it cannot do without stops at its start."""
    for name, entry in look.manifest.functions.items():
        for needed in NEEDS.get(name, ()):
            as_secret = needed in entry.secrets and needed in look.place.secrets
            if not as_secret and not (needed in entry.settings and look.value(needed, name)):
                kind = "secrets" if needed in look.manifest.secrets else "settings"
                yield f"{kind}.{needed}", f"{name} needs it, and would not start"


def _open_to_all(look: _Look) -> Found:
    for name, entry in look.manifest.functions.items():
        if _only_for_google(entry) and entry.reached_from == "all":
            yield (
                f"functions.{name}.ingress",
                "only Google is to call it, and anybody can: internal-only",
            )


def _only_for_google(entry: Function) -> bool:
    return entry.access in ("tasks", "scheduler")


def _too_long(look: _Look) -> Found:
    for name in look.manifest.functions:
        length = len(cloud_name(name)) + 1 + _NUMBER_DIGITS
        if length > LONGEST_LABEL:
            yield (
                f"functions.{name}",
                f"its host name would have a part of {length} characters, {LONGEST_LABEL} at most",
            )


def _unprotected(look: _Look) -> Found:
    database = look.manifest.firestore
    if database is not None and not database.delete_protection:
        yield "firestore.delete_protection", "one command would delete every lead"


RULES = {
    "queue-gives-up": _queue_gives_up,
    "shared-queue": _shared_queue,
    "timeout-beyond-deadline": _timeouts,
    "breaker-too-short": _breaker,
    "monday-without-look-up": _monday,
    "concurrency-without-cpu": _cpu,
    "threads-differ": _threads,
    "missing-index": _index,
    "public-without-limit": _unlimited,
    "plain-secret": _plain_secret,
    "wrong-value": _wrong_value,
    "channel-unconfigured": _unconfigured,
    "function-incomplete": _incomplete,
    "open-to-all": _open_to_all,
    "name-too-long": _too_long,
    "database-unprotected": _unprotected,
}
"""Every rule by its name."""
