"""The laboratory against the reports: who lacks whom, after 7 days, both ways; expected episodes owe no report."""

from itertools import permutations

import pytest
from stories import TREATED, Played, adverse, at, bundled, bundled_with, lab, told

from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent

BOOK = bundled_with(
    reconciliation={
        "source": "example",
        "except_terms": ["Lymphocyte count decreased"],
        "also_called": {"Neutrophil count decreased": ["Neutropenia"]},
    }
)
CODES = {"lab_grade_unreported", "lab_grade_4_unreported", "reported_below_laboratory", "report_without_laboratory"}
BASE = (*TREATED, lab("K", -6, "4.1"), lab("NEUT", -6, "3.5"))
HIGH = (lab("K", 9, "6.5"), lab("K", 10, "4.5"))  # potassium above 6.0 is grade 3


def asked(*events: SubjectEvent, day: float = 60) -> list[str]:
    """The questions of the comparison as of a study day."""
    played = Played(book=BOOK)
    for event in (*BASE, *events):
        played.take(event, at(day))
    concluded = subject.conclude(played.whole(), played.book, at(day))
    assert played.findings == concluded.findings
    return sorted(one.code for one in played.of("data_query") if one.code in CODES)


def test_a_grade_3_without_a_report_is_asked_about_after_seven_days() -> None:
    """Hyperkalemia of day 9, 08:00: no question before day 16, 08:00; one from then on."""
    assert asked(*HIGH, day=15.99) == []
    assert asked(*HIGH, day=16) == ["lab_grade_unreported"]


def test_time_alone_raises_the_question_at_the_deadline() -> None:
    """The engine is given day 16, 08:00 as the deadline, and the tick raises it; the list waits, nobody is mailed."""
    played = Played(book=BOOK)
    for event in (*BASE, *HIGH):
        deadline = played.take(event, at(10)).deadline
    assert deadline == at(16)
    done = played.take(None, deadline)
    assert [change.finding.code for change in done.changes if change.finding.kind == "data_query"] == [
        "lab_grade_unreported"
    ]
    assert {alert.decision.action for change in done.changes for alert in revise(change)} == {"hold"}


def test_an_episode_that_gets_worse_is_not_asked_about_later() -> None:
    """Platelets 30 (grade 3) on day 8, 20 (grade 4) on day 16: asked from day 15, 08:00 on, and not taken back (G24).

    The protocol asks for a report of grade 3 or more within 7 days: they are counted from the first such sample.
    """
    low, worse = lab("PLAT", 8, "30"), lab("PLAT", 16, "20")
    assert asked(low, day=14.99) == []
    assert asked(low, day=15) == ["lab_grade_unreported"]
    for day in (16.5, 20, 23):
        assert asked(low, worse, day=day) == ["lab_grade_4_unreported"]
        assert asked(worse, low, day=day) == ["lab_grade_4_unreported"]


def test_seven_days_for_what_is_no_longer_expected_are_counted_from_where_it_was_not() -> None:
    """Neutrophils: grade 3 is expected from day -5 to 28 of the bundled protocol, grade 4 is not.

    0.7 on day 9 and 0.3 on day 20: owed since day 20, asked from day 27 on. 0.7 on day 9 and still on day 30: owed
    since day 29, asked when day 36 is over, also where day 31 brings grade 4.
    """
    deep = (lab("NEUT", 9, "0.7"), lab("NEUT", 20, "0.3"), lab("NEUT", 22, "2.5"))
    assert asked(*deep, day=26.99) == []
    assert asked(*deep, day=27) == ["lab_grade_4_unreported"]
    long = (lab("NEUT", 9, "0.7"), lab("NEUT", 30, "0.7"))
    assert asked(*long, day=36) == []
    assert asked(*long, day=37) == ["lab_grade_unreported"]
    assert asked(*long, lab("NEUT", 31, "0.3"), day=37) == ["lab_grade_4_unreported"]


def test_what_the_subject_brought_along_is_counted_from_where_it_got_worse() -> None:
    """Platelets 30 (grade 3) before treatment and on day 8, 20 (grade 4) on day 16: asked from day 23 on (T12)."""
    low = (lab("PLAT", -6, "30"), lab("PLAT", 8, "30"), lab("PLAT", 16, "20"))
    assert asked(*low, day=22.99) == []
    assert asked(*low, day=23) == ["lab_grade_4_unreported"]


