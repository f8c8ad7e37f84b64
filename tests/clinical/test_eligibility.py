"""Each laboratory threshold of the bundled protocol on its limit and one reported digit to either side.

The limits are those of the public registry record; the sides were worked by hand.
"""

from itertools import permutations
from typing import Any

import pytest
from stories import STUDY, Played, at, bundled, enrolled, head, infusion, lab, lymphodepletion, screened, told, vital

from safety_stream.clinical.events import LabResult, SubjectEvent
from safety_stream.clinical.findings_subject import EligibilityBreach

# criterion, test, unit, LLN, ULN that the laboratory sends; then the values that pass, and those that do not.
EDGES = [
    ("hemoglobin", "HGB", "g/L", "115", "150", ["85", "86"], ["84"]),
    ("hemoglobin", "HGB", "g/dL", "11.5", "15.0", ["8.5", "8.6"], ["8.4"]),
    ("leukocytes", "WBC", "10*9/L", "3.5", "9.5", ["3.0", "3.1"], ["2.9"]),
    ("neutrophils", "NEUT", "10*9/L", "1.8", "6.3", ["1.50", "1.51"], ["1.49"]),
    ("neutrophils", "NEUT", "/uL", "1800", "6300", ["1500", "1501"], ["1499"]),
    ("platelets", "PLAT", "10*9/L", "125", "350", ["50", "51"], ["49"]),
    ("alt", "ALT", "U/L", "7", "40", ["80", "79"], ["81"]),
    ("ast", "AST", "U/L", "13", "35", ["70", "69"], ["71"]),
    ("egfr", "EGFR", "mL/min/{1.73_m2}", "90", None, ["60", "61"], ["59"]),
    ("bilirubin", "BILI", "umol/L", "3", "20", ["34.2", "34.1"], ["34.3"]),
    ("bilirubin", "BILI", "mg/dL", "0.2", "1.2", ["2.0", "1.9"], ["2.1"]),
    ("lvef", "LVEF", "%", None, None, ["50", "51"], ["49"]),
    ("prothrombin-time", "PT", "s", "9.5", "12.0", ["18.0", "17.9"], ["18.1"]),
    ("inr", "INR", "{INR}", "0.8", "1.2", ["1.80", "1.79"], ["1.81"]),
    ("creatinine", "CREAT", "umol/L", "41", "81", ["221", "220"], ["222"]),
    ("creatinine", "CREAT", "mg/dL", "0.5", "0.9", ["2.5", "2.4"], ["2.6"]),
]
CASES = [
    (criterion, {"test": test, "unit": unit, "range_low": low, "range_high": high}, value, passes)
    for criterion, test, unit, low, high, passing, failing in EDGES
    for values, passes in ((passing, True), (failing, False))
    for value in values
]


def result(test: str, value: str, **sent: Any) -> LabResult:
    """A result two weeks before the first dose."""
    facts = {"kind": "lab_result", "test": test, "value": value, "observed_at": told(-14), **sent}
    return LabResult.model_validate(head(f"{test}@-14", 1, at(-14, 12)) | facts)


def at_screening(test: str, value: str, **sent: Any) -> list[EligibilityBreach]:
    """What a result two weeks before the first dose comes to, of a subject whose eGFR cannot be derived."""
    played = Played([screened(sex=None), result(test, value, **sent)])
    assert not played.of("data_query", code="implausible_range")
    return played.of("eligibility_breach")


@pytest.mark.parametrize(("criterion", "sent", "value", "passes"), CASES)
def test_a_threshold_and_one_digit_to_either_side(
    criterion: str, sent: dict[str, Any], value: str, passes: bool
) -> None:
    """A value on the limit passes where the registry says "at least" or "at most", the next digit does not."""
    found = at_screening(sent["test"], value, **{name: said for name, said in sent.items() if name != "test"})
    assert [(one.criterion, one.phase, one.verdict) for one in found] == (
        [] if passes else [(criterion, "screening", "breached")]
    )


