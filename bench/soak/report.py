"""How a soak speaks: progress while it runs, a table of what became of every alert at the end."""

from __future__ import annotations

import asyncio

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.soak.judge import WINDOWS
from bench.soak.meter import NAMES
from bench.soak.run import Options, Soak, Soaked

NEEDED = ("chat", "deliver_alert", "retry_dead_letters")
SHOWN_MOST = 40


async def watched(soak: Soak, console: Console) -> Soaked:
    """Run a soak and show how far it is; on what is no terminal a line every ten seconds."""
    running = asyncio.create_task(soak.run())
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=soak.progress.visitors, told="")
        ticks = 0
        try:
            while not running.done():
                bar.update(task, completed=soak.progress.answered, description=soak.progress.phase, told=_line(soak))
                if not console.is_terminal and ticks % 20 == 0:
                    console.print(f"soak: {soak.progress.phase}: {_line(soak)}")
                ticks += 1
                await asyncio.wait({running}, timeout=0.5)
        finally:
            if not running.done():
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
    return await running


def _line(soak: Soak) -> str:
    far = soak.progress
    return (
        f"{far.answered}/{far.visitors} visitors answered, {far.arrived} messages arrived of {far.requests} requests, "
        f"{sum(far.done.values())} strikes"
    )


def report(soaked: Soaked, options: Options, console: Console) -> None:
    """Print all of it."""
    verdict = soaked.verdict
    console.print(
        f"\nSeed {options.seed}, {options.fault_rate:.0%} of requests fail, channels {', '.join(options.channels)}"
    )
    _alerts(soaked, options, console)
    _faults(soaked, console)
    _costs(soaked, console)
    answered = options.visitors - soaked.missing - soaked.gave_up
    console.print(
        f"Visitors: {answered} answered, {soaked.gave_up} never, {soaked.missing} did not come in time; "
        f"instead of an answer: {_counts(soaked.refused)}"
    )
    console.print(f"Storm: {soaked.storm_seconds:.0f} s. Time to drain after it: {soaked.drain_seconds:.0f} s.")
    if not soaked.drained:
        console.print("It did not drain.")
    for line in verdict.wrong[:SHOWN_MOST]:
        console.print(f"WRONG  {line}", highlight=False, soft_wrap=True)
    if len(verdict.wrong) > SHOWN_MOST:
        console.print(f"       and {len(verdict.wrong) - SHOWN_MOST} more")
    good = "nothing lost, nothing unexpected, conservation balanced"
    console.print(f"soak: {good if verdict.passed else 'FAILED'}; the same again: --seed {options.seed}")


def _alerts(soaked: Soaked, options: Options, console: Console) -> None:
    verdict = soaked.verdict
    table = Table(title="What became of every alert")
    heads = ("accepted", "delivered", "digested", "escalated", "lost")
    table.add_column("first channel, kind")
    for head in heads:
        table.add_column(head, justify="right")
    lost = {row: sum(f"({row[0]} {row[1]}," in each for each in verdict.lost) for row in verdict.accepted}
    for row in sorted(verdict.accepted):
        counted = (verdict.accepted, verdict.delivered, verdict.digested, verdict.escalated, lost)
        table.add_row(" ".join(row), *(f"{each[row]:,}" for each in counted))
    sums = (sum(each.values()) for each in (verdict.accepted, verdict.delivered, verdict.digested, verdict.escalated))
    table.add_section()
    table.add_row("all", *(f"{each:,}" for each in sums), f"{len(verdict.lost):,}")
    console.print(table)
    table = Table(title="Copies beyond the first, by window")
    table.add_column("channel")
    for window in WINDOWS:
        table.add_column(window, justify="right")
    for channel in sorted({*options.channels, "email", *(name for _, name in verdict.duplicates)}):
        table.add_row(channel, *(f"{verdict.duplicates[window, channel]:,}" for window in WINDOWS))
    console.print(table)
    console.print(f"Unexpected: {len(verdict.unexpected)}.")


def _faults(soaked: Soaked, console: Console) -> None:
    for name, met in soaked.met.items():
        failed = sum(met.values()) - met["well"]
        console.print(f"{name}: {sum(met.values())} requests, {failed} failed: {_counts(met)}", highlight=False)
    console.print(f"Done to the system: {_counts(soaked.done)}", highlight=False)


def _costs(soaked: Soaked, console: Console) -> None:
    alerts = sum(soaked.verdict.accepted.values()) or 1
    table = Table(title="Firestore, an alert")
    table.add_column("function")
    for name in NAMES:
        table.add_column(name, justify="right")
    for function, costs in sorted(soaked.costs.items()):
        if function in (*NEEDED, "cleanup"):
            table.add_row(function, *(f"{costs[name] / alerts:.2f}" for name in NAMES))
    of_all = [sum(costs[name] for function, costs in soaked.costs.items() if function in NEEDED) for name in NAMES]
    table.add_section()
    table.add_row("all", *(f"{each / alerts:.2f}" for each in of_all))
    console.print(table)


def _counts(counted: object) -> str:
    pairs = counted.most_common() if hasattr(counted, "most_common") else ()
    return ", ".join(f"{name} {number}" for name, number in pairs) or "nothing"
