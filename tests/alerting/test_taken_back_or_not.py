"""WITHDRAWN is only what was taken back; what new facts, an answer or a person overtook is told under its own word.

Infusions on days 0, 7 and 14 from 24 June 2024, in Shanghai. ULN: ALT 40 U/L, bilirubin 20 umol/L, ALP 100 U/L.
"""

from datetime import datetime, timedelta

import findings_made as made
import pytest
from stories import TREATED, Played, adjudicated, adverse, at, lab, screened, taken_back, told, vital

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.entries import Language
from safety_stream.alerting.headlines import headline
from safety_stream.alerting.letter import Letter, Standing, letter
from safety_stream.alerting.policy import revise
from safety_stream.alerting.render import Templates
from safety_stream.bundled import bundled_folder
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_study import CohortDecision, Tally

TEMPLATES = Templates(bundled_folder("alert_templates"))
NORMAL = (lab("ALT", -10, "30"), lab("AST", -10, "25"), lab("BILI", -10, "12"))
RAISED = (lab("ALT", 16, "150", reported=at(16, 9)), lab("BILI", 16, "50", reported=at(16, 9)))


def mails(played: Played, *events: SubjectEvent, as_of: datetime | None = None) -> list[Alert]:
    """What is mailed because of the last of some events."""
    sent: list[Alert] = []
    for event in events:
        changes = played.take(event, as_of or event.reported_at).changes
        sent = [one for one in revise(*changes) if one.decision.action == "send"]
    return sent


def the(alerts: list[Alert], type_: str) -> Alert:
    """The only one of a type."""
    (found,) = [one for one in alerts if one.type == type_]
    return found


def read(alert: Alert, language: Language = "en") -> Letter:
    """As it is read."""
    return letter(alert, Standing(answer_by=None, language=language))


def word(alert: Alert, language: Language = "en") -> str:
    """The word in the subject line."""
    return TEMPLATES.render(read(alert, language)).subject.partition("[")[2].partition("]")[0]


def advice(decision: str, tally: Tally, **other: object) -> CohortDecision:
    """The advice of a level by its count."""
    return made.cohort_decision(decision, tally.dlt).model_copy(update={"tally": tally, **other})


ESCALATE = advice("escalate", Tally(enrolled=3, dosed=3, evaluable=3))
EXPAND = advice("expand", Tally(enrolled=3, dosed=3, evaluable=3, dlt=1))
STOP = advice("stop", Tally(enrolled=4, dosed=4, evaluable=4, dlt=2))


def test_advice_that_a_new_subject_changed_names_the_old_and_the_new() -> None:
    """0 of 3: escalate; a fourth subject is enrolled and in its window: wait. Nothing was taken back."""
    wait = advice("wait", Tally(enrolled=4, dosed=4, evaluable=3, in_window=1))
    (over,) = revise(made.changed(ESCALATE, wait, because="status 004 revision 1"))
    facts = dict(over.facts)
    assert (over.state, over.decision.reason, word(over), word(over, "zh")) == (
        "ended", "advice_changed", "CHANGED", "已变更",
    )  # fmt: skip
    assert over.headline == (
        "CHANGED: Dose level 2: escalate to the next dose level: 0 of 3 evaluable subjects with a DLT"
    )
    assert facts["Now"] == (
        "Dose level 2: wait for the subjects in the DLT window: 0 of 3 evaluable subjects with a DLT"
    )
    assert facts["Why"] == (
        "the counts changed, and the advice with them; in the DLT window: 0, now 1; enrolled: 3, now 4"
    )
    assert "Counted less" not in facts
    assert "004" not in str(over.facts)
    assert read(over).heading == "SAFETY ALERT, CHANGED"
    assert "此前告知的内容并无错误" in read(over, "zh").action


def test_advice_that_counted_a_dlt_taken_back_is_withdrawn_and_says_so() -> None:
    """2 of 4: stop; one of the two DLTs is refuted: 1 of 4, enrol. Whoever stopped must know that it was taken back."""
    (over,) = [
        one
        for one in revise(made.changed(STOP, advice("enrol", Tally(enrolled=4, dosed=4, evaluable=4, dlt=1))))
        if one.decision.action == "send"
    ]
    facts = dict(over.facts)
    assert (over.state, word(over), word(over, "zh")) == ("withdrawn", "WITHDRAWN", "已撤回")
    assert facts["Counted less"] == "a DLT that was counted is corrected, taken back or refuted"
    assert "with a DLT: 2, now 1" in facts["Why"]
    assert ("不再计入", "此前计入的一例 DLT 已更正、撤回或经裁定排除") in read(over, "zh").facts


