"""Claims about a study told from its subjects' own events: what was reported, up to the advice and the mails.

    day            0     14 15        57|58        70        75 ...
    level 1        001   002 003  windows close    |         a DLT of 002, reported late
    level 2                                        004 infused

Days count from the first infusion of subject 001. A window of 28 days after each of three infusions ends on day 42.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from stepping import all_consequences
from stories import (
    STUDY,
    Played,
    adjudicated,
    adverse,
    at,
    enrolled,
    infusion,
    lab,
    lymphodepletion,
    planned,
    screened,
    withdrawn,
)

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.consequences import cohort_consequences
from safety_stream.clinical import cohort, subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_study import CohortDecision, StudyTally
from safety_stream.clinical.record import SubjectRecord


class Study:
    """All subjects of the bundled study while it runs: what each was told of, the advice, the mails."""

    def __init__(self) -> None:
        self.subjects: dict[str, SubjectRecord] = {}
        self.record = cohort.empty(STUDY)
        self.sent: list[Alert] = []
        self.book = Played().book

    def told(self, name: str, *events: SubjectEvent) -> "Study":
        """Events of one subject, each as of its report."""
        for event in events:
            self._take(name, event.model_copy(update={"subject": name}), event.reported_at)
        return self

    def passes(self, day: float) -> "Study":
        """Nothing happens until the beginning of a day: windows close by themselves."""
        for name in sorted(self.subjects):
            self._take(name, None, at(day, 0))
        return self

    def mails(self) -> list[tuple[str, str, str, int | None]]:
        """What went out of the dose levels since this was last asked: case, state, urgency, level."""
        told, self.sent = [one for one in self.sent if one.type == "cohort_decision"], []
        return [(one.case, one.state, one.urgency, one.dose_level) for one in told]

    def advice(self, level: int) -> CohortDecision:
        """What stands for a level."""
        (found,) = [
            one.finding
            for one in self.record.kept.values()
            if isinstance(one.finding, CohortDecision) and one.finding.dose_level == level
        ]
        return found

    @property
    def tally(self) -> StudyTally:
        """The study as a whole."""
        (found,) = [one.finding for one in self.record.kept.values() if isinstance(one.finding, StudyTally)]
        return found

    def limiting(self, name: str) -> str:
        """The id of a subject's only dose-limiting toxicity."""
        standing = subject.standing(self.subjects[name]).values()
        (found,) = [one.id for one in standing if one.kind == "dose_limiting_toxicity"]
        return found

    def _take(self, name: str, event: SubjectEvent | None, as_of: datetime) -> None:
        record = self.subjects.get(name, subject.empty(STUDY, name))
        done = all_consequences(record, event, self.book, as_of)
        self.subjects[name] = done.record
        alerts = list(done.alerts)
        if done.status is not None:
            after = cohort_consequences(self.record, done.status, self.book)
            self.record = after.record
            alerts += after.alerts
        self.sent += [one for one in alerts if one.decision.action == "send"]


def _treated(first: float, *, level: int = 1, infusions: Iterable[int] = (1, 2, 3)) -> list[SubjectEvent]:
    """Screening to the last infusion, the first on this day."""
    amount = str((level + 1) * 1_000_000)
    return [
        screened(first - 20),
        enrolled(level, first - 7),
        lymphodepletion(first - 5),
        *(infusion(number, first + 7 * (number - 1), amount=amount) for number in infusions),
    ]


def _seizure(day: float, **more: Any) -> SubjectEvent:
    """Grade 3, over within a day, related: by the example rules a DLT whenever its onset lies in a window."""
    facts: dict[str, Any] = {"grade": 3, "resolved": str(at(day).date()), "attribution": "probable", "reported": at(75)}
    return adverse("Seizure", day, **(facts | more))


def _opened() -> Study:
    """Three of level 1 through their windows without a DLT, a fourth subject infused at level 2 on day 70."""
    study = Study()
    for name, first in (("001", 0), ("002", 14), ("003", 15)):
        study.told(name, *_treated(first))
    return study.passes(58).told("004", *_treated(70, level=2, infusions=(1,)))


def test_the_level_above_opens_when_the_last_window_has_closed_and_not_before() -> None:
    """The window of 003 ends with day 57: to wait until its last minute, to escalate from the first of day 58."""
    study = Study()
    for name, first in (("001", 0), ("002", 14), ("003", 15)):
        study.told(name, *_treated(first))
    study.passes(57.999)
    waiting = study.advice(1)
    assert (waiting.decision, waiting.reachable) == ("wait", ("enrol", "expand", "escalate"))
    assert waiting.evidence.comparison == (
        "3 enrolled = 2 evaluable + 1 not decided + 0 not evaluable; 0 DLT in 2 evaluable: the table says enrol"
    )
    study.mails()
    study.passes(58)
    assert (study.advice(1).decision, study.advice(1).reachable) == ("escalate", ("escalate",))
    assert study.mails() == [("", "raised", "info", 1)]


