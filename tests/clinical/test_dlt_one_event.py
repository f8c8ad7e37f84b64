"""Claims about one event under several DLT rules: one finding, one mail, one decision, and what a decision outlives."""

from datetime import datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import STUDY, SUBJECT, TREATED, ZONE, Played, adjudicated, adverse, at, lab, taken_back, told

from safety_stream.alerting.policy import revise
from safety_stream.clinical.conclusion import finding_id

CRS = "Cytokine release syndrome"
KEY = "reported|test|crs"
EVENT = finding_id(STUDY, SUBJECT, "dlt", KEY)


def _under(rule: str) -> str:
    """The id that this event under one rule had when each rule had a finding of its own."""
    return finding_id(STUDY, SUBJECT, "dlt", rule, KEY)


def _crs(grade: int, *, version: int = 1, reported: float = 9, **more: Any) -> Any:
    """Cytokine release syndrome from day 9, told by that version on that day."""
    says: dict[str, Any] = {"attribution": "probable", "outcome": "not-recovered", "record": "crs", **more}
    return adverse(CRS, 9, grade=grade, version=version, reported=at(reported, 20), **says)


def _dlt(*events: Any) -> Any:
    return Played([*TREATED, *events]).one("dose_limiting_toxicity")


def _mails(played: Played) -> list[tuple[str, str]]:
    alerts = [alert for change in played.changes for alert in revise(change)]
    sent = [one for one in alerts if one.type == "dose_limiting_toxicity" and one.decision.action == "send"]
    return [(one.state, one.decision.reason) for one in sent]


def test_a_death_is_one_finding_and_one_mail_under_every_rule_it_meets() -> None:
    """A syndrome fatal within the day is a death and a grade 4 or more, and never a grade 3 over 72 hours."""
    played = Played([*TREATED[:6], _crs(5, outcome="fatal")])
    found = played.one("dose_limiting_toxicity")
    assert (found.rule, found.state) == ("death", "candidate")
    assert [(met.rule, met.met) for met in found.rules] == [("death", True), ("crs-4", True)]
    assert _mails(played) == [("raised", "new")]
    assert "It also meets the rule" in found.evidence.sentence


def test_the_id_is_that_of_the_event_whatever_rules_it_meets() -> None:
    """A worse grade, another term or another rule is the same event: its finding changes and keeps its id."""
    assert {_dlt(_crs(grade)).id for grade in (3, 4)} == {EVENT}
    assert _dlt(adverse("Sepsis", 9, grade=4, record="crs")).id == EVENT


@pytest.mark.parametrize(("verdict", "dlt"), [("refuted", "none"), ("confirmed", "confirmed")])
def test_one_decision_decides_the_event_under_all_its_rules(verdict: str, dlt: str) -> None:
    """Grade 4 meets crs-4 and may meet crs-3: decided once, nothing of it stays possible."""
    played = Played([*TREATED, _crs(4), adjudicated(EVENT, 20, verdict)])
    found = played.one("dose_limiting_toxicity")
    assert (found.state, found.adjudicated_by, len(found.rules)) == (verdict, "Dr A", 2)
    assert played.record.header.status is not None
    assert played.record.header.status.dlt == dlt
    assert played.of("data_query") == []


def test_a_decision_under_the_id_of_one_rule_decides_that_rule_and_is_not_lost() -> None:
    """crs-4 refuted by its old id: the grade was less. Whether grade 3 lasts over 72 hours was not decided on."""
    played = Played([*TREATED, _crs(4), adjudicated(_under("crs-4"), 10, "refuted")])
    found = played.one("dose_limiting_toxicity")
    assert (found.state, found.rule) == ("possible", "crs-3")
    assert "refuted" in found.decisions[0]
    assert "crs-4" in found.decisions[0]
    assert played.of("data_query") == [], "the decision found its event"
    both = Played([*TREATED, _crs(4), *(adjudicated(_under(f"crs-{n}"), 10 + n, "refuted") for n in (3, 4))])
    assert both.one("dose_limiting_toxicity").state == "refuted"


def test_a_confirmation_under_the_id_of_one_rule_confirms_the_event() -> None:
    """One rule met is enough: the event is a DLT."""
    assert _dlt(_crs(4), adjudicated(_under("crs-3"), 20, "confirmed")).state == "confirmed"


