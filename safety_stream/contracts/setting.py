"""What all examples share: one study, one subject, one morning, one edition of the rulebook."""

from datetime import UTC, datetime

from safety_stream.clinical.conclusion import Evidence, GradeRange, Input
from safety_stream.clinical.moment import Moment

STUDY, SUBJECT, SITE, BOOK = "CAR-NK-SLE-01", "001", "HZ-03", "2026.1"
AS_OF = datetime(2026, 3, 12, 1, 30, 5, tzinfo=UTC)
TAKEN = Moment("2026-03-12T07:30:00+08:00")
RECORD = "hangzhou-lis|2026-000123-ANC"


def graded(grade: int) -> GradeRange:
    """A grade that is decided."""
    return GradeRange(lowest=grade, highest=grade)


def evidence(rule: str, sentence: str, *inputs: Input, comparison: str | None = None) -> Evidence:
    """Why, in one sentence, with the facts it leaned on."""
    return Evidence(rule=rule, book=BOOK, inputs=inputs, comparison=comparison, sentence=sentence)
