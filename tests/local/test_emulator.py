"""The Firestore emulator: where it is found, what is said when it is not, and that it ends."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infra.local import groups
from infra.local.emulator import Emulator, EmulatorFailed, EmulatorPlan, MissingPrerequisite, find_emulator
from infra.local.emulator_search import FIREBASE_TOOLS

DOCUMENTS = "/v1/projects/demo/databases/(default)/documents/things"


def silent(_line: str) -> None:
    """Say nothing."""


def here() -> EmulatorPlan:
    """The emulator of this machine, whatever FIRESTORE_EMULATOR_HOST says."""
    environ = {name: value for name, value in os.environ.items() if name != "FIRESTORE_EMULATOR_HOST"}
    return find_emulator(environ, install=False, say=silent)


def ask(emulator: Emulator, method: str, path: str, body: str | None = None) -> str:
    """What the emulator answers, its status checked."""
    connection = http.client.HTTPConnection(emulator.host, timeout=10)
    try:
        connection.request(method, path, body, {"Authorization": "Bearer owner"})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.status == 200, text
    return text


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """A running emulator."""
    running = Emulator.start(here())
    yield running
    running.stop()


class Machine:
    """A made-up machine: a PATH with a few programs and a HOME."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.home = folder / "bin", folder / "home"
        self.bin.mkdir()
        self.home.mkdir()
        self.environ = {"PATH": str(self.bin), "HOME": str(self.home)}
        self.said: list[str] = []

    def program(self, path: Path, script: str) -> Path:
        """Put a shell script where a program is looked for."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def java(self, version: str = "17.0.15", folder: Path | None = None) -> Path:
        """A java that says its version."""
        return self.program((folder or self.bin) / "java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")

    def jar(self, path: Path, java: int = 11) -> Path:
        """An emulator made for a version of Java."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            name = "com/google/cloud/datastore/emulator/firestore/CloudFirestore.class"
            archive.writestr(name, b"\xca\xfe\xba\xbe\x00\x00" + (java + 44).to_bytes(2, "big"))
        return path

    def sdk(self, root: Path) -> Path:
        """A Google Cloud SDK with the emulator in it."""
        (root / "lib" / "googlecloudsdk").mkdir(parents=True)
        return self.jar(root / "platform" / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar")

    def firebase(self, version: str, java: int = 11) -> Path:
        """An emulator that firebase-tools fetched."""
        folder = self.home / ".cache" / "firebase" / "emulators"
        return self.jar(folder / f"cloud-firestore-emulator-v{version}.jar", java)

    def find(self, *, install: bool = False) -> EmulatorPlan:
        """Look for the emulator on this machine."""
        return find_emulator(self.environ, install=install, say=self.said.append)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with nothing on it."""
    return Machine(tmp_path)


def test_it_answers_and_ends_with_all_its_processes() -> None:
    """A started emulator answers on loopback; once stopped, its group and its guard are gone and its port is free."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    emulator = Emulator.start(here())
    pid = emulator.pid
    assert pid is not None
    assert emulator.host.startswith("127.0.0.1:")
    assert any("Dev App Server is now running" in line for line in emulator.tail())
    emulator.stop()
    emulator.stop()
    assert emulator.pid is None
    assert groups.members(pid) == []
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before
    with pytest.raises(EmulatorFailed, match="does not answer"):
        emulator.clear("demo")


def test_clear_removes_the_documents_of_one_project(emulator: Emulator) -> None:
    """Documents are gone after clear, those of another project are not."""
    other = DOCUMENTS.replace("demo", "other")
    for path in (DOCUMENTS, other):
        ask(emulator, "POST", path, '{"fields": {"a": {"stringValue": "b"}}}')
    emulator.clear("demo")
    assert "stringValue" not in ask(emulator, "GET", DOCUMENTS)
    assert "stringValue" in ask(emulator, "GET", other)


def test_an_emulator_that_runs_is_used_and_left_alone(emulator: Emulator, machine: Machine) -> None:
    """FIRESTORE_EMULATOR_HOST wins over everything else, needs no Java, and is not ours to stop."""
    machine.sdk(machine.home / "sdk")
    machine.environ |= {"CLOUDSDK_ROOT_DIR": str(machine.home / "sdk"), "FIRESTORE_EMULATOR_HOST": emulator.host}
    plan = machine.find()
    assert plan == EmulatorPlan("env", host=emulator.host)
    used = Emulator.start(plan)
    assert (used.host, used.pid, used.tail()) == (emulator.host, None, [])
    used.stop()
    assert ask(emulator, "GET", "/").strip() == "Ok"


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1:http", "nonsense"])
def test_a_host_where_nothing_answers_is_told(machine: Machine, host: str) -> None:
    """The message names the variable and its value; nothing else is tried."""
    machine.environ["FIRESTORE_EMULATOR_HOST"] = host
    with pytest.raises(MissingPrerequisite, match=f"FIRESTORE_EMULATOR_HOST is '{host}', but no emulator answers"):
        machine.find()


def test_a_host_that_never_answers_is_told(machine: Machine) -> None:
    """Something that listens but says nothing is refused."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        machine.environ["FIRESTORE_EMULATOR_HOST"] = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(MissingPrerequisite, match="no emulator answers there"):
            machine.find()


def test_the_sdk_is_found_from_gcloud(machine: Machine, tmp_path: Path) -> None:
    """The component lies beneath the SDK that gcloud's link leads to; it wins over firebase's jar."""
    jar, java = machine.sdk(tmp_path / "sdk"), machine.java()
    machine.firebase("1.19.8")
    (machine.bin / "gcloud").symlink_to(machine.program(tmp_path / "sdk" / "bin" / "gcloud", "exit 1"))
    assert machine.find() == EmulatorPlan("gcloud", jar=jar, java=java)


def test_the_sdk_is_found_where_it_is_said_to_be(machine: Machine, tmp_path: Path) -> None:
    """CLOUDSDK_ROOT_DIR needs no gcloud on PATH."""
    jar, java = machine.sdk(tmp_path / "sdk"), machine.java()
    machine.environ["CLOUDSDK_ROOT_DIR"] = str(tmp_path / "sdk")
    assert machine.find() == EmulatorPlan("gcloud", jar=jar, java=java)


def test_a_gcloud_that_is_only_a_starter_is_asked(machine: Machine, tmp_path: Path) -> None:
    """Where gcloud does not lie in the SDK, it says itself where that is."""
    jar, java = machine.sdk(tmp_path / "the sdk"), machine.java()
    machine.program(machine.bin / "gcloud", f"echo '{tmp_path}/the sdk'")
    assert machine.find() == EmulatorPlan("gcloud", jar=jar, java=java)


def test_the_newest_firebase_jar_is_taken(machine: Machine) -> None:
    """Versions compare as numbers; half a file is no jar."""
    machine.java()
    machine.firebase("1.9.0")
    newest = machine.firebase("1.19.8")
    (newest.parent / "cloud-firestore-emulator-v1.22.0.jar").write_bytes(b"half")
    plan = machine.find()
    assert (plan.source, plan.jar) == ("firebase", newest)


def test_firebase_jars_are_found_where_they_are_said_to_be(machine: Machine, tmp_path: Path) -> None:
    """FIREBASE_EMULATORS_PATH wins over the cache in HOME."""
    machine.java()
    machine.firebase("1.22.0")
    jar = machine.jar(tmp_path / "jars" / "cloud-firestore-emulator-v1.9.0.jar")
    machine.environ["FIREBASE_EMULATORS_PATH"] = str(jar.parent)
    assert machine.find().jar == jar


def test_npx_fetches_it_when_nothing_is_there(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    """The pinned firebase-tools is run with its output shown, and what it fetched is found."""
    machine.java()
    jar = machine.firebase("1.19.8")
    hidden = jar.rename(jar.with_suffix(".hidden"))
    machine.program(machine.bin / "npx", f'echo "npx $*"; /bin/mv "{hidden}" "{jar}"')
    assert machine.find(install=True).jar == jar
    assert f"npx --yes firebase-tools@{FIREBASE_TOOLS} setup:emulators:firestore" in capfd.readouterr().out
    assert "fetching the Firestore emulator" in machine.said[0]


def test_npx_is_not_run_unless_allowed(machine: Machine) -> None:
    """Without leave to install nothing is fetched; the message has every way to install."""
    machine.java()
    machine.program(machine.bin / "npx", "exit 99")
    with pytest.raises(MissingPrerequisite) as caught:
        machine.find()
    assert machine.said == []
    for command in ("gcloud components install", "apt-get install", "npx --yes", "FIRESTORE_EMULATOR_HOST"):
        assert command in str(caught.value)


def test_npx_that_fails_is_told(machine: Machine) -> None:
    """Its exit status is said, then what to install."""
    machine.java()
    machine.program(machine.bin / "npx", "exit 99")
    with pytest.raises(MissingPrerequisite, match="emulator is missing"):
        machine.find(install=True)
    assert "exit status 99" in machine.said[-1]


def test_nothing_is_fetched_without_java(machine: Machine) -> None:
    """A machine without Java and emulator hears of both at once, before anything is fetched."""
    machine.program(machine.bin / "npx", "exit 99")
    with pytest.raises(MissingPrerequisite) as caught:
        machine.find(install=True)
    assert machine.said == []
    assert "emulator is missing" in str(caught.value)
    assert "no java on this machine works" in str(caught.value)


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda machine: None, "needs Java 11 or newer; no java on this machine works"),
        (lambda machine: machine.program(machine.bin / "java", "exit 1"), "no java on this machine works"),
        (lambda machine: machine.java("1.8.0_302"), "bin/java is Java 8"),
    ],
    ids=["none", "stub", "old"],
)
def test_a_java_that_does_not_do_is_told(machine: Machine, plant: Callable[[Machine], object], message: str) -> None:
    """No java, the stub of macOS that only complains, and an old one: the message says how to install one."""
    machine.firebase("1.19.8")
    plant(machine)
    with pytest.raises(MissingPrerequisite, match=message) as caught:
        machine.find()
    assert "sudo apt-get install default-jre-headless" in str(caught.value)
    assert "brew install openjdk" in str(caught.value)
    assert "emulator is missing" not in str(caught.value)


def test_the_java_that_the_jar_was_made_for_is_asked_for(machine: Machine) -> None:
    """A newer emulator may need a newer Java than 11."""
    machine.java("17.0.15")
    machine.firebase("1.22.0", java=21)
    with pytest.raises(MissingPrerequisite, match=r"needs Java 21 or newer; .*/java is Java 17"):
        machine.find()


def test_java_home_is_honoured(machine: Machine, tmp_path: Path) -> None:
    """JAVA_HOME wins over PATH; where it does not work PATH's java is taken."""
    machine.firebase("1.19.8")
    on_path, at_home = machine.java(), machine.java("21", tmp_path / "jdk" / "bin")
    machine.environ["JAVA_HOME"] = str(tmp_path / "jdk")
    assert machine.find().java == at_home
    machine.environ["JAVA_HOME"] = str(tmp_path / "nowhere")
    assert machine.find().java == on_path


def test_a_jar_fetched_by_firebase_really_starts(machine: Machine) -> None:
    """The emulator lying in firebase's cache is found there, started and stopped."""
    real = here()
    if not (real.jar and real.java):
        pytest.skip("an emulator that runs already is all there is")
    jar = machine.home / ".cache" / "firebase" / "emulators" / "cloud-firestore-emulator-v1.19.8.jar"
    jar.parent.mkdir(parents=True)
    jar.symlink_to(real.jar)
    machine.environ["JAVA_HOME"] = str(real.java.resolve().parents[1])
    plan = machine.find()
    assert plan.source == "firebase"
    emulator = Emulator.start(plan)
    try:
        assert "stringValue" in ask(emulator, "POST", DOCUMENTS, '{"fields": {"a": {"stringValue": "b"}}}')
    finally:
        emulator.stop()


def test_an_emulator_that_ends_at_once_is_told_with_its_last_lines(machine: Machine) -> None:
    """What it printed is the reason, so it is in the message; only the last lines are kept."""
    java = machine.program(machine.bin / "java", "for i in 1 2 3 4; do echo line $i; done; exit 7")
    plan = EmulatorPlan("gcloud", jar=Path("none.jar"), java=java)
    with pytest.raises(EmulatorFailed, match=r"ended with exit status 7; its last lines:\nline 3\nline 4$"):
        Emulator.start(plan, log_lines=2)


def test_it_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    """A SIGKILL of the process that started it takes java along."""
    script = """
import os, time
from infra.local.emulator import Emulator, find_emulator
environ = {name: value for name, value in os.environ.items() if name != "FIRESTORE_EMULATOR_HOST"}
print(Emulator.start(find_emulator(environ, install=False, say=print)).pid, flush=True)
time.sleep(60)
"""
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        assert groups.members(pid) == [pid]
        owner.send_signal(signal.SIGKILL)
        end = time.monotonic() + 10
        while groups.members(pid) and time.monotonic() < end:
            time.sleep(0.02)
    assert groups.members(pid) == []
