"""An event that ends the process again and again is recognised, across restarts and whatever ended it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from engine_made import PARTITIONS, message

from safety_stream.errors import OffsetGap
from safety_stream.worker.guard import partition_of
from safety_stream.worker.quarantine import Quarantine

EVENT = message("safety.events", b"one", offset=7)
COPY = message("safety.events", b"one", offset=30)
OTHER = message("safety.events", b"two", offset=8)


def fail(folder: Path, times: int) -> None:
    """The event ends the process so many times."""
    for _ in range(times):
        with pytest.raises(ZeroDivisionError), Quarantine(folder, after=3).in_hand(EVENT):
            raise ZeroDivisionError("a defect")


def test_it_is_tried_until_its_attempts_are_used_up(tmp_path: Path) -> None:
    """Twice is not enough, three times is; the traceback is kept."""
    fail(tmp_path, 2)
    assert Quarantine(tmp_path, after=3).exhausted(EVENT) is None
    fail(tmp_path, 1)
    attempt = Quarantine(tmp_path, after=3).exhausted(EVENT)
    assert attempt is not None
    assert attempt.count == 3
    assert "ZeroDivisionError: a defect" in attempt.traceback


def test_another_event_is_not_counted(tmp_path: Path) -> None:
    """Only the one in hand."""
    fail(tmp_path, 3)
    assert Quarantine(tmp_path, after=3).exhausted(OTHER) is None


def test_a_copy_of_it_has_no_attempts_of_its_own(tmp_path: Path) -> None:
    """Each crash may send the entry into the log again; set aside once, it is set aside in every copy."""
    fail(tmp_path, 3)
    quarantine = Quarantine(tmp_path, after=3)
    quarantine.settled(EVENT)
    assert quarantine.exhausted(COPY) is not None
    assert Quarantine(tmp_path, after=3).exhausted(COPY) is not None


def test_all_ticks_of_a_partition_are_one_event(tmp_path: Path) -> None:
    """The next tick tells another minute of the same subjects; another partition has others, a sender's key is none."""
    for minute in (b"12:00", b"12:01", b"12:02"):
        quarantine = Quarantine(tmp_path, after=3, clock="safety.events")
        with pytest.raises(ZeroDivisionError), quarantine.in_hand(message("safety.events", minute, key=b"clock")):
            raise ZeroDivisionError("a defect")
    quarantine = Quarantine(tmp_path, after=3, clock="safety.events")
    elsewhere = (partition_of(b"clock", PARTITIONS) + 1) % PARTITIONS
    assert quarantine.exhausted(message("safety.events", b"12:03", key=b"clock")) is not None
    assert quarantine.exhausted(message("safety.events", b"12:03", key=b"clock", partition=elsewhere)) is None
    assert quarantine.exhausted(message("safety.labs", b"12:03", key=b"clock")) is None


def test_a_success_ends_the_count(tmp_path: Path) -> None:
    """The trouble was passing."""
    fail(tmp_path, 2)
    Quarantine(tmp_path, after=3).settled(EVENT)
    fail(tmp_path, 2)
    assert Quarantine(tmp_path, after=3).exhausted(EVENT) is None


def test_a_process_killed_with_the_event_in_hand_counts(tmp_path: Path) -> None:
    """No exception, no goodbye: a crash of the interpreter, the out-of-memory killer."""
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from engine_made import message
        from safety_stream.worker.quarantine import Quarantine
        with Quarantine(Path(sys.argv[1]), after=3).in_hand(message("safety.events", b"one", offset=7)):
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    for _ in range(3):
        ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=_environment(), check=False)
        assert ended.returncode == -9
    attempt = Quarantine(tmp_path, after=3).exhausted(EVENT)
    assert attempt is not None
    assert "killed" in attempt.traceback


def test_a_gap_is_not_the_events_fault(tmp_path: Path) -> None:
    """A perfectly good event after a hole must never be set aside for the hole."""
    for _ in range(5):
        with pytest.raises(OffsetGap), Quarantine(tmp_path, after=3).in_hand(EVENT):
            raise OffsetGap("a hole")
    assert Quarantine(tmp_path, after=3).exhausted(EVENT) is None


def _environment() -> dict[str, str]:
    root = Path(__file__).resolve().parents[2]
    return {"PYTHONPATH": f"{root}:{root / 'tests/made'}", "PATH": "/usr/bin:/bin"}
