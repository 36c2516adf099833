"""YAML in which no key is said twice, and every value knows its line.

``yaml.safe_load`` takes the last of two equal keys without a word; a manifest read that way deploys what nobody meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

Place = tuple[str | int, ...]
"""Where a value stands: the keys and list positions from the top, for example ``("functions", "chat", "memory")``."""


class YamlError(Exception):
    """The text is not YAML; the message says where, and why."""


@dataclass(frozen=True)
class Document:
    """A YAML text, read.

    Attributes:
        data: what ``yaml.safe_load`` makes of it.
        lines: the line, from 1, of every key and list entry.
        repeated: every key that was said before, with both lines.
    """

    data: Any
    lines: dict[Place, int]
    repeated: list[tuple[Place, int, int]]


def read(text: str) -> Document:
    """Read one YAML document.

    Raises:
        YamlError: a syntax error, an unknown tag or a second document, with its line where it has one.
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlError(f"{line}{error.problem or error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError(str(error)) from error
    document = Document(data, {}, [])
    if root is not None:
        try:
            _walk(root, (), document)
        except RecursionError:
            raise YamlError("an alias stands inside what it names, or the text is nested too deep") from None
    return document


def _walk(node: yaml.Node, place: Place, document: Document) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, key.value if isinstance(key, yaml.ScalarNode) else "?")
            line = key.start_mark.line + 1
            if inner in document.lines:
                document.repeated.append((inner, document.lines[inner], line))
            document.lines[inner] = line
            _walk(value, inner, document)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            document.lines[(*place, position)] = value.start_mark.line + 1
            _walk(value, (*place, position), document)
