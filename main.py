"""Cloud Functions' entry: ``functions-framework --target NAME`` finds ``functions/NAME.py`` here, and only that."""

from __future__ import annotations

import gc
import importlib
import importlib.util
from typing import Any

COLLECT_AFTER = (20_000, 20, 20)
"""New objects that may be in circles before they are looked through, and collections before older ones are, too: what
answers a request is nearly always free without it, and a collection makes all threads wait."""


def __getattr__(name: str) -> Any:
    """Import the one entry point asked for (PEP 562), so that a function loads no code of another.

    Args:
        name: an entry point, the name of a module in ``functions`` and of the function inside it.

    Returns:
        The plain function that functions-framework calls with a Flask request.

    Raises:
        AttributeError: there is no such entry point; functions-framework then says so in its usual words.
    """
    if name.startswith("_") or importlib.util.find_spec(f"functions.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    gc.disable()  # what is loaded here stays, and nothing of it is worth looking through, now or with every collection
    try:
        return getattr(importlib.import_module(f"functions.{name}"), name)
    finally:
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()
