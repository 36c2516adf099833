"""How the console's pages are made: templates, the words and times in them, and the headers they are sent with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import flask
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from shared.edge import console_words as words
from shared.edge.console_assets import FOLDER, assets

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: a form would be sent with the origin null (Fetch, 3.2.1), which is refused.
    "Referrer-Policy": "same-origin",
}
SECTIONS = (
    ("", "overview", "Overview"),
    ("leads", "find", "Where is my lead?"),
    ("dead_letters", "letters", "Dead letters"),
    ("breakers", "breakers", "Breakers"),
    ("jobs", "jobs", "Jobs"),
    ("consent_audit", "consent", "Consent and erasure"),
    ("operator_audit", "audit", "Operator audit"),
    ("runbooks", "runbooks", "Runbooks"),
)
DASH = "\N{EN DASH}"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_SOON = 5
_JOB = re.compile(rf"(?<=\b[Tt]he job )({'|'.join(words.JOBS)})\b")


def page(template: str, path: str, status: int = 200, **context: Any) -> flask.Response:
    """Answer with a page.

    Args:
        template: its file's name without the ending.
        path: of the request; links are made relative to it, as nothing here knows under which name the function is.
        status: HTTP status code.
        context: what the template shows; every value is encoded by Jinja2's autoescape.
    """
    root = root_of(path)
    given: dict[str, Any] = {"now": datetime.now(UTC), "session": None, "section": None, "notice": None, "live": None}
    given |= {"glance": False, **context}
    html = _environment().get_template(f"{template}.html").render(root=root, path=path, **given)
    response = flask.Response(html, status=status, mimetype="text/html")
    response.headers.update(HEADERS)
    return response


def root_of(path: str) -> str:
    """The way from a path of the console to its beginning, for relative addresses."""
    return "../" * (path.count("/") - 1) or "./"


def at(root: str, path: str, **query: object) -> str:
    """A relative address of the console; what is None or empty is left out of its query."""
    given = urlencode({name.rstrip("_"): value for name, value in query.items() if value not in (None, "")})
    return root + quote(path) + (f"?{given}" if given else "")


def time_of(value: str | datetime | None, now: datetime) -> Markup:
    """A time as people say it, with the exact one in UTC as its title; a dash where there is none."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment is None:
        return Markup('<span class="none">{}</span>').format(DASH)
    exact = moment.astimezone(UTC)
    title = exact.strftime("%-d %B %Y, %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact.isoformat(), title, ago(exact, now))


def ago(moment: datetime, now: datetime) -> str:
    """How long before or after now: ``4 min ago``, ``in 2 h``."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < _SOON:
        return "now"
    said = span(abs(seconds))
    return f"{said} ago" if seconds > 0 else f"in {said}"


def span(seconds: float | timedelta | None) -> str:
    """A span of time in its largest unit: ``3 d``, ``40 s``."""
    if seconds is None:
        return DASH
    number = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    for length, unit in _UNITS:
        if number >= length:
            return f"{int(number // length)} {unit}"
    return f"{int(number)} s"


def number_of(value: float | None) -> str:
    """A number with its thousands apart, by narrow spaces that do not break."""
    return DASH if value is None else f"{value:,}".replace(",", "\u202f")


def jobs_named(sentence: str) -> Markup:
    """A sentence in which jobs have their names for people; their machine names are shown when pointed at."""
    parts = _JOB.split(sentence)
    named = [Markup('<span title="{}">{}</span>').format(each, words.JOBS[each]) for each in parts[1::2]]
    return Markup("").join(each for pair in zip(parts[::2], [*named, ""], strict=True) for each in pair)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "span": span,
        "number": number_of,
        "state": words.state_word,
        "tone": words.tone,
        "channel": lambda name: words.word(name, words.CHANNELS),
        "kind": lambda name: words.word(name, words.KINDS),
        "job": lambda name: words.word(name, words.JOBS),
        "jobs_named": jobs_named,
        "mode": lambda name: words.word(name, words.MODES),
        "action": lambda name: words.word(name, words.ACTIONS),
        "data": lambda value: json.dumps(value, separators=(",", ":")),
        "pretty": _pretty,
    }
    made.tests["web"] = lambda url: isinstance(url, str) and url.startswith("https://")
    made.globals |= {"at": at, "time": time_of, "sections": SECTIONS, "notices": words.NOTICES, "asset": _asset}
    return made


def _asset(name: str) -> str:
    return f"assets/{assets()[name].name}"


def _pretty(value: Any) -> Markup:
    """JSON for people, as text."""
    return escape(json.dumps(value, ensure_ascii=False, indent=2))
