"""Processes to prove with: started, killed, and started again when they end by themselves, as a supervisor would."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_SECONDS = 0.05
ROOT = Path(__file__).resolve().parents[3]


class TimeOver(AssertionError):
    """A condition did not come about in time; the message shows the state that was reached instead."""


@dataclass
class Member:
    """One process: what it is started with, what it wrote (from ``began`` on since its start), how often it ended."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    wanted: bool = False
    began: int = 0
    ended: list[int] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def size(self) -> int:
        """How much it has written, in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0

    def words_since(self, start: int) -> str:
        """What it wrote after that."""
        return self.log.read_bytes()[start:].decode(errors="replace") if self.log.exists() else ""

    def words(self, last: int = 1500) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-last:] if self.log.exists() else "(nothing)"


class Crew:
    """All processes of one run. Whatever happens inside the block, none is left after it."""

    def __init__(self, folder: Path, restarts: int = 25) -> None:
        self.folder = folder
        self.members: dict[str, Member] = {}
        self._restarts = restarts

    def add(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Describe a process; ``start`` starts it."""
        merged = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        self.members[name] = Member(name, command, merged, self.folder / f"{name}.log")

    def start(self, name: str) -> None:
        """Start a process that is not running."""
        member = self.members[name]
        member.wanted = True
        member.began = member.size()
        with member.log.open("ab") as log:
            member.process = subprocess.Popen(
                member.command, env=member.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def end(self, name: str, number: signal.Signals, limit_seconds: float = 45.0) -> int:
        """Send a signal and wait for the end; a process that outlives SIGTERM by the limit fails the run."""
        member = self.members[name]
        member.wanted = False
        assert member.process is not None
        member.process.send_signal(number)
        try:
            return member.process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            raise TimeOver(f"{name} outlived {number.name} by {limit_seconds:.0f} s:\n{member.words()}") from None

    def tend(self) -> None:
        """Start again what ended by itself; too many ends fail the run."""
        for member in self.members.values():
            if member.wanted and not member.running:
                assert member.process is not None
                member.ended.append(member.process.returncode)
                if len(member.ended) > self._restarts:
                    raise TimeOver(f"{member.name} ended {len(member.ended)} times: {member.ended}\n{member.words()}")
                self.start(member.name)

    def until(self, what: str, holds: Callable[[], bool], limit_seconds: float, state: Callable[[], object]) -> None:
        """Wait for a condition while tending the crew."""
        limit = time.monotonic() + limit_seconds
        while not holds():
            self.tend()
            if time.monotonic() > limit:
                words = "\n".join(f"--- {name}\n{member.words()}" for name, member in self.members.items())
                raise TimeOver(f"not within {limit_seconds:.0f} s: {what}\nstate: {state()}\n{words}")
            time.sleep(POLL_SECONDS)

    def wrote(self, text: str) -> int:
        """How often a text stands in the logs of all processes."""
        return sum(
            member.log.read_text(errors="replace").count(text)
            for member in self.members.values()
            if member.log.exists()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for member in self.members.values():
            member.wanted = False
            if member.running and member.process is not None:
                member.process.kill()
                member.process.wait()
