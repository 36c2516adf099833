"""Slack's stand-in, row by row of destinations.md, over real HTTP."""

import asyncio
import contextlib
import json
from http import HTTPStatus

import aiohttp
import pytest
from yarl import URL

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES, Fault
from infra.local.standins.slack import WEB_API_ERRORS, WEBHOOK_ERRORS, SlackStandIn

HELLO = {"text": "hello"}
LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting


@contextlib.asynccontextmanager
async def running(**settings):
    """A started stand-in, its URL and a client; all gone afterwards."""
    slack = SlackStandIn(**{"hang_seconds": LONG_WAIT, "drip_seconds": 0.0, **settings})
    url = await slack.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield slack, url, client
    finally:
        await slack.stop()


async def post(client, url, message=HELLO, **how):
    """Status, body and headers of one POST."""
    async with client.post(url, **(how or {"json": message})) as answer:
        return answer.status, await answer.text(), answer.headers


def answers(message=HELLO, *, fault=None, **how):
    """What a fresh stand-in answers to one POST: status, body, headers, and what it then holds."""

    async def scenario():
        async with running() as (slack, url, client):
            if fault is not None:
                await slack.set_fault(fault)
            return *await post(client, url, message, **how), slack.received

    return asyncio.run(scenario())


def refused(message, **how):
    """Status and body of a refusal; nothing was accepted."""
    status, body, _, received = answers(message, **how)
    assert received == []
    return status, body


def section(text):
    """A section block."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_a_message_is_answered_ok_and_kept_as_posted():
    """Status 200, body ok, text/html: nothing else is success."""
    message = {"text": "Hi ✨ שלום", "blocks": [section("*Hi*"), {"type": "divider"}], "unfurl_links": False}
    status, body, headers, received = answers(message)
    assert (status, body) == (200, "ok")
    assert headers["Content-Type"].startswith("text/html")
    assert received == [message]


def test_messages_are_kept_oldest_first():
    """In the order in which they came."""

    async def scenario():
        async with running() as (slack, url, client):
            for number in range(3):
                await post(client, url, {"text": str(number)})
            return slack

    slack = asyncio.run(scenario())
    assert [message["text"] for message in slack.received] == ["0", "1", "2"]
    assert slack.requests == 3


def test_a_form_with_a_payload_is_taken():
    """The older way of posting."""
    assert answers(data={"payload": json.dumps(HELLO)})[3] == [HELLO]


@pytest.mark.parametrize("extra", [{"blocks": [section("x")]}, {"attachments": [{"fallback": "x"}]}])
def test_blocks_or_attachments_do_without_a_text(extra):
    """A text is only the fallback then."""
    assert answers(extra)[:2] == (200, "ok")


def test_a_text_over_40000_characters_is_cut_not_refused():
    """Slack truncates it and posts the message all the same."""
    status, body, _, received = answers({"text": "é" * 40_001})
    assert (status, body) == (200, "ok")
    assert received == [{"text": "é" * 40_000}]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({}, "no_text"),
        ({"text": "x", "blocks": "[]"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x" * 2600)] * 5}, "msg_blocks_too_long"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
    ],
)
def test_a_message_slack_would_not_take_is_refused_by_name(message, error):
    """What is checked is in test_slack_message."""
    assert refused(message) == (400, error)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"null", b'{"text": NaN}', b'\xff{"text": "x"}', b"[" * 100_000, b'{"text": 1}'],
)
def test_a_body_that_is_no_message_is_an_invalid_payload(body):
    """Not JSON, not UTF-8, not an object, not a text."""
    assert refused(None, data=body, headers={"Content-Type": "application/json"}) == (400, "invalid_payload")


@pytest.mark.parametrize("form", [{"text": "x"}, {"payload": "x"}, {"payload": ""}])
def test_a_form_without_a_payload_of_json_is_an_invalid_payload(form):
    """The message belongs into that one field."""
    assert refused(None, data=form) == (400, "invalid_payload")


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/services/T0BELLHOP/B0BELLHOP/wrong", 403, "invalid_token"),
        ("/services/T0BELLHOP/B1/local-stand-in", 404, "no_service"),
        ("/services/T1/B0BELLHOP/local-stand-in", 404, "no_team"),
        ("/services/T0BELLHOP", 404, "no_service"),
        ("/", 404, "no_service"),
    ],
)
def test_another_webhook_is_not_this_one(path, status, error):
    """A revoked or mistyped URL is answered as Slack answers it."""

    async def scenario():
        async with running() as (slack, url, client):
            return *await post(client, URL(url).with_path(path)), slack.received

    got = asyncio.run(scenario())
    assert (got[0], got[1], got[3]) == (status, error, [])


def test_only_post_is_taken():
    """Opening the URL in a browser posts nothing."""

    async def scenario():
        async with running() as (slack, url, client), client.get(url) as answer:
            return answer.status, answer.headers["Allow"], slack.received

    assert asyncio.run(scenario()) == (405, "POST", [])


@pytest.mark.parametrize("mode", STATUS_MODES)
def test_every_error_status_can_be_answered(mode):
    """400 to 599, with a name or without; nothing is accepted."""
    status, body, headers, received = answers(fault=Fault(mode))
    assert status == int(mode)
    assert body
    assert received == []
    assert ("Retry-After" in headers) == (mode == "429")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("invalid_payload", 400),
        ("user_not_found", 400),
        ("no_text", 400),
        ("too_many_attachments", 400),
        ("msg_too_long", 400),
        ("msg_blocks_too_long", 400),
        ("action_prohibited", 403),
        ("invalid_token", 403),
        ("channel_not_found", 404),
        ("no_service", 404),
        ("no_active_hooks", 404),
        ("channel_is_archived", 410),
        ("no_service_id", 404),
        ("no_team", 404),
        ("team_disabled", 403),
        ("posting_to_general_channel_denied", 403),
        ("rate_limited", 429),
        ("rollup_error", 500),
    ],
)
def test_every_error_of_the_webhook_can_be_answered(error, status):
    """The name is the whole body, and nothing is accepted."""
    assert refused(HELLO, fault=Fault(error)) == (status, error)


@pytest.mark.parametrize("mode", ["429", "rate_limited"])
def test_being_limited_says_when_to_come_back(mode):
    """One second, as Slack's limit is one message a second."""
    status, body, headers, _ = answers(fault=Fault(mode))
    assert (status, body, headers["Retry-After"]) == (429, "rate_limited", "1")


