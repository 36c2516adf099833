"""A function of a local system is started from the source of the revision that is reached: see `revisions`.

Python imports this by itself where its folder is on PYTHONPATH. What is no function of a local system goes on as usual.
"""

import json
import os
import sys

FILE, BEGUN = "GAMEDAY_SOURCES", "GAMEDAY_BEGUN"


def _begin() -> None:
    file, argv = os.environ.get(FILE, ""), list(sys.orig_argv)
    if "--target" not in argv or BEGUN in os.environ or not os.path.exists(file):  # noqa: PTH110 - loads nothing more
        return
    with open(file, encoding="utf-8") as kept:  # noqa: PTH123 - likewise
        source = json.load(kept).get(argv[argv.index("--target") + 1])
    if source is None:
        return
    os.chdir(source)
    argv[argv.index("--source") + 1] = os.path.join(source, "main.py")  # noqa: PTH118 - likewise
    os.execve(argv[0], argv, {**os.environ, BEGUN: "1"})  # noqa: S606 - itself, elsewhere


_begin()
