"""``python -m infra.audit.code``: bandit looks at what is deployed and at the tools.

What it leaves out, and why, stands in ``pyproject.toml``. Arguments are files or folders to look at instead.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from bandit.cli import main as bandit

from infra.manifest import ROOT

LOOKED_AT = ("main.py", "functions", "shared", "infra", "bench")


def main(arguments: Sequence[str] | None = None) -> None:
    """End the process with 0 where nothing is found, with 1 and every finding otherwise."""
    # It warns of each line of a marked statement that is fine by itself.
    logging.getLogger("bandit.core.tester").setLevel(logging.ERROR)
    wanted = (sys.argv[1:] if arguments is None else arguments) or [str(ROOT / name) for name in LOOKED_AT]
    sys.argv = ["bandit", "--quiet", "--configfile", str(ROOT / "pyproject.toml"), "--recursive", *wanted]
    bandit.main()


if __name__ == "__main__":
    main()
