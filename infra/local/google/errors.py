"""Errors as Google's REST APIs answer them.

Source: https://cloud.google.com/apis/design/errors (``google.rpc.Code`` and its HTTP mapping).
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A call the API refuses.

    Attributes:
        code: the HTTP status.
        status: the name of the ``google.rpc.Code``.
        message: what is wrong, for a person.
    """

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": self.message, "status": self.status}}


def invalid_argument(message: str) -> ApiError:
    """What was sent can never be accepted."""
    return ApiError(400, "INVALID_ARGUMENT", message)


def failed_precondition(message: str) -> ApiError:
    """Not in the state things are in now."""
    return ApiError(400, "FAILED_PRECONDITION", message)


def not_found(message: str) -> ApiError:
    """There is no such thing, or no longer."""
    return ApiError(404, "NOT_FOUND", message)


def already_exists(message: str) -> ApiError:
    """The name is taken, or was too recently."""
    return ApiError(409, "ALREADY_EXISTS", message)


def unimplemented(message: str) -> ApiError:
    """The real API can do this; the stand-in says so instead of pretending."""
    return ApiError(501, "UNIMPLEMENTED", message)
