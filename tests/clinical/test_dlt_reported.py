"""Claims about reported events as DLT: an onset not told is not guessed; a death counts unless clearly explained."""

from datetime import datetime
from typing import Any

import pytest
from stepping import stepped

from safety_stream.clinical import subject
from safety_stream.clinical.events import ANY_EVENT
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import DataQuery
from safety_stream.rulebook.load import load_book

STUDY = "CAR-NK-SLE-01"
AS_OF = datetime.fromisoformat("2024-07-20T00:00:00+08:00")


def _concluded(*told: dict[str, Any]) -> list[AnyFinding]:
    """What stands after these events of one subject."""
    book, record = load_book(allow_unsigned=True), subject.empty(STUDY, "001")
    for number, fields in enumerate(told):
        source = {"system": "edc", "id": str(number)}
        event = ANY_EVENT.validate_python({"study": STUDY, "subject": "001", "source": source, **fields})
        assert event.kind != "clock_ticked"
        record = stepped(record, event, book, AS_OF).record
    return list(subject.standing(record).values())


def _infusion(day: str) -> dict[str, Any]:
    return {
        "kind": "dose_given", "role": "infusion", "treatment": "anti-CD19 CAR-NK", "given": day,
        "reported_at": f"{day}T18:00:00+08:00",
    }  # fmt: skip


def _syndrome(reported_at: str, **fields: Any) -> dict[str, Any]:
    term = {"kind": "adverse_event", "term": "Cytokine release syndrome", "grade": 4, "attribution": "definite"}
    return {**term, "reported_at": reported_at, **fields}


def test_a_grade_4_event_without_an_onset_is_a_possible_dlt_and_a_question() -> None:
    """Reported after the infusion, it may have begun in the window: possible, never silence, and a person is asked."""
    found = _concluded(_infusion("2024-07-09"), _syndrome("2024-07-12T09:00:00+08:00"))
    limiting = [one for one in found if isinstance(one, DoseLimitingToxicity)]
    assert [(one.state, [met.rule for met in one.rules]) for one in limiting] == [("possible", ["crs-4", "crs-3"])]
    assert all(one.onset is None and "T4: no onset was told" in one.evidence.reasons for one in limiting)
    assert [one.code for one in found if isinstance(one, DataQuery) if one.code == "missing_onset"] == ["missing_onset"]


@pytest.mark.parametrize(("onset", "state"), [("2024-07-10", "candidate"), ("2024-07", "possible"), ("2024-06", None)])
def test_what_is_told_of_the_onset_decides(onset: str, state: str | None) -> None:
    """The day after the infusion is inside; the month of the infusion may be; the month before cannot be."""
    found = _concluded(_infusion("2024-07-09"), _syndrome("2024-07-12T09:00:00+08:00", onset=onset))
    assert {one.state for one in found if isinstance(one, DoseLimitingToxicity) and one.rule == "crs-4"} == (
        {state} if state else set()
    )


def test_an_event_reported_before_the_infusion_began_before_it() -> None:
    """What was reported on 8 July cannot have begun after the infusion of 9 July."""
    found = _concluded(_syndrome("2024-07-08T09:00:00+08:00"), _infusion("2024-07-09"))
    assert not [one for one in found if isinstance(one, DoseLimitingToxicity)]


@pytest.mark.parametrize(
    ("attribution", "state"), [("unlikely", "candidate"), ("unknown", "candidate"), ("unrelated", None)]
)
def test_a_death_is_a_candidate_unless_it_is_clearly_due_to_something_else(attribution: str, state: str | None) -> None:
    """The example rule's own words: 'unlikely' does not make it clear, 'unrelated' does."""
    fatal = {"grade": 5, "outcome": "fatal", "attribution": attribution, "onset": "2024-07-10"}
    found = _concluded(_infusion("2024-07-09"), _syndrome("2024-07-12T09:00:00+08:00", **fatal))
    assert {one.state for one in found if isinstance(one, DoseLimitingToxicity) and one.rule == "death"} == (
        {state} if state else set()
    )


BLOOD = [
    ("Hemolysis", {"non-hematologic-4"}),
    ("Disseminated intravascular coagulation", {"non-hematologic-4"}),
    ("Hemolytic uremic syndrome", {"non-hematologic-4"}),
    ("Thrombotic thrombocytopenic purpura", {"non-hematologic-4"}),
    ("Blood and lymphatic system disorders - Other, specify", {"non-hematologic-4"}),
    ("Anemia", set()),
    ("Febrile neutropenia", set()),
    ("Bone marrow hypocellular", set()),
]


@pytest.mark.parametrize(("term", "rules"), BLOOD)
def test_what_lymphodepletion_does_to_the_counts_is_excepted_and_not_the_blood_as_a_whole(
    term: str, rules: set[str]
) -> None:
    """Low counts are an effect of fludarabine and cyclophosphamide; hemolysis, DIC and microangiopathy are not."""
    told = _syndrome("2024-07-12T09:00:00+08:00", term=term, onset="2024-07-10")
    found = [one for one in _concluded(_infusion("2024-07-09"), told) if isinstance(one, DoseLimitingToxicity)]
    assert {met.rule for one in found for met in one.rules if met.met} == rules


@pytest.mark.parametrize(
    ("investigator", "sponsor", "state"),
    [
        ("unrelated", "probable", "candidate"),
        ("unlikely", "unknown", "candidate"),
        ("possible", "unrelated", "candidate"),
        ("unrelated", "unlikely", None),
        ("unrelated", None, None),  # the sponsor has not judged
    ],
)
def test_one_of_investigator_and_sponsor_who_cannot_exclude_it_is_enough(
    investigator: str, sponsor: str | None, state: str | None
) -> None:
    """As for alerts and the clocks of a SUSAR (G24, ICH E2A III.A.1): else a dose would be escalated over it."""
    both = {"attribution": investigator, "sponsor_attribution": sponsor}
    judged = _syndrome("2024-07-12T09:00:00+08:00", onset="2024-07-10", **both)
    found = [one for one in _concluded(_infusion("2024-07-09"), judged) if isinstance(one, DoseLimitingToxicity)]
    assert {one.state for one in found} == ({state} if state else set())
    said = f"G24: by the investigator {investigator}, by the sponsor {sponsor}: one of the two is enough"
    assert [said in one.evidence.reasons for one in found] == [investigator != "possible"] * len(found)


@pytest.mark.parametrize(
    ("says", "rule", "state"),
    [
        ({"grade": 3, "outcome": "fatal"}, "death", "possible"),
        ({"grade": 3, "seriousness": ["death"], "outcome": "unknown"}, "death", "possible"),
        ({"grade": 3, "outcome": "fatal", "attribution": "unrelated"}, "death", None),
        ({"grade": 2, "seriousness": ["life-threatening"]}, "crs-4", "possible"),
        ({"grade": 3, "seriousness": ["hospitalization"]}, "death", None),
    ],
)
def test_facts_graver_than_the_grade_leave_the_rules_for_them_possible(
    says: dict[str, Any], rule: str, state: str | None
) -> None:
    """A death of "grade 3" is asked about (G24) and may be a DLT until somebody answers: it is never ruled out."""
    found = _concluded(_infusion("2024-07-09"), _syndrome("2024-07-12T09:00:00+08:00", onset="2024-07-10", **says))
    met = [one for one in found if isinstance(one, DoseLimitingToxicity) and rule in {each.rule for each in one.rules}]
    assert {one.state for one in met} == ({state} if state else set())
