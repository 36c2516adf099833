"""Firestore's daily backup of a local system's database: what it held when it was taken, in a database beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from tests.support.local_system import LocalSystem

AT_ONCE = 400


class Backup:
    """One of them at a time."""

    def __init__(self, system: LocalSystem) -> None:
        self._system = system
        self._held: dict[str, dict[str, Any]] = {}

    def takes(self) -> None:
        """Take one now."""
        client = self._system.firestore()
        try:
            self._held = dict(_documents(client.collections()))
        finally:
            client.close()

    def restores(self, database: str) -> None:
        """Write what it holds into a database of this name; AssertionError where none was taken."""
        assert self._held, "no backup was taken"
        info = self._system.info
        before, os.environ["FIRESTORE_EMULATOR_HOST"] = os.environ.get("FIRESTORE_EMULATOR_HOST"), info["firestore"]
        try:
            client = firestore.Client(project=info["project"], database=database, credentials=AnonymousCredentials())
        finally:
            if before is None:
                del os.environ["FIRESTORE_EMULATOR_HOST"]
            else:
                os.environ["FIRESTORE_EMULATOR_HOST"] = before
        held = list(self._held.items())
        for start in range(0, len(held), AT_ONCE):
            batch = client.batch()
            for path, fields in held[start : start + AT_ONCE]:
                batch.set(client.document(path), fields)
            batch.commit()
        client.close()


def _documents(collections: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for collection in collections:
        for reference in collection.list_documents():
            snapshot = reference.get()
            if snapshot.exists:
                yield reference.path, snapshot.to_dict() or {}
            yield from _documents(reference.collections())
