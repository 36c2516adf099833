"""The stand-ins' targets for canaries: kept apart, broken alike, and no matter for what a seed decides for leads."""

import asyncio
import json
import smtplib
import ssl
from time import monotonic
from urllib.parse import urlsplit

import aiohttp
import pytest

from infra.local.destinations import Destinations
from infra.local.standins.faults import Fault, FaultSwitch
from infra.local.standins.smtp import CANARY_TO
from infra.local.wiring import FAST
from infra.manifest import load
from shared.adapters.http import CANARY_AGENT, post
from shared.adapters.monday_erasing import MondayErasing
from shared.channels import canary_targets, configured
from shared.config import from_environment
from shared.domain.outcome import Delivered, Retry
from shared.ports import Message
from tests.support.turns import now

OWN = {
    "SLACK_WEBHOOK_URL": "CANARY_SLACK_WEBHOOK_URL",
    "MONDAY_API_KEY": "CANARY_MONDAY_GROUP_ID",
    "SMTP_URL": "CANARY_EMAIL_TO",
    "WEBHOOK_URL": "CANARY_WEBHOOK_URL",
}
EVERY = {"LEAD_CHANNELS": "slack, monday, email, webhook"}


def running(look):
    """What ``look``, in a thread, makes of started destinations."""

    async def run():
        destinations = Destinations()
        await destinations.start()
        try:
            return await asyncio.to_thread(look, destinations, asyncio.get_running_loop())
        finally:
            await destinations.stop()

    return asyncio.run(run())


def soon():
    """A deadline that is no matter."""
    return monotonic() + 10


def message(kind, name="a" * 32):
    """A lead, or a canary."""
    payload = {"email": "ana@example.com", "message": "Hi"}
    return Message(name, kind, payload, maybe_shown=False, created_at=now(), now=now())


def sent(channels, kind):
    """The outcomes of one alert of a kind at each channel."""
    name = kind[0] * 32
    return {at: channel.send(message(kind, name), deadline=soon()) for at, channel in channels.items()}


def test_canaries_are_kept_apart_at_every_destination():
    """Each stand-in takes both, and shows them in two lists; forgotten, they are as if none had come."""

    def look(destinations, _):
        settings = from_environment(destinations.settings({}) | EVERY)
        assert sent(canary_targets(settings), "canary") == dict.fromkeys(settings.canary_channels, Delivered())
        shown = [each["destination"] for each in destinations.canaries]
        assert {name: len(each.received) for name, each in destinations.by_name.items()} == dict.fromkeys(
            destinations.by_name, 0
        )
        leads = {name: channel for name, channel in configured(settings).items() if name in settings.canary_channels}
        sent(leads, "lead")
        counts = {name: (len(each.received), len(each.canaries)) for name, each in destinations.by_name.items()}
        destinations.forget_canaries()
        return shown, counts, destinations.canaries

    shown, counts, left = running(look)
    assert shown == ["slack", "monday", "smtp", "webhook"]
    assert counts == dict.fromkeys(shown, (1, 1)) | {"model": (0, 0)}
    assert left == []


def test_an_item_of_a_canary_is_found_and_deleted():
    """By its alert's id, as an erasure would; the leads' item stays."""

    def look(destinations, _):
        settings = from_environment(destinations.settings({}) | EVERY)
        monday = destinations.by_name["monday"]
        canary_targets(settings)["monday"].send(message("canary", "c" * 32), deadline=soon())
        configured(settings)["monday"].send(message("lead"), deadline=soon())
        eraser = MondayErasing(
            api_key=settings.monday_api_key,
            board_id=settings.monday_board_id,
            api_url=settings.monday_api_url,
            columns=settings.monday_columns,
            agent=CANARY_AGENT,
        )
        removal = eraser.erase(["c" * 32], deadline=soon())
        return removal.deleted, len(monday.received), len(monday.canaries)

    assert running(look) == (1, 1, 0)


