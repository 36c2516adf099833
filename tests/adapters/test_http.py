"""One request with a total deadline: what servers answer, and how they do not."""

from __future__ import annotations

import psutil
import pytest

from shared.adapters.http import MOST_BYTES, HttpAnswer, Unanswered
from tests.support.raw_server import OK, SOON, Connection, answering, fails, sent, serving

pytestmark = pytest.mark.usefixtures("nothing_is_left")

BODY = b'{"text": "hi"}'


def test_an_answer_comes_back_whole() -> None:
    """Status, headers by lower-case name, body; the request arrived as it was given."""
    requests: list[bytes] = []

    def behave(connection: Connection) -> None:
        requests.append(connection.read())
        connection.raw.sendall(b"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 3\r\n\r\n\xc5\x82!")

    with serving(behave) as server:
        answer = sent(server.url, body=BODY)
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.headers["retry-after"], answer.text) == (429, "30", "ł!")
    head, _, body = requests[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert (lines[0], body) == (b"post /hook http/1.1", BODY)
    assert {b"content-type: application/json", b"x-own: 1", b"connection: close"} <= set(lines)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nok", "ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok and more", "ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_an_answer_may_end_in_any_of_https_ways(answer: bytes, text: str) -> None:
    """By its length, by its chunks, by the end of the connection; bytes that are no UTF-8 are marked."""
    with serving(answering(answer)) as server:
        came = sent(server.url)
    assert isinstance(came, HttpAnswer)
    assert came.text == text


def test_f12_a_reset_after_the_whole_body_is_unanswered() -> None:
    """It may have been acted on."""
    with serving(lambda connection: (connection.read(), connection.reset())) as server:
        assert fails(sent(server.url), Unanswered, "connection_broken")


def test_f12_a_connection_closed_without_an_answer_is_unanswered() -> None:
    """The same, politely."""
    with serving(lambda connection: connection.read()) as server:
        assert fails(sent(server.url), Unanswered, "connection_broken")


def test_f11_a_server_that_hangs_is_left_at_the_deadline() -> None:
    """The request left: it may have been acted on."""
    with serving(lambda connection: (connection.read(), connection.hang())) as server:
        assert fails(sent(server.url, seconds=SOON), Unanswered, "timeout")


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"o"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"o"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\no\r\n"),
    ],
    ids=["status", "header", "headers", "continue", "length", "body", "chunks"],
)
def test_f11_an_answer_of_a_byte_at_a_time_is_left_at_the_deadline(start: bytes, piece: bytes) -> None:
    """Each wait is short, their sum is not."""

    def behave(connection: Connection) -> None:
        connection.read()
        connection.raw.sendall(start)
        connection.drip(piece)

    with serving(behave) as server:
        assert fails(sent(server.url, seconds=SOON), Unanswered, "timeout")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=["length", "chunk", "no chunk", "gzip", "not http", "many headers", "long header"],
)
def test_an_answer_that_is_not_whole_is_unanswered(answer: bytes) -> None:
    """What it would have said is not known."""
    with serving(answering(answer)) as server:
        assert fails(sent(server.url), Unanswered, "connection_broken")


def test_a_huge_answer_is_cut() -> None:
    """No destination fills our memory; what was read tells enough."""

    def behave(connection: Connection) -> None:
        connection.read()
        connection.raw.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.raw.sendall(b"x" * 65_536)

    with serving(behave) as server:
        answer = sent(server.url)
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, len(answer.text)) == (200, MOST_BYTES)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f44_a_redirect_is_not_followed(status: int) -> None:
    """It is an answer like any other: nothing is sent to where it points."""
    with serving(answering(OK)) as elsewhere:
        redirect = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
        with serving(answering(redirect.encode())) as server:
            answer = sent(server.url)
        assert isinstance(answer, HttpAnswer)
        assert (answer.status, elsewhere.connections) == (status, 0)


@pytest.mark.parametrize("location", ["http://[::1", "//["])
def test_a_redirect_to_nonsense_is_an_answer(location: str) -> None:
    """No error of another kind gets out."""
    redirect = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(redirect.encode())) as server:
        answer = sent(server.url)
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 302


def test_the_huge_body_of_a_redirect_is_cut() -> None:
    """It is not read into memory until the deadline."""

    def behave(connection: Connection) -> None:
        connection.read()
        connection.raw.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
        connection.drip(b"x" * 65_536)

    with serving(behave) as server:
        answer = sent(server.url, seconds=1)
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 302


def test_the_body_of_a_redirect_comes_back() -> None:
    """It may name the error."""
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 10\r\n\r\nno_service"
    with serving(answering(redirect)) as server:
        answer = sent(server.url)
    assert isinstance(answer, HttpAnswer)
    assert answer.text == "no_service"


def test_an_answer_that_urllib3_gives_up_on_leaves_no_connection_open() -> None:
    """Not even while somebody holds the error."""
    with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nok")) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        outcome = sent(server.url)
        assert fails(outcome, Unanswered, "connection_broken")
        mine = [each for each in psutil.Process().net_connections("tcp") if each.raddr and each.raddr.port == port]
        assert [each for each in mine if each.status != psutil.CONN_CLOSE] == []
