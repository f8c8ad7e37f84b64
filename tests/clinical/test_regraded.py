"""Claims about a baseline that comes late, is corrected or taken back: all that leaned on it is regraded and says so.

    day  -10              -5 ... -3           0    9
         ALT (baseline)   lymphodepletion     *    ALT 300     ULN 40: 300 is 7.5 x ULN, grade 3 (> 5 x)
                                                               over 90: 3.3 x baseline, grade 2 (> 3 x)

CTCAE v5.0, alanine aminotransferase increased: grade 3 above 5 x ULN if the baseline was normal, above 5 x baseline
if it was not; grade 2 above 3 x either.
"""

from collections.abc import Iterable

import pytest
from stories import TREATED, Played, at, infusion, lab, lymphodepletion, screened, taken_back

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.letter import Letter, Standing, letter
from safety_stream.alerting.load_words import read_words
from safety_stream.alerting.policy import revise
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import FindingChange

NOW_90 = "the baseline is now 90 U/L of test|ALT@-10 v2 (G9)"


def _then(first: Iterable[SubjectEvent], event: SubjectEvent) -> tuple[FindingChange, ...]:
    """What one more event changes for a treated subject."""
    return Played([*TREATED, *first]).take(event).changes


def _grades(change: FindingChange) -> tuple[int, int]:
    peak = change.finding.peak  # type: ignore[union-attr]
    return peak.lowest, peak.highest


def _one(changes: Iterable[FindingChange], kind: str) -> FindingChange:
    (found,) = [one for one in changes if one.finding.kind == kind]
    return found


def _mail(changes: Iterable[FindingChange], type_: str) -> Alert:
    """The one alert of a type that goes out."""
    alerts = [alert for change in changes for alert in revise(change)]
    (found,) = [one for one in alerts if one.type == type_ and one.decision.action == "send"]
    return found


def _of(alert: Alert, label: str) -> list[str]:
    return [value for name, value in alert.facts if name == label]


def test_a_normal_baseline_found_to_be_abnormal_takes_the_alert_back_and_the_mail_says_why() -> None:
    """30 corrected to 90: 300 is grade 2 now; the grade 3 that was mailed is withdrawn with the new baseline."""
    changes = _then([lab("ALT", -10, "30"), lab("ALT", 9, "300")], lab("ALT", -10, "90", version=2))
    toxicity = _one(changes, "toxicity")
    assert _grades(toxicity) == (2, 2)
    mail = _mail(changes, "lab_grade_3")
    assert (mail.state, _of(mail, "Why")) == ("withdrawn", ["laboratory result test|ALT@-10 v2"])
    assert _of(mail, "Regraded") == [f"{NOW_90}; the worst grade before treatment is now 1 (T12)"]


def test_an_abnormal_baseline_found_to_be_normal_raises_the_alert_and_the_mail_says_why() -> None:
    """90 corrected to 30: the 300 of day 9 is grade 3, told today for an old specimen."""
    changes = _then([lab("ALT", -10, "90"), lab("ALT", 9, "300")], lab("ALT", -10, "30", version=2))
    assert _grades(_one(changes, "toxicity")) == (3, 3)
    (told,) = _of(_mail(changes, "lab_grade_3"), "Regraded")
    assert told.startswith("the baseline is now 30 U/L of test|ALT@-10 v2 (G9)")


def test_a_late_baseline_that_begins_a_new_episode_is_named_in_it() -> None:
    """60 of day -20, 210 on day 16: 3.5 x baseline, grade 2. Then 30 of day -6 comes: 5.25 x ULN, a new episode."""
    changes = _then([lab("ALT", -20, "60"), lab("ALT", 16, "210")], lab("ALT", -6, "30"))
    raised = [one for one in changes if one.finding.kind == "toxicity" and one.change == "raised"]
    assert [_grades(one) for one in raised] == [(3, 3)]
    assert _of(_mail(changes, "lab_grade_3"), "Regraded") == ["the baseline is now 30 U/L of test|ALT@-6 v1 (G9)"]


@pytest.mark.parametrize(("baseline", "change"), [("90", "withdrawn"), ("35", None)])
def test_the_dose_limiting_toxicity_that_rests_on_it_says_so_too(baseline: str, change: str | None) -> None:
    """Grade 3 without an end may still last 72 h: possible. As grade 2 it is none; as grade 3 still it stays."""
    changes = _then([lab("ALT", -10, "30"), lab("ALT", 9, "300")], lab("ALT", -10, baseline, version=2))
    limiting = [one for one in changes if one.finding.kind == "dose_limiting_toxicity"]
    assert [one.change for one in limiting] == ([change] if change else [])
    assert all(one.regraded and one.regraded.startswith(NOW_90) for one in limiting)


def test_a_baseline_taken_back_leaves_the_grade_open_and_says_so() -> None:
    """90 was another subject's: whether 300 is grade 3 (of ULN) cannot be known; it is told as it may be."""
    changes = _then([lab("ALT", -10, "90"), lab("ALT", 9, "300")], taken_back(lab("ALT", -10, "90")))
    toxicity = _one(changes, "toxicity")
    assert toxicity.finding.peak.highest == 3  # type: ignore[union-attr]
    assert toxicity.regraded == "no baseline (G9); no grade before treatment (T12)"


