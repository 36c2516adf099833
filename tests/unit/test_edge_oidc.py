"""Only the platform's service accounts get in (fault 36)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import flask
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ

from shared.edge.certificates import Certificates
from shared.edge.oidc import TOKENS_REMEMBERED, OidcGuard
from shared.errors import ConfigError, RequestError

AUDIENCE = "https://deliver-alert.example.run.app"
EMAIL = "tasks@project.iam.gserviceaccount.com"


def certificate(key):
    """A self-signed certificate as PEM, as Google serves them."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "federated-signon.example")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


GOOGLE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEXT = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
GOOGLE_CERT, NEXT_CERT = certificate(GOOGLE), certificate(NEXT)


def b64(data):
    """Base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signing_input(header, claims):
    """The part of a token that is signed."""
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


class Seconds(int):
    """A time as seconds from when the token is made."""


def claims_with(**changes):
    """What Cloud Tasks' token says; None leaves a claim out."""
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "azp": "1234567890",
        "sub": "1234567890",
        "email": EMAIL,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    } | changes
    return {
        name: now + value if isinstance(value, Seconds) else value
        for name, value in claims.items()
        if value is not None
    }


def token(key=GOOGLE, header=None, **changes):
    """A token signed with ``key``."""
    signed = signing_input({"alg": "RS256", "kid": "google-1", "typ": "JWT"} | (header or {}), claims_with(**changes))
    return f"{signed}.{b64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class CertsServer(ThreadingHTTPServer):
    """Google's certificate endpoint on loopback, with faults."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), CertsHandler)
        self.certs = {"google-1": GOOGLE_CERT}
        self.status = 200
        self.raw = None
        self.pause = 0.0
        self.hits = 0

    @property
    def url(self):
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/oauth2/v1/certs"


class CertsHandler(BaseHTTPRequestHandler):
    """Serves what the server holds."""

    def do_GET(self):
        """Answer with the certificates, a byte at a time where the server is to be slow."""
        self.server.hits += 1
        body = self.server.raw if self.server.raw is not None else json.dumps(self.server.certs).encode()
        if self.server.pause:
            # The status line itself trickles: no read of the client's ever waits long.
            for byte in b"HTTP/1.0 200 " + b"x" * 40:
                time.sleep(self.server.pause)
                self.wfile.write(bytes([byte]))
            return
        self.send_response(self.server.status)
        self.send_header("Cache-Control", "public, max-age=3600")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def certs():
    """The endpoint, ended with the test."""
    server = CertsServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def guard(certs):
    """A guard that trusts the endpoint."""
    guard = OidcGuard(AUDIENCE, EMAIL, certs.url)
    yield guard
    guard.certificates.close()


@pytest.fixture(scope="module")
def shared_guard():
    """One for the property test, which must not start a server an example."""
    server = CertsServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    guard = OidcGuard(AUDIENCE, EMAIL, server.url)
    yield guard
    guard.certificates.close()
    server.shutdown()
    thread.join()
    server.server_close()


def refusal(guard, authorization):
    """The error that ``authorization`` ends in."""
    with pytest.raises(RequestError) as caught:
        guard.check(authorization)
    return caught.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_the_platforms_token_passes(guard, scheme):
    """Signed by Google, for this audience and account; the scheme's case does not matter (RFC 9110, 11.1)."""
    guard.check(f"{scheme} {token()}")


def test_a_token_is_checked_once_and_remembered_until_it_expires(guard, monkeypatch):
    """Google's tokens are used again for as long as they live; one that has expired is checked anew, and refused."""
    good = f"Bearer {token()}"
    guard.check(good)
    checked = []
    whole = OidcGuard._verified_claims
    monkeypatch.setattr(OidcGuard, "_verified_claims", lambda self, text: checked.append(text) or whole(self, text))
    guard.check(good)
    assert checked == []
    with monkeypatch.context() as later:
        later.setattr("shared.edge.oidc.time.time", lambda: 4_000_000_000.0)
        guard.check(good)
    assert len(checked) == 1


def test_no_more_tokens_are_remembered_than_there_is_room_for(guard):
    """Whoever has many good tokens fills nobody's memory."""
    for number in range(TOKENS_REMEMBERED + 5):
        guard.check(f"Bearer {token(exp=Seconds(1000 + number))}")
    assert len(guard._known) == TOKENS_REMEMBERED


@pytest.mark.parametrize("changes", [{"iss": "accounts.google.com"}, {"exp": Seconds(-5)}, {"iat": Seconds(5)}])
def test_clocks_may_differ_by_seconds(guard, changes):
    """Ten seconds of skew, no more, and both of Google's issuers."""
    guard.check(f"Bearer {token(**changes)}")


