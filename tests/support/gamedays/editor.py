"""What a person does in an editor, as a program: ``$EDITOR FILE`` replaces one text by another."""

from __future__ import annotations

import sys
from pathlib import Path

PROGRAM = """\
#!{python}
import pathlib, sys
path = pathlib.Path(sys.argv[1])
text = path.read_text(encoding="utf-8")
assert text.count({old!r}) == 1, text
path.write_text(text.replace({old!r}, {new!r}), encoding="utf-8")
"""


def editor(folder: Path, old: str, new: str) -> str:
    """Its path; it fails where the old text is not there exactly once."""
    program = folder / "editor"
    program.write_text(PROGRAM.format(python=sys.executable, old=old, new=new), encoding="utf-8")
    program.chmod(0o700)
    return str(program)
