"""The refusals used in many places, each a RequestError of one kind (slug and title) with its sentence.

A sentence says what was wrong and what is accepted and never holds what the caller sent, so that it can be logged.
"""

from __future__ import annotations

from http import HTTPStatus

from shared.errors import RequestError


def malformed_body(detail: str) -> RequestError:
    """400: the body as a whole cannot be understood (RFC 9110, 15.5.1)."""
    return RequestError(400, detail, slug="malformed-body", title="The request body is malformed")


def body_too_large(max_bytes: int) -> RequestError:
    """413: the body is longer than ``max_bytes`` (RFC 9110, 15.5.14)."""
    return RequestError(
        413,
        f"The request body is too large: at most {max_bytes} bytes are accepted.",
        slug="body-too-large",
        title="The request body is too large",
    )


def unsupported_media_type(detail: str, headers: dict[str, str]) -> RequestError:
    """415: the body's type or coding is not taken; ``headers`` name what is (RFC 9110, 15.5.16)."""
    return RequestError(
        415, detail, slug="unsupported-media-type", title="The media type is not supported", headers=headers
    )


def invalid_field(field: str, must: str, got: str | None = None) -> RequestError:
    """400: a JSON field is missing or wrong; ``must`` says what it takes, ``got`` the kind of thing that came.

    Args:
        field: the field's path, for example ``consent.marketing``.
        must: ends the sentence "must be ...".
        got: ends the sentence "got ...": a kind or a length, never the value.
    """
    sentence = f"{field}: must be {must}" + (f"; got {got}" if got else "") + "."
    return RequestError(400, sentence, slug="invalid-field", title="A field is invalid", field=field)


def invalid_header(header: str, must: str) -> RequestError:
    """400: a request header is wrong; ``must`` ends the sentence "must be ..."."""
    return RequestError(
        400, f"{header}: must be {must}.", slug="invalid-header", title="A header is invalid", field=header
    )


def not_found(what: str = "This address") -> RequestError:
    """404: there is nothing there (RFC 9110, 15.5.5); ``what`` begins the sentence."""
    return RequestError(404, f"{what} does not exist.", slug="not-found", title="Not found")


def method_not_allowed(allowed: tuple[str, ...], *, options: bool = True) -> RequestError:
    """405 with ``Allow`` (RFC 9110, 15.5.6).

    Args:
        allowed: what is answered here.
        options: whether OPTIONS is answered too, as by every public function; those behind a key or a token do not.
    """
    methods = ", ".join(dict.fromkeys((*allowed, "OPTIONS") if options else allowed))
    return RequestError(
        405,
        f"This method is not allowed here; allowed are {methods}.",
        slug="method-not-allowed",
        title="The method is not allowed",
        headers={"Allow": methods},
    )


def precondition_failed() -> RequestError:
    """412: the caller asks for a version that is not the one there is (RFC 9110, 13.1.1)."""
    return RequestError(
        412,
        "The version that If-Match names is not the one there is; ask without it.",
        slug="precondition-failed",
        title="Another version is there",
        field="If-Match",
    )


def unauthorized(detail: str, *, presented: bool = True) -> RequestError:
    """401 with ``WWW-Authenticate: Bearer`` (RFC 6750, 3).

    Args:
        detail: what is missing or wrong, and what is accepted.
        presented: False where no credentials came: the challenge then names no error (RFC 6750, 3.1).
    """
    challenge = 'Bearer error="invalid_token"' if presented else "Bearer"
    return RequestError(
        401,
        detail,
        slug="unauthorized",
        title="The caller is not known",
        headers={"WWW-Authenticate": challenge},
    )


def forbidden(detail: str) -> RequestError:
    """403: the caller is known and may not do this (RFC 9110, 15.5.4)."""
    return RequestError(403, detail, slug="forbidden", title="The caller may not do this")


def unavailable(detail: str, *, retry_after: int) -> RequestError:
    """503 with ``Retry-After`` seconds: nothing is wrong with the request (RFC 9110, 15.6.4)."""
    return RequestError(503, detail, slug="unavailable", title="Temporarily unavailable", retry_after=retry_after)


def internal_error() -> RequestError:
    """500 without any detail of what happened: that is for the log."""
    return RequestError(
        500,
        "Something went wrong on our side; the same request may succeed later.",
        slug="internal-error",
        title="An internal error happened",
    )


def from_status(code: int | None, headers: dict[str, str]) -> RequestError:
    """The refusal for an error status a library chose, in the standard's own words.

    Args:
        code: the status; one that is no known 4xx or 5xx becomes a 500.
        headers: response headers to keep.
    """
    try:
        status = HTTPStatus(code or 500)
    except ValueError:
        return internal_error()
    if status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return internal_error()
    slug = "-".join(status.phrase.lower().replace("'", "").split())
    return RequestError(
        status.value, f"{status.description or status.phrase}.", slug=slug, title=status.phrase, headers=headers
    )
