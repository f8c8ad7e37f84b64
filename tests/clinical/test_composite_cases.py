"""Claims about the cases of a composite: over, and met again, is a finding of its own; the same case is one finding.

The stories' laboratory: ULN 40 U/L for ALT, 100 for ALP, 20 umol/L for bilirubin; Hy's law and its span of 14 days.
"""

from itertools import permutations

from stories import FAR, TREATED, Played, lab

from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent


def liver(day: float, alt: str, bili: str, alp: str = "80") -> tuple[SubjectEvent, ...]:
    """A liver panel of one day, ALP first: Hy's law is sure with the last of them."""
    return lab("ALP", day, alp), lab("ALT", day, alt), lab("BILI", day, bili)


def told(*results: SubjectEvent) -> tuple[list[tuple[int, str, int | None]], int]:
    """Each case of Hy's law with its state and study day, and how many mails were sent about them."""
    played = Played([*TREATED, *results])
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings
    found = [(one.case, one.state, one.study_day) for one in played.of("composite", composite="hys-law")]
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "hys_law"]
    return sorted(found), sum(alert.decision.action == "send" for alert in alerts)


FIRST, NORMAL, SECOND = liver(16, "240", "50"), liver(40, "30", "12"), liver(120, "200", "60")


def test_a_second_case_after_normal_values_is_a_finding_and_a_mail_of_its_own() -> None:
    """6 x ULN with 2.5 x on day 16, normal on day 40, 5 x with 3 x on day 120: two cases, two mails."""
    assert told(*FIRST, *NORMAL, *SECOND) == ([(1, "sure", 16), (2, "sure", 120)], 2)


def test_bilirubin_alone_returning_to_normal_ends_a_case() -> None:
    """ALT stays above 3 x ULN throughout; bilirubin is normal on day 40 and above 2 x again on day 70."""
    course = (*FIRST, *liver(40, "200", "12"), *liver(70, "200", "60"))
    assert told(*course) == ([(1, "sure", 16), (2, "sure", 70)], 2)


def test_a_case_that_grows_worse_is_one_finding_and_one_mail() -> None:
    """ALT 6, then 10, then 20 x ULN with rising bilirubin, weekly or after a month without a sample."""
    assert told(*FIRST, *liver(23, "400", "90"), *liver(30, "800", "160")) == ([(1, "sure", 16)], 1)
    assert told(*FIRST, *liver(60, "800", "160")) == ([(1, "sure", 16)], 1)


def test_a_value_that_swings_around_the_limit_is_one_case() -> None:
    """ALT 119 (below 3 x ULN) on day 19 and 125 on day 22: six days after the last one above it, the same case."""
    assert told(*FIRST, lab("ALT", 19, "119"), lab("ALT", 22, "125")) == ([(1, "sure", 16)], 1)


def test_one_enzyme_back_to_normal_while_the_other_is_not_is_one_case() -> None:
    """ALT normal on day 30, AST 6 x ULN from day 16 to day 44, bilirubin above throughout: one case."""
    ast = [lab("AST", day, "210") for day in (16, 30, 44)]
    bili = [lab("BILI", day, "50") for day in (30, 44, 58)]
    assert told(*FIRST, *ast, lab("ALT", 30, "30"), *bili, lab("ALT", 58, "240")) == ([(1, "sure", 16)], 1)


def test_cases_in_any_order_end_the_same() -> None:
    """The six results of two cases and the two normal ones between them in 720 orders."""
    results = (*FIRST[1:], *NORMAL[1:], *SECOND[1:])
    ends = {
        str(sorted((one.case, one.state, one.study_day) for one in Played([*TREATED, *order]).of("composite")))
        for order in permutations(results)
    }
    assert len(ends) == 1


def test_the_dose_limiting_toxicity_stays_one_and_names_the_case() -> None:
    """Hy's law in the window and again on day 120: one candidate, about the first case."""
    played = Played([*TREATED, *FIRST, *NORMAL, *SECOND])
    cases = {one.case: one.id for one in played.of("composite", composite="hys-law")}
    about = [one.about for one in played.of("dose_limiting_toxicity") if one.term.startswith("Hy's law")]
    assert about == [(cases[1],)]


def test_a_preliminary_result_is_named() -> None:
    """ALT preliminary: the finding says so where it names the value and in its reasons; final, it says so no more."""
    early = lab("ALT", 16, "240", status="preliminary")
    played = Played([*TREATED, FIRST[0], early, FIRST[2]])
    one = played.one("composite", composite="hys-law")
    said = "Alanine aminotransferase 240 U/L (preliminary) >= 3 x ULN"
    assert one.evidence.inputs[0].value == said
    assert said in one.evidence.sentence
    assert one.evidence.reasons == (f"leans on a preliminary result: {said}",)
    assert one.state == "sure"
    played.take(lab("ALT", 16, "240", version=2, status="final"))
    one = played.one("composite", composite="hys-law")
    assert "preliminary" not in str(one.evidence)
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "hys_law"]
    assert len([alert for alert in alerts if alert.decision.action == "send"]) == 1