def test_advice_that_goes_on_as_other_advice_says_that_a_dlt_was_taken_back() -> None:
    """1 of 3: expand; the DLT is corrected away: escalate, in the same alert; the other way round nothing is."""
    (now,) = revise(made.changed(EXPAND, ESCALATE))
    assert (now.state, word(now)) == ("raised", "INFO")
    assert dict(now.facts)["Counted less"].startswith("a DLT that was counted")
    (worse,) = revise(made.changed(ESCALATE, EXPAND))
    assert (worse.decision.reason, "Counted less" in dict(worse.facts)) == ("corrected", False)


def test_the_first_level_has_none_to_go_down_to() -> None:
    """2 of 3 at level 1: to stop and convene the committee; at level 2 to go down."""
    tally = Tally(enrolled=3, dosed=3, evaluable=3, dlt=2)
    first, second = (
        made.cohort_decision("stop", 2).model_copy(update={"dose_level": n, "tally": tally}) for n in (1, 2)
    )
    assert headline(first) == (
        "Dose level 1: STOP and convene the committee (there is no lower level): 2 of 3 evaluable subjects with a DLT"
    )
    assert headline(second) == "Dose level 2: STOP and go down a level: 2 of 3 evaluable subjects with a DLT"
    (alert,) = revise(made.raised(first))
    assert read(alert, "zh").headline == (
        "剂量水平 1：停止，并召开评审委员会（无更低剂量水平）：可评价受试者 3 名中 2 名发生 DLT"
    )


def test_a_possible_dlt_in_a_counted_subject_takes_no_advice_back() -> None:
    """A late result makes a DLT of a counted subject possible: 3 evaluable are 2, and that is news, no correction."""
    wait = advice("wait", Tally(enrolled=3, dosed=3, evaluable=2, dlt_possible=1))
    (over,) = revise(made.changed(ESCALATE, wait))
    assert over.decision.reason == "advice_changed"
    fewer = advice("enrol", Tally(enrolled=3, dosed=3, evaluable=2, not_evaluable=1))
    (gone,) = revise(made.changed(ESCALATE, fewer))
    assert (gone.state, dict(gone.facts)["Counted less"][:21]) == ("withdrawn", "an evaluable subject ")


def test_a_question_that_is_answered_is_settled_and_says_by_what() -> None:
    """A result of a subject whom nobody registered; then the screening comes."""
    played = Played()
    question = the(mails(played, lab("PLAT", -19, "200")), "ungradable")
    over = the(mails(played, screened(-18)), "ungradable")
    assert (over.id, over.state, over.decision.reason) == (question.id, "ended", "settled")
    assert (word(over), word(over, "zh")) == ("SETTLED", "已澄清")
    assert ("Now", "the data no longer raise the question") in over.facts
    assert ("Why", "screening test|consent v1") in over.facts
    assert read(over).as_last_told
    assert "原因：筛选记录 test|consent v1" in read(over, "zh").changes


def test_hys_law_that_a_new_alp_rules_out_names_its_value_and_ratio() -> None:
    """ALT 3.75 x ULN, ALP 300 = 3.00 x ULN (from 2 x ULN it is cholestasis): R = 3.75 / 3.00 = 1.25."""
    played = Played([*TREATED, *NORMAL])
    possible = the(mails(played, *RAISED), "hys_law")
    over = the(mails(played, lab("ALP", 16, "300", reported=at(17))), "hys_law")
    assert (over.id, over.state, over.decision.reason) == (possible.id, "ended", "ruled_out")
    assert (word(over), word(over, "zh")) == ("RULED OUT", "已排除")
    now = dict(over.facts)["Now"]
    assert now.startswith("ruled out by another result: Alkaline phosphatase 300 U/L >= 2 x ULN; R = 1.25 = ")
    assert ("Why", "laboratory result test|ALP@16 v1") in over.facts
    assert over.headline.startswith("RULED OUT: POSSIBLE: Hy's law (biochemical): Alanine aminotransferase 150 U/L")
    assert read(over).as_last_told
    assert "R = 1.25" in " ".join(read(over, "zh").changes)


