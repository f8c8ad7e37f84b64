"""What a letter says beyond its alert when it is written: by when to answer, by which link, why to this reader."""

from datetime import UTC, datetime, timedelta
from typing import Final

from safety_stream.alerting.catalogue import entry
from safety_stream.alerting.course import Course
from safety_stream.alerting.letter import Standing, SubjectStyle
from safety_stream.notifier.links import Links, Ticket, reader
from safety_stream.notifier.pending import Claim
from safety_stream.notifier.routing import Routing

LATE_AFTER: Final = timedelta(minutes=10)


def standing_now(
    claim: Claim, routing: Routing, links: Links, now: datetime, subject_style: SubjectStyle = "type"
) -> Standing:
    """Where the alert and its reader stand."""
    alert, queued = claim.alert, datetime.fromtimestamp(claim.queued_at / 1000, UTC)
    course = claim.course if claim.course is not None and claim.course.revision == alert.revision else None
    language = routing.language_of(claim.person, alert.study)
    pooled = routing.is_pooled(claim.person, alert.study)
    ticket = Ticket(alert.id, alert.revision, reader(claim.person.key), language, pooled)
    asked = course is not None and course.state == "open"
    return Standing(
        answer_by=_answer_by(claim, course, queued),
        told_before=claim.told_before,
        newest_revision=claim.newest_revision,
        possible_repeat=claim.possible_repeat,
        in_place_of_another=claim.level > 1 and claim.told_by not in {"stepped_up", "repeated", "passed_on"},
        passed_on=claim.told_by == "passed_on",
        late=now - queued > LATE_AFTER,
        zone=routing.zone,
        language=language,
        pooled=ticket.pooled,
        subject_style=subject_style,
        answer_link=links.of(ticket) if asked else None,
        level=claim.level,
        repeat=claim.round,
        reminder=claim.kind == "reminder",
        answered_by=_answered_by(course),
        contained_in=claim.contained_in,
    )


def _answer_by(claim: Claim, course: Course | None, queued: datetime) -> datetime | None:
    """When the next in line is told; where the course is that of another revision, the catalogue's time."""
    if course is None:
        return queued + entry(claim.alert.type, claim.alert.case).answer_within
    return (course.step_at or course.opened_at + course.ladder.answer_within) if course.state == "open" else None


def _answered_by(course: Course | None) -> str | None:
    """Who has answered or decided."""
    return (course.answered_by or None) if course is not None and course.is_answered else None
