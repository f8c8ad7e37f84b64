"""What was right when it was told and is over says how it ended; only what the data took back is WITHDRAWN.

Infusion 1 on Monday 24 June 2024 (day 0), infusion 2 planned on 1 July (day 7), in Shanghai.
"""

import json
import re
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, cast

import pytest
from stories import (
    ZONE,
    Played,
    adverse,
    at,
    enrolled,
    fact,
    infusion,
    lab,
    lymphodepletion,
    planned,
    screened,
    taken_back,
    told,
    vital,
    withdrawn,
)

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.letter import Standing, letter
from safety_stream.alerting.policy import revise
from safety_stream.clinical.events import SubjectEvent

TREATED: tuple[SubjectEvent, ...] = (screened(), enrolled(), lymphodepletion(-5), infusion(1, 0))
DAY_BEFORE, DAY_AFTER = datetime(2024, 6, 30, tzinfo=ZONE), datetime(2024, 7, 2, tzinfo=ZONE)
Told = tuple[str, str, str, str]


class Story:
    """A subject whose clock stands at each report, and what people are told."""

    def __init__(self, *events: SubjectEvent, stored: bool = False) -> None:
        self.played = Played(stored=stored)
        for event in events:
            self.told(event)

    def told(self, event: SubjectEvent | None, as_of: datetime | None = None) -> list[Alert]:
        """What is mailed because of an event, or of time."""
        when = as_of or (event.reported_at if event is not None else None)
        changes = self.played.take(event, when).changes
        return [one for change in changes for one in revise(change) if one.decision.action == "send"]


def said(alerts: list[Alert]) -> set[Told]:
    """Type and case, state, reason, headline."""
    return {(f"{a.type}/{a.case}".rstrip("/"), a.state, a.decision.reason, a.headline) for a in alerts}


def of(alerts: list[Alert], type_: str) -> list[Alert]:
    """Those of one type."""
    return [one for one in alerts if one.type == type_]


def test_a_grade_4_that_ends_in_death_is_contained_in_it() -> None:
    """The death contains every other alert of the event: one new mail, and nothing is taken back."""
    story = Story(*TREATED)
    story.told(adverse("Pneumonitis", 1, grade=4, attribution="possible", record="p"))
    fatal: dict[str, Any] = {
        "outcome": "fatal",
        "seriousness": ["death"],
        "resolved": told(2),
        "reported": at(2, 10),
        "version": 2,
    }
    sent = story.told(adverse("Pneumonitis", 1, grade=5, attribution="unrelated", record="p", **fatal))
    about = [one for one in sent if one.type not in {"dose_limiting_toxicity", "sae_clock"}]
    assert said(about) == {("death", "raised", "new", "DEATH, SAE: Pneumonitis, grade 5, serious (death)")}


def test_a_check_whose_day_passes_is_held_all_the_same() -> None:
    """Midnight after 1 July: not a go but the same hold, told again and to be answered again."""
    story = Story(*TREATED)
    assert said(of(story.told(None, DAY_BEFORE), "eligibility_breach")) == {
        ("eligibility_breach/check_open", "raised", "new", "Infusion 2 on 2024-07-01: HOLD, check not answered")
    }
    (lapsed,) = of(story.told(None, DAY_AFTER), "eligibility_breach")
    assert (lapsed.state, lapsed.decision.reason) == ("raised", "lapsed")
    assert lapsed.headline == "Infusion 2 on 2024-07-01: HOLD, check not answered, and that day has passed"
    assert letter(lapsed, Standing(answer_by=DAY_AFTER)).action.startswith("HOLD THE INFUSION until what is missing")
    assert of(story.told(None, DAY_AFTER + timedelta(days=3)), "eligibility_breach") == []


