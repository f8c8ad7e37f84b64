"""For how long: fever above 40.0 Cel is grade 3 up to 24 hours and grade 4 beyond (CTCAE v5.0; register G35, T4).

Samples are drawn above each case: `*` above 40.0, `.` normal, `o` 39.0 (a fever still, the same episode). Known hours
run from the first to the last `*` while samples are no more than 12 h apart; possible hours from the sample before to
the sample after.
"""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import TREATED, Played, fact, told, vital

from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_measured import Toxicity

BELOW, ABOVE = "37.0", "40.2"
_VALUES = {"*": ABOVE, ".": BELOW, "o": "39.0"}


def temperature(hour: float, value: str) -> SubjectEvent:
    """A temperature so many hours after 08:00 of day 8."""
    return vital("TEMP", 8 + hour / 24, value, "Cel")


def fever(drawn: dict[float, str], test: str = "Fever") -> Toxicity:
    """The one finding of a treated subject with these temperatures by hour."""
    found: Toxicity = Played([*TREATED, *(temperature(*one) for one in drawn.items())]).one("toxicity", term=test)
    return found


def drawing(line: str, every: int) -> dict[float, str]:
    """A drawn line, one character every so many hours; a space is no sample."""
    return {every * n: _VALUES[mark] for n, mark in enumerate(line) if mark != " "}


