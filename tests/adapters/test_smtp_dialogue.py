"""E-mail against servers that misbehave at one chosen moment."""

import base64
import socket
import ssl
import threading
import time

import pytest

from infra.local.standins.smtp_certificates import make_authority, server_context
from shared.adapters import smtp
from shared.adapters.smtp import Email, classify
from shared.domain.outcome import Blocked, Delivered, Rejected, Retry, Unknown
from shared.mail_settings import SmtpServer
from tests.support.smtp_servers import CLOSE, DRIP, FLOOD, HALF, HANG, MailServer, a_message

SOON, ENOUGH = 0.5, 20.0
FAR_AWAY = SmtpServer("smtp+starttls", "mail.example.com", 587)


def attempt(*, seconds=ENOUGH, server=None, to=("ann@example.com",), ca_file=None, tls=None, message=None, **answers):
    """What one attempt came to, and the commands the server heard."""
    with MailServer(tls, **answers).running() as peer:
        target = SmtpServer(**{"scheme": "smtp", "host": "127.0.0.1", "port": peer.port, **(server or {})})
        channel = Email(target, mail_from="alerts@example.com", to=to, ca_file=ca_file)
        outcome = channel.send(message or a_message(), deadline=time.monotonic() + seconds)
    return outcome, peer.heard


def test_a_plain_dialogue_delivers():
    """The commands, one after the other."""
    outcome, heard = attempt()
    assert outcome == Delivered()
    verbs = [line.split(" ")[0].upper() for line in heard if "\n" not in line]
    assert verbs == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert heard[1:3] == ["MAIL FROM:<alerts@example.com>", "RCPT TO:<ann@example.com>"]


BEFORE = ("greeting", "EHLO", "MAIL", "RCPT", "DATA")


@pytest.mark.parametrize("stage", BEFORE)
def test_f12_a_connection_that_ends_before_the_mail_left_is_a_retry(stage):
    """Nothing can have been delivered."""
    outcome, heard = attempt(**{stage: CLOSE})
    assert outcome == Retry("connection_broken")
    assert not any("\n" in line for line in heard)


@pytest.mark.parametrize(("stage", "how"), [("reading", CLOSE), ("mail", CLOSE), ("mail", HALF)])
def test_f12_a_connection_that_ends_once_the_mail_began_to_leave_is_unknown(stage, how):
    """In the middle of the mail, before its answer, and within its answer."""
    payload = {"name": "Ada", "message": "x" * 100_000}
    outcome, _ = attempt(message=a_message(payload=payload), **{stage: how})
    assert outcome == Unknown("connection_broken")


@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT"])
@pytest.mark.parametrize("how", [HANG, DRIP])
def test_f11_a_server_that_stalls_before_the_mail_is_a_retry_at_the_deadline(stage, how):
    """Whether it says nothing, or a byte now and then."""
    started = time.monotonic()
    outcome, _ = attempt(seconds=SOON, **{stage: how})
    assert outcome == Retry("timeout")
    assert time.monotonic() - started < ENOUGH


@pytest.mark.parametrize("how", [HANG, DRIP])
def test_f11_a_server_that_stalls_after_the_mail_is_unknown_at_the_deadline(how):
    """It may have been delivered."""
    assert attempt(seconds=SOON, mail=how)[0] == Unknown("timeout")


def test_f11_a_stalled_handshake_is_a_retry_at_the_deadline():
    """TLS is within the deadline too."""
    server = {"scheme": "smtps"}
    assert attempt(seconds=SOON, server=server, greeting=HANG)[0] == Retry("timeout")


def test_f11_a_silent_resolver_is_a_retry_at_the_deadline(monkeypatch):
    """The name's resolution is within the deadline too."""
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: release.wait(ENOUGH) and [])
    channel = Email(FAR_AWAY, mail_from="a@example.com", to=("b@example.com",))
    outcome = channel.send(a_message(), deadline=time.monotonic() + SOON)
    release.set()
    assert outcome == Retry("timeout")


def test_a_reply_without_end_is_broken_off():
    """No memory is filled by it."""
    assert attempt(EHLO=FLOOD)[0] == Retry("connection_broken")


