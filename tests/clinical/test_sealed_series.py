"""Pages of a long series: sealed in time, whatever is cut off by a crash told again, and always the same findings."""

from random import Random

import pytest
from crashing import Crashing, CrashingBetweenBatches, said_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stories import (
    FAR,
    STUDY,
    SUBJECT,
    TREATED,
    ZONE,
    Played,
    bundled_with,
    infusion,
    lab,
    screened,
    taken_back,
)
from stories import (
    told as at_time,
)

from safety_stream.clinical import shelf, subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.record import Chunk, Series, SubjectRecord
from safety_stream.clinical.result import order_of
from safety_stream.clinical.stored import with_its_pages

VALUES = ("0.3", "0.8", "1.2", "3.0", "2.6", "Hello")
TEMPERATURES = ("36.8", "40.2", "40.6", "38.4", ">39.9", "Hello")  # above 40.0 it matters for how long
GLUCOSE = ("5.5", "14.0", "<15", "25.1", "6.0", "Hello")  # the bundled protocol watches what is above 13.9 mmol/L


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of four results, sealed by two: short histories then cross every seam."""
    monkeypatch.setattr(shelf, "OPEN", 4)
    monkeypatch.setattr(shelf, "HALF", 2)


def results_of(test: str, values: tuple[str, ...]) -> st.SearchStrategy[SubjectEvent]:
    """Many results of one analyte, some of them corrected, moved or taken back, and now and then an infusion."""
    results = st.builds(
        lambda at, value, version, status, moved: lab(
            test, at + moved, value, version=version, status=status, record=f"n{at}"
        ),
        st.integers(-3, 16), st.sampled_from(values), st.integers(1, 2),
        st.sampled_from(["final", "final", "preliminary", "entered-in-error"]),
        st.sampled_from([0, 0, 0, 0.5, 7, -9]),
    )  # fmt: skip
    return st.one_of(
        results, results, results, st.sampled_from([infusion(1, 0), infusion(1, 2, version=2), screened()])
    )


def calcium() -> st.SearchStrategy[SubjectEvent]:
    """Results that are judged together: calcium with albumin and ionized calcium, some of them of one specimen."""
    return st.builds(
        lambda test, day, value, specimen, version, moved, status: lab(
            test, day + moved, value, specimen=specimen, version=version, status=status, record=f"{test}{day}"
        ),
        st.sampled_from(["CA", "CA", "ALB", "CAION"]), st.integers(-2, 12),
        st.sampled_from(["1.4", "1.9", "2.3", "2.8", "30", "Hello"]),
        st.sampled_from([None, None, "tube-1", "tube-2"]), st.integers(1, 2), st.sampled_from([0, 0, 0, 0.5, 6, -5]),
        st.sampled_from(["final", "final", "preliminary", "entered-in-error"]),
    )  # fmt: skip


def readings() -> st.SearchStrategy[SubjectEvent]:
    """Replicates of QTcF, and QT with RR where none was sent; now and then the start of treatment."""
    tracings = st.builds(
        lambda test, day, minute, value, specimen: lab(
            test, day + minute / 1440, value, specimen=specimen, record=f"{test}{day}.{minute}"
        ),
        st.sampled_from(["QTCF", "QTCF", "QT", "RR"]), st.integers(-2, 8), st.sampled_from([0, 1, 2]),
        st.sampled_from(["400", "455", "481", "505", "1000"]), st.sampled_from([None, "visit-1", "visit-2"]),
    )  # fmt: skip
    return st.one_of(tracings, tracings, tracings, st.just(infusion(1, 0)))


def histories(most: int) -> st.SearchStrategy[list[SubjectEvent]]:
    """Neutrophils, which are graded, temperatures, which are timed too, glucose, which a protocol can only watch, and
    what is judged together."""
    alone = (results_of("NEUT", VALUES), results_of("TEMP", TEMPERATURES), results_of("GLUC", GLUCOSE))
    return st.one_of(*(st.lists(one, max_size=most) for one in (*alone, calcium(), readings())))


@pytest.mark.usefixtures("small_pages")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(30))
def test_a_sealed_series_concludes_as_the_facts_say(told: list[SubjectEvent]) -> None:
    """With nothing but the stored pages between events, findings are those of the facts, and those of plain memory."""
    stored, plain = Played(told, stored=True), Played(told)
    concluded = subject.conclude(stored.whole(), stored.book, FAR)
    assert stored.findings == concluded.findings == plain.findings
    pages: list[Series | Chunk] = [*stored.whole().series.values(), *stored.whole().chunks.values()]
    for page in pages:
        course = order_of(stored.book.analytes.get(page.analyte), ZONE)
        assert list(page.results) == sorted(page.results, key=course), "a page is in the order of observation"
    assert [said_of(one) for one in stored.changes] == [said_of(one) for one in plain.changes]


MOVED_OUT_OF_A_CHUNK = [
    infusion(1, 0),
    infusion(1, 2, version=2),
    *(lab("NEUT", day, value, record=record) for day, value, record in ((-7, "0.3", "n2"), (-2, "3.0", "n-2"))),
    lab("NEUT", 0, "0.3", record="n0", version=2),
    taken_back(lab("NEUT", -1, "0.3", record="n-1")),
    *(lab("NEUT", day, "0.3", record="n1") for day in (-8, 1)),
]


COPY_CUT_OFF = [
    *(lab("CA", 0, "1.4", record="CA0") for _ in range(5)),
    *(lab("CA", day, "1.9", record=f"CA{day}") for day in (0, 1)),
    *(lab("CA", day, "1.4", record=f"CA{day}") for day in (-1, 3, 2)),
    lab("CA", 6, "1.4", record="CA0"),
    lab("CA", 3, "1.4", record="CA3", version=2),
]
"""With seed 0 the open page, marked as copied, is all that is written of the last step but one."""


@pytest.mark.usefixtures("small_pages")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(24), st.integers(0, 10_000))
@example(COPY_CUT_OFF, 0)
@example(MOVED_OUT_OF_A_CHUNK, 0)
@example(MOVED_OUT_OF_A_CHUNK, 3)
def test_a_crash_between_pages_loses_nothing(told: list[SubjectEvent], seed: int) -> None:
    """Any part of a step's pages written, then the same event again: same findings, and nothing else is told."""
    crashing, smooth = Crashing(Random(seed)), Played(told, stored=True)
    for event in told:
        crashing.take(event)
    assert crashing.findings == smooth.findings
    assert crashing.findings == subject.conclude(crashing.whole(), crashing.book, FAR).findings


