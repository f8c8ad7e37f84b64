"""What was said last is said again, the very same, until what it reads or the time makes it say something else."""

from datetime import UTC, datetime, timedelta

from stories import TREATED, Played, lab

from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.parts import NO_COLUMN, Parts, Said

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRADES = frozenset({"grade"})


def _finding() -> AnyFinding:
    """One and the same content, another object every time."""
    return next(iter(Played((*TREATED, lab("K", 2, "7.1"))).findings.values()))


def _no_finding() -> list[AnyFinding]:
    return []


def _nothing() -> tuple[list[AnyFinding], list[datetime]]:
    return [], []


def _parts(before: Said | None = None, **pages: Digest) -> Parts:
    return Parts(("frame",), pages, before)


def test_it_is_asked_anew_when_it_reads_something_else_and_keeps_the_object_that_says_the_same() -> None:
    """A finding that was sent is recognised by being the same object: no need to compare it field by field."""
    first = _parts()
    (said,) = first.of("part", NO_COLUMN, (1,), lambda: [_finding()])
    second = _parts(first.said)
    (again,) = second.of("part", NO_COLUMN, (2,), lambda: [_finding()])
    assert again is said


def test_a_column_that_it_reads_asks_it_anew_and_another_does_not() -> None:
    """A page with another worst grade leaves a part alone that reads the reported grades; another grade does not."""
    first = _parts(k=Digest(grade=1))
    first.of("part", GRADES, (), lambda: [_finding()])
    worse = _parts(first.said, k=Digest(grade=1, worst=3))
    assert len(worse.of("part", GRADES, (), _no_finding)) == 1
    assert worse.news.among == frozenset()
    graver = _parts(worse.said, k=Digest(grade=2, worst=3))
    assert graver.of("part", GRADES, (), _no_finding) == ()


def test_a_page_that_is_new_or_gone_changes_the_columns() -> None:
    """A page of which the header knew nothing counts from the first; one that it lost is no longer counted."""
    first = _parts(k=Digest(grade=1))
    first.of("part", GRADES, (), lambda: [_finding()])
    more = _parts(first.said, k=Digest(grade=1), alt=Digest(grade=2))
    assert [page for page, _ in more.known.of("grade")] == ["k", "alt"]
    assert more.of("part", GRADES, (), _no_finding) == ()
    fewer = _parts(more.said, alt=Digest(grade=2))
    assert fewer.known.of("grade") == (("alt", 2),)


def test_on_another_base_every_part_is_asked_anew() -> None:
    """Another frame, other facts or another book: nothing that was said before is taken over."""
    first = _parts()
    first.of("part", NO_COLUMN, (), lambda: [_finding()])
    assert Parts(("another frame",), {}, first.said).of("part", NO_COLUMN, (), _no_finding) == ()


def test_the_news_name_what_is_no_longer_said() -> None:
    """What a part said and does not say any more can have changed: it is to be withdrawn."""
    first = _parts()
    (said,) = first.of("part", NO_COLUMN, (1,), lambda: [_finding()])
    assert (first.news.findings, first.news.among) == ({said.id: said}, frozenset({said.id}))
    second = _parts(first.said)
    second.of("part", NO_COLUMN, (2,), _no_finding)
    assert not second.news.findings
    assert second.news.among == frozenset({said.id})


def test_time_makes_it_asked_anew_at_the_instant_ahead_and_not_before() -> None:
    """Half an hour before the instant nothing is asked; at the instant it is."""
    asked: list[datetime] = []

    def say(as_of: datetime) -> tuple[list[AnyFinding], list[datetime]]:
        asked.append(as_of)
        return [], [as_of + HOUR]

    parts = _parts()
    for as_of in (NOON, NOON + HOUR / 2, NOON + HOUR, NOON + HOUR):
        parts = _parts(parts.said)
        _, ahead = parts.in_time("part", NO_COLUMN, (1,), as_of, lambda as_of=as_of: say(as_of))  # type: ignore[misc]
        assert ahead > (as_of,)
    assert asked == [NOON, NOON + HOUR]


def test_with_nothing_ahead_only_what_it_reads_counts() -> None:
    """No instant ahead: a year later it says the same unasked; with other facts it is asked."""
    parts = _parts()
    parts.in_time("part", NO_COLUMN, (1,), NOON, lambda: ([_finding()], []))
    later = _parts(parts.said)
    said, _ = later.in_time("part", NO_COLUMN, (1,), NOON + 365 * 24 * HOUR, _nothing)
    other, _ = _parts(parts.said).in_time("part", NO_COLUMN, (2,), NOON, _nothing)
    assert (len(said), len(other)) == (1, 0)
