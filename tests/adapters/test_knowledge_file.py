"""The knowledge file is read, or refused with a sentence an owner can act on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from shared.adapters.knowledge_file import MAX_BYTES, SAMPLE, load_knowledge
from shared.errors import ConfigError


def test_without_a_path_the_shipped_sample_is_read() -> None:
    """A fresh clone answers something."""
    knowledge = load_knowledge()
    assert knowledge.business == "Atelier Lumen"
    assert knowledge.languages == ("en", "pl", "de")


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    """A byte order mark, as Windows editors write it, is no mistake."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(SAMPLE.read_text("utf-8").replace("Atelier Lumen", "Żółw & Söhne", 1), "utf-8-sig")
    assert load_knowledge(mine).business == "Żółw & Söhne"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"business: \xff", "UTF-8"),
        (b"business: [", "not YAML"),
        (b"a: 1\na: 2\n", "'a' stands twice"),
        (b"? {a: 1}\n: 2\n", "not YAML"),
        (b"!!python/object/apply:os.system ['true']", "not YAML"),
        (b"business: 2026-99-99", "not YAML"),
        (b"[" * 20_000, "not YAML"),
        (b"business: \x00", "not YAML"),
        (b"", "nothing"),
        (b"business: Lumen", "phone_region"),
        (b"#" * (MAX_BYTES + 1), "larger than 1 MiB"),
    ],
)
def test_what_is_no_knowledge_file_is_refused(tmp_path: Path, content: bytes, named: str) -> None:
    """The message names the setting, the file, and what is wrong."""
    mine = tmp_path / "mine.yaml"
    mine.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_knowledge(mine)
    for part in ("KNOWLEDGE_PATH", str(mine), named):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", ["missing.yaml", "", "nul\x00.yaml"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are told apart from a wrong one."""
    with pytest.raises(ConfigError, match=r"KNOWLEDGE_PATH is .* cannot be read \(.+\); .*1 MiB"):
        load_knowledge(tmp_path / name)


def test_a_mistake_inside_names_the_file_and_the_topic(tmp_path: Path) -> None:
    """The place within the file follows its name."""
    data = yaml.safe_load(SAMPLE.read_text("utf-8"))
    data["topics"][5]["en"]["questions"] = []
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump(data), "utf-8")
    with pytest.raises(ConfigError, match=r"KNOWLEDGE_PATH .*mine\.yaml: topic 'packages'\.en\.questions is \[\]; "):
        load_knowledge(mine)
