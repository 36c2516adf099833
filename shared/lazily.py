"""A package whose names are loaded when they are asked for: a cold start waits for every module that is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def loaded_when_asked(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The package's ``__getattr__`` (PEP 562). Who replaces a name for a while replaces it in the package.

    Args:
        package: its name.
        modules: the names that each of its modules gives it.

    Returns:
        What finds a name, and keeps it in the package; it raises AttributeError for a name of no module.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def found(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return found
