"""The header knows of every page what the page says, though most results leave it alone."""

import pytest
from stories import SUBJECT, Played, bundled, without_schedule

from safety_stream.clinical.events import ClockTicked, Measurement, SubjectEvent
from safety_stream.clinical.filing import _digest
from safety_stream.clinical.reported import conclude_report
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.random_trials import random_trial


def _of_one_subject(place: int) -> list[SubjectEvent]:
    """One subject of a random trial, under the name that stories have; every ninth event is told late."""
    name = sorted(random_trial(7, 5).volunteers)[place]
    told = [one for one in random_trial(7, 5).events if not isinstance(one, ClockTicked) and one.subject == name]
    late = told[40::9]
    named = [one.model_copy(update={"subject": SUBJECT}) for one in told]
    late = named[40::9]
    return [one for one in named if one not in late] + late


@pytest.mark.parametrize("book", [bundled(), without_schedule()], ids=["with a schedule", "without"])
@pytest.mark.parametrize("place", [0, 3])
def test_every_digest_in_the_header_is_that_of_its_page(place: int, book: Book) -> None:
    """After every event, in order or late: were one stale, a composite, the status or the cohort would lean on it."""
    events = _of_one_subject(place)
    played = Played(book=book)
    for event in events:
        record = played.take(event, event.reported_at).record
        for key, series in record.series.items():
            assert record.header.digests[key] == _digest(series), f"{key} after {event.source.record}"
        assert record.frame is not None
        for name, report in record.reports.items():
            assert record.header.digests[name] == conclude_report(report.fact, record.frame.frame, played.book)[1]
    assert sum(isinstance(one, Measurement) for one in events) > 200