@pytest.mark.parametrize(
    "error",
    [
        "invalid_auth",
        "account_inactive",
        "missing_scope",
        "not_in_channel",
        "is_archived",
        "internal_error",
        "fatal_error",
    ],
)
def test_every_error_of_the_web_api_comes_with_200(error):
    """A 200 that is no success, as JSON."""
    status, body, headers, received = answers(fault=Fault(error))
    assert status == 200
    assert json.loads(body) == {"ok": False, "error": error}
    assert headers["Content-Type"].startswith("application/json")
    assert received == []


def test_the_modes_are_all_there_and_named_once():
    """What the switch offers is what set_fault takes."""
    assert set(SlackStandIn.modes) == {*STATUS_MODES, *TRANSPORT_MODES, *WEBHOOK_ERRORS, *WEB_API_ERRORS}
    assert len(set(SlackStandIn.modes)) == len(SlackStandIn.modes)
    assert SlackStandIn.modes[0] == "500"


def test_a_mode_that_is_unknown_is_not_set():
    """The one before stays."""

    async def scenario():
        async with running() as (slack, _, _):
            await slack.set_fault(Fault("500"))
            with pytest.raises(ValueError, match="on_fire"):
                await slack.set_fault(Fault("on_fire"))
            return slack.fault

    assert asyncio.run(scenario()) == Fault("500")


def test_a_rate_strikes_some_and_its_seed_the_same_ones_again():
    """What is spared is accepted."""

    async def scenario():
        async with running() as (slack, url, client):
            rounds = []
            for _ in range(2):
                await slack.set_fault(Fault("503", rate=0.5, seed=11))
                rounds.append([(await post(client, url))[0] for _ in range(20)])
            return rounds, len(slack.received), slack.requests

    (first, second), accepted, requests = asyncio.run(scenario())
    assert first == second
    assert set(first) == {200, 503}
    assert accepted == 2 * first.count(HTTPStatus.OK)
    assert requests == 40


def test_healing_serves_the_next_request():
    """On the same URL."""

    async def scenario():
        async with running() as (slack, url, client):
            await slack.set_fault(Fault("500"))
            broken = (await post(client, url))[0]
            await slack.heal()
            return broken, (await post(client, url))[0], slack.fault

    assert asyncio.run(scenario()) == (500, 200, None)


@pytest.mark.parametrize(("mode", "accepted"), [("reset", []), ("timeout", []), ("slow", [HELLO])])
def test_a_message_is_accepted_only_where_the_mode_says_so(mode, accepted):
    """The caller cannot tell these apart, the checker of losses must."""

    async def scenario():
        async with running(hang_seconds=0.0) as (slack, url, client):
            await slack.set_fault(Fault(mode))
            with contextlib.suppress(aiohttp.ClientError):
                await post(client, url)
            return slack.received, slack.requests

    assert asyncio.run(scenario()) == (accepted, 1)


def test_a_dripped_refusal_stays_a_refusal():
    """Slow is not healthy: what Slack would refuse is refused, slowly."""
    assert refused({}, fault=Fault("slow")) == (400, "no_text")
