"""The mail server's stand-in, row by row of destinations.md, over real SMTP and TLS."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.local.standins.faults import TRANSPORT_MODES, Fault
from infra.local.standins.smtp import SmtpStandIn

LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting
MAIL = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?b?4pyo?=\r\nMessage-ID: <1@x>\r\n\r\nHi\r\n..\r\n"


@contextlib.asynccontextmanager
async def running(fault=None, **settings):
    """A started stand-in and its URL; all gone afterwards."""
    standin = SmtpStandIn(**{"hang_seconds": LONG_WAIT, "drip_seconds": 0.0, **settings})
    url = urlsplit(await standin.start())
    try:
        if fault is not None:
            await standin.set_fault(fault)
        yield standin, url
    finally:
        await standin.stop()


def dialogue(url, ca_file, *, to=("b@example.com",), mail=MAIL, login=True):
    """Send a mail with the standard library; the codes of the commands after EHLO, up to the first refusal."""
    codes = []
    with contextlib.closing(smtplib.SMTP(timeout=30)) as client:
        client._host = url.hostname  # starttls checks the certificate for it
        try:
            codes.append(client.connect(url.hostname, url.port)[0])
            client.ehlo()
            codes.append(client.starttls(context=ssl.create_default_context(cafile=ca_file))[0])
            client.ehlo()
            if login:
                codes.append(client.login(url.username, url.password)[0])
            codes.append(client.mail("a@example.com")[0])
            codes += [client.rcpt(address)[0] for address in to]
            codes.append(client.data(mail)[0])
            codes.append(client.quit()[0])
        except smtplib.SMTPResponseException as error:
            codes.append(error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:
            codes.append(type(error).__name__)
    return codes


def said(mode=None, *, rate=1.0, **how):
    """The codes of one dialogue with a fresh stand-in, and what it holds then."""

    async def scenario():
        async with running(Fault(mode, rate) if mode else None) as (standin, url):
            return await asyncio.to_thread(dialogue, url, standin.ca_file, **how), standin.received

    return asyncio.run(scenario())


def test_a_mail_is_taken_and_kept_parsed_and_raw():
    """Envelope, decoded headers, text, source."""
    codes, received = said()
    assert codes == [220, 220, 235, 250, 250, 250, 221]
    (mail,) = received
    assert (mail["from"], mail["to"]) == ("a@example.com", ["b@example.com"])
    assert (mail["subject"], mail["message_id"]) == ("✨", "<1@x>")
    assert mail["headers"]["To"] == "b@example.com"
    assert (mail["text"], mail["html"]) == ("Hi\n..\n", None)
    assert mail["raw"] == MAIL.decode()


def test_a_mail_with_html_shows_both():
    """As a mail program has them."""
    mail = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n--b--\r\n"
    )
    (kept,) = said(mail=mail)[1]
    assert (kept["text"], kept["html"]) == ("Hi", "<p>Hi</p>")


def test_a_mail_that_cannot_be_read_is_kept_all_the_same():
    """Raw, without a text."""
    (kept,) = said(mail=b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\r\n")[1]
    assert kept["text"] is None or isinstance(kept["text"], str)
    assert "\ufffd" in kept["raw"]


def test_without_a_login_nothing_is_taken():
    """530, as the standard says."""
    codes, received = said(login=False)
    assert (codes[2], received) == (530, [])


def test_without_tls_nothing_is_taken():
    """No login is offered either."""

    async def scenario():
        async with running() as (_, url):

            def plain():
                with smtplib.SMTP(url.hostname, url.port, timeout=30) as client:
                    client.ehlo()
                    return client.has_extn("auth"), client.mail("a@example.com")[0]

            return await asyncio.to_thread(plain)

    assert asyncio.run(scenario()) == (False, 530)


def test_a_wrong_password_is_refused():
    """535."""

    async def scenario():
        async with running() as (standin, url):
            wrong = url._replace(netloc=url.netloc.replace(url.password, "wrong"))
            return await asyncio.to_thread(dialogue, wrong, standin.ca_file)

    assert asyncio.run(scenario())[-1] == 535


@pytest.mark.parametrize(
    ("mode", "codes"),
    [
        ("421", [421]),
        ("454", [220, 220, 454]),
        ("534", [220, 220, 534]),
        ("535", [220, 220, 535]),
        ("452", [220, 220, 235, 452]),
        ("530", [220, 220, 235, 530]),
        ("450", [220, 220, 235, 250, 450]),
        ("550", [220, 220, 235, 250, 550]),
        ("551", [220, 220, 235, 250, 551]),
        ("553", [220, 220, 235, 250, 553]),
        ("451", [220, 220, 235, 250, 250, 451]),
        ("552", [220, 220, 235, 250, 250, 552]),
        ("554", [220, 220, 235, 250, 250, 554]),
        ("reset", [220, 220, 235, 250, 250, "SMTPServerDisconnected"]),
        ("down", ["ConnectionRefusedError"]),
        ("bad_certificate", [220, "SSLCertVerificationError"]),
    ],
)
def test_every_mode_comes_at_its_stage(mode, codes):
    """And nothing is accepted."""
    got, received = said(mode)
    assert got[: len(codes)] == codes
    assert received == []


def test_reject_recipient_refuses_the_first_of_a_mail():
    """The others are taken."""
    codes, (mail,) = said("reject_recipient", to=("b@example.com", "c@example.com"))
    assert codes[4:6] == [550, 250]
    assert mail["to"] == ["c@example.com"]


def test_f05_unanswered_accepts_and_resets_the_connection():
    """As ``reset`` for the sender, and the mail is there."""
    codes, received = said("unanswered")
    assert codes[-1] == "SMTPServerDisconnected"
    assert len(received) == 1


def test_f11_slow_accepts_and_drips_its_answer():
    """It comes whole in the end."""
    codes, received = said("slow")
    assert codes[-2:] == [250, 221]
    assert len(received) == 1


def test_f11_timeout_takes_the_mail_and_never_answers():
    """Nothing is accepted, and stopping ends the wait at once."""

    async def scenario():
        async with running(Fault("timeout")) as (standin, url):
            hanging = asyncio.create_task(asyncio.to_thread(dialogue, url, standin.ca_file))
            async with asyncio.timeout(10):
                while not any(session.envelope.content for session in standin._sessions):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.001)
            assert not hanging.done()
            await standin.stop()
            return await hanging, standin.received

    codes, received = asyncio.run(scenario())
    assert (codes[-1], received) == ("SMTPServerDisconnected", [])


def test_a_rate_of_zero_strikes_nothing():
    """The mode is decided for each connection."""
    assert said("550", rate=0.0)[0][-1] == 221


def test_a_lower_rate_of_down_resets_what_it_strikes():
    """The port stays open."""

    async def scenario():
        async with running() as (standin, url):
            await standin.set_fault(Fault("down", 0.5, seed=3))
            got = [await asyncio.to_thread(dialogue, url, standin.ca_file) for _ in range(12)]
            return [codes[-1] for codes in got], standin.requests

    ends, requests = asyncio.run(scenario())
    assert set(ends) in ({221, "SMTPServerDisconnected"}, {221, "SMTPServerDisconnected", "ConnectionResetError"})
    assert requests == 12


def test_down_and_healed_it_has_the_same_port():
    """Clients keep their URL."""

    async def scenario():
        async with running() as (standin, url):
            await standin.set_fault(Fault("down"))
            down = await asyncio.to_thread(dialogue, url, standin.ca_file)
            await standin.heal()
            return down, standin.fault, await asyncio.to_thread(dialogue, url, standin.ca_file)

    down, fault, up = asyncio.run(scenario())
    assert (down, fault, up[-1]) == (["ConnectionRefusedError"], None, 221)


def test_stopped_it_leaves_no_port_no_file_and_no_task():
    """And may be stopped again, and started anew."""

    async def scenario():
        standin = SmtpStandIn()
        url, ca_file = urlsplit(await standin.start()), standin.ca_file
        with pytest.raises(RuntimeError, match="already started"):
            await standin.start()
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        await reader.readline()
        await standin.stop()
        await standin.stop()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        gone = not Path(ca_file).exists()  # noqa: ASYNC240 - one look
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((url.hostname, url.port), 5)
        await standin.start()
        await standin.stop()
        return gone, asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(scenario()) == (True, set())


def test_only_its_own_modes_can_be_set_and_only_while_it_runs():
    """As every stand-in."""

    async def scenario():
        async with running() as (standin, _):
            with pytest.raises(ValueError, match="not a mode of the smtp stand-in"):
                await standin.set_fault(Fault("500"))
        with pytest.raises(RuntimeError, match="not started"):
            await standin.set_fault(Fault("550"))

    asyncio.run(scenario())


def test_every_row_of_destinations_is_a_mode():
    """And the ways a connection goes wrong."""
    rows = {*["421", "450", "451", "452", "454", "530", "534", "535", "550", "551", "552", "553", "554"]}
    assert set(SmtpStandIn.modes) == rows | {*TRANSPORT_MODES, "bad_certificate", "reject_recipient"}
