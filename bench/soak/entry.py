"""The functions' entry in a soak: ``main.py``'s, with a Firestore client that counts what it does."""

from __future__ import annotations

from google.cloud import firestore

import main
from bench.soak.meter import MeteredClient

firestore.Client = MeteredClient


def __getattr__(name: str) -> object:
    """The entry point, as ``main`` finds it."""
    return getattr(main, name)
