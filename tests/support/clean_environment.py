"""A virtual environment with what a requirements file pins and nothing else, without installing it again."""

from __future__ import annotations

import sys
import sysconfig
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def pinned(requirements: Path) -> list[Distribution]:
    """The installed distributions that a file pins for this Python; each is of the very version that is pinned."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalnum()]
    here = [(each, distribution(each.name)) for each in wanted if each.marker is None or each.marker.evaluate()]
    assert [str(each) for each, found in here if not each.specifier.contains(found.version)] == []
    return [found for _, found in here]


def make(requirements: Path, folder: Path) -> Path:
    """Make it in a folder that is not there yet, the packages being links to this environment's; its Python."""
    venv.create(folder, with_pip=False)
    packages = folder / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    for each in pinned(requirements):
        for file in each.files or ():
            if not file.parts[0].startswith(".."):  # a program outside, which would run this environment's Python
                target = packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(str(file.locate()))
    return folder / "bin" / "python"
