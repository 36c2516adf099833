"""JSON as Google's REST APIs read and write it: their own protobuf definitions do the work.

Source: https://protobuf.dev/programming-guides/json/, and the field lists of google-cloud-tasks and
google-cloud-scheduler, which are generated from Google's API definitions.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import duration_pb2, field_mask_pb2, json_format  # type: ignore[import-untyped]  # its stubs are a package apart

from infra.local.google.errors import invalid_argument


def parse(kind: Any, body: object) -> Any:
    """The protobuf message a JSON object stands for.

    Args:
        kind: the message class.
        body: the decoded JSON.

    Raises:
        ApiError: INVALID_ARGUMENT, for an unknown field, a value of another type, a time or duration that is none.
    """
    if not isinstance(body, dict):
        raise invalid_argument("Invalid JSON payload received. An object was expected.")
    try:
        return json_format.ParseDict(body, kind())
    except (json_format.ParseError, ValueError, TypeError, AttributeError) as error:
        raise invalid_argument(f"Invalid JSON payload received. {' '.join(str(error).split())[:500]}") from error


def dump(message: Any) -> dict[str, Any]:
    """A protobuf message as JSON: lower camel case, what has its zero value left out."""
    shown: dict[str, Any] = json_format.MessageToDict(message)
    return shown


def merge(*, source: Any, into: Any, paths: Sequence[str]) -> None:
    """Set in one message what a mask names, from another of the same kind; what is not set there is cleared."""
    mask = field_mask_pb2.FieldMask(paths=paths)
    mask.MergeMessage(source, into, replace_message_field=True, replace_repeated_field=True)


def mask_paths(kind: Any, mask: str) -> list[str]:
    """The paths of an ``updateMask``, in snake case; none for an empty one.

    Raises:
        ApiError: INVALID_ARGUMENT, for a path the message does not have.
    """
    wanted = field_mask_pb2.FieldMask()
    try:
        wanted.FromJsonString(mask)
    except (ValueError, json_format.ParseError):
        wanted.paths.extend(mask.split(","))  # snake case, which the real API takes as well
    if not wanted.IsValidForDescriptor(kind.DESCRIPTOR):
        raise invalid_argument(f'Invalid update mask "{mask[:200]}": no such field.')
    return list(wanted.paths)


def check_base64(body: object, *path: str) -> None:
    """See that the bytes at ``path`` of a JSON body are base64; protobuf's reader skips what is not.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    value = body
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str):
        return
    standard = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError as error:
        raise invalid_argument(f"Invalid value at '{'.'.join(path)}': Base64 decoding failed.") from error


def timestamp(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def duration(length: timedelta) -> str:
    """A length of time in seconds, as protobuf writes it: ``600s``, ``0.100s``."""
    message = duration_pb2.Duration()
    message.FromTimedelta(length)
    text: str = message.ToJsonString()
    return text
