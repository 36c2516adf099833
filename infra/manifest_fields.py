"""What the manifest's values may look like. Each kind of value says what it takes when it is given something else."""

from __future__ import annotations

import difflib
import functools
import re
import zoneinfo
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator

PLACEHOLDER = re.compile(r"\$(?:\{([^}]*)\})?")
"""A ``${...}``, or a dollar sign that begins none."""

_SECONDS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)s?")


def near(word: object, known: Collection[str]) -> str:
    """What is known and looks like ``word``, as the end of a sentence: ``; did you mean 'slack'?`` or all there are."""
    close = difflib.get_close_matches(str(word), sorted(known), n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there is {_either(sorted(known), 'and')}" if known else "; there is none"


def placeholders(text: str) -> Iterator[tuple[str, str]]:
    """Every placeholder of a setting's value as ``(kind, name)``, for example ``("url", "deliver_alert")``.

    Raises:
        ValueError: a dollar sign that begins no placeholder.
    """
    for match in PLACEHOLDER.finditer(text):
        if match[1] is None:
            raise ValueError("takes a dollar sign only to begin a placeholder such as ${project}")
        kind, _, name = match[1].partition(":")
        yield kind, name


def _either(words: Collection[str], conjunction: str = "or") -> str:
    *most, last = [repr(word) for word in words]
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def pattern(regex: str, takes: str) -> BeforeValidator:
    """Text that a pattern matches as a whole."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(regex, value):
            raise ValueError(f"takes {takes}")
        return value

    return BeforeValidator(check)


def whole(low: int, high: int, *, also: int | None = None, meaning: str = "") -> BeforeValidator:
    """A whole number."""

    def check(value: Any) -> int:
        number = isinstance(value, int) and not isinstance(value, bool)
        if not number or (value != also and not low <= value <= high):
            raise ValueError(f"takes a whole number from {low} to {high}{meaning}")
        return int(value)

    return BeforeValidator(check)


def number(low: float, high: float) -> BeforeValidator:
    """A number."""

    def check(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"takes a number from {low:g} to {high:g}")
        return float(value)

    return BeforeValidator(check)


def seconds(low: float, high: float, *, whole: bool = False) -> BeforeValidator:
    """A length of time in seconds, with or without an s behind it."""

    def check(value: Any) -> float:
        match = None if isinstance(value, bool) else _SECONDS.fullmatch(str(value))
        if match is None or not low <= float(match[1]) <= high or (whole and "." in match[1]):
            takes = "whole seconds" if whole else "seconds"
            raise ValueError(f"takes {takes} from {low:g} to {high:g}, for example 60s")
        return int(match[1]) if whole else float(match[1])

    return BeforeValidator(check)


def _one_of(*words: str) -> BeforeValidator:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"takes {_either(words)}")
        return str(value)

    return BeforeValidator(check)


def _memory(value: Any) -> str:
    match = re.fullmatch(r"([1-9][0-9]{0,5})(Mi|Gi)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("takes a number with Mi or Gi, for example 512Mi")
    if not 128 <= int(match[1]) * (1024 if match[2] == "Gi" else 1) <= 32 * 1024:  # noqa: PLR2004 - Cloud Run's limits
        raise ValueError("takes from 128Mi to 32Gi")
    return str(value)


def _cron(value: Any) -> str:
    takes = "takes five cron fields (minute hour day month weekday), for example '*/5 * * * *'"
    if not isinstance(value, str) or len(value.split()) != 5:  # noqa: PLR2004 - unix-cron, as Cloud Scheduler reads it
        raise ValueError(takes)
    try:
        next(CronSim(value, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"{takes}: {error}") from None
    except StopIteration:
        raise ValueError("takes cron fields that some day matches") from None
    return value


@functools.cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()  # a walk over hundreds of files


def _time_zone(value: Any) -> str:
    zones = _zones()
    if value not in zones:
        raise ValueError(f"takes a name of the IANA time zone database{near(value, zones) if value else ''}")
    return str(value)


def _setting(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "\n" in str(value):
        raise ValueError("takes one line of text (yes, no, true and false in quotes), or nothing")
    return str(value)


Access = Annotated[str, _one_of("public", "admin", "tasks", "scheduler")]
Ingress = Annotated[str, _one_of("all", "internal-only", "internal-and-gclb")]
Account = Annotated[str, pattern(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "6 to 30 of a-z, 0-9 and -, beginning with a letter")]
Attempts = Annotated[int, whole(1, 1000, also=-1, meaning=", or -1 for no end")]
Backoff = Annotated[float, seconds(0.1, 3600)]
Burst = Annotated[int, whole(1, 500)]
Concurrency = Annotated[int, whole(1, 1000)]
Cpu = Annotated[float, number(0.08, 8)]
Cron = Annotated[str, BeforeValidator(_cron)]
Deadline = Annotated[int, seconds(15, 1800, whole=True)]
Dispatches = Annotated[float, number(0.01, 500)]
Doublings = Annotated[int, whole(0, 16)]
FunctionName = Annotated[str, pattern(r"[a-z][a-z0-9_]{0,62}", "names of a-z, 0-9 and _, 63 at most")]
Instances = Annotated[int, whole(0, 1000)]
JobName = Annotated[str, pattern(r"[a-z][a-z0-9_-]{0,499}", "names of a-z, 0-9, _ and -")]
JobRetries = Annotated[int, whole(0, 5)]
Memory = Annotated[str, BeforeValidator(_memory)]
Parallel = Annotated[int, whole(1, 5000)]
QueueName = Annotated[str, pattern(r"[a-z][a-z0-9-]{0,99}", "names of a-z, 0-9 and -, 100 at most")]
Runtime = Annotated[str, pattern(r"python3[0-9]{1,2}", "a Python runtime of Cloud Functions, for example python311")]
SettingValue = Annotated[str | None, BeforeValidator(_setting)]
Timeout = Annotated[int, seconds(1, 3600, whole=True)]
TimeZone = Annotated[str, BeforeValidator(_time_zone)]
UrlPath = Annotated[
    str, pattern(r"(/[A-Za-z0-9][A-Za-z0-9_.-]*)+", "a path that begins with a slash, for example /daily")
]
Word = Annotated[str, pattern(r"[a-z][a-z0-9_-]*", "a word of a-z, 0-9, _ and -")]