@pytest.mark.parametrize(
    "corrected",
    [
        lab("ALP", 16, "300", version=2, status="corrected", reported=at(17)),
        lab("ALT", 16, "15", version=2, status="corrected", reported=at(17)),
        taken_back(RAISED[1]).model_copy(update={"reported_at": at(17)}),
    ],
    ids=["alp", "alt", "bilirubin"],
)
def test_hys_law_whose_result_was_wrong_is_withdrawn_with_its_dlt(corrected: SubjectEvent) -> None:
    """An ALP of 90 that was 300, an ALT of 150 that was 15, a bilirubin entered in error: what was told was wrong."""
    played = Played([*TREATED, *NORMAL])
    sent = mails(played, *RAISED, lab("ALP", 16, "90", reported=at(16, 10)))
    assert the(sent, "dose_limiting_toxicity").headline == "DLT candidate: Hy's law (biochemical) (rule hys-law)"
    sent = mails(played, corrected)
    assert {word(the(sent, one)) for one in ("hys_law", "dose_limiting_toxicity")} == {"WITHDRAWN"}


def test_the_dlt_of_a_case_that_is_ruled_out_is_ruled_out_with_it() -> None:
    """The only ALP, 90 of day 20, lets it stand; one of 300 nearer to the onset, of day 17, comes late."""
    played = Played([*TREATED, *NORMAL])
    mails(played, *RAISED, lab("ALP", 20, "90"))
    sent = mails(played, lab("ALP", 17, "300", reported=at(21)))
    for type_ in ("hys_law", "dose_limiting_toxicity"):
        assert (word(the(sent, type_)), "ALP 3.00 x ULN" in dict(the(sent, type_).facts)["Now"]) == ("RULED OUT", True)


def test_a_febrile_neutropenia_that_was_only_possible_is_ruled_out_by_the_count() -> None:
    """39.0 two days after the infusion, neutrophils not known; then 3.2 of the same morning. The fever stands."""
    played = Played(TREATED)
    fever = vital("TEMP", 2, "39.0", "Cel")
    possible = the(mails(played, fever), "lab_grade_3")
    assert possible.headline.startswith("POSSIBLE: Febrile neutropenia, grade 0 to 3 (not decided)")
    over = the(mails(played, lab("NEUT", 2, "3.2", reported=at(2, 13))), "lab_grade_3")
    assert (over.id, over.state, word(over)) == (possible.id, "ended", "RULED OUT")
    assert ("Now", "ruled out by another result: Neutrophils 3.2 10*9/L") in over.facts


def test_a_fever_that_was_of_another_subject_is_withdrawn() -> None:
    """The same, and the fever is entered in error: what was told was wrong."""
    fever = vital("TEMP", 2, "39.0", "Cel")
    played = Played(TREATED)
    mails(played, fever)
    back: SubjectEvent = taken_back(fever).model_copy(update={"reported_at": at(2, 13)})
    over = the(mails(played, back), "lab_grade_3")
    assert (word(over), dict(over.facts)["Why"]) == ("WITHDRAWN", "vital sign test|TEMP@2 v2, entered in error")


def test_a_dlt_refuted_by_a_person_says_who_and_why() -> None:
    """A seizure of grade 3 on day 3, refuted on day 5; the event itself stands."""
    seizure = adverse("Seizure", 3, grade=3, attribution="probable", resolved=told(3, 20), reported=at(4))
    played = Played(TREATED)
    mails(played, seizure)
    (finding,) = played.of("dose_limiting_toxicity")
    over = the(mails(played, adjudicated(finding.id, 5, "refuted", by="Dr Lee")), "dose_limiting_toxicity")
    assert (over.state, over.decision.reason, word(over), word(over, "zh")) == (
        "ended", "refuted", "REFUTED", "裁定排除",
    )  # fmt: skip
    assert over.headline.startswith("DLT refuted: Seizure, grade 3")
    assert dict(over.facts)["Why"] == (
        "a person has decided that it is not a DLT; "
        "Dr Lee: refuted on 2024-06-29T15:00:00+08:00: reviewed with the site; decision test|decision-5 v1"
    )
    assert "事件本身仍然成立" in read(over, "zh").action


