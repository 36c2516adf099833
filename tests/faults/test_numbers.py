"""Every fault that has a number is tested, and found by it: 1 to 24 of delivery, 25 to 45 of the API and privacy."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
NUMBERS = list(range(1, 25))
OF_HTTP = list(range(25, 46))


def test_every_number_is_in_a_tests_name() -> None:
    """As ``f07``."""
    names = [name for path in TESTS.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())]
    found = {int(number) for name in names for number in re.findall(r"_f(\d\d)(?=_)", name)}
    assert [number for number in NUMBERS + OF_HTTP if number not in found] == []


def test_every_number_is_tried_on_real_parts() -> None:
    """In this folder: with processes that die, Firestore's emulator and destinations that log."""
    names = re.findall(r"def (test_\w+)", (Path(__file__).parent / "test_delivery_faults.py").read_text())
    found = {int(number) for name in names for number in re.findall(r"_f(\d\d)(?=_)", name)}
    assert [number for number in NUMBERS if number not in found] == []