@pytest.mark.parametrize(("day", "lapses"), [(7, False), (9, True)])
def test_an_infusion_given_on_that_hold_is_told_plainly(day: int, lapses: bool) -> None:
    """On its day, or two days late: given without its check, to everybody whom the hold was told."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    if lapses:
        story.told(None, DAY_AFTER)
    (given,) = of(story.told(infusion(2, day)), "eligibility_breach")
    assert (given.case, given.state, given.decision.reason) == ("check_open", "raised", "given_unchecked")
    assert given.headline == f"Infusion 2 on 2024-07-0{day - 6}: GIVEN WITHOUT ITS CHECK"
    english, chinese = (letter(given, Standing(answer_by=DAY_AFTER, language=one)) for one in ("en", "zh"))
    assert english.action.startswith("THE INFUSION WAS GIVEN ALTHOUGH IT WAS ON HOLD.")
    assert chinese.headline == f"第 2 次输注（2024-07-0{day - 6}）：未完成核查即已输注"
    assert "在暂停期间仍已给予" in chinese.action


def test_an_infusion_whose_hold_nobody_was_told_stands_on_the_lists() -> None:
    """A history that is loaded at once: the dose is there before time asks for its check."""
    story = Story(*TREATED)
    assert of(story.told(infusion(2, 7)), "eligibility_breach") == []


def test_a_hold_that_is_answered_in_part_stands() -> None:
    """One result of ten: neither a go nor news; what was told, to hold until all is on file, still holds."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    assert of(story.told(lab("ALT", 6, "30", reported=at(6, 12))), "eligibility_breach") == []


GIVEN = infusion(2, 7)
ALT = lab("ALT", 6, "30", reported=at(6, 12))
COMPLETE: tuple[SubjectEvent, ...] = (
    *(lab(test, 6, value) for test, value in (
        ("AST", "30"), ("EGFR", "95"), ("BILI", "10"), ("PT", "12"), ("INR", "1"), ("CREAT", "70"),
    )),
    vital("LVEF", 6, "60", "%"),
    vital("OXYSAT", 6, "98", "%", on_oxygen=False),
    fact("uncontrolled-infection", 6, value=False),
)  # fmt: skip


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    "late", [ALT, ALT.model_copy(update={"reported_at": at(5, 12)})], ids=["in time", "on its way"]
)
def test_given_on_a_hold_answered_in_part_is_told(late: SubjectEvent, stored: bool) -> None:
    """One of ten results after the hold was told, the dose before the other nine: plainly not a go, so it is told.

    Also when the laboratory released that result before the hold, and it came after it.
    """
    story = Story(*TREATED, stored=stored)
    story.told(None, DAY_BEFORE)
    assert of(story.told(late, at(6, 12)), "eligibility_breach") == []
    (given,) = of(story.told(GIVEN), "eligibility_breach")
    assert (given.case, given.state, given.decision.reason) == ("check_open", "ended", "given_unchecked")
    assert dict(given.facts)["Told before"] == "Infusion 2 on 2024-07-01: HOLD, check not answered"
    assert "alt" not in dict(given.facts)["Undetermined"].split(", ")
    english, chinese = (letter(given, Standing(answer_by=DAY_AFTER, language=one)) for one in ("en", "zh"))
    assert english.action.startswith("THE INFUSION WAS GIVEN ALTHOUGH IT WAS ON HOLD.")
    assert "在暂停期间仍已给予" in chinese.action


def test_a_hold_that_an_older_version_told_is_remembered() -> None:
    """Pages of format 9 kept a revision and a finding alone: the finding itself says that the check was asked for."""
    story = Story(*TREATED, stored=True)
    story.told(None, DAY_BEFORE)
    header = json.loads(cast(bytes, story.played.store["header"]))
    header["kept"] = {id_: one[:2] for id_, one in header["kept"].items()}
    story.played.store["header"] = json.dumps(header | {"book": header["book"].replace("pages 10", "pages 9")}).encode()
    story.told(ALT)
    assert [one.decision.reason for one in of(story.told(GIVEN), "eligibility_breach")] == ["given_unchecked"]


