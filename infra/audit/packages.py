"""``python -m infra.audit.packages``: no pinned package has a known weakness.

pip-audit asks PyPI's database for each version in ``requirements-dev.txt``, which holds ``requirements.txt``.
Where the database cannot be reached (one package is asked about first) nothing is looked at, and it says so.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.manifest import ROOT

PINNED = ROOT / "requirements-dev.txt"
TIMEOUT_SECONDS = 3
WHOLE_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """What pip-audit said: its standard output, JSON where it came to an end, and its last line of complaint."""

    out: str
    complaint: str

    @property
    def packages(self) -> list[dict[str, Any]]:
        """The packages with their weaknesses, or why they were skipped; empty where it came to no end."""
        try:
            return list(json.loads(self.out)["dependencies"])
        except (ValueError, KeyError):
            return []


Ask = Callable[[str], Answer]


def pip_audit(requirements: str) -> Answer:
    """Ask about pinned requirements, hashes and all."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        program = (sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", file.name)
        how = ("--format", "json", "--progress-spinner", "off", "--timeout", str(TIMEOUT_SECONDS))
        try:
            done = subprocess.run([*program, *how], capture_output=True, text=True, check=False, timeout=WHOLE_SECONDS)
        except subprocess.TimeoutExpired:
            return Answer("", f"no end after {WHOLE_SECONDS} s")
    return Answer(done.stdout, next(reversed(done.stderr.strip().splitlines()), ""))


def audit(pinned: str, ask: Ask) -> tuple[int, list[str]]:
    """The exit status, and lines for people.

    Args:
        pinned: the text of a requirements file with hashes.
        ask: asks the database.
    """
    first = re.match(r"(?ms).*?^(\S+==\S+ \\\n(?: +--hash=\S+(?: \\)?\n)+)", pinned)
    if first is None:
        return 1, [f"{PINNED.name} pins nothing with hashes: make lock"]
    trial = ask(first[1].rstrip("\\\n ") + "\n")
    if not any("vulns" in package for package in trial.packages):
        return 0, [f"skipped: the database of weaknesses cannot be reached ({_why(trial)})"]
    answer = ask(pinned)
    if not answer.packages:
        return 0, [f"skipped: the database of weaknesses did not answer to the end ({_why(answer)})"]
    lines = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in {weakness['fix_versions']}"
        for package in answer.packages
        for weakness in package.get("vulns", [])
    ]
    unknown = [package["name"] for package in answer.packages if "skip_reason" in package]
    if unknown:
        lines.append(f"not in the database: {', '.join(unknown)}")
    return (1 if any("vulns" in package and package["vulns"] for package in answer.packages) else 0), lines


def _why(answer: Answer) -> str:
    reasons = [package["skip_reason"] for package in answer.packages if "skip_reason" in package]
    return str((reasons or [answer.complaint or "no answer"])[0])


def main(arguments: Sequence[str] | None = None, *, path: Path = PINNED, ask: Ask = pip_audit) -> int:
    """0 where none is known or nothing could be asked, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.audit.packages", description="Find known weaknesses of the pinned packages."
    )
    parser.parse_args(arguments)
    status, lines = audit(path.read_text(encoding="utf-8"), ask)
    for line in lines:
        print(line)
    return status


if __name__ == "__main__":
    sys.exit(main())
