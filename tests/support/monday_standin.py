"""Monday.com's stand-in on a thread of its own, for callers that wait for its answers."""

import asyncio
import contextlib
import json
import threading

from infra.local.standins.faults import Fault
from infra.local.standins.http_standin import Answer
from infra.local.standins.monday import MondayStandIn

LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting


class Watched(MondayStandIn):
    """Keeps every request's headers and body, tells when one was served, and answers by script if it has one."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.seen = []
        self.served = threading.Event()
        self.script = []

    def accept(self, request, body):
        """As usual, unless an answer is scripted."""
        self.seen.append((dict(request.headers), json.loads(body)))
        answer = self.script.pop(0) if self.script else super().accept(request, body)
        self.served.set()
        return answer

    def refuse(self, mode):
        """As usual; the request counts as served."""
        self.served.set()
        return super().refuse(mode)


class MondayInAThread:
    """A started stand-in, driven from outside its loop."""

    def __init__(self, loop, standin, url):
        self._loop = loop
        self.standin = standin
        self.url = url

    def call(self, coroutine):
        """Run something on the stand-in's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def fail(self, mode, **how):
        """Break it."""
        self.call(self.standin.set_fault(Fault(mode, **how)))

    def heal(self):
        """Repair it."""
        self.call(self.standin.heal())

    def answer(self, status, body, **headers):
        """Script the next answer; header names with underscores."""
        text = body if isinstance(body, str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.standin.script.append(Answer(status, text, content_type="application/json", headers=named))

    @property
    def items(self):
        """The items as they stand."""
        return self.standin.received


@contextlib.contextmanager
def monday_in_a_thread(**settings):
    """A started stand-in; the thread and the port are gone afterwards."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    standin = Watched(**{"hang_seconds": LONG_WAIT, "drip_seconds": 0.0, **settings})
    try:
        url = asyncio.run_coroutine_threadsafe(standin.start(), loop).result(20)
        yield MondayInAThread(loop, standin, url)
    finally:
        asyncio.run_coroutine_threadsafe(standin.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
