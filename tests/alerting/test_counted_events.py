"""Which reported events are told, and by what: the facts of a scale, a missing grade, either party's attribution.

Expected grades are those of Lee et al. 2019 (ASTCT): ICE 0 awakenable is ICANS 3 and unarousable 4; a brief seizure 3
and a long one 4; focal edema 3 and diffuse 4; one vasopressor is CRS 3, oxygen by mask above 6 L/min 3.
"""

from typing import Any

import findings_made as made
import pytest
from stories import TREATED, Played, adverse, at, lab

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.counted import counted
from safety_stream.alerting.letter import Letter, Standing, letter
from safety_stream.alerting.policy import revise
from safety_stream.clinical.events import AdverseEvent, SubjectEvent


def told(event: SubjectEvent, *before: SubjectEvent) -> list[Alert]:
    """What is mailed of a treated subject because of an event, as of its report."""
    played = Played(TREATED)
    for one in before:
        played.take(one)
    changes = played.take(event).changes
    return [one for change in changes for one in revise(change) if one.decision.action == "send"]


def about_the_event(event: AdverseEvent) -> set[str]:
    """The types of mail, without the question to the data manager."""
    return {one.type for one in told(event)} - {"ungradable"}


def asked(event: AdverseEvent) -> set[str]:
    """The questions that the event raises."""
    return {one.code for one in Played((*TREATED, event)).of("data_query")}


def both(alert: Alert) -> tuple[Letter, Letter]:
    """In English and in Chinese."""
    return letter(alert, Standing(answer_by=None)), letter(alert, Standing(answer_by=None, language="zh"))


def icans(grade: int | None, **facts: Any) -> AdverseEvent:
    """An encephalopathy with facts of its ICANS grade."""
    more: dict[str, Any] = {"attribution": "probable", "scale_facts": {"astct_icans": facts}}
    return adverse("Encephalopathy", 9, grade=grade, **more)


def crs(grade: int | None, **facts: Any) -> AdverseEvent:
    """A cytokine release syndrome with facts of its ASTCT grade."""
    sent = {"fever": "present", "hypoxia": "none"} | facts
    return adverse("Cytokine release syndrome", 9, grade=grade, attribution="probable", scale_facts={"astct_crs": sent})


@pytest.mark.parametrize(
    "facts",
    [
        {"ice_score": 0},
        {"ice_score": 0, "consciousness": "awakens-to-touch"},
        {"seizure": "brief"},
        {"cerebral_edema": "focal"},
    ],
)
@pytest.mark.parametrize("grade", [2, None])
def test_severe_neurotoxicity_by_the_facts_is_told_at_once(grade: int | None, facts: dict[str, Any]) -> None:
    """At least 3, and 4 where arousal, length or extent is not known: alerts count 4 (G6), one critical mail."""
    (alert,) = [one for one in told(icans(grade, **facts)) if one.type != "ungradable"]
    assert (alert.type, alert.urgency) == ("adverse_event_grade_4", "critical")
    record = "no grade given" if grade is None else "grade 2"
    assert f"CTCAE {record}, ASTCT 2019 ICANS grade 3 to 4 (not decided)" in alert.headline
    english, chinese = both(alert)
    (counts,) = [value for label, value in english.facts if label == "Alerts count with"]
    assert counts.startswith("grade 4 by ASTCT 2019 ICANS: grade 3 to 4 (not decided): at least 3 by ")
    assert any(label == "警报所按分级" and value.startswith("4 级，依据：") for label, value in chinese.facts)
    assert ("Grade", f"{grade or 'not given'} (CTCAE v5.0, by the investigator)") in english.facts


def test_facts_that_leave_everything_open_wake_nobody() -> None:
    """Fever alone is sent, hypotension and oxygen are not: ASTCT 1 to 4 by not knowing, no critical mail."""
    event = adverse(
        "Cytokine release syndrome",
        9,
        grade=1,
        attribution="probable",
        scale_facts={"astct_crs": {"fever": "present"}},
    )
    (finding,) = Played((*TREATED, event)).of("reported_event")
    assert str(finding.scales[0].grade) == "1-4"
    assert about_the_event(event) == set()


@pytest.mark.parametrize("grade", [1, 2, None])
def test_one_vasopressor_is_a_grade_3_that_is_told(grade: int | None) -> None:
    """ASTCT CRS 3 whatever the site's CTCAE grade: a physician hears within four hours, the data manager is asked."""
    event = crs(grade, hypotension="one-vasopressor")
    assert about_the_event(event) == {"adverse_event_grade_3_related"}
    assert asked(event) == {"missing_grade" if grade is None else "grade_against_facts"}


