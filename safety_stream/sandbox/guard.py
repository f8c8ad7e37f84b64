"""The guard of one child process: whatever becomes of us, the child is stopped and its folder does not stay behind.

Run as ``python guard.py FOLDER COMMAND...`` with a pipe on standard input. It starts COMMAND and waits for one line:
``stop`` (ask it to end, keep the folder), ``kill`` (end it at once, keep the folder). When the pipe closes without a
line, its owner has died: the child is stopped and the folder removed. Needs nothing but the standard library.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys

STOP_LIMIT_SECONDS = 30.0


def main(folder: str, command: list[str]) -> int:
    """Guard ``command`` until a word comes or the child ends by itself; the exit code is the child's."""
    ready, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    word = _wait(child, ready)
    _end(child, at_once=word == "kill")
    if word == "abandoned":
        shutil.rmtree(folder, ignore_errors=True)
    return child.returncode


def _wait(child: "subprocess.Popen[bytes]", ready: int) -> str:
    while child.poll() is None:
        told, _, _ = select.select([0, ready], [], [])
        if 0 in told:
            return os.read(0, 16).decode().strip() or "abandoned"
        if any(number != signal.SIGCHLD for number in os.read(ready, 64)):
            return "abandoned"
    return "ended"


def _end(child: "subprocess.Popen[bytes]", at_once: bool) -> None:
    if at_once:
        child.kill()
    elif child.poll() is None:
        child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(STOP_LIMIT_SECONDS)
    if child.poll() is None:
        child.kill()
        child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