def test_who_stopped_before_the_first_infusion_is_replaced_at_once() -> None:
    """001 and 002 through without a DLT, 003 gave up before any infusion: 0 of 2, one more is enrolled."""
    study = Study().told("001", *_treated(0)).told("002", *_treated(14)).told("003", *_treated(30, infusions=()))
    study.passes(58)
    assert (study.advice(1).decision, study.advice(1).tally.not_evaluable) == ("wait", 0)
    study.told("003", withdrawn(29, "treatment").model_copy(update={"reported_at": at(58, 12)}))
    found = study.advice(1)
    assert (found.decision, found.reachable, found.pending) == ("enrol", ("enrol",), ())
    assert (found.to_enrol, found.to_replace, found.not_evaluable) == (1, 1, ("003",))


def _third(*events: SubjectEvent) -> Study:
    """001 and 002 of level 1 are through without a DLT by day 0; the third is what is asked about."""
    return Study().told("001", *_treated(-60)).told("002", *_treated(-46)).passes(0).told("003", *events)


def _open_end(study: Study) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the only subject who is not decided can end, and the advice that can come of it."""
    (waiting,) = study.advice(1).pending
    return waiting.may_end, study.advice(1).reachable


ANY_END = (("dlt", "completed", "not_evaluable"), ("enrol", "expand", "escalate"))


def test_who_is_through_with_all_infusions_ends_with_the_possible_dlt_or_without() -> None:
    """A seizure in August, the window to the 5th (day 42): then 1 of 3 or 0 of 3; until then the subject may leave."""
    seizure = _seizure(42, onset="2024-08", resolved="2024-08", reported=at(42, 12))
    study = _third(*_treated(0), seizure).passes(42.999)
    assert _open_end(study) == ANY_END
    study.passes(43)
    assert _open_end(study) == (("dlt", "completed"), ("expand", "escalate"))
    study.told("003", adjudicated(study.limiting("003"), 44, "refuted"))
    assert study.advice(1).decision == "escalate"


def test_who_is_watched_longer_than_the_window_is_through_when_it_closes() -> None:
    """Neutrophils of grade 4 from day 20 may pass 28 days on day 48: from day 43 on without leave to be replaced."""
    low = [lab("NEUT", 19, "1.2"), lab("NEUT", 20, "0.3"), lab("NEUT", 24, "0.3")]
    study = _third(*_treated(0), *low).passes(42.999)
    assert _open_end(study) == ANY_END
    study.passes(43)
    assert _open_end(study) == (("dlt", "completed"), ("expand", "escalate"))
    study.told("003", withdrawn(45))
    assert _open_end(study) == (("dlt", "completed"), ("expand", "escalate"))


@pytest.mark.parametrize("amount", ["2000000", "20000000"])
def test_who_cannot_get_all_infusions_as_planned_ends_with_a_dlt_or_is_replaced(amount: str) -> None:
    """One infusion; the treatment is stopped on day 3, or it was ten times the dose: 1 of 3 or 0 of 2, never 0 of 3.

    Watched to day 28 all the same: a seizure on day 20 makes it 1 of 3. Else one is replaced on day 29.
    """
    study = _third(*_treated(0, infusions=()), infusion(1, 0, amount=amount)).passes(3)
    if amount == "2000000":
        assert _open_end(study) == ANY_END
        study.told("003", withdrawn(3, "treatment"))
    for day in (4, 28.999):
        assert _open_end(study.passes(day)) == (("dlt", "not_evaluable"), ("enrol", "expand"))
    study.passes(29)
    assert (study.advice(1).decision, study.advice(1).to_replace, study.advice(1).pending) == ("enrol", 1, ())
    assert study.told("003", _seizure(20)).advice(1).decision == "expand"


def test_a_dlt_reported_late_takes_the_support_away_and_everybody_concerned_is_told_at_once() -> None:
    """1 of 3 with level 2 open: expand level 1, hold level 2; the advice to escalate is taken back. No name is told."""
    study = _opened()
    study.mails()
    study.told("002", _seizure(20))
    below, above = study.advice(1), study.advice(2)
    assert (below.decision, below.no_longer_supported, above.decision) == ("expand", True, "hold")
    assert (below.tally.dlt, below.tally.evaluable, below.to_enrol) == (1, 3, 3)
    mails = [one for one in study.sent if one.type == "cohort_decision"]
    (lost,) = [one for one in mails if one.case == "no_longer_supported"]
    assert (lost.urgency, lost.subject) == ("critical", None)
    assert "does not support" in lost.headline
    assert not any("002" in value for one in mails for _, value in one.facts)
    assert "expand" in dict(lost.facts)["Advice"]


def test_refuting_the_dlt_gives_the_support_back_and_the_mail_is_taken_back() -> None:
    """A person decides that it is none: 0 of 3 again; whoever held level 2 hears that the reason is gone."""
    study = _opened().told("002", _seizure(20))
    study.mails()
    study.told("002", adjudicated(study.limiting("002"), 80, "refuted"))
    assert (study.advice(1).decision, study.advice(1).no_longer_supported) == ("escalate", False)
    assert study.advice(2).decision == "enrol"
    assert ("no_longer_supported", "withdrawn", "critical", 1) in study.mails()


def test_confirming_it_changes_no_advice_and_a_second_one_stops_both_levels() -> None:
    """A candidate counted already. With 2 of 3 the dose of level 1 is too high, and so is the one above it."""
    study = _opened().told("002", _seizure(20))
    study.told("002", adjudicated(study.limiting("002"), 80, "confirmed"))
    assert (study.advice(1).decision, study.advice(1).tally.dlt_confirmed) == ("expand", 1)
    study.mails()
    study.told("001", _seizure(3, reported=at(81)))
    assert (study.advice(1).decision, study.advice(2).decision) == ("stop", "stop")
    stopped = [one for one in study.mails() if one[:2] == ("stop", "raised")]
    assert sorted(stopped, key=str) == [("stop", "raised", "critical", 1), ("stop", "raised", "critical", 2)]


def test_a_dose_corrected_to_half_takes_the_support_away_too() -> None:
    """Subject 003 had 1 million cells/kg instead of 2 at the third infusion: not evaluable, 0 of 2, to be replaced."""
    study = _opened()
    study.mails()
    study.told("003", infusion(3, 29, amount="1000000", version=2))
    below = study.advice(1)
    assert (below.decision, below.no_longer_supported, study.advice(2).decision) == ("enrol", True, "hold")
    assert (below.not_evaluable, below.to_enrol, below.to_replace) == (("003",), 1, 1)
    assert ("no_longer_supported", "raised", "critical", 1) in study.mails()


def test_who_left_in_the_window_is_replaced_and_stays_in_the_safety_set() -> None:
    """002 leaves after one infusion, with a grade 2 headache: counted among the dosed, not among the evaluable."""
    study = Study().told("001", *_treated(0)).told("002", *_treated(14, infusions=(1,)))
    study.told("002", adverse("Headache", 16, grade=2, attribution="possible"), withdrawn(20)).passes(58)
    level = study.advice(1)
    assert (level.not_evaluable, level.to_enrol, level.to_replace) == (("002",), 2, 1)
    assert any(one.startswith("T6: 1 not evaluable, to be replaced") for one in level.evidence.reasons)
    counted = {
        (one.outcome, one.among): (one.count, one.of)
        for one in study.tally.proportions
        if one.dose_level is None and one.worst_grade is None
    }
    assert counted["dlt", "dlt_evaluable"] == (0, 1)
    assert counted["dlt", "dosed"] == (0, 2)
    assert counted["adverse_event", "dosed"] == (1, 2)


@pytest.mark.parametrize(("day", "mails"), [(13, [("stagger", "raised", "critical", 1)]), (14, [])])
def test_a_plan_inside_the_stagger_is_told_while_it_can_still_be_moved(day: int, mails: list[Any]) -> None:
    """001 infused on day 0, 14 days asked for: a plan for day 13 is told before it happens, one for day 14 is not."""
    study = Study().told("001", *_treated(0))
    study.mails()
    study.told("002", screened(day - 20), enrolled(1, day - 7), planned(1, day))
    assert [one for one in study.mails() if one[0] == "stagger"] == mails


def test_a_plan_of_a_subject_who_left_breaks_no_stagger() -> None:
    """002 was planned for day 13 and leaves before: nothing has to be held, and the mail has ended."""
    study = Study().told("001", *_treated(0)).told("002", screened(-7), enrolled(1, 6), planned(1, 13))
    study.mails()
    study.told("002", withdrawn(10))
    assert ("stagger", "ended", "critical", 1) in study.mails()


def test_the_stagger_counts_from_the_first_of_the_level_not_from_the_one_before() -> None:
    """001 on day 0, 002 on day 14, 003 on day 15: both are far enough from the first; each level counts by itself."""
    study = Study()
    for name, first, level in (("001", 0, 1), ("002", 14, 1), ("003", 15, 1), ("004", 16, 2)):
        study.told(name, *_treated(first, level=level, infusions=(1,)))
    assert [one for one in study.mails() if one[0] == "stagger"] == []


def test_the_cap_falls_back_when_an_enrolment_was_entered_in_error() -> None:
    """Ten are planned. The tenth enrolment is told, its withdrawal as well; then nine are enrolled."""
    study = Study()
    for number in range(1, 11):
        study.told(f"{number:03}", screened(-20), enrolled(1, -7))
    assert [one for one in study.mails() if one[0] == "cap"] == [("cap", "raised", "warning", None)]
    tenth = enrolled(1, -7).model_dump() | {"status": "entered-in-error"}
    tenth["source"]["version"] = 2
    study.told("010", type(enrolled()).model_validate(tenth))
    assert [one for one in study.mails() if one[0] == "cap"] == [("cap", "withdrawn", "warning", None)]
    assert (study.tally.enrolled, study.tally.enrolment) == (9, "below")
