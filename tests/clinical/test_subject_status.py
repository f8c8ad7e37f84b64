"""Claims about a subject's status: phase, window, and whether the subject counts, as days pass without any event.

day        0         7         14                    42  | 43
2024       1 July    8 July    15 July         12 August | 13 August
infusion   1         2         3             last day in | window closed: evaluable, if all three were as planned
"""

from datetime import date, datetime
from typing import Any

import pytest
from stepping import stepped
from stories import without_schedule

from safety_stream.clinical import subject
from safety_stream.clinical.events import ANY_EVENT
from safety_stream.clinical.findings_subject import DataQuery, SubjectStatus

STUDY = "CAR-NK-SLE-01"
BOOK = without_schedule()
EARLY = datetime.fromisoformat("2024-07-16T12:00:00+08:00")
LAST_SECOND = datetime.fromisoformat("2024-08-12T23:59:59+08:00")
THE_END = datetime.fromisoformat("2024-08-13T00:00:00+08:00")
DAYS = ("2024-07-01", "2024-07-08", "2024-07-15")


class Seen:
    """One subject at dose level 1 (2 million cells/kg), and the last status that was sent."""

    def __init__(self) -> None:
        self.record = subject.empty(STUDY, "001")
        self.status: SubjectStatus | None = None
        self.deadline: datetime | None = None

    def told(self, record: str, as_of: datetime = EARLY, **fields: Any) -> "Seen":
        """After one more event."""
        usual = {"study": STUDY, "subject": "001", "source": {"system": "edc", "id": record}}
        event = ANY_EVENT.validate_python({**usual, "reported_at": "2024-07-16T08:00:00+08:00", **fields})
        assert event.kind != "clock_ticked"
        return self._after(stepped(self.record, event, BOOK, as_of))

    def at(self, as_of: datetime) -> "Seen":
        """After nothing but time."""
        return self._after(subject.step(self.record, None, BOOK, as_of))

    def infused(self, number: int, amount: str | None = "2000000", unit: str | None = "cells/kg") -> "Seen":
        """After one infusion on its planned day."""
        return self.told(
            f"infusion-{number}", kind="dose_given", role="infusion", treatment="anti-CD19 CAR-NK", number=number,
            given=DAYS[number - 1], amount=amount, unit=unit,
        )  # fmt: skip

    def _after(self, step: subject.Step) -> "Seen":
        self.record, self.deadline, self.status = step.record, step.deadline, step.status or self.status
        return self

    @property
    def summed_up(self) -> tuple[str, bool | None, datetime | None]:
        """Phase, whether evaluable, and until when is waited."""
        assert self.status is not None
        return self.status.phase, self.counts, self.deadline

    @property
    def asked_for_the_day(self) -> list[DataQuery]:
        """The questions for the day of a departure or death."""
        return [
            one
            for one in subject.standing(self.record).values()
            if isinstance(one, DataQuery) and one.code == "day_of_leaving_untold"
        ]

    @property
    def counts(self) -> bool | None:
        """Whether the subject is evaluable."""
        assert self.status is not None
        return self.status.evaluable


def _enrolled() -> Seen:
    return Seen().told("enrolment", kind="enrolled", dose_level=1, enrolled="2024-06-24")


def _infused(*numbers: int) -> Seen:
    seen = _enrolled()
    for number in numbers:
        seen.infused(number)
    return seen


def test_the_phases_of_a_subject() -> None:
    """Screened, enrolled, in the window from the first infusion, and through it when the last window has closed."""
    seen, phases = Seen(), []
    seen.told("screening", kind="screened", consented="2024-06-10", site="S1")
    phases.append(seen.status and seen.status.phase)
    seen.told("enrolment", kind="enrolled", dose_level=1, enrolled="2024-06-24")
    phases.append(seen.status and seen.status.phase)
    for number in (1, 2, 3):
        seen.infused(number)
    phases.append(seen.status and seen.status.phase)
    phases.append((status := seen.at(THE_END).status) and status.phase)
    assert phases == ["screened", "enrolled", "in_window", "completed_window"]


