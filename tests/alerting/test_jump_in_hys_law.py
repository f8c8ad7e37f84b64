"""A jump to grade 2 is answered with Hy's law where that rests on the very result it rose to, and nowhere else.

day   -20    16     17
ALT    30   150            ULN 40: 3.75 x ULN, grade 2 in one step
BILI   12           45     ULN 20: 2.25 x ULN, grade 2 in one step; with the ALT of the day before it is Hy's law
"""

from typing import Any, Final

import pytest
from telling import Telling

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.grouping import groups
from safety_stream.alerting.inhibition import contained
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity

TREATED: Final[tuple[dict[str, Any], ...]] = (
    {"day": "-20", "happens": ["screened", {"lab": "ALT 30"}, {"lab": "BILI 12"}, {"lab": "PLAT 250"}]},
    {"day": "-7", "happens": ["enrolled"]},
    {"day": "-5", "at": "10:00", "happens": ["lymphodepletion"]},
    {"day": "0", "at": "10:00", "happens": [{"infusion": "1"}]},
)


def _sent(*days: tuple[str, str]) -> list[Alert]:
    """Every alert that the story sends: results by day, after the treatment."""
    telling = Telling()
    sent: list[Alert] = []
    for step in (*TREATED, *({"day": day, "happens": [{"lab": lab}]} for day, lab in days)):
        telling.step(step)
        sent += telling.sent
    return sent


def _of(alerts: list[Alert], type_: str, analyte: str = "") -> list[Alert]:
    return [one for one in alerts if one.type == type_ and getattr(one.finding, "analyte", "") in {analyte, ""}]


def test_the_jumps_that_hys_law_rests_on_are_answered_with_it() -> None:
    """The bilirubin in its mail; the ALT would be too, had it come in the same mail."""
    alerts = _sent(("16", "ALT 150"), ("17", "BILI 45"))
    (law,), (alt,), (bilirubin,) = (
        _of(alerts, "hys_law"), _of(alerts, "grade_jump", "ALT"), _of(alerts, "grade_jump", "BILI")
    )  # fmt: skip
    assert contained([law, bilirubin]) == {bilirubin.id: law}
    assert contained([law, alt, bilirubin]) == {bilirubin.id: law, alt.id: law}
    assert any({law, bilirubin} <= set(mail) for mail in groups(alerts))


def test_without_hys_law_the_jump_is_answered_by_itself() -> None:
    """A bilirubin of grade 2 alone."""
    (bilirubin,) = _of(alerts := _sent(("17", "BILI 45")), "grade_jump", "BILI")
    assert bilirubin.id not in contained(alerts)


def test_a_jump_of_another_analyte_of_the_same_tube_is_not() -> None:
    """Platelets of 60 beside the bilirubin: grade 2 in one step, no part of Hy's law."""
    alerts = _sent(("16", "ALT 150"), ("17", "BILI 45"), ("17", "PLAT 60"))
    (platelets,) = _of(alerts, "grade_jump", "PLAT")
    assert platelets.id not in contained(alerts)
    assert any({platelets, _of(alerts, "hys_law")[0]} <= set(mail) for mail in groups(alerts))


def test_a_jump_to_another_result_of_the_same_analyte_is_not() -> None:
    """Hy's law whose evidence is not the ALT that jumped: the jump is told by itself."""
    alerts = _sent(("16", "ALT 150"), ("17", "BILI 45"))
    (law,), (alt,) = _of(alerts, "hys_law"), _of(alerts, "grade_jump", "ALT")
    assert isinstance(law.finding, CompositeMet)
    assert isinstance(alt.finding, Toxicity)
    rose_to = alt.finding.evidence.inputs[0].source
    inputs = [one for one in law.finding.evidence.inputs if one.source != rose_to]
    assert len(inputs) == len(law.finding.evidence.inputs) - 1
    evidence = law.finding.evidence.model_copy(update={"inputs": tuple(inputs)})
    other = law.model_copy(update={"finding": law.finding.model_copy(update={"evidence": evidence})})
    assert contained([law, alt]) == {alt.id: law}
    assert contained([other, alt]) == {}


@pytest.mark.parametrize("lost", ["readings", "higher peak"])
def test_in_doubt_the_jump_is_told_by_itself(lost: str) -> None:
    """The result it rose to is no longer among the last ones, or a later result is the peak: not the same facts."""
    alerts = _sent(("16", "ALT 150"), ("17", "BILI 45"))
    (law,), (alt,) = _of(alerts, "hys_law"), _of(alerts, "grade_jump", "ALT")
    assert isinstance(alt.finding, Toxicity)
    evidence = alt.finding.evidence
    peak = evidence.inputs[0].model_copy(update={"source": "central-lis|ALT-99 v1"})
    change = {"readings": ()} if lost == "readings" else {"evidence": evidence.model_copy(update={"inputs": (peak,)})}
    assert contained([law, alt.model_copy(update={"finding": alt.finding.model_copy(update=change)})]) == {}