def test_hours_called_unobserved_of_which_results_come_late_were_observed() -> None:
    """No blood count from day 0 to day 12 is more than 5 days; counts of days 4 and 8 arrive on day 12."""
    counts = [lab(test, day, "4") for test in ("WBC", "NEUT") for day in (0, 12)]
    played = Played()
    (hours,) = [
        one
        for event in (*TREATED[:6], *counts)
        for one in mails(played, event)
        if one.type == "unobserved" and "blood count" in one.headline
    ][-1:]
    late = [lab("WBC", day, "4", reported=at(12, 14)) for day in (4, 8)]
    sent = [one for event in late for one in mails(played, event) if one.id == hours.id]
    assert [(one.state, word(one), word(one, "zh")) for one in sent][-1] == ("ended", "OBSERVED", "已有观察")


def test_a_dlt_confirmed_by_a_person_is_not_to_be_adjudicated_again() -> None:
    """The mail that says DLT CONFIRMED asks for the next step, not for the decision that was just taken."""
    sure = {"adjudicated_by": "Dr Lee", "adjudication": "no other cause"}
    confirmed = made.dose_limiting_toxicity(state="confirmed", **sure)
    (now,) = revise(made.changed(made.dose_limiting_toxicity(), confirmed))
    assert read(now).action.startswith("A person has confirmed this DLT")
    assert read(now, "zh").action.startswith("该 DLT 已经人裁定确认")


def test_a_safety_board_reads_the_word_and_the_kind_alone() -> None:
    """Pooled, in Chinese: refuted, and what kind of alert it was; no subject, no term."""
    refuted = made.dose_limiting_toxicity(state="refuted", adjudicated_by="Dr Lee", adjudication="disease")
    (over,) = revise(made.changed(made.dose_limiting_toxicity(), refuted))
    pooled = letter(over, Standing(answer_by=None, language="zh", pooled=True))
    assert pooled.headline == "裁定排除：可能的剂量限制性毒性"


def test_a_dlt_whose_value_was_corrected_is_withdrawn() -> None:
    """Potassium 7.5 on day 3 is a DLT candidate; the laboratory corrects it to 4.2."""
    played = Played(TREATED)
    mails(played, lab("K", 3, "7.5"))
    corrected = lab("K", 3, "4.2", version=2, status="corrected", reported=at(3) + timedelta(hours=6))
    sent = mails(played, corrected)
    assert word(the(sent, "dose_limiting_toxicity")) == "WITHDRAWN"
    grade = the(sent, "lab_grade_4")
    assert dict(grade.facts)["Why"] == "laboratory result test|K@3 v2, corrected to 4.2 mmol/L"
    assert "原因：实验室结果 test|K@3 v2，更正为 4.2 mmol/L" in read(grade, "zh").changes


def test_what_outlasts_its_band_shows_what_the_episode_came_to_at_its_worst() -> None:
    """Leukocytes 0.4 (grade 4) on day 10 were expected; 1.4 (grade 3) on day 30, past day 28, is told with both."""
    played = Played([*TREATED, lab("WBC", -10, "5")])
    days = ((7, "1.5"), (10, "0.4"), (14, "1.3"), (18, "1.3"), (22, "1.4"), (26, "1.4"))
    mails(played, *(lab("WBC", day, value) for day, value in days))
    alert = the(mails(played, lab("WBC", 30, "1.4")), "lab_grade_3")
    assert alert.headline == "White blood cell decreased, grade 3: 1.4 10*9/L"
    worst = ("Worst of this episode", "grade 4: 0.4 10*9/L on 2024-07-04 08:00 +08:00 (2024-07-04 00:00 UTC)")
    assert worst in alert.facts
    chinese = dict(read(alert, "zh").facts)
    assert chinese["本次发作最重时"] == "4 级：0.4 10*9/L，2024-07-04 08:00 +08:00 (2024-07-04 00:00 UTC)"


def test_what_is_the_worst_of_its_episode_says_so_once() -> None:
    """Neutrophils 0.3 on day 3: the result told is the worst."""
    alert = the(mails(Played([*TREATED, lab("NEUT", -10, "3.1")]), lab("NEUT", 3, "0.3")), "lab_grade_4")
    assert "Worst of this episode" not in dict(alert.facts)
