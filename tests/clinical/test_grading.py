"""The grade of one quantity: what decides, what widens it, and what alerts count with. Values worked by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.clinical.grading import Graded, Measured, NoBaseline, case_of, grade
from safety_stream.clinical.measure import measured
from safety_stream.quantity import ENDLESS, Interval, exactly, plain
from safety_stream.rulebook.criteria import parse
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import GradingRule, Unit

BOOK = load_book(allow_unsigned=True)
RULES = [rule for analyte in BOOK.analytes for rule in BOOK.rules(analyte)]


def quantity(analyte: str, value: str, unit: str | None, lln: str | None = None, uln: str | None = None) -> Measured:
    """A measured quantity of the book."""
    found = measured(BOOK.analytes[analyte], value, unit, (lln, uln), source="lis|1 v1")
    assert isinstance(found, Measured), found
    return found


def rule_of(term: str, analyte: str) -> GradingRule:
    """The rule that grades the term from the analyte."""
    return next(rule for rule in BOOK.rules(analyte) if rule.term == term)


ALT = rule_of("Alanine aminotransferase increased", "ALT")
TREATED, UNTREATED = NoBaseline.UNKNOWN, NoBaseline.NOT_YET_TREATED


def alt(value: str, baseline: str | None = None, *, uln: str | None = "40", baseline_uln: str | None = "40") -> Graded:
    """ALT in U/L over a baseline."""
    over = TREATED if baseline is None else quantity("ALT", baseline, "U/L", uln=baseline_uln)
    return grade(ALT, quantity("ALT", value, "U/L", uln=uln), over)


def test_the_range_that_came_with_the_baseline_decides_whether_it_was_abnormal() -> None:
    """A baseline of 45 is abnormal over its own ULN of 40, and normal over its own ULN of 50, whatever today's is."""
    assert str(alt("121", "45", baseline_uln="40").grade) == "1"
    assert str(alt("121", "45", baseline_uln="50").grade) == "2"


def test_beside_a_grade_against_the_baseline_the_multiple_of_the_limit_is_kept() -> None:
    """250 U/L over a baseline of 60: grade 2 by 4.17 x baseline, beside it 6.25 x ULN (G7)."""
    kept = {given.name: given.value for given in alt("250", "60").evidence.inputs}
    assert kept["multiple of ULN"] == "6.25"
    assert "multiple of ULN" not in {given.name for given in alt("250", "30").evidence.inputs}
    assert "multiple of ULN" not in {given.name for given in alt("250", "60", uln=None).evidence.inputs}
    assert "multiple of ULN" not in {given.name for given in alt(">250", "60").evidence.inputs}


def test_a_baseline_without_its_range_leaves_both_arms() -> None:
    """121 U/L is 3.03 x ULN (2) or 2.69 x a baseline of 45 (1): which, the missing ULN of the baseline would say."""
    graded = alt("121", "45", baseline_uln=None)
    assert (str(graded.grade), graded.alerting_grade) == ("1-2", 2)


def test_before_treatment_the_limit_alone_grades() -> None:
    """The baseline itself and everything before it is graded by the ULN (G7)."""
    assert str(grade(ALT, quantity("ALT", "121", "U/L", uln="40"), UNTREATED).grade) == "2"


def test_an_unknown_baseline_widens_the_grade_and_alerts_by_the_limit() -> None:
    """4 x ULN over a baseline nobody knows: 2 if it was normal, down to 0 if it was high (G26)."""
    graded = alt("160")
    assert (str(graded.grade), graded.alerting_grade) == ("0-2", 2)
    assert str(alt("39").grade) == "0"


def test_a_missing_limit_is_never_a_silent_zero() -> None:
    """Without an ULN any multiple is possible; alerts count with a usual ULN of 40 (G5, G27)."""
    graded = alt("300", uln=None)
    assert (str(graded.grade), graded.alerting_grade) == ("0-4", 3)
    assert alt("20", uln=None).alerting_grade == 0
    assert "G5: no ULN is known" in graded.evidence.reasons


def test_an_absolute_figure_decides_without_a_limit() -> None:
    """ANC 0.42 is grade 4 whatever the LLN."""
    rule = rule_of("Neutrophil count decreased", "NEUT")
    assert str(grade(rule, quantity("NEUT", "0.42", "10*9/L"), TREATED).grade) == "4"


