"""Claims about two laboratory results of one analyte at one time (register G45): a range, and a question.

CTCAE v5.0, hypokalemia: grade 3 below 3.0, grade 4 below 2.5 mmol/L; ALT above 3, 5, 20 x ULN is grade 2, 3, 4.
"""

from itertools import permutations
from typing import Any

import pytest
from stories import FAR, TREATED, Played, lab, screened, told, vital

from safety_stream.clinical import shelf, subject
from safety_stream.clinical.events import LabResult, SubjectEvent

CODE = "two_results_at_one_time"


def pair(test: str, day: float, *values: str, **more: Any) -> list[LabResult]:
    """Results of one analyte at one instant, each of a record of its own."""
    return [lab(test, day, value, record=f"r{place}", **more) for place, value in enumerate(values)]


def played(*events: SubjectEvent) -> Played:
    """The story, in which what was concluded step by step is what follows from the whole."""
    one = Played(list(events))
    assert one.findings == subject.conclude(one.whole(), one.book, FAR).findings
    return one


def said(one: Played) -> list[Any]:
    """What stands, without the names of records."""
    toxicities = [(t.term, str(t.peak), t.alerting_grade, t.readings[-1].value) for t in one.of("toxicity")]
    queries = [(query.code, query.count) for query in one.of("data_query")]
    breaches = [(b.criterion, b.verdict, b.value) for b in one.of("eligibility_breach")]
    return [sorted(toxicities), sorted(queries), sorted(breaches, key=str)]


def test_two_values_of_one_instant_are_a_range_that_alerts_with_the_worse() -> None:
    """Potassium 3.4 (grade 1, or 2 with symptoms) and 2.2 (grade 4): 1-4, alerting 4, and both are asked about."""
    one = played(*TREATED, *pair("K", 5, "3.4", "2.2"))
    found = one.one("toxicity", term="Hypokalemia")
    assert (str(found.peak), found.alerting_grade) == ("1-4", 4)
    assert any(reason.startswith("G45: ") for reason in found.evidence.reasons)
    query = one.one("data_query", code=CODE)
    assert query.about == "K"
    assert query.found == (
        f"2.2 mmol/L (test|r1 v1, normal 3.5 to 5.3) and 3.4 mmol/L (test|r0 v1, normal 3.5 to 5.3), at {told(5)}"
    )
    assert query.sources == ("test|r1 v1", "test|r0 v1")


def test_neither_record_names_nor_the_order_of_arrival_decide() -> None:
    """Three values of one instant under every assignment of record names, in every order: one conclusion."""
    values = ("3.4", "2.2", "2.8")
    ends = {
        str(said(Played([*TREATED, *arrived])))
        for names in permutations(values)
        for arrived in permutations(pair("K", 5, *names))
    }
    assert len(ends) == 1


@pytest.mark.parametrize("status", ["corrected", "entered-in-error"])
def test_a_correction_of_one_ends_the_question(status: str) -> None:
    """The 2.2 is corrected to 3.4, or withdrawn: hypokalemia 1-2 as by one result of 3.4, and nothing is asked."""
    mended = lab("K", 5, "3.4", record="r1", version=2, status=status)
    one = played(*TREATED, *pair("K", 5, "3.4", "2.2"), mended)
    assert str(one.one("toxicity", term="Hypokalemia").peak) == "1-2"
    assert not one.of("data_query", code=CODE)


SAME = [
    pair("K", 5, "3.4", "3.40"),
    [lab("CREAT", 5, "100", record="a"), lab("CREAT", 5, "1.13", record="b", unit="mg/dL", range_low=None)],
    [lab("HGB", 5, "100", record="a"), lab("HGB", 5, "10.0", record="b", unit="g/dL", range_low="11.5")],
]


@pytest.mark.parametrize("results", SAME)
def test_the_same_value_told_twice_asks_nothing(results: list[LabResult]) -> None:
    """3.4 and 3.40; 100 umol/L and 1.13 mg/dL (99.9); 100 g/L and 10.0 g/dL: one value each."""
    assert not played(*TREATED, *results).of("data_query", code=CODE)


def test_two_ranges_of_normal_of_one_value_both_count() -> None:
    """ALT 120 with ULN 40 is 3.0 x (grade 1, exactly 3.0 is not above), with ULN 39 above 3.0 x (grade 2): 1-2."""
    results = [lab("ALT", 5, "120", record="a"), lab("ALT", 5, "120", record="b", range_high="39")]
    one = played(*TREATED, lab("ALT", -10, "20"), *results)
    found = one.one("toxicity", term="Alanine aminotransferase increased")
    assert (str(found.peak), found.alerting_grade) == ("1-2", 2)
    assert not one.of("data_query", code=CODE)


def test_eligibility_is_undetermined_where_the_two_disagree_and_breached_where_neither_meets_it() -> None:
    """At most 2 x ULN (80 U/L): 120 and 60 leave it open, 120 and 100 break it."""
    for second, verdict in (("60", "undetermined"), ("100", "breached")):
        one = played(screened(), *pair("ALT", -6, "120", second))
        assert [b.verdict for b in one.of("eligibility_breach", criterion="alt")] == [verdict]


