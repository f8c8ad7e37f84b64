"""The grade of another scale beside the grade of record: kept with its name, never in its place, rarely a question.

Grades of CRS in CTCAE v5.0: 1 fever; 2 hypotension that responds to fluids, or hypoxia with less than 40 % oxygen;
3 one vasopressor, or 40 % and more; 4 life-threatening.
"""

from typing import Any

import pytest
from stories import DAY_ZERO, TREATED, Played, adverse

from safety_stream.alerting.drafts import alerts_of
from safety_stream.alerting.headlines import headline
from safety_stream.alerting.wording import facts
from safety_stream.clinical.findings_reported import ReportedEvent
from safety_stream.clinical.findings_subject import DataQuery
from safety_stream.intake import Rejected, read

CRS = "Cytokine release syndrome"
FEVER = {"value": "39.1", "unit": "Cel"}


def reported(term: str, scale: str, sent: dict[str, Any], **says: Any) -> tuple[ReportedEvent, list[DataQuery]]:
    """The finding and the questions of one report of day 2 with the facts of one scale."""
    played = Played([*TREATED[:6], adverse(term, 2, scale_facts={scale: sent}, **says)])
    return played.one("reported_event"), played.of("data_query")


def crs(grade: int | None, **sent: Any) -> tuple[ReportedEvent, list[DataQuery]]:
    """A cytokine release syndrome of this CTCAE grade, and the ASTCT facts."""
    return reported(CRS, "astct_crs", sent, grade=grade)


def test_both_grades_are_kept_with_the_name_of_their_scale() -> None:
    """CTCAE 3 stays of record beside ASTCT 4: two vasopressors are one grade more there, and nobody is asked (S7)."""
    finding, questions = crs(3, temperature=FEVER, hypotension="several-vasopressors", hypoxia="low-flow")
    (scale,) = finding.scales
    assert (finding.grade, scale.scale, str(scale.grade)) == (3, "ASTCT 2019 CRS", "4")
    assert scale.evidence.book == finding.evidence.book
    assert scale.evidence.comparison == "hypotension: two vasopressors or more, vasopressin not counted"
    assert [(one.name, one.value, one.unit) for one in scale.evidence.inputs] == [
        ("fever", "39.1", "Cel"), ("hypotension", "several-vasopressors", None), ("hypoxia", "low-flow", None),
    ]  # fmt: skip
    assert questions == []


def test_without_facts_there_is_no_other_grade() -> None:
    """Nothing sent, nothing computed: a CTCAE grade is never turned into an ASTCT grade."""
    assert Played([*TREATED, adverse(CRS, 2, grade=3)]).one("reported_event").scales == ()


RANGES: list[tuple[dict[str, Any], str, str]] = [
    ({"temperature": FEVER, "hypotension": "no-vasopressor"}, "2-4", "G5: hypoxia is not known"),
    ({"temperature": {"value": "37.2", "unit": "Cel"}, "hypotension": "one-vasopressor", "hypoxia": "none"}, "0-3",
     "G5: fever may be absent or masked"),
    ({"fever": "masked", "hypotension": "one-vasopressor", "hypoxia": "none"}, "3", ""),
    ({"fever": "absent", "hypotension": "one-vasopressor", "hypoxia": "none"}, "0", ""),
    ({"temperature": FEVER, "hypotension": "none", "hypoxia": "high-flow", "other_cause": ["hypoxia"]}, "1",
     "S8: hypoxia has another cause and does not count"),
    ({"fever": "masked", "temperature": FEVER, "hypotension": "none", "hypoxia": "none"}, "1", ""),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "grade", "because"), RANGES)
def test_what_is_not_known_leaves_a_range_with_its_reason(sent: dict[str, Any], grade: str, because: str) -> None:
    """A missing sign is never a default; treated fever and signs of another cause count as the consensus says."""
    finding, questions = crs(None, **sent)
    assert str(finding.scales[0].grade) == grade
    assert because in " ".join(finding.scales[0].evidence.reasons)
    assert [one.code for one in questions] == ["missing_grade"]  # of the scale nothing is asked


