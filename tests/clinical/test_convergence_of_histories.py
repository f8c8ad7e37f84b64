"""Seven events in every order, tubes of two subjects mixed up, a book that changes in between: always the same end."""

from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any

import pytest
from any_event import events
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import stepped
from stories import (
    FAR,
    SUBJECT,
    TREATED,
    Played,
    adjudicated,
    adverse,
    at,
    bundled,
    bundled_with,
    enrolled,
    infusion,
    lab,
    lymphodepletion,
    screened,
    taken_back,
    told,
    vital,
    withdrawn,
)

from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import AnyFinding

RELEASE = "Cytokine release syndrome"
K_FALSE = lab("K", 16, "7.40", record="k")


def _crs_4() -> str:
    story = Played([screened(), infusion(1, 0), adverse(RELEASE, 9, grade=4, record="crs")])
    return str(story.one("dose_limiting_toxicity", rule="crs-4").id)


def _death(version: int, day: float) -> Any:
    return adverse(
        "Sepsis", 1, grade=5, outcome="fatal", resolved=told(day), reported=at(day, 20), record="d", version=version
    )


def _course(version: int, *lines: tuple[float, int]) -> Any:
    course = [{"grade": grade, "since": told(day)} for day, grade in lines]
    return adverse(
        RELEASE, 9, grade=3, record="crs", version=version, outcome="recovered", resolved=told(15),
        reported=at(15 + version), grade_course=course,
    )  # fmt: skip


HISTORIES: dict[str, list[SubjectEvent]] = {
    "a hemolysed potassium: preliminary, final, corrected, repeated": [
        screened(), enrolled(), infusion(1, 0),
        lab("K", 16, "7.10", record="k", status="preliminary"), lab("K", 16, "7.40", record="k", version=2),
        lab("K", 16, "4.30", record="k", version=3, status="corrected"), lab("K", 17, "4.20"),
    ],
    "liver: a late baseline, the third version of it, enzymes and bilirubin": [
        screened(), infusion(1, 0), lab("ALT", -6, "90"), lab("ALT", -6, "30", version=2, status="corrected"),
        lab("ALT", 15, "230"), lab("BILI", 20, "45"), lab("ALP", 15, "80"),
    ],
    "a release: worse, over, decided on, under a moved infusion": [
        screened(), infusion(1, 0), infusion(1, 2, version=2, status="corrected"),
        adverse(RELEASE, 9, grade=3, record="crs", outcome="not-recovered"),
        adverse(RELEASE, 9, grade=4, record="crs", version=2, outcome="not-recovered"),
        adjudicated(_crs_4(), 12, "confirmed"), adjudicated(_crs_4(), 14, "refuted"),
    ],
    "fever and neutrophils, one count taken back": [
        screened(), infusion(1, 0), lab("NEUT", -6, "3.0"), lab("NEUT", 8, "0.72"), vital("TEMP", 8.1, "38.9", "Cel"),
        taken_back(lab("NEUT", 8, "0.72")), lab("NEUT", 8.2, "0.45"),
    ],
    "another version consented to, a leave, platelets at the limit": [
        screened(), screened(protocol_version="2.0", source={"system": "test", "id": "consent", "version": 2}),
        enrolled(), lab("PLAT", -12, "42"), lymphodepletion(-5), infusion(1, 0), withdrawn(9),
    ],
    "a death that is moved and taken back, with results before and after it": [
        screened(), infusion(1, 0), lab("K", 4, "7.3"), _death(1, 2), _death(2, 5), taken_back(_death(2, 5), 3),
        lab("K", 6, "4.1"),
    ],
    "screened again after a leave, with a count of another subject": [
        screened(), withdrawn(-16), screened(-12, protocol_version="2.0", source={"system": "test", "id": "again"}),
        enrolled(), lab("PLAT", -11, "29"), taken_back(lab("PLAT", -11, "29")), infusion(1, 0),
    ],
    "a release told in one line, then by its course, and decided on in between": [
        screened(), infusion(1, 0), _course(1), _course(2, (9, 2), (10, 3), (14, 1)), _course(3, (9, 3), (10, 1)),
        adjudicated(_crs_4(), 12, "confirmed"), adjudicated(_crs_4(), 14, "refuted"),
    ],
}  # fmt: skip


def end_of(told: Any, *, book: Any = None) -> dict[str, AnyFinding]:
    """What stands in the end; stepping must agree with concluding afresh."""
    played = Played(told, book=book)
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings
    return played.findings


def test_they_are_seven() -> None:
    """Each history has seven different events, and concludes something."""
    for history in HISTORIES.values():
        assert len({(one.kind, one.source.record, one.source.version) for one in history}) == len(history) == 7
        assert end_of(history)


@pytest.mark.parametrize("name", HISTORIES)
def test_orders_of_seven_events_end_the_same(name: str) -> None:
    """Sixty orders drawn by lot out of the 5,040, and the reverse."""
    told = HISTORIES[name]
    first, chance = end_of(told), Random(name)
    for order in (told[::-1], *(chance.sample(told, 7) for _ in range(60))):
        assert end_of(order) == first


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", HISTORIES)
def test_every_order_of_seven_events_ends_the_same(name: str) -> None:
    """All 5,040 orders."""
    told = HISTORIES[name]
    first = end_of(told)
    for order in permutations(told):
        assert end_of(order) == first