@pytest.mark.parametrize(
    ("value", "on_oxygen", "verdict"),
    [
        ("95", False, None),
        ("94", False, "breached"),  # "above 94 %": 94 itself does not pass
        ("95", True, "undetermined"),
        ("95", None, "undetermined"),
        ("94", True, "breached"),
        ("94", None, "breached"),
    ],
)
def test_oxygen_saturation_counts_without_oxygen(value: str, on_oxygen: bool | None, verdict: str | None) -> None:
    """Above 94 % on room air; what oxygen may have made is not known to pass, and what fails on it fails."""
    played = Played([screened(), vital("OXYSAT", -14, value, "%", on_oxygen=on_oxygen)])
    found = played.of("eligibility_breach")
    assert [one.verdict for one in found] == ([verdict] if verdict else [])


@pytest.mark.parametrize(
    ("criterion", "test"), [("alt", "ALT"), ("ast", "AST"), ("prothrombin-time", "PT"), ("inr", "INR")]
)
def test_a_multiple_of_a_limit_that_was_not_sent_is_undetermined(criterion: str, test: str) -> None:
    """Without the ULN nobody can say whether 1.1 or 30 times anything passes: undetermined, never eligible."""
    unit, value = {"PT": ("s", "12.0"), "INR": ("{INR}", "1.1")}.get(test, ("U/L", "30"))
    (found,) = at_screening(test, value, unit=unit, range_low=None, range_high=None)
    assert (found.criterion, found.verdict, found.distance) == (criterion, "undetermined", None)
    assert found.limit.endswith("(ULN not sent)")
    assert "the limit of normal" in found.evidence.sentence


def test_a_value_below_the_scale_is_undetermined_only_where_it_may_pass() -> None:
    """Platelets "<100" may be 50 or more; "<50" cannot be (G19)."""
    (open_,) = at_screening("PLAT", "<100", unit="10*9/L", range_low="125", range_high="350")
    (shut,) = at_screening("PLAT", "<50", unit="10*9/L", range_low="125", range_high="350")
    assert (open_.verdict, shut.verdict) == ("undetermined", "breached")


def test_creatinine_is_judged_by_the_number_printed_for_its_unit() -> None:
    """2.51 mg/dL is above 2.5 mg/dL; 221.5 umol/L is above 221 umol/L, though it is 2.506 mg/dL (T10).

    And 2.5 mg/dL passes as printed, though 2.5 x 88.4 = 221.0 would too; 221.0 umol/L passes.
    """
    milligrams = {"unit": "mg/dL", "range_low": "0.5", "range_high": "0.9"}
    micromoles = {"unit": "umol/L", "range_low": "41", "range_high": "81"}
    assert [one.limit for one in at_screening("CREAT", "2.51", **milligrams)] == ["<= 2.5 mg/dL"]
    assert [one.limit for one in at_screening("CREAT", "221.5", **micromoles)] == ["<= 221 umol/L"]
    assert not at_screening("CREAT", "221.0", **micromoles)


WORDS = [
    ("PLAT", "42", {"unit": "10*9/L", "range_low": "125", "range_high": "350"}, "8 10*9/L below the limit"),
    ("HGB", "8.1", {"unit": "g/dL", "range_low": "11.5", "range_high": "15"}, "4 g/L below the limit"),
    ("ALT", "95", {"unit": "U/L", "range_low": "7", "range_high": "40"}, "15 U/L above the limit"),
    ("BILI", "2.3", {"unit": "mg/dL", "range_low": "0.2", "range_high": "1.2"}, "0.3 mg/dL above the limit"),
    ("CREAT", "250", {"unit": "umol/L", "range_low": "41", "range_high": "81"}, "29 umol/L above the limit"),
    ("INR", "2.0", {"unit": "{INR}", "range_low": "0.8", "range_high": "1.2"}, "0.2 {INR} above the limit"),
]


@pytest.mark.parametrize(("test", "value", "sent", "distance"), WORDS)
def test_the_distance_to_the_limit_in_words(test: str, value: str, sent: dict[str, str], distance: str) -> None:
    """A person reads how far it is and what would pass, exactly and with the unit."""
    (found,) = at_screening(test, value, **sent)
    assert found.distance == distance
    assert found.to_pass.startswith("a result <= " if "above" in distance else "a result >= ")
    assert distance in found.evidence.sentence


