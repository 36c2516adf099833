"""Secrets' values: asked for without echo, handed to gcloud's standard input, and to nothing else."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from typing import TextIO

from infra.deploy.failures import WRONG_USAGE, DeployFailed
from shared import config

_DOCS = {
    item.metadata["name"]: (item.metadata["doc"], item.metadata["parse"])
    for item in config.Settings.__dataclass_fields__.values()
}


def from_person(name: str) -> str:
    """Ask a person, again until the value is one that the functions take.

    Raises:
        DeployFailed: there is no terminal to ask at.
    """
    if not sys.stdin.isatty():
        raise DeployFailed(
            f"the secret {name} has to be asked for, and there is no terminal: use --secrets-stdin", WRONG_USAGE
        )
    while True:
        value = getpass.getpass(f"{name} ({_DOCS[name][0]}) ").strip()
        if (wrong := mistake(name, value)) is None:
            return value
        sys.stderr.write(f"{wrong}\n")


def from_lines(stream: TextIO) -> Callable[[str], str]:
    """Values that were read from NAME=VALUE lines, once; empty lines and those that begin with # do not count.

    Raises:
        DeployFailed: a line is none of these; the line itself is not shown.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(stream, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, separator, value = line.strip().partition("=")
        if not separator or name not in _DOCS:
            raise DeployFailed(f"standard input, line {number}: takes NAME=VALUE, NAME a secret's", WRONG_USAGE)
        values[name] = value

    def give(name: str) -> str:
        if name not in values:
            raise DeployFailed(f"standard input has no line {name}=...", WRONG_USAGE)
        if (wrong := mistake(name, values[name])) is not None:
            raise DeployFailed(wrong, WRONG_USAGE)
        return values[name]

    return give


def mistake(name: str, value: str) -> str | None:
    """What is wrong with a secret's value, without the value; None where nothing is."""
    if not value:
        return f"{name}: is empty"
    try:
        _DOCS[name][1](value)
    except ValueError as error:
        return f"{name}: takes {error}"
    return None
