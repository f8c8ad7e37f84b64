"""Claims about how statuses become advice: who is counted where, who may still change it, what a late fact does."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from safety_stream.clinical import cohort
from safety_stream.clinical.escalation import Counts
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_study import CohortDecision, Tally
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.tallying import counts_of, tally
from safety_stream.rulebook.load import load_book

STUDY = "CAR-NK-SLE-01"
AS_OF = datetime.fromisoformat("2024-12-01T00:00:00+08:00")
BOOK = load_book(allow_unsigned=True)


def _status(subject: str, level: int, **fields: Any) -> SubjectStatus:
    """A subject who completed the window without a DLT, unless told otherwise."""
    clean: dict[str, Any] = {
        "study": STUDY, "subject": subject, "dose_level": level, "phase": "completed_window", "dosed": True,
        "first_infusion": date(2024, 7, 1), "window_to": date(2024, 8, 12), "evaluable": True, "dlt": "none",
        "worst_grade": 1, "as_of": AS_OF,
    }  # fmt: skip
    return SubjectStatus(**{**clean, **fields})


def _in_window(subject: str, level: int, **fields: Any) -> SubjectStatus:
    return _status(subject, level, **{"phase": "in_window", "evaluable": None, **fields})


def _stepped(*statuses: SubjectStatus) -> tuple[cohort.StudyRecord, list[FindingChange]]:
    """The study after these statuses, and all that was sent on the way."""
    record = cohort.empty(STUDY)
    sent: list[FindingChange] = []
    for status in statuses:
        record, changes = cohort.step(record, status, BOOK, AS_OF)
        sent += changes
    return record, sent


def _decisions(record: cohort.StudyRecord) -> dict[int, CohortDecision]:
    """What stands for each dose level."""
    found = [held.finding for held in record.kept.values()]
    return {one.dose_level: one for one in found if isinstance(one, CohortDecision) and one.dose_level is not None}


def _advice(*statuses: SubjectStatus) -> dict[int, str]:
    return {level: one.decision for level, one in _decisions(_stepped(*statuses)[0]).items()}


def _clean(level: int, *subjects: str) -> list[SubjectStatus]:
    return [_status(subject, level) for subject in subjects]


def test_each_subject_is_counted_once_and_in_the_right_column() -> None:
    """Eight subjects of one level, one of each kind, counted by hand."""
    kinds = (
        _status("001", 1),
        _status("002", 1, dlt="candidate"),
        _status("003", 1, dlt="confirmed", phase="withdrawn"),
        _status("004", 1, dlt="possible"),
        _in_window("005", 1),
        _in_window("006", 1, dlt="candidate", evaluable=True),
        _status("007", 1, evaluable=False),
        _status("008", 1, phase="enrolled", dosed=False, first_infusion=None, window_to=None, evaluable=None),
    )
    numbers = tally(kinds)
    assert numbers == Tally(
        enrolled=8, dosed=7, in_window=2, evaluable=4, not_evaluable=1, dlt=3, dlt_confirmed=1, dlt_possible=1
    )
    assert counts_of(kinds) == Counts(evaluable=4, dlt=3, pending=3, through=1), "004, 005 and 008 are not decided"


def test_none_of_three_goes_up_and_one_of_three_expands() -> None:
    """The two cohorts of the classic design, each level by its own subjects."""
    one_of_three = [*_clean(2, "004", "005"), _status("006", 2, dlt="confirmed")]
    assert _advice(*_clean(1, "001", "002", "003"), *one_of_three) == {1: "escalate", 2: "expand"}


def test_a_subject_who_is_replaced_counts_for_nothing() -> None:
    """Three enrolled, one not evaluable: two of three are there, and one more is enrolled."""
    found = _decisions(_stepped(*_clean(1, "001", "002"), _status("003", 1, evaluable=False))[0])[1]
    assert (found.decision, found.tally.evaluable, found.tally.not_evaluable) == ("enrol", 2, 1)
    assert found.subjects == ("001", "002", "003")


def test_a_possible_dlt_of_a_subject_who_left_still_holds_the_level() -> None:
    """Three clean, and a fourth who left in the window with a possible DLT: if it becomes one, it is 1 of 4."""
    left = _status("004", 1, phase="withdrawn", evaluable=False, dlt="possible")
    found = _decisions(_stepped(*_clean(1, "001", "002", "003"), left)[0])[1]
    assert found.decision == "wait"
    assert "enrol" in found.reachable, "1 of 4: on to six"


def test_a_late_dlt_takes_the_support_from_the_level_above_and_its_refutation_gives_it_back() -> None:
    """0/3, level 2 opens; then 1/3; then a person refutes the DLT, and it is 0/3 again.

    level 1    0/3 escalate    1/3 expand, no longer supported    0/3 escalate
    level 2    ----- 004 -------------------------------------------------->
    """
    opened = [*_clean(1, "001", "002", "003"), _in_window("004", 2)]
    late = _status("003", 1, dlt="candidate", revision=2)
    refuted = _status("003", 1, dlt="none", revision=3)
    _, sent = _stepped(*opened, late, refuted)
    level_1 = [one.finding for one in sent if isinstance(one.finding, CohortDecision) and one.finding.dose_level == 1]
    course = [(f"{one.tally.dlt}/{one.tally.evaluable}", one.decision, one.no_longer_supported) for one in level_1]
    assert course[-3:] == [("0/3", "escalate", False), ("1/3", "expand", True), ("0/3", "escalate", False)]
    assert "no longer supports" in level_1[-2].evidence.sentence
    assert level_1[-2].evidence.reasons[0] == "T7: escalation no longer supported"


def test_a_dlt_before_the_level_above_opens_takes_no_support() -> None:
    """1/3 with nobody above is the plain expansion of the design."""
    found = _decisions(_stepped(*_clean(1, "001", "002"), _status("003", 1, dlt="candidate"))[0])[1]
    assert (found.decision, found.no_longer_supported) == ("expand", False)


def test_below_a_stopped_level_six_are_wanted() -> None:
    """Two DLTs at level 2: level 1 is filled to six, and with at most one DLT among them it is the MTD."""
    stopped = [_status("011", 2, dlt="confirmed"), _status("012", 2, dlt="candidate")]
    three, six = ("001", "002", "003"), ("001", "002", "003", "004", "005", "006")
    assert _advice(*_clean(1, *three), *stopped) == {1: "fill", 2: "stop"}
    assert _advice(*_clean(1, *six), *stopped) == {1: "mtd", 2: "stop"}
    assert _advice(*_clean(1, *six[:5]), _status("006", 1, dlt="confirmed"), *stopped) == {1: "mtd", 2: "stop"}


def test_the_top_level_is_filled_and_the_first_has_none_below() -> None:
    """Level 3 is the last of the protocol; with two DLTs level 1 has nowhere to go down to and calls the committee."""
    assert _advice(*_clean(3, "021", "022", "023")) == {3: "fill"}
    found = _decisions(_stepped(_status("001", 1, dlt="candidate"), _status("002", 1, dlt="candidate"))[0])[1]
    assert found.decision == "stop"
    assert "committee, there is no lower level" in found.evidence.sentence


def test_an_older_revision_changes_nothing() -> None:
    """A snapshot that comes late does not take back a DLT that a newer one told."""
    newer = _status("003", 1, dlt="candidate", revision=5)
    record, _ = _stepped(*_clean(1, "001", "002"), newer)
    after, sent = cohort.step(record, _status("003", 1, revision=4), BOOK, AS_OF)
    assert (after, sent) == (record, ())
    again, sent = cohort.step(record, newer, BOOK, AS_OF)
    assert (_decisions(again), sent) == (_decisions(record), ())


def test_a_subject_of_another_level_leaves_the_first() -> None:
    """An assignment that is corrected moves the subject, and a level that nobody is left on has no advice."""
    record, sent = _stepped(_status("001", 1), _status("001", 2, revision=2))
    assert set(_decisions(record)) == {2}
    advice = {(one.finding.dose_level, one.change) for one in sent if one.finding.kind == "cohort_decision"}
    assert advice == {(1, "raised"), (1, "withdrawn"), (2, "raised")}


def test_the_cap_and_the_stagger_are_said() -> None:
    """Ten are planned: the eleventh is warned of. 13 days between the first two of a level are too few, 14 are not."""
    ten = _clean(1, *(f"{number:03}" for number in range(1, 11)))
    cap = "T7: 11 subjects are enrolled, 10 were planned"
    assert cap not in _decisions(_stepped(*ten)[0])[1].evidence.reasons
    assert cap in _decisions(_stepped(*ten, _status("011", 1))[0])[1].evidence.reasons
    for day, too_close in ((14, True), (15, False)):
        second = _status("002", 1, first_infusion=date(2024, 7, day))
        kinds = {one.finding.kind for one in _stepped(_status("001", 1), second)[1]}
        assert ("stagger_breach" in kinds) is too_close


_SNAPSHOTS = (
    *_clean(1, "001", "002"),
    _in_window("003", 1),
    _status("003", 1, dlt="candidate", revision=2),
    _status("003", 1, dlt="none", revision=3),
    _in_window("004", 2),
    _status("004", 2, dlt="confirmed", revision=2),
    _status("005", 2, evaluable=False),
)


@settings(max_examples=50, deadline=None)
@given(order=st.permutations(_SNAPSHOTS))
def test_the_order_in_which_statuses_arrive_is_irrelevant(order: Iterable[SubjectStatus]) -> None:
    """Any order ends with 0/3 at level 1 and 1 of 1 at level 2, and with the same findings."""
    record, _ = _stepped(*order)
    assert _decisions(record) == _decisions(_stepped(*_SNAPSHOTS)[0])
    found = {level: (one.tally.dlt, one.tally.evaluable, one.decision) for level, one in _decisions(record).items()}
    assert found == {1: (0, 3, "escalate"), 2: (1, 1, "enrol")}
