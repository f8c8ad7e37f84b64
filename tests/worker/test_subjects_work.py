"""An entry of the log is judged with the pages it needs; what is kept is what was judged, to the byte."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from counting import STUDY, Counting
from engine_made import PARTITIONS, entry, kept, lab, message, tick
from pydantic import ValidationError

from safety_stream.errors import OffsetGap, PageTooLarge, StudyUnknown, WrongPartition
from safety_stream.rulebook.canary import CANARY
from safety_stream.settings import Settings
from safety_stream.worker import outputs, pages
from safety_stream.worker.clock import TICK_KEY
from safety_stream.worker.guard import OffsetGuard
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.outputs import Effects
from safety_stream.worker.quarantine import Attempt
from safety_stream.worker.subjects_work import SubjectsWork

SETTINGS = Settings(partitions=PARTITIONS)


class Waiting(Counting):
    """Counting, and every subject has a deadline one day after its last event."""

    def of_subject(self, record: Any, event: Any, as_of: datetime) -> Any:
        """The same, with a deadline until time has passed."""
        from dataclasses import replace

        after = super().of_subject(record, event, as_of)
        return replace(
            after, deadline=as_of.replace(day=as_of.day + 1) if event else None, pages=(*after.pages, "header")
        )


def work(table: Any = None, judgement: Any = None, settings: Settings = SETTINGS) -> SubjectsWork:
    """The subjects' work on a table that is a dictionary."""
    guard = OffsetGuard(lambda tp: 0)
    return SubjectsWork(settings, judgement or Counting(), table or kept(), guard, Metrics((STUDY,)))


def judge(works: SubjectsWork, told: Any) -> Effects:
    """Judge and keep, as a round does."""
    effects = works.judge(told)
    works.table.apply(told.partition, effects.pages)  # type: ignore[attr-defined]
    return effects


def test_findings_and_status_go_out_and_pages_are_kept() -> None:
    """Header and page of the test, marked with the entry's offset."""
    effects = judge(work(), entry(SETTINGS, lab(1)))
    assert [output.topic for output in effects.outputs] == ["safety.findings", "safety.statuses"]
    assert [output.key for output in effects.outputs] == [b"COUNT-01|S001", b"COUNT-01"]
    assert set(effects.pages) == {b"COUNT-01|S001|header", b"COUNT-01|S001|ANC"}
    assert {pages.unpack(value).offset for value in effects.pages.values()} == {0}


def test_a_replayed_entry_judged_from_what_was_kept_says_the_same() -> None:
    """Killed after sending, before keeping: the same entry again gives the same bytes."""
    table = kept()
    judge(work(table), entry(SETTINGS, lab(1)))
    first = work(table).judge(entry(SETTINGS, lab(2), offset=0))
    again = work(table).judge(entry(SETTINGS, lab(2), offset=0))
    assert first == again
    assert first.outputs


def test_what_is_held_is_what_is_kept() -> None:
    """A worker that goes on from its memory and one that reads every page anew keep the same bytes."""
    steady, anew = kept(), kept()
    steady_work = work(steady)
    for offset in range(8):
        told = entry(SETTINGS, lab(offset, test="ANC" if offset % 2 else "PLT"), offset=offset)
        judge(steady_work, told)
        fresh = work(anew)
        fresh._guard.accept(entry(SETTINGS, lab(0), offset=offset - 1))
        judge(fresh, told)
    assert steady.values == anew.values


def test_records_of_a_partition_that_went_are_read_anew() -> None:
    """Another worker had it in between: what we held is old."""
    table = kept()
    works = work(table)
    told = entry(SETTINGS, lab(1))
    judge(works, told)
    elsewhere = work(table)
    elsewhere._guard.accept(told)
    judge(elsewhere, entry(SETTINGS, lab(2), offset=1))
    works.revoked([told.partition])
    works.assigned([told.partition])
    works._guard.accept(entry(SETTINGS, lab(2), offset=1))
    effects = judge(works, entry(SETTINGS, lab(3), offset=2))
    (finding,) = [json.loads(output.value or b"") for output in effects.outputs if "findings" in output.topic]
    assert finding["finding"]["count"] == 3


