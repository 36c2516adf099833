"""Lists in pages: in the order of the names, each page with a token for the next."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TypeVar

from infra.local.google.errors import invalid_argument

_Item = TypeVar("_Item")


def one_page(items: Mapping[str, _Item], *, size: str, token: str, most: int) -> tuple[list[_Item], dict[str, str]]:
    """The part of a list asked for, and ``{"nextPageToken"}`` where more follows.

    Args:
        items: all of them by name.
        size: how many at most, as it stands in the query; empty or zero for ``most``.
        token: the previous page's token, empty for the first page. It stays good while items come and go.
        most: no page is longer.

    Raises:
        ApiError: INVALID_ARGUMENT, for a size or a token that is none.
    """
    limit = _size(size, most)
    after = _after(token)
    names = sorted(name for name in items if name > after)
    shown = names[:limit]
    following = {"nextPageToken": base64.urlsafe_b64encode(shown[-1].encode()).decode()} if names[limit:] else {}
    return [items[name] for name in shown], following


def _size(text: str, most: int) -> int:
    try:
        size = int(text or 0)
    except ValueError as error:
        raise invalid_argument(f'Invalid page size "{text[:50]}".') from error
    if size < 0:
        raise invalid_argument("Page size must not be negative.")
    return min(size or most, most)


def _after(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise invalid_argument("Invalid page token.") from error
