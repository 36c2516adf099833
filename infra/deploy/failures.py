"""How a command of ``infra.deploy`` ends other than well."""

from __future__ import annotations

NOT_DONE = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class DeployFailed(Exception):  # noqa: N818 - it says what it is
    """The command could not be carried out; the message says why, and what to do.

    Args:
        message: for a person.
        status: the exit status.
    """

    def __init__(self, message: str, status: int = NOT_DONE) -> None:
        super().__init__(message)
        self.status = status
