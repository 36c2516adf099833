"""The webhook against its stand-in and against receivers that answer anything, over real HTTP."""

import asyncio
import contextlib
import dataclasses
import json
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Verifier

from infra.local.standins.faults import Fault
from infra.local.standins.http_standin import Answer, HttpStandIn
from infra.local.standins.webhook import ELSEWHERE, WebhookStandIn
from shared.adapters.deadline import AddressRefused
from shared.adapters.http import HttpAnswer, NotSent
from shared.adapters.webhook import Webhook, classify, refuse_private, webhook_body, webhook_id
from shared.domain.outcome import Blocked, Delivered, Rejected, Retry, Unknown
from shared.webhook_settings import WebhookUrl, parse_webhook_url
from tests.support.smtp_servers import LEAD, a_message

LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting
ENOUGH = 20.0
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(HttpStandIn):
    """Answers whatever it is told to."""

    name, path, modes = "receiver", "/in", ()

    def __init__(self, answer):
        super().__init__(hang_seconds=LONG_WAIT)
        self.answer = answer

    def accept(self, request, body):
        """Keep what came, and answer."""
        self.received.append(
            {"headers": {name.lower(): value for name, value in request.headers.items()}, "body": body}
        )
        return self.answer

    def refuse(self, mode):
        """Never asked."""
        raise AssertionError(mode)


@contextlib.asynccontextmanager
async def started(standin):
    """A started stand-in and its URL, allowed as the local system allows it."""
    url = await standin.start()
    try:
        host, port = url.split("/")[2].split(":")
        yield parse_webhook_url(url, frozenset({(host, int(port))}))
    finally:
        await standin.stop()


async def send(url, secret, message=None, *, seconds=ENOUGH, **more):
    """What one attempt came to."""
    channel = Webhook(url, secret=secret, **more)
    return await asyncio.to_thread(channel.send, message or a_message(), deadline=time.monotonic() + seconds)


def attempt(mode=None, *, seconds=ENOUGH):
    """What one attempt at a fresh stand-in came to, and what it holds then."""

    async def scenario():
        standin = WebhookStandIn(hang_seconds=LONG_WAIT, drip_seconds=0.05)
        async with started(standin) as url:
            if mode is not None:
                await standin.set_fault(Fault(mode))
            return await send(url, standin.secret, seconds=seconds), standin.received

    return asyncio.run(scenario())


def answered(answer):
    """What an attempt comes to when a receiver answers this."""

    async def scenario():
        receiver = Receiver(answer)
        async with started(receiver) as url:
            return await send(url, SECRET)

    return asyncio.run(scenario())


def test_a_lead_is_delivered_signed():
    """The stand-in checks the signature with the specification's own library."""
    outcome, (event,) = attempt()
    assert outcome == Delivered()
    assert event["id"] == "msg_0123456789abcdef_1"
    assert event["headers"]["content-type"] == "application/json"
    assert event["body"] == {
        "type": "lead.captured",
        "timestamp": "2026-03-01T09:30:00Z",
        "data": {**LEAD, "alert_id": "0123456789abcdef", "epoch": 1, "maybe_duplicate": False},
    }


def test_f13_repeats_carry_the_same_id_and_say_that_they_may_be_one():
    """A redrive has another id: it may be taken anew."""

    async def scenario():
        standin = WebhookStandIn()
        async with started(standin) as url:
            message = a_message()
            for each in (
                message,
                dataclasses.replace(message, maybe_shown=True),
                dataclasses.replace(message, epoch=2),
            ):
                await send(url, standin.secret, each)
            return standin.received

    first, repeat, redriven = asyncio.run(scenario())
    assert first["id"] == repeat["id"] != redriven["id"]
    assert [each["body"]["data"]["maybe_duplicate"] for each in (first, repeat, redriven)] == [False, True, False]


def test_another_secret_is_blocked():
    """The receiver refuses what it cannot verify."""

    async def scenario():
        standin = WebhookStandIn()
        async with started(standin) as url:
            return await send(url, SECRET), standin.received

    assert asyncio.run(scenario()) == (Blocked("http_401"), [])


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_any_2xx_is_a_delivery(status):
    """Whatever the body says."""
    assert answered(Answer(status, "" if status == 204 else "no")) == Delivered()


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        *((str(status), Rejected(f"http_{status}")) for status in (400, 413, 422)),
        *((str(status), Blocked(f"http_{status}")) for status in (401, 403, 404, 405, 410, 301, 302, 303, 307, 308)),
        *((str(status), Retry(f"http_{status}")) for status in (402, 406, 408, 409, 415, 423, 425, 451)),
        *((str(status), Retry(f"http_{status}", maybe_shown=True)) for status in (500, 501, 502, 504, 599)),
        ("429", Retry("http_429", timedelta(seconds=1))),
        ("503", Retry("http_503", timedelta(seconds=1))),
        ("reset", Unknown("connection_broken")),
        ("down", Retry("connection_failed")),
    ],
)
def test_every_answer_is_classified(mode, outcome):
    """And nothing was accepted."""
    assert attempt(mode) == (outcome, [])