def test_creatinine_over_baseline_and_limit_the_worst_counts() -> None:
    """91 umol/L is within normal (100) and 1.52 x a baseline of 60: grade 2 (G10); also across units."""
    rule = rule_of("Creatinine increased", "CREAT")
    result = quantity("CREAT", "91", "umol/L", uln="100")
    assert str(grade(rule, result, quantity("CREAT", "60", "umol/L")).grade) == "2"
    assert str(grade(rule, result, quantity("CREAT", "0.68", "mg/dL")).grade) == "2"
    assert str(grade(rule, result, quantity("CREAT", "0.69", "mg/dL")).grade) == "0"


def test_exactly_one_and_a_half_times_the_limit_is_grade_1() -> None:
    """1.8 mg/dL with ULN 1.2 is exactly 1.5 x ULN; binary floating point makes it more."""
    rule = rule_of("Creatinine increased", "CREAT")
    assert str(grade(rule, quantity("CREAT", "1.8", "mg/dL", uln="1.2"), UNTREATED).grade) == "1"


def test_facts_decide_between_two_grades() -> None:
    """Sodium 127: 2 without symptoms, 3 with; not known: 2-3, alerting 3. Potassium 3.2 not known: alerting 1 (G6)."""
    rule, sodium = rule_of("Hyponatremia", "SODIUM"), quantity("SODIUM", "127", "mmol/L", "135", "145")
    told = {
        known: str(grade(rule, sodium, UNTREATED, {"hyponatremia_symptoms": known}).grade) for known in (True, False)
    }
    assert told == {True: "3", False: "2"}
    unknown = grade(rule, sodium, UNTREATED)
    assert (str(unknown.grade), unknown.alerting_grade) == ("2-3", 3)
    potassium = grade(rule_of("Hypokalemia", "K"), quantity("K", "3.2", "mmol/L", "3.5"), UNTREATED)
    assert (str(potassium.grade), potassium.alerting_grade) == ("1-2", 1)


def test_the_reported_unit_decides_the_row() -> None:
    """Magnesium 0.38 mmol/L is 3; the same amount in mg/dL, 0.92, is 2, by the figures NCI prints for mg/dL (G1)."""
    rule = rule_of("Hypomagnesemia", "MG")
    assert str(grade(rule, quantity("MG", "0.38", "mmol/L"), UNTREATED).grade) == "3"
    assert str(grade(rule, quantity("MG", "0.92", "mg/dL"), UNTREATED).grade) == "2"


def test_a_unit_nci_does_not_print_is_converted_exactly() -> None:
    """1.0 mEq/L of magnesium is 0.5 mmol/L: on the boundary, grade 1; 0.99 mEq/L is 2."""
    rule = rule_of("Hypomagnesemia", "MG")
    assert str(grade(rule, quantity("MG", "1.0", "mEq/L", "1.4"), UNTREATED).grade) == "1"
    assert str(grade(rule, quantity("MG", "0.99", "mEq/L", "1.4"), UNTREATED).grade) == "2"


def test_no_unit_compares_with_the_range_of_the_same_result_only() -> None:
    """ALT 121 with ULN 40 and no unit is 2 before treatment; a baseline with a unit cannot be compared with it."""
    result = quantity("ALT", "121", None, uln="40")
    assert str(grade(ALT, result, UNTREATED).grade) == "2"
    assert str(grade(ALT, result, quantity("ALT", "60", "U/L", uln="40")).grade) == "0-2"


def test_evidence_says_why() -> None:
    """Rule, inputs, the comparison that decided, the nearest values that grade otherwise, and a sentence."""
    evidence = alt("181", "60").evidence
    assert evidence.rule == "ctcae-5.0/Alanine aminotransferase increased"
    assert evidence.book == BOOK.version
    assert [(one.name, one.value) for one in evidence.inputs] == [
        ("Alanine aminotransferase", "181"), ("ULN", "40"), ("baseline", "60"), ("multiple of ULN", "4.52"),
    ]  # fmt: skip
    assert evidence.comparison == "181 U/L > 3 x BASELINE (180 U/L)"
    assert evidence.counterfactual == "grade 1 at <= 180 U/L; grade 3 at > 300 U/L"
    assert evidence.sentence == (
        "Alanine aminotransferase increased: grade 2. Alanine aminotransferase 181 U/L > 3 x BASELINE (180 U/L)."
    )