def test_a_baseline_of_two_values_leaves_a_range() -> None:
    """Baseline 120 (abnormal: 400 is 3.3 x baseline, grade 2) or 30 (normal: 10 x ULN, grade 3): 2-3, alerting 3."""
    one = played(*TREATED, *pair("ALT", -6, "120", "30"), lab("ALT", 5, "400"))
    peaks = [(str(t.peak), t.alerting_grade) for t in one.of("toxicity", term="Alanine aminotransferase increased")]
    assert ("2-3", 3) in peaks


def test_a_composite_that_one_of_the_two_meets_is_possible() -> None:
    """Bilirubin 50 is above 2 x ULN, 30 is not: Hy's law possible, and sure once the 30 is withdrawn."""
    panel = [lab("ALP", 16, "80"), lab("ALT", 16, "240")]
    one = played(*TREATED, *panel, *pair("BILI", 16, "50", "30"))
    assert one.one("composite", composite="hys-law").state == "possible"
    one.take(lab("BILI", 16, "30", record="r1", version=2, status="entered-in-error"))
    assert one.one("composite", composite="hys-law").state == "sure"


def test_a_dose_limiting_toxicity_that_one_of_the_two_meets_is_possible() -> None:
    """ALT 900 is above 20 x ULN, 100 is not: no candidate before somebody says which is right."""
    one = played(*TREATED, lab("ALT", -10, "20"), *pair("ALT", 5, "900", "100"))
    assert {found.state for found in one.of("dose_limiting_toxicity")} <= {"possible"}


def test_of_two_tubes_each_calcium_is_corrected_by_its_own_albumin_first() -> None:
    """2.80 with 40 g/L stays 2.80; 2.80 with 30 g/L is 3.00: hypercalcemia of one of the two, each with its tube."""
    one = played(
        *TREATED,
        lab("CA", 5, "2.80", record="a", specimen="A"),
        lab("CA", 5, "2.80", record="b", specimen="B"),
        lab("ALB", 5, "40", record="c", specimen="A"),
        lab("ALB", 5, "30", record="d", specimen="B"),
    )
    found = one.one("toxicity", term="Hypercalcemia")
    assert (str(found.peak), found.alerting_grade, found.readings[-1].value) == ("1-2", 2, "2.8 or 3")


def test_draws_of_one_day_without_hours_are_graded_each_and_leave_open_which_was_last() -> None:
    """ALT 900 and 20 of one date: grade 4 it surely was; at screening, whether the limit is kept is undetermined."""
    day = told(5)[:10]
    one = played(*TREATED, lab("ALT", -10, "20"), *pair("ALT", 5, "900", "20", observed_at=day))
    assert [str(t.peak) for t in one.of("toxicity", term="Alanine aminotransferase increased")] == ["4"]
    assert not one.of("data_query", code=CODE)
    assert one.one("data_query", code="hours_untold").sources == ("test|r1 v1", "test|r0 v1")
    for values in (("120", "20"), ("20", "120")):
        before = played(screened(), *pair("ALT", -6, *values, observed_at=told(-6)[:10]))
        assert [b.verdict for b in before.of("eligibility_breach", criterion="alt")] == ["undetermined"]


@pytest.mark.parametrize("values", list(permutations(("2.2", "4.0"))) + list(permutations(("7.3", "4.0"))))
def test_which_draw_of_a_day_came_last_is_open_for_the_grade_now(values: tuple[str, str]) -> None:
    """Potassium 4.0 and 2.2, or 7.3, of one date: grade 4 it surely was, now it is 0-4, and no episode has ended.

    The 4.1 of the next day ends it. So it does not matter on which side of normal the other value lies.
    """
    one = played(*TREATED, *pair("K", 5, *values, observed_at=told(5)[:10]))
    found = one.one("toxicity", analyte="K")
    assert (str(found.peak), str(found.current), found.open, found.resolved) == ("4", "0-4", True, None)
    assert one.one("data_query", code="hours_untold").count == 1
    one.take(lab("K", 6, "4.1"))
    found = one.one("toxicity", analyte="K")
    assert (str(found.peak), str(found.current), found.open) == ("4", "0", False)


def test_draws_of_a_day_on_which_no_grade_hangs_ask_nothing() -> None:
    """Potassium 4.0 and 4.4 of one date are both normal, whichever came last."""
    one = played(*TREATED, *pair("K", 5, "4.0", "4.4", observed_at=told(5)[:10]))
    assert not one.of("data_query")
    assert not one.of("toxicity")


