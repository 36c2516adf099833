"""The gateway by itself, in front of nothing."""

from __future__ import annotations

import asyncio

from aiohttp import web

from infra.local.gateway import Gateway


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    """408 and the end of the connection, however slowly the bytes come."""

    async def scene() -> bytes:
        gateway = Gateway({"chat": "http://127.0.0.1:9"}, body_seconds=0.2)
        await gateway.open()
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", gateway.handle)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, lingering_time=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        try:
            writer.write(b"POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n")
            dripping = asyncio.create_task(_drip(writer))
            async with asyncio.timeout(20):
                answered = await reader.read()
            dripping.cancel()
            return answered
        finally:
            writer.close()
            await runner.cleanup()
            await gateway.close()

    assert asyncio.run(scene()).startswith(b"HTTP/1.1 408 ")


async def _drip(writer: asyncio.StreamWriter) -> None:
    """A byte every now and then, for as long as anybody listens."""
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.02)
