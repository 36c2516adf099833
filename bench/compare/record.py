"""What a record in Firestore says of every alert, Bellhop's own and the alternatives'.

Over the emulator's REST interface: gRPC does not go well with a process that starts others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

_QUERY = {
    "structuredQuery": {
        "select": {"fields": [{"fieldPath": "payload.email"}, {"fieldPath": "state"}]},
        "from": [{"collectionId": "alerts"}],
        "where": {"fieldFilter": {"field": {"fieldPath": "kind"}, "op": "EQUAL", "value": {"stringValue": "lead"}}},
    }
}


async def recorded(host: str, project: str) -> Mapping[str, str]:
    """The state of each lead's alert, by its visitor's e-mail.

    Args:
        host: the emulator's.
        project: whose documents.
    """
    url = f"http://{host}/v1/projects/{project}/databases/(default)/documents:runQuery"
    headers = {"Authorization": "Bearer owner"}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=_QUERY) as answer:
        answer.raise_for_status()
        rows: list[dict[str, Any]] = await answer.json()
    found = (row["document"]["fields"] for row in rows if "document" in row)
    return {
        each["payload"]["mapValue"]["fields"]["email"]["stringValue"]: each["state"]["stringValue"] for each in found
    }