def test_a_fault_strikes_canaries_too():
    """Slack is down for both."""

    def look(destinations, loop):
        slack = destinations.by_name["slack"]
        asyncio.run_coroutine_threadsafe(slack.set_fault(Fault("500")), loop).result()
        settings = from_environment(destinations.settings({}) | {"LEAD_CHANNELS": "slack"})
        return sent(canary_targets(settings), "canary")["slack"]

    outcome = running(look)
    assert isinstance(outcome, Retry)
    assert outcome.cause == "http_500"


def test_a_seed_decides_the_same_with_canaries_between():
    """They have a sequence of their own, which a seed begins anew as well."""
    plain, mixed = FaultSwitch(), FaultSwitch()
    for switch in (plain, mixed):
        switch.set(Fault("500", 0.5, 7))
    expected = [plain.strike() for _ in range(100)]
    canaries, seen = [], []
    for number in range(100):
        canaries += [mixed.strike(canary=True) for _ in range(number % 3)]
        seen.append(mixed.strike())
    assert seen == expected
    assert {*canaries} == {None, "500"}
    mixed.set(Fault("500", 0.5, 7))
    assert [mixed.strike(canary=True) for _ in range(len(canaries))] == canaries


def test_a_request_says_that_it_is_a_canarys():
    """By how it introduces itself: at a rate of its own it does not take a lead's turn."""

    async def scenario():
        destinations = Destinations()
        await destinations.start()
        slack = destinations.by_name["slack"]
        url = destinations.settings({})["SLACK_WEBHOOK_URL"]
        await slack.set_fault(Fault("500", 0.5, 3))
        answers = []
        async with aiohttp.ClientSession() as client:
            for number in range(40):
                agent = CANARY_AGENT if number % 2 else "bellhop"
                async with client.post(url, json={"text": "hi"}, headers={"User-Agent": agent}) as answer:
                    answers.append(answer.status)
        await destinations.stop()
        return answers

    answers = asyncio.run(scenario())
    switch = FaultSwitch()
    switch.set(Fault("500", 0.5, 3))
    assert answers[::2] == [500 if switch.strike() else 200 for _ in range(20)]


@pytest.mark.parametrize("secret", sorted(OWN))
def test_who_brings_their_own_destination_gets_no_target_of_the_stand_in(secret):
    """A canary to nowhere would always be late; the other channels' targets stay."""
    filled = running(lambda destinations, _: destinations.settings({secret: "own"}))
    assert {name for name in OWN.values() if name not in filled} == {OWN[secret]}


def test_mail_to_the_canarys_address_and_another_one_is_no_canary():
    """Only what goes to it alone."""

    def look(destinations, _):
        settings = destinations.settings({})
        url = urlsplit(settings["SMTP_URL"])
        for to in ([CANARY_TO], [CANARY_TO, "team@example.com"]):
            with smtplib.SMTP(url.hostname, url.port, timeout=10) as client:
                client.starttls(context=ssl.create_default_context(cafile=settings["SMTP_CA_FILE"]))
                client.login(url.username, url.password)
                client.sendmail("a@example.com", to, "Subject: hi\r\n\r\nhi")
        smtp = destinations.by_name["smtp"]
        return [each["to"] for each in smtp.canaries], [each["to"] for each in smtp.received]

    assert running(look) == ([[CANARY_TO]], [[CANARY_TO, "team@example.com"]])


def test_short_rhythms_have_a_short_deadline():
    """Within which a run finds out by itself."""
    assert from_environment({"CANARY_DEADLINE": FAST["CANARY_DEADLINE"]}).canary_deadline.total_seconds() < 20
    assert load().jobs["canary"].schedule == "*/10 * * * *"


def test_another_webhook_of_slack_is_none():
    """Neither the leads' nor the canaries'."""

    def look(destinations, _):
        url = destinations.settings({})["SLACK_WEBHOOK_URL"].replace("B0BELLHOP", "B0OTHER")
        answer = post(url, body=json.dumps({"text": "hi"}).encode(), headers={}, deadline=soon())
        return answer.status, answer.text

    assert running(look) == (404, "no_service")
