"""gcloud without its start: imported once, and forked for each command. Run by the Google Cloud SDK's own Python.

It is the installed gcloud, command by command in a process of its own, with the arguments, the environment, the
standard input and the exit status it would have; only the half second of imports is not repeated. A request is a line
of JSON ``{"id", "argv", "env", "cwd", "stdin", "out", "err"}`` (files for the output), an answer ``{"id", "status"}``.
"""

import json
import os
import select
import signal
import sys
import traceback

LIBRARY = sys.argv[1]
sys.path[:0] = [LIBRARY, f"{LIBRARY}/third_party"]
sys.argv = ["gcloud"]
import gcloud  # noqa: E402, F401 - it mends the path of the package google
from googlecloudsdk import gcloud_main  # noqa: E402


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
    status = 1
    try:
        gcloud_main.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a crash of gcloud is its answer
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main():
    """Serve until standard input ends. One thread only: a fork of several would inherit locks that nobody opens."""
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
                running[pid] = request["id"]
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                answer = {"id": running.pop(pid), "status": os.waitstatus_to_exitcode(status)}
                os.write(1, json.dumps(answer).encode() + b"\n")


main()
