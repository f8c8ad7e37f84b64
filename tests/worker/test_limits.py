"""A judgement that does not end, a process that slept, an output too large: each is an exception, at once."""

import re

import pytest

from safety_stream.errors import EngineBroken, PageTooLarge
from safety_stream.worker.outputs import MAX_OUTPUT_BYTES, Output, checked
from safety_stream.worker.pulse import Pulse
from safety_stream.worker.time_limit import TookTooLong, install_alarm, time_limit


def test_an_endless_loop_is_ended_with_its_traceback() -> None:
    """Not the process is hung, but the judgement is."""
    install_alarm()

    def endless() -> None:
        while True:
            pass

    with pytest.raises(TookTooLong), time_limit(0.05):
        endless()


def test_even_inside_a_regular_expression() -> None:
    """Where a pattern explodes on a stranger's text."""
    install_alarm()
    with pytest.raises(TookTooLong), time_limit(0.05):
        re.match(r"(a+)+$", "a" * 40 + "b")


def test_after_the_work_no_alarm_is_left() -> None:
    """The next judgement has its own time."""
    install_alarm()
    with time_limit(0.05):
        pass
    sum(range(3_000_000))


def test_a_process_that_slept_longer_than_its_session_does_not_go_on() -> None:
    """10 s of session: after 5 s all is well, after 9 s the partitions may have another owner."""
    now = [0.0]
    pulse = Pulse(10, lambda: now[0])
    pulse.beat()
    now[0] = 5.0
    pulse.beat()
    now[0] = 14.0
    with pytest.raises(EngineBroken, match=r"slept for 9\.0 s"):
        pulse.beat()


def test_the_time_before_the_first_beat_does_not_count() -> None:
    """Starting and recovering take as long as they take."""
    now = [0.0]
    pulse = Pulse(10, lambda: now[0])
    now[0] = 600.0
    pulse.beat()
    assert pulse.age == 0


def test_an_output_that_the_broker_would_refuse_is_refused_before_it_is_sent() -> None:
    """A dead letter has a topic with room; every other message has Kafka's default of 1 MB."""
    large = b"x" * (MAX_OUTPUT_BYTES + 1)
    with pytest.raises(PageTooLarge, match=r"a message for safety\.findings"):
        checked([Output("safety.findings", b"k", large)])
    assert checked([Output("safety.dead-letters", b"k", large, is_letter=True)])
