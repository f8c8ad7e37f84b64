"""An adverse-event report checked against the facts: the investigator's grade stays, contradictions become questions.

Grades of terms from CTCAE v5.0: alopecia has 1 and 2, fatigue 1 to 3, sepsis 3 to 5, nausea 1 to 3.
"""

from typing import Any

import pytest
from stories import TREATED, Played, adverse, at, told

from safety_stream.clinical.findings_reported import ReportedEvent
from safety_stream.clinical.findings_subject import DataQuery


def reported(term: str, **says: Any) -> tuple[ReportedEvent, list[DataQuery]]:
    """The finding and the questions of one report of day 2."""
    played = Played([*TREATED[:6], adverse(term, 2, **says)])
    return played.one("reported_event"), played.of("data_query")


QUESTIONS = [
    ("Alopecia", {"grade": 3}, "grade_not_in_term", "grade 3", "one of 1, 2"),
    ("Fatigue", {"grade": 4}, "grade_not_in_term", "grade 4", "one of 1, 2, 3"),
    ("Sepsis", {"grade": 2}, "grade_not_in_term", "grade 2", "one of 3, 4, 5"),
    (
        "Sepsis", {"grade": 4, "outcome": "fatal"},
        "grade_against_facts", "grade 4 and death", "grade 5 with a fatal event",
    ),
    (
        "Sepsis", {"grade": 4, "seriousness": ["death"], "outcome": "unknown"},
        "grade_against_facts", "grade 4 and death", "grade 5 with a fatal event",
    ),
    (
        "Sepsis", {"grade": 5, "outcome": "recovered", "resolved": told(2)},
        "grade_against_facts", "grade 5 and outcome recovered", "a fatal outcome with grade 5",
    ),
    (
        "Hypotension", {"grade": 2, "seriousness": ["life-threatening"]},
        "grade_against_facts", "grade 2 and life-threatening", "grade 4 or more when life-threatening",
    ),
    (
        "Nausea", {"grade": 3, "serious": False, "seriousness": ["hospitalization"]},
        "seriousness_contradictory", "not serious, and hospitalization", "one or the other",
    ),
    (
        "Nausea", {"grade": 1, "resolved": "2024-06-20", "outcome": "recovered"},
        "resolved_before_onset", f"onset {told(2)}, resolved 2024-06-20", "an end no earlier than the onset",
    ),
    (
        "Nausea", {"grade": 1, "resolved": told(3), "outcome": "not-recovered", "reported": at(4)},
        "outcome_contradictory", f"resolved {told(3)} and outcome not-recovered", "one or the other",
    ),
    (
        "Nausea", {"grade": 1, "meddra_code": "10047700"},  # the code of vomiting; nausea is 10028813
        "term_and_code_differ", "Nausea with code 10047700", "code 10028813 or Vomiting",
    ),
    (
        "Nausea", {"grade": 1, "onset": told(4)},
        "onset_after_report", f"onset {told(4)}, reported {told(2, 20)}", "an onset before its report",
    ),
    (
        "Nausea", {"grade": 1, "resolved": told(9)},
        "end_after_report", f"ended {told(9)}, reported {told(2, 20)}", "an end no later than its report",
    ),
    (
        "Sepsis", {"grade": 5, "outcome": "fatal", "resolved": told(9)[:10]},
        "end_after_report", f"died {told(9)[:10]}, reported {told(2, 20)}", "an end no later than its report",
    ),
    (
        "Nausea", {"grade": 2, "grade_course": [{"grade": 1, "since": told(2)}, {"grade": 2, "since": told(9)}]},
        "grade_course_contradictory", f"grade 2 since {told(9)}, reported {told(2, 20)}", "a course up to its report",
    ),
    (
        "Nausea", {"grade": 1, "outcome": "recovered"},
        "missing_end", "outcome recovered, no end", "the day it ended, as exact as it is known",
    ),
    ("Nausea", {"grade": 1, "onset": None}, "missing_onset", "no onset", "the day it began, as exact as it is known"),
]  # fmt: skip


@pytest.mark.parametrize(("term", "says", "code", "found", "expected"), QUESTIONS)
def test_a_contradiction_is_one_question_that_says_what_contradicts_what(
    term: str, says: dict[str, Any], code: str, found: str, expected: str
) -> None:
    """One question, with what was found and what was expected; the grade of record is what the site gave (G24)."""
    finding, questions = reported(term, **says)
    assert [(one.code, one.found, one.expected) for one in questions] == [(code, found, expected)]
    assert finding.grade == says["grade"]
    assert term in questions[0].about


CONSISTENT: list[tuple[str, dict[str, Any]]] = [
    ("Nausea", {"grade": 3, "seriousness": ["hospitalization"]}),
    ("Nausea", {"grade": 1, "meddra_code": "10028813", "resolved": told(3), "outcome": "recovered", "reported": at(4)}),
    ("Nausea", {"grade": 1, "resolved": "2024-06-26"}),  # the day of the onset: it may have ended after it
    ("Sepsis", {"grade": 5, "outcome": "fatal", "seriousness": ["death"]}),
    ("Sepsis", {"grade": 4, "seriousness": ["life-threatening"]}),
    ("Sepsis", {"grade": 4, "serious": False}),
    ("nausea", {"grade": 1}),
]