def test_a_range_says_what_is_sure_and_what_can_still_raise_it() -> None:
    """One vasopressor is 3 whatever the oxygen; what was not sent is never told as if it had been."""
    finding, _ = crs(3, temperature=FEVER, hypotension="one-vasopressor")
    assert finding.scales[0].evidence.comparison == (
        "at least 3 by hypotension: one vasopressor, with or without vasopressin; up to 4 by hypoxia"
    )


ASKED = [
    (1, {"hypotension": "no-vasopressor", "hypoxia": "none"}, "2 to 4"),
    (2, {"hypotension": "one-vasopressor", "hypoxia": "none"}, "3 to 4"),
    (1, {"hypotension": "none", "hypoxia": "low-flow"}, "2 to 4"),
    (2, {"hypotension": "none", "hypoxia": "positive-pressure"}, "3 to 4"),
    (3, {"hypotension": "none", "hypoxia": "none"}, "1"),
]
NOT_ASKED = [
    (1, {"hypotension": "none", "hypoxia": "none"}),
    (2, {"hypotension": "none", "hypoxia": "high-flow"}),  # ASTCT 3; less than 40 % oxygen may be CTCAE 2
    (3, {"hypotension": "none", "hypoxia": "low-flow"}),  # ASTCT 2; 40 % through a cannula is CTCAE 3
    (3, {"hypotension": "several-vasopressors", "hypoxia": "none"}),  # ASTCT 4
    (4, {"hypotension": "one-vasopressor", "hypoxia": "none"}),  # life-threatening is a judgement
    (3, {"hypotension": "none"}),  # hypoxia was not sent, and may be the reason
    (1, {"hypotension": "one-vasopressor", "hypoxia": "none", "other_cause": ["hypotension"]}),
]


@pytest.mark.parametrize(("grade", "sent", "expected"), ASKED)
def test_a_grade_that_ctcaes_own_words_exclude_is_asked_about(grade: int, sent: dict[str, str], expected: str) -> None:
    """One question, about the CTCAE grade; it stays of record."""
    finding, (question,) = crs(grade, temperature=FEVER, **sent)
    assert (question.code, finding.grade) == ("grade_against_facts", grade)
    assert question.found.startswith(f"CTCAE grade {grade}, and ")
    assert question.expected == f"CTCAE grade {expected} with these facts, or other facts"


@pytest.mark.parametrize(("grade", "sent"), NOT_ASKED)
def test_a_difference_between_the_scales_is_no_question(grade: int, sent: dict[str, Any]) -> None:
    """The scales are defined differently: shown, and nobody is troubled."""
    assert crs(grade, temperature=FEVER, **sent)[1] == []


def test_facts_that_contradict_each_other_are_asked_about() -> None:
    """Fever absent at 39.1: the measured value goes on, the contradiction is a question."""
    finding, (question,) = crs(1, temperature=FEVER, fever="absent", hypotension="none", hypoxia="none")
    assert str(finding.scales[0].grade) == "1"
    assert question.code == "scale_facts_contradictory"
    assert question.found == "ASTCT 2019 CRS: fever absent, and a value that is present"


@pytest.mark.parametrize(("value", "unit"), [("39.1", "K"), ("102.4", "Cel"), ("high", "Cel"), ("39,100", "Cel")])
def test_a_temperature_that_cannot_be_read_is_asked_about(value: str, unit: str) -> None:
    """Kelvin, a value that cannot be true, words: not known, and a question; hypotension still counts."""
    finding, (question,) = crs(2, temperature={"value": value, "unit": unit}, hypotension="no-vasopressor",
                               hypoxia="none")  # fmt: skip
    assert question.code == "scale_facts_unreadable"
    assert str(finding.scales[0].grade) == "0-2"


def test_a_death_is_5_in_both_scales() -> None:
    """A fatal syndrome is grade 5 by ASTCT as by CTCAE, whatever the signs."""
    sent = {"temperature": FEVER, "hypotension": "none", "hypoxia": "none"}
    finding, questions = reported(CRS, "astct_crs", sent, grade=5, outcome="fatal")
    assert (str(finding.scales[0].grade), finding.scales[0].evidence.comparison) == ("5", "the event was fatal")
    assert questions == []


