"""Claims about what a decision was shown: it holds for the toxicity that stood before the person, and for no other.

day 9      day 12        day 15                       day 17
CRS, 4     (refuted)     corrected to seizure, 4      (decided anew)
           on CRS        nobody judged a seizure
"""

from itertools import permutations
from typing import Any

import pytest
from stories import STUDY, SUBJECT, TREATED, ZONE, Played, adjudicated, adverse, at, bundled, lab, taken_back, told

from safety_stream.clinical.conclusion import finding_id

CRS, SEIZURE = "Cytokine release syndrome", "Seizure"
EVENT = finding_id(STUDY, SUBJECT, "dlt", "reported|test|ae")
HYS_LAW = finding_id(STUDY, SUBJECT, "dlt", "composite|hys-law")


def _told(term: str, version: int = 1, reported: float = 9, **more: Any) -> Any:
    """Grade 4 from day 9, told by that version on that day."""
    says = {"attribution": "probable", "outcome": "not-recovered", "record": "ae", "grade": 4, **more}
    return adverse(term, 9, version=version, reported=at(reported, 20), **says)


def _dlt(*events: Any) -> Any:
    return Played([*TREATED, *events]).one("dose_limiting_toxicity")


@pytest.mark.parametrize("verdict", ["refuted", "confirmed"])
def test_a_decision_on_one_term_decides_no_other(verdict: str) -> None:
    """Decided as a cytokine release syndrome; the report then says seizure: a candidate that nobody has judged."""
    events = [_told(CRS), adjudicated(EVENT, 12, verdict), _told(SEIZURE, 2, 15)]
    found = _dlt(*events)
    assert (found.state, found.rule, found.adjudicated_by) == ("candidate", "non-hematologic-4", None)
    assert any(f"was on {CRS}, as the event was told then" in one for one in found.evidence.reasons)
    assert found.decisions[0].startswith(verdict), "what was decided can still be read"
    again = _dlt(*events, adjudicated(EVENT, 17, "refuted", "Dr B"))
    assert (again.state, again.adjudicated_by) == ("refuted", "Dr B")


def test_a_confirmed_toxicity_that_is_told_as_another_still_counts() -> None:
    """A candidate counts until it is refuted: no dose is escalated over a change of words."""
    played = Played([*TREATED, _told(CRS), adjudicated(EVENT, 12, "confirmed"), _told(SEIZURE, 2, 15)])
    status = played.record.header.status
    assert status is not None
    assert (status.dlt, status.evaluable) == ("candidate", True)
    assert played.of("data_query") == []


def test_a_decision_holds_for_the_term_that_stood_then() -> None:
    """Told as a seizure from day 11 on: the decision of day 12 was on the seizure, that of day 10 on the syndrome."""
    facts = [_told(CRS), _told(SEIZURE, 2, 11)]
    assert _dlt(*facts, adjudicated(EVENT, 12, "refuted")).state == "refuted"
    assert _dlt(*facts, adjudicated(EVENT, 10, "refuted")).state == "candidate"


@pytest.mark.parametrize(("decided", "state"), [(10, "refuted"), (12, "candidate"), (16, "refuted")])
def test_a_term_that_was_changed_back_is_what_was_decided_on_before(decided: int, state: str) -> None:
    """Syndrome, from day 11 a seizure, from day 15 a syndrome again: who decided on day 12 saw the seizure."""
    over: dict[str, Any] = {"outcome": "recovered", "resolved": told(9, 18)}  # so that no duration is reached later
    facts = [_told(CRS, **over), _told(SEIZURE, 2, 11, **over), _told(CRS, 3, 15, **over)]
    assert _dlt(*facts, adjudicated(EVENT, decided, "refuted")).state == state


def test_one_term_told_by_words_or_by_code_is_one() -> None:
    """A synonym of the CTCAE name, then its code beside free words: the same toxicity, decided once."""
    code = bundled().term(CRS)
    assert code is not None
    by_code = _told("storm", 2, 15, meddra_code=code.code)
    assert _dlt(_told(CRS), adjudicated(EVENT, 12, "refuted"), by_code).state == "refuted"


def test_a_refutation_outlives_what_was_told_anew_of_the_same() -> None:
    """A later version with another end or action is no news for who judged it."""
    again = _told(CRS, 2, 15, outcome="recovered", resolved=told(14), action_taken="tocilizumab")
    assert _dlt(_told(CRS), adjudicated(EVENT, 12, "refuted"), again).state == "refuted"