def test_evidence_of_grade_0_says_what_was_not_met() -> None:
    """Grade 0 is judged and normal, and says by which comparison."""
    evidence = grade(ALT, quantity("ALT", "40", "U/L", uln="40"), UNTREATED).evidence
    assert evidence.comparison == "40 U/L <= ULN (40 U/L)"
    assert evidence.counterfactual == "grade 1 at > 40 U/L"


def test_evidence_names_what_is_missing() -> None:
    """An open grade says what would decide it, and the grade alerts count with."""
    evidence = grade(rule_of("Hyponatremia", "SODIUM"), quantity("SODIUM", "127", "mmol/L"), UNTREATED).evidence
    assert evidence.reasons[0] == "G6: not known: hyponatremia_symptoms"
    assert "alerts count with grade 3" in evidence.reasons
    assert "not decided" in evidence.sentence


def test_alerts_count_with_the_limit_of_normal_alone() -> None:
    """50 U/L is 1.25 x ULN (1) and 4.2 x a baseline of 12 whose range is unknown (2): 1-2, alerting 1 (G26)."""
    graded = alt("50", "12", baseline_uln=None)
    assert (str(graded.grade), graded.alerting_grade) == ("1-2", 1)


def test_alerts_count_without_a_baseline_that_is_not_known() -> None:
    """Creatinine 90 of 100 could be anything up to 3 by a low baseline: alerts count with 0 (G26)."""
    rule = rule_of("Creatinine increased", "CREAT")
    graded = grade(rule, quantity("CREAT", "90", "umol/L", uln="100"), TREATED)
    assert (str(graded.grade), graded.alerting_grade) == ("0-3", 0)


@pytest.mark.parametrize(("value", "alerting"), [("110", 1), ("120", 0), ("130", 0), ("200", 0)])
def test_a_missing_lower_limit_is_supposed_to_be_usual(value: str, alerting: int) -> None:
    """Hemoglobin without an LLN is 0-1; alerts count with a usual LLN of 120 g/L (G27)."""
    graded = grade(rule_of("Anemia", "HGB"), quantity("HGB", value, "g/L"), UNTREATED)
    assert (str(graded.grade), graded.alerting_grade) == ("0-1", alerting)


def test_how_long_decides_between_two_grades_of_fever() -> None:
    """40.5 Cel is 4 after more than 24 h: not known is 3-4, alerting 3 (G6, G35); above 39.5 for 25 h is 2 to 4."""
    rule = rule_of("Fever", "TEMP")
    unknown = grade(rule, quantity("TEMP", "40.5", "Cel"), UNTREATED)
    assert (str(unknown.grade), unknown.alerting_grade) == ("3-4", 3)
    lasting = exactly(Decimal(25))
    censored = grade(rule, quantity("TEMP", ">39.5", "Cel"), UNTREATED, lasting=lasting)
    assert (str(censored.grade), censored.alerting_grade) == ("2-4", 4)
    known = grade(rule, quantity("TEMP", "40.5", "Cel"), UNTREATED, lasting=lasting)
    assert str(known.grade) == "4"
    assert ("lasting", "25", "h") in [(one.name, one.value, one.unit) for one in known.evidence.inputs]


def test_evidence_speaks_in_the_unit_that_was_judged() -> None:
    """A rule of ratios stays in the reported unit; a rule of figures says them in the unit NCI prints."""
    own = grade(ALT, quantity("ALT", "2.5", "ukat/L", uln="0.7"), UNTREATED).evidence
    assert own.comparison == "2.5 ukat/L > 3 x ULN (2.1 ukat/L)"
    over = grade(ALT, quantity("ALT", "3.1", "ukat/L", uln="0.7"), quantity("ALT", "1", "ukat/L", uln="0.7")).evidence
    assert over.comparison == "3.1 ukat/L > 3 x BASELINE (3 ukat/L)"
    mixed = grade(ALT, quantity("ALT", "3.1", "ukat/L", uln="0.7"), quantity("ALT", "60", "U/L", uln="40")).evidence
    assert mixed.comparison == "186 U/L > 3 x BASELINE (180 U/L)"
    rule = rule_of("Neutrophil count decreased", "NEUT")
    assert grade(rule, quantity("NEUT", "499", "/uL"), UNTREATED).evidence.comparison == "0.499 10*9/L < 0.5 10*9/L"
    assert grade(ALT, quantity("ALT", "121", None, uln="40"), UNTREATED).evidence.comparison == "121 > 3 x ULN (120)"


