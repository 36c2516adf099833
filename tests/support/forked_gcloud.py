"""The installed gcloud as a runner of ``infra.deploy``, quick enough to be asked hundreds of times."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from infra.deploy.gcloud import Ended
from tests.support.google_apis.server import TOKEN

SERVER = Path(__file__).with_name("gcloud_server.py")


def sdk() -> Path | None:
    """Where the Google Cloud SDK is; None where it is not installed."""
    program = shutil.which("gcloud")
    if program is None:
        return None
    root = Path(program).resolve().parents[1]
    return root if (root / "lib" / "gcloud.py").is_file() else None


def python_of(root: Path) -> str:
    """The Python that gcloud runs on: the SDK's own, or the one of this machine."""
    bundled = root / "platform" / "bundledpythonunix" / "bin" / "python3"
    return str(bundled) if bundled.exists() else str(shutil.which("python3"))


class ForkedGcloud:
    """Commands for one project on the stand-in.

    Attributes:
        commands: every command that was run, as its arguments.
        folder: where its settings and logs are.
        environment: what each gets; of the test's own environment only PATH and HOME are passed on.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, cwd: Path) -> None:
        root = sdk()
        assert root is not None
        token = folder / "access_token"
        token.write_text(TOKEN, encoding="utf-8")
        self.commands: list[tuple[str, ...]] = []
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CLOUDSDK_CONFIG": str(folder / "config"),
            "CLOUDSDK_ROOT_DIR": str(root),
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
            **environment,
        }
        self.folder, self._cwd = folder, cwd
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[int]] = {}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [python_of(root), "-S", str(SERVER), str(root / "lib")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __call__(
        self, argv: Sequence[str], stdin: str | None, environ: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Ended:
        """Run one command; see `infra.deploy.gcloud.Runner`. Its environment and folder may be its caller's."""
        number = next(self._numbers)
        names = {name: self.folder / f"{number}.{name}" for name in ("stdin", "out", "err", "learned")}
        names["stdin"].write_text(stdin or "", encoding="utf-8")
        ended: Future[int] = Future()
        request = {
            "id": number,
            "argv": list(argv),
            "env": {**self.environment, **(environ or {})},
            "cwd": str(cwd or self._cwd),
            **{name: str(path) for name, path in names.items()},
        }
        with self._lock:
            self.commands.append(tuple(argv))
            self._waiting[number] = ended
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        status = ended.result(timeout=600)
        out, err = names["out"].read_text(encoding="utf-8"), names["err"].read_text(encoding="utf-8")
        for path in names.values():
            path.unlink()
        return Ended(status, out, err)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            self._waiting.pop(answer["id"]).set_result(answer["status"])

    def stop(self) -> None:
        """End it; every command has ended before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._reader.join(30)
        self._process.stdout.close()