def test_a_reversed_decision_shows_both_and_the_last_one_holds() -> None:
    """Confirmed by one, refuted by another a week later: refuted, and the course of it can be read."""
    found = _dlt(_crs(4), adjudicated(EVENT, 27, "refuted", "Dr B"), adjudicated(EVENT, 20, "confirmed"))
    assert (found.state, found.adjudicated_by) == ("refuted", "Dr B")
    assert [one.split(" on ")[0] for one in found.decisions] == ["confirmed", "refuted"]


def test_two_decisions_of_one_moment_that_disagree_are_a_question() -> None:
    """Nobody can say which came last: a person is asked."""
    one = adjudicated(EVENT, 20, "confirmed")
    other = one.model_copy(
        update={"verdict": "refuted", "by": "Dr B", "source": one.source.model_copy(update={"id": "x"})}
    )
    assert Played([*TREATED, _crs(4), one, other]).one("data_query").code == "decisions_disagree"


@pytest.mark.parametrize(
    ("decided", "state"),
    [(10, "candidate"), (12, "refuted"), (20, "refuted")],
)
def test_a_refutation_does_not_outlive_a_duration_reached_later(decided: int, state: str) -> None:
    """Grade 3 from day 9, 08:00: refuted at 31 hours it can still pass 72; refuted at 79 hours that was known.

    day 9, 8:00     day 10, 15:00     day 12, 8:00     day 12, 15:00      day 14
    onset           (refuted)         72 hours         (refuted)          not recovered since
    """
    found = _dlt(_crs(3), _crs(3, version=2, reported=14), adjudicated(EVENT, decided, "refuted"))
    assert found.state == state
    assert any("was met only after the decision" in one for one in found.evidence.reasons) is (state == "candidate")


def test_a_refutation_does_not_outlive_a_rise_of_the_grade() -> None:
    """Refuted on day 12 as a grade 3; on day 15 it is grade 4: that was not decided on, and people are told."""
    played = Played([*TREATED, _crs(3), adjudicated(EVENT, 12, "refuted"), _crs(4, version=2, reported=15)])
    assert (played.one("dose_limiting_toxicity").state, _mails(played)) == ("candidate", [("raised", "new")])
    assert played.one("dose_limiting_toxicity").rule == "crs-4"
    again = Played([*TREATED, _crs(4), adjudicated(EVENT, 12, "refuted"), _crs(4, version=2, reported=15)])
    assert again.one("dose_limiting_toxicity").state == "refuted", "the same grade told again is no news"


def test_a_refutation_whose_event_is_gone_is_asked_about() -> None:
    """The report was entered in error: the decision names nothing any more, and so would a slip in the id."""
    played = Played([*TREATED, _crs(4), adjudicated(EVENT, 20, "refuted"), taken_back(_crs(4))])
    assert played.of("dose_limiting_toxicity") == []
    assert played.one("data_query").code == "refutation_without_finding"


@pytest.mark.parametrize(
    ("attribution", "crs", "death"),
    [
        ("unrelated", None, None),
        ("unlikely", None, "candidate"),
        ("possible", "candidate", "candidate"),
        ("probable", "candidate", "candidate"),
        ("definite", "candidate", "candidate"),
        ("unknown", "candidate", "candidate"),
    ],
)
def test_the_attribution_a_rule_names_decides(attribution: str, crs: str | None, death: str | None) -> None:
    """The bundled rules name 'unknown' as enough; 'unrelated' excludes always, 'unlikely' all but a death."""
    for grade, outcome, wanted in ((4, "recovering", crs), (5, "fatal", death)):
        found = Played([*TREATED[:6], _crs(grade, attribution=attribution, outcome=outcome)]).of(
            "dose_limiting_toxicity"
        )
        assert [one.state for one in found] == ([wanted] if wanted else [])


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=3))
def test_any_order_and_any_repetition_of_the_same_facts_concludes_the_same(order: list[int], again: list[int]) -> None:
    """Three versions of a report and three decisions on it, one of them taken back, in any order, some twice."""
    facts = [
        _crs(3), _crs(4, version=2, reported=13),
        _crs(3, version=3, reported=16, outcome="recovered", resolved=told(15)),
        adjudicated(EVENT, 12, "refuted"), adjudicated(_under("crs-3"), 17, "confirmed"),
        taken_back(adjudicated(_under("crs-3"), 17, "confirmed")),
    ]  # fmt: skip
    wanted = Played([*TREATED, *facts]).findings
    assert Played([*TREATED, *(facts[n] for n in [*order, *again])]).findings == wanted


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_what_lasted_longer_never_meets_fewer_rules(one: int, other: int) -> None:
    """Of two courses of grade 3, hours apart, the longer meets every rule that the shorter meets."""
    met = []
    for hours in sorted((one, other)):
        events = [*TREATED, _crs(3, outcome="recovered", resolved=told(9, 8 + hours), reported=30)]
        met.append({rule.rule for found in Played(events).of("dose_limiting_toxicity") for rule in found.rules})
    assert met[0] <= met[1]


