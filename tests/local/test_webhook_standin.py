"""The webhook's stand-in: it takes what is signed right, and can be broken."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from standardwebhooks import Webhook as Signer

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES, Fault
from infra.local.standins.webhook import ELSEWHERE, REDIRECTS, WebhookStandIn

EVENT = json.dumps({"type": "lead.captured", "data": {"name": "Ada"}})
LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting


@contextlib.asynccontextmanager
async def running():
    """A started stand-in, its URL and a client; all gone afterwards."""
    standin = WebhookStandIn(hang_seconds=LONG_WAIT, drip_seconds=0.0)
    url = await standin.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield standin, url, client
    finally:
        await standin.stop()


def signed(secret, body=EVENT, *, age=timedelta(0), **changes):
    """The headers of a delivery."""
    at = datetime.now(UTC) - age
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Signer(secret).sign("msg_1", at, body),
    }
    return {name: value for name, value in {**headers, **changes}.items() if value is not None}


def answers(*, body=EVENT, fault=None, path="", method="POST", **how):
    """Status and headers of one request to a fresh stand-in, and what it holds then."""

    async def scenario():
        async with running() as (standin, url, client):
            if fault is not None:
                await standin.set_fault(fault)
            headers = {"Content-Type": "application/json", **signed(standin.secret, body, **how)}
            async with client.request(method, url + path, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status, answer.headers, standin.received

    return asyncio.run(scenario())


def test_what_is_signed_right_is_kept():
    """Its id, timestamp, signature, headers and body."""
    status, _, (event,) = answers()
    assert status == 204
    assert event["id"] == event["headers"]["webhook-id"] == "msg_1"
    assert event["timestamp"].isdigit()
    assert event["signature"].startswith("v1,")
    assert event["body"] == json.loads(EVENT)


@pytest.mark.parametrize(
    "how",
    [
        {"age": timedelta(minutes=6)},
        {"age": timedelta(minutes=-6)},
        {"webhook-id": "msg_2"},
        {"webhook-id": None},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "nonsense"},
        {"webhook-signature": "v1,!"},
        {"webhook-signature": None},
    ],
)
def test_what_is_not_signed_right_is_refused(how):
    """Too old, too new, another id, no signature."""
    status, _, received = answers(**how)
    assert (status, received) == (401, [])


@pytest.mark.parametrize("body", ["[]", "nothing", "NaN", "null"])
def test_a_body_that_is_no_json_object_is_refused(body):
    """Though it is signed right."""
    status, _, received = answers(body=body)
    assert (status, received) == (400, [])


def test_another_path_or_method_is_refused():
    """404 and 405."""
    assert answers(path="/x")[0] == 404
    assert answers(method="PUT")[0] == 405


@pytest.mark.parametrize("mode", STATUS_MODES)
def test_every_error_status_can_be_answered(mode):
    """Nothing is accepted; a limit and an outage say when to come back."""
    status, headers, received = answers(fault=Fault(mode))
    assert (status, received) == (int(mode), [])
    assert ("Retry-After" in headers) == (mode in ("429", "503"))


@pytest.mark.parametrize("mode", REDIRECTS)
def test_f44_it_can_redirect_to_a_clouds_metadata(mode):
    """Where no sender may follow."""
    status, headers, received = answers(fault=Fault(mode))
    assert (status, headers["Location"], received) == (int(mode), ELSEWHERE, [])


def test_f11_slow_accepts_and_drips_its_answer():
    """As every stand-in over HTTP."""
    status, _, received = answers(fault=Fault("slow"))
    assert (status, len(received)) == (204, 1)


def test_f12_reset_accepts_nothing():
    """As every stand-in over HTTP."""
    with pytest.raises(aiohttp.ClientError):
        answers(fault=Fault("reset"))


def test_its_modes_are_all_of_these():
    """And nothing else."""
    assert set(WebhookStandIn.modes) == {*STATUS_MODES, *TRANSPORT_MODES, *REDIRECTS}
    assert len(set(WebhookStandIn.modes)) == len(WebhookStandIn.modes)
