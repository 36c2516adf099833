"""An import of very many rows from a real PostgreSQL, killed and repeated: ``python -m tests.support.import_soak``.

The command runs as an operator would run it, in a process of its own. One import is left alone; another one is killed
at random, again and again, and then repeated to its end. Both must come to the same documents, and their reports must
add up. ``make migrate-soak`` runs this.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
from google.cloud import firestore

from bench.filling import emulator
from bench.report import say, table
from shared.adapters.firestore_images import digest
from tests.support.old_database import OldDatabase
from tests.support.postgres_server import PostgresServer

COLLECTIONS = ("conversations", "alerts", "dead_letters", "suppressions", "consent_audit", "followups")
OWN_TIMES = ("made_at", "since")
PAGE = 2_000
ROWS_A_CONVERSATION = 5.3


class WrongResult(Exception):  # noqa: N818 - what happened
    """An import did not do what it must."""


def soak(rows: int, kills: int, seed: int) -> None:
    """Import about so many rows twice, once disturbed; raises WrongResult."""
    chance = random.Random(seed)  # noqa: S311 - where to strike
    server = PostgresServer()
    try:
        shown = []
        for size, strikes in ((rows // 10, 0), (rows, kills)):
            old = OldDatabase(int(size / ROWS_A_CONVERSATION))
            old.load(server.uri)
            total = old.counts.total()
            say(f"{total} rows in {len(old.counts)} tables (seed {seed})")
            with emulator(roomy=True):
                alone = _whole(server.uri, f"alone-{size}")
                _expect(alone["report"]["tables"], old)
                conversations = _count(f"alone-{size}")
                struck = _struck(server.uri, f"struck-{size}", strikes, conversations, chance)
                _expect(struck["report"]["tables"], old)
                documents = _same(f"alone-{size}", f"struck-{size}")
                again = _whole(server.uri, f"struck-{size}", "--again")
                written = sum(each["imported"] for each in again["report"]["tables"].values())
                if written or _same(f"alone-{size}", f"struck-{size}") != documents:
                    raise WrongResult(f"a repeat of what was whole imported {written} rows")
            parts = [sum(each[name] for each in struck["report"]["tables"].values()) for name in PARTS]
            shown.append((total, documents, strikes, *parts, round(alone["seconds"], 1), round(alone["peak_mib"])))
        names = ("rows", "documents", "kills", *PARTS, "s undisturbed", "peak MiB")
        say("")
        table(
            "import-sql, killed and repeated: the same documents as undisturbed, none twice, none missing", names, shown
        )
    finally:
        server.stop()


PARTS = ("read", "imported", "present", "skipped", "refused", "unaccounted")


def _command(uri: str, project: str, *more: str) -> list[str]:
    wanted = ["--from", uri, "--project", project, "--rate", "100000", "--json"]
    return [sys.executable, "-m", "infra.ops", "import-sql", *wanted, *more]


def _begun(uri: str, project: str, *more: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "ADDRESS_HASH_KEY": "an-address-key-of-tests"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(_command(uri, project, *more), stdout=subprocess.PIPE, stderr=quiet, text=True, env=environ)


def _whole(uri: str, project: str, *more: str) -> dict[str, Any]:
    """An import to its end: its report, seconds, and the most memory it had."""
    began, running, peak = time.monotonic(), _begun(uri, project, *more), 0
    process = psutil.Process(running.pid)
    while running.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        if process.status() == psutil.STATUS_ZOMBIE or _printed(running):
            break
        time.sleep(0.05)
    said, _ = running.communicate()
    if running.returncode not in (0, 1) or not said:
        raise WrongResult(f"the import ended with {running.returncode}")
    return {"report": json.loads(said), "seconds": time.monotonic() - began, "peak_mib": peak / 2**20}


def _printed(running: subprocess.Popen[str]) -> bool:
    """Whether it has begun to print its report: it is over then, and would wait for somebody to read."""
    assert running.stdout is not None
    return bool(select.select([running.stdout], [], [], 0)[0])


def _struck(uri: str, project: str, kills: int, conversations: int, chance: random.Random) -> dict[str, Any]:
    """An import that is killed so many times, each time when it has come further, then repeated to its end."""
    for number in range(kills):
        stood, running = _count(project), _begun(uri, project)
        further = stood + conversations * chance.uniform(0.3, 0.9) / kills
        while _count(project) < further and running.poll() is None:
            time.sleep(0.02)
        running.kill()
        running.communicate()
        if running.returncode == 0:
            raise WrongResult("the import was over before it was killed: take more rows")
        say(f"killed {number + 1} of {kills}: {_count(project)} of {conversations} conversations are there")
    return _whole(uri, project)


def _count(project: str) -> int:
    [[found]] = firestore.Client(project=project).collection("conversations").count(alias="all").get()
    return int(found.value)


def _expect(tables: dict[str, dict[str, int]], old: OldDatabase) -> None:
    for name, rows in old.counts.items():
        if tables[name]["read"] != rows or tables[name]["unaccounted"]:
            raise WrongResult(f"{name}: {tables[name]} of {rows} rows")


def _same(one: str, other: str) -> int:
    """Compare two projects document by document; how many there are."""
    number = 0
    for ours, theirs in zip(_all(one), _all(other), strict=True):
        if ours != theirs:
            raise WrongResult(f"{ours[0]} and {theirs[0]} differ")
        number += 1
    return number


def _all(project: str) -> Iterator[tuple[str, str]]:
    """Every document by its path, as a digest without the times that are the import's own, a page at a time."""
    client = firestore.Client(project=project)
    for query in (*(client.collection(name) for name in COLLECTIONS), client.collection_group("messages")):
        ordered = query.order_by("__name__").limit(PAGE)
        found = ordered.get()
        while found:
            for snapshot in found:
                fields = {name: value for name, value in snapshot.to_dict().items() if name not in OWN_TIMES}
                yield snapshot.reference.path, digest(fields)
            found = ordered.start_after(found[-1]).get()


def main() -> int:
    """Do it and say what came of it; 1 where it was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.import_soak", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="about so many rows, and a tenth of them before")
    parser.add_argument("--kills", type=int, default=3, help="how often the import is killed")
    parser.add_argument("--seed", type=int, default=5, help="of the moments of the kills")
    options = parser.parse_args()
    try:
        soak(options.rows, options.kills, options.seed)
    except WrongResult as error:
        say(f"import: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