def test_the_window_closes_at_the_midnight_after_day_42() -> None:
    """Each infusion moves the end by a week; the last day is inside to its last second; then nothing is waited for."""
    seen, ends = _enrolled(), []
    assert seen.deadline is None, "nobody was infused: nothing is waited for"
    for number in (1, 2, 3):
        seen.infused(number)
        assert seen.status is not None
        ends.append(seen.status.window_to)
    assert ends == [date(2024, 7, 29), date(2024, 8, 5), date(2024, 8, 12)]
    assert seen.deadline == THE_END
    assert seen.at(LAST_SECOND).summed_up == ("in_window", None, THE_END)
    assert seen.at(THE_END).summed_up == ("completed_window", True, None)


def test_a_late_event_does_not_open_a_closed_window() -> None:
    """What was learned at an earlier hour, after the window closed, leaves it closed."""
    seen = _infused(1, 2, 3).at(THE_END)
    seen.told("fact", as_of=EARLY, kind="fact_recorded", name="on_anticoagulant", value=False, observed_at="2024-07-02")
    assert seen.status is not None
    assert (seen.status.phase, seen.counts) == ("completed_window", True)


@pytest.mark.parametrize(("numbers", "counts"), [((1,), False), ((1, 2), False), ((1, 3), False), ((1, 2, 3), True)])
def test_all_three_infusions_are_needed(numbers: tuple[int, ...], counts: bool) -> None:
    """A subject who missed an infusion is replaced, and stays in the safety set."""
    assert _infused(*numbers).at(THE_END).counts is counts


@pytest.mark.parametrize(
    ("amount", "unit", "counts"),
    [
        ("1600000", "cells/kg", True),
        ("1599999", "cells/kg", False),
        ("2400000", "cells/kg", True),
        ("2400001", "cells/kg", False),
        (None, None, None),
        ("2000000", "cells", None),
    ],
)
def test_a_dose_counts_within_20_percent_of_the_plan(amount: str | None, unit: str | None, counts: bool | None) -> None:
    """1.6 to 2.4 million cells/kg, both ends inside; one outside is asked about.

    An amount nobody told, or one that cannot be compared, may have been another dose: undetermined until it is known,
    and asked for.
    """
    seen = _infused(1, 2).infused(3, amount, unit).at(THE_END)
    assert seen.counts is counts
    assert seen.status is not None
    assert (seen.status.phase, seen.status.completes) == ("completed_window", counts)
    asked = {one.code for one in subject.standing(seen.record).values() if isinstance(one, DataQuery)}
    codes = {True: set[str](), False: {"dose_off_plan"}, None: {"dose_not_comparable", "dose_without_amount"}}
    assert bool(asked & codes[counts]) is (counts is not True)


def test_an_amount_that_comes_late_decides_and_a_lacking_infusion_needs_none() -> None:
    """Told as 2 million cells/kg: evaluable; as 1 million: not. Nor is who lacks the third, whatever was given."""
    given: dict[str, Any] = {
        "kind": "dose_given", "role": "infusion", "treatment": "anti-CD19 CAR-NK", "number": 3, "given": DAYS[2],
        "source": {"system": "edc", "id": "infusion-3", "version": 2}, "unit": "cells/kg",
    }  # fmt: skip
    for amount, counts in (("2000000", True), ("1000000", False)):
        seen = _infused(1, 2).infused(3, None, None).at(THE_END)
        assert seen.told("infusion-3", as_of=THE_END, amount=amount, **given).counts is counts
    assert _infused(1).infused(2, None, None).at(THE_END).counts is False


