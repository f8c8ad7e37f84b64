"""An alert follows its result: what is taken back is withdrawn, what stands is not, and what comes back is told."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import Played, adverse, at, enrolled, infusion, lab, lymphodepletion, screened, taken_back, vital

from safety_stream.alerting.alert import Alert, alert_id
from safety_stream.alerting.drafts import alerts_of
from safety_stream.alerting.policy import revise
from safety_stream.clinical.events import LabResult, SubjectEvent, VitalSign
from safety_stream.clinical.findings import FindingChange

DOSED = (screened(), enrolled(), lymphodepletion(-5), infusion(1, 0))
LABORATORY = {"lab_grade_3", "lab_grade_4", "dose_limiting_toxicity", "liver_stop", "grade_jump"}
Mail = tuple[str, str, str]
Change = tuple[int, str | None]


def mails(played: Played, *events: SubjectEvent) -> list[Alert]:
    """What is mailed of the laboratory while these events are told, each on the day it was reported."""
    sent: list[Alert] = []
    for event in events:
        now = max(event.reported_at, played.record.header.concluded_to or event.reported_at)
        sent += revise(*played.take(event, now).changes)
    return [one for one in sent if one.type in LABORATORY and one.decision.action == "send"]


def said(alerts: Iterable[Alert], *types: str) -> list[Mail]:
    """Type, reason and the value in the headline; of some types only."""
    return sorted(
        (one.type, one.decision.reason, one.headline.rpartition(": ")[2].partition(" ")[0])
        for one in alerts
        if one.type in (types or LABORATORY)
    )


def told(*events: SubjectEvent) -> Played:
    """A dosed subject of whom these events were told."""
    played = Played()
    mails(played, *DOSED, *events)
    return played


def k(day: float, value: str, record: str | None = None, reported: float | None = None) -> LabResult:
    """A potassium, told two hours after it was taken unless a day is given."""
    return lab("K", day, value, reported=at(day if reported is None else reported, 10), record=record or f"K@{day:g}")


def platelets(day: float, value: str, record: str) -> LabResult:
    """A platelet count."""
    return lab("PLAT", day, value, record=record, reported=at(day, 10))


def gone(event: LabResult | VitalSign, day: float) -> SubjectEvent:
    """The same record entered in error, as was told that noon."""
    back: SubjectEvent = taken_back(event).model_copy(update={"reported_at": at(day, 12)})
    return back


def test_a_false_tube_is_withdrawn_and_the_true_one_a_week_later_is_not() -> None:
    """Platelets 12 of another subject on day 2, 180 on day 4, a true 15 on day 9: only the 12 is taken back."""
    false = platelets(2, "12", "false")
    played = told(false, platelets(4, "180", "normal"))
    (true,) = mails(played, platelets(9, "15", "true"))
    (withdrawn,) = mails(played, gone(false, 9))
    assert (withdrawn.headline, withdrawn.state) == (
        "WITHDRAWN: Platelet count decreased, grade 4: 12 10*9/L",
        "withdrawn",
    )
    assert ("Now", "the data no longer support it") in withdrawn.facts
    assert withdrawn.id != true.id


def test_a_later_correction_of_the_true_one_goes_to_its_own_alert() -> None:
    """After the false 12 was taken back, the 15 is corrected to 55: its alert is withdrawn, in a newer revision."""
    false, true = platelets(2, "12", "false"), platelets(9, "15", "true")
    played = told(false, platelets(4, "180", "normal"))
    (first,) = mails(played, true)
    mails(played, gone(false, 9))
    corrected = lab("PLAT", 9, "55", record="true", version=2, status="corrected", reported=at(9, 15))
    (last,) = [one for one in mails(played, corrected) if one.type == "lab_grade_4"]
    assert (last.id, last.state) == (first.id, "withdrawn")
    assert last.revision > first.revision
    assert ("Now", "Platelet count decreased, grade 2: 55 10*9/L") in last.facts


def test_two_times_that_become_one_withdraw_nothing() -> None:
    """Potassium 7.5, 4.4, 7.2; the 4.4 was of a mislabelled tube: the alert of 7.2 is contained, in silence."""
    normal = k(3, "4.4", "normal")
    played = told(k(1, "7.5"), normal, k(6, "7.2"))
    alerts = revise(*played.take(gone(normal, 6), at(6, 12)).changes)
    assert [one for one in alerts if one.decision.action == "send" and one.type in LABORATORY] == []
    held = {(one.type, one.decision.reason, one.state) for one in alerts if one.type in LABORATORY - {"grade_jump"}}
    assert held == {
        ("lab_grade_4", "contained", "raised"),
        ("dose_limiting_toxicity", "contained", "raised"),
    }


def test_one_time_that_becomes_two_tells_the_second() -> None:
    """Potassium 7.5 and 7.2 were one time; then a normal one between them is told late: 7.2 came back."""
    played = told(k(1, "7.5"), k(6, "7.2"))
    assert said(mails(played, k(3, "4.4", reported=6.1)), "lab_grade_4") == [("lab_grade_4", "new", "7.2")]


@pytest.mark.parametrize("late", ["5.4", "6.5"])
def test_an_earlier_result_that_comes_late_moves_nothing(late: str) -> None:
    """Potassium 7.2 was told; a 5.4 or a 6.5 of four days before comes late: 7.2 stays as it was told."""
    played = told(k(4, "4.4"), k(6, "7.2"))
    sent = mails(played, k(2, late, reported=6.2))
    assert said(sent) == ([("lab_grade_3", "historical", "6.5")] if late == "6.5" else [])


def test_a_corrected_baseline_that_leaves_the_grade_is_silent() -> None:
    """Platelets 110 (grade 1) before treatment were 160: the 12 of day 9 is in the first episode now."""
    before = lab("PLAT", -6, "110", record="b", reported=at(-6, 10))
    played = Played()
    mails(played, screened(), enrolled(), before, lab("PLAT", -5.5, "130", reported=at(-5.5, 14)), *DOSED[2:])
    assert said(mails(played, platelets(9, "12", "p"))) == [("lab_grade_4", "new", "12")]
    corrected = lab("PLAT", -6, "160", record="b", version=2, status="corrected", reported=at(9, 15))
    assert mails(played, corrected) == []


def test_a_second_fever_stays_when_the_first_is_taken_back() -> None:
    """Febrile neutropenia on days 2 and 8; the thermometer of day 2 was another subject's."""
    false = vital("TEMP", 2, "39.3", "Cel", record="f")
    played = told(lab("NEUT", 2, "0.6", reported=at(2, 9)), false, vital("TEMP", 3, "36.8", "Cel"))
    mails(played, lab("NEUT", 8, "0.6", reported=at(8, 9)))
    (true,) = [one for one in mails(played, vital("TEMP", 8, "39.5", "Cel")) if one.case]
    (withdrawn,) = mails(played, gone(false, 8))
    assert (withdrawn.case, withdrawn.state) == ("febrile_neutropenia", "withdrawn")
    assert "39.3" in withdrawn.headline
    assert withdrawn.id != true.id