@pytest.mark.parametrize(("mode", "accepted"), [("timeout", 0), ("slow", 1)])
def test_f11_an_answer_that_does_not_come_whole_is_unknown_at_the_deadline(mode, accepted):
    """Whether it never comes or comes byte by byte."""
    outcome, received = attempt(mode, seconds=0.7)
    assert (outcome, len(received)) == (Unknown("timeout"), accepted)


@pytest.mark.parametrize(
    ("status", "value", "after"),
    [
        (429, "30", 30),
        (503, "7", 7),
        (503, "Sun, 01 Mar 2026 12:00:45 GMT", 45),
        (503, "Sun, 01 Mar 2026 11:00:00 GMT", 0),
        (429, "99999999999999", 86400),
        (429, "soon", 1),
        (429, "-5", 1),
        (429, "Sun, 01 Mar 99999999999999999999 12:00:45 GMT", 1),
        (429, "Sun, 01 Mar 2026 12:00:45 +99999999999", 1),
        (429, "", 1),
    ],
)
def test_f16_it_comes_back_when_the_receiver_says(status, value, after):
    """In seconds or by a date, at most a day, a second where a limit says nothing that can be read."""
    outcome = classify(HttpAnswer(status, {"retry-after": value}, ""), NOW)
    assert outcome == Retry(f"http_{status}", timedelta(seconds=after))


def test_a_503_that_does_not_say_when_may_have_taken_it():
    """As any other 5xx: a repeat is marked."""
    assert classify(HttpAnswer(503, {}, ""), NOW) == Retry("http_503", maybe_shown=True)
    assert classify(HttpAnswer(502, {"retry-after": "9"}, ""), NOW) == Retry(
        "http_502", timedelta(seconds=9), maybe_shown=True
    )


def test_f44_a_redirect_to_metadata_is_not_followed():
    """The receiver is asked once, and a person has to repair the URL."""

    async def scenario():
        other = Receiver(Answer(200, ""))
        async with started(other) as inside:
            receiver = Receiver(Answer(307, "", headers={"Location": inside.url}))
            async with started(receiver) as url:
                return await send(url, SECRET), len(receiver.received), other.requests

    assert asyncio.run(scenario()) == (Blocked("http_307"), 1, 0)
    assert attempt("302") == (Blocked("http_302"), [])
    assert "169.254.169.254" in ELSEWHERE


@pytest.mark.parametrize("location", ["http://[::1", "//[", "\\\\x", "javascript:0"])
def test_f44_a_redirect_to_nonsense_blocks_as_any_other(location):
    """It is not even read."""
    assert answered(Answer(302, "x" * 100, headers={"Location": location})) == Blocked("http_302")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.5", "169.254.169.254", "0.1.2.3", "100.100.100.200", "224.0.0.1"),
        *("::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001::1", "fe80::1", "fd00:ec2::254"),
    ],
)
@pytest.mark.parametrize("beside", [(), ("203.0.114.7",)])
def test_f44_a_name_that_resolves_to_a_private_address_is_blocked_unconnected(monkeypatch, address, beside):
    """Also where another of its addresses is public."""
    made = []
    entries = [(socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443))
               for each in (*beside, address)]  # fmt: skip
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: entries)
    monkeypatch.setattr("shared.adapters.deadline._connected", lambda *arguments: made.append(arguments))
    channel = Webhook(parse_webhook_url("https://hooks.example.com/in"), secret=SECRET)
    assert channel.send(a_message(), deadline=time.monotonic() + ENOUGH) == Blocked("private_address")
    assert made == []


def test_f44_a_name_that_changes_its_address_is_resolved_once(monkeypatch):
    """What was checked is what is connected to: rebinding has no second answer to give."""
    asked, made = [], []

    def rebinding(host, port, **_):
        asked.append(host)
        address = "203.0.114.7" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connected(_family, address, _options, _seconds):
        made.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr("shared.adapters.deadline._connected", connected)
    channel = Webhook(parse_webhook_url("https://hooks.example.com/in"), secret=SECRET)
    assert channel.send(a_message(), deadline=time.monotonic() + ENOUGH) == Retry("connection_failed")
    assert (asked, made) == (["hooks.example.com"], [("203.0.114.7", 443)])


def test_f44_the_real_resolver_is_checked_too():
    """A name for loopback, though nothing was wrong with the URL."""

    async def scenario():
        receiver = Receiver(Answer(200, ""))
        async with started(receiver) as url:
            outside = WebhookUrl(url.url.replace("127.0.0.1", "localhost"), "localhost", url.port)
            return await send(outside, SECRET), receiver.requests

    assert asyncio.run(scenario()) == (Blocked("private_address"), 0)


def test_an_allowed_pair_of_address_and_port_is_connected_to():
    """The address a name resolves to may be allowed as well as the name."""

    async def scenario():
        receiver = Receiver(Answer(200, ""))
        async with started(receiver) as url:
            outside = WebhookUrl(url.url, "127.0.0.1", url.port)
            return await send(outside, SECRET, allowed_private=frozenset({("127.0.0.1", url.port)}))

    assert asyncio.run(scenario()) == Delivered()


