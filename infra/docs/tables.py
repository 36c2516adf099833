"""Tables of what the manifest says: functions, queues, jobs, Firestore, and when a person is told."""

from __future__ import annotations

from infra.docs.blocks import code, table
from infra.manifest import Function, Manifest

CALLERS = {"public": "anybody", "admin": "operators", "tasks": "Cloud Tasks", "scheduler": "Cloud Scheduler"}


def table_blocks(manifest: Manifest) -> dict[str, str]:
    """What each part is, by name."""
    return {
        "functions": table(
            ("function", "called by", "reached from", "runs as, with", "size", "tasks into"),
            (_function(name, entry) for name, entry in manifest.functions.items()),
        ),
        "secrets": table(
            ("secret", "read by"), ((f"`{name}`", code(readers)) for name, readers in manifest.secrets.items())
        ),
        "queues": table(
            ("queue", "calls", "a second", "at a time", "tries"),
            (
                (
                    f"`{name}`",
                    f"`{queue.target}`" + (f", for {queue.destination}" if queue.destination else ""),
                    f"{queue.max_dispatches_per_second:g}",
                    str(queue.max_concurrent_dispatches),
                    f"{queue.retry.max_attempts}, {queue.retry.min_backoff:g} to {queue.retry.max_backoff:g} s apart",
                )
                for name, queue in manifest.queues.items()
            ),
        ),
        "jobs": table(
            ("job", "when", "calls"),
            (
                (f"`{name}`", f"`{job.schedule}` ({job.time_zone})", f"`{job.target}{job.path or ''}`")
                for name, job in manifest.jobs.items()
            ),
        ),
        "firestore": _firestore(manifest),
        "policies": table(
            ("alert policy", "severity", "what it means", "what to do"),
            (
                (f"`{name}`", policy.severity, policy.says, f"[{policy.runbook}](../runbooks/{policy.runbook}.md)")
                for name, policy in manifest.alert_policies.items()
            ),
        ),
    }


def _function(name: str, entry: Function) -> tuple[str, ...]:
    return (
        f"`{name}`",
        CALLERS[entry.access],
        {"all": "the internet", "internal-only": "Google Cloud only"}.get(entry.reached_from, entry.reached_from),
        f"`{entry.service_account}`: {', '.join(role.removeprefix('roles/') for role in entry.roles)}",
        f"{entry.memory}, {entry.concurrency} at a time, up to {entry.max_instances} instances, {entry.timeout:g} s",
        ", ".join(entry.enqueues),
    )


def _firestore(manifest: Manifest) -> str:
    kept = manifest.firestore
    if kept is None:
        return "The manifest says nothing of Firestore."
    protected = "is protected from deletion" if kept.delete_protection else "may be deleted by a command"
    minutes = "any minute of the last seven days" if kept.point_in_time_recovery else "no single minute"
    indexes = ((f"`{index.collection}`", code(map(" ".join, map(_field, index.fields)))) for index in kept.indexes)
    ttl = ((f"`{each.collection}`", f"`{each.field}`") for each in kept.ttl)
    days = kept.backup.retention_days
    return "\n\n".join(
        (
            f"The database `{kept.database}` {protected}.",
            f"It can be restored to {minutes}, and to a backup of each of the last {days} days.",
            table(("collection", "index over"), indexes),
            table(("collection", "deleted by Firestore itself after"), ttl),
        )
    )


def _field(field: tuple[str, str]) -> tuple[str, ...]:
    name, direction = field
    return (name, "desc") if direction == "descending" else (name,)