def test_a_figure_is_not_compared_with_a_number_that_has_no_unit() -> None:
    """Were a result without a unit to reach a rule of figures, it could be any grade: never 4 for its bare number."""
    bare = quantity("NEUT", "0.4", "10*9/L")._replace(unit=None)
    assert str(grade(rule_of("Neutrophil count decreased", "NEUT"), bare, UNTREATED).grade) == "0-4"


@pytest.mark.parametrize(("flag", "expected"), [(True, "1"), (False, "2")])
def test_a_flag_says_whether_the_baseline_was_abnormal(flag: bool, expected: str) -> None:
    """121 U/L: 2 over an ULN of 40; 1 over an abnormal baseline of 60 that came without its range (G41)."""
    over = quantity("ALT", "60", "U/L")
    graded = grade(ALT, quantity("ALT", "121", "U/L", uln="40"), over, {"baseline_abnormal": flag})
    assert str(graded.grade) == expected


def test_an_abnormal_baseline_of_unknown_value_lies_beyond_the_limit() -> None:
    """Above an ULN of 40, 1.5 times it is above 60: 60 is surely 0, 61 may be 1 (G26)."""
    flagged = {"baseline_abnormal": True}
    told = {
        value: str(grade(ALT, quantity("ALT", value, "U/L", uln="40"), TREATED, flagged).grade)
        for value in ("60", "61", "120", "121")
    }
    assert told == {"60": "0", "61": "0-1", "120": "0-1", "121": "0-2"}
    without = grade(ALT, quantity("ALT", "60", "U/L"), TREATED, flagged)
    assert str(without.grade) == "0-4"


def test_the_same_below_a_lower_limit() -> None:
    """An abnormal fibrinogen baseline lies between 0 and the LLN of 2 g/L, neither included; without LLN anywhere."""
    rule = rule_of("Fibrinogen decreased", "FIBRINO")
    beyond = Interval(Decimal(0), Decimal(2), low_open=True, high_open=True)
    both = case_of(rule, quantity("FIBRINO", "1.9", "g/L", "2"), TREATED, {}, None)
    assert [inputs.BASELINE for _, inputs in both.arms] == [None, beyond]
    bare = case_of(rule, quantity("FIBRINO", "1.9", "g/L"), TREATED, {}, None)
    assert [inputs.BASELINE for _, inputs in bare.arms] == [None, None]
    above_normal = Interval(Decimal(40), ENDLESS, low_open=True, high_open=True)
    alts = case_of(ALT, quantity("ALT", "60", "U/L", uln="40"), TREATED, {}, None)
    assert [inputs.BASELINE for _, inputs in alts.arms] == [None, above_normal]


def test_a_case_at_another_value_is_the_same_in_all_else() -> None:
    """Rule, result, baseline, facts, duration, limits and unit stay; the value that is judged is the other one."""
    rule, facts, lasting = rule_of("Fever", "TEMP"), {"at_rest": True}, exactly(Decimal(25))
    case = case_of(rule, quantity("TEMP", "40.5", "Cel"), UNTREATED, facts, lasting)
    other = case.at(exactly(Decimal(39)))
    assert (case.judge(), other.judge()) == ((4, 4), (1, 1))
    assert other._replace(arms=case.arms) == case
    ((row, inputs),) = other.arms
    assert ((row, inputs._replace(value=exactly(Decimal("40.5")))),) == case.arms


def test_a_baseline_of_any_kind_may_be_missing() -> None:
    """Eosinophils above ULN over an unknown baseline are 0-1, and the evidence says what is missing (G26, G34)."""
    rule = rule_of("Eosinophilia", "EOS")
    graded = grade(rule, quantity("EOS", "0.6", "10*9/L", uln="0.5"), TREATED, {"steroids_initiated": False})
    assert str(graded.grade) == "0-1"
    assert "G26: the baseline is not known" in graded.evidence.reasons


def test_the_condition_on_a_baseline_may_ask_for_figures_and_facts() -> None:
    """A baseline of 0.8 ukat/L is 48 U/L: beyond 45 U/L; a fact the condition asks for is looked at as well."""
    result, over = quantity("ALT", "2.2", "ukat/L", uln="0.7"), quantity("ALT", "0.8", "ukat/L", uln="0.7")
    by_figure = replace(ALT, if_baseline=parse("> 45 U/L"))
    assert str(grade(by_figure, result, over).grade) == "1"
    assert len(case_of(by_figure, result, over, {}, None).arms) == 1
    by_fact = replace(ALT, if_baseline=parse("> 45 U/L and fasting"))
    assert [len(case_of(by_fact, result, over, known, None).arms) for known in ({}, {"fasting": True})] == [2, 1]


