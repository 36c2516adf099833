"""``make simulate``: what 1, 100 and 10,000 chats a second need, what they cost, and what gives way first.

Counts of operations are those that the tests and ``make bench`` count; prices are Google's list prices in dollars, in
``PRICES``; the rest is `bench.capacity_model`. ``docs/capacity.md`` holds these tables (``--write`` puts them in).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.capacity_model import (
    ALERT_WRITES,
    CHAT_WRITES,
    DELIVERY_WRITES,
    RAMP_EVERY,
    RAMP_FACTOR,
    RAMP_START,
    Load,
    System,
)
from infra.manifest import ROOT, Manifest, load

PAGE = ROOT / "docs" / "capacity.md"
BEGIN, END = "<!-- make simulate -->", "<!-- end of make simulate -->"
RATES = (1.0, 100.0, 10_000.0)
SECONDS = {1.0: 3600.0, 100.0: 600.0, 10_000.0: 60.0}
MONTH = 30 * 24 * 3600

PRICES = {
    "read": 0.06 / 100_000,
    "write": 0.18 / 100_000,
    "delete": 0.02 / 100_000,
    "task": 0.40 / 1_000_000,
    "request": 0.40 / 1_000_000,
    "cpu_second": 0.000024,
    "gib_second": 0.0000025,
}
"""Firestore in a multi-region, Cloud Tasks, Cloud Run functions billed by request; free shares not deducted."""

CHAT_READS, CHAT_DELETES = 1, 2
"""The conversation; its claim and the share of its windows, deleted by clean-up."""
DELIVERY_READS, TASKS = 2, 3
"""The alert and its destination; a task is created and dispatched, and one more operation for what is repeated."""


def dollars(*, alerts: float, chat_seconds: float, concurrency: int) -> float:
    """What a chat costs, with so many alerts on average, each delivered at once."""
    reads = CHAT_READS + CHAT_DELETES + alerts * DELIVERY_READS
    writes = CHAT_WRITES + alerts * (ALERT_WRITES + DELIVERY_WRITES)
    held = chat_seconds / min(concurrency, 4) + alerts * 0.5 / 4  # an instance is billed while it has a request
    return (
        reads * PRICES["read"]
        + writes * PRICES["write"]
        + CHAT_DELETES * PRICES["delete"]
        + alerts * TASKS * PRICES["task"]
        + (1 + alerts) * PRICES["request"]
        + held * (PRICES["cpu_second"] + 0.5 * PRICES["gib_second"])
    )


def costs() -> list[str]:
    """Operations and dollars of a chat and of an alert."""
    rows = [
        ("a chat of a visitor who wrote before", CHAT_READS, CHAT_WRITES, CHAT_DELETES, 0, 0.0),
        ("an alert, made with it", 0, ALERT_WRITES, 0, 0, 0.0),
        ("its delivery at the first attempt", DELIVERY_READS, DELIVERY_WRITES, 0, TASKS, 0.0),
    ]
    lines = ["| what | reads | writes | deletes | task operations | dollars a million |", "|---|---|---|---|---|---|"]
    for what, reads, writes, deletes, tasks, _ in rows:
        price = (
            (reads + deletes) * PRICES["read"]
            + writes * PRICES["write"]
            + deletes * PRICES["delete"]
            + tasks * PRICES["task"]
        )
        lines.append(f"| {what} | {reads} | {writes} | {deletes} | {tasks} | {price * 1e6:,.2f} |")
    whole = dollars(alerts=0.1, chat_seconds=0.15, concurrency=16)
    lines.append(f"| a chat with a tenth of an alert, functions included | | | | | {whole * 1e6:,.2f} |")
    return lines


def needs(manifest: Manifest) -> list[str]:
    """What each rate takes of every part, against what the manifest gives."""
    chat, slack = manifest.functions["chat"], manifest.queues["slack"]
    lines = [
        (
            f"| chats a second | slots taken (of {chat.max_instances * chat.concurrency}) | instances of "
            f"{chat.concurrency} | Firestore writes a second | minutes of Firestore's ramp | "
            "alerts a second (a tenth) | Slack takes | dollars a month |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        seen = System(manifest, Load(rate, 30.0, warm=True)).run(30.0)
        writes = rate * (CHAT_WRITES + 0.1 * (ALERT_WRITES + DELIVERY_WRITES))
        steps = max(0, math.ceil(math.log(writes / RAMP_START, RAMP_FACTOR))) if writes > RAMP_START else 0
        slots = math.ceil(rate * 0.15)
        month = MONTH * rate * dollars(alerts=0.1, chat_seconds=0.15, concurrency=chat.concurrency)
        lines.append(
            f"| {rate:,.0f} | {max(seen.busiest, 1)} | {math.ceil(slots / chat.concurrency)} | {writes:,.0f} | "
            f"{steps * RAMP_EVERY / 60:.0f} | {rate * 0.1:,.1f} | {slack.max_dispatches_per_second:g} | {month:,.0f} |"
        )
    return lines


def runs(manifest: Manifest) -> list[str]:
    """The model's runs: an even load, a load that Firestore is not used to, and an outage."""
    lines = [
        (
            "| chats a second | what | for | refused | longest wait for Firestore | alerts | delivered meanwhile | "
            "half within | 99 % within | most that waited | all delivered after |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        seconds = SECONDS[rate]
        kinds = {
            "even": Load(rate, seconds, warm=True),
            "new to Firestore": Load(rate, seconds),
            "Slack down for a third": Load(rate, seconds, warm=True, outage=(seconds / 3, 2 * seconds / 3)),
        }
        for what, each in kinds.items():
            seen = System(manifest, each).run(seconds * 4)
            lines.append(
                f"| {rate:,.0f} | {what} | {_time(seconds)} | {seen.refused / max(seen.chats, 1):.0%} | "
                f"{seen.slow:.1f} s | {seen.alerts:,} | {seen.delivered:,} | {_time(seen.delay(0.5))} | "
                f"{_time(seen.delay(0.99))} | {seen.backlog:,} | {_time(seen.drained)} |"
            )
    return lines


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not within four times as long"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes


def tables(manifest: Manifest) -> str:
    """All of it, in Markdown."""
    parts = {
        "What a chat and an alert cost": costs(),
        "What each rate needs": needs(manifest),
        "What happens": runs(manifest),
    }
    return "\n\n".join("\n".join([f"### {title}", "", *lines]) for title, lines in parts.items())


def written(page: str, inside: str) -> str:
    """A page with the tables between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{inside}\n\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where the page does not hold them."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put them into docs/capacity.md")
    parser.add_argument("--page", type=Path, default=PAGE, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    inside, page = tables(load()), options.page.read_text(encoding="utf-8")
    print(inside)
    if options.write:
        options.page.write_text(written(page, inside), encoding="utf-8")
    elif written(page, inside) != page:
        print(f"\n{options.page.name} holds other tables: make simulate ARGS=--write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