CASES = {
    #  hours   0   4   8  12  16  20  24  28  32  36  40
    "a short one is grade 3 once it is over: at most 8 h": (".*.", 4, "3"),
    "with no sample after it, its end is not known": (".*", 4, "3-4"),
    "known for 20 h, over within 24 h ... of the samples on either side 28 h": (".******.", 4, "3-4"),
    "known for 24 h: more than 24 h is asked for": (".*******", 4, "3-4"),
    "known for 28 h: grade 4 while it lasts": (".********", 4, "4"),
    "known for 28 h, then over: still grade 4": (".********.", 4, "4"),
    "20 h from sample before to sample after: grade 3": (".****.", 4, "3"),
    "24 h from sample before to sample after: not more than 24 h": (".*****.", 4, "3"),
    "no sample before it: nobody knows since when": ("*.", 4, "3-4"),
    # every 12 h: joined; every 16 h: a long time that nobody looked is not known to be fever
    "samples 12 h apart are joined: 36 h known": (".****.", 12, "4"),
    "samples 16 h apart are not: 48 h are only possible": (".****.", 16, "3-4"),
    "a gap of 16 h inside: 12 h and 12 h, not 40": (".****   ****", 4, "3-4"),
    "a dip in between begins anew: 12 h and 8 h": (".****o***.", 4, "3"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_hours_of_a_drawn_fever(name: str) -> None:
    """Each drawing has the grade that its hours give, counted by hand."""
    line, every, grade = CASES[name]
    found = fever(drawing(line, every))
    assert str(found.peak) == grade
    assert found.alerting_grade == (4 if grade == "4" else 3)


#   hour      0     4     8    12   20    28       32
#            37.0  40.2  40.3  39.0 40.9  40.4    37.5
def test_the_evidence_says_from_which_samples_the_hours_were_counted() -> None:
    """Two runs above 40.0: of 4 to 12 h and of 8 to 20 h; the first decides, and its samples are named."""
    found = fever({0: "37.0", 4: "40.2", 8: "40.3", 12: "39.0", 20: "40.9", 28: "40.4", 32: "37.5"})
    assert str(found.peak) == "3"
    told_of = {one.name: (one.value, one.source) for one in found.evidence.inputs}
    assert told_of["lasting"][0] == ">=4 and <=12"
    assert told_of["held from"] == (told(8 + 4 / 24), f"test|TEMP@{8 + 4 / 24} v1")
    assert told_of["held to"] == (told(8 + 8 / 24), f"test|TEMP@{8 + 8 / 24} v1")
    assert (told_of["not yet at"][0], told_of["no longer at"][0]) == (told(8), told(8.5))
    assert any(one.startswith("T4: held for at least 4 h") and "at most 12 h" in one for one in found.evidence.reasons)


def test_grade_4_is_dated_by_the_sample_that_reaches_it() -> None:
    """Above 40.0 from hour 4 on, every 4 hours: more than 24 h are known at hour 32."""
    found = fever(drawing(".********", 4))
    assert found.peak_observed.text == told(8 + 32 / 24)
    assert found.onset.text == told(8 + 4 / 24)


def test_a_late_sample_and_a_correction_change_the_hours() -> None:
    """20 h to 28 h are open; a late sample below 40.0 in between decides 3, one above 40.0 at hour 26 decides 4."""
    drawn = drawing(".******.", 4)
    assert str(fever(drawn).peak) == "3-4"
    assert str(fever({**drawn, 25: "38.0"}).peak) == "3-4"  # from hour 0 to hour 25 are 25 h
    assert str(fever({**drawn, 2: "38.0"}).peak) == "3-4"  # from hour 2 to hour 28 are 26 h
    assert str(fever({**drawn, 2: "38.0", 25: "38.0"}).peak) == "3"  # 23 h
    assert str(fever({**drawn, 28: "40.1", 32: "40.1"}).peak) == "4"  # known from hour 4 to hour 32


def test_a_date_alone_leaves_the_hours_open() -> None:
    """A sample of day 9 with no time of day may be up to 40 hours after hour 0: nothing is known."""
    some = [temperature(0, "37.0"), vital("TEMP", 9, "40.2", "Cel", observed_at="2024-07-03"), temperature(40, "37.0")]
    assert str(Played([*TREATED, *some]).one("toxicity", term="Fever").peak) == "3-4"


def test_hypertension_asks_for_24_hours_with_daily_readings() -> None:
    """Systolic 150 is grade 2 once it is known for 24 h, 1 when it surely was shorter, 1-2 otherwise (register G36).

    hours   0    24   48   72
            118  150  151  119     known 24 h, possible 72 h: grade 2
            118  150  119          possible 48 h: grade 1-2

    It is recorded that the blood pressure was not normal before; else one reading would leave 1-2 anyway.
    """
    abnormal = fact("blood_pressure_normal_before", -6, value=False)

    def pressure(values: dict[float, str]) -> str:
        drawn = [vital("SYSBP", 8 + hour / 24, value, "mm[Hg]") for hour, value in values.items()]
        return str(Played([*TREATED, abnormal, *drawn]).one("toxicity", term="Hypertension", analyte="SYSBP").peak)

    assert pressure({0: "118", 24: "150", 48: "151", 72: "119"}) == "2"
    assert pressure({0: "118", 24: "150", 48: "119"}) == "1-2"
    assert pressure({0: "118", 10: "150", 20: "119"}) == "1"
    assert pressure({0: "118", 24: "165", 48: "119"}) == "3"


def test_every_order_ends_the_same() -> None:
    """Six samples of a fever in every order."""
    samples = [temperature(*one) for one in drawing(".**.*.", 8).items()]
    first = Played([*TREATED, *samples]).findings
    for order in permutations(samples):
        assert Played([*TREATED, *order]).findings == first


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("*. "), min_size=1, max_size=24), st.sampled_from([3, 4, 8, 12]))
def test_the_grade_follows_from_the_drawing(line: list[str], every: int) -> None:
    """Against a plain reading of the drawing, run by run: known and possible hours, counted on the characters."""
    drawn = drawing("".join(line), every)
    found = Played([*TREATED, *(temperature(*one) for one in drawn.items())]).of("toxicity", term="Fever")
    found = sorted(found, key=lambda one: one.episode)
    assert [str(one.peak) for one in found] == [_grade(*hours) for hours in _runs(drawn)]


def _runs(drawn: dict[float, str]) -> list[tuple[float, float]]:
    """Known and possible hours of each run of samples above; a normal sample ends the episode as well."""
    marks = [*sorted(drawn.items()), (float("inf"), BELOW)]
    runs: list[tuple[float, float]] = []
    before, first, last, known = float("-inf"), None, None, 0.0
    for hour, value in marks:
        if value == ABOVE:
            first = hour if last is None or first is None or hour - last > 12 else first
            last, known = hour, max(known, hour - first)
        else:
            if last is not None:
                runs.append((known, hour - before))
            before, first, last, known = hour, None, None, 0.0
    return runs


def _grade(known: float, possible: float) -> str:
    return "4" if known > 24 else "3" if possible <= 24 else "3-4"
