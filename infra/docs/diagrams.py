"""What the manifest and the layers' contract say as diagrams in Mermaid (https://mermaid.js.org), drawn by GitHub."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterable, Iterator

from infra.manifest import ROOT, Manifest

CALLERS = {"public": "visitors", "admin": "operators"}


def diagram_blocks(manifest: Manifest) -> dict[str, str]:
    """Who calls whom; what is watched; which layer may know which."""
    return {
        "calls": _drawn("flowchart LR", _calls(manifest)),
        "watching": _drawn("flowchart LR", _watching(manifest)),
        "layers": _drawn("flowchart TD", _layers()),
    }


def _drawn(kind: str, lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", kind, *(f"  {line}" for line in lines), "```"])


def _calls(manifest: Manifest) -> Iterator[str]:
    """People and jobs call functions, which put tasks into queues, which call functions that reach destinations."""
    for who in dict.fromkeys(CALLERS.values()):
        yield f'{who}(["{who}"])'
    yield from (f'j_{name}[/"{name}<br>{job.schedule}"/]' for name, job in manifest.jobs.items())
    yield from (f'f_{name}["{name}"]' for name in manifest.functions)
    alerts = {name: queue for name, queue in manifest.queues.items() if queue.destination}
    yield 'subgraph alerts["queues of alerts, one a destination"]'
    yield from (
        f'  q_{name}[["{name}, {queue.max_dispatches_per_second:g} a second"]]' for name, queue in alerts.items()
    )
    yield "end"
    yield from (f'q_{name}[["{name}"]]' for name in manifest.queues if name not in alerts)
    yield from (f'd_{queue.destination}{{{{"{queue.destination}"}}}}' for queue in alerts.values())
    for name, entry in manifest.functions.items():
        if entry.access in CALLERS:
            yield f"{CALLERS[entry.access]} --> f_{name}"
        into = ["alerts"] if set(entry.enqueues) & set(alerts) else []
        into += [f"q_{queue}" for queue in entry.enqueues if queue not in alerts]
        if into:
            yield f"f_{name} -.-> {' & '.join(into)}"
    yield from (f"j_{name} --> f_{job.target}" for name, job in manifest.jobs.items())
    yield from (f"q_{name} --> f_{queue.target}" for name, queue in manifest.queues.items())
    yield from dict.fromkeys(f"f_{queue.target} ==> d_{queue.destination}" for queue in alerts.values())


def _watching(manifest: Manifest) -> Iterator[str]:
    """Log entries are counted, a counter makes an alert policy fire, and that leads to a page."""
    for name, metric in manifest.metrics.items():
        shown = "<br>".join(metric.names) or metric.description.removesuffix(".")
        yield f'e_{name}["{shown}"] --> m_{name}(["{name}"])'
    for name, policy in manifest.alert_policies.items():
        word = name.replace("-", "_")
        limit = (
            "none for too long"
            if policy.jobs or policy.absent_for
            else f"more than {policy.above:g} in {policy.within} s"
        )
        yield f'm_{policy.metric} -->|"{limit}"| p_{word}{{{{"{name}: {policy.severity}"}}}}'
        yield f'p_{word} --> r_{word}["runbooks/{policy.runbook}.md"]'


def _layers() -> Iterator[str]:
    """The first contract of import-linter: a layer knows those below it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = [[name.strip() for name in layer.split("|")] for layer in layers]
    for row in rows:
        yield from (f'{_node(name)}["{name}"]' for name in row)
    for above, below in itertools.pairwise(rows):
        yield f"{' & '.join(map(_node, above))} --> {' & '.join(map(_node, below))}"


def _node(name: str) -> str:
    return name.replace(".", "_")