def test_the_order_of_dose_and_result_does_not_matter() -> None:
    """The result first, or the dose: what is told last of the hold is the same, that the check was not complete."""
    last, told_of = set[Told](), list[SubjectEvent]((ALT, GIVEN))
    for order in permutations(told_of):
        story = Story(*TREATED)
        story.told(None, DAY_BEFORE)
        sent = [one for event in order for one in of(story.told(event, GIVEN.reported_at), "eligibility_breach")]
        last |= said(sent[-1:])
    assert last == {("eligibility_breach/check_open", "ended", "given_unchecked", "Infusion 2, given: UNDETERMINED")}


def test_a_check_answered_in_part_before_it_was_wanted_mails_nobody() -> None:
    """A result of day 3 is there when the check is wanted on day 6: no hold was told, and neither is the dose.

    Nor when the day passes first, when another result comes, or when the dose is told again with another hour.
    """
    story = Story(*TREATED, lab("ALT", 3, "30", reported=at(3, 12)))
    again = infusion(2, 8, version=2).model_copy(update={"reported_at": at(9, 8)})
    told_of = [story.told(None, DAY_BEFORE), story.told(lab("AST", 6, "30")), story.told(None, DAY_AFTER)]
    told_of += [story.told(GIVEN, at(8, 18)), story.told(again), story.told(lab("INR", 6, "1", reported=at(10)))]
    assert [of(one, "eligibility_breach") for one in told_of] == [[]] * 6


def test_an_infusion_of_a_history_whose_dose_is_told_anew_mails_nobody() -> None:
    """Nobody was told to hold: the dose, its day corrected twice, and one late result stand on the lists."""
    story = Story(*TREATED, GIVEN)
    for version, day in ((2, 8), (3, 7)):
        redated = infusion(2, day, version=version).model_copy(update={"reported_at": at(8 + version)})
        assert of(story.told(redated), "eligibility_breach") == []
    assert of(story.told(lab("ALT", 6, "30", reported=at(12))), "eligibility_breach") == []


def test_a_hold_that_comes_to_go_one_by_one_is_answered() -> None:
    """Ten answers, each by itself: who was told to hold is told once that it is a go, and of the dose nothing."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    told_of = [one for event in (ALT, *COMPLETE) for one in of(story.told(event, at(6, 20)), "eligibility_breach")]
    assert said(told_of) == {("eligibility_breach/check_open", "ended", "answered", "ANSWERED: Infusion 2: GO")}
    assert len(told_of) == 1
    assert of(story.told(GIVEN), "eligibility_breach") == []


def test_what_is_erased_after_an_infusion_was_given_on_a_go_is_no_hold() -> None:
    """All ten answers, entered in error one after another once the dose was given: what was told to hold was a go."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    for event in (ALT, *COMPLETE, GIVEN):
        story.told(event, at(7, 12))
    told_of = [story.told(taken_back(event), at(8)) for event in (ALT, *COMPLETE)]
    assert [of(one, "eligibility_breach") for one in told_of] == [[]] * 10
    (found,) = story.played.of("eligibility_status", infusion=2)
    assert str(found.unanswered_by) == "2024-07-01"


def test_a_hold_that_ended_with_the_move_of_its_infusion_is_no_hold_of_the_new_day() -> None:
    """Answered in part and moved to 3 July: when that is wanted something is on file, and nobody is told to hold it."""
    story = Story(*TREATED)
    moved = planned(2, 9).model_copy(update={"reported_at": at(6, 20)})
    story.told(None, DAY_BEFORE)
    told_of = [story.told(ALT), story.told(moved), story.told(None, DAY_AFTER), story.told(infusion(2, 9))]
    assert [of(one, "eligibility_breach") for one in told_of] == [[]] * 4


def test_a_hold_that_had_ended_says_that_the_day_has_passed_since() -> None:
    """The one result, which broke a criterion, is erased on 3 July: nothing is on file, and the day has passed."""
    story, bad = Story(*TREATED), lab("ALT", 6, "900", reported=at(6, 12))
    for event, when in ((None, DAY_BEFORE), (bad, None), (None, DAY_AFTER)):
        story.told(event, when)
    sent = of(story.told(taken_back(bad), at(9)), "eligibility_breach")
    (lapsed,) = [one for one in sent if one.case == "check_open"]
    assert (lapsed.state, lapsed.decision.reason) == ("raised", "lapsed")


