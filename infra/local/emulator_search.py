"""Where the real Firestore emulator is on this machine, and the Java that runs it."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FIREBASE_TOOLS = "15.34.2"
"""The version of firebase-tools that fetches the emulator where the Google Cloud SDK has none."""

MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"

# The second tier's compiler and the parallel collectors make the start half a second longer, and a test run no shorter.
JVM_FLAGS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx1g", "-Duser.language=en")

_JAVA = 11
_SDK_JAR = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
_FIREBASE_JAR = re.compile(r"cloud-firestore-emulator-v([0-9]+(?:\.[0-9]+)*)\.jar")

_INSTALL_EMULATOR = f"""\
The Firestore emulator is missing. Install it in one of these ways:
  gcloud components install cloud-firestore-emulator        (the Google Cloud SDK from its installer or from brew)
  sudo apt-get install google-cloud-cli-firestore-emulator  (the Google Cloud SDK from apt)
  npx --yes firebase-tools@{FIREBASE_TOOLS} setup:emulators:firestore  (Node.js 20 or newer; no Google Cloud SDK)
or set FIRESTORE_EMULATOR_HOST to the host:port of one that runs."""

_INSTALL_JAVA = """\
The Firestore emulator needs Java {version} or newer; {found}. Install it:
  sudo apt-get install default-jre-headless  (Debian, Ubuntu)
  brew install openjdk                       (macOS)
