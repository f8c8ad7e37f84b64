"""What was said last is said again, the very same, until what it reads or the time makes it say something else."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from stories import TREATED, Played, lab

from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.parts import NO_COLUMN, Agenda, Base, Look, Part, Said, Words
from safety_stream.clinical.sample import grades

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRADES = frozenset({"grade"})
PLAYED = Played((*TREATED, lab("K", 2, "7.1")))


def _finding() -> AnyFinding:
    """One and the same content, another object every time."""
    return next(iter(Played((*TREATED, lab("K", 2, "7.1"))).findings.values()))


def _frame() -> Frame:
    held = PLAYED.record.frame
    assert held is not None
    return held.frame


def _look(before: Said | None = None, *, as_of: datetime = NOON, facts: bool = False, **pages: Digest) -> Look:
    header = PLAYED.record.header
    return Look(Base(_frame(), header.facts if facts else {}, PLAYED.book), pages, as_of, before)


def _part(
    say: Callable[[], Words], columns: frozenset[str] = NO_COLUMN, name: str = "part", leans: Iterable[str] = ()
) -> Part:
    return Part(name, columns, tuple(leans), lambda _: say())


def _told() -> Words:
    return Words((_finding(),))


def _nothing() -> Words:
    return Words()


def test_it_keeps_the_object_that_says_the_same() -> None:
    """A finding that was sent is recognised by being the same object: no need to compare it field by field."""
    first = _look(k=Digest(grade=grades(1, 1)))
    first.through(Agenda(_part(_told, GRADES)))
    second = _look(first.said, k=Digest(grade=grades(2, 2)))
    second.through(Agenda(_part(_told, GRADES)))
    assert second.of("part").said[0] is first.of("part").said[0]
    assert second.news.among == frozenset()


def test_a_column_that_it_reads_asks_it_anew_and_another_does_not() -> None:
    """A page with another worst grade leaves a part alone that reads the reported grades; another grade does not."""
    first = _look(k=Digest(grade=grades(1, 1)))
    first.through(Agenda(_part(_told, GRADES)))
    worse = _look(first.said, k=Digest(grade=grades(1, 1), worst=grades(3, 3)))
    worse.through(Agenda(_part(_nothing, GRADES)))
    assert len(worse.of("part").said) == 1
    assert worse.news.among == frozenset()
    graver = _look(worse.said, k=Digest(grade=grades(2, 2), worst=grades(3, 3)))
    graver.through(Agenda(_part(_nothing, GRADES)))
    assert graver.of("part").said == ()


def test_a_page_that_is_new_or_gone_changes_the_columns() -> None:
    """A page of which the header knew nothing counts from the first; one that it lost is no longer counted."""
    first = _look(k=Digest(grade=grades(1, 1)))
    first.through(Agenda(_part(_told, GRADES)))
    more = _look(first.said, k=Digest(grade=grades(1, 1)), alt=Digest(grade=grades(2, 2)))
    assert [page for page, _ in more.known.of("grade")] == ["k", "alt"]
    more.through(Agenda(_part(_nothing, GRADES)))
    assert more.of("part").said == ()
    fewer = _look(more.said, alt=Digest(grade=grades(2, 2)))
    assert fewer.known.of("grade") == (("alt", grades(2, 2)),)


def test_on_another_base_every_part_is_asked_anew() -> None:
    """Other facts of the header: nothing that was said before is taken over."""
    first = _look()
    first.through(Agenda(_part(_told)))
    second = _look(first.said, facts=True)
    second.through(Agenda(_part(_nothing)))
    assert second.of("part").said == ()


def test_what_a_part_leans_on_asks_it_anew_when_it_says_something_else_and_not_when_it_says_the_same() -> None:
    """The second reads no column: it is asked when the first comes to another figure, and only then."""
    asked: list[object] = []

    def second() -> Words:
        asked.append(None)
        return Words()

    def parts(other: int) -> Agenda:
        return Agenda(
            _part(lambda: Words(other=other), GRADES, "first"),
            _part(second, name="second", leans=("first",)),
        )

    first = _look(k=Digest(grade=grades(1, 1)))
    first.through(parts(1))
    same = _look(first.said, k=Digest(grade=grades(2, 2)))
    same.through(parts(1))
    assert len(asked) == 1
    other = _look(same.said, k=Digest(grade=grades(3, 3)))
    other.through(parts(2))
    assert len(asked) == 2


def test_the_news_name_what_is_no_longer_said() -> None:
    """What a part said and does not say any more can have changed: it is to be withdrawn."""
    first = _look(k=Digest(grade=grades(1, 1)))
    first.through(Agenda(_part(_told, GRADES)))
    (said,) = first.of("part").said
    assert list(first.news.findings.values()) == [said]
    assert first.news.among == first.news.findings.keys() == {_finding().id}
    second = _look(first.said, k=Digest(grade=grades(2, 2)))
    second.through(Agenda(_part(_nothing, GRADES)))
    assert not second.news.findings
    assert second.news.among == {_finding().id}


def test_a_nested_piece_is_asked_when_it_reads_something_else_and_stays_while_its_part_is_not_asked() -> None:
    """Of a part that reads the grades, one piece that reads a number: the same number, the same object."""

    def part(number: int, say: Callable[[], list[AnyFinding]]) -> Part:
        return Part("part", GRADES, (), lambda look: Words(look.nested("piece", (number,), say)))

    first = _look(k=Digest(grade=grades(1, 1)))
    first.through(Agenda(part(1, lambda: [_finding()])))
    same = _look(first.said, k=Digest(grade=grades(2, 2)))
    same.through(Agenda(part(1, list)))
    assert same.of("part").said[0] is first.of("part").said[0]
    other = _look(same.said, k=Digest(grade=grades(3, 3)))
    other.through(Agenda(part(2, list)))
    assert other.of("part").said == ()
    unasked = _look(same.said, k=Digest(grade=grades(2, 2)))
    unasked.through(Agenda(part(2, list)))
    assert len(unasked.of("part").said) == 1


def test_time_makes_it_asked_anew_at_the_instant_ahead_and_not_before() -> None:
    """Half an hour before the instant nothing is asked; at the instant it is."""
    asked: list[datetime] = []

    def say(look: Look) -> Words:
        asked.append(look.as_of)
        return Words(until=look.as_of + HOUR)

    look = _look()
    for as_of in (NOON, NOON + HOUR / 2, NOON + HOUR, NOON + HOUR):
        look = _look(look.said, as_of=as_of)
        ahead = look.through(Agenda(Part("part", NO_COLUMN, (), say)))
        assert ahead is not None
        assert ahead > as_of
    assert asked == [NOON, NOON + HOUR]


def test_of_all_instants_ahead_the_first_counts() -> None:
    """Three parts, one of them without an instant."""
    parts = Agenda(
        _part(lambda: Words(until=NOON + 2 * HOUR), name="later"),
        _part(lambda: Words(until=NOON + HOUR), name="first"),
        _part(_nothing, name="never"),
    )
    assert _look().through(parts) == NOON + HOUR


def test_with_nothing_ahead_time_does_not_ask() -> None:
    """No instant ahead: a year later it says the same unasked."""
    first = _look()
    first.through(Agenda(_part(_told)))
    later = _look(first.said, as_of=NOON + 365 * 24 * HOUR)
    later.through(Agenda(_part(_nothing)))
    assert len(later.of("part").said) == 1


def test_a_part_that_is_asked_before_one_that_it_leans_on_is_refused() -> None:
    """It would read what the other said in the look before."""
    with pytest.raises(ValueError, match="second is asked before first"):
        Agenda(_part(_nothing, name="second", leans=("first",)), _part(_nothing, name="first"))
