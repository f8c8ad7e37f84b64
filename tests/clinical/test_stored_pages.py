"""Pages written by an older version of the program: read and concluded anew, or refused with one clear sentence.

tests/fixtures/pages/format_1.json holds every page of one subject as format 1 wrote them: 128 events, a sealed series,
a release, enzymes with bilirubin, a potassium taken back. It is history and must never be written anew.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from stories import (
    FAR,
    SUBJECT,
    TREATED,
    Played,
    adverse,
    at,
    bundled,
    bundled_with,
    enrolled,
    lab,
    screened,
    taken_back,
    told,
)

from safety_stream.clinical import study_pages, subject
from safety_stream.clinical.cohort import StudyRecord
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.record import SubjectRecord
from safety_stream.clinical.result import Result
from safety_stream.clinical.stored import FORMAT, PagesLacking
from safety_stream.errors import PageOfAnotherVersion

OLDER = Path(__file__).parents[1] / "fixtures" / "pages" / "format_1.json"


@cache
def _older() -> dict[str, Any]:
    pages: dict[str, Any] = json.loads(OLDER.read_text(encoding="utf-8"))["pages"]
    return pages


def _loaded(pages: dict[str, Any]) -> SubjectRecord:
    record = subject.empty("CAR-NK-SLE-01", SUBJECT)
    for name, page in pages.items():
        record = subject.with_page(record, name, json.dumps(page).encode())
    return record


def _asked_for(record: SubjectRecord, event: SubjectEvent) -> frozenset[str]:
    with pytest.raises(PagesLacking) as asked:
        subject.step(record, event, bundled(), FAR)
    return asked.value.names


def _brought_up_to_date(pages: dict[str, Any]) -> dict[str, Any]:
    """What stands after the next event, which must conclude everything anew."""
    done = subject.step(_loaded(pages), enrolled(), bundled(), FAR)
    assert subject.standing(done.record) == subject.conclude(done.record, bundled(), FAR).findings
    return subject.standing(done.record)


def test_pages_of_format_1_are_read_and_concluded_anew() -> None:
    """With the next event each page is of this edition and format, and what stands follows from the facts alone."""
    pages = _older()
    assert {"ALT", "NEUT", "K"} <= _asked_for(_loaded({"header": pages["header"]}), enrolled())
    found = _brought_up_to_date(pages)
    assert {one.kind for one in found.values()} >= {"toxicity", "dose_limiting_toxicity", "reported_event"}


def test_folds_and_digests_of_an_unknown_shape_are_let_go() -> None:
    """Derived things that this version cannot read (a digest with words, a fold that is a number) do not matter."""
    pages = json.loads(json.dumps(_older()))
    for page in pages.values():
        if "fold" in page:
            page.update({"fold": 7, "base": "?", "middle": None, "past": [[]], "closed": "none"})
        if "digests" in page:
            page["digests"] = {one: {"of": "another shape"} for one in page["digests"]}
    assert _brought_up_to_date(pages) == _brought_up_to_date(_older())


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [("K", "results", [["a", "b"]]), ("K", "kept", {"x": [1, {"kind": "unheard of"}]}), ("header", "facts", {"x": 1})],
)
def test_a_page_whose_facts_or_findings_cannot_be_read_is_refused(name: str, field: str, value: Any) -> None:
    """One sentence: which page, which format this version reads, where it first differs, and how to rebuild."""
    with pytest.raises(PageOfAnotherVersion) as refused:
        _loaded({name: _older()[name] | {field: value}})
    said = str(refused.value)
    assert said.startswith(f"page {name} was written by another version")
    assert f"first mismatch: {field}." in said
    assert "set the worker group's offsets of the events and statuses logs to the beginning" in said


def test_what_is_no_page_at_all_is_refused_the_same_way() -> None:
    """Bytes that are no JSON, and JSON that is no object; for a subject and for a study."""
    for stored in (b"{", b"[]", b"7"):
        with pytest.raises(PageOfAnotherVersion):
            subject.with_page(subject.empty("CAR-NK-SLE-01", SUBJECT), "K", stored)
        for page in ("header", "status:001"):
            with pytest.raises(PageOfAnotherVersion):
                study_pages.with_page(StudyRecord("CAR-NK-SLE-01"), page, stored)


def test_a_series_left_behind_by_a_crash_is_concluded_from_all_its_pages() -> None:
    """The header is of this edition, a sealed series is not: its next result asks for every chunk."""
    played = Played([*TREATED, lab("K", -6, "4.1")], stored=True)
    pages = {name: json.loads(page) for name, page in played.store.items() if isinstance(page, bytes)}
    pages |= {name: page for name, page in _older().items() if name.startswith("NEUT")}
    told = lab("NEUT", 30, "2.0")
    loaded = _loaded({name: page for name, page in pages.items() if name in {"header", "NEUT", "NEUT~index"}})
    assert {"NEUT~1", "NEUT~2"} <= _asked_for(loaded, told)
    done = subject.step(_loaded(pages), told, bundled(), FAR)
    assert subject.standing(done.record) == subject.conclude(done.record, bundled(), FAR).findings


# ------------------------------------------------------------------------------------- a subject nobody ever screened


@pytest.mark.parametrize("stored", [False, True])
def test_one_result_of_a_subject_never_screened_taken_back_leaves_no_question(*, stored: bool) -> None:
    """A tube under a wrong number: "never screened" is asked, and withdrawn with the result."""
    told = lab("K", 3, "4.1")
    played = Played([told], stored=stored)
    assert [one.code for one in played.of("data_query")] == ["subject_not_registered"]
    played.take(taken_back(told))
    assert played.findings == {}
    assert played.whole().series["K"].results[0].record == "test|K@3"  # the record still knows
    assert Played([taken_back(told), told]).findings == {}


def test_the_question_stays_while_anything_else_stands() -> None:
    """Two of three records are taken back, of an event, a result and an enrolment; the third needs a screening."""
    told: list[SubjectEvent] = [lab("K", 3, "4.1"), adverse("Nausea", 3, grade=1), enrolled()]
    for left in told:
        played = Played([*told, *(taken_back(one) for one in told if one is not left)])
        assert [one.code for one in played.of("data_query")].count("subject_not_registered") == 1
    assert Played([*told, *map(taken_back, told)]).findings == {}
    assert Played([*told, screened()]).of("data_query", code="subject_not_registered") == []


def _in_the_order_of_format_4(stored: bytes) -> bytes:
    """A page whose results stand by time and record, whatever their specimens, as that format kept them."""
    page = json.loads(stored)
    names = list(Result._fields)
    page["results"].sort(key=lambda one: (one[names.index("observed_at")], one[names.index("record")]))
    return json.dumps(page | {"book": page["book"].replace(f"pages {FORMAT}", "pages 4")}).encode()


def test_results_that_an_older_format_kept_in_another_order_take_late_ones_in_their_place() -> None:
    """Two specimens of one day, one calcium low and one albumin low: concluded anew, and then one more comes late."""
    day = "2024-07-02"
    panel = [
        lab("CA", 8, "1.95", record="1", specimen="morning", observed_at=day),
        lab("CA", 8, "2.80", record="2", specimen="evening", observed_at=day),
        lab("ALB", 8, "28", record="3", specimen="morning", observed_at=day),
        lab("ALB", 8, "20", record="4", specimen="evening", observed_at=day),
    ]
    played = Played([*TREATED, *panel], stored=True)
    header, page = played.store["header"], played.store["CA"]
    assert isinstance(header, bytes)
    assert isinstance(page, bytes)
    played.store["header"] = header.replace(f"pages {FORMAT}".encode(), b"pages 4")
    played.store["CA"] = _in_the_order_of_format_4(page)
    later = [lab("K", 9, "4.0"), lab("CA", 8, "1.70", record="0", specimen="dawn", observed_at=day)]
    for event in later:
        played.take(event)
    concluded = subject.conclude(played.whole(), played.book, FAR).findings
    assert played.findings == concluded == Played([*TREATED, *panel, *later]).findings


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_a_grave_event_as_the_first_under_another_edition_knows_the_death_that_another_report_tells(
    zone: str | None,
) -> None:
    """Of the digests of another format nothing is taken; in another zone a death told by its date is another time."""
    death = adverse("Sepsis", 1, grade=5, outcome="fatal", resolved=told(5)[:10], reported=at(6, 20), record="d")
    grave = adverse("Cytokine release syndrome", 4, grade=4, seriousness=["life-threatening"], record="crs")
    potassium = lab("K", 5, "4.1", observed_at="2024-06-30T06:00:00+08:00")
    played = Played([*TREATED[:6], death, potassium], stored=True)
    if zone is None:
        stored = played.store["header"]
        assert isinstance(stored, bytes)
        header = json.loads(stored)
        header["digests"] = {one: {"of": "another shape"} for one in header["digests"]}
        played.store["header"] = json.dumps(header).encode()
    else:
        played.book = bundled_with(zone=zone)
    played.take(grave)
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings
    asked = [one for one in played.of("data_query") if one.code == "result_after_death"]
    assert len(asked) == (1 if zone is None else 0)