def test_a_grade_3_scale_of_an_unrelated_event_is_no_mail() -> None:
    """The scale counts like the grade of record: a 3 that both call unrelated is not told."""
    event = crs(2, hypotension="one-vasopressor").model_copy(update={"attribution": "unrelated"})
    assert about_the_event(event) == set()


@pytest.mark.parametrize(
    ("more", "mails", "questions"),
    [
        ({}, set(), {"missing_grade"}),
        ({"severity_word": "mild"}, set(), {"missing_grade"}),
        ({"severity_word": "severe"}, {"adverse_event_grade_3_related"}, {"missing_grade"}),
        ({"severity_word": "severe", "attribution": "unrelated"}, set(), {"missing_grade"}),
        ({"seriousness": ["hospitalization"]}, {"serious_adverse_event", "sae_clock"}, {"missing_grade"}),
        ({"seriousness": ["life-threatening"]}, {"serious_adverse_event", "sae_clock"}, set()),
    ],
)
def test_a_report_without_a_grade_is_asked_for_it(more: dict[str, Any], mails: set[str], questions: set[str]) -> None:
    """G24: asked unless the facts leave one grade (life-threatening is 4); the word severe alone is told as a 3."""
    event = adverse("Pneumonitis", 9, **({"attribution": "possible"} | more))
    assert about_the_event(event) - {"dose_limiting_toxicity"} == mails
    assert asked(event) == questions


def test_a_term_that_begins_at_3_counts_as_4_without_a_grade() -> None:
    """Febrile neutropenia has the grades 3, 4 and 5; of one who lives 3 or 4 is left, and 4 counts (G6)."""
    event = adverse("Febrile neutropenia", 9, attribution="unrelated")
    assert about_the_event(event) - {"dose_limiting_toxicity"} == {"adverse_event_grade_4"}


def test_the_grade_that_comes_answers_the_question() -> None:
    """The second version tells grade 2: nothing is open any more."""
    first = adverse("Pneumonitis", 9)
    second = adverse("Pneumonitis", 9, grade=2, version=2, reported=at(10))
    assert Played((*TREATED, first, second)).of("data_query") == []
    assert Played((*TREATED, second, first)).of("data_query") == []


@pytest.mark.parametrize(
    ("site", "sponsor", "mailed"),
    [
        ("unknown", None, True),
        ("possible", None, True),
        ("unlikely", None, False),
        ("unrelated", None, False),
        ("unlikely", "possible", True),
        ("unrelated", "unknown", True),
        ("unlikely", "unrelated", False),
        ("probable", "unrelated", True),
    ],
)
def test_a_grade_3_is_told_where_either_party_cannot_exclude_the_treatment(
    site: str, sponsor: str | None, mailed: bool
) -> None:
    """One of the two is enough (ICH E2A, 21 CFR 312.32); an attribution that is not known excludes nothing."""
    event = made.reported_event(serious=False, seriousness=(), attribution=site, sponsor_attribution=sponsor)
    sent = [one for one in revise(made.raised(event)) if one.decision.action == "send"]
    assert [one.type for one in sent] == (["adverse_event_grade_3_related"] if mailed else [])
    assert [value for one in sent for label, value in one.facts if label == "Attribution by the sponsor"] == (
        [sponsor] if mailed and sponsor else []
    )


def test_the_grade_of_record_that_counts_needs_no_other_word() -> None:
    """Grade 3 by the investigator, ASTCT 2: the 3 counts, by itself."""
    assert counted(made.reported_event(scales=(made.scale_grade(2, 2),))) == (3, None)


LIVER = (
    *(lab(test, -6, value) for test, value in (("ALT", "20"), ("BILI", "10"), ("ALP", "80"))),
    lab("ALT", 9, "200"),
    lab("BILI", 10, "50"),
)


def test_a_composite_has_no_grade_and_says_what_was_met() -> None:
    """Hy's law: ALT 200 is 5 x ULN, bilirubin 50 is 2.5 x ULN, ALP below 2: what was met, and no "grade 0 to 5"."""
    (alert,) = [one for one in told(lab("ALP", 10, "80"), *LIVER) if one.type == "dose_limiting_toxicity"]
    assert alert.headline.startswith("DLT candidate: Hy's law")
    assert alert.headline.endswith("(rule hys-law)")
    english, chinese = both(alert)
    for one in (english, chinese):
        everything = " ".join((one.headline, one.why, *(value for _, value in one.facts)))
        assert "0 to 5" not in everything
        assert "0 至 5" not in everything
        assert "200 U/L" in everything
        assert "50 umol/L" in everything
    assert "Grade" not in dict(english.facts)
    assert "符合 DLT 规则 hys-law" in chinese.why
    assert "grade" not in english.headline
