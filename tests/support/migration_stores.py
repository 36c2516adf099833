"""What migrations need, in memory: ledgers, documents, before-images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.errors import Conflict, StorageError
from shared.migrations.decide import Problem
from shared.migrations.ledger import Ledger
from shared.migrations.step import REMOVED, Document, NewDocument, Selection, Tally
from shared.ports.migrations import Found, Image, MigrationStore, Pack, Restored, StoredLedger, Wanted, Written
from tests.support.documents import Documents, Write

PACK_BYTES = 900_000
MOST_BYTES = 1_048_576
"""Of one document."""

OVERHEAD = 300
FIRST_PAGE = 10**9


@dataclass(frozen=True)
class _Kept:
    """A before-image: the fields a change touches, before and after it; None where the document went with it."""

    id: str
    before: Mapping[str, Any]
    names: frozenset[str]
    after: Mapping[str, Any] | None
    creates: tuple[NewDocument, ...]
    tallies: tuple[Tally, ...]
    reverse: bool = False

    @property
    def image(self) -> Image:
        """As the flow has it: its size is what matters."""
        return Image(self.id, b"x" * _size(self.before, len(self.creates)))


class FakeMigrations(MigrationStore):
    """``shared.ports.migrations.MigrationStore`` in memory.

    Attributes:
        documents: everything; a step's collection holds its documents' fields.
        point: called with a word before whatever is done, and after whatever has an effect; may raise.
        page_most: a page holds no more than this, so that few documents make several pages.
        pack_bytes: so much has room in a pack.
        refused: documents of which no change is taken.
        unanswered: so many of a document's next changes are not answered, whether they take effect or not.
        rates: at which it was asked to write.
    """

    def __init__(
        self, documents: Documents | None = None, *, page_most: int | None = None, pack_bytes: int = PACK_BYTES
    ) -> None:
        self.documents = documents or Documents()
        self.point: Callable[[str], None] = lambda _: None
        self.page_most, self.pack_bytes = page_most, pack_bytes
        self.refused: set[str] = set()
        self.unanswered: dict[str, list[bool]] = {}
        self.rates: list[float] = []

    def ledgers(self, steps: Sequence[str]) -> dict[str, StoredLedger]:
        """See ``LedgerStore``."""
        self.point("ledgers")
        return {step: self._ledger(step) for step in steps}

    def _ledger(self, step: str) -> StoredLedger:
        stands, now = self.documents.get(f"migrations/{step}"), self.documents.now
        if stands is None:
            return StoredLedger(Ledger(step), None, timedelta(0), now)
        return StoredLedger(stands.value, stands.version, max(now - stands.version, timedelta(0)), now)

    def save(
        self, stored: StoredLedger, ledger: Ledger, *, images: Sequence[Wanted] = (), without: Pack | None = None
    ) -> StoredLedger:
        """See ``LedgerStore``."""
        self.point("save")
        path = f"migrations/{ledger.step}"
        writes = [Write(path, ledger, missing=stored.version is None, version=stored.version)]
        if images:
            name = f"before_images/{ledger.step}-{ledger.run:06d}-{FIRST_PAGE + ledger.page}"
            stands = self.documents.get(name)
            pack = (stands.value if stands else {}) | {
                each.found.document.id: _kept(each, reverse=ledger.by_reverse) for each in images
            }
            if sum(len(kept.image.data) for kept in pack.values()) > self.pack_bytes * MOST_BYTES / PACK_BYTES:
                raise StorageError("a document is too large")
            writes.append(Write(name, pack))
        if without is not None:
            writes.append(Write(f"before_images/{without.id}", None))
        self.documents.commit(writes)
        written = self._ledger(ledger.step)
        self.point("saved")
        return written

    def count(self, selection: Selection) -> int:
        """See ``DocumentStore``."""
        self.point("count")
        return len(self.documents.under(selection.collection))

    def pages(self, selection: Selection, after: str | None, limit: int) -> Iterator[list[Found]]:
        """See ``DocumentStore``."""
        self.point("pages")
        found = self._found(selection, lambda name: after is None or name > after)
        size = min(limit, self.page_most or limit)
        yield from (found[start : start + size] for start in range(0, len(found), size))

    def page_until(self, selection: Selection, after: str | None, until: str) -> list[Found]:
        """See ``DocumentStore``."""
        self.point("page_until")
        return self._found(selection, lambda name: (after is None or name > after) and name <= until)

    def reread(self, selection: Selection, ids: Sequence[str]) -> dict[str, Found]:
        """See ``DocumentStore``."""
        self.point("reread")
        return {found.document.id: found for found in self._found(selection, lambda name: name in ids)}

    def _found(self, selection: Selection, wanted: Callable[[str], bool]) -> list[Found]:
        under = sorted(self.documents.under(selection.collection).items())
        return [
            Found(Document(name, _selected(stands.value, selection.fields)), stands.version)
            for name, stands in under
            if wanted(name)
        ]

    def write(self, changes: Sequence[Wanted], rate: float) -> list[Written]:
        """See ``DocumentStore``."""
        self.rates.append(rate)
        return [self._write(each) for each in changes]

    def _write(self, wanted: Wanted) -> Written:
        name, change = wanted.found.document.id, wanted.change
        self.point(f"write {name}")
        if name in self.refused:
            return Written.REFUSED
        waiting = self.unanswered.get(name)
        answered, applied = not waiting, waiting.pop(0) if waiting else True
        if not applied:
            return Written.UNSURE
        path = f"{wanted.collection}/{name}"
        value = None if change.removes else lambda was: _changed(was, change.fields)
        writes = [Write(path, value, version=wanted.found.version)]
        writes += [Write(f"{new.collection}/{new.id}", dict(new.fields), missing=True) for new in change.creates]
        writes += [_counted(tally, 1) for tally in change.tallies]
        try:
            self.documents.commit(writes)
        except Conflict:
            return Written.CHANGED
        self.point(f"written {name}")
        return Written.DONE if answered else Written.UNSURE

    def fitting(self, changes: Sequence[Wanted], beside: Pack | None = None) -> int:
        """See ``ImageStore``."""
        replaced = {wanted.found.document.id for wanted in changes}
        others = beside.images.values() if beside is not None else ()
        size = sum(len(image.data) for image in others if image.id not in replaced)
        for number, wanted in enumerate(changes):
            kept = _kept(wanted)
            size += _size(kept.before, len(kept.creates))
            if size > self.pack_bytes:
                return number
        return len(changes)

    def pack_of_page(self, ledger: Ledger) -> Pack | None:
        """See ``ImageStore``."""
        self.point("pack_of_page")
        name = f"{ledger.step}-{ledger.run:06d}-{FIRST_PAGE + ledger.page}"
        stands = self.documents.get(f"before_images/{name}")
        return _pack(name, stands.value) if stands is not None else None

    def newest_pack(self, step: str) -> Pack | None:
        """See ``ImageStore``."""
        self.point("newest_pack")
        packs = {name: each.value for name, each in self.documents.under("before_images").items()}
        newest = max((name for name in packs if name.startswith(f"{step}-")), default=None)
        return _pack(newest, packs[newest]) if newest is not None else None

    def restore(self, selection: Selection, pack: Pack, rate: float) -> Restored:
        """See ``ImageStore``."""
        self.rates.append(rate)
        stands = self.documents.get(f"before_images/{pack.id}")
        images = [] if stands is None else sorted(stands.value.values(), key=lambda kept: kept.id)
        kept = [(each.id, self._restored(selection.collection, each)) for each in images]
        problems = tuple(Problem(name, reason) for name, reason in kept if reason is not None)
        return Restored(len(images) - len(problems), problems)

    def _restored(self, collection: str, kept: _Kept) -> str | None:
        """Take one document back; why it is left alone, None where it is as it was."""
        self.point(f"restore {kept.id}")
        path = f"{collection}/{kept.id}"
        stands = self.documents.get(path)
        if stands is None:
            if kept.after is not None:
                return "it is gone"
            self.documents.commit([Write(path, dict(kept.before), missing=True)])
            return None
        touched = {name: value for name, value in stands.value.items() if name in kept.names}
        if kept.after is None:
            return None if stands.value == kept.before else "there is another document of its name"
        if touched == kept.before:
            return None
        if touched != kept.after or not self._as_created(kept):
            return "it has been changed since"
        fields = {name: kept.before.get(name, REMOVED) for name in kept.names}
        writes = [Write(path, lambda was: _changed(was, fields), version=stands.version)]
        writes += [Write(f"{new.collection}/{new.id}", None) for new in kept.creates]
        self.documents.commit(writes + [_counted(tally, -1) for tally in kept.tallies])
        self.point(f"restored {kept.id}")
        return None

    def _as_created(self, kept: _Kept) -> bool:
        found = [self.documents.get(f"{new.collection}/{new.id}") for new in kept.creates]
        return all(
            stands is not None and stands.value == new.fields for new, stands in zip(kept.creates, found, strict=True)
        )


def _selected(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not names or name in names}


def _changed(fields: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **change}.items() if value is not REMOVED}


def _counted(tally: Tally, by: int) -> Write:
    def counted(was: Mapping[str, Any] | None) -> dict[str, Any]:
        stands = was or {}
        return {**stands, **tally.labels, tally.field: stands.get(tally.field, 0) + by}

    return Write(f"{tally.collection}/{tally.id}", counted)


def _kept(wanted: Wanted, *, reverse: bool = False) -> _Kept:
    fields, change = wanted.found.document.fields, wanted.change
    names = frozenset(fields if change.removes else change.fields)
    before = {name: value for name, value in fields.items() if name in names}
    after = None if change.removes else _changed({}, change.fields)
    return _Kept(wanted.found.document.id, before, names, after, change.creates, change.tallies, reverse)


def _pack(name: str, kept: Mapping[str, _Kept]) -> Pack:
    images = {each.id: each.image for each in sorted(kept.values(), key=lambda each: each.id)}
    return Pack(name, images, any(each.reverse for each in kept.values()))


def _size(before: Mapping[str, Any], created: int) -> int:
    return OVERHEAD + sum(len(name) + len(repr(value)) for name, value in before.items()) + 200 * created
