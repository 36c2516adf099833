"""Many documents put into the emulator at once: encoded once, copied, sent in large batches by several threads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import CommitRequest, Write

from bench.report import say
from infra.local.emulator import Emulator, EmulatorPlan, find_emulator

BATCH = 200
THREADS = 4
SECONDS_A_BATCH = 60.0
_COMMIT = "/google.firestore.v1.Firestore/Commit"
_OWNER = (("authorization", "Bearer owner"),)  # the emulator's own administrator


HEAP = "-Xmx8g"
"""Three hundred thousand documents, with the emulator's indexes of all fields, take more than its usual 1 GB."""


class QuickPlan(EmulatorPlan):
    """The emulator that was found, compiled for long work instead of a quick start."""

    def command(self, port: int) -> list[str]:
        """The same command without a flag."""
        return [part for part in super().command(port) if part != "-XX:TieredStopAtLevel=1"]


class RoomyPlan(QuickPlan):
    """The same with more memory."""

    def command(self, port: int) -> list[str]:
        """The same command with another flag."""
        return [HEAP if part.startswith("-Xmx") else part for part in super().command(port)]


@contextmanager
def emulator(*, roomy: bool = False, quick: bool = False) -> Iterator[Emulator]:
    """A Firestore emulator, which the clients of this process find by its environment variable.

    Args:
        roomy: it is to hold very much.
        quick: it is to answer much, and may take longer to start.

    Raises:
        EmulatorFailed, MissingPrerequisite: there is none.
    """
    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    say("starting the Firestore emulator")
    found = find_emulator(dict(os.environ), install=True, say=say)
    plan = RoomyPlan if roomy else QuickPlan if quick else EmulatorPlan
    started = Emulator.start(plan(found.source, found.host, found.jar, found.java))
    os.environ["FIRESTORE_EMULATOR_HOST"] = started.host
    try:
        yield started
    finally:
        if before is None:
            os.environ.pop("FIRESTORE_EMULATOR_HOST", None)  # the soak has taken it out by itself
        started.stop()


def fill(
    host: str, project: str, collection: str, ids: Sequence[str], document: Mapping[str, Any], *, spread: str = ""
) -> None:
    """Write one document under many names.

    Args:
        host: the emulator's.
        project: the database's.
        collection: where they go.
        ids: their names.
        document: what each holds.
        spread: a field with a time, which is a second later in each document than in the one before, within a day.
    """
    database = f"projects/{project}/databases/(default)"
    encoded = Write.pb(Write(update={"fields": _helpers.encode_dict(dict(document))}))

    def batch(start: int) -> bytes:
        request = CommitRequest.pb(CommitRequest(database=database))
        for number, name in enumerate(ids[start : start + BATCH], start):
            write = request.writes.add()
            write.CopyFrom(encoded)
            write.update.name = f"{database}/documents/{collection}/{name}"
            if spread:
                write.update.fields[spread].timestamp_value.seconds += number % 86400
        return bytes(request.SerializeToString())

    with grpc.insecure_channel(host) as channel, ThreadPoolExecutor(THREADS) as threads:
        commit = channel.unary_unary(_COMMIT)

        def send(start: int) -> None:
            commit(batch(start), timeout=SECONDS_A_BATCH, metadata=_OWNER)

        for _ in threads.map(send, range(0, len(ids), BATCH)):
            pass  # raises what a thread raised