@pytest.mark.usefixtures("small_pages")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(20), st.integers(0, 10_000), st.integers(0, 20))
@example(MOVED_OUT_OF_A_CHUNK, 3, 5)
def test_a_crash_between_batches_loses_nothing_even_under_another_edition(
    told: list[SubjectEvent], seed: int, amended: int
) -> None:
    """More pages than one batch holds are written in turn, the header last: the first step under another edition,
    which rewrites every page, is told again as a whole, and the same findings stand."""
    crashing, smooth = CrashingBetweenBatches(Random(seed)), Played(stored=True)
    for number, event in enumerate(told):
        if number == amended:
            crashing.book = smooth.book = bundled_with(zone="America/New_York")
        crashing.take(event)
        smooth.take(event)
    assert crashing.findings == smooth.findings
    assert crashing.findings == subject.conclude(crashing.whole(), crashing.book, FAR).findings


def test_a_long_series_stays_in_small_pages() -> None:
    """A thousand results of one analyte: every page far below what an engine keeps, and only the last two change."""
    played = Played([*TREATED], stored=True)
    sizes = {}
    for n in range(1000):
        done = played.take(lab("NEUT", 15 + n / 8, VALUES[n % 5], record=f"n{n}"))
        sizes.update({name: len(subject.page_json(done.record, name)) for name in done.pages})
        assert len(done.pages) <= 4
    assert max(sizes.values()) < 256_000, max(sizes.items(), key=lambda item: item[1])
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings


