"""The demo keeps its promise on a real Kafka, and leaves nothing behind: no process, no folder, no topic."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from safety_stream.broker.topics import administrator
from safety_stream.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[2]


class Running:
    """A demo as a user runs it; ``family`` holds every process that was ever seen below it."""

    def __init__(self, temporary: Path, *options: str) -> None:
        temporary.mkdir()
        self.temporary = temporary
        self.log = temporary.with_suffix(".log")
        self.family: dict[int, psutil.Process] = {}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "COLUMNS": "120"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "safety_stream", "demo", "--plain", *options],
                env=environment,
                cwd=temporary.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def told(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8")

    def wait_until(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        """Wait, noting every process it starts; the output is shown when it takes too long or ends first."""
        limit = monotonic() + seconds
        while not holds():
            assert monotonic() < limit, self.told()
            assert self.process.poll() is None, self.told()
            self._note()
            sleep(0.1)
        self._note()

    def ended(self, seconds: float = 200) -> int:
        """Its exit code, once it has ended."""
        limit = monotonic() + seconds
        while self.process.poll() is None:
            assert monotonic() < limit, self.told()
            self._note()
            sleep(0.1)
        return self.process.returncode

    def survivors(self) -> list[str]:
        """Processes of the family that are still there; a dead one that nobody has collected is not."""
        return [" ".join(_words(one)) for one in self.family.values() if _words(one)]

    def _note(self) -> None:
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return
        self.family |= {one.pid: one for one in below if one.pid not in self.family}


@contextmanager
def _demo(temporary: Path, *options: str) -> Iterator[Running]:
    running = Running(temporary, *options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
            running.process.wait(60)


def _mails(folder: Path) -> list[str]:
    found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in sorted(folder.glob("*.eml"))]
    return [str(mail["Subject"]) for mail in found]


def test_the_whole_story_on_an_existing_kafka(tmp_path: Path, kafka_settings: Settings) -> None:
    """Exit code 0: every expectation holds. The mails are there; processes, folders and topics are not."""
    keep = tmp_path / "keep"
    options = ("--broker", kafka_settings.bootstrap_servers, "--seconds", "25", "--keep", str(keep))
    with _demo(tmp_path / "tmp", *options) as demo:
        assert demo.ended() == 0, demo.told()
    hold = re.search(r"\b(\d+) of \1 expectations hold\.", demo.told())
    assert hold is not None
    assert demo.told().count("✓") == int(hold[1]) >= 16
    subjects = _mails(keep / "mails")
    assert sum("possible dose-limiting toxicity" in subject for subject in subjects) == 2
    assert sum("serious adverse event" in subject for subject in subjects) == 4
    assert {file.name for file in keep.iterdir()} >= {"mails", "worker-1.log", "worker-2.log", "notifier.log"}
    assert len(demo.family) >= 6, "two workers and the notifier, each with its guard"
    assert not demo.survivors()
    assert list(demo.temporary.iterdir()) == []
    with administrator(kafka_settings) as admin:
        assert not [name for name in admin.list_topics() if "demo-" in name]


@pytest.mark.parametrize("moment", ["Starting Apache Kafka", "is up at", "alert  "])
def test_ctrl_c_at_any_time_leaves_nothing(moment: str, tmp_path: Path) -> None:
    """While the broker starts, while the workers start, in the middle of the story: 130, and nothing is left."""
    with _demo(tmp_path / "tmp", "--seconds", "60") as demo:
        demo.wait_until(lambda: moment in demo.told())
        demo.process.send_signal(signal.SIGINT)
        sleep(0.2)
        demo.process.send_signal(signal.SIGINT)  # an impatient user
        assert demo.ended() == 130, demo.told()
    assert "nothing is left behind" in demo.told()
    assert "Traceback" not in demo.told()
    assert not demo.survivors()
    assert list(demo.temporary.iterdir()) == []


def test_killed_outright_its_processes_end_all_the_same(tmp_path: Path) -> None:
    """SIGKILL cannot be answered, but the guards see that nobody is left to hold their pipe."""
    with _demo(tmp_path / "tmp", "--seconds", "60") as demo:
        demo.wait_until(lambda: "mail   " in demo.told())
        demo.process.kill()
        demo.process.wait()
        limit = monotonic() + 60
        while demo.survivors() and monotonic() < limit:
            sleep(0.2)
        assert not demo.survivors()


def test_a_process_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path, kafka_settings: Settings) -> None:
    """A worker that is killed from outside: it is named, with the end of its log; exit code 1, nothing is left."""
    with _demo(tmp_path / "tmp", "--broker", kafka_settings.bootstrap_servers, "--seconds", "60") as demo:
        demo.wait_until(lambda: _worker(demo) is not None)
        worker = _worker(demo)
        assert worker is not None
        worker.kill()
        assert demo.ended() == 1
    assert "ended with exit code" in demo.told()
    assert "Its last words" in demo.told()
    assert not demo.survivors()
    assert list(demo.temporary.iterdir()) == []


def test_no_kafka_there_is_one_sentence(tmp_path: Path) -> None:
    """Port 9 answers nobody: exit code 2, the address, no traceback."""
    with _demo(tmp_path / "tmp", "--broker", "127.0.0.1:9") as demo:
        assert demo.ended(60) == 2
    assert "127.0.0.1:9" in demo.told()
    assert "Traceback" not in demo.told()


def _worker(demo: Running) -> psutil.Process | None:
    for one in demo.family.values():
        words = _words(one)
        if words[-1:] == ["worker"] and not any(word.endswith("guard.py") for word in words):
            return one
    return None


def _words(process: psutil.Process) -> list[str]:
    """Its command line; nothing when it has ended."""
    try:
        return list(process.cmdline()) if process.is_running() else []
    except psutil.NoSuchProcess:
        return []
