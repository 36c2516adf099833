"""What all alternatives share: the lead of a chat request, and one attempt to bring it to Slack.

``COMPARE_SLACK_URL`` is the webhook; ``COMPARE_CHECK_BODY`` asks for more than the status: Slack's ``ok``.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping

import requests

from bench.compare.apps import record

SECONDS = 3
"""How long Slack may take: the same as Bellhop's, with its short rhythms."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MESSAGE_MOST = 2000


class NotTakenError(Exception):
    """Slack answered 200 and did not say ``ok``."""


def lead_of(body: object) -> dict[str, str]:
    """The lead in the JSON of a chat request.

    Raises:
        ValueError: it has no message, or no address in it.
    """
    message = body.get("message") if isinstance(body, Mapping) else None
    if not isinstance(message, str) or not 0 < len(message.strip()) <= _MESSAGE_MOST:
        raise ValueError(f'"message" takes 1 to {_MESSAGE_MOST} characters')
    found = _EMAIL.search(message)
    if found is None:
        raise ValueError('"message" has no e-mail address in it')
    return {"id": uuid.uuid4().hex, "email": found[0].lower(), "message": message}


def deliver(lead: Mapping[str, str]) -> None:
    """One attempt, and its outcome in the record.

    Raises:
        requests.RequestException: Slack did not answer, or with an error status.
        NotTakenError: it is asked for ``ok``, and did not say it.
    """
    try:
        _post(lead)
    except Exception as error:
        record.note(lead, state="queued", cause=type(error).__name__)
        raise
    record.note(lead, state="delivered", cause=None)


def _post(lead: Mapping[str, str]) -> None:
    text = f"New lead: {lead['email']}\n{lead['message']}"
    answer = requests.post(os.environ["COMPARE_SLACK_URL"], json={"text": text}, timeout=SECONDS)
    answer.raise_for_status()
    if os.environ.get("COMPARE_CHECK_BODY") and answer.text != "ok":
        raise NotTakenError(answer.text[:200])
