"""What every destination has in common: a port of its own that it keeps, and that it can be broken and healed."""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from infra.local.ports import HOST, Port
from infra.local.standins.faults import Fault, FaultSwitch

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, no time to linger: closing sends RST


class StandIn(ABC):
    """A destination on a loopback port that can be broken and healed.

    Attributes:
        name: what ``/_local/{name}/…`` calls it.
        modes: every mode ``set_fault`` takes, the commonest first.
        received: what was accepted, oldest first, as the destination would show it.
        canaries: the same of what was accepted at the target for canaries.
        requests: how many requests, or connections, reached it, accepted or not.
    """

    name: ClassVar[str]
    modes: ClassVar[tuple[str, ...]]

    def __init__(self, *, hang_seconds: float, drip_seconds: float) -> None:
        self.received: list[dict[str, Any]] = []
        self.canaries: list[dict[str, Any]] = []
        self.requests = 0
        self._hang_seconds = hang_seconds
        self._drip_seconds = drip_seconds
        self._switch = FaultSwitch()
        self._changing = asyncio.Lock()
        self._port: Port | None = None
        self._listener: asyncio.Server | None = None

    @property
    def fault(self) -> Fault | None:
        """What is broken now; None while it is well."""
        return self._switch.fault

    async def start(self) -> str:
        """Listen on a free loopback port; the URL a client is configured with.

        Raises:
            RuntimeError: it was started before and not stopped.
        """
        async with self._changing:
            if self._port is not None:
                raise RuntimeError(f"the {self.name} stand-in is already started")
            self.open()
            self._port = Port()
            self._switch.set(None)
            await self._listen()
            return self.url(self._port.number)

    async def stop(self) -> None:
        """Give up the port and end every connection at once; no task, socket or file is left. Safe to repeat."""
        async with self._changing:
            if self._port is not None:
                await self._refuse_connections()
                self._port.release()
                self._port = None
                self.close()

    async def set_fault(self, fault: Fault) -> None:
        """Break it, from the next request on; with ``down`` at rate 1, running requests are cut off too.

        Raises:
            ValueError: the mode is none of this stand-in's.
            RuntimeError: it is not started.
        """
        if fault.mode not in self.modes:
            raise ValueError(f"{fault.mode!r} is not a mode of the {self.name} stand-in")
        await self._change(fault)

    async def heal(self) -> None:
        """Serve as usual from the next request on, on the same port."""
        await self._change(None)

    @abstractmethod
    def open(self) -> None:
        """Get ready to serve; called once before it listens for the first time."""

    @abstractmethod
    def close(self) -> None:
        """Let go what `open` took; called once it neither listens nor is connected."""

    @abstractmethod
    def url(self, port: int) -> str:
        """The URL a client is configured with."""

    @abstractmethod
    def protocol(self) -> asyncio.BaseProtocol:
        """What serves a connection just made."""

    @abstractmethod
    def cut(self) -> bool:
        """Reset what is connected; whether there was anything."""

    async def _change(self, fault: Fault | None) -> None:
        async with self._changing:
            if self._port is None:
                raise RuntimeError(f"the {self.name} stand-in is not started")
            self._switch.set(fault)
            if fault is not None and fault.mode == "down" and fault.rate >= 1:
                await self._refuse_connections()
            else:
                await self._listen()

    async def _listen(self) -> None:
        if self._port is not None and self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(self.protocol, HOST, self._port.number)

    async def _refuse_connections(self) -> None:
        """Close the listening socket, keep its port, reset what is connected and wait until it is over."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await asyncio.sleep(0)  # a connection accepted in this turn of the loop is counted only in the next
        for _ in iter(self.cut, False):
            await asyncio.sleep(0)


def reset(transport: asyncio.Transport | None) -> None:
    """End a connection with a reset (RST); nothing happens where there is none."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