def test_an_old_result_told_again_is_known() -> None:
    """A result that lies in a sealed chunk is a duplicate when told again, and is taken back from there."""
    played = Played([*TREATED], stored=True)
    for n in range(200):
        played.take(lab("NEUT", 15 + n / 8, "3.0" if n != 20 else "0.3", record=f"n{n}"))
    old = lab("NEUT", 15 + 20 / 8, "0.3", record="n20")
    assert played.one("toxicity").peak.lowest == 4
    assert (played.take(old).outcome, played.take(old).pages) == ("duplicate", frozenset())
    assert played.take(taken_back(old)).outcome == "corrected"
    assert not played.of("toxicity")


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        (lab("NEUT", 50, "3.0"), []),
        (lab("NEUT", 15.05, "3.0"), ["NEUT~1", "NEUT~2"]),
        (lab("NEUT", 60, "3.1", record="n20"), ["NEUT~1", "NEUT~2"]),
    ],
    ids=["in order", "older than the open page", "a new time for a record of a chunk"],
)
def test_a_step_asks_for_the_pages_it_works_on_and_for_no_more(told: SubjectEvent, asked: list[str]) -> None:
    """In rounds: the open page, its index, and the chunks only where the result, or its record, lies among them."""
    played = Played(TREATED, stored=True)
    for n in range(100):
        played.take(lab("NEUT", 15 + n / 8, "3.0", record=f"n{n}"))
    loaded: list[str] = []

    def load(record: SubjectRecord, name: str) -> SubjectRecord:
        loaded.append(name)
        return played.page_of(record, name)

    header = played.page_of(subject.empty(STUDY, SUBJECT), "header")
    with_its_pages(header, load, lambda record: subject.step(record, told, played.book, FAR))
    assert loaded == ["NEUT", "NEUT~index", *asked]


def test_a_result_taken_back_far_ahead_does_not_put_the_next_ones_out_of_order() -> None:
    """Another patient's potassium of day 20 is taken back; then days 3 and 5 are high; day 4, normal, comes late."""
    high = [lab("K", day, "7.3", record=f"k{day}") for day in (3, 5)]
    normal = [lab("K", day, "4.0", record=f"k{day}") for day in (1, 2, 4)]
    strange = taken_back(lab("K", 20, "7.5", record="strange"))
    played = Played([*TREATED, *normal[:2], strange, *high, normal[2]])
    assert sorted(one.onset.text[:10] for one in played.of("toxicity")) == ["2024-06-27", "2024-06-29"]
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings


def test_an_amended_zone_that_changes_the_order_across_a_chunk_concludes_as_if_it_had_always_been() -> None:
    """The last of a chunk is told by its date alone: in New York that day ends long after 08:00 in Shanghai."""
    told = [lab("K", 15 + n, "4.0", record=f"r{n:02}") for n in range(31)]
    told += [lab("K", 46, "7.3", record="r31", observed_at=at_time(46)[:10]), lab("K", 46, "4.0", record="r32")]
    told += [lab("K", 15 + n, "4.0", record=f"r{n:02}") for n in range(33, 70)]
    played = Played([*TREATED, *told], stored=True)
    played.book = bundled_with(zone="America/New_York")
    played.take(None)
    always = Played([*TREATED, *told], book=played.book)
    assert [one.resolved for one in played.of("toxicity")] == [one.resolved for one in always.of("toxicity")]
    for more in (lab("K", 46, "4.1", record="late", observed_at=at_time(46, 10)), lab("K", 90, "4.1")):
        played.take(more)
        assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings
