"""E-mail against the mail server's stand-in, row by row of destinations.md, over real SMTP and TLS."""

import asyncio
import contextlib
import dataclasses
import time

import pytest

from infra.local.standins.faults import Fault
from infra.local.standins.smtp import SmtpStandIn
from shared.adapters.smtp import Email
from shared.domain.outcome import Blocked, Delivered, Rejected, Retry, Unknown
from shared.errors import ConfigError
from shared.mail_settings import parse_smtp_url
from tests.support.smtp_servers import a_message

LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting
ENOUGH = 20.0
TEAM = ("ann@example.com", "bob@example.com")


@contextlib.asynccontextmanager
async def running(fault=None, **settings):
    """A started stand-in and the server a channel is given; all gone afterwards."""
    standin = SmtpStandIn(**{"hang_seconds": LONG_WAIT, "drip_seconds": 0.01, **settings})
    server = parse_smtp_url(await standin.start())
    try:
        if fault is not None:
            await standin.set_fault(fault)
        yield standin, server
    finally:
        await standin.stop()


def email(standin, server, **changes):
    """The channel, as it would be configured."""
    settings = {"mail_from": "Bellhop <alerts@example.com>", "to": TEAM, "ca_file": standin.ca_file}
    return Email(server, **{**settings, **changes})


async def send(channel, message=None, seconds=ENOUGH):
    """What one attempt came to."""
    return await asyncio.to_thread(channel.send, message or a_message(), deadline=time.monotonic() + seconds)


def attempt(mode=None, *, seconds=ENOUGH, drip_seconds=0.01, **changes):
    """What one attempt at a fresh stand-in came to, and what it holds then."""

    async def scenario():
        async with running(Fault(mode) if mode else None, drip_seconds=drip_seconds) as (standin, server):
            return await send(email(standin, server, **changes), seconds=seconds), standin.received

    return asyncio.run(scenario())


def test_a_mail_is_delivered_to_the_team_with_the_alerts_id():
    """Envelope, headers and text."""
    outcome, received = attempt()
    assert outcome == Delivered()
    (mail,) = received
    assert (mail["from"], mail["to"]) == ("alerts@example.com", list(TEAM))
    assert mail["headers"]["From"] == "Bellhop <alerts@example.com>"
    assert mail["headers"]["To"] == "ann@example.com, bob@example.com"
    assert mail["headers"]["Auto-Submitted"] == "auto-generated"
    assert mail["message_id"] == "<alert.0123456789abcdef.1@example.com>"
    assert "Name: Ada Lovelace\n" in mail["text"]
    assert "alert 0123456789abcdef" in mail["text"]
    assert mail["html"] is None


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("421", Retry("smtp_421")),
        ("450", Retry("smtp_450")),
        ("451", Retry("smtp_451")),
        ("452", Retry("smtp_452")),
        ("454", Retry("smtp_454")),
        ("530", Blocked("smtp_530")),
        ("534", Blocked("smtp_534")),
        ("535", Blocked("smtp_535")),
        ("550", Rejected("smtp_550")),
        ("551", Rejected("smtp_551")),
        ("552", Rejected("smtp_552")),
        ("553", Rejected("smtp_553")),
        ("554", Rejected("smtp_554")),
        ("bad_certificate", Blocked("certificate")),
        ("reset", Unknown("connection_broken")),
        ("down", Retry("connection_failed")),
    ],
)
def test_every_row_of_the_table_is_classified(mode, outcome):
    """And nothing was accepted."""
    assert attempt(mode) == (outcome, [])


def test_f11_a_mail_server_that_never_answers_the_mail_is_unknown_at_the_deadline():
    """It may have it or not."""
    started = time.monotonic()
    assert attempt("timeout", seconds=0.7) == (Unknown("timeout"), [])
    assert time.monotonic() - started < ENOUGH


def test_f11_an_answer_that_comes_byte_by_byte_is_unknown_at_the_deadline():
    """It was accepted, and the answer never became whole."""
    outcome, received = attempt("slow", seconds=0.7)
    assert outcome == Unknown("timeout")
    assert len(received) == 1


def test_an_answer_that_comes_slowly_but_in_time_is_a_delivery():
    """The deadline is for the whole, not a byte."""
    outcome, received = attempt("slow", drip_seconds=0.001)
    assert (outcome, len(received)) == (Delivered(), 1)


def test_a_mail_server_that_comes_back_is_delivered_to():
    """On the same port, by the same channel."""

    async def scenario():
        async with running(Fault("down")) as (standin, server):
            channel = email(standin, server)
            down = await send(channel)
            await standin.heal()
            return down, await send(channel)

    assert asyncio.run(scenario()) == (Retry("connection_failed"), Delivered())


def test_one_recipient_refused_goes_to_the_others_and_tells_them():
    """The team hears of the alert, and of who did not."""
    outcome, (mail,) = attempt("reject_recipient")
    assert outcome == Delivered()
    assert mail["to"] == ["bob@example.com"]
    assert "Not delivered to: ann@example.com (550)\n" in mail["text"]


def test_the_only_recipient_refused_is_a_rejection():
    """Nobody would hear of it."""
    assert attempt("reject_recipient", to=TEAM[:1]) == (Rejected("smtp_550"), [])


def test_an_address_that_cannot_be_parsed_is_left_out():
    """And the others are told."""
    outcome, (mail,) = attempt(to=("not an address", "bob@example.com"))
    assert outcome == Delivered()
    assert mail["to"] == ["bob@example.com"]
    assert "Not delivered to: not an address (invalid address)\n" in mail["text"]


@pytest.mark.parametrize("address", ["nobody", "a b@example.com", "ann@example.com>\r\nRCPT TO:<eve@example.com", ""])
def test_f40_without_an_address_that_can_be_parsed_it_is_rejected(address):
    """No connection is made, and no address carries another one with it."""

    async def scenario():
        async with running() as (standin, server):
            return await send(email(standin, server, to=(address,))), standin.requests

    assert asyncio.run(scenario()) == (Rejected("address_invalid"), 0)


def test_f40_line_ends_in_a_visitors_values_make_no_header_and_no_recipient():
    """Whatever kind of line end; only the settings say who gets it."""
    evil = "Eve\r\nBcc: eve@evil.example\nCc: eve@evil.example\rX: y\x85Z: z\u2028W: w"
    payload = {"name": evil, "email": f"e@example.org{evil}", "phone": evil, "message": f".\r\n.\r\nQUIT\r\n{evil}"}

    async def scenario():
        async with running() as (standin, server):
            outcome = await send(email(standin, server), a_message(payload=payload))
            return outcome, standin.received

    outcome, (mail,) = asyncio.run(scenario())
    assert outcome == Delivered()
    assert mail["to"] == list(TEAM)
    assert set(mail["headers"]) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }
    assert mail["headers"]["To"] == "ann@example.com, bob@example.com"
    assert "> .\n> .\n> QUIT\n> Eve\n" in mail["text"]


def test_f40_a_dot_on_a_line_of_its_own_does_not_end_a_mail():
    """What follows it would be read as commands."""
    payload = {"title": "t", "text": ".\r\nQUIT\r\n..\r\n.x"}

    async def scenario():
        async with running() as (standin, server):
            outcome = await send(email(standin, server), a_message(kind="notice", payload=payload))
            return outcome, standin.received

    outcome, (mail,) = asyncio.run(scenario())
    assert outcome == Delivered()
    assert "\n\n.\nQUIT\n..\n.x\n" in mail["text"]


@pytest.mark.parametrize("kind", ["escalation", "notice"])
@pytest.mark.parametrize("plain", [False, True])
def test_f40_a_message_to_the_team_makes_no_header_and_no_recipient(kind, plain):
    """In either form, whatever a visitor wrote into what it quotes."""
    evil = "Eve\r\nBcc: eve@evil.example\r\n.\r\nRCPT TO:<eve@evil.example>"
    message = a_message(kind=kind, payload={"title": evil, "text": evil, "lead": {"name": evil}}, plain=plain)

    async def scenario():
        async with running() as (standin, server):
            return await send(email(standin, server), message), standin.received

    outcome, (mail,) = asyncio.run(scenario())
    assert outcome == Delivered()
    assert mail["to"] == list(TEAM)
    assert not {"Bcc", "RCPT TO"} & set(mail["headers"])
    assert mail["subject"].startswith("Eve Bcc: eve@evil.example . RCPT TO:<eve@evil.exam")
    assert "\n.\nRCPT TO:<eve@evil.example>\n" in mail["text"]


def test_f13_repeats_carry_the_same_message_id_and_a_redrive_another():
    """A mail program shows a repeat once."""

    async def scenario():
        async with running() as (standin, server):
            channel = email(standin, server)
            message = a_message()
            for each in (
                message,
                dataclasses.replace(message, maybe_shown=True),
                dataclasses.replace(message, epoch=2),
            ):
                await send(channel, each)
            return standin.received

    first, repeat, redriven = asyncio.run(scenario())
    assert first["message_id"] == repeat["message_id"] != redriven["message_id"]
    assert repeat["subject"].startswith("[Possible duplicate] ")
    assert repeat["text"].startswith("Possible duplicate: this alert may have been shown before.\n")


def test_a_certificate_of_an_unknown_authority_blocks_without_the_file_that_names_it():
    """The system's authorities do not know the stand-in's."""
    assert attempt(ca_file=None) == (Blocked("certificate"), [])


def test_a_wrong_password_blocks():
    """Every alert would be refused."""

    async def scenario():
        async with running() as (standin, server):
            return await send(email(standin, dataclasses.replace(server, password="wrong")))

    assert asyncio.run(scenario()) == Blocked("smtp_535")


def test_a_login_that_is_missing_blocks():
    """The server asks for one."""

    async def scenario():
        async with running() as (standin, server):
            return await send(email(standin, dataclasses.replace(server, user=None, password=None)))

    assert asyncio.run(scenario()) == Blocked("smtp_530")


def test_with_no_time_left_nothing_is_begun():
    """It would end as Unknown at best."""
    assert attempt(seconds=0.0) == (Retry("no_time_left"), [])


def test_a_certificate_file_that_cannot_be_read_is_refused_with_the_settings_name(tmp_path):
    """Missing, or not certificates."""
    server = parse_smtp_url("smtp+starttls://u:secret-word@mail.example.com")
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    for ca_file in (str(tmp_path / "missing.pem"), str(wrong)):
        with pytest.raises(ConfigError, match=r"^SMTP_CA_FILE: was .*; takes a readable file"):
            Email(server, mail_from="a@example.com", to=TEAM, ca_file=ca_file)


def test_a_sender_that_is_no_address_is_refused_with_the_settings_name():
    """At start-up, not at the first alert."""
    server = parse_smtp_url("smtp://localhost:25")
    with pytest.raises(ConfigError, match=r"^MAIL_FROM: "):
        Email(server, mail_from="nobody", to=TEAM)


def test_f45_no_secret_shows():
    """Not in a repr, and not in what an attempt came to."""

    async def scenario():
        async with running(Fault("535")) as (standin, server):
            channel = email(standin, server)
            outcome = await send(channel)
            return server.password, f"{server!r} {channel!r} {vars(channel)!r} {outcome!r}"

    password, shown = asyncio.run(scenario())
    assert password
    assert password not in shown
