"""What a manifest says, in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.manifest import Manifest


def summary(manifest: Manifest) -> str:
    """What the manifest says, a line for each function, queue and job."""
    lines = [f"runtime {manifest.runtime}"]
    for name, function in manifest.functions.items():
        lines.append(
            f"function {name}: {function.access}, {function.memory}, {function.cpu:g} CPU, "
            f"{function.concurrency} at once, {function.min_instances} to {function.max_instances} instances, "
            f"{function.timeout} s, as {function.service_account}"
        )
    for name, queue in manifest.queues.items():
        lines.append(
            f"queue {name}: {queue.destination or 'more work'} by {queue.target}, "
            f"{queue.max_dispatches_per_second:g} a second, {queue.max_concurrent_dispatches} at once, "
            f"{queue.retry.max_attempts} attempts"
        )
    for name, job in manifest.jobs.items():
        lines.append(f"job {name}: {job.schedule} ({job.time_zone}) calls {job.target}{job.path or ''}")
    return "\n".join(lines)