@pytest.mark.parametrize(("term", "says"), CONSISTENT)
def test_a_report_that_fits_together_raises_no_question(term: str, says: dict[str, Any]) -> None:
    """No needless question: every one of them costs a person's time."""
    assert reported(term, **says)[1] == []


SUPPORTED = [
    ("Nausea", {}, "1-3"),
    ("Sepsis", {}, "3-4"),
    ("Sepsis", {"outcome": "fatal"}, "5"),
    ("Sepsis", {"seriousness": ["life-threatening"]}, "4"),
    ("Sepsis", {"seriousness": ["death", "life-threatening"]}, "5"),
    ("Feeling quite odd", {}, "1-4"),
    ("Feeling quite odd", {"outcome": "fatal"}, "5"),
]


@pytest.mark.parametrize(("term", "says", "supported"), SUPPORTED)
def test_a_report_without_a_grade_has_the_range_that_its_facts_support(
    term: str, says: dict[str, Any], supported: str
) -> None:
    """Death is 5 and only 5, life-threatening is 4, else every grade below 5 of the term; the grade stays open."""
    finding, _ = reported(term, **says)
    assert (finding.grade, str(finding.supported)) == (None, supported)


@pytest.mark.parametrize("word", ["mild", "moderate", "severe"])
def test_a_word_of_severity_is_never_a_grade(word: str) -> None:
    """Severe is not grade 3: the word is shown as it was told, and narrows nothing; the grade is asked for."""
    finding, questions = reported("Nausea", severity_word=word)
    assert (finding.grade, str(finding.supported), finding.serious) == (None, "1-3", False)
    assert ("severity as reported", word) in [(one.name, one.value) for one in finding.evidence.inputs]
    assert [one.code for one in questions] == ["missing_grade"]


SERIOUS = [
    ({"grade": 1}, False),
    ({"grade": 3}, False),  # severe is not serious
    ({"grade": 1, "seriousness": ["hospitalization"]}, True),
    ({"grade": 1, "serious": True}, True),
    ({"grade": 1, "serious": False, "seriousness": ["disability"]}, True),
    ({"outcome": "fatal"}, True),
    ({"outcome": "fatal", "serious": False}, True),
]


@pytest.mark.parametrize(("says", "serious"), SERIOUS)
def test_serious_is_what_somebody_called_serious_or_fatal(says: dict[str, Any], serious: bool) -> None:
    """A criterion, the reporter's own statement or a death; "not serious" beside a criterion does not silence it."""
    assert reported("Nausea", **says)[0].serious is serious


def test_the_code_decides_the_term_and_the_words_are_kept() -> None:
    """With the code of vomiting the term is vomiting, whatever the words; the words stay in the evidence."""
    finding, questions = reported("Threw up his breakfast", grade=1, meddra_code="10047700")
    assert (finding.term, finding.meddra_code, questions) == ("Vomiting", "10047700", [])
    assert finding.evidence.inputs[0].value == "Threw up his breakfast"


def test_an_unknown_term_is_asked_about_and_never_guessed() -> None:
    """ "Nausia" is not a CTCAE term; nausea is suggested, and the report keeps its own word (G25)."""
    finding, (question,) = reported("Nausia", grade=2)
    assert (finding.term, finding.meddra_code, question.code) == ("Nausia", None, "unknown_term")
    assert question.expected.startswith("a CTCAE v5.0 term, perhaps ")
    assert "Nausea" in question.expected


@pytest.mark.parametrize(
    ("onset", "emergent"), [(told(-6), False), (told(1), True), ("2024-06", None), ("2024-06-19", None)]
)
def test_treatment_emergent_by_its_onset(onset: str, emergent: bool | None) -> None:
    """After the first dose (19 June, 10:00) yes, before it no; on that day or some day of that month unknown (T12)."""
    assert reported("Nausea", grade=1, onset=onset)[0].emergent is emergent


def test_a_report_taken_back_leaves_nothing() -> None:
    """Entered in error: no finding, no question, no DLT."""
    first = adverse("Hypotension", 2, grade=2, seriousness=["life-threatening"])
    gone = adverse("Hypotension", 2, grade=2, seriousness=["life-threatening"], version=2, status="entered-in-error")
    played = Played([*TREATED[:6], first, gone])
    assert played.of("reported_event") == played.of("data_query") == played.of("dose_limiting_toxicity") == []


@pytest.mark.parametrize(
    ("says", "found", "rule"),
    [
        ({"outcome": "fatal"}, "death", "death"),
        ({"seriousness": ["life-threatening"]}, "life-threatening", "non-hematologic-4"),
    ],
)
def test_facts_graver_than_the_term_allows_are_a_question_and_a_possible_dlt(
    says: dict[str, Any], found: str, rule: str
) -> None:
    """Nausea has no grade 4 or 5: a death reported under it is asked about, and its DLT rule stays possible."""
    played = Played([*TREATED[:6], adverse("Nausea", 2, **says)])
    assert (played.one("data_query").code, played.one("data_query").found) == ("grade_not_in_term", found)
    assert played.one("dose_limiting_toxicity", rule=rule).state == "possible"
    assert played.one("reported_event").serious
