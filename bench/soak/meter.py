"""Firestore's operations of a function, counted in its process and kept where SIGKILL does not reach them.

Each process counts into a small file that is mapped into its memory: what was written there stays when it is killed.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud import firestore

from bench.meter import Meter, method

FOLDER = "SOAK_METERS"
"""The environment variable that names the folder of the files."""

FUNCTION = "SOAK_FUNCTION"
"""The one that names the function."""

QUERIES = ("RunQuery", "RunAggregationQuery")
QUERY_SECONDS = 30.0
"""A query's deadline instead of the adapters': the emulator has no indexes and looks at all ten thousand alerts."""

NAMES = ("calls", "reads", "writes", "deletes")
_LAYOUT = struct.Struct(f"={len(NAMES)}Q")


class _Kept:
    """A number of a meter that lives in its file."""

    def __init__(self, place: int) -> None:
        self._at = place * 8

    def __get__(self, meter: Any, _owner: type | None = None) -> int:
        return int(struct.unpack_from("=Q", meter.memory, self._at)[0])

    def __set__(self, meter: Any, value: int) -> None:
        struct.pack_into("=Q", meter.memory, self._at, value)


class _Calls:
    """Instead of the list of calls, which would grow: only how many there were."""

    def __init__(self, meter: KeptMeter) -> None:
        self._meter = meter

    def append(self, _name: str) -> None:
        """One more."""
        self._meter.number += 1


class KeptMeter(Meter):
    """A meter whose numbers are in a file."""

    number = _Kept(0)
    reads = _Kept(1)
    writes = _Kept(2)
    deletes = _Kept(3)

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), _LAYOUT.size)
        super().__init__(patience=None)

    def reset(self) -> None:
        """Begin anew."""
        self.calls = _Calls(self)  # type: ignore[assignment] - what a meter does with it is append
        self.returned = self.number = self.reads = self.writes = self.deletes = 0

    def over(self, began: float) -> None:
        """What was under way at the same time does not matter here."""

    def _patient(self, details: Any) -> Any:
        return details._replace(timeout=QUERY_SECONDS) if method(details) in QUERIES else details


class MeteredClient(firestore.Client):  # type: ignore[misc]
    """A client of the emulator that counts."""

    def _emulator_channel(self, transport: Any) -> Any:
        target = os.environ[FUNCTION]
        meter = KeptMeter(Path(os.environ[FOLDER]) / f"{target}.{os.getpid()}.{id(self):x}")
        return grpc.intercept_channel(super()._emulator_channel(transport), meter)


def counted(folder: Path) -> Mapping[str, Mapping[str, int]]:
    """What every function has cost so far: by function, by ``NAMES``."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(NAMES, 0))
    for file in folder.iterdir():
        data = file.read_bytes()
        if len(data) == _LAYOUT.size:
            for name, number in zip(NAMES, _LAYOUT.unpack(data), strict=True):
                sums[file.name.split(".", 1)[0]][name] += number
    return sums