def test_a_liver_case_whose_result_is_taken_back_is_told_as_the_other_one() -> None:
    """ALT 400 and 420 U/L (ULN 40) are each above 8 x ULN; the 400 was false: the alert now tells the 420."""
    false = lab("ALT", 2, "400", record="f", reported=at(2, 10))
    played = told(lab("ALT", -6, "20"), false, lab("ALT", 4, "20", reported=at(4, 10)))
    mails(played, lab("ALT", 9, "420", reported=at(9, 10)))
    sent = mails(played, gone(false, 9))
    (stop,) = [one for one in sent if one.type == "liver_stop"]
    assert stop.decision.reason == "corrected"
    assert "420" in stop.headline
    assert said(sent, "lab_grade_3") == [("lab_grade_3", "withdrawn", "400")]


def test_it_is_told_again_after_a_clear_improvement_only() -> None:
    """Potassium 7.3, 6.9 (grade 3), 7.3 is one alert; after 5.4 (grade 1) 8.4 is another; the episode is one."""
    played = Played()
    mails(played, *DOSED)
    sent = [said(mails(played, k(day, value)), "lab_grade_4") for day, value in ((1, "7.3"), (2, "6.9"), (3, "7.3"))]
    assert sent == [[("lab_grade_4", "new", "7.3")], [], []]
    assert mails(played, k(4, "5.4")) == []
    assert said(mails(played, k(6, "8.4")), "lab_grade_4") == [("lab_grade_4", "new", "8.4")]
    assert played.one("toxicity").episode == 1


