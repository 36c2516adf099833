"""Google's APIs that gcloud has no command for, called with gcloud's own access token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

from infra.deploy.gcloud import CommandFailed, Ended, Gcloud

SECONDS = 60.0
NOT_FOUND = 404
Answer = tuple[int, Any]
Send = Callable[[str, str, Mapping[str, str], Any], Answer]
"""Makes a request (method, URL, headers, JSON) and gives its status and its JSON."""


class RequestFailed(CommandFailed):
    """An API refused, or could not be reached; ``told`` is what it said."""

    def __init__(self, method: str, url: str, told: str) -> None:
        self.told = told
        Exception.__init__(self, f"{method} {url}\n  {told}")


def send(method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
    """Over the network; raises RequestFailed where there is no answer of an API."""
    try:
        answer = requests.request(method, url, headers=dict(headers), json=body, timeout=SECONDS)
        return answer.status_code, answer.json()
    except (requests.RequestException, ValueError) as error:
        raise RequestFailed(method, url, f"no answer of an API ({type(error).__name__})") from None


@dataclass(frozen=True)
class Rest:
    """One API for one project.

    Attributes:
        gcloud: whose account is used.
        url: the API's, without a slash at its end.
        send: what makes requests.
    """

    gcloud: Gcloud
    url: str
    send: Send = send

    @cached_property
    def _headers(self) -> dict[str, str]:
        argv = ("auth", "print-access-token")
        ended = self.gcloud.run(argv, None)
        if ended.status != 0 or not ended.out.strip():
            raise CommandFailed(argv, Ended(ended.status or 1, "", ended.err))
        return {"Authorization": f"Bearer {ended.out.strip()}", "X-Goog-User-Project": self.gcloud.project}

    def get(self, path: str) -> Any:
        """What there is; None where there is nothing of that name.

        Raises:
            CommandFailed: it could not be read.
        """
        return self._called("GET", path, None, missing_is_none=True)

    def change(self, method: str, path: str, body: Any) -> Any:
        """Change something; raises CommandFailed where that did not succeed."""
        return self._called(method, path, body, missing_is_none=False)

    def _called(self, method: str, path: str, body: Any, *, missing_is_none: bool) -> Any:
        url = f"{self.url}/{path}"
        status, answer = self.send(method, url, self._headers, body)
        if status == NOT_FOUND and missing_is_none:
            return None
        if status != requests.codes.ok:
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            raise RequestFailed(method, url, f"{status} {error.get('status', '')}: {error.get('message', answer)}")
        return answer
