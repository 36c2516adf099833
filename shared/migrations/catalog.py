"""The steps there are, in their order. A new one is a module in ``steps``, and its name in ``MODULES``."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping
from types import ModuleType

from shared.migrations.step import Step
from shared.migrations.steps import s0001_email_of_context, s0002_dead_letters_of_before, s0003_schema_version

MODULES: tuple[ModuleType, ...] = (s0001_email_of_context, s0002_dead_letters_of_before, s0003_schema_version)


def steps(modules: Iterable[ModuleType] = MODULES) -> Mapping[str, Step]:
    """The steps by their ids, in their order: each requires the one before it.

    Raises:
        ValueError: two have one number, or they are out of order.
    """
    found: dict[str, Step] = {}
    for module in modules:
        step = _step(module, tuple(found)[-1:])
        if found and step.id <= max(found):
            raise ValueError(f"{module.__name__}: steps are numbered in their order, each once")
        found[step.id] = step
    return found


def _step(module: ModuleType, before: tuple[str, ...]) -> Step:
    number, _, title = module.__name__.rpartition(".")[2].removeprefix("s").partition("_")
    return Step(
        id=number,
        title=title.replace("_", " "),
        description=module.describe(),
        checksum=checksum(inspect.getsource(module)),
        requires=before,
        selection=module.select(),
        transform=module.transform,
        reverse=getattr(module, "reverse", None),
    )


def checksum(source: str) -> str:
    """A step's code as 16 hexadecimal digits; how lines end makes no difference."""
    return hashlib.sha256("\n".join(source.splitlines()).encode()).hexdigest()[:16]
