"""The knowledge file: YAML on disk, read once when a function starts."""

from __future__ import annotations

from pathlib import Path

import yaml

from shared.domain.knowledge import Knowledge
from shared.errors import ConfigError

SAMPLE = Path(__file__).parents[1] / "knowledge" / "sample.yaml"
MAX_BYTES = 1 << 20
_TAKES = "KNOWLEDGE_PATH takes a YAML file in UTF-8, at most 1 MiB; shared/knowledge/sample.yaml shows one"


def load_knowledge(path: Path | None = None) -> Knowledge:
    """Return the knowledge in the file, by default in the shipped sample.

    Raises:
        ConfigError: the file is missing, unreadable, too large, no UTF-8, no YAML, or not what is expected in one;
            names KNOWLEDGE_PATH or the key at fault, what it was and what it takes.
    """
    path = path or SAMPLE
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"KNOWLEDGE_PATH is {str(path)!r}, which cannot be read ({reason}); {_TAKES}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"KNOWLEDGE_PATH is {str(path)!r}, which is larger than 1 MiB; {_TAKES}")
    try:
        data = yaml.load(raw.decode("utf-8-sig"), Loader=_Loader)  # nosec B506  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise ConfigError(f"KNOWLEDGE_PATH is {str(path)!r}, byte {error.start} is not UTF-8; {_TAKES}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"KNOWLEDGE_PATH is {str(path)!r}, which is not YAML: {error}; {_TAKES}") from None
    return Knowledge.parse(data, f"KNOWLEDGE_PATH {path}")


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """The safe loader (libyaml's, ten times as fast, where there is one), refusing a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002
        seen: set[object] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return dict(super().construct_mapping(node, deep))
