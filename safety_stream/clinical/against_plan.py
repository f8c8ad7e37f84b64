"""What is told against the plan of the protocol: completed with infusions missing, lymphodepletion after the cells.

    planned    lymphodepletion -5 to -3    infusion 0    7    14    completed
    told                                   infusion 0    7          completed      infusion 3 is missing
    told       infusion 0    lymphodepletion 2                                     one of the two dates is wrong

Each is a question to the data manager; who stopped the treatment and stayed in the study completes it all the same.
"""

from collections.abc import Iterator, Mapping

from safety_stream.clinical.completing import completions
from safety_stream.clinical.events import DoseGiven, Event, Withdrawn
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.fold import Flood
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.queries import asked


def against_plan(frame: Frame, standing: Mapping[str, HeaderFact]) -> Iterator[Flood]:
    """Every question about what was told otherwise than the protocol plans it."""
    yield from _completed_early(frame, standing)
    yield from _depleted_late(frame, standing)


def _cited(event: Event) -> str:
    return f"{event.source.record} v{event.source.version}"


def _completed_early(frame: Frame, standing: Mapping[str, HeaderFact]) -> Iterator[Flood]:
    """Completed as planned, and planned infusions are not told: evaluability hangs on whether they were given."""
    plan, given = frame.version.infusions, {one.number for one in frame.infusions}
    missing = [number for number in range(1, len(plan.days) + 1) if number not in given] if plan else []
    stopped = any(isinstance(one.event, Withdrawn) for one in standing.values())
    if not missing or stopped:
        return
    for done in completions(frame, standing):
        named = ", ".join(str(number) for number in missing)
        found = f"completed {done.completed}, no infusion {named}"
        expected = "every planned infusion, or that the treatment was stopped"
        yield asked("completed_without_infusions", "end of study", found, expected, _cited(done))


def _depleted_late(frame: Frame, standing: Mapping[str, HeaderFact]) -> Iterator[Flood]:
    """Lymphodepletion after the first infusion, where the protocol gives all of it before."""
    planned = [day for one in frame.version.lymphodepletion for day in one.days]
    if not frame.infusions or not planned or max(planned) >= 0:
        return
    first = min(frame.infusions, key=lambda one: (one.latest, one.source))
    given = [one.event for one in standing.values() if isinstance(one.event, DoseGiven)]
    late = [one for one in given if one.role == "lymphodepletion" and one.given.earliest(frame.zone) > first.latest]
    if late:
        late.sort(key=lambda one: (one.given.bounds(frame.zone), one.source.record))
        found = f"{late[0].treatment} given {late[0].given}, infusion {first.number} given {first.given}"
        sources = [_cited(one) for one in late]
        expected = "lymphodepletion before the first infusion"
        yield asked("lymphodepletion_after_infusion", "lymphodepletion", found, expected, first.source, *sources)
