"""What a result leaves open about itself: its code and its name, its times, its versions; it is judged all the same."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from safety_stream.clinical.course import Course
from safety_stream.clinical.fold import Flood
from safety_stream.clinical.queries import asked, death_by
from safety_stream.clinical.result import Result


def doubts(own: Iterable[Result], course: Course) -> list[Flood]:
    """What the results of a time point leave open about themselves; none of it stops their being judged."""
    told, died = list[Flood](), course.frame.died
    for one in own:
        if one.rivals:
            told.append(_rivalled(one, course.key))
        if one.named:
            told.append(_renamed(one, course))
        if one.loinc is not None and one.test is not None:
            told += _named_otherwise(one, one.test, course)
        begins = one.observed_at.bounds(course.zone)[0]
        if begins > one.reported_at:
            told.append(_too_early(one, course))
        if died is not None and begins > died[1]:
            told.append(_after_death(one, course, died))
    return told


def of_an_unknown_test(point: Iterable[Result], course: Course) -> Iterator[Flood]:
    """What the versions of results that nothing can be made of leave open."""
    for one in point:
        if one.rivals:
            yield _rivalled(one, course.key[1:])
        if one.named:
            yield _renamed(one, course)


def _rivalled(one: Result, key: str) -> Flood:
    found = f"{len(one.rivals)} different contents under version {one.version}"
    return asked(
        "contradictory_versions", f"{key} ({one.record})", found, "a new version for a new content", one.source
    )


def _renamed(one: Result, course: Course) -> Flood:
    """The last version stands, what the others said is taken back: wrong where the id is of several results."""
    names = [_name_of(key, course) for key in one.named]
    said = " ".join(word for word in (one.value, one.unit) if word is not None) or "no value"
    found = f"{', '.join(names)}; version {one.version}: {_name_of(course.key, course)} {said}"
    about = f"{course.key.removeprefix('?')} ({one.record})"
    return asked("record_names_two_analytes", about, found, "one analyte under one record", one.source)


def _name_of(key: str, course: Course) -> str:
    analyte = course.book.analytes.get(key)
    return analyte.name if analyte is not None else key.removeprefix("?")


def _named_otherwise(one: Result, test: str, course: Course) -> Iterator[Flood]:
    """The code decides; a name that stands for another analyte says that one of the two is wrong."""
    named = course.book.analyte(test=test)
    if named is not None and course.analyte is not None and named is not course.analyte:
        about = f"{course.key}: LOINC {one.loinc} and {test}"
        found = f"{course.analyte.name} by its code, {named.name} by its name"
        yield asked("test_and_code_differ", about, found, "one analyte", one.source)


def _too_early(one: Result, course: Course) -> Flood:
    """One of the two times is wrong; until somebody says which, the result counts at the time it was observed."""
    found = f"observed {one.observed_at}, reported {one.reported_at.isoformat()}"
    return asked("observed_after_reported", course.key, found, "a specimen taken before its report", one.source)


def _after_death(one: Result, course: Course, died: tuple[datetime, datetime]) -> Flood:
    """Of another subject, or the death is wrong: asked about, and judged all the same until somebody says which."""
    found = f"observed {one.observed_at}, and {death_by(died, course.zone)}"
    return asked("result_after_death", course.key, found, "one or the other", one.source)
