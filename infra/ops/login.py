"""What the commands take for granted: where the system is, and who asks."""

from __future__ import annotations

import getpass

DEFAULT_URL = "http://127.0.0.1:8080"


def login() -> str | None:
    """The name of whoever runs the command; None where the machine does not know."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