def test_saturation_on_the_limit_says_so() -> None:
    """94 % is at the limit of "above 94 %"; a result above it without oxygen would pass."""
    played = Played([screened(), vital("OXYSAT", -14, "94", "%", on_oxygen=False)])
    found = played.one("eligibility_breach")
    assert (found.distance, found.to_pass) == ("at the limit", "a result > 94 % without oxygen")


def test_limits_of_normal_are_worked_out_for_the_reader() -> None:
    """Twice the ULN of 40 U/L that was sent is 80 U/L; the finding shows both."""
    (found,) = at_screening("ALT", "95", unit="U/L", range_low="7", range_high="40")
    assert found.limit == "<= 2 x ULN (ULN 40 U/L: <= 80 U/L)"


def test_an_enrolled_subject_without_results_is_undetermined_everywhere() -> None:
    """All 13 measured criteria of the protocol wait for a result: missing is undetermined, never eligible (T9)."""
    played = Played([screened(), enrolled()])
    (status,) = played.of("eligibility_status")
    measured = [
        one for one in status.criteria if one.criterion in dict(bundled().protocols[STUDY].versions[0].criteria)
    ]
    assert [(one.verdict, one.value) for one in measured] == [("undetermined", None)] * 13
    assert status.state == "undetermined"
    assert played.of("eligibility_breach") == []  # told once, in the summary


TREATED: tuple[SubjectEvent, ...] = (
    screened(), enrolled(), lymphodepletion(-5), lymphodepletion(-4), lymphodepletion(-3), infusion(1, 0),
)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "phase"),
    [(-10, "screening"), (-5.5, "screening"), (-1, "before_infusion"), (1, "after_infusion"), (2, "before_infusion"),
     (6.9, "before_infusion"), (8, "after_infusion"), (9, "before_infusion"), (15, "after_infusion")],
)  # fmt: skip
def test_the_phase_of_a_result(day: float, phase: str) -> None:
    """From 5 days before an infusion (0, 7, 14) it is a reason to hold, between and after for information (T9)."""
    played = Played([*TREATED, infusion(2, 7), infusion(3, 14), lab("ALT", day, "81")])
    assert [one.phase for one in played.of("eligibility_breach", criterion="alt", value="81")] == [phase]


def test_counts_that_lymphodepletion_lowers_are_not_judged_again_after_it() -> None:
    """Platelets of 40 before lymphodepletion hold it; the same after its first dose hold no infusion."""
    before = Played([*TREATED, lab("PLAT", -5, "40")]).of("eligibility_breach", criterion="platelets")
    after = Played([*TREATED, lab("PLAT", -2, "40")]).of("eligibility_breach", criterion="platelets", value="40")
    assert [one.phase for one in before] == ["before_infusion"]
    assert after == []


def test_a_later_version_of_the_protocol_has_limits_of_its_own() -> None:
    """Who consented to version 2.0 needs platelets of 30 (T16): 30 passes, 29 does not; by version 1.0 neither does."""
    second = screened(protocol_version="2.0")
    by_version = {
        (version, value): bool(Played([consent, lab("PLAT", -14, value)]).of("eligibility_breach"))
        for version, consent in (("1.0", screened()), ("2.0", second))
        for value in ("30", "29")
    }
    assert by_version == {("1.0", "30"): True, ("1.0", "29"): True, ("2.0", "30"): False, ("2.0", "29"): True}


OTHER_UNITS: list[tuple[str, str, str, str | None, str | None, bool]] = [
    ("HGB", "8.50", "g/dL", "11.5", "15", True),
    ("HGB", "8.49", "g/dL", "11.5", "15", False),
    ("HGB", "5.28", "mmol/L", "7.1", "9.3", True),  # 16.1145 g/L a mmol/L of the monomer: 85.08
    ("HGB", "5.27", "mmol/L", "7.1", "9.3", False),  # 84.92
    ("NEUT", "1500", "/uL", "1800", "6300", True),
    ("NEUT", "1499", "/uL", "1800", "6300", False),
    ("BILI", "0.0342", "mmol/L", "0.003", "0.020", True),
    ("BILI", "0.0343", "mmol/L", "0.003", "0.020", False),
    ("CREAT", "0.221", "mmol/L", "0.041", "0.081", True),
    ("CREAT", "0.222", "mmol/L", "0.041", "0.081", False),
    ("ALT", "1.34", "ukat/L", "0.1", "0.67", True),  # 2 x 0.67
    ("ALT", "1.35", "ukat/L", "0.1", "0.67", False),
]