def test_a_draw_inside_a_watch_limit_does_not_end_what_another_of_its_day_began() -> None:
    """Glucose 20 and 5.0 mmol/L of one date, limit 13.9: outside until the 5.1 of the next day."""
    limit = next(one for one in played().book.protocols["CAR-NK-SLE-01"].versions[0].watch if one.analyte == "GLUC")
    assert limit.outside == "> 13.9 mmol/L"
    high = pair("GLUC", 5, "20", "5.0", observed_at=told(5)[:10])
    for order in permutations(high):
        assert played(*TREATED, *order).one("watch_limit", analyte="GLUC").open
    one = played(*TREATED, *high, lab("GLUC", 6, "5.1"))
    assert not one.one("watch_limit", analyte="GLUC").open


def test_readings_of_a_vital_sign_are_judged_one_by_one() -> None:
    """39.1 and 36.8 Cel of one minute: fever of grade 2 for certain, and nothing is asked."""
    one = played(*TREATED, vital("TEMP", 5, "39.1", "Cel", record="a"), vital("TEMP", 5, "36.8", "Cel", record="b"))
    assert [str(t.peak) for t in one.of("toxicity", term="Fever")] == ["2"]
    assert not one.of("data_query", code=CODE)


@pytest.mark.parametrize("test", ["K", "CA"])
def test_an_instant_is_never_cut_in_two_by_the_end_of_a_page(test: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of four results, three results at each instant, told forwards, backwards and by turns: one conclusion."""
    monkeypatch.setattr(shelf, "OPEN", 4)
    monkeypatch.setattr(shelf, "HALF", 2)
    results = [
        lab(test, day, value, record=f"{name}{day}")
        for day in range(1, 9)
        for name, value in (("a", "2.6"), ("c", "1.7"), ("b", "2.6"))
    ]
    turns = [*results[::2], *results[1::2]]
    ends = {str(said(played(*TREATED, *told))) for told in (results, results[::-1], turns)}
    assert len(ends) == 1


def test_the_question_is_one_of_the_closed_list_and_waits_for_the_list() -> None:
    """Potassium twice: one finding for the data manager, however many instants raise it."""
    one = played(*TREATED, *pair("K", 5, "3.4", "2.2"), *[lab("K", 6, v, record=f"s{v}") for v in ("3.9", "4.5")])
    assert one.one("data_query", code=CODE).count == 2


def test_a_watch_limit_is_judged_by_the_one_farthest_outside() -> None:
    """Glucose 5.5 and 25.1 mmol/L of one instant, watched above 13.9: outside, by the worse of them."""
    one = played(*TREATED, *pair("GLUC", 5, "5.5", "25.1"))
    crossed = one.one("watch_limit", limit="> 13.9 mmol/L")
    assert (crossed.verdict, crossed.distance) == ("outside", "11.2 mmol/L above the limit")
    assert any(reason.startswith("G45: ") for reason in crossed.evidence.reasons)


def test_a_companion_of_two_values_leaves_a_range() -> None:
    """Calcium 1.95 with albumin 30 or 45 g/L is 1.95 + 0.02 x 10 = 2.15 or 1.95 - 0.02 x 5 = 1.85 mmol/L.

    Below 2.15 is grade 1, below 2.0 grade 2: so 0-2, alerting 2. The albumins are asked about once.
    """
    albumins = pair("ALB", 5, "30", "45", specimen="S")
    one = played(*TREATED, lab("CA", 5, "1.95", specimen="S"), *albumins)
    found = one.one("toxicity", term="Hypocalcemia")
    assert (str(found.peak), found.alerting_grade) == ("0-2", 2)
    assert [query.about for query in one.of("data_query", code=CODE)] == ["ALB"]


def test_two_values_of_a_specimen_without_an_hour_are_asked_about_by_the_specimen() -> None:
    """The same told by the date alone: by themselves both may be right, of one specimen they cannot."""
    day = told(5)[:10]
    albumins = pair("ALB", 5, "30", "45", specimen="S", observed_at=day)
    one = played(*TREATED, lab("CA", 5, "1.95", specimen="S", observed_at=day), *albumins)
    assert str(one.one("toxicity", term="Hypocalcemia").peak) == "0-2"
    assert [query.about for query in one.of("data_query", code=CODE)] == ["ALB of specimen S, for CA"]


def test_two_rr_intervals_of_one_tracing_leave_a_range_of_qtc() -> None:
    """480 ms at 700 or 800 ms: 480 / 0.8879 = 540.6, 480 / 0.9283 = 517.1: above 500 in any case, grade 3."""
    pulses = [vital("RR", 5, value, "ms", record=f"rr{value}", specimen="E") for value in ("700", "800")]
    one = played(*TREATED, lab("QTCF", -6, "450"), vital("QT", 5, "480", "ms", specimen="E"), *pulses)
    found = one.one("toxicity", term="Electrocardiogram QT corrected interval prolonged")
    assert (str(found.peak), found.readings[-1].value) == ("3", ">=517.1 and <=540.6")


def test_a_corrected_calcium_still_asks_about_its_own_range() -> None:
    """A lower limit above the upper one is asked about, albumin or not (G40)."""
    one = played(*TREATED, lab("CA", 5, "2.3", range_low="9", range_high="2.5"), lab("ALB", 5, "41"))
    assert one.one("data_query", code="range_upside_down").about == "CA"