def test_a_second_fall_of_the_platelets_is_told() -> None:
    """20 (grade 4), 60 (grade 2), 3: the 3 is news; 60 did not end the grade 3, which the alert of 20 told."""
    played = told(platelets(3, "140", "a"), platelets(6, "40", "b"))
    assert said(mails(played, platelets(9, "20", "c"))) == [("lab_grade_4", "new", "20")]
    assert mails(played, platelets(13, "60", "d")) == []
    assert said(mails(played, platelets(20, "3", "e"))) == [("lab_grade_4", "new", "3")]


def test_what_outlasts_its_band_is_told_with_the_result_that_does() -> None:
    """Neutrophils of grade 3 are expected to day 28: 0.9 on day 15 is held, 0.6 on day 30 is told, as of day 30."""
    played = told(infusion(2, 7), infusion(3, 14))
    days = ((15, "0.9"), (20, "0.95"), (26, "0.95"))
    assert [mails(played, lab("NEUT", day, value, reported=at(day, 10))) for day, value in days] == [[], [], []]
    sent = mails(played, lab("NEUT", 30, "0.6", reported=at(30, 10)))
    assert said(sent) == [("lab_grade_3", "new", "0.6")]
    facts = dict(sent[0].facts)
    assert facts["Specimen taken"].startswith("2024-07-24 08:00")
    assert facts["Told because"] == "the expected band ended on day 28"
    assert "Historical" not in facts


def test_what_goes_beyond_its_band_says_so() -> None:
    """Up to grade 3 is expected: 0.3 on day 9 is told as grade 4."""
    played = told(lab("NEUT", 7, "0.8", reported=at(7, 10)))
    (sent,) = mails(played, lab("NEUT", 9, "0.3", reported=at(9, 10)))
    assert (sent.type, dict(sent.facts)["Told because"]) == (
        "lab_grade_4",
        "beyond grade 3, which the protocol expects then",
    )


def test_an_event_that_got_worse_today_is_news_of_today() -> None:
    """A pneumonitis of grade 1 on day 1 is reported at grade 4 on day 9; told only on day 20, that is history."""
    first = adverse("Pneumonitis", 1, grade=1, attribution="possible", record="p", reported=at(1, 10))
    worse = adverse("Pneumonitis", 1, grade=4, attribution="possible", record="p", version=2, reported=at(9, 10))
    for day, reason in ((9, "new"), (20, "historical")):
        played = told(first)
        alerts = revise(*played.take(worse, at(day, 11)).changes)
        assert [one.decision.reason for one in alerts if one.type == "adverse_event_grade_4"] == [reason]


def test_any_order_tells_the_same_alerts_apart() -> None:
    """The same results in any order: the times that alerts follow are those of the results, by their records."""
    events = [k(1, "7.5", "a"), k(3, "5.4", "b"), k(6, "7.2", "c"), k(8, "4.4", "d"), k(9, "7.4", "e")]
    expected = [(4, "test|a"), (4, "test|c"), (4, "test|e")]
    for order in (events, events[::-1], events[2:] + events[:2]):
        found = Played([*DOSED, *order]).of("toxicity")
        times = sorted((time.grade, time.record) for one in found for time in one.times if time.grade == 4)
        assert times == expected


