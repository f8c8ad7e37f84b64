"""A change of the header folds anew only the pages that it can reach; what it leaves alone is what a full fold says."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from stepping import stepped

from safety_stream.clinical import filing, series, subject, untouched
from safety_stream.clinical.course import Course
from safety_stream.clinical.events import ANY_EVENT, Measurement, SubjectEvent
from safety_stream.clinical.frame import Frame, frame_of
from safety_stream.clinical.record import SubjectRecord
from safety_stream.clinical.result import result_of
from safety_stream.clinical.shelf import Shelf
from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)
STUDY, DAY_0 = "CAR-NK-SLE-01", datetime(2024, 6, 24, 8, tzinfo=UTC)


def test_a_dose_folds_only_pages_with_findings_or_with_results_after_it(folds: list[str]) -> None:
    """Sodium before the dose and normal: left alone; potassium of grade 1, or glucose after the dose: anew."""
    record = _told(
        _lab("NA", "140", "mmol/L", "135", "145", days=-3),
        _lab("K", "5.4", "mmol/L", "3.5", "5.3", days=-3),
        _lab("MG", "0.9", "mmol/L", "0.7", "1.1", days=1),
    )
    folds.clear()
    after = subject.step(record, _dose(1, 0), BOOK, DAY_0 + timedelta(days=2)).record
    assert sorted(folds) == ["K", "MG"]
    _concludes_as_from_facts_alone(after)


def test_a_dose_told_again_folds_every_page(folds: list[str]) -> None:
    """A crash may have come after the header was written and before the pages were: then the header says nothing."""
    lab, dose = _lab("NA", "140", "mmol/L", "135", "145", days=1), _dose(1, 0)
    torn = subject.with_page(
        _told(lab), "header", subject.page_json(_told(lab, dose), "header")
    )  # the header of after the dose, the page of before it
    folds.clear()
    subject.step(torn, dose, BOOK, DAY_0 + timedelta(days=2))
    assert folds == ["SODIUM"]


@pytest.mark.parametrize("days", [-20, -1, 0, 1])
@pytest.mark.parametrize(
    ("test", "value", "unit"), [("HGB", "121", "g/L"), ("K", "4.1", "mmol/L"), ("ANC", "3.1", "10*9/L")]
)
def test_what_is_left_alone_is_what_the_facts_say(test: str, value: str, unit: str, days: int) -> None:
    """Doses, moved doses and recorded facts after a normal result, around the time of it."""
    record = _told(_lab(test, value, unit, "1", "200", days=days))
    for event in (
        _event("dose_planned", "plan-1", role="infusion", number=1, planned=_at(3), treatment="anti-CD19 CAR-NK"),
        _dose(1, 0),
        _dose(2, 7),
        _dose(1, -5, version=2),
        _event("withdrawn", "left", withdrawn=_at(-2), from_what="treatment", reason="own wish"),
    ):
        record = _stepped(record, event)
        _concludes_as_from_facts_alone(record)


@pytest.mark.parametrize(
    ("key", "value"),
    [("K", "4"), ("ALT", "20"), ("TEMP", "37"), ("CA", "2.4"), ("CREAT", "70"), ("SYSBP", "110"), ("NEUT", "3")],
)
def test_a_fold_reads_no_more_of_the_frame_than_is_compared(
    key: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever lets a fold read something else of the frame must say so in ``untouched``; the stages are compared."""
    monkeypatch.setattr(series, "judge_result", lambda *_: ())
    course, steps = _watched_fold(key, value)
    counted = {"infusions"} if untouched._counts_from(course.frame, key) else set()
    assert {"version", "start"} <= _READ  # the watch works
    assert steps
    assert not _READ - _COMPARED - counted


