"""The newest alerts, for the playground, read over the emulator's REST interface.

Not with the client library: gRPC does not go well with a supervisor that starts processes.
"""

from __future__ import annotations

from typing import Any

import aiohttp

from shared.domain.alert import CANARY

SHOWN = ("channel", "kind", "state", "attempts", "generation", "cause", "created_at", "wake_at", "ended_at", "history")

CANARIES_MOST = 20
"""So many more are read: alerts of canaries are removed by the next run."""


async def newest_alerts(firestore: str, project: str, limit: int) -> list[dict[str, Any]]:
    """The newest alerts, newest first: what happened to each, nothing of what a visitor wrote. Canaries are no leads.

    Args:
        firestore: host:port of the emulator.
        project: whose documents.
        limit: how many at most.
    """
    query = {
        "structuredQuery": {
            "select": {"fields": [{"fieldPath": name} for name in SHOWN]},
            "from": [{"collectionId": "alerts"}],
            "orderBy": [{"field": {"fieldPath": "created_at"}, "direction": "DESCENDING"}],
            "limit": limit + CANARIES_MOST,
        }
    }
    url = f"http://{firestore}/v1/projects/{project}/databases/(default)/documents:runQuery"
    headers = {"Authorization": "Bearer owner"}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=query) as answer:
        answer.raise_for_status()
        rows = await answer.json()
    found = [_plain(row["document"]) for row in rows if "document" in row]
    return [alert for alert in found if alert["kind"] != CANARY][:limit]


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    fields = {name: _value(value) for name, value in document.get("fields", {}).items()}
    return {"id": document["name"].rsplit("/", 1)[1], **fields, "updated_at": document["updateTime"]}


def _value(value: dict[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    match kind:
        case "integerValue":
            return int(content)
        case "nullValue":
            return None
        case "arrayValue":
            return [_value(each) for each in content.get("values", [])]
        case "mapValue":
            return {name: _value(each) for name, each in content.get("fields", {}).items()}
        case _:
            return content
