"""A receiver of Standard Webhooks, as a team would run one.

Well, it takes ``POST`` at its path, checks the signature with the ``standardwebhooks`` library (401 if it is wrong, too
old or missing), answers 204 and keeps what came in ``received``: ``id``, ``timestamp``, ``signature``, ``headers`` and
the parsed ``body``. Nothing is dropped for having come before: ``id`` tells repeats. Another path is 404, another
method 405, a body that is no JSON object 400.

Broken, it does one of these:

* a status, ``400`` to ``599``; ``429`` and ``503`` say ``Retry-After: 1``.
* ``301``, ``302``, ``303``, ``307``, ``308``: a redirect to a cloud's metadata address.
* ``timeout``, ``reset``, ``unanswered``, ``slow``, ``down``: see ``http_standin``.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any, ClassVar

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES
from infra.local.standins.http_standin import Answer, HttpStandIn, phrase, strict_json

REDIRECTS = ("301", "302", "303", "307", "308")
ELSEWHERE = "http://169.254.169.254/latest/meta-data/"

_COMMON_STATUSES = ("500", "503", "429", "400", "401", "404", "410")
_WITH_RETRY_AFTER = ("429", "503")


class WebhookStandIn(HttpStandIn):
    """The receiver's end of one webhook.

    Attributes:
        secret: what it checks signatures with, ``whsec_…``.
    """

    name: ClassVar[str] = "webhook"
    path: ClassVar[str] = "/hooks/bellhop"
    canary_path: ClassVar[str] = "/hooks/canary"
    modes: ClassVar[tuple[str, ...]] = (
        *_COMMON_STATUSES,
        *TRANSPORT_MODES,
        *REDIRECTS,
        *(status for status in STATUS_MODES if status not in _COMMON_STATUSES),
    )

    def __init__(self, *, hang_seconds: float = 120.0, drip_seconds: float = 0.25) -> None:
        super().__init__(hang_seconds=hang_seconds, drip_seconds=drip_seconds)
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

    def accept(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Check the signature, then the body; 204 and kept."""
        if request.path not in (self.path, self.canary_path):
            return self.refuse("404")
        if request.method != "POST":
            return Answer(405, phrase(405), headers={"Allow": "POST"})
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            Webhook(self.secret).verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):  # ValueError: the signature is not even one
            return self.refuse("401")
        try:
            event = strict_json(body.decode())
        except ValueError:
            return self.refuse("400")
        if not isinstance(event, dict):
            return self.refuse("400")
        (self.canaries if request.path == self.canary_path else self.received).append(_kept(headers, event))
        return Answer(204, "")

    def refuse(self, mode: str) -> Answer:
        """A status, with what belongs to it."""
        headers = {"Location": ELSEWHERE} if mode in REDIRECTS else {}
        if mode in _WITH_RETRY_AFTER:
            headers["Retry-After"] = "1"
        return Answer(int(mode), phrase(int(mode)), content_type="text/plain", headers=headers)


def _kept(headers: dict[str, str], event: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": headers["webhook-id"],
        "timestamp": headers["webhook-timestamp"],
        "signature": headers["webhook-signature"],
        "headers": headers,
        "body": event,
    }
