"""Claims about a cytopenia that the lymphodepletion began and that outlasts an infusion (register T4).

lymphodepletion -5   grade 4 since -1   infusion 0                     28
                          |=================*===========================|==>   more than 28 days after the infusion
"""

from typing import Any

import pytest
from pydantic import ValidationError
from stories import TREATED, Played, adverse, at, lab, told, without_schedule

from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import DltRule

LOW, BACK = "0.3", "0.9"


def counts(low: list[float], *back: float) -> list[DoseLimitingToxicity]:
    """What is found when neutrophils are 0.3 on these days and 0.9 on those."""
    told_ = [
        lab("NEUT", -12, "3.1"),
        *(lab("NEUT", day, LOW) for day in low),
        *(lab("NEUT", day, BACK) for day in back),
    ]
    forwards = Played([*TREATED, *told_], book=without_schedule()).of("dose_limiting_toxicity")
    assert Played([*reversed(told_), *TREATED], book=without_schedule()).of("dose_limiting_toxicity") == forwards
    return forwards


def test_it_counts_from_the_infusion_that_it_outlasts() -> None:
    """Below 0.5 from day -1 to day 30: more than 29 days after the infusion of day 0, from which it is counted."""
    (found,) = counts([-1, 5, 10, 15, 20, 25, 30], 35)
    assert (found.rule, found.state, found.infusions) == ("neutropenia-4", "candidate", (1,))
    assert found.onset == Moment(at(0, 10).isoformat())
    assert f"onset {told(-1)}, counted from infusion 1 at {told(0, 10)}" in found.evidence.sentence
    assert "T4: it began before infusion 1 and is counted from there" in found.evidence.reasons


@pytest.mark.parametrize(
    ("low", "back", "state"),
    [
        ([-1, 5, 10, 20], [27], None),  # 27 days at the most, though 28 since it began
        ([-1, 5, 10, 20], [30], "possible"),  # between 20 and 30 days: not known
        ([-1], [3], None),  # three days
        ([-1], [-0.5], None),  # over before the infusion
        ([-1], [], "possible"),  # nobody has looked since
        ([-6, -1, 5, 10, 15, 20, 25, 30], [35], None),  # there before the lymphodepletion: not of the treatment
        ([1, 5, 10, 15, 20, 25, 31], [35], "candidate"),  # begun in the window, as ever
    ],
)
def test_for_how_long_after_the_infusion(low: list[float], back: list[float], state: str | None) -> None:
    """More than 28 days after the infusion: known, possible or impossible by when the samples were taken."""
    assert [one.state for one in counts(low, *back)] == ([] if state is None else [state])


def test_a_doubtful_count_before_the_infusion_spoils_no_count_after_it() -> None:
    """Day -1 low, day -0.5 "<0.8" (perhaps grade 3), then low from day 1 to day 30: 29 known days."""
    low = [lab("NEUT", day, LOW) for day in (-1, 1, 5, 10, 15, 20, 25, 30)]
    told_ = [lab("NEUT", -12, "3.1"), *low, lab("NEUT", -0.5, "<0.8"), lab("NEUT", 35, BACK)]
    (found,) = Played([*TREATED, *told_], book=without_schedule()).of("dose_limiting_toxicity")
    assert (found.rule, found.state) == ("neutropenia-4", "candidate")


@pytest.mark.parametrize(("resolved", "state"), [(35, "candidate"), (28, None), (-1, None)])
def test_it_holds_for_a_report_as_for_the_laboratory(resolved: int, state: str | None) -> None:
    """Reported as grade 4 from day -2: to day 35 it outlasts the infusion by 34 days, to day 28 by just under 28."""
    says: dict[str, Any] = {"grade": 4, "attribution": "possible", "outcome": "recovered", "reported": at(40)}
    event = adverse("Neutrophil count decreased", -2, resolved=told(resolved), **says)
    found = Played([*TREATED, event], book=without_schedule()).of("dose_limiting_toxicity")
    assert [(one.rule, one.state) for one in found] == ([] if state is None else [("neutropenia-4", state)])


def test_without_a_count_before_it_it_counts_and_says_what_nobody_knows() -> None:
    """No neutrophils before the first low ones of day -1: it may be older than the lymphodepletion of day -5."""
    low = [lab("NEUT", day, LOW) for day in (-1, 5, 10, 15, 20, 25, 30)]
    unknown = "T4: no count surely below that grade is on file before it: it may be older than the lymphodepletion"
    (found,) = Played([*TREATED, *low], book=without_schedule()).of("dose_limiting_toxicity")
    assert (found.state, unknown in found.evidence.reasons) == ("candidate", True)
    (known,) = counts([-1, 5, 10, 15, 20, 25, 30], 35)
    assert unknown not in known.evidence.reasons


def test_a_rule_that_counts_from_the_infusion_needs_a_duration() -> None:
    """Else every grade that the lymphodepletion left at an infusion would be a DLT; the error says what is missing."""
    rule = {"id": "any-4", "text": "Any grade 4", "source": "example", "grade": ">= 4", "counts_from": "infusion"}
    with pytest.raises(ValidationError, match="any-4: counts_from: infusion: expected a grade and a duration"):
        DltRule.model_validate(rule)


def test_a_lymphodepletion_told_late_lets_it_count() -> None:
    """The neutrophils are told before anybody told of the lymphodepletion: once it is told they count from day 0."""
    low = [lab("NEUT", day, LOW) for day in (-1, 5, 10, 15, 20, 25, 30)]
    before = [one for one in TREATED if getattr(one, "role", None) != "lymphodepletion"]
    late = [one for one in TREATED if getattr(one, "role", None) == "lymphodepletion"]
    played = Played([*before, *low], book=without_schedule())
    assert not played.of("dose_limiting_toxicity")
    played = Played([*before, *low, *late], book=without_schedule())
    assert played.one("dose_limiting_toxicity").state == "candidate"
