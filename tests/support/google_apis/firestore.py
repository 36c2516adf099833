"""Firestore's administration: databases, composite indexes, fields, daily backups.

Source: https://cloud.google.com/firestore/docs/reference/rest, bodies read by google-cloud-firestore's own definitions.
"""

from __future__ import annotations

from typing import Any

from google.cloud.firestore_admin_v1.types import database, field, index, schedule

from tests.support.google_apis import common
from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import Refused, State

DATABASE = "projects/*/databases/*"
GROUP = f"{DATABASE}/collectionGroups/*"
_DATABASE: Any = database.Database.pb()
_INDEX: Any = index.Index.pb()
_FIELD: Any = field.Field.pb()
_SCHEDULE: Any = schedule.BackupSchedule.pb()


def _create_database(state: State, asked: Asked) -> Any:
    name = f"{asked.name}/databases/{asked.query['databaseId']}"
    value = common.write(common.read(_DATABASE, asked.body))
    if not value.get("locationId") or value.get("type") != "FIRESTORE_NATIVE":
        raise Refused(400, "INVALID_ARGUMENT", "A location and a type are required.")
    value = state.create(name, value | {"name": name})
    return common.operation(state, name, value, "google.firestore.admin.v1.Database")


def _update_database(state: State, asked: Asked) -> Any:
    common.read(_DATABASE, asked.body)
    value = common.masked(state.get(asked.name), asked.body, asked.query.get("updateMask", ""))
    state.resources[asked.name] = value
    return common.operation(state, asked.name, value, "google.firestore.admin.v1.Database")


def _delete_database(state: State, asked: Asked) -> Any:
    if state.get(asked.name).get("deleteProtectionState") == "DELETE_PROTECTION_ENABLED":
        raise Refused(400, "FAILED_PRECONDITION", "Database is protected against deletion.")
    return common.delete(state, asked)


def _create_index(state: State, asked: Asked) -> Any:
    database = state.get(asked.name.split("/collectionGroups/")[0])
    value = common.write(common.read(_INDEX, asked.body))
    if len(value.get("fields", ())) < 2:
        raise Refused(
            400, "INVALID_ARGUMENT", "this index is not necessary, configure using single field index controls"
        )
    same = [each for each in state.of(f"{asked.name}/indexes/") if _shape(each) == _shape(value)]
    if same:
        raise Refused(409, "ALREADY_EXISTS", "index already exists")
    name = f"{asked.name}/indexes/CICA{state.number():06}"
    named = {"fieldPath": "__name__", "order": value["fields"][-1].get("order", "ASCENDING")}
    fields = value["fields"] if value["fields"][-1]["fieldPath"] == "__name__" else [*value["fields"], named]
    state.create(name, value | {"name": name, "fields": fields, "state": "READY"})
    return common.operation(state, database["name"], state.resources[name], "google.firestore.admin.v1.Index")


def _shape(index: dict[str, Any]) -> tuple[Any, ...]:
    fields = [(field["fieldPath"], field.get("order"), field.get("arrayConfig")) for field in index["fields"]]
    return (index.get("queryScope"), *[field for field in fields if field[0] != "__name__"])


def _indexes(state: State, asked: Asked) -> Any:
    database = asked.name.split("/collectionGroups/")[0]
    found = [
        value
        for name, value in sorted(state.resources.items())
        if name.startswith(f"{database}/collectionGroups/") and "/indexes/" in name
    ]
    return {"indexes": found}


def _fields(state: State, asked: Asked) -> Any:
    database = asked.name.split("/collectionGroups/")[0]
    wanted = "ttlConfig" if "ttl" in asked.query.get("filter", "") else "indexConfig"
    found = [
        value
        for name, value in sorted(state.resources.items())
        if name.startswith(f"{database}/collectionGroups/") and "/fields/" in name and wanted in value
    ]
    return {"fields": found}


def _update_field(state: State, asked: Asked) -> Any:
    database = state.get(asked.name.split("/collectionGroups/")[0])
    common.read(_FIELD, asked.body)
    old = state.resources.get(asked.name, {"name": asked.name})
    mask = asked.query.get("updateMask", "")
    value = common.masked(old, {"indexConfig": {}, **asked.body} if "indexConfig" in mask else asked.body, mask)
    if "indexConfig" in value:
        fresh = {"ancestorField": f"{database['name']}/collectionGroups/__default__/fields/*"}
        indexes = [
            {**index, "state": "READY", "fields": [{"fieldPath": asked.name.rsplit("/", 1)[1], **index["fields"][0]}]}
            for index in value["indexConfig"].get("indexes", ())
        ]
        value["indexConfig"] = {**fresh, "indexes": indexes} if indexes else fresh
    if "ttlConfig" in value:
        value["ttlConfig"] = {"state": "ACTIVE"}
    state.resources[asked.name] = value
    return common.operation(state, database["name"], value, "google.firestore.admin.v1.Field")


