"""Production with everything that a place can have: people who are told, and a billing account."""

from __future__ import annotations

from pathlib import Path

from infra.deploy.place import PLACES

ACCOUNT = "01ABCD-234567-89EFAB"
NOTIFIED = ("team@example.com", "owner@example.com")


def write(folder: Path, *changes: tuple[str, str]) -> str:
    """A file of it, each ``(text, other text)`` of the shipped one changed; its path, for ``--place``."""
    told = f"notify: [{', '.join(NOTIFIED)}]\nbilling_account: {ACCOUNT}"
    text = (PLACES / "production.yaml").read_text(encoding="utf-8")
    for old, new in (("notify: []", told), *changes):
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "full.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)
