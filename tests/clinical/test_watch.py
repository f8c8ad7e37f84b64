"""Watch limits (G22): what lies outside, from when to when, how far at worst; never a grade, never silently inside.

The bundled protocol watches glucose above 13.9 mmol/L and systolic blood pressure below 90 mm[Hg]. By hand,
with the 0.0555 mmol/L a mg/dL that laboratories use: 250 mg/dL is 13.875 mmol/L, 251 mg/dL 13.9305.
"""

from itertools import permutations

import pytest
from stories import TREATED, Played, bundled_with, lab, told, vital

from safety_stream.alerting.policy import revise
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_measured import WatchLimitCrossed
from safety_stream.rulebook.protocol import WatchLimit


def crossed(*results: SubjectEvent) -> list[WatchLimitCrossed]:
    """The episodes outside a watch limit of a treated subject, in order."""
    return sorted(Played([*TREATED, *results]).of("watch_limit"), key=lambda one: (one.analyte, one.episode))


def pressure(day: float, value: str) -> SubjectEvent:
    """A systolic blood pressure."""
    return vital("SYSBP", day, value, "mm[Hg]")


EDGES = [
    ("GLUC", "13.9", "mmol/L", None),  # the limit itself is not above the limit
    ("GLUC", "14.0", "mmol/L", "0.1 mmol/L above the limit"),
    ("GLUC", "250", "mg/dL", None),
    ("GLUC", "251", "mg/dL", "0.0305 mmol/L above the limit"),
    ("GLUC", ">30", "mmol/L", "no distance"),
]


@pytest.mark.parametrize(("test", "value", "unit", "distance"), EDGES)
def test_a_value_on_the_limit_and_beyond(test: str, value: str, unit: str, distance: str | None) -> None:
    """Only what surely lies beyond the printed limit is outside; a censored value has no distance."""
    found = crossed(lab(test, 9, value, unit=unit, range_low=None, range_high=None))
    assert [(one.verdict, one.distance or "no distance") for one in found] == (
        [] if distance is None else [("outside", distance)]
    )


def test_the_value_is_shown_as_reported_and_the_distance_in_the_unit_of_the_limit() -> None:
    """360 mg/dL is 19.98 mmol/L, 6.08 above the limit."""
    (one,) = crossed(lab("GLUC", 9, "360", unit="mg/dL", range_low=None, range_high=None))
    assert (one.value, one.unit, one.limit) == ("360", "mg/dL", "> 13.9 mmol/L")
    assert one.distance == "6.08 mmol/L above the limit"


def test_it_says_that_it_is_no_grade_and_cites_its_record() -> None:
    """The sentence says so, the register entry stands among the reasons, the record and the protocol are named."""
    (one,) = crossed(pressure(9, "82"))
    assert one.evidence.sentence == (
        "Systolic blood pressure 82 mm[Hg], watch limit < 90 mm[Hg], 8 mm[Hg] below the limit: "
        "outside the watch limits of the protocol, not a CTCAE grade."
    )
    assert one.evidence.inputs[0].source == "test|SYSBP@9 v1"
    assert one.evidence.reasons[0].startswith("G22:")
    assert not Played([*TREATED, pressure(9, "82")]).of("toxicity")


#    day        8     9    9.5    10    11    12
#    mm[Hg]    110    86    79    88    95    84        limit: below 90
#                     [--- episode 1 ---]     [ episode 2
def test_one_finding_an_episode_with_its_worst_value() -> None:
    """Opened by the first result outside, closed by the first inside, the worst value kept; a relapse is another."""
    values = {8: "110", 9: "86", 9.5: "79", 10: "88", 11: "95", 12: "84"}
    first, second = crossed(*(pressure(day, value) for day, value in values.items()))
    assert (first.episode, first.value, first.onset.text, first.open) == (1, "79", told(9), False)
    assert (first.worst_observed.text, first.ended and first.ended.text) == (told(9.5), told(11))
    assert (second.episode, second.value, second.open, second.ended) == (2, "84", True, None)