def test_what_an_older_version_concluded_is_not_told_again() -> None:
    """Findings stored before records were kept with them: concluded anew they differ, and nobody hears of it."""
    played = told(k(1, "7.5"))
    for now in (played.one("toxicity"), played.one("dose_limiting_toxicity")):
        was = now.model_copy(update={"record": None} if now.kind == "dose_limiting_toxicity" else {"times": ()})
        change = FindingChange(
            change="changed", revision=2, finding=now, previous=was, as_of=at(2), because="lab_result test|NA@2 v1"
        )
        assert revise(change) == ()


def test_a_crash_between_pages_takes_nothing_back() -> None:
    """Of episodes counted anew only the one that lost its result is told again: the other stands beside it, as told."""
    first = told(k(1, "7.5", "a"), k(3, "4.4"), k(6, "7.2", "b"))
    one, two = sorted((one for one in first.of("toxicity")), key=lambda each: each.episode)
    change = FindingChange(
        change="withdrawn",
        revision=3,
        finding=two,
        previous=two,
        beside=(two.model_copy(update={"id": one.id, "episode": 1}),),
        as_of=at(7),
        because="lab_result test|a v2",
    )
    assert revise(change) == ()


@pytest.mark.parametrize("order", [(3, 1, 4, 2), (3, 4, 1, 2), (4, 3, 1, 2)])
def test_a_late_result_that_splits_an_episode_lets_no_revision_fall(order: tuple[int, ...]) -> None:
    """Potassium 6.5, 4.4, 6.5, 4.4 (grades 3, 0, 3, 0) told out of order: day 3 is of episode 1 until day 2
    shows two; what is then told of day 3 has a higher revision than what was told before.
    """
    played, revisions = Played(), dict[str, list[int]]()
    results = {day: k(day, value) for day, value in enumerate(("6.5", "4.4", "6.5", "4.4"), start=1)}
    events: list[SubjectEvent] = [*DOSED, *(results[day] for day in order)]
    for event in events:
        for alert in revise(*played.take(event).changes):
            revisions.setdefault(alert.id, []).append(alert.revision)
    assert {id_: told for id_, told in revisions.items() if told != sorted(set(told))} == {}


VALUES = st.sampled_from(["4.4", "5.4", "5.8", "6.5", "7.2", "7.5", "8.0"])  # of grade 0, 1, 2, 3, 4, 4, 4
CHANGES = st.lists(st.tuples(st.integers(0, 6), st.none() | VALUES), max_size=3, unique_by=lambda one: one[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=7), CHANGES, st.randoms(use_true_random=False))
def test_who_was_told_ends_up_knowing_what_stands(values: list[str], changes: list[Change], chance: Random) -> None:
    """Results of potassium, some corrected (a value) or entered in error (none), in any order: what was told last of
    every alert is exactly what the findings support, and the revisions of an alert only rise.
    """
    events: list[SubjectEvent] = [k(day, value, f"r{day}") for day, value in enumerate(values, start=1)]
    for place, value in changes:
        if place < len(values):
            day = place + 1
            fixed = lab("K", day, value, record=f"r{day}", version=2, status="corrected")
            events.append(fixed if value is not None else taken_back(k(day, values[place], f"r{day}")))
    chance.shuffle(events)
    played, heard = Played(), dict[str, Alert]()
    for event in (*DOSED, *events):
        for alert in revise(*played.take(event).changes):
            if alert.type in {"lab_grade_3", "lab_grade_4", "dose_limiting_toxicity"}:
                assert alert.id not in heard or alert.revision > heard[alert.id].revision
                heard[alert.id] = alert
    told = {id_ for id_, one in heard.items() if (one.state, one.decision.action) == ("raised", "send")}
    found = [*played.of("toxicity"), *played.of("dose_limiting_toxicity")]
    stands = {
        alert_id(one.study, one.subject, draft.type, draft.of, draft.case)
        for one in found
        for draft in alerts_of(one)
        if draft.decision.action == "send" and draft.type != "grade_jump"
    }
    assert told == stands