def test_a_tick_wakes_exactly_those_whose_deadline_has_passed() -> None:
    """Both subjects of one partition are judged on the 4th; a tick on the 5th at noon wakes both, once."""
    settings = Settings(partitions=1, clock="event")
    works = work(judgement=Waiting(), settings=settings)
    for offset, subject in enumerate(("S001", "S002")):
        judge(works, entry(settings, lab(offset, subject), offset=offset, partition=0))
    woken = judge(works, entry(settings, tick("2026-03-05T12:00:00Z"), offset=2, partition=0))
    assert {key for key in woken.pages if b"header" in key} == {b"COUNT-01|S001|header", b"COUNT-01|S002|header"}
    again = judge(works, entry(settings, tick("2026-03-05T13:00:00Z"), offset=3, partition=0))
    assert not [key for key in again.pages if b"header" in key]


def test_deadlines_and_ticks_survive_a_restart() -> None:
    """The index is built from the kept pages; the event clock goes on from the last tick."""
    settings = Settings(partitions=1, clock="event")
    table = kept()
    before = work(table, Waiting(), settings)
    judge(before, entry(settings, lab(1), partition=0))
    judge(before, entry(settings, tick("2026-03-04T20:00:00Z"), offset=1, partition=0))
    after = work(table, Waiting(), settings)
    after.assigned([0])
    assert after.deadlines.earliest(0) == before.deadlines.earliest(0) != None  # noqa: E711
    late = entry(settings, lab(2), partition=0)
    event = json.loads(late.value or b"")["event"]
    assert after._clock.at(late, _event(event)) == datetime(2026, 3, 4, 20, tzinfo=UTC)


def _event(told: dict[str, Any]) -> Any:
    from safety_stream.clinical.events import ANY_EVENT

    return ANY_EVENT.validate_python(told)


def test_a_page_too_large_leaves_everything_as_it_was(monkeypatch: Any) -> None:
    """The event is set aside; what was held is not changed by what could not be kept."""
    works = work()
    judge(works, entry(SETTINGS, lab(1)))
    with monkeypatch.context() as smaller:
        smaller.setattr(pages, "MAX_PAGE_BYTES", 10)
        with pytest.raises(PageTooLarge):
            works.judge(entry(SETTINGS, lab(2), offset=1))
    effects = judge(works, entry(SETTINGS, lab(3), offset=2))
    assert json.loads(effects.outputs[0].value or b"")["finding"]["count"] == 2


def test_a_message_too_large_leaves_everything_as_it_was(monkeypatch: Any) -> None:
    """The same where not the page but what is told of it has no room: the next event is the second, not the third."""
    works = work()
    judge(works, entry(SETTINGS, lab(1)))
    with monkeypatch.context() as smaller:
        smaller.setattr(outputs, "MAX_OUTPUT_BYTES", 10)
        with pytest.raises(PageTooLarge):
            works.judge(entry(SETTINGS, lab(2), offset=1))
    effects = judge(works, entry(SETTINGS, lab(3), offset=2))
    assert json.loads(effects.outputs[0].value or b"")["finding"]["count"] == 2


def test_the_header_is_kept_last() -> None:
    """What a crash may cut off from it, it does not say yet."""
    effects = judge(work(), entry(SETTINGS, lab(1, test="zinc")))
    assert list(effects.pages) == [b"COUNT-01|S001|zinc", b"COUNT-01|S001|header"]


class Troubled(Waiting):
    """Waiting, and when time passes for S002 the judgement fails."""

    trouble: Exception = RuntimeError("a judgement that always fails")

    def of_subject(self, record: Any, event: Any, as_of: datetime) -> Any:
        """The same, but for S002."""
        if event is None and record.subject == "S002":
            raise self.trouble
        return super().of_subject(record, event, as_of)


def ticked(judgement: Any) -> tuple[SubjectsWork, Any]:
    """Three subjects with a deadline behind them, and the tick that is to wake them."""
    settings = Settings(partitions=1)
    works = work(judgement=judgement, settings=settings)
    for offset, subject in enumerate(("S001", "S002", "S003")):
        judge(works, entry(settings, lab(offset, subject), offset=offset, partition=0))
    event = {"event": tick("2026-03-05T12:00:00Z"), "received_at": "2026-03-05T12:00:00Z", "origin": "w"}
    value, later = json.dumps(event).encode(), datetime(2026, 3, 5, 12, tzinfo=UTC).timestamp()
    return works, message(settings.topic("events"), value, key=TICK_KEY, offset=3, partition=0, timestamp=later)


