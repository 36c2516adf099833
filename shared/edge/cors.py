"""Cross-origin access for the chat window on the company's website (WHATWG Fetch, 3.3).

``allowed`` is ALLOWED_ORIGINS everywhere: exact origins such as ``https://example.com``, or ``*`` for any; empty
switches cross-origin access off. No credentials are ever allowed: there are no cookies.
"""

from __future__ import annotations

import flask

ANY = "*"
EXPOSED = "RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed"
ALLOWED_HEADERS = "content-type, idempotency-key"
# Browsers cap it themselves (Chromium at two hours); a change of the list takes this long to reach everybody.
MAX_AGE_SECONDS = 7200


def cors_headers(origin: str | None, allowed: tuple[str, ...]) -> dict[str, str]:
    """Headers of an actual answer to a request with the header ``Origin: origin``, errors included.

    ``Vary: Origin`` is there whenever the answer depends on the origin, also for origins that are not allowed and for
    requests without one: caches must not hand one's answer to the other.
    """
    if not allowed:
        return {}
    if ANY in allowed:
        return {"Access-Control-Allow-Origin": ANY, "Access-Control-Expose-Headers": EXPOSED}
    headers = {"Vary": "Origin"}
    # "null" is what every sandboxed frame and local file says it is: it names nobody.
    if origin is not None and origin != "null" and origin in allowed:
        headers |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}
    return headers


def with_cors(response: flask.Response, request: flask.Request, allowed: tuple[str, ...]) -> flask.Response:
    """``response`` with its cross-origin headers; a ``Vary`` that is already there is kept."""
    headers = cors_headers(request.headers.get("Origin"), allowed)
    if "Vary" in headers:
        response.vary.add(headers.pop("Vary"))
    response.headers.update(headers)
    return response


def options_answer(request: flask.Request, allowed: tuple[str, ...], methods: tuple[str, ...]) -> flask.Response:
    """204 to OPTIONS: which methods there are (RFC 9110, 9.3.7) and, to an allowed origin, the preflight's answer.

    Args:
        request: the OPTIONS request.
        allowed: ALLOWED_ORIGINS.
        methods: the methods of the function, without OPTIONS.
    """
    response = flask.Response(status=204)
    del response.headers["Content-Type"]  # there is no content
    response.headers["Allow"] = ", ".join(dict.fromkeys((*methods, "OPTIONS")))
    with_cors(response, request, allowed)
    if "Access-Control-Allow-Origin" in response.headers:
        del response.headers["Access-Control-Expose-Headers"]  # means nothing in a preflight
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
    return response