@pytest.mark.parametrize("authorization", [None, ""])
def test_f36_no_token(guard, authorization):
    """Without a token 401 and a bare challenge."""
    error = refusal(guard, authorization)
    assert (error.status, error.headers) == (401, {"WWW-Authenticate": "Bearer"})


def test_f36_only_the_cloud_tasks_headers(guard):
    """X-CloudTasks headers prove nothing: anybody can send them."""
    headers = {"X-CloudTasks-QueueName": "slack", "X-CloudTasks-TaskName": "t", "X-CloudTasks-TaskRetryCount": "0"}
    request = flask.Request(create_environ(method="POST", headers=headers))
    assert refusal(guard, request.headers.get("Authorization")).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example.run.app"},
        {"aud": AUDIENCE + "/"},
        {"aud": [AUDIENCE]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": Seconds(-15)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": Seconds(15)},
        {"iat": None},
    ],
)
def test_f36_wrong_audience_issuer_or_time(guard, changes):
    """A signature alone is not enough: 401."""
    error = refusal(guard, f"Bearer {token(**changes)}")
    assert (error.status, error.headers) == (401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "scheduler@project.iam.gserviceaccount.com"},
        {"email": EMAIL.upper()},
        {"email": None},
        {"email": [EMAIL]},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
    ],
)
def test_f36_wrong_email(guard, changes):
    """A good token of somebody else is 403."""
    assert refusal(guard, f"Bearer {token(**changes)}").status == 403


def test_f36_forged_by_another_key(guard):
    """Another key's signature under Google's key id is 401."""
    assert refusal(guard, f"Bearer {token(FORGER)}").status == 401


def test_f36_changed_after_signing(guard):
    """Claims that were not signed are 401."""
    head, _, signature = token(email="other@example.com").split(".")
    claims = b64(json.dumps(claims_with()).encode())
    assert refusal(guard, f"Bearer {head}.{claims}.{signature}").status == 401


def test_f36_alg_none(guard):
    """A token that says it needs no signature is 401."""
    for signature in ("", "AA"):
        unsigned = signing_input({"alg": "none", "kid": "google-1"}, claims_with())
        assert refusal(guard, f"Bearer {unsigned}.{signature}").status == 401


def test_f36_hs256_with_the_public_key(guard):
    """The certificate is no shared secret: 401."""
    signed = signing_input({"alg": "HS256", "kid": "google-1"}, claims_with())
    mac = hmac.new(GOOGLE_CERT.encode(), signed.encode(), hashlib.sha256).digest()
    assert refusal(guard, f"Bearer {signed}.{b64(mac)}").status == 401


def test_f36_es256_with_a_key_of_google(certs, guard):
    """Only RS256, even with a certificate for another algorithm."""
    key = ec.generate_private_key(ec.SECP256R1())
    certs.certs["curve"] = certificate(key)
    signed = signing_input({"alg": "ES256", "kid": "curve"}, claims_with())
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")  # as RFC 7518, 3.4 has it
    assert refusal(guard, f"Bearer {signed}.{b64(signature)}").status == 401


def test_f36_a_header_without_a_key_id_or_with_another_kind(guard):
    """Which key signed must be said."""
    for kid in (None, "", 5, ["google-1"], {}):
        assert refusal(guard, f"Bearer {token(header={'kid': kid})}").status == 401


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a.b", "Bearer a.b.c", "Bearer " + "a" * 9000, "Bearer é.é.é"],
)
def test_f36_malformed(guard, authorization):
    """What is no token is 401."""
    assert refusal(guard, authorization).status == 401


def test_f36_a_deeply_nested_token(guard):
    """A token that would exhaust the parser's stack is 401."""
    nested = b64(b"[" * 5000)
    assert refusal(guard, f"Bearer {nested}.{nested[:100]}.AA").status == 401


def test_f36_a_token_whose_signature_the_platform_removed(guard):
    """It cannot be checked, so it does not pass, and the sentence says why."""
    signed = token().rsplit(".", 1)[0]
    error = refusal(guard, f"Bearer {signed}.SIGNATURE_REMOVED_BY_GOOGLE")
    assert (error.status, "platform removed" in error.detail) == (401, True)


@given(text=st.one_of(st.text(), st.from_regex(r"\A[Bb]earer [A-Za-z0-9_\-]*\.[A-Za-z0-9_\-]*\.[A-Za-z0-9_\-]*\Z")))
@settings(deadline=None)
def test_f36_arbitrary_text_never_passes(shared_guard, text):
    """Nothing but a signed token gets in, and nothing makes a 500."""
    assert refusal(shared_guard, text).status == 401