def test_a_reply_that_is_no_smtp_is_a_retry_before_the_mail_and_unknown_after():
    """Nobody knows what it means."""
    assert attempt(EHLO="hello there")[0] == Retry("unexpected_answer")
    assert attempt(mail="hello there")[0] == Unknown("unexpected_answer")


def test_a_server_that_never_says_goodbye_takes_nothing_back(monkeypatch):
    """Once it answered 250 the mail is delivered, and nobody waits for more than a moment."""
    monkeypatch.setattr(smtp, "SECONDS_TO_PART", 0.05)
    started = time.monotonic()
    assert attempt(QUIT=HANG)[0] == Delivered()
    assert time.monotonic() - started < ENOUGH / 2


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"greeting": "421 busy"}, Retry("smtp_421")),
        ({"greeting": "554 no mail here"}, Blocked("smtp_554")),
        ({"EHLO": "502 what"}, Blocked("smtp_502")),
        ({"MAIL": "451 later"}, Retry("smtp_451")),
        ({"MAIL": "550 not as you"}, Blocked("smtp_550")),
        ({"MAIL": "552 too big"}, Rejected("smtp_552")),
        ({"RCPT": "421 going down"}, Retry("smtp_421")),
        ({"RCPT": "501 what is that"}, Rejected("smtp_501")),
        ({"DATA": "554 no"}, Rejected("smtp_554")),
        ({"DATA": "451 later"}, Retry("smtp_451")),
        ({"DATA": "530 log in"}, Blocked("smtp_530")),
        ({"DATA": "250 what"}, Retry("unexpected_answer")),
        ({"mail": "421 going down"}, Retry("smtp_421")),
        ({"mail": "554 spam"}, Rejected("smtp_554")),
        ({"mail": "354 more"}, Unknown("unexpected_answer")),
    ],
)
def test_a_code_means_what_it_means_at_its_stage(answers, outcome):
    """Greeting to the mail's end."""
    assert attempt(**answers)[0] == outcome


@pytest.mark.parametrize("stage", ["session", "recipient", "message", "answer"])
def test_every_4xx_is_a_retry_at_every_stage(stage):
    """The server says so itself."""
    assert {type(classify(code, stage)) for code in range(400, 500)} == {Retry}


@pytest.mark.parametrize("code", [530, 534, 535])
@pytest.mark.parametrize("stage", ["session", "recipient", "message", "answer"])
def test_a_login_asked_for_blocks_at_every_stage(code, stage):
    """No alert would pass."""
    assert classify(code, stage) == Blocked(f"smtp_{code}")


@pytest.mark.parametrize("code", [550, 551, 552, 553, 554])
@pytest.mark.parametrize("stage", ["recipient", "message", "answer"])
def test_a_recipient_or_mail_refused_is_a_rejection(code, stage):
    """This alert cannot be accepted."""
    assert classify(code, stage) == Rejected(f"smtp_{code}")


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        (("550", "451"), Retry("smtp_451")),
        (("550", "530"), Blocked("smtp_530")),
        (("550", "553"), Rejected("smtp_550")),
    ],
)
def test_all_recipients_refused_is_a_retry_if_one_may_be_taken_later(codes, outcome):
    """Then a block, then a rejection."""
    answers = iter(codes)

    def refuse(connection, _hear):
        connection.sendall(f"{next(answers)} no\r\n".encode())

    assert attempt(to=("ann@example.com", "bob@example.com"), RCPT=refuse)[0] == outcome


def test_starttls_that_is_not_offered_blocks_and_nothing_more_is_said():
    """Stripped by somebody in the middle: no login and no mail goes out in the clear."""
    server = {"scheme": "smtp+starttls", "user": "u", "password": "p"}
    outcome, heard = attempt(server=server)
    assert outcome == Blocked("starttls_not_offered")
    assert {line.split(" ")[0].upper() for line in heard} == {"EHLO", "QUIT"}


def test_starttls_refused_for_now_is_a_retry():
    """454 is a 4xx."""
    answers = {"EHLO": "250-here\r\n250 STARTTLS", "STARTTLS": "454 not now"}
    outcome, heard = attempt(server={"scheme": "smtp+starttls"}, **answers)
    assert outcome == Retry("smtp_454")
    assert not any(line.upper().startswith("MAIL") for line in heard)


