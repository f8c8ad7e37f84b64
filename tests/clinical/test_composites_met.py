"""Hy's law and the liver stopping criteria as findings of their own, whether or not a DLT rule names them.

The stories' laboratory: ULN 40 U/L for ALT, 35 for AST, 100 for ALP, 20 umol/L for bilirubin. FDA guidance 2009.
"""

from itertools import permutations

import pytest
from stories import FAR, TREATED, Played, at, lab

from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent

NORMAL = (lab("ALT", -10, "30"), lab("AST", -10, "25"), lab("BILI", -10, "12"))
HEPATOCELLULAR = (lab("ALT", 16, "240"), lab("BILI", 17, "50"), lab("ALP", 16, "80"))


def met(*results: SubjectEvent) -> dict[str, str]:
    """Every composite that stands, with its state."""
    played = Played([*TREATED, *NORMAL, *results])
    concluded = subject.conclude(played.whole(), played.book, FAR)
    assert played.findings == concluded.findings
    return {one.composite: one.state for one in played.of("composite")}


def test_hys_law_shows_the_r_ratio_with_both_multiples() -> None:
    """ALT 240 is 6 x ULN, ALP 80 is 0.8 x ULN: R = 7.5, hepatocellular."""
    one = Played([*TREATED, *NORMAL, *HEPATOCELLULAR]).one("composite", composite="hys-law")
    assert one.state == "sure"
    assert one.ratio == ("R = 7.50 = ALT 6.00 x ULN / ALP 0.80 x ULN (hepatocellular from 5, cholestatic up to 2)")
    assert [given.source for given in one.evidence.inputs] == ["test|ALT@16 v1", "test|BILI@17 v1", "test|ALP@16 v1"]
    assert one.study_day == 16


def test_hys_law_without_alp_is_possible_and_told_at_once() -> None:
    """No alkaline phosphatase: not ruled out; people are asked for it rather than left in the dark."""
    played = Played([*TREATED, *NORMAL, *HEPATOCELLULAR[:2]])
    one = played.one("composite", composite="hys-law")
    assert (one.state, one.ratio) == ("possible", "R not known: no ALP with an exact multiple of ULN")
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "hys_law"]
    assert [(alert.case, alert.decision.action) for alert in alerts] == [("", "send")]
    played.take(HEPATOCELLULAR[2])
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "hys_law"]
    assert [(alert.state, alert.decision.reason) for alert in alerts] == [("raised", "new"), ("raised", "worse")]


def test_cholestasis_takes_hys_law_away_and_leaves_the_stopping_criterion() -> None:
    """ALP 260 is 2.6 x ULN: no Hy's law; the stopping criterion knows no ALP."""
    assert met(*HEPATOCELLULAR[:2], lab("ALP", 16, "260")) == {"liver-stop-3x-bilirubin": "sure"}


def test_an_abnormal_baseline_is_said_beside() -> None:
    """ALT 60 before treatment (above 40): 240 is 6 x ULN and 4 x that baseline."""
    told = [lab("ALT", -10, "60"), *HEPATOCELLULAR]
    one = Played([*TREATED, *told]).one("composite", composite="hys-law")
    assert one.evidence.inputs[0].value == ("Alanine aminotransferase 240 U/L >= 3 x ULN (4.00 x baseline of 60 U/L)")


STOPS = [
    ([lab("ALT", 9, "320")], {}),  # 8 x ULN itself is not above it
    ([lab("ALT", 9, "321")], {"liver-stop-8x": "sure"}),
    ([lab("AST", 9, "281")], {"liver-stop-8x": "sure"}),
    ([lab("ALT", 9, "121"), lab("INR", 10, "1.5")], {}),
    ([lab("ALT", 9, "121"), lab("INR", 10, "1.6")], {"liver-stop-3x-inr": "sure"}),
    ([lab("ALT", 9, "120"), lab("INR", 10, "1.6")], {}),
    ([lab("ALT", 9, ">300")], {"liver-stop-8x": "possible"}),
]


@pytest.mark.parametrize(("results", "expected"), STOPS)
def test_each_stopping_criterion_on_its_limit(results: list[SubjectEvent], expected: dict[str, str]) -> None:
    """Above 8 x ULN; above 3 x ULN with INR above 1.5: the limits themselves are not above."""
    assert met(*results) == expected


def alt(**values: str) -> list[SubjectEvent]:
    """ALT by study day."""
    return [lab("ALT", float(day[1:].replace("_", ".")), value) for day, value in values.items()]


LASTING = [
    (alt(d1="30", d8="210", d22="210", d23="30"), {"liver-stop-5x-2wk": "possible"}),  # 14 d known, 22 possible
    (alt(d1="30", d8="210", d22_1="210"), {"liver-stop-5x-2wk": "sure"}),  # 14 d and 2.4 h
    (alt(d7="30", d8="210", d15="180", d22_1="210"), {}),  # broken on day 15
    (alt(d1="30", d8="210"), {}),  # one sample is no run
    (alt(d1="30", d8="210", d15="<300", d22="210", d40="210"), {"liver-stop-5x-2wk": "sure"}),  # 18 d after the doubt
    (alt(d7="30", d8="210"), {}),
]


@pytest.mark.parametrize(("results", "expected"), LASTING)
def test_above_5_x_uln_for_more_than_two_weeks(results: list[SubjectEvent], expected: dict[str, str]) -> None:
    """By unbroken samples of one enzyme; known and possible durations as T4 reads them."""
    assert met(*results) == expected