def test_a_baseline_without_a_unit_is_judged_by_its_own_range() -> None:
    """Neither has a unit: 121 over a baseline of 60 with an ULN of 40 is 2.02 x baseline, grade 1."""
    over = quantity("ALT", "60", None, uln="40")
    assert str(grade(ALT, quantity("ALT", "121", None, uln="40"), over).grade) == "1"


_in_unit = [
    (rule, unit)
    for rule in RULES
    for ucum, unit in BOOK.analytes[rule.analyte].units.items()
    if rule.conversions[ucum][0] == BOOK.analytes[rule.analyte].unit != ucum
]


@given(
    st.sampled_from(_in_unit),
    st.decimals(0, 1, places=4),
    st.decimals("0.1", "3", places=1),
    st.none() | st.decimals("0.01", "9", places=2),
    st.booleans(),
)
def test_the_same_quantity_in_two_units_of_one_row_grades_alike(
    case: tuple[GradingRule, Unit], share: Decimal, of_usual: Decimal, of_baseline: Decimal | None, known: bool
) -> None:
    """A quantity, its range and its baseline, all of them in another unit of the same row, have the same grade."""
    rule, unit = case
    analyte = BOOK.analytes[rule.analyte]
    low, high = analyte.plausible
    steps = ((low + (high - low) * share**4) / unit.factor).quantize(Decimal("0.001"))
    usual = [
        None if limit is None else (limit * of_usual / unit.factor).quantize(Decimal("0.001"))
        for limit in analyte.usual
    ]
    facts = dict.fromkeys(rule.facts, known)

    def graded(own: bool) -> str:
        """Worked in the analyte's own unit, or in the other."""
        ucum = analyte.unit if own else unit.ucum

        def told(number: Decimal | None) -> str | None:
            if number is None:
                return None
            return plain(number * unit.factor if own else number * unit.divisor + unit.origin)

        low, high = map(told, usual)
        result = measured(analyte, told(steps), ucum, (low, high), source="x")
        before = (
            None if of_baseline is None else measured(analyte, told(steps * of_baseline), ucum, (low, high), source="x")
        )
        baseline = before if isinstance(before, Measured) else TREATED
        return str(grade(rule, result, baseline, facts).grade) if isinstance(result, Measured) else "not gradable"

    assert graded(own=True) == graded(own=False)


@given(st.sampled_from(RULES), st.data())
def test_knowing_less_never_narrows_the_grade(rule: GradingRule, data: st.DataObject) -> None:
    """Whatever is taken away (a limit, a fact, exactness), the old grade stays within the new range."""
    analyte = BOOK.analytes[rule.analyte]
    low, high = analyte.plausible
    share = data.draw(st.decimals(0, 1, places=3), label="share")
    value = plain(low + (high - low) * share)
    usual = [None if limit is None else plain(limit) for limit in analyte.usual]
    facts = {fact: data.draw(st.booleans(), label=fact) for fact in rule.facts}
    full = grade(
        rule, quantity(rule.analyte, value, analyte.unit, usual[0], usual[1]), UNTREATED, facts, exactly(Decimal(30))
    )
    fewer = dict(list(facts.items())[: data.draw(st.integers(0, len(facts)))])
    left = data.draw(st.sampled_from([(0, 1), (1,), (0,), ()]), label="limits left")
    without = [limit if place in left else None for place, limit in enumerate(usual)]
    text = data.draw(st.sampled_from([value, f"<={value}", f">={value}"]))
    less = grade(rule, quantity(rule.analyte, text, analyte.unit, without[0], without[1]), UNTREATED, fewer)
    assert less.grade.lowest <= full.grade.lowest
    assert less.grade.highest >= full.grade.highest
    assert less.grade.lowest <= less.alerting_grade <= less.grade.highest


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_can_say_why(rule: GradingRule) -> None:
    """Evidence is complete for every rule, known or not known, and its sentence names the term."""
    analyte = BOOK.analytes[rule.analyte]
    middle = plain((analyte.plausible[0] + analyte.plausible[1]) / 2)
    result = measured(analyte, middle, analyte.unit, (None, None), source="x")
    assert isinstance(result, Measured)
    for baseline in (UNTREATED, TREATED):
        evidence = grade(rule, result, baseline).evidence
        assert evidence.sentence.startswith(f"{rule.term}: ")
        assert evidence.rule == rule.id
