"""Delete at Monday.com what alerts made there: each alert's items, found by the alert's id in its column.

Source: https://developer.monday.com/api-reference/reference/items (``delete_item``). An update changed its lead's item,
so an update's own id finds nothing, which is what deleted looks like too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.adapters.monday import Monday
from shared.adapters.monday_answers import ITEM_GONE, Reading, found, made, refusal
from shared.domain.outcome import Outcome
from shared.ports.rights import Removal

LOOK_UP = """\
query ($board: ID!, $column: String!, $values: [String]!) {
  items_page_by_column_values(
    limit: 100, board_id: $board, columns: [{column_id: $column, column_values: $values}]
  ) {
    items {
      id
    }
  }
}"""
DELETE = """\
mutation ($item: ID!) {
  delete_item(item_id: $item) {
    id
  }
}"""
IDS_AT_ONCE = 50


class MondayErasing(Monday):
    """``shared.ports.rights.RemoteEraser`` for one board."""

    def erase(self, alert_ids: Sequence[str], *, deadline: float) -> Removal:
        """See ``shared.ports.rights.RemoteEraser``; a look-up that fails is never taken for "it is not there"."""
        deleted = 0
        for start in range(0, len(alert_ids), IDS_AT_ONCE):
            some, gone = list(alert_ids[start : start + IDS_AT_ONCE]), set[str]()
            while True:
                items = self._items_of(some, deadline)
                if isinstance(items, str):
                    return Removal(deleted, items)
                left = [item for item in items if item not in gone]  # the board's index may be behind
                if not left:
                    break
                for item in left:
                    problem = self._delete(item, deadline)
                    if problem is not None:
                        return Removal(deleted, problem)
                    gone.add(item)
                    deleted += 1
        return Removal(deleted)

    def _items_of(self, alert_ids: Sequence[str], deadline: float) -> list[str] | str:
        """The ids of their items, or what is in the way."""
        variables = {"board": self._board, "column": self._columns["alert_id"].id, "values": list(alert_ids)}
        answered = self._ask(LOOK_UP, variables, deadline, {})
        if not isinstance(answered, Reading):
            return _cause(answered)
        items = found(answered)
        return list(items) if items is not None else _cause(refusal(answered, datetime.now(UTC)))

    def _delete(self, item_id: str, deadline: float) -> str | None:
        """None once it is gone, else what is in the way."""
        if deadline - time.monotonic() <= 0:
            return "no_time_left"
        answered = self._ask(DELETE, {"item": item_id}, deadline, {})
        if not isinstance(answered, Reading):
            return _cause(answered)
        if made(answered, "delete_item"):
            return None
        cause = _cause(refusal(answered, datetime.now(UTC)))
        return None if cause == ITEM_GONE else cause


def _cause(outcome: Outcome) -> str:
    return str(getattr(outcome, "cause", "unexpected_answer"))