@pytest.mark.parametrize(
    ("verdict", "state", "rule"), [("refuted", "candidate", "crs-4"), ("confirmed",) * 2 + ("death",)]
)
def test_a_rule_met_only_by_a_later_attribution_was_not_decided_on(verdict: str, state: str, rule: str) -> None:
    """A death "unlikely" due to the product meets the rule on deaths alone; as "probable" it meets crs-4 as well.

    Refuted as a death: crs-4 is open. Confirmed: the event is a dose-limiting toxicity, whatever else it meets.
    """
    fatal: dict[str, Any] = {"grade": 5, "outcome": "fatal"}
    first = _told(CRS, attribution="unlikely", **fatal)
    assert [one.rule for one in _dlt(first).rules] == ["death"]
    found = _dlt(first, adjudicated(EVENT, 12, verdict), _told(CRS, 2, 15, **fatal))
    assert (found.state, found.rule) == (state, rule)
    lesser = _dlt(
        _told(CRS, **fatal), adjudicated(EVENT, 12, verdict), _told(CRS, 2, 15, attribution="unlikely", **fatal)
    )
    assert lesser.state == verdict, "met with the attribution that was shown, and with the one told since"


def test_a_rule_met_only_by_what_the_sponsor_judged_later_was_not_decided_on() -> None:
    """Refuted as a death "unlikely" due to the product; the sponsor then holds it for probable: crs-4 is open."""
    fatal: dict[str, Any] = {"grade": 5, "outcome": "fatal", "attribution": "unlikely"}
    later = _told(CRS, 2, 15, sponsor_attribution="probable", **fatal)
    for order in permutations([_told(CRS, **fatal), adjudicated(EVENT, 12, "refuted"), later]):
        found = _dlt(*order)
        assert (found.state, found.rule) == ("candidate", "crs-4")
    assert _dlt(later, adjudicated(EVENT, 17, "refuted")).state == "refuted"


def test_terms_and_decisions_in_any_order_conclude_the_same() -> None:
    """Three versions with two terms and two decisions: all 120 orders."""
    facts = [
        _told(CRS), _told(SEIZURE, 2, 11), _told(CRS, 3, 15, attribution="unknown"),
        adjudicated(EVENT, 12, "refuted"), adjudicated(EVENT, 10, "confirmed"),
    ]  # fmt: skip
    wanted = Played([*TREATED, *facts]).findings
    assert all(Played([*TREATED, *order]).findings == wanted for order in permutations(facts))


def test_two_contents_of_one_version_are_decided_as_either() -> None:
    """Version 1 tells a syndrome and a seizure: a question; whoever decided saw one of them, and it stays decided."""
    facts = [_told(CRS), _told(SEIZURE)]
    for order in permutations([*facts, adjudicated(EVENT, 12, "refuted")]):
        played = Played([*TREATED, *order])
        assert played.one("dose_limiting_toxicity").state == "refuted"
        assert played.one("data_query", code="contradictory_versions")


def _liver(day: float) -> list[Any]:
    """ALT of 4 x ULN and bilirubin of 3 x ULN on one day, ALP normal."""
    values = (("ALT", "160"), ("BILI", "60"), ("ALP", "80"))
    return [lab(test, day, value) for test, value in values]


def test_a_decision_on_one_case_of_a_composite_decides_no_other() -> None:
    """Hy's law on day 3, refuted with its onset; the samples are taken back; made again on day 10 by others."""
    first, second = _liver(3), [lab("ALT", 6, "20"), lab("BILI", 6, "10"), *_liver(10)]
    played = Played([*TREATED, *first])
    shown = played.one("dose_limiting_toxicity", rule="hys-law")
    for verdict in ("refuted", "confirmed"):
        decision = adjudicated(HYS_LAW, 14, verdict, onset=str(shown.onset))
        assert _hys_law(*first, decision).state == verdict
        left = _hys_law(*first, *second, decision, *(taken_back(one) for one in first))
        assert left.state == "candidate"
        assert any("was on another event, of onset" in one for one in left.evidence.reasons)
        both = _hys_law(*first, *second, decision)
        assert (both.state, both.onset.earliest(ZONE)) == (
            ("candidate", at(10)) if verdict == "refuted" else (verdict, at(3))
        )


def _hys_law(*events: Any) -> Any:
    return Played([*TREATED, *events]).one("dose_limiting_toxicity", rule="hys-law")


