"""What every stand-in over HTTP shares, on a destination that takes anything."""

import asyncio
import contextlib

import aiohttp
import pytest
from yarl import URL

from infra.local.standins.faults import TRANSPORT_MODES, Fault
from infra.local.standins.http_standin import Answer, HttpStandIn

HELLO = {"text": "hello"}
LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting


class Letterbox(HttpStandIn):
    """A destination that takes whatever it is given."""

    name = "letterbox"
    path = "/in"
    modes = ("500", *TRANSPORT_MODES)

    def accept(self, request, body):
        """Taken."""
        self.received.append({"text": body.decode()})
        return Answer(200, "taken", headers={"X-Letter": "1"})

    def refuse(self, mode):
        """Only ever a status."""
        return Answer(int(mode), "refused")


@contextlib.asynccontextmanager
async def running(**settings):
    """A started stand-in, its URL and a client; all gone afterwards."""
    box = Letterbox(**{"hang_seconds": LONG_WAIT, "drip_seconds": 0.0, **settings})
    url = await box.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield box, url, client
    finally:
        await box.stop()


async def post(client, url):
    """Status, body and headers of one POST."""
    async with client.post(url, data="hello") as answer:
        return answer.status, await answer.text(), answer.headers


async def raw_request(url, body=b"hello", length=5):
    """A POST written by hand, so that what comes back can be seen byte by byte."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(f"POST {target.path} HTTP/1.1\r\nHost: box\r\nContent-Length: {length}\r\n\r\n".encode() + body)
    return reader, writer


async def reached(box):
    """Return once a request has arrived."""
    async with asyncio.timeout(10):
        while not box.requests:  # noqa: ASYNC110 - it has no event for it, as no user needs one
            await asyncio.sleep(0)


def test_timeout_reads_the_message_and_never_answers():
    """Nothing is accepted, and stopping ends the wait at once."""

    async def scenario():
        async with running() as (box, url, client):
            await box.set_fault(Fault("timeout"))
            hanging = asyncio.create_task(post(client, url))
            await reached(box)
            assert not hanging.done()
            await box.stop()
            with pytest.raises(aiohttp.ClientError):
                await hanging
            return box.received

    assert asyncio.run(scenario()) == []


def test_a_hanging_connection_ends_without_an_answer_in_the_end():
    """After hang_seconds, so that no client keeps it for ever."""

    async def scenario():
        async with running(hang_seconds=0.0) as (box, url, client):
            await box.set_fault(Fault("timeout"))
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await post(client, url)
            return box.received

    assert asyncio.run(scenario()) == []


def test_a_client_that_gives_up_leaves_nothing_running():
    """Its hanging request ends with its connection."""

    async def scenario():
        async with running() as (box, url, _):
            await box.set_fault(Fault("timeout"))
            before = asyncio.all_tasks()
            _, writer = await raw_request(url)
            await reached(box)
            writer.close()
            await writer.wait_closed()
            async with asyncio.timeout(10):
                while asyncio.all_tasks() != before:  # noqa: ASYNC110 - tasks end without a word
                    await asyncio.sleep(0)

    asyncio.run(scenario())


def test_f12_reset_reads_the_message_and_cuts_the_connection():
    """The caller gets a reset, not an end, and cannot know what became of its message."""

    async def scenario():
        async with running() as (box, url, _):
            await box.set_fault(Fault("reset"))
            reader, writer = await raw_request(url)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            return box.received, box.requests

    assert asyncio.run(scenario()) == ([], 1)


def test_f05_unanswered_accepts_and_cuts_the_connection():
    """The caller sees what it sees of reset, and the message is there."""

    async def scenario():
        async with running() as (box, url, _):
            await box.set_fault(Fault("unanswered"))
            reader, writer = await raw_request(url)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            return len(box.received), box.requests

    assert asyncio.run(scenario()) == (1, 1)


def test_f11_slow_accepts_and_drips_the_raw_answer():
    """One byte, and no more: each read makes progress, the answer never comes."""

    async def scenario():
        async with running(drip_seconds=LONG_WAIT) as (box, url, _):
            await box.set_fault(Fault("slow"))
            reader, writer = await raw_request(url)
            first = await reader.read(100)
            await box.stop()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            return first, box.received

    assert asyncio.run(scenario()) == (b"H", [HELLO])


def test_down_refuses_connections_and_heals_on_the_same_port():
    """As a host that is not there, then is again; pooled connections are cut too."""

    async def scenario():
        async with running() as (box, url, client):
            await post(client, url)
            await box.set_fault(Fault("down"))
            with pytest.raises(aiohttp.ClientConnectionError):
                await post(client, url)
            target = URL(url)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(target.host, target.port)
            counted = box.requests
            await box.heal()
            return counted, (await post(client, url))[0], len(box.received)

    assert asyncio.run(scenario()) == (1, 200, 2)


def test_down_cuts_off_a_request_that_is_running():
    """It does not wait for its answer."""

    async def scenario():
        async with running() as (box, url, client):
            await box.set_fault(Fault("timeout"))
            hanging = asyncio.create_task(post(client, url))
            await reached(box)
            await box.set_fault(Fault("down"))
            with pytest.raises(aiohttp.ClientConnectionError):
                await hanging

    asyncio.run(scenario())


def test_down_twice_and_another_fault_after_it():
    """Any state can follow any other."""

    async def scenario():
        async with running() as (box, url, client):
            await box.set_fault(Fault("down"))
            await box.set_fault(Fault("down"))
            await box.set_fault(Fault("500"))
            broken = (await post(client, url))[0]
            await box.set_fault(Fault("down"))
            await box.heal()
            await box.heal()
            return broken, (await post(client, url))[0]

    assert asyncio.run(scenario()) == (500, 200)


def test_down_for_some_cuts_them_before_their_message_is_read():
    """A connection reset while sending; the spared ones are served."""

    async def scenario():
        async with running() as (box, url, _):
            await box.set_fault(Fault("down", rate=0.5, seed=3))
            outcomes = []
            for _ in range(12):
                async with aiohttp.ClientSession() as client:
                    try:
                        outcomes.append((await post(client, url))[0])
                    except aiohttp.ClientConnectionError:
                        outcomes.append("cut")
            return outcomes, len(box.received), box.requests

    outcomes, accepted, requests = asyncio.run(scenario())
    assert set(outcomes) == {200, "cut"}
    assert accepted == outcomes.count(200)
    assert requests == 12


def test_a_dripped_answer_is_a_whole_one():
    """Whoever waits long enough reads it, headers and all."""

    async def scenario():
        async with running() as (box, url, client):
            await box.set_fault(Fault("slow"))
            return await post(client, url)

    status, body, headers = asyncio.run(scenario())
    assert (status, body, headers["X-Letter"], headers["Connection"]) == (200, "taken", "1", "close")
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_struck_connection_is_cut_before_its_body_came():
    """A struck connection is reset on its headers alone."""

    async def scenario():
        async with running() as (box, url, _):
            await box.set_fault(Fault("down", rate=0.999999, seed=1))
            reader, writer = await raw_request(url, body=b"", length=1000)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            return box.requests, box.received

    assert asyncio.run(scenario()) == (1, [])


def test_stopping_leaves_no_task_and_no_socket():
    """Neither of a hanging request nor of an idle connection."""

    async def scenario():
        before = asyncio.all_tasks()
        box = Letterbox(hang_seconds=LONG_WAIT)
        url = await box.start()
        idle = await asyncio.open_connection(URL(url).host, URL(url).port)
        await box.set_fault(Fault("timeout"))
        hanging = await raw_request(url)
        await reached(box)
        await box.stop()
        await box.stop()
        assert asyncio.all_tasks() == before
        for _, writer in (idle, hanging):
            writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(URL(url).host, URL(url).port)

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", [None, Fault("down")])
def test_it_can_be_stopped_in_any_state_and_started_again(fault):
    """It starts well, with what it had received."""

    async def scenario():
        box = Letterbox()
        await box.start()
        if fault is not None:
            await box.set_fault(fault)
        await box.stop()
        url = await box.start()
        async with aiohttp.ClientSession() as client:
            status = (await post(client, url))[0]
        await box.stop()
        return status, box.fault

    assert asyncio.run(scenario()) == (200, None)


def test_what_makes_no_sense_is_refused():
    """Two ports would be two destinations, and a stopped one has nothing to break."""

    async def scenario():
        with pytest.raises(RuntimeError, match="not started"):
            await Letterbox().set_fault(Fault("500"))
        async with running() as (box, _, _):
            with pytest.raises(RuntimeError, match="already started"):
                await box.start()

    asyncio.run(scenario())