def woken(effects: Effects) -> set[bytes]:
    """Whose pages a tick has written."""
    return {key.split(b"|")[1] for key in effects.pages}


def test_time_that_cannot_be_kept_for_one_subject_passes_for_the_others() -> None:
    """S002 would have a page too large: one dead letter that names it, S001 and S003 go on, and the tick is done."""
    judgement = Troubled()
    judgement.trouble = PageTooLarge("page header would have 9 bytes")
    works, told = ticked(judgement)
    effects = judge(works, told)
    assert woken(effects) == {b"S001", b"S003"}
    assert works.deadlines.earliest(0) is None
    letter = next(one for one in effects.outputs if one.is_letter)
    assert (dict(letter.headers)["safety-stream-detail"] or b"").endswith(b"when time passed for COUNT-01|S002")


def test_a_tick_that_ended_the_process_too_often_is_judged_for_all_but_the_cause() -> None:
    """Until then an exception ends the process; set aside, the tick wakes S001 and S003 and a letter names S002."""
    works, told = ticked(Troubled())
    with pytest.raises(RuntimeError):
        works.judge(told)
    again = work(works.table, Troubled(), Settings(partitions=1))
    again.assigned([0])
    effects = again.set_aside(told, Attempt("x", 3, "Traceback"))
    assert woken(effects) == {b"S001", b"S003"}
    assert sum(one.is_letter for one in effects.outputs) == 1
    assert again.deadlines.earliest(0) is None


def test_what_is_not_ours_stops_the_worker() -> None:
    """A hole, a key on a foreign partition, an entry we did not write."""
    with pytest.raises(OffsetGap):
        work().judge(entry(SETTINGS, lab(1), offset=5))
    told = entry(SETTINGS, lab(1))
    with pytest.raises(WrongPartition):
        work().judge(entry(SETTINGS, lab(1), partition=(told.partition + 1) % PARTITIONS))
    with pytest.raises(ValidationError):
        work().judge(message("safety.events", b"{}"))


def test_an_entry_set_aside_lets_the_next_one_follow() -> None:
    """Its subject goes on without it."""
    works = work()
    told = entry(SETTINGS, lab(1))
    outputs = works.set_aside(told, Attempt("x", 5, "Traceback")).outputs
    assert outputs[0].topic == "safety.dead-letters"
    judge(works, entry(SETTINGS, lab(2), offset=1))


def test_a_canary_that_was_switched_off_stops_nothing() -> None:
    """Sent while it was on, read after it was switched off: nothing follows, and the next entry is judged."""
    works = work()
    assert judge(works, entry(SETTINGS, lab(1, study=CANARY))) == Effects()
    assert judge(works, entry(SETTINGS, lab(2), offset=1)).outputs


def test_a_study_whose_protocol_is_not_loaded_stops_the_worker() -> None:
    """Its subjects wait until the protocol is back: none of their events is set aside for our slip."""
    with pytest.raises(StudyUnknown, match="no protocol is loaded for study OTHER-02"):
        work().judge(entry(SETTINGS, lab(1, study="OTHER-02")))


@pytest.mark.parametrize("study", [STUDY, "-"])
def test_an_answer_that_names_no_subject_is_kept_in_the_log_and_judges_nobody(study: str) -> None:
    """The answer to an alert of a dose level, or of a message that named no study: no page, no output, no stop."""
    answer = {
        "kind": "acknowledged",
        "study": study,
        "subject": "-",
        "source": {"system": "safety-stream-answers", "id": "AL-GLRROVR7-1"},
        "reported_at": "2026-03-04T07:30:00+08:00",
        "alert": "AL-GLRROVR7",
        "revision": 1,
        "by": "Dr Lee",
        "response": "will-act",
        "acknowledged_at": "2026-03-04T07:30:00+08:00",
    }
    effects = work().judge(entry(SETTINGS, answer))
    assert (list(effects.outputs), dict(effects.pages)) == ([], {})
