"""A process of ours under guard: started with a log file of its own, stopped in good order or at once.

The guard (guard.py) stands between: whatever becomes of us, the process ends and its folder does not stay behind.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from safety_stream.sandbox import guard

_GUARD_LIMIT_SECONDS = guard.STOP_LIMIT_SECONDS + 15


class Guarded:
    """One process with its log. ``folder`` is its own: the guard removes it when we die."""

    def __init__(self, name: str, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the guard, whose child the process is; 0 when it does not run."""
        return 0 if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended by itself; None while it lives, or once we have stopped it."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; its output goes to the log."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", guard.__file__, str(self._folder), *self._command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we stop it in our own order
            )

    def tell(self, word: str) -> None:
        """``stop`` or ``kill``, without waiting."""
        if self._process is not None and self._process.stdin is not None and self.running:
            self._process.stdin.write(word.encode())
            self._process.stdin.close()

    def wait(self) -> None:
        """Wait until it has ended; one that has been told nothing is stopped."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()
        try:
            process.wait(_GUARD_LIMIT_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def last_lines(self, count: int = 25) -> list[str]:
        """The end of its log."""
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]


def stop_all(processes: Iterable[Guarded]) -> None:
    """Stop them together: told first, waited for afterwards."""
    told = list(processes)
    for process in told:
        process.tell("stop")
    for process in told:
        process.wait()
