"""gcloud without its start: imported once, and forked for each command. Run by the Google Cloud SDK's own Python.

It is the installed gcloud, command by command in a process of its own, with the arguments, the environment, the
standard input and the exit status it would have; only its imports are not repeated. What a command had to import is
imported here after it, so that the next of its kind takes a quarter of the time. A request is a line of JSON
``{"id", "argv", "env", "cwd", "stdin", "out", "err", "learned"}`` (files), an answer ``{"id", "status"}``.
"""

import contextlib
import importlib
import json
import os
import pathlib
import select
import signal
import socket
import sys
import traceback

LIBRARY = sys.argv[1]
sys.path[:0] = [LIBRARY, f"{LIBRARY}/third_party"]
sys.argv = ["gcloud"]
import gcloud  # noqa: E402, F401 - it mends the path of the package google
from googlecloudsdk import gcloud_main  # noqa: E402
from googlecloudsdk.core import properties  # noqa: E402

HERE = "127.0.0.1"
ask_dns = socket.getaddrinfo
properties.VALUES.api_endpoint_overrides._Add("billingbudgets")  # the one API of ours that gcloud lets nobody move
CLI = gcloud_main.CreateCLI([])


def resolve(host, *arguments, **named):
    """Before a host of Cloud Run gcloud puts the region, also where the host is an address: it is still here."""
    return ask_dns(HERE if str(host).endswith(f"-{HERE}") else host, *arguments, **named)


def child(request):
    """Become the command."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, name, flags in (
        (0, "stdin", os.O_RDONLY),
        (1, "out", os.O_WRONLY | os.O_CREAT),
        (2, "err", os.O_WRONLY | os.O_CREAT),
    ):
        opened = os.open(request[name], flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv = ["gcloud", *request["argv"]]
    known, status = set(sys.modules), 1
    try:
        gcloud_main.main(CLI)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a crash of gcloud is its answer
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        learned = json.dumps([name for name in sys.modules if name not in known])
        pathlib.Path(request["learned"]).write_text(learned, encoding="utf-8")
        os._exit(status)


def learn(request, names):
    """Import what the command had to import, and load its part of gcloud's tree; what cannot be is left to the next."""
    if not names:
        return
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    element = CLI._CLI__top_element
    for word in request["argv"]:
        if element is None or word.startswith("-"):
            return
        element = element.LoadSubElement(word.replace("-", "_")) if hasattr(element, "LoadSubElement") else None


def main():
    """Serve until standard input ends. One thread only: a fork of several would inherit locks that nobody opens."""
    socket.getaddrinfo = resolve
    running, rest = {}, b""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
        if 0 in ready:
            read = os.read(0, 65536)
            if not read:
                return
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                request = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    child(request)
                running[pid] = request
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                request = running.pop(pid)
                names = json.loads(pathlib.Path(request["learned"]).read_text(encoding="utf-8"))
                answer = {"id": request["id"], "status": os.waitstatus_to_exitcode(status)}
                os.write(1, json.dumps(answer).encode() + b"\n")
                learn(request, names)


main()
