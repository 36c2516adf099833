"""The destinations' stand-ins as one: what the functions are configured with, and whose Slack it is."""

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

from infra.local.destinations import Destinations, wants_model
from shared.channels import configured
from shared.config import NEEDED, from_environment


def started(look):
    """What ``look`` makes of started destinations."""

    async def run():
        destinations = Destinations()
        await destinations.start()
        try:
            return look(destinations)
        finally:
            await destinations.stop()

    return asyncio.run(run())


def test_the_functions_can_send_to_every_stand_in():
    """Their settings pass the functions' own checks, and make every channel but Apprise's."""

    def channels(destinations):
        settings = from_environment(destinations.settings({}))
        settings.require_channels()
        return sorted(configured(settings))

    assert started(channels) == ["email", "monday", "slack", "webhook"]


def test_each_is_there_under_its_name():
    """As ``/_local/NAME/received`` and ``/_local/NAME/fault`` call them."""
    assert list(Destinations().by_name) == ["slack", "monday", "smtp", "webhook", "model"]


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({"BELLHOP_MODEL": "0"}, False),
        ({"BELLHOP_MODEL": "1"}, True),
        ({"BELLHOP_MODEL": "1", "LLM_MODEL": "own", "LLM_BASE_URL": "https://own.example"}, False),
        ({"BELLHOP_MODEL": "1", "LLM_API_KEY": "own"}, False),
    ],
)
def test_the_model_is_asked_only_on_demand(environ, asked):
    """Answers are reproducible otherwise; nobody's own key goes to the stand-in."""
    filled = started(lambda destinations: destinations.settings(environ))
    assert ({"LLM_BASE_URL", "LLM_MODEL", "LLM_API_KEY"} <= set(filled)) is asked
    assert any(name.startswith("LLM_") for name in filled) is asked
    assert from_environment(filled).llm_model == ("stand-in" if asked else None)


def test_a_switch_that_is_neither_on_nor_off_is_refused():
    """``BELLHOP_MODEL=gpt`` is meant as LLM_MODEL."""
    with pytest.raises(ValueError, match="BELLHOP_MODEL: was 'gpt'; takes 1 or 0"):
        wants_model({"BELLHOP_MODEL": "gpt"})


@pytest.mark.parametrize(
    ("secret", "channel"),
    [
        ("SLACK_WEBHOOK_URL", "slack"),
        ("MONDAY_API_KEY", "monday"),
        ("SMTP_URL", "email"),
        ("WEBHOOK_URL", "webhook"),
        ("WEBHOOK_SECRET", "webhook"),
    ],
)
def test_who_brings_a_secret_of_their_own_gets_nothing_of_the_stand_in(secret, channel):
    """A token must not go to the stand-in's address, nor real mail through its certificate; the others stay."""
    filled = started(lambda destinations: destinations.settings({secret: "own", "HOME": "/root"}))
    assert not set(NEEDED[channel]) & set(filled)
    assert all(set(NEEDED[other]) <= set(filled) for other in {"slack", "monday", "email", "webhook"} - {channel})
    assert ("SMTP_CA_FILE" in filled) == (channel != "email")
    assert ("MONDAY_API_URL" in filled) == (channel != "monday")


def test_an_empty_secret_counts_as_none():
    """Shells and deployment tools leave empty variables behind."""
    assert "SLACK_WEBHOOK_URL" in started(lambda destinations: destinations.settings({"SLACK_WEBHOOK_URL": " "}))


def test_stopped_they_leave_no_port_and_stopping_twice_is_no_error():
    """Ctrl-C in the middle of the start ends what was started, too."""

    async def run():
        destinations = Destinations()
        await destinations.stop()
        await destinations.start()
        url = destinations.settings({})["SLACK_WEBHOOK_URL"]
        await destinations.stop()
        await destinations.stop()
        return urlsplit(url).port

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", asyncio.run(run())), timeout=5)