@given(cut=st.integers(min_value=0, max_value=2000), char=st.sampled_from("AQgw_-.9"))
@settings(deadline=None, max_examples=60)
def test_f36_a_token_changed_anywhere_never_passes(shared_guard, cut, char):
    """One other character in header, claims or signature is 401."""
    good = token()
    at = cut % (len(good) - 1)  # the very last character has bits that mean nothing
    if good[at] == char:
        return
    assert refusal(shared_guard, f"Bearer {good[:at]}{char}{good[at + 1 :]}").status == 401


def test_certificates_are_fetched_once(certs, guard):
    """A hundred tasks cost one fetch."""
    for _ in range(100):
        guard.check(f"Bearer {token()}")
    assert certs.hits == 1


def test_a_rotated_key_is_found(certs, guard):
    """A key that is not in the cache is looked for once."""
    guard.check(f"Bearer {token()}")
    certs.certs = {"google-2": NEXT_CERT}
    rotated = f"Bearer {token(NEXT, {'kid': 'google-2'})}"
    guard.check(rotated)
    guard.check(rotated)
    assert certs.hits == 2
    assert refusal(guard, f"Bearer {token(exp=Seconds(1801))}").status == 401


def test_made_up_key_ids_do_not_flood_the_endpoint(certs):
    """Within the cool-down one look; after it another."""
    now = [1000.0]
    certificates = Certificates(certs.url, cool_down_seconds=60, clock=lambda: now[0])
    assert certificates.find("google-1") == GOOGLE_CERT
    assert [certificates.find(f"made-up-{n}") for n in range(20)] == [None] * 20
    assert certs.hits == 2
    now[0] += 61
    assert certificates.find("made-up") is None
    assert certs.hits == 3
    certificates.close()


def test_a_key_that_many_ask_for_at_once_is_looked_for_once(certs):
    """All wait for the one look and all find the new key."""
    certificates = Certificates(certs.url)
    certificates.find("google-1")
    certs.certs = {"google-2": NEXT_CERT}
    found = []
    threads = [threading.Thread(target=lambda: found.append(certificates.find("google-2"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [NEXT_CERT] * 8
    assert certs.hits == 2
    certificates.close()


@pytest.mark.parametrize(
    "raw", [b"", b"not json", b"[]", b"{}", b'{"google-1": 5}', b'{"keys": []}', b'{"google-1": "x"}']
)
def test_certificates_that_are_none_are_503(certs, guard, raw):
    """Rubbish from the endpoint is an outage, never a pass."""
    certs.raw = raw
    error = refusal(guard, f"Bearer {token()}")
    assert (error.status, error.retry_after is not None) == (503, True)


def test_a_certificate_that_cannot_be_read_is_503(certs, guard):
    """A broken certificate says nothing about the token."""
    certs.certs = {"google-1": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}
    assert refusal(guard, f"Bearer {token()}").status == 503


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_an_endpoint_that_fails_is_503_and_heals(certs, guard, status):
    """The queue tries again, and then it passes."""
    certs.status = status
    assert refusal(guard, f"Bearer {token()}").status == 503
    certs.status = 200
    guard.check(f"Bearer {token()}")


def test_an_endpoint_that_is_gone_is_503():
    """Nobody listens: 503."""
    server = CertsServer()
    server.server_close()
    guard = OidcGuard(AUDIENCE, EMAIL, server.url)
    assert refusal(guard, f"Bearer {token()}").status == 503


def test_f11_an_endpoint_that_trickles_is_503_in_time(certs):
    """The total deadline holds, although each byte comes quickly."""
    certs.pause = 0.05
    certificates = Certificates(certs.url, fetch_seconds=0.3)
    started = time.monotonic()
    with pytest.raises(RequestError) as caught:
        certificates.find("google-1")
    assert (caught.value.status, time.monotonic() - started < 1.5) == (503, True)
    certificates.close()


@pytest.mark.parametrize(
    ("audience", "email", "url"),
    [
        ("", EMAIL, "https://x.example"),
        (AUDIENCE, "", "https://x.example"),
        (AUDIENCE, EMAIL, "http://x.example/certs"),
        (AUDIENCE, EMAIL, "http://127.0.0.1.evil.example/"),
        (AUDIENCE, EMAIL, "file:///etc/certs"),
        (AUDIENCE, EMAIL, ""),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(audience, email, url):
    """Nobody's audience or e-mail, and certificates that anybody could serve."""
    with pytest.raises(ConfigError):
        OidcGuard(audience, email, url)