@pytest.mark.parametrize(
    ("key", "value"), [("K", "7"), ("ALT", "900"), ("TEMP", "41"), ("SYSBP", "190"), ("NEUT", "0.2")]
)
def test_findings_read_no_more_of_the_frame_than_is_compared(key: str, value: str) -> None:
    """The same for what is made from a fold: of DLTs doses and decisions, of others the study day."""
    course, steps = _watched_fold(key, value)
    _READ.clear()
    found = series.all_findings(steps[-1].fold, [one.touched for one in steps], course)
    assert found
    assert (
        not _READ
        - {"head", "study", "subject", "version", "zone", "study_day", "day_from_plan"}
        - ({"infusions", "lymphodepletion", "adjudicated"} if course.limited else set())
    )


def _watched_fold(key: str, value: str) -> tuple[Course, list[series.Carried]]:
    """Three results of an analyte around the first of two infusions, folded; what was read of the frame is noted."""
    analyte = BOOK.analytes[key]
    told = [_lab(analyte.tests[0], value, analyte.unit, "1", "90", days=days) for days in (-3, 0, 1)]
    frame = frame_of(STUDY, "001", _told(_dose(1, 0), _dose(2, 7)).header.facts, BOOK.protocols[STUDY])
    watching = _Watching(**{one.name: getattr(frame, one.name) for one in fields(frame)})
    course = Course(key, analyte, watching, BOOK)
    _READ.clear()
    return course, series.folded([result_of(one) for one in told if isinstance(one, Measurement)], course)


_COMPARED = {"version", "zone", "screened", "screenings", "died", "start", "other_start", "treated_before"}
_COMPARED |= {"recorded", "facts_at"}
_WHOLE = {"head", "study_day", "day_from_plan"}  # compared by what they say
_READ: set[str] = set()


class _Watching(Frame):
    """A frame that notes what is read of it."""

    def __getattribute__(self, name: str) -> object:
        _READ.add(name)
        if name in _WHOLE:
            plain = Frame(**{one.name: object.__getattribute__(self, one.name) for one in fields(Frame)})
            return getattr(plain, name)
        return super().__getattribute__(name)


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The analytes whose pages are folded anew."""
    seen: list[str] = []
    whole = filing._whole  # what is counted

    def counted(shelf: Shelf, told: None, bench: filing.Bench) -> filing.Filed:
        seen.append(shelf.series.analyte)
        return whole(shelf, told, bench)

    monkeypatch.setattr(filing, "_whole", counted)
    return seen


def _concludes_as_from_facts_alone(record: SubjectRecord) -> None:
    as_of = record.header.concluded_to
    assert as_of is not None
    assert subject.standing(record) == dict(subject.conclude(record, BOOK, as_of).findings)


def _told(*events: SubjectEvent) -> SubjectRecord:
    record = subject.empty(STUDY, "001")
    for event in (
        _event("screened", "screening", site="hangzhou", consented=_at(-21), age_years=31),
        _event("enrolled", "enrolment", dose_level=1, enrolled=_at(-10)),
        *events,
    ):
        record = _stepped(record, event)
    return record


def _stepped(record: SubjectRecord, event: SubjectEvent) -> SubjectRecord:
    return stepped(record, event, BOOK, DAY_0 + timedelta(days=2)).record


def _lab(test: str, value: str, unit: str, low: str, high: str, *, days: int) -> SubjectEvent:
    return _event(
        "lab_result", f"{test}-{days}",
        test=test, value=value, unit=unit, range_low=low, range_high=high, observed_at=_at(days),
    )  # fmt: skip


def _dose(number: int, days: int, version: int = 1) -> SubjectEvent:
    return _event(
        "dose_given", f"infusion-{number}", version,
        role="infusion", treatment="anti-CD19 CAR-NK", number=number, given=_at(days),
        amount="2000000", unit="cells/kg",
    )  # fmt: skip


def _at(days: int) -> str:
    return (DAY_0 + timedelta(days=days)).isoformat()


def _event(kind: str, record: str, version: int = 1, **more: object) -> SubjectEvent:
    source = {"system": "edc", "id": record, "version": version}
    told = {"kind": kind, "study": STUDY, "subject": "001", "source": source, **more}
    event = ANY_EVENT.validate_python({**told, "reported_at": _at(2)})
    assert event.kind != "clock_ticked"
    return event