HOLDS_AGAIN: dict[str, tuple[SubjectEvent, ...]] = {
    "a go, and one of its results entered in error": (
        ALT, *COMPLETE, cast(SubjectEvent, taken_back(ALT).model_copy(update={"reported_at": at(6, 21)})),
    ),
    "a dose entered in error": (
        ALT, GIVEN, cast(SubjectEvent, taken_back(GIVEN).model_copy(update={"reported_at": at(7, 12)})),
    ),
    "a broken criterion corrected": (
        lab("ALT", 6, "900", reported=at(6, 12)),
        lab("ALT", 6, "30", version=2, status="corrected", reported=at(6, 13)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("events", HOLDS_AGAIN.values(), ids=HOLDS_AGAIN)
def test_a_hold_that_had_ended_is_told_again_when_its_check_is_open_again(events: tuple[SubjectEvent, ...]) -> None:
    """Told to hold, then that it ended: part of ten answers is no go, so the hold is told anew, and the dose on it."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    for event in events[:-1]:
        story.told(event)
    again = [one for one in of(story.told(events[-1]), "eligibility_breach") if one.case == "check_open"]
    assert said(again) == {
        ("eligibility_breach/check_open", "raised", "corrected", "Infusion 2 on 2024-07-01: HOLD, check not answered")
    }
    given = of(story.told(infusion(2, 7, version=3), at(7, 14)), "eligibility_breach")
    assert [one.decision.reason for one in given] == ["given_unchecked"]


def test_an_infusion_that_is_moved_takes_nothing_back() -> None:
    """Moved to 3 July as it was asked for: nobody is mailed until the check is due again, the day before."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    moved = planned(2, 9).model_copy(update={"reported_at": at(6, 20)})
    assert of(story.told(moved), "eligibility_breach") == []
    assert [one.headline for one in of(story.told(None, DAY_AFTER), "eligibility_breach")] == [
        "Infusion 2 on 2024-07-03: HOLD, check not answered"
    ]


def test_who_died_has_no_infusion_to_hold() -> None:
    """Died and told on day 3: no hold of infusion 2 on day 6, none of infusion 3 on day 13, nothing to take back."""
    story = Story(*TREATED)
    fatal: dict[str, Any] = {
        "outcome": "fatal",
        "seriousness": ["death"],
        "resolved": told(3, 20),
        "reported": at(3, 21),
    }
    story.told(adverse("Pneumonitis", 3, grade=5, **fatal))
    for day in (6, 7, 8, 13, 14, 15):  # the clock of the report is all that runs on
        assert {one.type for one in story.told(None, at(day))} <= {"sae_clock"}
    assert story.played.of("eligibility_status", infusion=2) == []


def test_a_death_told_after_the_hold_ends_it_in_silence() -> None:
    """The hold was told on 30 June; the death, told that evening, is the mail, and the hold is not withdrawn."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    fatal: dict[str, Any] = {
        "outcome": "fatal",
        "seriousness": ["death"],
        "resolved": told(6, 10),
        "reported": at(6, 20),
    }
    sent = story.told(adverse("Pneumonitis", 5, grade=5, **fatal))
    assert of(sent, "eligibility_breach") == []
    assert len(of(sent, "death")) == 1
    assert of(story.told(None, DAY_AFTER), "eligibility_breach") == []


SERIOUS: dict[str, Any] = {"grade": 3, "attribution": "possible", "record": "p", "seriousness": ["hospitalization"]}


@pytest.mark.parametrize(
    ("sent_after", "headline", "chinese", "words"),
    [
        (timedelta(hours=29, minutes=5), "SENT 6 h LATE: ", "已提交，逾期 6 小时：", ("SENT LATE", "逾期提交")),
        (timedelta(hours=23), "SENT IN TIME: ", "已按时提交：", ("SENT IN TIME", "已按时提交")),
    ],
)
def test_a_report_called_overdue_that_was_sent(
    sent_after: timedelta, headline: str, chinese: str, words: tuple[str, str]
) -> None:
    """Aware on day 3, 20:00, due 24 hours later; sent 5 h 5 min late (6 begun hours), or in time and told late."""
    aware = at(3, 20)
    story = Story(*TREATED, adverse("Pneumonitis", 3, reported=aware, **SERIOUS))
    (overdue,) = of(story.told(None, aware + timedelta(hours=25)), "sae_clock")
    assert overdue.headline.startswith("OVERDUE: SAE report to the sponsor: Pneumonitis")
    late: dict[str, Any] = {
        "reported_to_sponsor_at": (aware + sent_after).isoformat(),
        "reported": aware + timedelta(hours=31),
    }
    (over,) = of(story.told(adverse("Pneumonitis", 3, version=2, **SERIOUS, **late)), "sae_clock")
    assert (over.state, over.headline[: len(headline)]) == ("ended", headline)
    english, zh = (letter(over, Standing(answer_by=None, language=one)) for one in ("en", "zh"))
    assert (english.heading, zh.heading) == (f"SAFETY ALERT, {words[0]}", f"安全警报（{words[1]}）")
    assert zh.headline.startswith(chinese)
    assert "no longer holds" not in english.action
    assert not re.search("[A-Za-z]{4,}", zh.action)


def test_a_report_sent_before_its_limit_ends_its_warning_in_silence() -> None:
    """Warned at 20 hours, sent at 21: the sponsor has it, nobody need be mailed."""
    aware = at(3, 20)
    story = Story(*TREATED, adverse("Pneumonitis", 3, reported=aware, **SERIOUS))
    assert len(of(story.told(None, aware + timedelta(hours=20)), "sae_clock")) == 1
    when = aware + timedelta(hours=21)
    event = adverse("Pneumonitis", 3, version=2, reported=when, reported_to_sponsor_at=when.isoformat(), **SERIOUS)
    assert of(story.told(event), "sae_clock") == []


def test_an_event_no_longer_told_as_serious_closes_its_clock() -> None:
    """The clock was right while the event was told as serious: closed with that reason, and told to who was warned."""
    aware = at(3, 20)
    story = Story(*TREATED, adverse("Pneumonitis", 3, reported=aware, **SERIOUS))
    story.told(None, aware + timedelta(hours=25))
    event = adverse("Pneumonitis", 3, version=2, reported=at(5), **{**SERIOUS, "seriousness": []})
    (over,) = of(story.told(event), "sae_clock")
    assert (over.state, over.decision.reason) == ("ended", "clock_closed")


GRAVE: dict[str, Any] = {"grade": 4, "seriousness": ["life-threatening"], "expected": False}
MILDER: dict[str, Any] = {"grade": 3, "seriousness": ["hospitalization"], "expected": False}


def test_a_clock_of_15_days_that_became_one_of_7_is_not_taken_back() -> None:
    """Grave, then milder, the 15 days over, then grave again: the 7 days are told as overdue, nothing as withdrawn."""
    story = Story(*TREATED)
    for version, day, says in ((1, 3, GRAVE), (2, 4, MILDER)):
        event = adverse("Sepsis", 3, version=version, record="s", reported=at(day), attribution="possible", **says)
        story.told(event)
    overdue = of(story.told(None, at(22)), "sae_clock")
    assert [one.headline[:15] for one in overdue] == ["OVERDUE: 15-day"]
    again = adverse("Sepsis", 3, version=3, record="s", reported=at(23), attribution="possible", **GRAVE)
    alerts = of(list(revise(*story.played.take(again, at(23)).changes)), "sae_clock")
    assert {(one.decision.action, one.decision.reason, one.headline[:15]) for one in alerts} == {
        ("hold", "superseded", "OVERDUE: 15-day"),
        ("send", "new", "OVERDUE: 7-day "),
    }


def test_what_the_sae_alert_contained_is_not_taken_back_while_the_sae_stands() -> None:
    """Unrelated, by the sponsor possible, then by both unrelated: the SAE is told as changed, nothing as withdrawn."""
    story = Story(*TREATED)
    story.told(adverse("Sepsis", 3, record="s", reported=at(3), attribution="unrelated", **MILDER))
    for version, sponsor in ((2, "possible"), (3, "unrelated")):
        told_ = adverse("Sepsis", 3, version=version, record="s", reported=at(3 + version), attribution="unrelated",
                        sponsor_attribution=sponsor, **MILDER)  # fmt: skip
        sent = [one for one in story.told(told_) if one.type != "sae_clock"]
        assert [one.state for one in sent if one.type != "dose_limiting_toxicity"] in ([], ["raised"])


def test_not_eligible_and_dosed_all_the_same_is_one_mail() -> None:
    """Platelets 42 at screening, enrolled, then fludarabine: the graver alert is told, the first is not withdrawn."""
    story = Story(screened(), lab("PLAT", -15, "42"))
    enrolment = story.told(enrolled())
    assert [one.case for one in of(enrolment, "eligibility_breach")] == ["enrolled"]
    given = lymphodepletion(-5)
    sent = of(story.told(given), "eligibility_breach")
    assert said(sent) == {
        ("eligibility_breach/dosed", "raised", "new", "Subject dosed, NOT ELIGIBLE: not met: platelets")
    }
    back = taken_back(given).model_copy(update={"reported_at": at(-4)})
    assert {(one.case, one.state) for one in of(story.told(back), "eligibility_breach")} == {
        ("dosed", "withdrawn"), ("enrolled", "raised"),
    }  # fmt: skip


def test_a_repeated_test_that_meets_the_criterion_is_no_correction() -> None:
    """ALT 120 U/L on day 4 (limit 80) holds infusion 2; 60 on day 6 meets it; the 120 corrected to 60 is withdrawn."""
    story = Story(*TREATED)
    (hold,) = of(story.told(lab("ALT", 4, "120")), "eligibility_breach")
    assert hold.case == "before_infusion"
    (over,) = of(story.told(lab("ALT", 6, "60")), "eligibility_breach")
    assert (over.state, over.decision.reason) == ("ended", "met_now")
    assert over.headline == f"MET SINCE: {hold.headline}"
    assert ("Now", "a newer result or record meets the criterion") in over.facts
    again = Story(*TREATED, lab("ALT", 4, "120"))
    corrected = lab("ALT", 4, "60", version=2, status="corrected", reported=at(5))
    assert [one.state for one in of(again.told(corrected), "eligibility_breach")] == ["withdrawn"]


def test_who_left_before_the_infusion_has_no_hold_taken_back() -> None:
    """Withdrawn from treatment on day 6, after the hold of infusion 2 was told."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    assert of(story.told(withdrawn(6, "treatment")), "eligibility_breach") == []


def test_an_infusion_given_with_a_broken_criterion_takes_no_hold_back() -> None:
    """An infection after the hold, and given all the same: that is told, and the hold is superseded in silence."""
    story = Story(*TREATED)
    story.told(None, DAY_BEFORE)
    infected = fact("uncontrolled-infection", 6.2, value=True)
    broken = of(story.told(infected), "eligibility_breach")
    assert [(one.case, one.state) for one in broken] == [("before_infusion", "raised")]
    assert [(one.case, one.state) for one in of(story.told(infusion(2, 7)), "eligibility_breach")] == [
        ("given_on_hold", "raised")
    ]


def test_nothing_is_held_for_who_died() -> None:
    """ALT 120 of day 4 holds infusion 2; the death of day 5 is told, and a result from before it holds nothing more."""
    story = Story(*TREATED)
    assert len(of(story.told(lab("ALT", 4, "120")), "eligibility_breach")) == 1
    fatal: dict[str, Any] = {
        "outcome": "fatal",
        "seriousness": ["death"],
        "resolved": told(5, 10),
        "reported": at(5, 20),
    }
    assert of(story.told(adverse("Pneumonitis", 5, grade=5, **fatal)), "eligibility_breach") == []
    assert of(story.told(lab("AST", 4.5, "200", reported=at(6))), "eligibility_breach") == []