def test_a_report_near_it_answers_and_one_far_from_it_does_not() -> None:
    """The term of CTCAE with an onset near the episode; two months later it is another one, and unsupported."""
    assert asked(*HIGH, adverse("Hyperkalemia", 9, grade=3)) == []
    assert asked(*HIGH, adverse("Hyperkalemia", 12, grade=3)) == []
    assert asked(*HIGH, adverse("Hyperkalemia", 40, grade=3)) == ["lab_grade_unreported", "report_without_laboratory"]
    assert asked(*HIGH, adverse("Nausea", 9, grade=3)) == ["lab_grade_unreported"]


def test_a_report_below_the_measured_grade_is_asked_about_after_seven_days() -> None:
    """G24: conflicts are findings. ALT 900 is grade 4 (> 20 x 40), reported as grade 1: asked from day 16 on.

    Potassium 6.5 is grade 3: one reported as 2 is asked about, unless another report of it says 3 or more.
    """
    high = "Alanine aminotransferase increased"
    liver: list[SubjectEvent] = [lab("ALT", -6, "30"), lab("ALT", 9, "900"), lab("ALT", 20, "30")]
    assert asked(*liver, adverse(high, 9, grade=1), day=15.99) == []
    events = [*liver, adverse(high, 9, grade=1)]
    for order in permutations(events):
        assert asked(*order, day=16) == ["reported_below_laboratory"]
    assert asked(*liver, adverse(high, 9, grade=4)) == []
    assert asked(*HIGH, adverse("Hyperkalemia", 9, grade=2)) == ["reported_below_laboratory"]
    assert asked(*HIGH, adverse("Hyperkalemia", 9, grade=2), adverse("Hyperkalemia", 10, grade=3)) == []


def test_a_report_is_followed_up_from_the_graver_grade_and_never_later_by_getting_worse() -> None:
    """Platelets 30 (grade 3) on day 8, 20 (grade 4) on day 16. Reported as 3: asked from day 23 on (G24).

    Reported as 1: asked from day 15 on, whether or not day 16 has come.
    """
    low, worse = lab("PLAT", 8, "30"), lab("PLAT", 16, "20")
    third, first = (adverse("Platelet count decreased", 8, grade=grade) for grade in (3, 1))
    assert asked(low, worse, third, day=22.99) == []
    assert asked(low, worse, third, day=23) == ["reported_below_laboratory"]
    assert asked(low, first, day=14.99) == []
    assert asked(low, first, day=15) == ["reported_below_laboratory"]
    assert asked(low, worse, first, day=16) == ["reported_below_laboratory"]


def test_what_was_brought_along_or_is_graded_otherwise_is_not_below() -> None:
    """Hemoglobin 78 before treatment and 76 after it is no grade 3 of the treatment (T12): anemia 2 may be reported.

    A report without a grade is below nothing, and another name that is a CTCAE term has criteria of its own.
    Neutrophils 0.7 owe no report, being expected; one that is there has to say 3 (G24).
    """
    assert asked(lab("HGB", -6, "78"), lab("HGB", 9, "76"), adverse("Anemia", 9, grade=2)) == []
    assert asked(*HIGH, adverse("Hyperkalemia", 9)) == []
    other = bundled_with(
        reconciliation={"source": "example", "also_called": {"Creatinine increased": ["Acute kidney injury"]}}
    )
    played = Played(
        [*BASE, lab("CREAT", -6, "60"), lab("CREAT", 9, "300"), adverse("Acute kidney injury", 9, grade=2)], book=other
    )
    assert played.of("data_query", code="reported_below_laboratory") == []
    low = (lab("NEUT", 9, "0.7"), lab("NEUT", 12, "2.5"))
    assert asked(*low, adverse("Neutrophil count decreased", 9, grade=2)) == ["reported_below_laboratory"]


def test_another_name_for_the_term_answers_and_grade_4_has_a_question_of_its_own() -> None:
    """Neutrophils 0.3 are grade 4, not expected: "Neutropenia" is a report of it. The grade was mailed; this waits."""
    low = (lab("NEUT", 9, "0.3"), lab("NEUT", 12, "2.5"))
    assert asked(*low, adverse("Neutropenia", 9, grade=4)) == []
    assert asked(*low) == ["lab_grade_4_unreported"]
    played = Played([*BASE, *low], book=BOOK)
    (change,) = [one for one in played.changes if getattr(one.finding, "code", "") == "lab_grade_4_unreported"]
    assert [alert.decision.action for alert in revise(change)] == ["hold"]


