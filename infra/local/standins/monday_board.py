"""One Monday.com board and the part of its GraphQL API that Bellhop and its tests use.

``create_item``, ``change_multiple_column_values`` and ``delete_item`` write; ``boards``, ``items``, ``items_page``,
``items_page_by_column_values`` and ``next_items_page`` read. Documents are parsed, validated and executed by
graphql-core against the schema below, which has Monday.com's names and types for what it has (API version 2026-07).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError, build_schema

from infra.local.standins.http_standin import strict_json
from infra.local.standins.monday_errors import ERRORS
from infra.local.standins.monday_values import NAME_COLUMN, BadValue, checked, shown, units

MAX_NAME = 255
MAX_ITEMS = 10_000
MAX_PAGE = 500

SDL = """
scalar JSON
scalar Date
type Query {
  boards(ids: [ID!], limit: Int = 25, page: Int = 1): [Board]
  items(ids: [ID!], limit: Int = 25, page: Int = 1): [Item]
  items_page_by_column_values(
    board_id: ID!, columns: [ItemsPageByColumnValuesQuery!], cursor: String, limit: Int! = 25
  ): ItemsResponse!
  next_items_page(cursor: String!, limit: Int! = 25): ItemsResponse!
}
type Mutation {
  create_item(
    board_id: ID!, item_name: String!, group_id: String, column_values: JSON, create_labels_if_missing: Boolean
  ): Item
  change_multiple_column_values(
    board_id: ID!, item_id: ID, column_values: JSON!, create_labels_if_missing: Boolean
  ): Item
  delete_item(item_id: ID): Item
}
input ItemsPageByColumnValuesQuery { column_id: String!, column_values: [String]! }
type ItemsResponse { cursor: String, items: [Item!]! }
type Board {
  id: ID!, name: String!, items_count: Int, columns: [Column], groups: [Group]
  items_page(limit: Int! = 25, cursor: String): ItemsResponse!
}
type Column { id: ID!, title: String!, type: String! }
type Group { id: ID!, title: String! }
type Item {
  id: ID!, name: String!, url: String!, created_at: Date, updated_at: Date, board: Board, group: Group
  column_values(ids: [String!]): [ColumnValue!]!
}
type ColumnValue { id: ID!, type: String!, text: String, value: JSON, column: Column! }
"""


class Board:
    """A board's items and its API; what a resolver raises has Monday.com's error code in its extensions.

    Args:
        board_id: the one board there is.
        columns: column id → type.
        groups: group ids, the first for items that name none.
        now: tells the time, aware.
        items: where items are kept, oldest first, as ``MondayStandIn.received`` shows them.
        apart: where items of these groups are kept instead.
    """

    def __init__(
        self,
        board_id: str,
        columns: Mapping[str, str],
        groups: Sequence[str],
        now: Callable[[], datetime],
        items: list[dict[str, Any]],
        apart: Mapping[str, list[dict[str, Any]]],
    ) -> None:
        self.schema = build_schema(SDL)
        self._id = board_id
        self._columns = dict(columns)
        self._groups = list(groups)
        self._kept, self._apart = items, apart
        self._now = now
        self._numbers = itertools.count(2_000_000_001)
        self._labels: dict[str, set[str]] = {column: set() for column in columns}
        self._pages: dict[str, list[dict[str, Any]]] = {}

    @property
    def _items(self) -> list[dict[str, Any]]:
        """All items, wherever they are kept."""
        return [item for items in (self._kept, *self._apart.values()) for item in items]

    def _list_of(self, item: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self._apart.get(str(item["group_id"]), self._kept)

    @property
    def root(self) -> dict[str, Any]:
        """The resolvers of every query and mutation."""
        return {
            "boards": self._boards,
            "items": self._some_items,
            "items_page_by_column_values": self._items_by_values,
            "next_items_page": self._next_page,
            "create_item": self._create,
            "change_multiple_column_values": self._change,
            "delete_item": self._delete,
        }

    def _create(
        self,
        _: object,
        board_id: str,
        item_name: str,
        group_id: str | None = None,
        column_values: str | None = None,
        create_labels_if_missing: bool | None = None,  # noqa: FBT001 - Monday.com's name for it
    ) -> dict[str, Any]:
        self._check_board(board_id)
        if group_id is not None and group_id not in self._groups:
            raise _error("ResourceNotFoundException", "Group not found")
        if len(self._items) >= MAX_ITEMS:
            raise _error("ItemsLimitationException")
        _check_name(item_name)
        values = self._checked(column_values, new_labels=bool(create_labels_if_missing))
        item = {
            "id": str(next(self._numbers)),
            "name": values.pop(NAME_COLUMN, None) or item_name,
            "board_id": self._id,
            "group_id": group_id or self._groups[0],
            "column_values": {column: value for column, value in values.items() if value is not None},
            "created_at": self._now().astimezone(UTC).isoformat(),
        }
        self._list_of(item).append(item)
        return self._item(item)

    def _change(
        self,
        _: object,
        board_id: str,
        column_values: str,
        item_id: str | None = None,
        create_labels_if_missing: bool | None = None,  # noqa: FBT001 - as above
    ) -> dict[str, Any]:
        self._check_board(board_id)
        item = self._find(item_id)
        values = self._checked(column_values, new_labels=bool(create_labels_if_missing))
        item["name"] = values.pop(NAME_COLUMN, None) or item["name"]
        kept = {**item["column_values"], **values}
        item["column_values"] = {column: value for column, value in kept.items() if value is not None}
        return self._item(item)

    def _delete(self, _: object, item_id: str | None = None) -> dict[str, Any]:
        item = self._find(item_id)
        self._list_of(item).remove(item)
        return self._item(item)

    def _boards(self, _: object, ids: list[str] | None = None, **__: int) -> list[dict[str, Any]]:
        return [self._board()] if ids is None or self._id in ids else []

    def _some_items(
        self, _: object, ids: list[str] | None = None, limit: int = 25, page: int = 1
    ) -> list[dict[str, Any]]:
        wanted = [item for item in self._items if ids is None or item["id"] in ids]
        return [self._item(item) for item in wanted[(page - 1) * limit :][:limit]]

    def _items_by_values(
        self,
        _: object,
        board_id: str,
        columns: list[dict[str, Any]] | None = None,
        cursor: str | None = None,
        limit: int = 25,
    ) -> dict[str, Any]:
        self._check_board(board_id)
        if (columns is None) == (cursor is None):
            raise _error("InvalidArgumentException", "Either columns or a cursor")
        if cursor is not None:
            return self._page(self._pages.pop(cursor, None), limit)
        wanted = columns or []
        for column in wanted:
            if column["column_id"] != NAME_COLUMN and column["column_id"] not in self._columns:
                raise _error("InvalidColumnIdException")
        return self._page([item for item in self._items if self._matches(item, wanted)], limit)

    def _next_page(self, _: object, cursor: str, limit: int = 25) -> dict[str, Any]:
        return self._page(self._pages.pop(cursor, None), limit)

    def _matches(self, item: dict[str, Any], columns: list[dict[str, Any]]) -> bool:
        return all(self._shown(item, column["column_id"]) in column["column_values"] for column in columns)

    def _page(self, items: list[dict[str, Any]] | None, limit: int) -> dict[str, Any]:
        if items is None:
            raise _error("InvalidArgumentException", "The cursor is not known")
        if not 1 <= limit <= MAX_PAGE:
            raise _error("InvalidArgumentException", f"A page has 1 to {MAX_PAGE} items")
        rest, cursor = items[limit:], None
        if rest:
            cursor = f"page-{next(self._numbers)}"
            self._pages[cursor] = rest
        return {"cursor": cursor, "items": [self._item(item) for item in items[:limit]]}

    def _checked(self, text: object, *, new_labels: bool) -> dict[str, Any]:
        """Column id → value as kept, with the name among them if it is given there."""
        if not isinstance(text, str | None):
            raise _error("GRAPHQL_VALIDATION_FAILED", "JSON is sent as a string that holds it, not as an object")
        try:
            values = strict_json(text) if text else {}
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise _error("JsonParseException")
        kept: dict[str, Any] = {}
        for column, value in values.items():
            if column == NAME_COLUMN:
                _check_name(value)
                kept[column] = value
                continue
            if column not in self._columns:
                raise _error("InvalidColumnIdException", error_data={"column_id": column})
            try:
                kept[column] = checked(
                    column, self._columns[column], value, self._labels[column], new_labels=new_labels
                )
            except BadValue as error:
                data = {"column_id": column, "column_type": self._columns[column]}
                raise _error(error.error, error_data=data) from error
        return kept

    def _check_board(self, board_id: str) -> None:
        if board_id != self._id:
            raise _error("InvalidBoardIdException")

    def _find(self, item_id: str | None) -> dict[str, Any]:
        for item in self._items:
            if item["id"] == item_id:
                return item
        raise _error("ResourceNotFoundException", "Item not found")

    def _shown(self, item: Mapping[str, Any], column: str) -> str:
        if column == NAME_COLUMN:
            return str(item["name"])
        return shown(self._columns[column], item["column_values"].get(column))

    def _board(self) -> dict[str, Any]:
        return {
            "id": self._id,
            "name": "Leads",
            "items_count": len(self._items),
            "columns": [self._column(column) for column in self._columns],
            "groups": [{"id": group, "title": group.title()} for group in self._groups],
            "items_page": lambda _, limit, cursor=None: self._page(
                list(self._items) if cursor is None else self._pages.pop(cursor, None), limit
            ),
        }

    def _column(self, column: str) -> dict[str, Any]:
        return {"id": column, "title": column.replace("_", " ").capitalize(), "type": self._columns[column]}

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        def column_values(_: object, ids: list[str] | None = None) -> list[dict[str, Any]]:
            return [self._value(item, column) for column in self._columns if ids is None or column in ids]

        group = {"id": item["group_id"], "title": item["group_id"].title()}
        return {
            **item,
            "url": f"https://local.monday.com/boards/{self._id}/pulses/{item['id']}",
            "updated_at": item["created_at"],
            "board": lambda _: self._board(),
            "group": group,
            "column_values": column_values,
        }

    def _value(self, item: Mapping[str, Any], column: str) -> dict[str, Any]:
        value = item["column_values"].get(column)
        return {
            "id": column,
            "type": self._columns[column],
            "text": self._shown(item, column),
            "value": None if value is None else json.dumps(value),
            "column": self._column(column),
        }


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or units(name) > MAX_NAME:
        raise _error("ItemNameTooLongException")


def _error(name: str, message: str | None = None, **said: Any) -> GraphQLError:
    error = ERRORS[name]
    extensions = {"code": name, "status_code": error.status, "error_data": {}, **said}
    return GraphQLError(message or error.message, extensions=extensions)