def test_f44_only_the_very_pair_is_allowed():
    """Not another port, not another address."""
    check = refuse_private(frozenset({("127.0.0.1", 8123)}))
    check("127.0.0.1", 8123)
    check("8.8.8.8", 443)
    for pair in (("127.0.0.1", 8124), ("127.0.0.2", 8123), ("::1", 8123), ("::ffff:127.0.0.1", 8123)):
        with pytest.raises(AddressRefused):
            check(*pair)


def test_a_certificate_that_cannot_be_verified_blocks(monkeypatch):
    """A person has to repair it; a handshake that breaks off is a retry."""
    for cause, outcome in (("certificate", Blocked("certificate")), ("tls_failed", Retry("tls_failed"))):

        def refuse(*_args, cause=cause, **_more):
            raise NotSent(cause)

        monkeypatch.setattr("shared.adapters.webhook.post", refuse)
        channel = Webhook(parse_webhook_url("https://hooks.example.com/in"), secret=SECRET)
        assert channel.send(a_message(), deadline=time.monotonic() + ENOUGH) == outcome


def test_with_no_time_left_nothing_is_begun():
    """It would end as Unknown at best."""
    assert attempt(seconds=0.0) == (Retry("no_time_left"), [])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("lead", "lead.captured"),
        ("escalation", "alert.escalated"),
        ("notice", "destination.blocked"),
        ("other", "alert.other"),
    ],
)
def test_every_kind_has_a_type(kind, name):
    """In the dotted form of the specification."""
    assert json.loads(webhook_body(a_message(kind=kind)))["type"] == name


def test_a_payload_cannot_pass_for_what_the_channel_says():
    """The alert's id is the alert's, and half a surrogate pair or a date keeps nothing back."""
    payload = {"alert_id": "evil", "epoch": 9, "maybe_duplicate": True, "name": "\ud83d", "at": NOW}
    text = webhook_body(a_message(payload=payload))
    data = json.loads(text)["data"]
    assert text.isascii()
    assert (data["alert_id"], data["epoch"], data["maybe_duplicate"]) == ("0123456789abcdef", 1, False)


HOSTILE = "<!channel> \u202eevil\r\nBcc: x@example.com\x00\udc00"


@pytest.mark.parametrize("kind", ["escalation", "notice"])
def test_f40_a_message_to_the_team_arrives_as_it_was_made(kind):
    """The whole payload, nested values too; JSON keeps hostile text where it is."""
    payload = {"title": HOSTILE, "text": HOSTILE, "cause": "http_500", "lead": {"name": HOSTILE, "email": None}}
    text = webhook_body(a_message(kind=kind, payload=payload))
    assert text.isascii()
    data = json.loads(text)["data"]
    assert {name: data[name] for name in payload} == payload
    assert data["alert_id"] == "0123456789abcdef"


def test_an_escalation_names_the_alert_that_failed_beside_its_own_id():
    """One member, one meaning: the id of what is delivered, and the id to redrive."""
    data = json.loads(webhook_body(a_message(kind="escalation", payload={"alert_id": "failed"})))["data"]
    assert (data["alert_id"], data["failed_alert_id"]) == ("0123456789abcdef", "failed")


@pytest.mark.parametrize(
    ("kind", "payload", "title"),
    [
        ("escalation", {"title": f"A lead waits {HOSTILE}"}, "A lead waits <!channel> evil Bcc: x@example.com ?"),
        ("notice", {}, "A destination needs repair"),
        ("lead", LEAD, "New lead: Ada Lovelace · ada@example.org · +441234567"),
    ],
)
def test_a_plain_message_has_a_title_and_what_tells_it_apart(kind, payload, title):
    """Nothing else, and the title on one line."""
    message = a_message(kind=kind, payload={"text": "x", "lead": {}, **payload}, plain=True, epoch=2, maybe_shown=True)
    assert json.loads(webhook_body(message))["data"] == {
        "title": title,
        "alert_id": "0123456789abcdef",
        "epoch": 2,
        "maybe_duplicate": True,
    }


def test_the_id_has_no_full_stop():
    """It is part of what is signed, separated by full stops."""
    assert webhook_id(a_message(alert_id="a.b")) == "msg_a_b_1"


def test_the_signature_is_the_specifications():
    """Version 1, over id, timestamp and body; verified by the library."""

    async def scenario():
        receiver = Receiver(Answer(200, ""))
        async with started(receiver) as url:
            await send(url, SECRET)
            return receiver.received[0]

    sent = asyncio.run(scenario())
    assert sent["headers"]["webhook-signature"].startswith("v1,")
    assert sent["headers"]["webhook-timestamp"].isdigit()
    assert Verifier(SECRET).verify(sent["body"], sent["headers"])["type"] == "lead.captured"


def test_f45_no_secret_shows():
    """Neither the signing secret nor a token in the URL."""
    channel = Webhook(parse_webhook_url("https://hooks.example.com/hunter2"), secret=SECRET)
    shown = f"{channel!r} {vars(channel)!r}"
    assert "hunter2" not in shown
    assert SECRET.removeprefix("whsec_") not in shown
