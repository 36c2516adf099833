"""The gateway by itself, in front of nothing."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from infra.local.gateway import Gateway, loopback_only


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
                answered = await reader.readline()  # what still drips after the end is answered with a reset
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


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:8080", None, 200),
        ("localhost", "http://localhost", 200),
        ("[::1]:8080", None, 200),
        ("127.1.2.3", None, 200),
        ("127.evil.example", None, 421),  # a name that leads to this machine: DNS rebinding
        ("localhost.evil.example", None, 421),
        ("evil.example:8080", "http://evil.example:8080", 421),
        ("192.168.1.2", None, 421),
        ("127.0.0.1:8080", "https://evil.example", 403),
        ("127.0.0.1:8080", "http://localhost:8080", 403),
    ],
)
def test_a_page_of_another_origin_cannot_change_the_local_system(host: str, origin: str | None, status: int) -> None:
    """Neither under a name that leads here nor by a form of its own."""

    async def purge(_request: web.Request) -> web.Response:
        return web.Response()

    async def scene() -> int:
        app = web.Application(middlewares=[loopback_only])
        app.add_routes([web.post("/_local/queues/slack/purge", purge)])
        headers = {"Host": host} | ({"Origin": origin} if origin else {})
        async with TestClient(TestServer(app)) as client:
            return (await client.post("/_local/queues/slack/purge", headers=headers)).status

    assert asyncio.run(scene()) == status