def test_what_is_expected_owes_no_report() -> None:
    """Neutrophils 0.7 in the expected band, and lymphocytes whatever their grade."""
    assert asked(lab("NEUT", 9, "0.7"), lab("LYM", 9, "0.1")) == []


def test_a_reported_grade_above_the_measured_one_is_asked_about() -> None:
    """Reported as grade 4, measured as grade 3; reported as grade 4 without any result."""
    assert asked(*HIGH, adverse("Hyperkalemia", 9, grade=4)) == ["report_without_laboratory"]
    assert asked(adverse("Hyperkalemia", 9, grade=4)) == ["report_without_laboratory"]


@pytest.mark.parametrize(
    ("results", "report"),
    [
        ((lab("NEUT", 9, "0.7"), lab("NEUT", 20, "3.0")), adverse("Neutrophil count decreased", 9, grade=3)),
        ((lab("HGB", -6, "78"), lab("HGB", 9, "76")), adverse("Anemia", 9, grade=3)),
        (
            (lab("ALT", -6, "30"), lab("ALT", 9, "300", range_high=None), lab("ALT", 20, "30")),
            adverse("Alanine aminotransferase increased", 9, grade=3),
        ),
        (
            (lab("HGB", -6, "120"), lab("HGB", 9, "55")),
            adverse("Anemia", 9, grade=4, seriousness=["life-threatening"]),
        ),
        (
            (lab("SODIUM", -6, "140"), lab("SODIUM", 9, "110")),
            adverse("Hyponatremia", 9, grade=5, outcome="fatal", resolved=told(10)),
        ),
    ],
    ids=["expected", "brought along", "undecided", "life-threatening", "fatal"],
)
def test_whatever_the_laboratory_can_show_supports_a_report(
    results: tuple[SubjectEvent, ...], report: SubjectEvent
) -> None:
    """G24 compares with what the laboratory implies, and only the figures of CTCAE can imply anything (G5).

    Neutrophils 0.7 are grade 3, though expected. Hemoglobin 76 is grade 3 (< 80), as before treatment. ALT 300 without
    its ULN may be anything from 0 to 4. The figures for anemia end at grade 3 and for hyponatremia at grade 4 (< 120):
    risk to life and death are for the physician. Without any result each is asked about.
    """
    assert "report_without_laboratory" not in asked(*results, report)
    assert asked(report) == ["report_without_laboratory"]


def test_a_term_whose_figures_end_below_grade_3_is_not_compared() -> None:
    """Methemoglobin above the ULN is grade 2 at most by its figures; grade 3 needs urgent intervention."""
    assert asked(adverse("Methemoglobinemia", 9, grade=3)) == []


def test_any_order_asks_the_same() -> None:
    """Two results and two reports in every order."""
    events: list[SubjectEvent] = [*HIGH, adverse("Hyperkalemia", 40, grade=3), adverse("Nausea", 9, grade=3)]
    assert {tuple(asked(*order)) for order in permutations(events)} == {
        ("lab_grade_unreported", "report_without_laboratory")
    }


def test_each_of_two_reports_of_one_term_is_asked_about() -> None:
    """Grade 3 of day 9 and grade 4 of day 30, no result of either: two questions, whichever came first."""
    reports = [adverse("Hyperkalemia", 9, grade=3), adverse("Hyperkalemia", 30, grade=4)]
    for order in permutations(reports):
        found = Played([*BASE, *order], book=BOOK).of("data_query", code="report_without_laboratory")
        assert {(one.about, one.found.partition(",")[0]) for one in found} == {
            ("Hyperkalemia (test|ae-Hyperkalemia@9)", "grade 3 reported"),
            ("Hyperkalemia (test|ae-Hyperkalemia@30)", "grade 4 reported"),
        }


def test_the_bundled_study_compares_and_owes_no_report_for_what_it_expects() -> None:
    """Grade 4 on day 9: nothing on day 15, a question from day 16 on; 0.7 within the expected band owes none."""
    for value, codes in (("0.3", ["lab_grade_4_unreported"]), ("0.7", [])):
        events = [*BASE, lab("NEUT", 9, value), lab("NEUT", 12, "2.5")]
        for day, found in ((15, []), (16, codes)):
            concluded = subject.conclude(Played(events).whole(), bundled(), at(day))
            assert [one.code for one in concluded.findings.values() if one.kind == "data_query"] == found
