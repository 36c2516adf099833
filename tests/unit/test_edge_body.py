"""A request's body: what is read, what is refused, and that nothing is left on the wire."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time

import flask
import functions_framework
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.serving import make_server
from werkzeug.test import create_environ

from shared.edge.body import DRAIN_BYTES, discard_body, read_json_object
from shared.edge.problems import answer
from shared.errors import RequestError


class CountingStream(io.RawIOBase):
    """An endless upload that counts what was taken from it."""

    def __init__(self):
        self.taken = 0

    def read(self, size=-1):
        """Give as much as was asked for."""
        assert size > 0
        self.taken += size
        return b"x" * size


class BrokenStream(io.RawIOBase):
    """A connection that ends in an error of the server's own."""

    class ServersOwnError(Exception):
        """As gunicorn's ParseException: neither OSError nor ValueError."""

    def read(self, size=-1):
        """Fail as the server does."""
        raise self.ServersOwnError


def request_with(data=b"", content_type="application/json", *, stream=None, length=None, headers=None, environ=None):
    """A real Flask request; as a server shows a chunked one where a stream and no ``length`` is given."""
    built = create_environ(method="POST", content_type=content_type, headers=headers)
    built["wsgi.input"] = io.BytesIO(data) if stream is None else stream
    if stream is None and length is None:
        length = str(len(data))
    if length is not None:
        built["CONTENT_LENGTH"] = length
    else:
        built.pop("CONTENT_LENGTH", None)
        built["wsgi.input_terminated"] = True
    return flask.Request(built | (environ or {}))


def refusal(request, **options):
    """The error that reading ``request`` ends in."""
    with pytest.raises(RequestError) as caught:
        read_json_object(request, **options)
    return caught.value


def outcome(request):
    """The object in ``request``, or the status it is refused with."""
    try:
        return read_json_object(request)
    except RequestError as error:
        return error.status


def test_an_object_is_read():
    """What JSON means arrives."""
    body = {"message": "Zażółć 🙂", "consent": {"marketing": True}, "n": [1, 2.5, None]}
    assert read_json_object(request_with(json.dumps(body).encode())) == body


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "application/vnd.api+json", "Application/JSON"])
def test_json_types_are_taken(kind):
    """A charset of UTF-8 and the +json suffix are JSON."""
    assert read_json_object(request_with(b"{}", kind)) == {}


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "", None, "application/json; charset=utf-16", "application/jsonp", "application/json, text/plain"],
)
def test_f31_wrong_content_type(kind):
    """Another type or charset is 415 and says what is taken."""
    error = refusal(request_with(b"{}", kind))
    assert (error.status, error.headers) == (415, {"Accept": "application/json"})


def test_f31_compressed_body():
    """A content coding is 415."""
    error = refusal(request_with(b"{}", headers={"Content-Encoding": "gzip"}))
    assert (error.status, error.headers) == (415, {"Accept-Encoding": "identity"})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b'{"message": "\xff"}', "UTF-8"),
        (b"\xed\xa0\x80", "UTF-8"),
        (b"hello", "not JSON"),
        (b'{"a": 1,}', "line 1, column 9"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": "\x00"}', "not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "NaN or an infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a": 1, "\\u0061": 2}', "same key twice"),
        (b'{"a": {"b": 1, "b": 1}}', "same key twice"),
        (b'{"a": ' * 33 + b"1" + b"}" * 33, "at most 32 levels"),
        (b"[" * 60_000, "at most 32 levels"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'["x", ["\\ud83d "]]', "surrogate"),
        (b"[1]", "must be a JSON object; got a list"),
        (b'"text"', "got a string"),
        (b"null", "got null"),
        (b"true", "got a boolean"),
    ],
)
def test_f31_what_is_no_object_is_400_with_its_own_sentence(data, says):
    """Every way of not being a JSON object is refused, and the sentence says which."""
    error = refusal(request_with(data))
    assert (error.status, error.slug) == (400, "malformed-body")
    assert says in error.detail


def test_brackets_inside_strings_are_not_nesting():
    """32 levels are taken, and brackets in a text are text."""
    text = '\\"[[[{' * 50
    nested = '{"a":' * 32 + json.dumps(text) + "}" * 32
    value = read_json_object(request_with(nested.encode()))
    for _ in range(32):
        value = value["a"]
    assert value == text


@pytest.mark.parametrize("data", [b'"' + b'\\"' * 32_000, b'"' * 65_000, b"\\" * 65_000, b'{"' + b"[" * 65_000])
def test_f31_the_scan_is_linear(data):
    """Text made to send a scanner back and forth costs no more than other text."""
    started = time.monotonic()
    assert refusal(request_with(data)).status == 400
    assert time.monotonic() - started < 1


def test_a_surrogate_pair_is_one_character():
    """Both halves together are a character."""
    assert read_json_object(request_with(b'{"a": "\\ud83d\\ude42"}')) == {"a": "🙂"}


@pytest.mark.parametrize("length", ["-1", "1.5", "two", "9" * 30, "+3", "0x2"])
def test_f31_content_length_that_is_none(length):
    """A Content-Length that is no number of bytes is 400."""
    error = refusal(request_with(b"{}", length=length))
    assert error.status == 400
    assert "Content-Length" in error.detail


def test_f31_truncated_body():
    """A body that ends before its Content-Length is 400, also when what came would be JSON."""
    error = refusal(request_with(b"{}", length="3"))
    assert (error.status, "ended before" in error.detail) == (400, True)


