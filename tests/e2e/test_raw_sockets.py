"""What no HTTP library sends: to the function's own server, and to the gateway that stands for Google's front end.

Whatever comes, the answer is never a 5xx, and whoever comes next is served.
"""

import re
import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

BODY = b'{"message": "hi"}'
SECONDS = 20
"""Nothing here takes so long; a connection that is still silent then hangs."""

CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"11\r\n" + BODY + b"\r\n0\r\n\r\n"


def request(
    *headers, method=b"POST", path=b"/chat", body=BODY, version=b" HTTP/1.1", length=True, host=b"Host: 127.0.0.1"
):
    """The bytes of a request; with the body's length, unless the headers are to say it."""
    measured = [b"Content-Length: %d" % len(body)] if length else []
    lines = [
        method + b" " + path + version,
        host,
        b"Content-Type: application/json",
        b"Connection: close",
        *measured,
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body, *headers):
    """A request with a chunked body, as it is."""
    return request(CHUNKED, *headers, body=body, length=False)


def of_length(text):
    """A request whose length is said like this."""
    return request(b"Content-Length: " + text, length=False)


REFUSED = {
    "a length that is too short": of_length(b"5"),
    "a negative length": of_length(b"-5"),
    "a length with a sign": of_length(b"+17"),
    "a length in words": of_length(b"many"),
    "an enormous length": of_length(b"9" * 30),
    "two equal lengths": request(b"Content-Length: 17"),
    "two lengths": request(b"Content-Length: 99"),
    "a length beside chunks": request(CHUNKED, body=CHUNKS),
    "a chunk without a size": chunked(b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk of a negative size": chunked(b"-11\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk that does not end": chunked(b"11\r\n" + BODY + b"XX0\r\n\r\n"),
    "two codings": chunked(CHUNKS, CHUNKED),
    "a huge header": request(b"X-Big: " + b"x" * 200_000),
    "very many headers": request(*[b"X-%d: y" % number for number in range(3000)]),
    "a path that is not UTF-8": request(path=b"/chat/\xff\xfe"),
    "a key that is not UTF-8": request(b"Idempotency-Key: \xff\xfe"),
    "a NUL in a header": request(b"X-A: a\0b"),
    "a header without a colon": request(b"nonsense"),
    "a space in a header's name": request(b"X A: b"),
    "a folded header": request(b"X-A: a\r\n b"),
    "HTTP/0.9": b"GET /chat\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3.0": request(version=b" HTTP/3.0"),
    "a method that is none": request(method=b"P@ST("),
    "line feeds alone": request().replace(b"\r\n", b"\n"),
    "two hosts": request(b"Host: evil.example"),
    "an unknown expectation": request(b"Expect: 42"),
    "a tunnel": b"CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n",
}
ANSWERED = {
    "chunks": chunked(CHUNKS),
    "HTTP/1.0": request(version=b" HTTP/1.0"),
    "the absolute form": request(path=b"http://127.0.0.1/chat"),
    "a path that is not UTF-8 in percents": request(path=b"/chat/%ff%fe%00"),
    "a path of broken percents": request(path=b"/chat/%zz%"),
    "a wish to be told to go on": request(b"Expect: 100-continue"),
    "a wish for another protocol": request(b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
}
CUT = {
    "a length that is too long": of_length(b"500"),
    "a chunk that breaks off": chunked(b"11\r\n" + BODY[:5]),
    "half a head": request()[:40],
    "half a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "nothing": b"",
}


@pytest.fixture(params=["gateway", "function"])
def address(request, system):
    """Where the gateway listens, and where the chat's own server does."""
    url = system.url if request.param == "gateway" else system.info["functions"]["chat"]["url"]
    return urlsplit(url).hostname, urlsplit(url).port


@pytest.fixture
def client(system):
    """Another visitor, who must be served whatever the others do."""
    return lambda: system.write("Prices?").status_code


def called(address, numbers=iter(range(10**6))):  # noqa: B008 - one series for all
    """A connection from an address of its own, so that no limit answers instead."""
    number = next(numbers)
    source = (f"127.2.{number // 250}.{1 + number % 250}", 0)
    return closing(socket.create_connection(address, timeout=SECONDS, source_address=source))


def told(connection):
    """All that is answered until the other side closes; fails if it does not."""
    found = bytearray()
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:  # it has not read all that was sent, and says no more
        pass
    return bytes(found)


def statuses(answered):
    """The statuses of all answers, in their order."""
    return [int(status) for status in re.findall(rb"HTTP/[0-9.]+ ([0-9]{3}) ", answered)]


def exchanged(address, sent, *, cut=False):
    """What is answered to some bytes."""
    with called(address) as connection:
        try:
            connection.sendall(sent)
            if cut:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):  # refused before all of it was read
            pass
        return told(connection)


@pytest.mark.parametrize("name", REFUSED)
def test_f31_what_is_no_good_http_is_a_4xx(address, client, name):
    """Each answer; and the next visitor is served."""
    found = statuses(exchanged(address, REFUSED[name]))
    assert all(400 <= status < 500 for status in found), found
    assert found or name == "a huge header"  # the rest of it may reset the connection before the answer is read
    assert client() == 200


@pytest.mark.parametrize("name", ANSWERED)
def test_unusual_http_is_understood(address, name):
    """The chat's own answer."""
    assert statuses(exchanged(address, ANSWERED[name]))[-1] == 200


@pytest.mark.parametrize("name", CUT)
def test_f31_who_breaks_off_leaves_nothing_behind(address, client, name):
    """A 4xx or no answer at all, as nobody waits for one; and the next visitor is served."""
    assert all(400 <= status < 500 for status in statuses(exchanged(address, CUT[name], cut=True)))
    assert client() == 200


def test_two_requests_in_one_go_are_two_answers(address):
    """In their order; what follows a body is the next request and nothing else."""
    first = request().replace(b"Connection: close\r\n", b"")
    answered = exchanged(address, first + request(path=b"/chat", method=b"PUT"))
    assert statuses(answered) == [200, 405]


def test_what_follows_a_refused_body_is_no_request(address):
    """Bytes beyond the length are never taken for a request of somebody who is trusted more."""
    smuggled = request(b"Content-Length: 0", body=request(), length=False)
    found = statuses(exchanged(address, smuggled.replace(b"Connection: close\r\n", b"", 1)))
    assert found[0] == 400
    assert all(status < 500 for status in found)


def test_slow_visitors_hold_nobody_up(address, client):
    """Half a body and then silence, several at once: others are answered, and so are the slow ones once they go on."""
    sent = request()
    slow = [called(address) for _ in range(6)]
    connections = [each.__enter__() for each in slow]
    try:
        for connection in connections:
            connection.sendall(sent[:-9])
        assert [client() for _ in range(3)] == [200, 200, 200]
        for connection in connections:
            for byte in sent[-9:]:
                connection.sendall(bytes([byte]))
        assert [statuses(told(connection)) for connection in connections] == [[200]] * len(connections)
    finally:
        for each in slow:
            each.__exit__(None, None, None)
