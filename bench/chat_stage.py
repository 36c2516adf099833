"""What `chat` measures on: chat and what it is compared with, started with the same words and the same environment."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from bench.wire import Line
from infra.local.ports import HOST, held_urls
from infra.local.supervise import NotReady, ProcessSpec, Supervised
from infra.local.wiring import REGION, Wiring
from infra.manifest import ROOT, load
from infra.manifest_places import Places

CHAT = "chat"
BARE = "bare"
PLAIN = "plain"
_SOURCES = {BARE: "bare_chat", PLAIN: "plain_chat"}
READY_SECONDS = 60.0
_LOOK_SECONDS = 0.002
_MEBIBYTE = 1024 * 1024

SETTINGS = {
    "ADDRESS_HASH_KEY": "an-address-key-of-the-bench",
    "LEAD_CHANNELS": "slack",
    "CHAT_RATE_LIMIT": "1000000 per minute",  # one window a client, as usual, that nobody fills
}


@dataclass(frozen=True)
class Served:
    """A function that serves.

    Attributes:
        url: its address.
        process: it runs there.
    """

    url: str
    process: Supervised

    def cpu_seconds(self) -> float:
        """What its processes have used so far, the system's part included."""
        times = [psutil.Process(pid).cpu_times() for pid in self.process.pids()]
        return float(sum(each.user + each.system for each in times))

    def resident_mib(self) -> float:
        """What the process that serves holds of the memory, without the one that started it and shares most of it."""
        _starter, *serving = self.process.pids()
        return max(psutil.Process(pid).memory_info().rss for pid in serving) / _MEBIBYTE


def specs(ending: ExitStack, host: str, project: str, folder: Path) -> dict[str, ProcessSpec]:
    """How each function is started: the others as chat is, with its threads and settings, but for the source.

    Args:
        ending: lets their ports go.
        host: the emulator's.
        project: in it.
        folder: where they get their homes.
    """
    manifest = load()
    urls = held_urls([*manifest.functions, *_SOURCES], ending)
    wired = Wiring(
        manifest=manifest,
        places=Places(project, REGION, urls),
        firestore=host,
        tasks=f"{HOST}:1",  # never called: no message of the load makes a lead
        filled={},
        environ=SETTINGS | {"PATH": "/usr/bin:/bin"},
        fast=False,
        homes=folder,
    )
    chat = wired.process(CHAT)
    return {CHAT: chat, **{name: _compared(chat, name, urls[name], folder / name) for name in _SOURCES}}


def _compared(chat: ProcessSpec, name: str, url: str, home: Path) -> ProcessSpec:
    home.mkdir(exist_ok=True)
    source = str(ROOT / "bench" / f"{_SOURCES[name]}.py")
    argv = ("-m", "functions_framework", "--target", _SOURCES[name], "--source", source)
    address = ("--host", HOST, "--port", str(urlsplit(url).port))
    return replace(
        chat, name=name, argv=(sys.executable, *argv, *address), env={**chat.env, "HOME": str(home)}, ready_url=url
    )


async def serve(ending: AsyncExitStack, spec: ProcessSpec) -> Served:
    """Start a function and wait until it answers.

    Raises:
        NotReady: it does not.
    """
    process = Supervised(spec)
    ending.push_async_callback(process.stop)
    await process.start()
    await process.ready(READY_SECONDS)
    return Served(str(spec.ready_url), process)


async def cold_start(spec: ProcessSpec) -> float:
    """Milliseconds from the launch of a function to its first answer to a message; it is ended again.

    Raises:
        NotReady: there is none, or it is no answer.
    """
    process = Supervised(spec)
    began = time.perf_counter()
    await process.start()
    try:
        return (await _first_answer(process, str(spec.ready_url)) - began) * 1000
    finally:
        await process.stop()


async def _first_answer(process: Supervised, url: str) -> float:
    """When it came, by the clock of ``perf_counter``."""
    end, body = time.monotonic() + READY_SECONDS, json.dumps({"message": "What are your opening hours?"}).encode()
    while time.monotonic() < end:
        line = Line(url)
        try:
            answer = await line.post(body, _NOBODY)
        except OSError:  # nobody listens yet
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        finally:
            await line.close()
        answered = time.perf_counter()
        if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
            raise NotReady(f"{process.spec.name} answered its first message with {answer.status}: {answer.body!r}")
        return answered
    raise NotReady(f"{process.spec.name} did not answer within {READY_SECONDS:g} s\n" + "\n".join(process.tail()[-20:]))


_NOBODY: Mapping[str, str] = {}
