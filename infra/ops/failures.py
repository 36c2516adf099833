"""Why a command ends without having done what was asked, and with which exit status."""

from __future__ import annotations

DONE, NOT_DONE, WRONG_USAGE = 0, 1, 2
INTERRUPTED = 130


class CommandFailed(Exception):  # noqa: N818 - what happened
    """The command did not do what was asked; the message is one line for a person.

    Attributes:
        status: the process's exit status.
    """

    def __init__(self, message: str, status: int = NOT_DONE) -> None:
        super().__init__(message)
        self.status = status
