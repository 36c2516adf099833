"""Cross-origin access."""

from __future__ import annotations

import flask
import pytest
from werkzeug.test import create_environ

from shared.edge.cors import cors_headers, options_answer, with_cors

SHOP = "https://shop.example"


def request_from(origin, method="POST"):
    """A request as a browser sends it."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"} if origin else {}
    return flask.Request(create_environ(method=method, headers=headers))


def test_an_allowed_origin_may_read_the_answer_and_our_headers():
    """Exactly that origin, and the headers that a script needs."""
    headers = cors_headers(SHOP, (SHOP, "https://other.example"))
    assert headers["Access-Control-Allow-Origin"] == SHOP
    assert headers["Access-Control-Expose-Headers"] == "RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed"
    assert headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example", "http://shop.example", f"{SHOP}.evil", f"{SHOP}:444", f"{SHOP}/", "*", ""],
)
def test_other_origins_get_only_vary(origin):
    """An origin is compared whole; caches learn that it matters."""
    assert cors_headers(origin, (SHOP, "null")) == {"Vary": "Origin"}


def test_any_origin():
    """A star allows all and varies with none."""
    headers = cors_headers("https://anybody.example", ("*",))
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in headers


def test_no_list_no_headers():
    """Switched off means nothing at all."""
    assert cors_headers(SHOP, ()) == {}


def test_headers_are_added_and_vary_is_kept():
    """An answer's own Vary stays."""
    response = flask.Response()
    response.headers["Vary"] = "Accept"
    with_cors(response, request_from(SHOP), (SHOP,))
    assert sorted(response.vary) == ["Accept", "Origin"]
    assert response.headers["Access-Control-Allow-Origin"] == SHOP


def test_a_preflight_of_an_allowed_origin():
    """204 with methods, headers and how long that holds."""
    response = options_answer(request_from(SHOP, "OPTIONS"), (SHOP,), ("POST",))
    assert (response.status_code, response.get_data()) == (204, b"")
    assert "Content-Type" not in response.headers
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert response.headers["Access-Control-Allow-Headers"] == "content-type, idempotency-key"
    assert int(response.headers["Access-Control-Max-Age"]) > 0
    assert response.headers["Vary"] == "Origin"
    assert response.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(("origin", "allowed"), [("https://evil.example", (SHOP,)), (SHOP, ()), (None, (SHOP,))])
def test_a_preflight_of_another_origin(origin, allowed):
    """OPTIONS is answered, and allows nothing across origins."""
    response = options_answer(request_from(origin, "OPTIONS"), allowed, ("POST",))
    assert (response.status_code, response.headers["Allow"]) == (204, "POST, OPTIONS")
    assert not [name for name in response.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118