def test_who_died_is_told_as_dead_and_not_as_through_the_window() -> None:
    """Died on 20 July inside the window, or in September after it: dead from the report on, counted as before."""
    for day, counts in (("2024-07-20", False), ("2024-09-10", True)):
        fatal = {"term": "Sepsis", "grade": 5, "outcome": "fatal", "onset": day, "resolved": day}
        more: dict[str, Any] = {"reported_at": "2024-09-12T08:00:00+08:00", "attribution": "unrelated"}
        late = datetime.fromisoformat("2024-09-12T12:00:00+08:00")
        seen = _infused(1, 2, 3).told("end", as_of=late, kind="adverse_event", **fatal, **more)
        assert seen.status is not None
        assert (seen.status.phase, seen.counts) == ("died", counts)


@pytest.mark.parametrize(("withdrawn", "counts"), [("2024-07-20", False), ("2024-08-12", False), ("2024-08-13", True)])
def test_who_leaves_the_study_within_the_window_does_not_count(withdrawn: str, counts: bool) -> None:
    """The last day of the window is still within it; who left afterwards was watched to the end."""
    left: dict[str, Any] = {"kind": "withdrawn", "from_what": "study", "reason": "moved away", "withdrawn": withdrawn}
    seen = _infused(1, 2, 3).at(THE_END).told("left", as_of=THE_END, **left)
    assert seen.status is not None
    assert (seen.status.phase, seen.counts) == ("withdrawn", counts)


def test_who_leaves_before_any_infusion_does_not_count_and_who_leaves_treatment_is_watched_on() -> None:
    """Leaving treatment after the third infusion is no leave from the study."""
    left: dict[str, Any] = {"kind": "withdrawn", "reason": "own wish", "withdrawn": "2024-07-16"}
    assert _enrolled().told("left", from_what="study", **left).counts is False
    assert _infused(1, 2, 3).told("left", from_what="treatment", **left).at(THE_END).counts is True


@pytest.mark.parametrize(
    ("when", "counts"),
    [("2024-07", False), ("2024-08", None), ("2024", None), ("2024-08-12", False), ("2024-09", True)],
)
@pytest.mark.parametrize("how", ["left", "died"])
def test_an_end_told_by_its_month_counts_only_when_all_of_it_lies_on_one_side(
    how: str, when: str, counts: bool | None
) -> None:
    """The window ends with 12 August: July is before it, September after it, August and the year may be either.

    Who had only two of the infusions is not evaluable, whichever it was.
    """
    events: dict[str, dict[str, Any]] = {
        "left": {"kind": "withdrawn", "from_what": "study", "reason": "moved away", "withdrawn": when},
        "died": {
            "kind": "adverse_event", "term": "Sepsis", "grade": 5, "outcome": "fatal", "onset": "2024-07-25",
            "resolved": when, "attribution": "unrelated",
        },
    }  # fmt: skip
    late = datetime.fromisoformat("2024-10-02T12:00:00+08:00")
    seen = _infused(1, 2, 3).at(THE_END).told("end", as_of=late, **events[how])
    assert (seen.counts, len(seen.asked_for_the_day)) == (counts, int(counts is None))
    seen = _infused(1, 2).at(THE_END).told("end", as_of=late, **events[how])
    assert (seen.counts, seen.asked_for_the_day) == (False, [])


def test_the_day_of_leaving_is_asked_for_once_it_matters_and_no_longer_when_it_was_told() -> None:
    """Gone in August, the window to 12 August: asked while it is open already, with both sides; told on the 20th."""
    left: dict[str, Any] = {"kind": "withdrawn", "from_what": "study", "reason": "moved away", "withdrawn": "2024-08"}
    seen = _infused(1, 2, 3).told("left", **left)
    assert [one.found for one in seen.asked_for_the_day] == ["withdrawn 2024-08, and a DLT window to 2024-08-12"]
    source = {"system": "edc", "id": "left", "version": 2}
    seen.told("left", **left | {"source": source, "withdrawn": "2024-08-20"}).at(THE_END)
    assert (seen.counts, seen.asked_for_the_day) == (True, [])


