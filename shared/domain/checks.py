"""Plain data from a file an owner wrote, checked with errors that say where, what it was and what is accepted."""

from __future__ import annotations

import reprlib
from collections.abc import Collection
from dataclasses import dataclass

from shared.errors import ConfigError

_SHORT = reprlib.Repr()  # bounded: an alias in a short YAML file can stand for gigabytes
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlevel = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands: the file, and the way to it from the file's top."""

    where: str
    path: str
    value: object

    def wrong(self, accepted: str) -> ConfigError:
        """Return the error for this value, naming what is accepted here."""
        shown = "nothing" if self.value is None else _SHORT.repr(self.value)
        return ConfigError(f"{self.where}: {self.path or 'the whole file'} is {shown}; it takes {accepted}")

    def mapping(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Place]:
        """Return the places under each key; a missing or unknown key is an error."""
        known = [*required, *optional]
        if not isinstance(self.value, dict):
            raise self.wrong(f"a mapping with the keys {', '.join(known)}")
        for key in self.value:
            if key not in known:
                raise self._at(f"key {key!r}", key).wrong(f"only these keys: {', '.join(known)}")
        for key in required:
            if self.value.get(key) is None:
                raise self._at(key, None).wrong("a value: this key is required")
        return {key: self._at(key, value) for key, value in self.value.items() if value is not None}

    def items(self, what: str) -> list[Place]:
        """Return the places in a list that is not empty."""
        if not isinstance(self.value, list) or not self.value:
            raise self.wrong(f"a list of {what}, one at least")
        return [Place(self.where, f"{self.path}[{number}]", value) for number, value in enumerate(self.value, 1)]

    def text(self, longest: int = 2_000) -> str:
        """Return a text with more than spaces in it, its lines joined."""
        if not isinstance(self.value, str) or not self.value.strip() or len(self.value) > longest:
            raise self.wrong(f"a text of 1 to {longest:,} characters (in quotes if YAML reads it as something else)")
        return " ".join(self.value.split())

    def texts(self, what: str) -> tuple[str, ...]:
        """Return the texts of a list that is not empty."""
        return tuple(place.text(longest=300) for place in self.items(what))

    def one_of(self, accepted: Collection[str]) -> str:
        """Return a text that is one of these."""
        if not isinstance(self.value, str) or self.value not in accepted:
            raise self.wrong(f"one of {', '.join(accepted)}")
        return self.value

    def integer(self, least: int, most: int) -> int:
        """Return a whole number within these bounds."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not least <= self.value <= most:
            raise self.wrong(f"a whole number from {least} to {most}")
        return self.value

    def share(self, least: float, most: float) -> float:
        """Return a number within these bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not least <= self.value <= most:
            raise self.wrong(f"a number from {least} to {most}")
        return float(self.value)

    def _at(self, key: object, value: object) -> Place:
        return Place(self.where, f"{self.path}.{key}" if self.path else str(key), value)
