"""Results of one specimen or tracing judged together (register G15 to G18), in the engine's own way: event by event."""

from itertools import permutations

import pytest
from stories import TREATED, Played, at, infusion, lab, screened, told

from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.rulebook.tables import Formula

FORMULAS = set(Formula.__args__)  # type: ignore[attr-defined]  # what a row of the book may name


def toxicities(*events: SubjectEvent, term: str) -> list[Toxicity]:
    """The toxicities of a term at the end of a treated subject's story, the same in every order of the events."""
    ends = []
    for order in permutations(events):
        played = Played([*TREATED, *order], stored=True)
        assert played.findings == subject.conclude(played.whole(), played.book, at(400)).findings
        ends.append(played.of("toxicity", term=term))
    assert all(end == ends[0] for end in ends)
    return ends[0]


def test_calcium_is_graded_corrected_for_the_albumin_of_the_same_specimen() -> None:
    """1.95 mmol/L with albumin 28 g/L: 1.95 + 0.02 x 12 = 2.19, not below 2.15; alone it is grade 2 (< 2.0)."""
    assert not toxicities(lab("CA", 8, "1.95"), lab("ALB", 8, "28"), term="Hypocalcemia")
    (alone,) = toxicities(lab("CA", 8, "1.95"), term="Hypocalcemia")
    assert str(alone.peak) == "2"
    assert any("not corrected: no ALB of the same specimen" in reason for reason in alone.evidence.reasons)


def test_albumin_of_another_day_corrects_nothing() -> None:
    """The albumin of the day before is not of the specimen."""
    (found,) = toxicities(lab("CA", 8, "1.95"), lab("ALB", 7, "28"), term="Hypocalcemia")
    assert str(found.peak) == "2"


def test_a_high_calcium_hidden_by_low_albumin_is_found() -> None:
    """2.80 mmol/L with albumin 20 g/L is 3.20: above 3.1, grade 3, though 2.80 alone is grade 1."""
    (found,) = toxicities(lab("CA", 8, "2.80"), lab("ALB", 8, "20"), term="Hypercalcemia")
    assert str(found.peak) == "3"
    assert found.evidence.reasons == (
        "derived: calcium + 0.02 x (40 - albumin in g/L) (G16), from Calcium 2.80 mmol/L and Albumin 20 g/L",
    )
    assert found.evidence.inputs[0].name == "Calcium corrected for albumin"
    assert found.readings[-1].source == "test|CA@8 v1, test|ALB@8 v1"


def test_a_corrected_albumin_regrades_the_calcium() -> None:
    """The laboratory corrects the albumin from 20 to 40 g/L: 2.80 mmol/L stays 2.80, grade 1 by the ULN of 2.55."""
    fixed = lab("ALB", 8, "40", version=2, status="corrected")
    (found,) = toxicities(lab("CA", 8, "2.80"), lab("ALB", 8, "20"), fixed, term="Hypercalcemia")
    assert str(found.peak) == "1"


def test_specimens_of_one_day_whose_hours_are_not_known_are_judged_each_by_itself() -> None:
    """Two draws of one day, told by the date alone, whose records do not sort by draw: each calcium has its albumin.

    Morning 1.95 mmol/L with 28 g/L: 2.19, normal. Evening 2.80 with 20 g/L: 3.20, above 3.1, grade 3.
    """
    day = at(8).date().isoformat()
    found = toxicities(
        lab("CA", 8, "1.95", record="1", specimen="morning", observed_at=day),
        lab("CA", 8, "2.80", record="2", specimen="evening", observed_at=day),
        lab("ALB", 8, "28", record="3", specimen="morning", observed_at=day),
        lab("ALB", 8, "20", record="4", specimen="evening", observed_at=day),
        term="Hypercalcemia",
    )
    assert [str(one.peak) for one in found] == ["3"]


def test_where_ionized_calcium_was_measured_the_total_is_not_judged() -> None:
    """Ionized 1.20 mmol/L is normal: the total of 1.90 is no hypocalcemia; an unreadable one is no measurement."""
    assert not toxicities(lab("CA", 8, "1.90"), lab("CAION", 8, "1.20"), term="Hypocalcemia")
    (found,) = toxicities(lab("CA", 8, "1.90"), lab("CAION", 8, "hemolyzed"), term="Hypocalcemia")
    assert str(found.peak) == "2"


def test_neutrophils_come_from_the_differential_until_a_count_is_sent() -> None:
    """1.2 x (30 % + 5 %) = 0.42 x 10^9/L is grade 4 (G18); a count of 0.61 in the same tube is grade 3 and decides."""
    shares = lab("WBC", 8, "1.2"), lab("NEUTLE", 8, "30"), lab("NEUTBLE", 8, "5")
    (found,) = toxicities(*shares, term="Neutrophil count decreased")
    assert str(found.peak) == "4"
    assert found.readings[-1].value == "0.42"
    assert found.evidence.reasons[0].startswith(
        "derived: leukocytes x (neutrophils + bands) % (G18), from Leukocytes 1.2"
    )
    (found,) = toxicities(*shares, lab("NEUT", 8, "0.61"), term="Neutrophil count decreased")
    assert str(found.peak) == "3"
    assert not any(reason.startswith("derived") for reason in found.evidence.reasons)


