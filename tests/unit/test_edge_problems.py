"""Problem details, JSON answers and the frame around every function."""

from __future__ import annotations

import json

import flask
import pytest
from werkzeug import exceptions
from werkzeug.test import create_environ

from shared.edge import refusals
from shared.edge.answers import json_answer
from shared.edge.problems import answer, problem
from shared.errors import RequestError


class Ears:
    """Remembers what it was told."""

    def __init__(self):
        self.heard = []

    def __call__(self, error):
        """Hear ``error``."""
        self.heard.append(error)


def answer_to(raised, ears=None):
    """What a caller gets when the handler raises."""

    def handler(_):
        raise raised

    return answer(handler, flask.Request(create_environ()), on_error=ears or Ears())


def test_a_problem_has_the_members_of_rfc_9457():
    """Type, title, status, detail and our field; no other."""
    response = problem(refusals.invalid_field("message", "a string", "a number"))
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert response.get_json(force=True) == {
        "type": "urn:bellhop:problem:invalid-field",
        "title": "A field is invalid",
        "status": 400,
        "detail": "message: must be a string; got a number.",
        "field": "message",
    }


def test_a_problem_without_a_field_does_not_name_one():
    """None is left out, not null."""
    assert "field" not in problem(refusals.malformed_body("x")).get_json(force=True)


def test_a_problem_is_never_cached_sniffed_or_framed():
    """The headers of every answer."""
    headers = problem(refusals.malformed_body("x")).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("error", "status", "header", "value"),
    [
        (refusals.method_not_allowed(("POST",)), 405, "Allow", "POST, OPTIONS"),
        (refusals.method_not_allowed(("POST",), options=False), 405, "Allow", "POST"),
        (refusals.method_not_allowed(("GET", "OPTIONS")), 405, "Allow", "GET, OPTIONS"),
        (refusals.unavailable("later", retry_after=7), 503, "Retry-After", "7"),
        (refusals.unauthorized("no", presented=False), 401, "WWW-Authenticate", "Bearer"),
        (refusals.unauthorized("no"), 401, "WWW-Authenticate", 'Bearer error="invalid_token"'),
        (refusals.unsupported_media_type("no", {"Accept": "application/json"}), 415, "Accept", "application/json"),
    ],
)
def test_a_refusal_brings_its_header(error, status, header, value):
    """What the standards ask for beside the status."""
    response = problem(error)
    assert (response.status_code, response.headers[header]) == (status, value)


def test_what_a_handler_returns_is_the_answer():
    """The frame adds nothing to it."""
    given_answer = json_answer({"ok": True})
    ears = Ears()
    assert answer(lambda _: given_answer, flask.Request(create_environ()), on_error=ears) is given_answer
    assert ears.heard == []


def test_a_refusal_is_not_an_error_of_ours():
    """A 4xx is answered and not reported."""
    ears = Ears()
    assert answer_to(refusals.forbidden("no"), ears).status_code == 403
    assert ears.heard == []


def test_f45_an_unexpected_error_is_a_500_that_says_nothing_of_it():
    """The caller gets no detail, the log gets the exception."""
    ears, error = Ears(), RuntimeError("password=hunter2 ana@example.com")
    response = answer_to(error, ears)
    assert (response.status_code, ears.heard) == (500, [error])
    assert "hunter2" not in response.get_data(as_text=True)
    assert response.get_json(force=True)["type"] == "urn:bellhop:problem:internal-error"


def test_our_own_503_is_reported_too():
    """An outage is answered with Retry-After and seen."""
    ears = Ears()
    assert answer_to(refusals.unavailable("later", retry_after=1), ears).status_code == 503
    assert len(ears.heard) == 1


def test_a_log_that_fails_does_not_change_the_answer():
    """Reporting is not allowed to break answering."""

    def deaf(_):
        raise RuntimeError

    assert answer_to(ValueError("x"), deaf).status_code == 500


@pytest.mark.parametrize(
    ("raised", "status", "slug"),
    [
        (exceptions.RequestEntityTooLarge(), 413, "body-too-large"),
        (exceptions.ClientDisconnected(), 400, "bad-request"),
        (exceptions.SecurityError("Host 'evil' is not trusted."), 400, "bad-request"),
        (exceptions.NotFound(), 404, "not-found"),
        (exceptions.MethodNotAllowed(valid_methods=["GET"]), 405, "method-not-allowed"),
        (exceptions.InternalServerError(), 500, "internal-error"),
        (exceptions.HTTPException(), 500, "internal-error"),
        (exceptions.ServiceUnavailable(retry_after=4), 503, "service-unavailable"),
        (exceptions.ImATeapot(), 418, "im-a-teapot"),
    ],
)
def test_werkzeugs_errors_are_problems_in_our_words(raised, status, slug):
    """Same status, and nothing of what the caller sent."""
    body = answer_to(raised).get_json(force=True)
    assert (body["status"], body["type"]) == (status, f"urn:bellhop:problem:{slug}")
    assert "evil" not in json.dumps(body)


def test_a_405_keeps_its_methods_and_a_503_its_wait():
    """The headers that matter survive the mapping."""
    assert answer_to(exceptions.MethodNotAllowed(valid_methods=["GET"])).headers["Allow"] == "GET, OPTIONS"
    assert answer_to(exceptions.ServiceUnavailable(retry_after=4)).headers["Retry-After"] == "4"


def test_a_status_nobody_knows_is_a_500():
    """A made-up code does not get out."""
    assert refusals.from_status(499, {}).status == 500
    assert refusals.from_status(302, {}).status == 500


def test_a_json_answer_is_readable_utf_8():
    """Text is sent as text, and half a surrogate pair as its escape."""
    response = json_answer({"response": "Zażółć", "odd": "\ud800"}, 201, {"Idempotent-Replayed": "true"})
    assert (response.status_code, response.content_type) == (201, "application/json")
    assert "Zażółć".encode() in response.get_data()
    assert json.loads(response.get_data()) == {"response": "Zażółć", "odd": "\ud800"}
    assert (response.headers["Idempotent-Replayed"], response.headers["Cache-Control"]) == ("true", "no-store")


def test_a_json_answer_is_json():
    """NaN is refused rather than sent."""
    with pytest.raises(ValueError, match="JSON"):
        json_answer({"score": float("nan")})


def test_head_gets_the_headers_only():
    """A refused HEAD has no body."""
    response = problem(refusals.method_not_allowed(("POST",)))
    body, status, headers = response.get_wsgi_response(create_environ(method="HEAD"))
    assert (b"".join(body), status, dict(headers)["Allow"]) == (b"", "405 METHOD NOT ALLOWED", "POST, OPTIONS")


def test_every_refusal_has_a_sentence():
    """Details are for people: a capital or a field's name, and a full stop."""
    for error in (refusals.internal_error(), refusals.body_too_large(5), refusals.method_not_allowed(("GET",))):
        assert isinstance(error, RequestError)
        assert error.detail.endswith(".")
