"""The pages about e-mails: no script, nothing loaded from anywhere, every value encoded by Jinja2's autoescape.

Forms post to addresses under PUBLIC_BASE_URL, and the Content-Security-Policy lets nothing else happen; the one style
is named by its hash (CSP level 3, 8.5).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import flask
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from shared.edge.answers import SAFE_HEADERS
from shared.edge.page_texts import PAGE_TEXTS
from shared.errors import RequestError

FOLDER = Path(__file__).parents[1] / "templates"
LANGUAGES = tuple(PAGE_TEXTS)
_ASKS_FOR_ADDRESS = ("form", "token-refused", "token-expired", "invalid-field")


@dataclass(frozen=True)
class Pages:
    """The pages of one company.

    Attributes:
        base_url: where visitors reach ``unsubscribe``, without a slash at the end.
        sender: who sends the e-mails, for people.
    """

    base_url: str
    sender: str

    def page(self, name: str, language: str, token: str | None = None, status: int = 200) -> flask.Response:
        """Answer with a page.

        Args:
            name: the first part of its texts' names, for example ``ask``.
            language: one of ``LANGUAGES``; the first one for every other.
            token: of the link, where the page has buttons; a valid one.
            status: HTTP status code.
        """
        texts = PAGE_TEXTS.get(language) or PAGE_TEXTS[LANGUAGES[0]]
        html = self._template.render(
            language=language if language in PAGE_TEXTS else LANGUAGES[0],
            css=self._css,
            name=name,
            token=token,
            url=self.base_url,
            asks_for_address=name in _ASKS_FOR_ADDRESS,
            text={key: text.format(sender=self.sender) for key, text in texts.items()},
        )
        response = flask.Response(html, status=status, mimetype="text/html")
        response.headers.update(SAFE_HEADERS)
        response.headers["Content-Security-Policy"] = self._policy
        return response

    def refusal(self, error: RequestError, language: str) -> flask.Response:
        """The page of a refusal, with its status; it says nothing of what was sent."""
        name = error.slug if f"{error.slug}_title" in PAGE_TEXTS[LANGUAGES[0]] else "error"
        response = self.page(name, language, status=error.status)
        response.headers.update(error.headers)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(max(0, error.retry_after))
        return response

    @cached_property
    def _template(self) -> Template:
        there = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
        return there.get_template("page.html")

    @cached_property
    def _css(self) -> Markup:
        return Markup((FOLDER / "page.css").read_text("utf-8"))  # nosec B704  # noqa: S704 - a file of ours

    @cached_property
    def _policy(self) -> str:
        digest = base64.b64encode(hashlib.sha256(self._css.encode()).digest()).decode()
        parts = urlsplit(self.base_url)
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self' {parts.scheme}://{parts.netloc}; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
