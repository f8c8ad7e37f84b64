"""What nobody looked at: results of a visit that did not come, and hours that a dosed subject went unobserved.

    infusion                                         as of
       |---*----*--------------------------*-----------|     at most 48 h: 60 h unobserved, closed when data came
                |<---- 60 h ---->|

Raised when the limit and the time that results may take are over, not before: time alone brings it about. A result
that comes late and was observed in time takes it back; one observed later closes it. Who has left, completed the study
or died is expected no longer.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from safety_stream.clinical.columns import Columns
from safety_stream.clinical.completing import completed
from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.contradictions import earliest
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.findings_subject import Unobserved
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import written
from safety_stream.clinical.observed import Gap, begun, common, ended, schedule_of
from safety_stream.clinical.parts import Look
from safety_stream.clinical.running import Observed
from safety_stream.clinical.visits_missed import Asked, Looked, evidence_of, visits_missed
from safety_stream.rulebook.schedule_rules import Blind

_NEVER = datetime.max.replace(tzinfo=UTC)
Facts = Mapping[str, HeaderFact]


class Asking(NamedTuple):
    """What is asked, and in which look."""

    asked: Asked
    look: Look


def unobserved(look: Look) -> Looked:
    """Every time unobserved and every visit with results missing as of the look."""
    (frame, facts, book), known = look.base, look.known
    schedule = schedule_of(frame)
    if schedule is None:
        return Looked([], [])
    seen = dict(known.of("observed"))
    gone, asked = _gone(frame, facts, known), Asked(frame, schedule, book.version, look.as_of)
    looked = visits_missed(asked, seen, gone, look)
    begins = begun(frame)
    for limit in schedule.blind:
        over = ended(limit, frame)
        gaps = sorted(_unseen(limit, seen, begins, over))
        _blind(looked, limit, gaps, min(gone, over), Asking(asked, look))
    return looked


def _gone(frame: Frame, facts: Facts, known: Columns) -> datetime:
    """From when on nothing is expected: the subject may have left the study, completed it, or died."""
    left, death = frame.withdrawn, earliest(known.values("died"))
    ends = [death[0]] if death is not None else []
    if left is not None and left.from_what == "study":
        ends.append(left.withdrawn.earliest(frame.zone))
    ends += [one.earliest(frame.zone) for one in completed(frame, facts)]
    return min(ends, default=_NEVER)


def _blind(looked: Looked, limit: Blind, gaps: list[Gap], ends: datetime, asking: Asking) -> None:
    (frame, schedule, book_version, as_of), look = asking
    for since, until in gaps:
        stop = min(until, ends)
        if stop - since < limit.at_most.length:
            continue
        told = since + limit.at_most.length + schedule.results_within.length
        closed = until < _NEVER or as_of >= ends
        looked.ahead.extend(instant for instant in (told, ends) if as_of < instant and until == _NEVER)
        looked.ahead.extend([told] if as_of < told and until < _NEVER else [])
        if as_of >= told:
            tell = limit.tell and stop > told  # else somebody had looked before it was time to ask
            gap = since, stop if closed else None
            read, name = (frame, book_version, limit, gap, tell), f"blind {limit.name} {since.isoformat()}"
            looked.found.extend(look.nested(name, read, partial(_blind_time, limit, gap, asking.asked, tell=tell)))


def _unseen(limit: Blind, seen: Mapping[str, Observed], begins: datetime, over: datetime) -> list[Gap]:
    """The times at which none of the analytes was observed: the gaps of each, and the time since its last result."""
    left = [(begins, _NEVER)]
    for one in (seen[key] for key in limit.any_of if key in seen):
        last = one.last or begins
        left = common(left, (*one.gaps, (last, _NEVER)) if last < over else one.gaps)
        if not left:
            break
    return left


def _blind_time(
    limit: Blind, gap: tuple[datetime, datetime | None], asked: Asked, *, tell: bool
) -> Iterator[Unobserved]:
    (since, until), (frame, schedule, _, _) = gap, asked
    hours = None if until is None else (until - since) // timedelta(hours=1)
    begun = written(since, frame.zone)
    so = f"since {begun}, nothing yet" if hours is None else f"for {hours} h from {begun}"
    yield Unobserved(
        id=finding_id(frame.study, frame.subject, "blind", limit.name, since.isoformat()),
        **frame.head,
        evidence=evidence_of(limit, f"{limit.text}: {so}; at most {limit.at_most}.", asked),
        what="blind_time",
        name=limit.name,
        text=limit.text,
        source=limit.source,
        state="open" if until is None else "closed",
        since=since,
        until=until,
        hours=hours,
        limit=str(limit.at_most),
        example=schedule.example,
        tell=tell,
    )


def in_status(found: Iterable[Unobserved]) -> Iterator[tuple[str, object]]:
    """What the subject's status says of it."""
    open_ = [one for one in found if one.state == "open"]
    if blind := {one.name: one.since for one in open_ if one.what == "blind_time"}:
        yield "blind_since", blind
    if hours := [one.hours for one in found if one.hours is not None]:
        yield "longest_blind_hours", max(hours)
    if missing := tuple(one.name for one in open_ if one.what == "missing_results"):
        yield "results_missing", missing