@pytest.mark.parametrize(
    ("extension", "said"),
    [
        ("AUTH LOGIN PLAIN", ["\0bell hop\0pässword"]),
        ("AUTH CRAM-MD5 LOGIN", ["bell hop", "pässword"]),
    ],
)
def test_a_login_is_said_once_in_utf_8(extension, said):
    """By PLAIN, or by LOGIN where that is all there is."""
    given = []

    def challenge(connection, hear):
        if "PLAIN" not in extension:
            for prompt in (b"334 VXNlcjo=\r\n", b"334 UGFzcw==\r\n"):
                connection.sendall(prompt)
                given.append(base64.b64decode(hear()).decode())
        connection.sendall(b"235 ok\r\n")

    server = {"user": "bell hop", "password": "pässword"}
    outcome, heard = attempt(server=server, EHLO=f"250-here\r\n250 {extension}", AUTH=challenge)
    given += [base64.b64decode(line.split(" ")[2]).decode() for line in heard if line.startswith("AUTH PLAIN")]
    assert outcome == Delivered()
    assert given == said


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"AUTH": "535 no"}, Blocked("smtp_535")),
        ({"AUTH": "454 later"}, Retry("smtp_454")),
        ({"AUTH": "501 what"}, Blocked("smtp_501")),
        ({"AUTH": CLOSE}, Retry("connection_broken")),
        ({"EHLO": "250 here"}, Blocked("authentication_not_offered")),
        ({"EHLO": "250-here\r\n250 AUTH GSSAPI"}, Blocked("authentication_not_offered")),
    ],
)
def test_a_login_that_fails_is_classified(answers, outcome):
    """And no mail is offered."""
    got, heard = attempt(server={"user": "u", "password": "p"}, **answers)
    assert got == outcome
    assert not any(line.upper().startswith("MAIL") for line in heard)


def test_f45_a_login_refused_and_cut_off_is_tried_once_and_shows_nothing():
    """Some servers close on a wrong password; another mechanism would only see the closed connection."""

    def refuse(connection, hear):
        connection.sendall(b"535 hunter2 is wrong\r\n")
        CLOSE(connection, hear)

    outcome, heard = attempt(server={"user": "u", "password": "hunter2"}, AUTH=refuse)
    assert outcome == Blocked("smtp_535")
    assert sum(line.startswith("AUTH") for line in heard) == 1
    assert "hunter2" not in repr(outcome)


def test_smtps_delivers_over_tls_from_the_first_byte(tmp_path):
    """With the certificate checked."""
    authority = make_authority()
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.pem())
    outcome, _ = attempt(server={"scheme": "smtps"}, tls=server_context(authority), ca_file=str(trusted))
    assert outcome == Delivered()


def test_smtps_with_a_certificate_for_another_name_blocks(tmp_path, monkeypatch):
    """Signed by the right authority, for somebody else."""
    authority = make_authority()
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.pem())
    found = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, port, **more: found("127.0.0.1", port, **more))
    server = {"scheme": "smtps", "host": "mail.example.com"}
    assert attempt(server=server, tls=server_context(authority), ca_file=str(trusted))[0] == Blocked("certificate")


def test_tls_that_is_none_is_a_retry():
    """A server that answers a handshake with plain text."""
    assert attempt(server={"scheme": "smtps"})[0] == Retry("tls_failed")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no"), Blocked("host_not_found")),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Retry("name_not_resolved")),
        (UnicodeError("label too long"), Blocked("host_not_found")),
        (ConnectionRefusedError(), Retry("connection_failed")),
        (ssl.SSLError("broken"), Retry("tls_failed")),
    ],
)
def test_a_host_that_is_not_found_blocks_and_a_resolver_in_trouble_is_a_retry(monkeypatch, error, outcome):
    """Only a name that does not exist needs a person."""

    def refuse(*_args, **_more):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    channel = Email(FAR_AWAY, mail_from="a@example.com", to=("b@example.com",))
    assert channel.send(a_message(), deadline=time.monotonic() + ENOUGH) == outcome
