"""What an import comes to, row by row, kept while it runs and told at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.ops.import_sql.writing import Fates


@dataclass
class Report:
    """What is told at the end, and kept meanwhile.

    Attributes:
        fates: rows by what became of them.
        skipped: rows by table and reason.
        remarks: what is wrong with rows that are imported all the same, by table and what.
        opt_outs: addresses that are suppressed.
        never_sent: the first of the e-mails and SMS that were never sent: old id, type, status, and the alert's id.
    """

    fates: Fates = field(default_factory=Fates)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    remarks: Counter[tuple[str, str]] = field(default_factory=Counter)
    opt_outs: int = 0
    never_sent: list[dict[str, Any]] = field(default_factory=list)

    def kept(self) -> dict[str, Any]:
        """As a document holds it."""
        fates = {name: dict(getattr(self.fates, name)) for name in ("imported", "present", "refused", "documents")}
        listed = {
            name: [{"table": key[0], "what": key[1], "rows": rows} for key, rows in getattr(self, name).items()]
            for name in ("skipped", "remarks")
        }
        return {"fates": fates, **listed, "opt_outs": self.opt_outs, "never_sent": self.never_sent}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Report:
        """What was kept."""
        fates = Fates(**{name: Counter(counts) for name, counts in kept["fates"].items()})
        skipped, remarks = (
            Counter({(each["table"], each["what"]): each["rows"] for each in kept[name]})
            for name in ("skipped", "remarks")
        )
        return cls(fates, skipped, remarks, kept["opt_outs"], list(kept["never_sent"]))
