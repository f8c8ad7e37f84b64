"""DLT rules about composites that last or come with symptoms; those of several samples are in ``test_hys_law``.

The stories' laboratory: ULN 40 U/L for ALT, so 210 is above 5 x ULN and 160 above 3 x. The first infusion is on day 0.
"""

from functools import cache
from typing import Any

from stories import STUDY, SUBJECT, TREATED, Played, adjudicated, adverse, at, bundled, bundled_with, lab, told

from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.events import SubjectEvent
from safety_stream.rulebook.dlt_rules import DltRule, Matches
from safety_stream.rulebook.tables import Book

LONG, FELT = "liver-stop-5x-2wk", "liver-stop-3x-symptoms"


@cache
def liver_stops() -> Book:
    """The bundled book with two liver stopping criteria among its DLT rules."""
    dlt = bundled().protocols[STUDY].versions[0].dlt
    assert dlt is not None
    more = [DltRule(id=one, text=one, source="example", about=Matches(composite=one)) for one in (LONG, FELT)]
    return bundled_with(dlt=dlt.model_copy(update={"rules": (*dlt.rules, *more)}))


def dlt(rule: str, *events: SubjectEvent) -> Any:
    """The finding by one rule, the same in both orders; None: there is none."""
    found = Played([*TREATED, *events], book=liver_stops()).of("dose_limiting_toxicity", rule=rule)
    assert Played([*reversed(events), *TREATED], book=liver_stops()).of("dose_limiting_toxicity", rule=rule) == found
    return found[0] if found else None


def alt(*samples: tuple[float, str]) -> list[SubjectEvent]:
    """ALT by study day."""
    return [lab("ALT", day, value) for day, value in samples]


def test_a_long_rise_before_the_infusion_does_not_hide_one_after_it() -> None:
    """Above 5 x ULN for 16 days before the infusion, which limits no dose; normal; and again from day 8 to day 23."""
    before = alt((-19, "210"), (-3, "210"), (-1, "30"))
    assert dlt(LONG, *before) is None
    found = dlt(LONG, *before, *alt((8, "210"), (23, "210")))
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == ("candidate", at(8))


def test_a_refutation_does_not_outlive_the_sample_that_proves_the_length() -> None:
    """From day 8 to 14, and normal on day -1: it may have lasted; refuted on day 16; on day 23 it has, for 15 days."""
    decision = adjudicated(finding_id(STUDY, SUBJECT, "dlt", f"composite|{LONG}"), 16, "refuted")
    rise = alt((-1, "30"), (8, "210"), (14, "210"))
    assert dlt(LONG, *rise, decision).state == "refuted"
    assert dlt(LONG, *rise, decision, *alt((23, "210"))).state == "candidate"


def test_symptoms_after_the_window_do_not_hide_those_inside_it() -> None:
    """Nausea that may have begun before treatment came with the rise of day 8; that of day 60 surely came with one."""
    inside = adverse("Nausea", 8, grade=1, onset="2024-06", resolved=told(9), outcome="recovered")
    later = [*alt((60, "160")), adverse("Nausea", 60, grade=1, resolved=told(61), outcome="recovered")]
    assert dlt(FELT, *later) is None
    assert dlt(FELT, *alt((8, "160"), (15, "30")), inside, *later).state == "possible"
