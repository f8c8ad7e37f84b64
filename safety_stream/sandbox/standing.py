"""What stands at the end of a file of events: all facts are collected first, and concluded from once.

The same findings as those that stand after ``sandbox.replay``, which concludes after every event, for a fraction of the
work: a test compares the two. What changed on the way, and when, only that can tell.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from safety_stream.clinical import cohort
from safety_stream.clinical.collected import Collected
from safety_stream.clinical.events import ClockTicked, SubjectEvent
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.subject import conclude
from safety_stream.intake import Rejected
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.replay import admitted


def standing(
    lines: Iterable[bytes], book: Book, *, known_by: datetime | None = None
) -> Iterator[AnyFinding | Rejected]:
    """What cannot be read, in its place, and then every finding that stands, in order of id."""
    told = _Told(book, known_by)
    for one in admitted(lines, book, known_by):
        if isinstance(one, Rejected):
            yield one
        else:
            told.take(one)
    yield from sorted(told.findings(), key=lambda one: one.id)


class _Told:
    """The facts of all subjects, and how far the clock of each has come; ``until``: the one clock of all, if asked."""

    def __init__(self, book: Book, until: datetime | None) -> None:
        self._book, self._until = book, until
        self._subjects: dict[tuple[str, str], Collected] = {}
        self._clocks: dict[tuple[str, str], datetime] = {}
        self._ticked: datetime | None = None

    def take(self, event: SubjectEvent | ClockTicked) -> None:
        if isinstance(event, ClockTicked):
            self._ticked = event.as_of if self._ticked is None else max(self._ticked, event.as_of)
            return
        whose = event.study, event.subject
        if whose not in self._subjects:
            self._subjects[whose] = Collected(*whose)
        self._subjects[whose].take(event, self._book)
        self._clocks[whose] = max(event.reported_at, self._clocks.get(whose) or event.reported_at)

    def _as_of(self, study: str, subject: str) -> datetime:
        reached = self._clocks[study, subject]
        return self._until or (reached if self._ticked is None else max(reached, self._ticked))

    def findings(self) -> Iterator[AnyFinding]:
        """All that stands, subject by subject, and then of each study."""
        statuses: dict[str, dict[str, SubjectStatus]] = {}
        for (study, subject), collected in self._subjects.items():
            concluded = conclude(collected.record, self._book, self._as_of(study, subject))
            yield from concluded.findings.values()
            statuses.setdefault(study, {})[subject] = concluded.status
        for study, of_subjects in statuses.items():
            yield from cohort.conclude(study, of_subjects, self._book).values()