def test_one_neutropenia_is_one_event_in_any_order_of_its_samples() -> None:
    """Three samples of grade 4: one finding, possible until 28 days have passed, however they were told."""
    samples = [lab("NEUT", day, "0.3") for day in (8, 10, 12)]
    found = [Played([*TREATED, *order]).one("dose_limiting_toxicity") for order in permutations(samples)]
    assert len({one.id for one in found}) == 1
    assert all(one == found[0] for one in found)
    assert found[0].rules[0].candidate_from == datetime.fromisoformat(told(36)).astimezone(ZONE)


def _two_potassium_events() -> tuple[Played, Any, Any]:
    """Grade 4 on day 3 and on day 10, normal between, each a DLT candidate of its own."""
    course = ((-10, "4.0"), (3, "7.5"), (5, "4.2"), (10, "7.6"), (12, "4.1"))
    played = Played([*TREATED, *(lab("K", day, value) for day, value in course)])
    first, second = sorted(played.of("dose_limiting_toxicity"), key=lambda one: one.onset.text)
    return played, first, second


def test_a_decision_stays_with_its_event_when_an_earlier_result_is_taken_back() -> None:
    """The tube of day 3 was hemolysed and is refuted, day 10 is confirmed; the laboratory takes the tube back."""
    played, first, second = _two_potassium_events()
    played.take(adjudicated(first.id, 14, "refuted", onset=str(first.onset)))
    played.take(adjudicated(second.id, 15, "confirmed", onset=str(second.onset)))
    played.take(taken_back(lab("K", 3, "7.5")))
    left = played.one("dose_limiting_toxicity")
    assert (left.id, left.onset, left.state) == (first.id, second.onset, "confirmed")
    assert any("was on another event, of onset 2024-06-27" in reason for reason in left.evidence.reasons)
    assert not [one for one in played.of("data_query") if one.code == "adjudication_without_finding"]


def test_a_decision_does_not_fall_on_an_event_that_came_late() -> None:
    """Day 10 was confirmed (or refuted) as the only event; a result of day 3 comes on day 20: nobody has judged it."""
    for verdict in ("confirmed", "refuted"):
        late = lab("K", 3, "7.5", reported=at(20))
        played = Played([*TREATED, *(lab("K", day, value) for day, value in ((-10, "4.0"), (5, "4.2"), (10, "7.6")))])
        only = played.one("dose_limiting_toxicity")
        played.take(adjudicated(only.id, 14, verdict, onset=str(only.onset)))
        played.take(late)
        first, second = sorted(played.of("dose_limiting_toxicity"), key=lambda one: one.onset.text)
        assert (first.state, second.state, second.onset) == ("candidate", verdict, only.onset)


def test_a_decision_that_says_no_onset_is_taken_by_its_id_alone() -> None:
    """As those of other systems are: it decides the event that has the id now."""
    played, first, _ = _two_potassium_events()
    played.take(adjudicated(first.id, 14, "refuted"))
    played.take(taken_back(lab("K", 3, "7.5")))
    assert played.one("dose_limiting_toxicity").state == "refuted"


def test_a_decision_is_found_again_however_often_a_grade_came_back() -> None:
    """The seventieth time that potassium is of grade 4 is confirmed; the first one is taken back."""
    rises = [lab("K", 1 + n / 4, "7.5", record=f"rise-{n}") for n in range(70)]
    falls = [lab("K", 1.1 + n / 4, "4.2", record=f"fall-{n}") for n in range(70)]
    played = Played([*TREATED, *(one for pair in zip(rises, falls, strict=True) for one in pair)])
    last = max(played.of("dose_limiting_toxicity"), key=lambda one: one.onset.earliest(ZONE))
    played.take(adjudicated(last.id, 30, "confirmed", onset=str(last.onset)))
    played.take(taken_back(rises[0]))
    states = {one.onset.text: one.state for one in played.of("dose_limiting_toxicity")}
    assert [onset for onset, state in states.items() if state == "confirmed"] == [last.onset.text]
