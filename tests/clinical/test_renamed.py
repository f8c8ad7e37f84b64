"""A record whose versions name different analytes is one result (register T62)."""

from itertools import permutations
from random import Random

import pytest
from crashing import Crashing
from stories import FAR, Played, infusion, lab, screened, taken_back, vital

from safety_stream.clinical import shelf, subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.stored import PagesLacking

FALSE_GRADE_4 = lab("K", 1, "7.3", record="X")
SODIUM = lab("SODIUM", 1, "140", record="X", version=2, status="corrected")
DOSED: list[SubjectEvent] = [screened(), infusion(1, 0)]
PRELIMINARY = lab("K", 1, "7.3", record="X", status="preliminary")
HISTORIES: dict[str, tuple[list[SubjectEvent], set[str]]] = {
    # what was told, and the terms that stand at the end
    "another analyte": ([FALSE_GRADE_4, SODIUM, lab("K", 2, "4.0")], set()),
    "and back": ([FALSE_GRADE_4, SODIUM, lab("K", 1, "7.2", record="X", version=3)], {"Hyperkalemia"}),
    "a third analyte": ([FALSE_GRADE_4, SODIUM, lab("GLUC", 1, "2.0", record="X", version=3)], {"Hypoglycemia"}),
    "entered in error": ([FALSE_GRADE_4, SODIUM, taken_back(SODIUM, 3)], set()),
    "an unknown test": ([FALSE_GRADE_4, SODIUM.model_copy(update={"test": "NOBODY KNOWS"})], set()),
    "both under one version": ([FALSE_GRADE_4, SODIUM, lab("K", 1, "7.2", record="X", version=2, status="corrected")],
                               {"Hyperkalemia"}),
    "preliminary, then final": ([PRELIMINARY, lab("SODIUM", 1, "140", record="X")], set()),
    "another kind": ([FALSE_GRADE_4, vital("TEMP", 1, "36.8", "Cel", record="X", version=2)], set()),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_the_last_version_stands_as_what_it_names_whatever_came_first(name: str) -> None:
    """All orders, told twice, pages through JSON, with a crash in every step, and from the facts alone: the same."""
    told, terms = HISTORIES[name]
    ends = []
    for order in permutations(told):
        played, stored, crashed = (
            Played([*DOSED, *order, order[0]]),
            Played([*DOSED, *order], stored=True),
            Crashing(Random(len(name))),
        )
        for event in [*DOSED, *order]:
            crashed.take(event)
        assert {one.term for one in played.of("toxicity")} == terms
        assert played.findings == stored.findings == crashed.findings
        assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings
        ends.append(played.findings)
    assert all(end == ends[0] for end in ends)


def test_the_withdrawal_names_the_correction_and_what_it_says_now() -> None:
    """Potassium 7.3 told, then the record is sodium 140: the toxicity is withdrawn because of version 2."""
    played = Played([*DOSED, FALSE_GRADE_4])
    (gone,) = [
        one for one in played.take(SODIUM).changes if one.change == "withdrawn" and one.finding.kind == "toxicity"
    ]
    assert gone.because == "lab_result test|X v2"
    assert gone.corrected == "corrected to Sodium 140 mmol/L"


def test_one_question_names_the_analytes_the_value_and_the_version() -> None:
    """It is asked under the analyte that stands, in either order of arrival."""
    for order in permutations([FALSE_GRADE_4, SODIUM]):
        (asked,) = Played([*DOSED, *order]).of("data_query", code="record_names_two_analytes")
        assert (asked.about, asked.found) == ("SODIUM (test|X)", "Potassium, Sodium; version 2: Sodium 140 mmol/L")


@pytest.mark.parametrize("seed", range(6))
def test_a_version_in_a_sealed_chunk_is_taken_back(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight later results have sealed the page of the false potassium; with and without a crash in every step."""
    monkeypatch.setattr(shelf, "OPEN", 4)
    monkeypatch.setattr(shelf, "HALF", 2)
    told = [*DOSED, FALSE_GRADE_4, *(lab("K", 2 + n, "4.0") for n in range(8)), SODIUM, lab("K", 30, "4.1")]
    plain, crashed = Played(told, stored=True), Crashing(Random(seed))
    assert "K~2" in plain.store
    for event in told:
        crashed.take(event)
    assert not plain.of("toxicity")
    assert crashed.findings == plain.findings == subject.conclude(plain.whole(), plain.book, FAR).findings


def test_a_first_version_looks_at_no_other_page() -> None:
    """Its own page is all that it asks for while no record was told otherwise; after that, one index more."""
    played = Played(DOSED)
    assert not played.take(FALSE_GRADE_4).record.header.retold
    assert played.take(SODIUM).record.header.retold
    record = subject.with_page(
        subject.empty(played.record.study, played.record.subject), "header", subject.page_json(played.record, "header")
    )
    with pytest.raises(PagesLacking) as lacking:
        subject.step(record, lab("ALT", 3, "20"), played.book, FAR)
    assert lacking.value.names == {"retold~index"}
