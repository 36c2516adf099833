"""What the manifest's ``defaults`` mean: each function has them where it does not say otherwise."""

from __future__ import annotations

from typing import Any


def filled(raw: dict[str, Any]) -> dict[str, Any]:
    """The manifest with what ``defaults`` says in every function that does not say otherwise."""
    functions, defaults = raw.get("functions"), raw.get("defaults")
    if not isinstance(functions, dict):
        return raw
    shared = defaults if isinstance(defaults, dict) else {}
    whole = {
        name: _merged({"entry_point": name} | shared, said) if isinstance(said, dict) else said
        for name, said in functions.items()
    }
    return raw | {"functions": whole}


def _merged(shared: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    settings = [part.get("settings", {}) for part in (shared, said)]
    if all(isinstance(part, dict) for part in settings):
        return shared | said | {"settings": settings[0] | settings[1]}
    return shared | said
