"""A real PostgreSQL that listens on a socket in a folder of its own, and nowhere else."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

MISSING = "needs PostgreSQL, and it is not installed: sudo apt-get install postgresql, or brew install postgresql"
USER = "postgres"


def programs() -> Path | None:
    """The folder of initdb and postgres; Debian's package keeps them off PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)


class PostgresServer:
    """The server, empty, with everybody on this machine trusted who can reach its socket.

    It refuses to run as root: there it runs as the user that Debian's package made.

    Attributes:
        uri: the database ``postgres``, as libpq takes it.
    """

    def __init__(self) -> None:
        found = programs()
        if found is None:
            # CI must not pass for want of it (.ci/run).
            (pytest.fail if os.environ.get("BELLHOP_SKIP_NOTHING") else pytest.skip)(MISSING)
        self._folder = Path(tempfile.mkdtemp(prefix="bellhop-pg-"))
        self._programs = found
        self._as = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self._folder, USER, pwd.getpwnam(USER).pw_gid)
        data = str(self._folder / "data")
        initdb = [self._programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        self._run(initdb)
        options = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off")
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", data, "-k", str(self._folder), *options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        self.uri = f"postgresql://{USER}@/postgres?host={self._folder}"
        self._wait()

    def _run(self, command: list) -> str:
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False, **self._as)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _wait(self) -> None:
        for _ in range(500):
            try:
                psycopg.connect(self.uri).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("PostgreSQL did not start")

    def dump(self, path: Path, *options: str) -> Path:
        """What pg_dump writes of it."""
        path.write_text(self._run([self._programs / "pg_dump", "-d", self.uri, "--no-owner", *options]))
        return path

    def stop(self) -> None:
        """End it, and remove what it wrote."""
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._folder)
