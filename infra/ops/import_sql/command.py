"""``import-sql``: from where, to where, and the report."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from infra.ops.console import local_info
from infra.ops.failures import DONE, NOT_DONE, WRONG_USAGE, CommandFailed
from infra.ops.import_sql.dump import DumpError, Row, read_dump
from infra.ops.import_sql.importing import Importing
from infra.ops.import_sql.report import Report
from infra.ops.import_sql.schema import TABLES
from infra.ops.import_sql.spool import Spool
from infra.ops.tables import table, terminal
from shared.errors import StorageError

HASH_KEY = "ADDRESS_HASH_KEY"
EMULATOR = "FIRESTORE_EMULATOR_HOST"


def import_sql(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run the import; 1 where a row was refused.

    Raises:
        CommandFailed: the source cannot be read, the target not be reached, or a key is missing.
    """
    target, hash_key = _target(options, environ)
    shown = terminal(stderr=True)
    with Spool() as spool, shown.status("reading the old rows") as status:
        try:
            for number in spool.fill(_source(options)):
                status.update(f"read {number} old rows")
        except DumpError as error:
            raise CommandFailed(str(error)) from None
        if len(spool.missing) == len(TABLES):
            raise CommandFailed(f"none of the old system's tables is there; looked for {', '.join(TABLES)}")

        def tell(phase: str, number: int) -> None:
            status.update(f"{phase.replace('_', ' ')}: {number}")

        importing = Importing(spool, target, hash_key, options.zone, options.language, datetime.now(UTC), tell)
        try:
            report = importing(again=options.again)
        except StorageError as error:
            raise CommandFailed(
                f"Firestore did not answer ({type(error).__name__}); run the command again, it goes on where it was"
            ) from None
        answer = _answer(spool, report, options)
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        _print(answer)
    return NOT_DONE if any(counts["refused"] for counts in answer["tables"].values()) else DONE


def _source(options: argparse.Namespace) -> Iterable[tuple[str, tuple[str, ...], Row | None]]:
    if options.dump is not None:
        yield from read_dump(options.dump)
        return
    from infra.ops.import_sql.postgres import SourceError, read_postgres  # noqa: PLC0415 - other commands need no libpq

    try:
        yield from read_postgres(options.source, options.schema)
    except SourceError as error:
        raise CommandFailed(str(error)) from None


def _target(options: argparse.Namespace, environ: Mapping[str, str]) -> tuple[Any, str]:
    """Where it goes, and what addresses are hashed with; a dry run goes nowhere."""
    from infra.ops.import_sql.writing import FirestoreTarget, NoTarget  # noqa: PLC0415 - other commands do not write

    key = environ.get(HASH_KEY, "").strip()
    if options.dry_run:
        return NoTarget(), key or "dry run"
    project = options.project
    if project is None:
        try:
            info = local_info(options.url)
        except requests.RequestException:
            raise CommandFailed(f"{options.url} is not reachable: is the system running?") from None
        project, key = str(info["project"]), key or str(info.get("address_hash_key") or "")
        os.environ[EMULATOR] = str(info["firestore"])
    if not key:
        raise CommandFailed(f"{HASH_KEY} is not set: opt-outs could not be found by the functions", WRONG_USAGE)
    from shared.adapters.firestore import Database  # noqa: PLC0415 - likewise

    return FirestoreTarget(Database(project), options.rate), key


def _answer(spool: Spool, report: Report, options: argparse.Namespace) -> dict[str, Any]:
    """The report as JSON; of every table read = imported + present + skipped + refused."""
    skipped = spool.skipped + report.skipped
    tables = {}
    for name in TABLES:
        counts = {
            "read": spool.read[name],
            "imported": report.fates.imported[name],
            "present": report.fates.present[name],
            "skipped": sum(rows for (of, _), rows in skipped.items() if of == name),
            "refused": report.fates.refused[name],
        }
        counts["unaccounted"] = counts["read"] - sum(counts[each] for each in counts if each != "read")
        tables[name] = counts
    return {
        "dry_run": options.dry_run,
        "tables": tables,
        "documents": dict(report.fates.documents),
        "skipped": [{"table": of, "reason": why, "rows": rows} for (of, why), rows in sorted(skipped.items())],
        "remarks": [{"table": of, "what": what, "rows": rows} for (of, what), rows in sorted(report.remarks.items())],
        "opt_outs": report.opt_outs,
        "never_sent": report.never_sent,
        "missing_tables": spool.missing,
        "unread_tables": sorted(spool.unread_tables),
        "unread_columns": {name: columns for name, columns in spool.unread_columns.items() if columns},
    }


def _print(answer: Mapping[str, Any]) -> None:
    shown = terminal()
    if answer["dry_run"]:
        shown.print("dry run: nothing was written")
    names = ("read", "imported", "present", "skipped", "refused")
    rows = [(name, *(counts[each] for each in names)) for name, counts in answer["tables"].items()]
    shown.print(table(("table", *names), rows))
    for title, listed, columns in (
        ("skipped", answer["skipped"], ("table", "reason", "rows")),
        ("imported, but", answer["remarks"], ("table", "what", "rows")),
        ("never sent by the old system", answer["never_sent"], ("id", "event_type", "status", "alert")),
    ):
        if listed:
            shown.print(f"\n{title}:")
            shown.print(table(columns, [tuple(each[name] for name in columns) for each in listed]))
    shown.print(f"\n{answer['opt_outs']} addresses are opted out of marketing")
    for title, what in (("not there", "missing_tables"), ("not read", "unread_tables")):
        if answer[what]:
            shown.print(f"tables {title}: {', '.join(answer[what])}", markup=False)
    for name, columns in answer["unread_columns"].items():
        shown.print(f"columns of {name} that are not read: {', '.join(columns)}", markup=False)
