"""``python -m infra.docs``: writes the generated parts of the documents; ``--check`` says which are old."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.docs.blocks import BlockError, filled
from infra.docs.configuration import configuration_blocks
from infra.docs.diagrams import diagram_blocks
from infra.docs.tables import table_blocks
from infra.manifest import ROOT, load

PAGES = ("docs/architecture.md", "docs/configuration.md")


def texts(root: Path = ROOT) -> dict[Path, str]:
    """The documents as they are to be.

    Raises:
        BlockError: a mark is wrong, or a part is shown nowhere.
    """
    manifest = load()
    blocks = {**configuration_blocks(manifest), **diagram_blocks(manifest), **table_blocks(manifest)}
    written = {root / name: (root / name).read_text(encoding="utf-8") for name in PAGES}
    made = {path: filled(text, blocks, str(path.relative_to(root))) for path, text in written.items()}
    whole = "\n".join(made.values())
    if unused := [name for name in blocks if f"<!-- generated: {name} " not in whole]:
        raise BlockError(f"no document shows {', '.join(unused)}")
    return made


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write; or with ``--check`` 1 where a document is out of date."""
    parser = argparse.ArgumentParser(prog="python -m infra.docs", description="Write the generated parts of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 where something is out of date")
    options = parser.parse_args(arguments)
    old = [path for path, text in texts(root).items() if path.read_text(encoding="utf-8") != text]
    for path in old:
        print(
            f"{path.relative_to(root)} is out of date: python -m infra.docs"
            if options.check
            else path.relative_to(root)
        )
        if not options.check:
            path.write_text(texts(root)[path], encoding="utf-8")
    return 1 if options.check and old else 0


if __name__ == "__main__":
    sys.exit(main())