def test_any_order_and_a_correction_end_the_same() -> None:
    """The five results in every order; then the worst one is corrected to a value inside."""
    results = [pressure(day, value) for day, value in ((8, "110"), (9, "86"), (9.5, "79"), (10, "88"), (11, "95"))]
    expected = crossed(*results)
    for order in permutations(results):
        assert crossed(*order) == expected
    (one,) = crossed(*results, vital("SYSBP", 9.5, "119", "mm[Hg]", version=2, status="corrected"))[:1]
    assert (one.value, one.ended and one.ended.text) == ("86", told(9.5))


def test_what_cannot_be_judged_is_never_inside() -> None:
    """A unit nobody knows, text, a value that may lie on either side: undetermined, with the reason."""
    for value, unit, reason in (("15", "furlong", "G20"), ("high", "mmol/L", "G20"), ("<15", "mmol/L", "G19")):
        (one,) = crossed(lab("GLUC", 9, value, unit=unit))
        assert one.verdict == "undetermined"
        assert any(said.startswith(reason) for said in one.evidence.reasons), value


#    day        9     10     11     12
#    mmol/L    20   "high"   18     6
#              [---- episode 1 -----]
def test_what_cannot_be_judged_does_not_end_an_episode() -> None:
    """An unreadable result between two outside holds the episode open; a missing value says nothing at all."""
    results = [lab("GLUC", day, value) for day, value in ((9, "20"), (10, "high"), (10.5, None), (11, "18"), (12, "6"))]
    (one,) = crossed(*results)
    assert (one.verdict, one.value, one.ended and one.ended.text) == ("outside", "20", told(12))
    assert crossed(lab("GLUC", 9, None)) == []


def test_before_treatment_is_said() -> None:
    """Glucose at screening, on the first day of treatment without a time of day, and after it."""
    assert [one.emergent for one in crossed(lab("GLUC", -10, "15"))] == [False]
    assert [one.emergent for one in crossed(lab("GLUC", -5, "15", observed_at="2024-06-19"))] == [None]
    assert [one.emergent for one in crossed(lab("GLUC", -10, "15"), lab("GLUC", 9, "15"))] == [True]


def test_the_protocol_says_who_is_told() -> None:
    """With "tell: safety_physician" the first result outside is mailed, the next two of the episode are not."""
    limit = WatchLimit(analyte="SYSBP", outside="< 90 mm[Hg]", source="x", tell=("safety_physician",))
    played = Played([*TREATED, *(pressure(day, value) for day, value in ((8, "86"), (9, "79"), (10, "110")))],
                    book=bundled_with(watch=(limit,)))  # fmt: skip
    sent = [alert for change in played.changes for alert in revise(change) if alert.type == "watch_limit"]
    assert [(alert.decision.action, alert.tell) for alert in sent] == [("send", ("safety_physician",))]
    assert "86 mm[Hg]" in sent[0].headline


def test_a_limit_may_be_a_multiple_of_a_limit_of_normal() -> None:
    """Above 2 x ULN: 90 with a ULN of 40 is outside; without a ULN it cannot be judged."""
    book = bundled_with(watch=(WatchLimit(analyte="ALT", outside="> 2 x ULN", source="x"),))
    (one,) = Played([*TREATED, lab("ALT", 9, "90")], book=book).of("watch_limit")
    assert (one.verdict, one.distance) == ("outside", "10 U/L above the limit")
    (one,) = Played([*TREATED, lab("ALT", 9, "90", range_high=None)], book=book).of("watch_limit")
    assert (one.verdict, one.evidence.reasons[1:]) == ("undetermined", ("G5: no ULN is known",))


def test_a_range_that_shows_another_unit_is_asked_about_and_not_taken_as_inside() -> None:
    """30 "mmol/L" with a range of 70 to 110 may be mg/dL: a question and an undetermined limit, no exception (G20)."""
    played = Played([*TREATED, lab("GLUC", 9, "30", range_low="70", range_high="110")])
    assert played.one("data_query", code="implausible_range").about == "GLUC"
    assert [one.verdict for one in played.of("watch_limit")] == ["undetermined"]
