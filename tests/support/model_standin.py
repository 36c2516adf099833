"""The language model's stand-in on a thread of its own, for callers that wait for its answers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

from infra.local.standins.faults import Fault
from infra.local.standins.model import ModelStandIn

LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting


class ModelInAThread:
    """A started stand-in, driven from outside its loop.

    Attributes:
        standin: to look into.
        url: what a client is configured with.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, standin: ModelStandIn, url: str) -> None:
        self._loop, self.standin, self.url = loop, standin, url

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the stand-in's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def fail(self, mode: str, **how: Any) -> None:
        """Break it."""
        self.call(self.standin.set_fault(Fault(mode, **how)))

    def heal(self) -> None:
        """Mend it."""
        self.call(self.standin.heal())


@contextlib.contextmanager
def model_standin() -> Iterator[ModelInAThread]:
    """A running stand-in; its port, loop and thread are gone afterwards."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    standin = ModelStandIn(hang_seconds=LONG_WAIT)
    running = ModelInAThread(loop, standin, "")
    try:
        running.url = running.call(standin.start())
        yield running
    finally:
        running.call(standin.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