def test_bytes_after_the_content_length_are_not_read():
    """What follows belongs to the next request."""
    assert read_json_object(request_with(b'{}{"next": 1}', length="2")) == {}


def test_no_length_and_no_chunks_is_an_empty_body():
    """Without both there is no body, and nobody waits for one."""
    error = refusal(request_with(b'{"a": 1}', length=""))
    assert (error.status, "empty" in error.detail) == (400, True)


def test_length_beside_chunks_is_refused():
    """Both framings at once are how requests are smuggled."""
    request = request_with(b"{}", environ={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True})
    assert refusal(request).status == 400


def test_a_chunked_body_is_read():
    """Without a length the server marks the end."""
    assert read_json_object(request_with(stream=io.BytesIO(b'{"a": 1}'))) == {"a": 1}


def test_f31_broken_chunks():
    """Whatever error the server has for a broken body, it is 400."""
    assert refusal(request_with(stream=BrokenStream())).status == 400


@pytest.mark.parametrize("chunked", [True, False])
def test_f31_ten_megabytes(chunked):
    """Too large is 413; what is sent is read to its end."""
    stream = io.BytesIO(b"x" * 10_000_000)
    request = request_with(stream=stream, length=None if chunked else "10000000")
    error = refusal(request)
    assert (error.status, error.slug) == (413, "body-too-large")
    assert "65536 bytes" in error.detail
    assert stream.tell() == 10_000_000


def test_f31_a_length_over_the_limit_is_413_before_anything_is_read():
    """The declared length is enough to refuse, even if nothing of it comes."""
    assert refusal(request_with(b"{}", length="10000000")).status == 413


def test_exactly_the_limit_is_taken():
    """The limit itself is not too large, one byte more is."""
    data = b'{"a": 1}'
    assert read_json_object(request_with(data), max_bytes=len(data)) == {"a": 1}
    assert read_json_object(request_with(stream=io.BytesIO(data)), max_bytes=len(data)) == {"a": 1}
    assert refusal(request_with(data), max_bytes=len(data) - 1).status == 413
    assert refusal(request_with(stream=io.BytesIO(data)), max_bytes=len(data) - 1).status == 413


def test_an_endless_upload_is_not_read_for_ever():
    """Draining is bounded, also when asked for again."""
    stream = CountingStream()
    request = request_with(stream=stream)
    assert refusal(request).status == 413
    discard_body(request)
    assert request.get_data() == b""
    assert DRAIN_BYTES <= stream.taken <= DRAIN_BYTES + 200_000


@given(data=st.one_of(st.binary(max_size=300), st.text(alphabet='{}[]":,\\ud8eE0-1. nultrf', max_size=60)))
@settings(deadline=None)
def test_f31_no_bytes_cause_anything_but_a_4xx(data):
    """Arbitrary bytes and almost-JSON are an object or a refusal."""
    raw = data.encode() if isinstance(data, str) else data
    result = outcome(request_with(raw))
    assert isinstance(result, dict) or result == 400


@given(
    kind=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40),
    length=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=6),
)
@settings(deadline=None)
def test_f31_no_headers_cause_anything_but_a_4xx(kind, length):
    """Arbitrary Content-Type and Content-Length are taken or refused."""
    request = request_with(b"{}", length=length, environ={"CONTENT_TYPE": kind})
    assert outcome(request) in ({}, 400, 415)


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8), key=st.text())
@settings(deadline=None)
def test_every_object_comes_back(value, key):
    """What was written as JSON is what is read."""
    assert read_json_object(request_with(json.dumps({key: value}).encode())) == {key: value}


@pytest.fixture
def port():
    """A real server that answers as a function does, functions-framework's own reading after the answer included."""
    served = flask.Flask(__name__)
    served.after_request(functions_framework.read_request)

    @served.post("/")
    def post():
        def handler(request):
            if request.args.get("refuse"):
                raise RequestError(405, "No.", slug="method-not-allowed", title="No")
            return flask.jsonify(read_json_object(request))

        return answer(handler, flask.request._get_current_object(), on_error=lambda _: None)

    server = make_server("127.0.0.1", 0, served, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/", "/?refuse=1"])
@pytest.mark.parametrize("chunked", [True, False])
def test_f31_a_client_that_sends_ten_megabytes_sees_the_answer(port, path, chunked):
    """On a real connection the refusal arrives, not a reset."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    payload = b'{"message": "' + b"x" * 10_000_000 + b'"}'
    body = (payload[at : at + 100_000] for at in range(0, len(payload), 100_000)) if chunked else payload
    connection.request("POST", path, body, {"Content-Type": "application/json"}, encode_chunked=chunked)
    response = connection.getresponse()
    assert response.status == (405 if "refuse" in path else 413)
    assert json.loads(response.read())["status"] == response.status
    connection.close()


@pytest.mark.parametrize(
    ("framing", "sent"),
    [(b"Content-Length: 100", b'{"a":'), (b"Transfer-Encoding: chunked", b"5\r\n{}"), (b"Content-Length: x", b"{}")],
)
@pytest.mark.parametrize(("path", "status"), [(b"/", b"400"), (b"/?refuse=1", b"405")])
def test_f31_a_body_that_breaks_off_keeps_its_answer_on_a_real_connection(port, framing, sent, path, status):
    """The caller that stopped sending gets the reason; the framework's reading after it makes no other of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n"
        connection.sendall(head + sent)
        connection.shutdown(socket.SHUT_WR)
        answered = b""
        while piece := connection.recv(65536):
            answered += piece
    assert answered.split(b"\r\n", 1)[0].split()[1] == status
    assert b"application/problem+json" in answered