@pytest.mark.parametrize(("first", "then", "state"), [("118", "78", "withdrawn"), ("78", "118", "raised")])
def test_a_corrected_grade_before_treatment_decides_whether_it_emerged(first: str, then: str, state: str) -> None:
    """Hemoglobin 75 g/L is grade 3 (< 80). After 78 (grade 3 too) it did not emerge; after 118 (normal) it did."""
    before, after = lab("HGB", -10, first), lab("HGB", -10, then, version=2)
    changes = _then([before, lab("HGB", 9, "75")], after)
    worst = {"78": 3, "118": 0}[then]
    mail = _mail(changes, "lab_grade_3")
    assert mail.state == state
    assert _of(mail, "Regraded") == [f"the worst grade before treatment is now {worst} (T12)"]


def test_a_first_treatment_that_moves_chooses_another_baseline_and_says_so() -> None:
    """Lymphodepletion of day -5 was entered in error: the 90 of day -2 came before the first treatment as well."""
    told: list[SubjectEvent] = [
        screened(),
        lymphodepletion(-5),
        infusion(1, 0),
        lab("ALT", -10, "30"),
        lab("ALT", -2, "90"),
    ]
    played = Played([*told, lab("ALT", 9, "300")])
    toxicity = _one(played.take(taken_back(lymphodepletion(-5))).changes, "toxicity")
    assert toxicity.because == "dose_given test|flu@-5 v2"
    assert toxicity.regraded is not None
    assert toxicity.regraded.startswith("the baseline is now 90 U/L of test|ALT@-2 v1 (G9)")


def test_nothing_else_says_that_it_was_regraded() -> None:
    """Told in order, with abnormal results before and after treatment, worse and better ones: never a word of it."""
    course: list[SubjectEvent] = [
        screened(), lab("ALT", -10, "90"), lab("HGB", -10, "98"), lab("ALT", -8, "95"), lab("HGB", -8, "96"),
        lymphodepletion(-5), infusion(1, 0), lab("ALT", 2, "300"), lab("HGB", 2, "75"), lab("ALT", 3, "700"),
        infusion(2, 7), lab("ALT", 8, "60"), lab("HGB", 8, "120"), lab("ALT", 9, "400"),
    ]  # fmt: skip
    played = Played(course)
    assert len(played.changes) > 10
    assert [one for one in played.changes if one.regraded] == []


def test_other_analytes_are_left_alone() -> None:
    """A late baseline of ALT changes nothing of AST."""
    first = [lab("ALT", 9, "300"), lab("AST", 9, "300"), lab("AST", -10, "30")]
    changes = _then(first, lab("ALT", -10, "90"))
    assert {getattr(one.finding, "analyte", "ALT") for one in changes if one.finding.kind == "toxicity"} == {"ALT"}


def test_whenever_it_is_derived_again_it_says_the_same() -> None:
    """With every page through the store, each change carries the same words."""
    events = [*TREATED, lab("ALT", 9, "300"), lab("ALT", -10, "90"), lab("ALT", -10, "30", version=2)]
    told = [(one.finding.id, one.revision, one.regraded) for one in Played(events).changes]
    assert [(one.finding.id, one.revision, one.regraded) for one in Played(events, stored=True).changes] == told
    assert any(words for _, _, words in told)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            f"{NOW_90}; no grade before treatment (T12)",
            "基线现为 90 U/L，来自 test|ALT@-10 v2（G9）；治疗前无分级（T12）",
        ),
        ("the worst grade before treatment is now 0-1 (T12)", "治疗前最高分级现为 0-1（T12）"),
        ("its baseline lab|1 v2 was corrected or taken back (G9)", "其基线 lab|1 v2 已更正或撤回（G9）"),
        ("no baseline (G9)", "没有基线（G9）"),
    ],
)
def test_a_chinese_mail_says_it_in_chinese(told: str, said: str) -> None:
    """The same values and records, the words between them in Chinese."""
    assert read_words()["zh"].value(told) == said


def _letter(first: str, then: str) -> Letter:
    """The mail about the 300 of day 9 after a corrected baseline."""
    changes = _then([lab("ALT", -10, first), lab("ALT", 9, "300")], lab("ALT", -10, then, version=2))
    return letter(_mail(changes, "lab_grade_3"), Standing(answer_by=at(10)))


def test_a_mail_that_raises_says_it_among_the_facts_and_one_that_takes_back_among_what_changed() -> None:
    """The reader of an old result must see why it comes today; of a withdrawal, why it no longer holds."""
    raised, gone = _letter("90", "30"), _letter("30", "90")
    assert dict(raised.facts)["Regraded"].startswith("the baseline is now 30 U/L")
    assert raised.changes == ()
    assert "Regraded" not in dict(gone.facts)
    assert [one for one in gone.changes if one.startswith(f"Regraded: {NOW_90}")]