# ------------------------------------------------------------------------------------------------ the wrong subject


def _all_words(findings: dict[str, AnyFinding]) -> str:
    return " ".join(one.model_dump_json() for one in findings.values())


@pytest.mark.parametrize("test", ["NEUT", "PLAT", "K", "ALT", "HGB", "CREAT", "GLUC", "INR"])
@pytest.mark.parametrize("day", [-12, -6, 3, 16])
def test_a_result_of_another_subject_leaves_no_trace(test: str, day: float) -> None:
    """Told for A, taken back, told for B: A ends as if it had never come, B as if it had always been B's."""
    value = {"NEUT": "0.2", "PLAT": "12", "K": "7.3", "ALT": "900", "HGB": "60", "CREAT": "800"}.get(test, "30")
    tube = lab(test, day, value, record="tube-77")
    normal = {"NEUT": "3.0", "PLAT": "200", "K": "4.2", "ALT": "30", "HGB": "120", "CREAT": "60"}.get(test, "1.0")
    own = [*TREATED, lab(test, -10, normal), lab(test, 17, normal)]
    a_for_ever, b_for_ever = end_of(own), end_of([*own, tube])
    for order in ([*own, tube, taken_back(tube)], [taken_back(tube), *own, tube], [tube, *own, taken_back(tube)]):
        assert end_of(order) == a_for_ever
        assert "tube-77" not in _all_words(end_of(order))
    assert _but_subject(end_of([*own, tube])) == _but_subject(b_for_ever)
    played = Played([*own, tube, taken_back(tube)])
    kept = [one for page in played.whole().series.values() for one in page.results if "tube-77" in one.record]
    assert kept  # the record still knows that it was taken back


def _but_subject(findings: dict[str, AnyFinding]) -> list[str]:
    return sorted(one.model_copy(update={"id": "", "subject": ""}).model_dump_json() for one in findings.values())


def test_a_tube_that_moves_from_one_subject_to_another() -> None:
    """A lifelike mix-up with a history on both sides: each subject ends with its own results only."""
    tube = lab("PLAT", 16, "12", record="tube-77")
    moved = tube.model_copy(update={"subject": "002"})
    a = [*TREATED, lab("PLAT", 15, "180"), tube, taken_back(tube)]
    b = [one.model_copy(update={"subject": "002"}) for one in [*TREATED, lab("PLAT", 15, "150")]]
    book, record = bundled(), subject.empty(moved.study, "002")
    for event in [*b, moved]:
        record = stepped(record, event, book, FAR).record
    assert SUBJECT != "002"
    assert not [one for one in end_of(a).values() if one.kind == "toxicity"]
    (grave,) = [one for one in subject.standing(record).values() if one.kind == "toxicity"]
    assert (grave.subject, grave.peak.lowest) == ("002", 4)


@settings(max_examples=20, deadline=None)
@given(st.lists(events(), max_size=10), events(), st.integers(0, 10), st.integers(0, 10))
def test_whatever_is_taken_back_leaves_no_trace(
    told: list[SubjectEvent], mistake: SubjectEvent, first: int, second: int
) -> None:
    """Any event of a screened subject, put in anywhere and taken back anywhere: as if it had never been told."""
    source = mistake.source.model_copy(update={"id": "a-mistake", "version": 1})
    wrong = mistake.model_copy(update={"source": source, "status": "final"})
    told = [screened(), *told]
    order = list(told)
    order.insert(first, wrong)
    order.insert(second, taken_back(wrong))
    ended = end_of(order)
    assert ended == end_of(told)
    assert "a-mistake" not in _all_words(ended)


# --------------------------------------------------------------------------------- a new edition of book or protocol


@settings(max_examples=15, deadline=None)
@given(st.lists(events(), min_size=1, max_size=10), st.integers(0, 10))
def test_a_new_edition_in_between_ends_as_if_it_had_always_been(told: list[SubjectEvent], at: int) -> None:
    """Some events under the old book and protocol, the rest under the new ones: the same as all under the new ones."""
    newer = replace(_shorter_window(), version="another")
    played = Played(told[:at])
    played.book = newer
    for event in told[at:]:
        played.take(event)
    played.take(None)
    assert played.findings == end_of(told, book=newer)


def _shorter_window() -> Any:
    dlt = bundled().protocols["CAR-NK-SLE-01"].versions[0].dlt
    assert dlt is not None
    return bundled_with(dlt=dlt.model_copy(update={"window": dlt.window.model_copy(update={"days": 21})}))


def test_the_new_edition_decides_otherwise() -> None:
    """So that the law above is about something: on day 40 a release is inside 28 days, and outside 21."""
    told = [*TREATED, adverse(RELEASE, 40, grade=4)]
    states = [
        [one.state for one in end_of(told, book=book).values() if one.kind == "dose_limiting_toxicity"]
        for book in (bundled(), _shorter_window())
    ]
    assert "candidate" in states[0]
    assert states[1] == []
