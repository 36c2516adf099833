"""A process that carries out steps, and the server such processes are forked from.

``python -m tests.support.harness.worker SOCKET`` imports everything and connects to nothing. For each line of its
standard input it forks a worker, which connects to SOCKET, says its process id, and takes a line of JSON a step:
``{"trial", "do", "arguments", "strike", "hosts"}``; it answers ``{"answer", "raised", "calls", "struck", "events",
"seconds"}``. A worker ends when its connection does, or when its shim ends it; the server when its input does.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import socket
import sys
import time
from typing import Any

from tests.support.harness.flows import Flows, connect, install, warm_up
from tests.support.harness.shim import Shim, Strike


def main(path: str) -> None:
    """Fork a worker for every line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: the system does
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; the harness ends this by itself
    warm_up()
    gc.freeze()
    for _ in sys.stdin.buffer.raw:  # type: ignore[attr-defined]
        if os.fork() == 0:
            _work(path)
            os._exit(0)


def _work(path: str) -> None:
    shim = Shim()
    install(shim)
    flows = Flows(shim, {})
    connect("faults-nothing")
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(ConnectionError):
        connection.connect(path)
        connection.sendall(f"{os.getpid()}\n".encode())
        for line in connection.makefile("rb"):
            order = json.loads(line)
            if order["trial"] != flows.trial:
                flows = Flows(shim, order["trial"])
            connection.sendall(json.dumps(_step(flows, shim, order), default=str).encode() + b"\n")


def _step(flows: Flows, shim: Shim, order: dict[str, Any]) -> dict[str, Any]:
    shim.begin(Strike(**order["strike"]) if order["strike"] else None, order["hosts"])
    said, began = io.StringIO(), time.monotonic()
    answer: Any = None
    raised = None
    with contextlib.redirect_stdout(said):
        try:
            answer = flows.do(order["do"], order["arguments"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the harness wants to know
            status = getattr(error, "status", 500)
            raised = {"name": type(error).__name__, "status": status, "text": repr(error)}
    return {
        "answer": answer,
        "raised": raised,
        "calls": shim.calls,
        "struck": shim.struck,
        "events": [json.loads(line) for line in said.getvalue().splitlines()],
        "seconds": time.monotonic() - began,
    }


if __name__ == "__main__":
    main(sys.argv[1])