def _create_schedule(state: State, asked: Asked) -> Any:
    state.get(asked.name)
    value = common.write(common.read(_SCHEDULE, asked.body))
    if "retention" not in value or "dailyRecurrence" not in asked.body:
        raise Refused(400, "INVALID_ARGUMENT", "A daily recurrence and a retention are required.")
    name = f"{asked.name}/backupSchedules/schedule{state.number()}"
    return state.create(name, {"name": name, **asked.body})


def _update_schedule(state: State, asked: Asked) -> Any:
    common.read(_SCHEDULE, asked.body)
    value = common.masked(state.get(asked.name), asked.body, asked.query.get("updateMask", ""))
    state.resources[asked.name] = {**value, "name": asked.name}
    return state.resources[asked.name]


def backed_up(state: State, database: str, day: str) -> str:
    """Arrange a daily backup of a database, of this day; its name."""
    location = state.get(f"projects/{state.project}/databases/{database}")["locationId"]
    name = f"projects/{state.project}/locations/{location}/backups/{state.number():08x}-a1b2"
    times = {"snapshotTime": f"{day}T02:00:00Z", "expireTime": f"{day}T02:00:00Z"}
    whole = {"name": name, "database": f"projects/{state.project}/databases/{database}", "state": "READY", **times}
    return str(state.create(name, whole)["name"])


def _backups(state: State, asked: Asked) -> Any:
    place = asked.name.replace("/locations/-", "/locations/")
    named = sorted(name for name in state.resources if name.startswith(place) and "/backups/" in name)
    return {"backups": [state.resources[name] for name in named]}


def _restore(state: State, asked: Asked) -> Any:
    """Of a backup a new database, beside the one that it is of."""
    backup = state.get(asked.body["backup"])
    name = f"{asked.name}/databases/{asked.body['databaseId']}"
    old = state.get(backup["database"])
    kept = {key: old[key] for key in ("locationId", "type", "concurrencyMode") if key in old}
    state.create(name, {"name": name, **kept})
    if state.behind is not None:
        state.behind.restores(asked.body["databaseId"])
    return common.operation(state, name, state.get(name), "google.firestore.admin.v1.Database")


def _operations(state: State, asked: Asked) -> Any:
    state.get(asked.name)
    return {"operations": state.of(f"{asked.name}/operations/")}


ROUTES = [
    Route.of("GET", "/v1/{projects/*}/databases", common.lists("databases", "databases")),
    Route.of("POST", "/v1/{projects/*}/databases", _create_database),
    Route.of("GET", f"/v1/{{{DATABASE}}}", common.get),
    Route.of("PATCH", f"/v1/{{{DATABASE}}}", _update_database),
    Route.of("DELETE", f"/v1/{{{DATABASE}}}", _delete_database),
    Route.of("GET", f"/v1/{{{DATABASE}/operations/*}}", common.get),
    Route.of("GET", f"/v1/{{{DATABASE}}}/operations", _operations),
    Route.of("POST", "/v1/{projects/*}/databases:restore", _restore),
    Route.of("GET", "/v1/{projects/*/locations/*}/backups", _backups),
    Route.of("GET", f"/v1/{{{GROUP}}}/indexes", _indexes),
    Route.of("POST", f"/v1/{{{GROUP}}}/indexes", _create_index),
    Route.of("DELETE", f"/v1/{{{GROUP}/indexes/*}}", common.delete),
    Route.of("GET", f"/v1/{{{GROUP}}}/fields", _fields),
    Route.of("GET", f"/v1/{{{GROUP}/fields/*}}", common.get),
    Route.of("PATCH", f"/v1/{{{GROUP}/fields/*}}", _update_field),
    Route.of("GET", f"/v1/{{{DATABASE}}}/backupSchedules", common.lists("backupSchedules", "backupSchedules")),
    Route.of("POST", f"/v1/{{{DATABASE}}}/backupSchedules", _create_schedule),
    Route.of("PATCH", f"/v1/{{{DATABASE}/backupSchedules/*}}", _update_schedule),
]