def test_neurotoxicity_is_graded_under_the_term_the_site_chose() -> None:
    """ICANS has no term of its own: encephalopathy of CTCAE 3 with an ICE of 2 is ASTCT ICANS 3."""
    sent = {"ice_score": 2, "consciousness": "awakens-to-voice", "seizure": "none", "motor": "none",
            "cerebral_edema": "none"}  # fmt: skip
    finding, questions = reported("Encephalopathy", "astct_icans", sent, grade=3)
    assert [(one.scale, str(one.grade)) for one in finding.scales] == [("ASTCT 2019 ICANS", "3")]
    assert finding.scales[0].evidence.comparison == (
        "ICE score: 0 to 2 points; 0 only while awake with global aphasia, unarousable is told by consciousness"
    )
    assert questions == []


def test_facts_under_a_foreign_term_are_graded_and_named() -> None:
    """CRS facts under nausea are probably a slip: the grade says so and nothing is thrown away."""
    sent = {"temperature": FEVER, "hypotension": "none", "hypoxia": "none"}
    finding, _ = reported("Nausea", "astct_crs", sent, grade=1)
    assert "Nausea is not a term that this scale is made for" in finding.scales[0].evidence.reasons


def test_a_mail_names_both_scales() -> None:
    """The headline and the facts give the ASTCT grade with its name, beside the CTCAE grade of record."""
    finding, _ = crs(3, temperature=FEVER, hypotension="several-vasopressors")
    told = dict(facts(finding))
    assert "CTCAE grade 3, ASTCT 2019 CRS grade 4" in headline(finding)
    assert told["Grade"] == "3 (CTCAE v5.0, by the investigator)"
    assert told["ASTCT 2019 CRS grade"] == "4, computed; differs from CTCAE grade 3"
    assert told["ASTCT 2019 CRS note"] == "G5: hypoxia is not known"


def test_two_vasopressors_are_told_even_when_nobody_called_them_serious() -> None:
    """ASTCT 4 under CTCAE 3, not serious: the alert of a grade 4 without a serious criterion."""
    finding, _ = crs(3, temperature=FEVER, hypotension="several-vasopressors", hypoxia="none")
    assert [(one.type, one.decision.action) for one in alerts_of(finding)] == [
        ("adverse_event_grade_4", "send"),
        ("adverse_event_grade_3_related", "hold"),
    ]
    milder, _ = crs(3, temperature=FEVER, hypotension="one-vasopressor", hypoxia="none")
    assert [one.type for one in alerts_of(milder)] == ["adverse_event_grade_3_related"]


def test_the_dlt_rules_count_the_grade_of_record_alone() -> None:
    """CTCAE 2 beside ASTCT 3 matches no rule for grade 3; the protocol speaks of CTCAE (T13)."""
    sent = {"temperature": FEVER, "hypotension": "none", "hypoxia": "high-flow"}
    played = Played([*TREATED, adverse(CRS, 2, grade=2, scale_facts={"astct_crs": sent})])
    assert str(played.one("reported_event").scales[0].grade) == "3"
    assert played.of("dose_limiting_toxicity") == []


REFUSED = [
    ('{"astct_crs": {"hypotension": "severe"}}', "scale_facts.astct_crs.hypotension", "several-vasopressors"),
    ('{"astct_crs": {"temperature": {"value": 39.1, "unit": "Cel"}}}', "scale_facts.astct_crs.temperature.value",
     "a JSON number does not keep its digits"),
    ('{"astct_crs": {"o2": "none"}}', "scale_facts.astct_crs.o2", "only the fields temperature, fever"),
    ('{"astct_icans": {"ice_score": 11}}', "scale_facts.astct_icans.ice_score", "a whole number from 0 to 10"),
    ('{"penn": {}}', "scale_facts.penn", "only the fields astct_crs, astct_icans"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "where", "expected"), REFUSED)
def test_a_level_that_the_contract_does_not_know_is_refused(sent: str, where: str, expected: str) -> None:
    """Strict words and units: a message that says something else is refused with the field and what was expected."""
    head = (
        f'"kind": "adverse_event", "study": "S", "subject": "1", "source": {{"system": "edc", "id": "1"}}, '
        f'"reported_at": "{DAY_ZERO}T08:00:00Z", "term": "{CRS}"'
    )
    (refused,) = read(None, f'{{{head}, "scale_facts": {sent}}}'.encode())
    assert isinstance(refused, Rejected)
    assert refused.troubles[0].where == where
    assert expected in refused.troubles[0].expected
