"""What migrations need: ledgers, pages of documents, conditional writes, and before-images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.migrations.decide import Problem
from shared.migrations.ledger import Ledger
from shared.migrations.step import Change, Document, Selection
from shared.ports.world import Version


@dataclass(frozen=True)
class StoredLedger:
    """A ledger as it was read or written.

    Attributes:
        ledger: a pending one where there is none yet.
        version: for conditional writes; None where there is none yet.
        idle: for how long nobody had written it, by Firestore's time.
        read_at: Firestore's time.
    """

    ledger: Ledger
    version: Version | None
    idle: timedelta
    read_at: datetime


@dataclass(frozen=True)
class Found:
    """A document with its version."""

    document: Document
    version: Version


@dataclass(frozen=True)
class Wanted:
    """A change of a collection's document, to be written only if that is still the one that was read."""

    collection: str
    found: Found
    change: Change


class Written(StrEnum):
    """What became of one change."""

    DONE = "done"
    CHANGED = "changed"
    """Somebody else has written the document, or it is gone; nothing was written."""

    UNSURE = "unsure"
    """No answer, or too many writers: it may have been written or not."""

    REFUSED = "refused"
    """Firestore will not have it, however often it is asked."""


@dataclass(frozen=True)
class Image:
    """What one document was before it was changed, and how to recognise that it is as the step left it.

    Attributes:
        id: the document's.
        data: opaque; made and understood by the store.
    """

    id: str
    data: bytes


@dataclass(frozen=True)
class Pack:
    """The before-images of one page of a step, in one document.

    Attributes:
        id: of its document.
        images: by the ids of their documents.
        reverse: they were made by going back, and are not to be brought back.
    """

    id: str
    images: Mapping[str, Image]
    reverse: bool = False


@dataclass(frozen=True)
class Restored:
    """What a rollback made of a pack: how many are as they were, and which were left alone and why."""

    restored: int
    kept: tuple[Problem, ...]


class LedgerStore(Protocol):
    """The steps' ledgers."""

    def ledgers(self, steps: Sequence[str]) -> dict[str, StoredLedger]:
        """The ledgers of some steps; raises StorageUnavailable."""

    def save(
        self, stored: StoredLedger, ledger: Ledger, *, images: Sequence[Wanted] = (), without: Pack | None = None
    ) -> StoredLedger:
        """Write a ledger, if nobody else has, together with before-images or the removal of a pack.

        Args:
            stored: as it was read or written last.
            ledger: as it is to be.
            images: changes whose before-images are written with it, under the ledger's run and page.
            without: a pack that is removed with it.

        Raises:
            Conflict: somebody else works at it; nothing was written.
            StorageError: it is not known to be written.
        """


class DocumentStore(Protocol):
    """The documents that are migrated."""

    def count(self, selection: Selection) -> int:
        """How many documents there are; raises StorageUnavailable."""

    def pages(self, selection: Selection, after: str | None, limit: int) -> Iterator[list[Found]]:
        """Page after page in the order of names, from after one on; the next is read while one is dealt with.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def page_until(self, selection: Selection, after: str | None, until: str) -> list[Found]:
        """The documents from after one to another; raises StorageUnavailable."""

    def reread(self, selection: Selection, ids: Sequence[str]) -> dict[str, Found]:
        """Those of some documents that there are; raises StorageUnavailable."""

    def write(self, changes: Sequence[Wanted], rate: float) -> list[Written]:
        """Write changes, each by itself and conditionally, no more than so many operations a second.

        Never raises for storage: what is not known to be written is ``UNSURE``.
        """


class ImageStore(Protocol):
    """Before-images."""

    def fitting(self, changes: Sequence[Wanted], beside: Pack | None = None) -> int:
        """How many of these changes, from the first on, have before-images that fit into one pack.

        Args:
            changes: which ones.
            beside: the pack, where there is one already; images of these documents are replaced.
        """

    def pack_of_page(self, ledger: Ledger) -> Pack | None:
        """That of the page that is under way; None where there is none; raises StorageUnavailable."""

    def newest_pack(self, step: str) -> Pack | None:
        """The pack of a step that was written last; None where there is none left; raises StorageUnavailable."""

    def restore(self, selection: Selection, pack: Pack, rate: float) -> Restored:
        """Take documents back to what they were, those that are as the step left them.

        Raises:
            StorageError: it is not known of some; restoring again is safe.
        """


class MigrationStore(LedgerStore, DocumentStore, ImageStore, Protocol):
    """All of it."""


class Slices(Protocol):
    """Where the next slice of a run is asked for."""

    def ask(self, step: str, run: int, number: int) -> None:
        """Ask for a slice; one that was asked for before is one.

        Raises:
            QueueError: it could not be asked for.
        """


__all__ = [
    "DocumentStore",
    "Found",
    "Image",
    "ImageStore",
    "LedgerStore",
    "MigrationStore",
    "Pack",
    "Restored",
    "Slices",
    "StoredLedger",
    "Wanted",
    "Written",
]
