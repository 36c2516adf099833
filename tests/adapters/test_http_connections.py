"""One request with a total deadline: connections that are not made, or break while the request leaves."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.adapters.http import HttpAnswer, NotSent, _authorities
from tests.support.raw_server import OK, SOON, answering, fails, never_accepting, refusing, sent, serving

pytestmark = pytest.mark.usefixtures("nothing_is_left")

LARGE = b"x" * 20_000_000  # more than the buffers of both sockets take


def test_a_refused_connection_was_not_sent() -> None:
    """Repeating is harmless."""
    with refusing() as url:
        assert fails(sent(url), NotSent, "connection_failed")


def test_a_name_that_does_not_exist_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor was anything connected to."""

    def unknown(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert fails(sent("http://hooks.example/"), NotSent, "connection_failed")


def test_a_name_server_that_is_silent_does_not_hold_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver has no timeout of ours."""
    over = threading.Event()

    def silent(*_args: object, **_kwargs: object) -> list[Any]:
        over.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    try:
        assert fails(sent("http://hooks.example/", seconds=SOON), NotSent, "timeout")
    finally:
        over.set()


def test_a_connection_that_is_never_made_was_not_sent() -> None:
    """The server's backlog is full, or a firewall swallows the packets."""
    with never_accepting() as url:
        assert fails(sent(url, seconds=SOON), NotSent, "timeout")


def test_a_name_with_many_dead_addresses_keeps_to_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the sum that counts, not each address."""
    with never_accepting() as url:
        port = int(url.split(":")[2].split("/")[0])
        entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: [entry] * 40)
        assert fails(sent(f"http://hooks.example:{port}/", seconds=SOON), NotSent, "timeout")


def test_the_second_address_of_a_name_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As every client does."""
    with refusing() as dead, serving(answering(OK)) as server:
        ports = [int(url.split(":")[2].split("/")[0]) for url in (dead, server.url)]
        entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: entries)
        assert isinstance(sent("http://hooks.example/"), HttpAnswer)


def test_with_its_deadline_passed_a_request_is_not_sent() -> None:
    """Nothing is connected to."""
    with serving(answering(OK)) as server:
        assert fails(sent(server.url, seconds=-0.1), NotSent, "deadline")
        assert server.connections == 0


def test_a_reset_before_the_whole_body_was_taken_was_not_sent() -> None:
    """The destination cannot have acted on half a body."""
    with serving(lambda connection: (connection.raw.recv(100), connection.reset())) as server:
        assert fails(sent(server.url, body=LARGE), NotSent, "connection_failed")


def test_a_server_that_does_not_read_is_left_at_the_deadline() -> None:
    """The body had not left."""
    with serving(lambda connection: connection.hang()) as server:
        assert fails(sent(server.url, seconds=SOON, body=LARGE), NotSent, "timeout")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_the_environments_proxies_are_not_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine has set for its user is not for alerts."""
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with serving(answering(OK)) as server:
        assert isinstance(sent(server.url), HttpAnswer)


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its certificate for 127.0.0.1, which nobody signed but itself."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), today - day, today + day
    )
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(plain + certificate.public_bytes(pem))
    return folder / "both.pem"


@pytest.fixture(scope="module")
def stranger(self_signed: Path) -> ssl.SSLContext:
    """A TLS server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    return context


def test_a_certificate_that_is_trusted_is_trusted_for_its_own_name_only(
    stranger: ssl.SSLContext, self_signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request goes out over TLS; under another name the same certificate is a stranger's."""
    authorities = ssl.create_default_context(cafile=str(self_signed))
    monkeypatch.setattr("shared.adapters.http._authorities", lambda: authorities)
    with serving(answering(OK), tls=stranger) as server:
        assert isinstance(sent(server.url), HttpAnswer)
    with serving(answering(OK), tls=stranger) as server:
        assert fails(sent(server.url.replace("127.0.0.1", "localhost")), NotSent, "certificate")


def test_the_authorities_are_those_of_the_public_internet_and_check_names() -> None:
    """Many, a certificate is required, and it must be the host's."""
    context = _authorities()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) > 50


def test_a_certificate_that_nobody_signed_is_refused_before_anything_is_sent(stranger: ssl.SSLContext) -> None:
    """Whoever answers there is not who was meant."""
    with serving(answering(OK), tls=stranger) as server:
        assert fails(sent(server.url), NotSent, "certificate")


def test_a_tls_handshake_that_hangs_is_left_at_the_deadline() -> None:
    """Nothing was sent."""
    with serving(lambda connection: connection.hang()) as server:
        url = server.url.replace("http:", "https:")
        assert fails(sent(url, seconds=SOON), NotSent, "timeout")


def test_many_requests_at_once_do_not_mix() -> None:
    """Each has a connection and a deadline of its own."""
    with serving(answering(OK)) as server, never_accepting() as dead:
        urls = [server.url, dead] * 10
        results: dict[int, HttpAnswer | Exception] = {}
        threads = [
            threading.Thread(target=lambda n=n, url=url: results.update({n: sent(url, seconds=2)}))
            for n, url in enumerate(urls)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [isinstance(results[n], HttpAnswer) for n in range(20)] == [True, False] * 10
