"""Every message becomes entries of the log of record or a dead letter with its reason; nothing disappears."""

import json
from pathlib import Path
from typing import Any

import pytest
from counting import STUDY
from engine_made import PARTITIONS, lab, message, tick

from safety_stream.clinical.events import Accepted
from safety_stream.errors import TooManyRejected
from safety_stream.settings import Settings
from safety_stream.worker.intake_work import IntakeWork
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.outputs import Output
from safety_stream.worker.quarantine import Attempt


def intake(folder: Path, **changed: Any) -> IntakeWork:
    """The intake's work with one study."""
    (folder / "worker-1").mkdir(exist_ok=True)
    settings = Settings(data_folder=folder, partitions=PARTITIONS, **changed)
    return IntakeWork(settings, (STUDY,), Metrics((STUDY,)))


def by_topic(outputs: tuple[Output, ...]) -> dict[str, list[Output]]:
    """The outputs of each topic."""
    grouped: dict[str, list[Output]] = {}
    for output in outputs:
        grouped.setdefault(output.topic, []).append(output)
    return grouped


def sent(payload: object, **changed: Any) -> Any:
    """An inbound laboratory message."""
    value = payload if isinstance(payload, bytes) or payload is None else json.dumps(payload).encode()
    return message("safety.labs", value, offset=12, **changed)


def test_an_event_is_rekeyed_by_subject(tmp_path: Path) -> None:
    """Whatever key it came with; with the broker's time of receipt and where it was read."""
    (output,) = intake(tmp_path).judge(sent(lab(1), key=b"anything")).outputs
    assert (output.topic, output.key, output.partition) == ("safety.events", b"COUNT-01|S001", None)
    entry = Accepted.model_validate_json(output.value or b"")
    assert entry.origin == "safety.labs/3@12"
    assert entry.received_at.isoformat() == "2026-03-04T04:53:20+00:00"


UNUSABLE: dict[str, object] = {
    "null": None,
    "empty": b"",
    "not json": b"garbage",
    "not utf-8": b"\xff\xfe{}",
    "no object": b"5",
    "unknown study": lab(1, study="NOBODYS"),
    "missing fields": {"kind": "lab_result"},
    "tick on the wall clock": tick("2026-03-04T00:00:00Z"),
}


@pytest.mark.parametrize("payload", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_cannot_be_used_is_a_dead_letter_and_an_alert(tmp_path: Path, payload: object) -> None:
    """With its own bytes and key, where it was read, and a reason; the alert names no subject."""
    told = sent(payload, key=b"k", headers=(("x", b"y"),))
    outputs = by_topic(intake(tmp_path).judge(told).outputs)
    (letter,) = outputs["safety.dead-letters"]
    assert (letter.key, letter.value) == (b"k", told.value)
    headers = dict(letter.headers)
    assert headers["x"] == b"y"
    assert headers["safety-stream-offset"] == b"12"
    assert headers["safety-stream-reason"]
    assert headers["safety-stream-detail"]
    (alert,) = outputs["safety.alerts"]
    assert json.loads(alert.value or b"")["subject"] is None
    assert "safety.events" not in outputs


def test_of_a_list_the_good_events_are_taken(tmp_path: Path) -> None:
    """One slip must not hold back the potassium beside it: one dead letter, two entries."""
    outputs = by_topic(intake(tmp_path).judge(sent([lab(1), {"kind": "?"}, lab(2)])).outputs)
    assert len(outputs["safety.events"]) == 2
    assert len(outputs["safety.dead-letters"]) == 1


def test_one_alert_a_topic_reason_and_day(tmp_path: Path) -> None:
    """A thousand unreadable messages are one alert with one id, and after a restart the same id."""
    work = intake(tmp_path)
    alerts = [by_topic(work.judge(sent(b"garbage")).outputs).get("safety.alerts", []) for _ in range(5)]
    assert [len(each) for each in alerts] == [1, 0, 0, 0, 0]
    again = by_topic(intake(tmp_path).judge(sent(b"garbage")).outputs)["safety.alerts"]
    assert json.loads(again[0].value or b"")["id"] == json.loads(alerts[0][0].value or b"")["id"]


def test_a_tick_reaches_every_partition_under_the_event_clock(tmp_path: Path) -> None:
    """Time passes for all subjects."""
    outputs = intake(tmp_path, clock="event").judge(sent(tick("2026-03-04T00:00:00Z"))).outputs
    assert [output.partition for output in outputs] == list(range(PARTITIONS))


def test_a_long_run_of_unreadable_messages_stops_the_worker_and_keeps_it_stopped(tmp_path: Path) -> None:
    """The third in a row stops it; a restart stops at the next one; a higher limit lets them through."""
    work = intake(tmp_path, rejected_run_limit=3)
    work.judge(sent(b"garbage"))
    work.judge(sent(b"garbage"))
    with pytest.raises(TooManyRejected, match=r"3 messages in a row on safety\.labs"):
        work.judge(sent(b"garbage"))
    with pytest.raises(TooManyRejected):
        intake(tmp_path, rejected_run_limit=3).judge(sent(b"garbage"))
    assert intake(tmp_path, rejected_run_limit=10).judge(sent(b"garbage")).outputs


def test_one_readable_message_ends_the_run(tmp_path: Path) -> None:
    """And each topic has a run of its own."""
    work = intake(tmp_path, rejected_run_limit=3)
    for payload in (b"garbage", b"garbage", json.dumps(lab(1)).encode(), b"garbage", b"garbage"):
        work.judge(sent(payload))
    work.judge(message("safety.vitals", b"garbage"))


def test_a_message_that_ends_the_process_is_set_aside(tmp_path: Path) -> None:
    """With the traceback in its headers."""
    attempt = Attempt("safety.labs/0@12", 5, "Traceback: a defect")
    outputs = by_topic(intake(tmp_path).set_aside(sent(lab(1)), attempt).outputs)
    headers = dict(outputs["safety.dead-letters"][0].headers)
    assert headers["safety-stream-reason"] == b"quarantined"
    assert headers["safety-stream-detail"] == b"Traceback: a defect"
