"""Whether a subject came through the DLT window as planned (T6): all infusions given, and neither gone nor dead before.

infusion 1 to 3 ............ last day of the last window | completed
        left, or died, somewhere between: (------------- | ------)        undetermined: the day is asked for
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from safety_stream.clinical.contradictions import died
from safety_stream.clinical.events import Completed, Withdrawn
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.fold import Digest, Flood
from safety_stream.clinical.frame import Frame, Infusion
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.queries import asked
from safety_stream.quantity import Unreadable, read_value

Gone = tuple[tuple[datetime, datetime], ...]
_CODE = "day_of_leaving_untold"


def window_to(frame: Frame) -> date | None:
    """The last day of the last window of the infusions received: the protocol's, or a rule's own that is longer."""
    dlt = frame.version.dlt
    if not frame.infusions or dlt is None:
        return None
    first = dlt.window.anchor == "first_infusion"
    last = frame.infusions[0] if first else max(frame.infusions, key=lambda one: one.last_day)
    rule = dlt.watched_longest
    return last.last_day + timedelta(days=rule.window_days if rule and rule.window_days else dlt.window.days)


def closes(frame: Frame) -> datetime | None:
    """The first instant after the last window, in the study's zone."""
    last = window_to(frame)
    return None if last is None else midnight_after(frame, last)


def midnight_after(frame: Frame, day: date) -> datetime:
    """The first instant after a day of the study's zone."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=frame.zone)


def completes(frame: Frame, left: Gone, as_of: datetime) -> bool | None:
    """Whether, DLTs aside, the window was completed as T6 asks: surely, no more, or it is still open."""
    end = closes(frame)
    before, open_ = left_before(end, left), end is None or as_of < end
    more = open_ and not left and frame.withdrawn is None
    planned = _as_planned(frame, more)
    if before or planned is False:
        return False
    return None if open_ or before is None or planned is None else True


def gone(frame: Frame, digests: Mapping[str, Digest]) -> Gone:
    """Between which instants the subject left the study or died: observed no longer."""
    left, death = _departure(frame), died(digests)
    return (*([left.withdrawn.bounds(frame.zone)] if left else []), *([death] if death else []))


def _departure(frame: Frame) -> Withdrawn | None:
    """The departure from the study; who leaves the treatment alone is observed on."""
    left = frame.withdrawn
    return left if left is not None and left.from_what == "study" else None


def completed(frame: Frame, facts: Mapping[str, HeaderFact]) -> Iterator[Moment]:
    """When the subject completed the study."""
    return (one.completed for one in completions(frame, facts))


def completions(frame: Frame, facts: Mapping[str, HeaderFact]) -> Iterator[Completed]:
    """What was told of completing the study; of a course before the running screening it holds no longer."""
    since = frame.screenings[-1].since if len(frame.screenings) > 1 else None
    for event in (one.event for one in facts.values()):
        if not isinstance(event, Completed) or event.status == "entered-in-error":
            continue
        if since is None or event.completed.latest(frame.zone) >= since:
            yield event


def left_before(end: datetime | None, left: Gone) -> bool | None:
    """Whether the subject surely, maybe or never was gone before the end of the window, or while it has none."""
    if any(end is None or latest < end for _, latest in left):
        return True
    return None if any(end is None or earliest < end for earliest, _ in left) else False


def day_untold(frame: Frame, digests: Mapping[str, Digest], dlt: str) -> Iterator[Flood]:
    """The day of a departure or a death, where nothing but that day says whether the subject is evaluable."""
    end, left = closes(frame), gone(frame, digests)
    decided = dlt in {"candidate", "confirmed"} or frame.version.escalation is None
    if decided or end is None or left_before(end, left) is not None or _as_planned(frame, more=False) is not True:
        return
    until = f"a DLT window to {window_to(frame)}"
    departure, death = _departure(frame), died(digests)
    if departure is not None and departure.withdrawn.earliest(frame.zone) < end:
        source = f"{departure.source.record} v{departure.source.version}"
        yield asked(_CODE, "withdrawal", f"withdrawn {departure.withdrawn}, and {until}", "the day", source)
    if death is not None and death[0] < end:
        first, last = (instant.astimezone(frame.zone).date() for instant in death)
        yield asked(_CODE, "death", f"a death between {first} and {last}, and {until}", "the day")


def _as_planned(frame: Frame, more: bool) -> bool | None:
    """Whether all planned infusions were given at their planned amount, or, if ``more`` may be given, still can be.

    None: an amount is not told, or in a unit that cannot be compared with the planned one.
    """
    plan, rule = frame.version.infusions, frame.version.evaluable
    wanted = len(plan.days) if plan and rule and rule.planned_infusions == "all" else 1
    given = {(one.number, within_tolerance(frame, one)) for one in frame.infusions}
    lacking, open_ = set(range(1, wanted + 1)), set[int]()
    for number in tuple(lacking):
        if (number, True) in given:
            lacking.discard(number)
        elif (number, None) in given:
            open_.add(number)
    lacking -= open_
    if lacking and not (more and lacking.isdisjoint(number for number, _ in given)):
        return False
    return None if open_ else True


def within_tolerance(frame: Frame, infusion: Infusion) -> bool | None:
    """Whether the amount given lies within the planned one and its tolerance, where the protocol plans one.

    None: it is not told, or cannot be compared.
    """
    plan, level = frame.version.infusions, frame.version.levels.get(frame.dose_level or 0)
    if plan is None or level is None:
        return True
    if infusion.amount is None or infusion.unit != level.unit:
        return None
    given = read_value(infusion.amount)
    if isinstance(given, Unreadable) or not given.exact:
        return None
    margin = level.amount * plan.tolerance_percent / Decimal(100)
    return level.amount - margin <= given.low <= level.amount + margin