or set JAVA_HOME to one that is installed."""


class MissingPrerequisite(Exception):  # noqa: N818 - what it is
    """Something must be installed first; the message says what, with the commands."""


@dataclass(frozen=True)
class EmulatorPlan:
    """How to come by a Firestore emulator.

    Attributes:
        source: where it was found.
        host: ``host:port`` of one that runs already (``env``); None where it has to be started.
        jar: the emulator, None where it runs already.
        java: the program that runs the jar, None where it runs already.
    """

    source: Literal["env", "gcloud", "firebase"]
    host: str | None = None
    jar: Path | None = None
    java: Path | None = None

    def command(self, port: int) -> list[str]:
        """The command that starts it on a port of loopback; works for the jar of either source."""
        # The SDK's jar names no main class in its manifest; both hold the same one.
        arguments = ["-cp", str(self.jar), MAIN_CLASS, "--host=127.0.0.1", f"--port={port}"]
        return [str(self.java), *JVM_FLAGS, *arguments]


def find_emulator(environ: Mapping[str, str], *, install: bool, say: Callable[[str], None]) -> EmulatorPlan:
    """Find an emulator: one that runs, else the Google Cloud SDK's, else the one firebase-tools fetched.

    Args:
        environ: the environment to look in: FIRESTORE_EMULATOR_HOST, PATH, HOME, JAVA_HOME, CLOUDSDK_ROOT_DIR,
            FIREBASE_EMULATORS_PATH.
        install: whether firebase-tools may fetch it through npx; its output is shown.
        say: called with a line for people about what takes long.

    Raises:
        MissingPrerequisite: there is none, or no Java that runs it, or nothing answers at FIRESTORE_EMULATOR_HOST.
    """
    if host := environ.get("FIRESTORE_EMULATOR_HOST"):
        if trouble := not_answering(host):
            raise MissingPrerequisite(
                f"FIRESTORE_EMULATOR_HOST is {host!r}, but no emulator answers there ({trouble}). Start that one, or "
                "unset FIRESTORE_EMULATOR_HOST and one is found and started."
            )
        return EmulatorPlan("env", host=host)
    java, version = _find_java(environ)
    found = _find_jar(environ)
    if not found and java and version >= _JAVA and install:
        _fetch(environ, say)
        found = _find_jar(environ)
    needed = max(_JAVA, _java_for(found.jar)) if found and found.jar else _JAVA
    missing = [] if found else [_INSTALL_EMULATOR]
    if java is None or version < needed:
        have = f"{java} is Java {version}" if java else "no java on this machine works"
        missing.append(_INSTALL_JAVA.format(version=needed, found=have))
    if missing or not found:
        raise MissingPrerequisite("\n".join(missing))
    return EmulatorPlan(found.source, jar=found.jar, java=java)


def not_answering(host: str) -> str:
    """What is wrong with the emulator at ``host:port``; empty if it answers."""
    try:
        connection = http.client.HTTPConnection(host, timeout=2)
    except http.client.InvalidURL as error:
        return str(error)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read(100)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return "" if body.strip() == b"Ok" else f"what answers is not the Firestore emulator: HTTP {answer.status}"


def _find_jar(environ: Mapping[str, str]) -> EmulatorPlan | None:
    for root in _sdk_roots(environ):
        if zipfile.is_zipfile(jar := root / _SDK_JAR):
            return EmulatorPlan("gcloud", jar=jar)
    home = Path(environ.get("HOME") or Path.home())
    cache = Path(environ.get("FIREBASE_EMULATORS_PATH") or home / ".cache" / "firebase" / "emulators")
    versions = {
        tuple(int(part) for part in match[1].split(".")): jar
        for jar in cache.glob("cloud-firestore-emulator-v*.jar")
        if (match := _FIREBASE_JAR.fullmatch(jar.name)) and zipfile.is_zipfile(jar)
    }
    return EmulatorPlan("firebase", jar=versions[max(versions)]) if versions else None


def _sdk_roots(environ: Mapping[str, str]) -> Iterator[Path]:
    if said := environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(said)
    gcloud = shutil.which("gcloud", path=environ.get("PATH", ""))
    if not gcloud:
        return
    root = Path(gcloud).resolve().parents[1]
    yield root
    if (root / "lib" / "googlecloudsdk").is_dir():
        return
    # Not the program itself but something that starts it (snap does so): it has to be asked, which takes two seconds.
    try:
        command = [gcloud, "info", "--format=value(installation.sdk_root)"]
        asked = subprocess.run(command, env=dict(environ), capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    if asked.returncode == 0 and asked.stdout.strip():
        yield Path(asked.stdout.strip())


def _fetch(environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    npx = shutil.which("npx", path=environ.get("PATH", ""))
    if not npx:
        return
    say(f"fetching the Firestore emulator with firebase-tools {FIREBASE_TOOLS} (once, about 130 MB)")
    command = [npx, "--yes", f"firebase-tools@{FIREBASE_TOOLS}", "setup:emulators:firestore"]
    with tempfile.TemporaryDirectory() as folder:  # firebase-tools leaves logs where it is started
        try:
            code = subprocess.run(
                command, env=dict(environ), stdin=subprocess.DEVNULL, cwd=folder, check=False
            ).returncode
        except OSError as error:
            say(f"npx cannot be started: {error}")
            return
    if code:
        say(f"firebase-tools could not fetch the emulator (exit status {code})")


def _find_java(environ: Mapping[str, str]) -> tuple[Path | None, int]:
    """The first java that runs, and its version; the newest one refused if none is new enough."""
    refused: tuple[Path | None, int] = (None, 0)
    for java in _javas(environ):
        version = _java_version(java, environ)
        if version >= _JAVA:
            return java, version
        if version > refused[1]:
            refused = (java, version)
    return refused


def _javas(environ: Mapping[str, str]) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java", path=environ.get("PATH", "")):
        yield Path(found)
    if sys.platform == "darwin":  # brew puts no java on PATH, and the one of macOS only says that there is none
        yield from (Path(prefix) / "opt/openjdk/bin/java" for prefix in ("/opt/homebrew", "/usr/local"))


def _java_version(java: Path, environ: Mapping[str, str]) -> int:
    """The major version, 0 if it does not run."""
    if not os.access(java, os.X_OK):
        return 0
    try:
        command = [str(java), "-version"]
        asked = subprocess.run(command, env=dict(environ), capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(?:1\.)?([0-9]+)', asked.stderr + asked.stdout)
    return int(match[1]) if match and asked.returncode == 0 else 0


def _java_for(jar: Path) -> int:
    """The Java version the jar was made for (JVM specification, 4.1: the class file's major version less 44)."""
    try:
        with zipfile.ZipFile(jar) as archive, archive.open(f"{MAIN_CLASS.replace('.', '/')}.class") as file:
            return int.from_bytes(file.read(8)[6:8], "big") - 44
    except (KeyError, OSError, zipfile.BadZipFile):
        return 0
