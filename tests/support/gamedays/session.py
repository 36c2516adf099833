"""A shell in which an operator works through a runbook: one bash, what is set in it stays set."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.manifest import ROOT

BLOCK_SECONDS = 120.0
_LOOP = r"""
set -uE -o pipefail
while IFS= read -r block; do
  trap 'printf "%s\t%s\n" "$?" "$BASH_COMMAND" >>"$block.failed"' ERR
  source "$block" >"$block.out" 2>"$block.err" </dev/null
  trap - ERR
  echo done
done
"""


@dataclass(frozen=True)
class Done:
    """What came of a block.

    Attributes:
        out: what it printed.
        err: what it complained of.
        failed: the exit statuses other than 0, each with the command as it stands.
    """

    out: str
    err: str
    failed: tuple[tuple[int, str], ...]


class Session:
    """The shell; close it.

    Args:
        folder: an empty one, in which it begins.
        environ: what is set in it beside ``PATH`` and ``HOME``.
        programs: where programs are looked for first.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], programs: Path | None = None) -> None:
        self._folder, self._number = folder, 0
        path = [*([str(programs)] if programs else []), str(Path(sys.executable).parent), os.environ["PATH"]]
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", _LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={"PATH": os.pathsep.join(path), "HOME": str(folder), "PYTHONPATH": str(ROOT), **environ},
        )
        self._said: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout:
            for line in self._process.stdout:
                self._said.put(line)
        self._said.put("")

    def sets(self, values: Mapping[str, str]) -> None:
        """Export these for the blocks to come."""
        lines = [f"export {name}={_quoted(value)}" for name, value in values.items()]
        done = self.run("\n".join(lines))
        assert not done.failed, done

    def run(self, text: str) -> Done:
        """Run a block to its end, whatever fails in it; AssertionError where the shell ended or hangs."""
        self._number += 1
        block = self._folder / f"block-{self._number}"
        block.write_text(text, encoding="utf-8")
        assert self._process.stdin is not None
        self._process.stdin.write(f"{block}\n")
        self._process.stdin.flush()
        try:
            ended = self._said.get(timeout=BLOCK_SECONDS) == ""
        except queue.Empty:
            self.close()
            raise AssertionError(f"not done after {BLOCK_SECONDS:g} s:\n{text}") from None
        out, err, failed = (
            path.read_text(encoding="utf-8", errors="replace") if (path := Path(f"{block}.{end}")).exists() else ""
            for end in ("out", "err", "failed")
        )
        assert not ended, f"the shell ended in\n{text}\n{out}{err}"
        pairs = [line.partition("\t") for line in failed.splitlines() if "\t" in line]
        # A block that ends with a failure is told of once more, as the whole.
        kept = [(int(status), what) for status, _, what in pairs if not what.startswith('source "$block"')]
        return Done(out, err, tuple(kept))

    def close(self) -> None:
        """End it, and what it runs."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
