"""The scenarios of the canary: its run is struck at every call, the chat's calls among them, beside a real lead."""

from __future__ import annotations

from tests.support.harness.scenarios import BOTH, SLOT, Scenario
from tests.support.harness.trial import Step, Trial

SETTINGS = BOTH | {"CANARY_KEYS": "a-canary-key-of-tests", "CANARY_DEADLINE": "1s"}
CHANNELS = ("slack", "monday")
PATIENT = {"drain": 300.0}
"""Every run watches its canary for a second, and many run at a time."""


async def _first(trial: Trial) -> Step:
    """Its alerts wait in queues that dispatch nothing."""
    await trial.lead()
    return Step("canary", {"slot": SLOT})


async def _after_one_that_arrived(trial: Trial) -> Step:
    """The one before was delivered (on a busy machine perhaps not), and is judged and removed."""
    await trial.run(await _first(trial))
    for channel in CHANNELS:
        await trial.deliver(channel, "canary")
    return Step("canary")


async def _after_one_that_waits(trial: Trial) -> Step:
    """The one before waits for its tasks."""
    await trial.run(await _first(trial))
    return Step("canary")


async def _delivered(trial: Trial) -> Step:
    await trial.run(await _first(trial))
    return await trial.delivery("monday", "canary")


async def _blocked(trial: Trial) -> Step:
    """A lead has found Slack blocked."""
    await trial.break_("slack", "no_active_hooks")
    await trial.run(await _first(trial))
    assert await trial.deliver("slack") == "parked"
    return await trial.delivery("slack", "canary")


RUNS = (
    Scenario("canary: the first", _first, [0, "late", "late"], SETTINGS, PATIENT),
    Scenario("canary: removes one that arrived", _after_one_that_arrived, [1, "late", "late"], SETTINGS, PATIENT),
    Scenario("canary: removes one that waits", _after_one_that_waits, [1, "late", "late"], SETTINGS, PATIENT),
)
"""Every call of these is struck."""

SCENARIOS = (
    *RUNS,
    Scenario("canary: delivered", _delivered, "delivered", SETTINGS),
    Scenario("canary: waits for a block", _blocked, "parked", SETTINGS),
)