def test_a_death_between_onset_and_report_is_asked_for_by_its_two_ends() -> None:
    """Fatal, onset 25 July, reported 20 August, no day of the death: it may have been before the window's end."""
    fatal = {"term": "Sepsis", "grade": 5, "outcome": "fatal", "onset": "2024-07-25", "attribution": "unrelated"}
    late = datetime.fromisoformat("2024-10-02T12:00:00+08:00")
    seen = _infused(1, 2, 3).at(THE_END)
    seen.told("end", as_of=late, kind="adverse_event", reported_at="2024-08-20T08:00:00+08:00", **fatal)
    assert [one.found for one in seen.asked_for_the_day] == [
        "a death between 2024-07-25 and 2024-08-20, and a DLT window to 2024-08-12"
    ]
    assert seen.counts is None


def test_nobody_is_asked_for_a_day_on_which_nothing_hangs() -> None:
    """A DLT counts whenever the subject left; leaving the treatment alone is no end of the observation."""
    left: dict[str, Any] = {"kind": "withdrawn", "reason": "moved away", "withdrawn": "2024-08"}
    seizure: dict[str, Any] = {"term": "Seizure", "grade": 3, "onset": "2024-07-16", "attribution": "probable"}
    seen = _infused(1, 2, 3).told("ae", kind="adverse_event", **seizure).told("left", from_what="study", **left)
    assert (seen.counts, seen.asked_for_the_day) == (True, [])
    assert not _infused(1, 2, 3).told("left", from_what="treatment", **left).asked_for_the_day


@pytest.mark.parametrize("from_what", ["treatment", "study"])
def test_who_leaves_before_the_first_infusion_can_never_be_dosed_and_is_replaced(from_what: str) -> None:
    """Enrolled and never infused, to be replaced from that day on; an infusion told late opens a window still."""
    left: dict[str, Any] = {"kind": "withdrawn", "reason": "own wish", "withdrawn": "2024-06-30"}
    seen = _enrolled().told("left", from_what=from_what, **left)
    assert (seen.counts, seen.deadline) == (False, None)
    if from_what == "treatment":
        assert seen.infused(1).summed_up == ("in_window", None, datetime.fromisoformat("2024-07-30T00:00:00+08:00"))


def test_who_dies_before_the_first_infusion_can_never_be_dosed_and_is_replaced() -> None:
    """A fatal sepsis in June, told with the month only: nobody can be infused on 1 July."""
    fatal: dict[str, Any] = {"term": "Sepsis", "grade": 5, "outcome": "fatal", "attribution": "unrelated"}
    assert _enrolled().told("death", kind="adverse_event", onset="2024-06", resolved="2024-06", **fatal).counts is False
    assert _enrolled().counts is None, "alive and not infused yet"


def test_a_dlt_makes_a_subject_count_at_once_and_its_refutation_takes_that_back() -> None:
    """One infusion, then grade 3 seizure: evaluable in the open window; both rules refuted: undecided once more."""
    seizure: dict[str, Any] = {"term": "Seizure", "grade": 3, "onset": "2024-07-03", "resolved": "2024-07-03"}
    seen = _infused(1).told("ae", kind="adverse_event", attribution="probable", **seizure)
    assert seen.status is not None
    assert (seen.status.phase, seen.status.dlt, seen.counts) == ("in_window", "candidate", True)
    limiting = [one for one in subject.standing(seen.record).values() if one.kind == "dose_limiting_toxicity"]
    assert [one.rule for one in limiting] == ["neurotoxicity-3"], "it lasted a day at most"
    seen.told(
        "decision", kind="adjudicated", finding=limiting[0].id, verdict="refuted", by="Dr. Chen",
        why="known epilepsy, dose missed", decided_at="2024-07-16T09:00:00+08:00",
    )  # fmt: skip
    assert (seen.status.dlt, seen.counts) == ("none", None)
    assert seen.at(datetime.fromisoformat("2024-07-30T00:00:00+08:00")).counts is False, "one infusion of three"