@pytest.mark.parametrize(("test", "value", "unit", "low", "high", "passes"), OTHER_UNITS)
def test_a_threshold_in_another_unit(
    test: str, value: str, unit: str, low: str | None, high: str | None, passes: bool
) -> None:
    """The limit itself passes whichever unit it is reported in, and the next digit does not."""
    found = at_screening(test, value, unit=unit, range_low=low, range_high=high)
    assert [one.verdict for one in found] == ([] if passes else ["breached"])


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(">60", None), (">=60", None), ("<60", "breached"), ("<=60", "undetermined"), ("<90", "undetermined")],
)
def test_a_censored_value_on_the_limit(value: str, verdict: str | None) -> None:
    """eGFR at least 60: "<=60" may be 60 itself, "<60" cannot be (G19)."""
    found = Played([screened(), lab("EGFR", -14, value)]).of("eligibility_breach")
    assert [one.verdict for one in found] == ([verdict] if verdict else [])


@pytest.mark.parametrize("values", list(permutations(("93", "97", "<96"))))
def test_of_two_signs_of_one_time_the_one_that_passes_less_decides(values: tuple[str, ...]) -> None:
    """Saturations of 93, 97 and <96 in one minute: whatever their records are called, nobody is eligible by the 97."""
    signs = [vital("OXYSAT", -14, value, "%", record=f"sign-{n}", on_oxygen=False) for n, value in enumerate(values)]
    for order in permutations(signs):
        (found,) = Played([screened(), *order]).of("eligibility_breach")
        assert (found.verdict, found.value) == ("breached", "93")
    later = vital("OXYSAT", -13, "97", "%", on_oxygen=False)
    assert not Played([screened(), *signs, later]).of("eligibility_breach")


@pytest.mark.parametrize("values", list(permutations(("40", "60", "<100"))))
def test_of_laboratory_results_of_one_time_nobody_knows_which_is_right(values: tuple[str, ...]) -> None:
    """Platelets of 40, 60 and <100 in one tube against at least 50: undetermined, until a later tube says (G45)."""
    tubes = [lab("PLAT", -14, value, record=f"tube-{n}") for n, value in enumerate(values)]
    for order in permutations(tubes):
        (found,) = Played([screened(), *order]).of("eligibility_breach")
        assert found.verdict == "undetermined"
    later = lab("PLAT", -13, "60")
    assert not Played([screened(), *tubes, later]).of("eligibility_breach")


@pytest.mark.parametrize(
    ("drawn", "verdict"),
    [
        ("2024-05-07T00:00:00+08:00", "breached"),  # the 28th day before consent on 4 June, its first minute
        ("2024-05-06T23:59:00+08:00", None),
        ("2024-05-06T16:00:00Z", "breached"),  # the same first minute, told in another zone
        ("2024-05-07", "breached"),
        ("2024-05-06", None),
        ("2024-05", "breached"),  # may be of one of the days that count
        ("2023-05-07", None),
    ],
)
def test_a_result_of_long_before_consent_answers_no_criterion(drawn: str, verdict: str | None) -> None:
    """Hemoglobin 60 g/L: it breaks the criterion if taken no more than 28 days before the day of consent (T39)."""
    found = Played([screened(), lab("HGB", -40, "60", observed_at=drawn)])
    assert [one.verdict for one in found.of("eligibility_breach")] == ([verdict] if verdict else [])
    told_late = Played([lab("HGB", -40, "60", observed_at=drawn), screened()])
    assert told_late.of("eligibility_breach") == found.of("eligibility_breach")


def test_an_old_result_leaves_the_criterion_without_one() -> None:
    """A normal hemoglobin of last year makes nobody eligible: the state lacks a result, and says why."""
    state = Played([screened(), lab("HGB", -400, "130")]).one("eligibility_status")
    assert "hemoglobin" in [one.criterion for one in state.criteria if one.verdict == "undetermined"]
    assert "T39: a result taken more than 28 days before consent is no result" in state.evidence.reasons