def test_an_earlier_sample_told_late_leaves_the_case_decided() -> None:
    """Decided on an onset of day 3; a raised ALT of day 2 comes late: the same case, which began a day earlier."""
    decision = adjudicated(HYS_LAW, 6, "refuted", onset=told(3))
    found = _hys_law(*_liver(3), decision, lab("ALT", 2, "160", reported=at(8)))
    assert (found.state, found.onset.earliest(ZONE)) == ("refuted", at(2))


@pytest.mark.parametrize("verdict", ["refuted", "confirmed"])
def test_nobody_decides_on_an_event_that_has_not_begun(verdict: str) -> None:
    """Potassium of grade 4 on day 3, decided by its id on day 5, taken back; the one of day 10 has its number now."""
    course = [lab("K", day, value) for day, value in ((-10, "4.0"), (3, "7.5"), (4, "4.2"))]
    played = Played([*TREATED, *course])
    played.take(adjudicated(played.one("dose_limiting_toxicity").id, 5, verdict))
    assert played.one("dose_limiting_toxicity").state == verdict
    played.take(lab("K", 10, "7.6"))
    played.take(taken_back(course[1]))
    left = played.one("dose_limiting_toxicity")
    assert (left.state, str(left.onset)) == ("candidate", told(10))
    assert any("for this one began later" in one for one in left.evidence.reasons)


@pytest.mark.parametrize(
    ("onset", "says", "state"),
    [
        (told(9, 20), {}, "refuted"),  # the same day, told as an hour: 8:00 and 20:00 are two instants
        (told(20), {}, "candidate"),
    ],
)
def test_a_refutation_holds_for_no_onset_told_later(onset: str, says: dict[str, Any], state: str) -> None:
    """Refuted with an onset of day 9; then the report says day 20: who decided judged another course of events.

    Told as the date alone before, an hour of that day is only more exact.
    """
    over: dict[str, Any] = {"outcome": "recovering", "resolved": None}
    day = str(at(9).date())
    found = _dlt(
        _told(CRS, onset=day, **over),
        adjudicated(EVENT, 12, "refuted"),
        _told(CRS, 2, 25, **{**over, **says, "onset": onset}),
    )
    assert found.state == state
    assert any(f"was on an onset of {day}" in one for one in found.evidence.reasons) is (state == "candidate")


def test_a_confirmation_outlives_another_onset_and_a_decision_that_names_the_onset_of_now_holds() -> None:
    """Day 9, then day 4: confirmed stays confirmed; a refutation that was shown day 4 already is one of day 4."""
    over: dict[str, Any] = {"outcome": "recovering"}
    facts = [_told(CRS, **over), _told(CRS, 2, 25, onset=told(4), **over)]
    assert _dlt(*facts, adjudicated(EVENT, 12, "confirmed")).state == "confirmed"
    assert _dlt(*facts, adjudicated(EVENT, 12, "refuted")).state == "candidate"
    assert _dlt(*facts, adjudicated(EVENT, 12, "refuted", onset=told(4))).state == "refuted"
    assert _dlt(*facts, adjudicated(EVENT, 26, "refuted")).state == "refuted"


def test_another_onset_reopens_a_refutation_in_any_order() -> None:
    """Two versions and a decision in all 6 orders."""
    facts = [_told(CRS), _told(CRS, 2, 25, onset=told(20)), adjudicated(EVENT, 12, "refuted")]
    first = Played([*TREATED, *facts]).findings
    assert all(Played([*TREATED, *order], stored=True).findings == first for order in permutations(facts))


def test_a_decision_that_names_no_onset_is_asked_for_it_where_it_may_be_on_another_event() -> None:
    """ALT 900 on days 3 and 12, normal between (above 20 x ULN twice): a decision by number alone may be on either."""
    twice = [lab("ALT", -10, "20"), lab("ALT", 3, "900"), lab("ALT", 7, "20"), lab("ALT", 12, "900")]
    played = Played([*TREATED, *twice])
    first, second = sorted(played.of("dose_limiting_toxicity", term="Alanine aminotransferase increased"), key=_onset)
    assert (
        Played([*TREATED, *twice, adjudicated(second.id, 14, "refuted", onset=str(second.onset))]).of(
            "data_query", code="decision_without_onset"
        )
        == []
    )
    played.take(adjudicated(second.id, 14, "refuted"))
    found = played.one("data_query", code="decision_without_onset")
    assert found.found == f"refuted by Dr A at {told(14, 15)}, one of 2 events of ALT"
    alone = Played([*TREATED, *twice[:2], adjudicated(first.id, 14, "refuted")])
    assert not alone.of("data_query", code="decision_without_onset")


def _onset(one: Any) -> Any:
    return one.onset.earliest(ZONE)
