"""What somebody deployed before or in a game day: a place with other settings, another secret."""

from __future__ import annotations

import re

from tests.support.gamedays.day import Day


def names(day: Day, part: str, name: str, value: str) -> None:
    """Write a line into the day's copy of the place's file: under ``settings`` or ``secrets``, instead of one there."""
    text = re.sub(rf"(?m)^  {name}:.*\n", "", day.place.read_text(encoding="utf-8"))
    day.place.write_text(text.replace(f"\n{part}:\n", f"\n{part}:\n  {name}: {value}\n", 1), encoding="utf-8")


def deploys(day: Day, *only: str) -> None:
    """Apply the place as it stands; the system's functions are started with what changed."""
    assert day.cloud is not None
    assert day.cloud.deploy("apply", "--place", str(day.place), "--only", ",".join(only)) == 0


def keeps(day: Day, secret: str, value: str) -> None:
    """Add the first version of a secret, and name it in the place's file."""
    command = f'python -m infra.deploy secret {secret} --place "$PLACE" --secrets-stdin'
    done = day.session.run(f"printf '%s=%s\\n' {secret} '{value}' | {command}")
    assert not done.failed, done
    names(day, "secrets", secret, "1")
