"""One HTTP request to a target, and what came of it.

Source: ``google.cloud.tasks.v2.Attempt``, ``google.cloud.scheduler.v1.Job.status``, ``google.rpc.Code``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.local.google.clock import Clock

_RPC_CODES = {
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}
_BY_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_BY_CLASS = {4: "FAILED_PRECONDITION", 5: "INTERNAL"}


@dataclass(frozen=True)
class Call:
    """A request to be made; no redirect is followed.

    Attributes:
        method: the HTTP method.
        url: where to.
        headers: exactly these, beside what HTTP itself needs.
        body: empty for none.
        deadline: how long the whole answer may take.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    deadline: timedelta


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        status: the HTTP status; None where no answer came.
        trouble: why none came; the name of a ``google.rpc.Code``.
        retry_after: what the answer's Retry-After asks for; None where it does not.
    """

    status: int | None
    trouble: str = "UNAVAILABLE"
    retry_after: timedelta | None = None

    @property
    def succeeded(self) -> bool:
        """Any 2xx is success, everything else is a failure."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers

    @property
    def rpc_name(self) -> str:
        """The ``google.rpc.Code`` it counts as."""
        if self.status is None:
            return self.trouble
        if self.succeeded:
            return "OK"
        return _BY_STATUS.get(self.status) or _BY_CLASS.get(self.status // 100, "UNKNOWN")

    def rpc_status(self) -> dict[str, Any]:
        """The ``google.rpc.Status`` the API shows for it; empty for success."""
        if self.succeeded:
            return {}
        code = _RPC_CODES[self.rpc_name]
        detail = "no answer" if self.status is None else f"HTTP status code {self.status}"
        return {"code": code, "message": f"{self.rpc_name}({code}): {detail}"}


Send = Callable[[Call], Awaitable[Outcome]]
"""Makes a request and says what came of it; never raises, and keeps no time."""


async def attempt(call: Call, send: Send, clock: Clock) -> Outcome:
    """Make a request; at its deadline, by ``clock``, it is cancelled and counts as DEADLINE_EXCEEDED."""
    over = asyncio.Event()
    request = asyncio.ensure_future(send(call))
    request.add_done_callback(lambda _: over.set())
    try:
        await clock.sleep_until(clock.now() + call.deadline, over)
        if request.done():
            return request.result()
        return Outcome(None, trouble="DEADLINE_EXCEEDED")
    finally:
        if not request.done():
            request.cancel()
            await asyncio.wait((request,))
