"""Steps for the database, its backups, indexes, exemptions and time to live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.deploy.names import Names
from infra.deploy.plan_queues import differences, seconds
from infra.deploy.state import State
from infra.deploy.steps import Step
from infra.manifest_cloud import Firestore, Index

DAY = 86_400
_ON = {True: "ENABLED", False: "DISABLED"}
Shape = tuple[str, str, tuple[tuple[str, str], ...]]
"""A composite index: collection, scope, fields with their direction, without ``__name__`` at the end."""


def firestore_of(names: Names) -> Firestore:
    """The manifest's database; ``infra.deploy`` insists on it."""
    assert names.manifest.firestore is not None  # noqa: S101
    return names.manifest.firestore


def database(names: Names, state: State) -> Iterator[Step]:
    """The database, with its protection."""
    wanted = firestore_of(names)
    flags = (
        "--delete-protection" if wanted.delete_protection else "--no-delete-protection",
        "--enable-pitr" if wanted.point_in_time_recovery else "--no-enable-pitr",
    )
    if state.database is None:
        where = (f"--location={names.place.firestore_location}", "--type=firestore-native")
        make = ("firestore", "databases", "create", f"--database={wanted.database}", *where, *flags)
        yield Step("database", wanted.database, make, "there is no such database")
    elif differs := _database_differs(wanted, state.database):
        argv = ("firestore", "databases", "update", f"--database={wanted.database}", *flags)
        yield Step("database", wanted.database, argv, "; ".join(differs))


def _database_differs(wanted: Firestore, current: Mapping[str, Any]) -> list[str]:
    protection = str(current.get("deleteProtectionState", "")).removeprefix("DELETE_PROTECTION_")
    recovery = str(current.get("pointInTimeRecoveryEnablement", "")).removeprefix("POINT_IN_TIME_RECOVERY_")
    return differences(
        ("delete protection", protection or "DISABLED", _ON[wanted.delete_protection]),
        ("point-in-time recovery", recovery or "DISABLED", _ON[wanted.point_in_time_recovery]),
    )


def backups(names: Names, state: State) -> Iterator[Step]:
    """The daily backup."""
    wanted = firestore_of(names)
    of = f"--database={wanted.database}"
    keeps = f"--retention={wanted.backup.retention_days}d"
    daily = next((each for each in state.backups if "dailyRecurrence" in each), None)
    if daily is None:
        argv = ("firestore", "backups", "schedules", "create", of, "--recurrence=daily", keeps)
        yield Step("indexes", "backup", argv, "there is no daily backup", "backup")
    elif seconds(daily.get("retention")) != wanted.backup.retention_days * DAY:
        name = str(daily["name"]).rsplit("/", 1)[1]
        argv = ("firestore", "backups", "schedules", "update", of, f"--backup-schedule={name}", keeps)
        days = seconds(daily.get("retention")) / DAY
        yield Step("indexes", "backup", argv, f"kept days: {days:g} → {wanted.backup.retention_days}", "backup")


def indexes(names: Names, state: State) -> Iterator[Step]:
    """Composite indexes that are not there. They are built beside the work; a query that needs one waits for it."""
    wanted = firestore_of(names)
    there = {shape_of(each) for each in state.indexes}
    for index in wanted.indexes:
        if shape(index) not in there:
            argv = (
                *("firestore", "indexes", "composite", "create", f"--database={wanted.database}"),
                *(f"--collection-group={index.collection}", f"--query-scope={index.scope}"),
                *(f"--field-config=field-path={name},order={order}" for name, order in index.fields),
                "--async",
            )
            yield Step("indexes", index.collection, argv, f"no index over {_fields(index)}", f"of {index.collection}")


def exemptions(names: Names, state: State) -> Iterator[Step]:
    """Fields that must have no index by themselves."""
    wanted = firestore_of(names)
    for exemption in wanted.exemptions:
        for name in exemption.fields:
            if (exemption.collection, name) not in state.exempt:
                argv = (
                    *("firestore", "indexes", "fields", "update", name, f"--database={wanted.database}"),
                    *(f"--collection-group={exemption.collection}", "--disable-indexes", "--async"),
                )
                lane = f"of {exemption.collection}"
                yield Step("indexes", exemption.collection, argv, f"{name} is indexed, and no query asks for it", lane)


def ttl(names: Names, state: State) -> Iterator[Step]:
    """Fields after whose moment documents are deleted."""
    wanted = firestore_of(names)
    for each in wanted.ttl:
        if (each.collection, each.field) not in state.ttl:
            argv = (
                *("firestore", "fields", "ttls", "update", each.field, f"--database={wanted.database}"),
                *(f"--collection-group={each.collection}", "--enable-ttl", "--async"),
            )
            lane = f"of {each.collection}"
            yield Step("indexes", each.collection, argv, f"{each.field} deletes nothing yet", lane)


def shape(index: Index) -> Shape:
    """A wanted index, to be compared."""
    return index.collection, index.scope, index.fields


def shape_of(current: Mapping[str, Any]) -> Shape:
    """An index that is there, likewise."""
    collection = str(current["name"]).split("/collectionGroups/")[1].split("/")[0]
    scope = str(current.get("queryScope", "COLLECTION")).lower().replace("_", "-")
    listed = [(str(each["fieldPath"]), str(each.get("order", "")).lower()) for each in current.get("fields", ())]
    return collection, scope, tuple(each for each in listed if each[0] != "__name__")


def _fields(index: Index) -> str:
    return ", ".join(name if order == "ascending" else f"{name} desc" for name, order in index.fields)