def test_two_enzymes_in_turn_are_no_run() -> None:
    """ALT high on day 8, AST on day 22.1: neither of them is known to have lasted."""
    results = [lab("ALT", 7, "30"), lab("ALT", 8, "210"), lab("AST", 21, "30"), lab("AST", 22.1, "300")]
    assert "liver-stop-5x-2wk" not in {name for name, state in met(*results).items() if state == "sure"}


def test_any_order_ends_the_same() -> None:
    """The five results in every order."""
    results = [*HEPATOCELLULAR, lab("INR", 16, "1.7"), lab("ALT", 31, "250")]
    expected = met(*results)
    assert expected["hys-law"] == "sure"
    assert expected["liver-stop-5x-2wk"] == "sure"
    for order in permutations(results):
        assert {one.composite: one.state for one in Played([*TREATED, *NORMAL, *order]).of("composite")} == expected


def test_before_treatment_nobody_is_told() -> None:
    """The same figures at screening: recorded, held as before treatment; eligibility speaks for itself."""
    played = Played([*TREATED, lab("ALT", -10, "400")])
    assert played.one("composite", composite="liver-stop-8x").emergent is False
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "liver_stop"]
    assert {alert.decision.reason for alert in alerts} == {"before_treatment"}


@pytest.mark.parametrize("old", [[lab("ALT", -9, "125")], [lab("ALT", -19, "360"), lab("BILI", -19, "45")]])
def test_a_raised_value_from_before_treatment_does_not_speak_for_a_new_case(old: list[SubjectEvent]) -> None:
    """ALT 12.5 x and bilirubin 4 x ULN on day 3, ALP 0.8 x: emergent, R = 15.62, whatever was raised at screening."""
    now = [lab("ALT", 3, "500"), lab("ALP", 3, "80"), lab("BILI", 3.1, "80")]
    before = [lab("ALT", -6, "60"), lab("ALP", -6, "80"), lab("BILI", -6, "10")]
    played = Played([*TREATED[:6], *old, *before, *now])
    assert {(one.composite, one.emergent) for one in played.of("composite")} >= {
        ("hys-law", True),
        ("liver-stop-3x-bilirubin", True),
        ("liver-stop-8x", True),
    }
    assert played.one("composite", composite="hys-law", emergent=True).ratio.startswith(
        "R = 15.62 = ALT 12.50 x ULN / ALP 0.80 x ULN"
    )


def test_what_treatment_completed_is_emergent() -> None:
    """Bilirubin 2.5 x ULN before treatment, and ALT 5 x ULN only after it: new with the sample that completed it."""
    played = Played([*TREATED[:6], lab("BILI", -6, "50"), lab("ALT", 3, "200"), lab("ALP", 3, "80")])
    assert played.one("composite", composite="hys-law").emergent is True


@pytest.mark.parametrize(
    ("results", "state", "ratio"),
    [
        (  # the phosphatase of the aminotransferase's own day, though an older one lies nearer to the onset
            [lab("BILI", 1, "45"), lab("ALP", 1, "80"), lab("ALT", 10, "130"), lab("ALP", 10, "400")],
            "sure",
            "R = 0.81 = ALT 3.25 x ULN / ALP 4.00 x ULN",
        ),
        (
            [lab("ALT", 15, "500", range_high=None), lab("BILI", 15, "45"), lab("ALP", 15, "80")],
            "possible",
            "R not known: no ALT or AST with an exact multiple of ULN",
        ),
        (  # one without its limit answers nothing, the next day's does
            [lab("ALT", 2, "500"), lab("BILI", 2, "80"), lab("ALP", 2, "90", range_high=None), lab("ALP", 3, "90")],
            "sure",
            "R = 13.89 = ALT 12.50 x ULN / ALP 0.90 x ULN, of 2024-06-26 and 2024-06-27",
        ),
    ],
)
def test_r_is_of_two_values_of_one_time_and_names_what_it_lacks(
    results: list[SubjectEvent], state: str, ratio: str
) -> None:
    """R = (ALT / ULN) / (ALP / ULN): 3.25 / 4 = 0.81; 12.5 / 0.9 = 13.89; both days are told where they differ."""
    one = Played([*TREATED, *results]).one("composite", composite="hys-law")
    assert one.state == state
    assert one.ratio.startswith(ratio)


def test_a_higher_sample_later_on_the_same_day_is_not_lost() -> None:
    """ALT at 08:30 and at 20:00, bilirubin 13 d 22 h after the second: within 14 days of that one."""
    late = lab("ALT", 1, "800", observed_at=at(1, 20).isoformat(), record="late")
    early = lab("ALT", 1, "125", observed_at=at(1, 8.5).isoformat(), record="early")
    rest = [lab("BILI", 15, "45", observed_at=at(15, 18).isoformat()), lab("ALP", 1, "80")]
    for told in permutations([early, late, *rest]):
        assert Played([*TREATED, *told]).one("composite", composite="hys-law").state == "sure"


def test_a_sample_that_breaks_a_run_breaks_it_though_another_of_its_day_was_low_before() -> None:
    """Above 5 x ULN at noon, below at 20:00 of day 1, above from day 2 on: 13 d 5 h to day 15, no two weeks."""
    run = [("12", "210"), ("20", "100")]
    day_1 = [lab("ALT", 1, value, observed_at=at(1, int(hour)).isoformat(), record=hour) for hour, value in run]
    low = lab("ALT", 1, "100", observed_at=at(1, 9).isoformat(), record="low")
    rest = [lab("ALT", 2, "210"), lab("ALT", 8, "210"), lab("ALT", 15, "210", observed_at=at(15, 13).isoformat())]
    for told in ([*day_1, *rest], [low, *day_1, *rest]):
        assert not Played([*TREATED, *told]).of("composite", composite="liver-stop-5x-2wk")