def test_two_leukocyte_counts_of_one_tube_derive_a_range() -> None:
    """1.2 or 4.0, of which 30 % are neutrophils: 0.36 (below 0.5, grade 4) or 1.2 (below 1.5, grade 2); alerts 4."""
    again = lab("WBC", 8, "4.0", record="second")
    told = lab("WBC", 8, "1.2"), lab("NEUTLE", 8, "30"), again
    (found,) = toxicities(*told, term="Neutrophil count decreased")
    assert (str(found.peak), found.alerting_grade) == ("2-4", 4)


def test_egfr_comes_from_creatinine_until_it_is_sent() -> None:
    """A woman of 34 with 221 umol/L: 142 x (2.5/0.7)^-1.2 x 0.9938^34 x 1.012 = 25.247: below 60 (G17)."""
    played = Played([screened(), lab("CREAT", -14, "221")], stored=True)
    breach = played.one("eligibility_breach", criterion="egfr")
    assert (breach.value, breach.verdict) == ("25.25", "breached")
    assert any(reason.startswith("derived: CKD-EPI 2021 from creatinine, 34") for reason in breach.evidence.reasons)
    assert breach.evidence.inputs[0].source == "test|CREAT@-14 v1"
    played.take(lab("EGFR", -14, "61"))
    assert not played.of("eligibility_breach", criterion="egfr")


def test_without_age_or_sex_no_egfr_is_made() -> None:
    """What the formula needs is not known: the criterion stays undetermined in the status, nothing is guessed."""
    played = Played([screened(sex=None), lab("CREAT", -14, "221")])
    assert not played.of("eligibility_breach", criterion="egfr")


def test_qtc_replicates_are_judged_by_their_mean() -> None:
    """505, 495 and 494 ms within minutes have the mean 498: grade 2, though one reading alone would be grade 3."""
    tracings = [
        lab("QTCF", 8, value, record=f"q{n}", observed_at=told(8, 9 + n / 60), specimen="day 8 predose")
        for n, value in enumerate(("505", "495", "494"))
    ]
    before = lab("QTCF", -6, "450")
    (found,) = toxicities(before, *tracings, term="Electrocardiogram QT corrected interval prolonged")
    assert (str(found.peak), found.readings[-1].value) == ("2", "498")
    assert found.evidence.reasons[0] == "derived: mean of 3 replicates (G15), from 505 ms, 495 ms, 494 ms"


def test_tracings_of_one_visit_hours_apart_are_not_replicates() -> None:
    """Before and six hours after the infusion under one visit's name: 505 ms stays grade 3."""
    tracings = [
        lab("QTCF", 8, value, record=f"q{n}", observed_at=told(8, 9 + 6 * n), specimen="day 8")
        for n, value in enumerate(("505", "440"))
    ]
    (found,) = toxicities(*tracings, term="Electrocardiogram QT corrected interval prolonged")
    assert str(found.peak) == "3"


def test_qtcf_comes_from_qt_and_rr() -> None:
    """QT 450 ms at RR 729 ms: 450 / 0.9 = 500 ms, between 481 and 501: grade 2 (G15)."""
    told = lab("QTCF", -6, "450"), lab("QT", 8, "450"), lab("RR", 8, "729")
    (found,) = toxicities(*told, term="Electrocardiogram QT corrected interval prolonged")
    assert (str(found.peak), found.readings[-1].value) == ("2", "500")


def test_a_preliminary_albumin_makes_a_preliminary_grade() -> None:
    """What leans on a preliminary result says so."""
    (found,) = toxicities(lab("CA", 8, "2.80"), lab("ALB", 8, "20", status="preliminary"), term="Hypercalcemia")
    assert found.provisional


def test_the_baseline_is_derived_in_the_same_way() -> None:
    """A baseline QTcF is the mean of its replicates: (400 + 420) / 2 = 410; 471 ms is 61 over it, grade 3 (G15)."""
    before = [
        lab("QTCF", -6, value, record=f"b{n}", observed_at=told(-6, 9 + n / 60), specimen="baseline")
        for n, value in enumerate(("400", "420"))
    ]
    (found,) = toxicities(*before, lab("QTCF", 8, "471"), term="Electrocardiogram QT corrected interval prolonged")
    assert str(found.peak) == "3"


def test_every_formula_a_row_may_name_is_one_we_have() -> None:
    """The book's formulas are those of ``derive``, each used by one analyte."""
    book = Played([]).book
    named = [one.by for analyte in book.analytes.values() for one in (analyte.corrected, analyte.derived) if one]
    assert sorted(named) == sorted(FORMULAS)


@pytest.mark.parametrize("companion", ["ALB", "CAION", "WBC", "CREAT", "RR"])
def test_a_companion_alone_says_nothing_of_the_other(companion: str) -> None:
    """A page that holds only companions concludes nothing."""
    played = Played(
        [screened(), infusion(1, 0), lab(companion, 8, "1000" if companion == "RR" else "1.2")], stored=True
    )
    assert not [one for one in played.of("toxicity") if one.analyte in {"CA", "NEUT", "EGFR", "QTCF"}]


def test_no_laboratory_is_asked_for_the_limits_of_what_it_did_not_send() -> None:
    """A derived eGFR of 72 without a lower limit leaves chronic kidney disease 0-1, and raises no question."""
    played = Played([*TREATED, lab("CREAT", 8, "92")])
    assert [str(one.peak) for one in played.of("toxicity", term="Chronic kidney disease")] == ["0-1"]
    assert not played.of("data_query")
