"""What Slack checks in a message before it takes it, and the name of the error it answers.

Sources: Slack's "Sending messages using incoming webhooks", "Block Kit: blocks" and "Truncating really long messages";
the size of all blocks together is written nowhere and was measured by users (slackapi/bolt-js issue 2509: refused at
13,172 to 13,297 characters, dividers counting too). It is taken here as 13,000 characters of the blocks as JSON.
"""

from __future__ import annotations

import json
from typing import Any

MAX_TEXT = 40_000
MAX_BLOCKS = 50
MAX_BLOCKS_SIZE = 13_000
MAX_SECTION_TEXT = 3_000
MAX_FIELDS = 10
MAX_FIELD_TEXT = 2_000
MAX_HEADER_TEXT = 150
MAX_CONTEXT_ELEMENTS = 10
MAX_BLOCK_ID = 255
MAX_ATTACHMENTS = 100

_OTHER_BLOCKS = frozenset({"actions", "divider", "file", "image", "input", "markdown", "rich_text", "table", "video"})


def error_of(message: dict[str, Any]) -> str | None:
    """The error Slack answers to a message, None for one it takes."""
    text, blocks, attachments = message.get("text"), message.get("blocks"), message.get("attachments")
    if text is not None and not isinstance(text, str):
        return "invalid_payload"
    if blocks is not None and not _is_list_of_objects(blocks):
        return "invalid_blocks_format"
    if attachments is not None and not _is_list_of_objects(attachments):
        return "invalid_payload"
    if not ((text or "").strip() or blocks or attachments):
        return "no_text"
    if len(attachments or []) > MAX_ATTACHMENTS:
        return "too_many_attachments"
    return _error_of_blocks(blocks or [])


def as_shown(message: dict[str, Any]) -> dict[str, Any]:
    """The message as Slack keeps it: as it was posted, but for a text cut at 40,000 characters."""
    if len(message.get("text") or "") <= MAX_TEXT:
        return message
    return {**message, "text": message["text"][:MAX_TEXT]}


def _error_of_blocks(blocks: list[dict[str, Any]]) -> str | None:
    if len(blocks) > MAX_BLOCKS or not all(_is_block(block) for block in blocks):
        return "invalid_blocks"
    size = len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) if blocks else 0
    return "msg_blocks_too_long" if size > MAX_BLOCKS_SIZE else None


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _is_block(block: dict[str, Any]) -> bool:
    block_id = block.get("block_id", "")
    if not isinstance(block_id, str) or len(block_id) > MAX_BLOCK_ID:
        return False
    match block.get("type"):
        case "section":
            return _is_section(block)
        case "header":
            return _is_text(block.get("text"), MAX_HEADER_TEXT, {"plain_text"})
        case "context":
            return _is_context(block)
        case str(other):
            return other in _OTHER_BLOCKS
        case _:
            return False


def _is_section(block: dict[str, Any]) -> bool:
    """A section has a text, or fields, or both."""
    text, fields = block.get("text"), block.get("fields")
    if text is None and fields is None:
        return False
    if text is not None and not _is_text(text, MAX_SECTION_TEXT):
        return False
    if fields is None:
        return True
    return (
        isinstance(fields, list)
        and 1 <= len(fields) <= MAX_FIELDS
        and all(_is_text(item, MAX_FIELD_TEXT) for item in fields)
    )


def _is_context(block: dict[str, Any]) -> bool:
    elements = block.get("elements")
    return (
        isinstance(elements, list)
        and 1 <= len(elements) <= MAX_CONTEXT_ELEMENTS
        and all(_is_text(item, MAX_SECTION_TEXT) or _is_image(item) for item in elements)
    )


def _is_image(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") == "image" and isinstance(value.get("alt_text"), str)


def _is_text(
    value: object, longest: int, types: frozenset[str] | set[str] = frozenset({"plain_text", "mrkdwn"})
) -> bool:
    """A text object of 1 to ``longest`` characters."""
    if not isinstance(value, dict) or value.get("type") not in types:
        return False
    text = value.get("text")
    return isinstance(text, str) and 1 <= len(text) <= longest
