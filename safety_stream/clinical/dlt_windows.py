"""The windows of the infusions received, and whether an onset lies in one of them: surely, maybe or never.

infusion 1      infusion 2      infusion 3
day 0 ---------------------------- day 28              an onset in any of the three windows counts
                day 7 -------------------- day 35      (anchor: each_infusion), in calendar days of the
                                day 14 ------- day 42  study's zone, the last day inside (T1, T2)
"""

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from safety_stream.clinical.frame import Frame, Infusion
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Window

Verdict = bool | None
Anchor = Literal["each_infusion", "first_infusion", "last_infusion"]
ANCHORS: tuple[Anchor, ...] = ("each_infusion", "first_infusion", "last_infusion")
_WORD: dict[Verdict, str] = {True: "inside", False: "outside", None: "maybe inside"}


class InWindow(NamedTuple):
    """Whether an onset lies in a window, which infusions' windows may hold it, and from when to when they run."""

    inside: Verdict
    infusions: tuple[int, ...]
    first: date | None
    last: date | None


def held_by(frame: Frame, onset: Moment | None, known_by: datetime | None, window: Window) -> InWindow:
    """Where the onset lies; one that was not told may lie anywhere after the infusions before the report."""
    if onset is not None:
        return in_window(frame, onset, window)
    anchors = anchors_of(frame.infusions, window.anchor)
    before = [one for one in anchors if known_by is None or one.earliest <= known_by]
    if not before:
        return InWindow(False, (), None, None)
    last = max(one.last_day for one in before) + timedelta(days=window.days)
    return InWindow(None, tuple(one.number for one in before), min(one.first_day for one in before), last)


def in_window(frame: Frame, onset: Moment, window: Window) -> InWindow:
    """Whether an onset surely (True), maybe (None) or never (False) lies in a window of the infusions received."""
    zone = frame.zone
    first, last = onset.dates(zone)
    anchors = anchors_of(frame.infusions, window.anchor)
    holding = [one for one in anchors if _may_hold(one, onset, frame, window.days)]
    if not holding:
        return InWindow(False, (), None, None)
    length = timedelta(days=window.days)
    sure = [(one.last_day, one.first_day + length) for one in holding]
    covered = all(
        any(start <= day <= end for start, end in sure)
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    )
    return InWindow(
        True if covered else None,
        tuple(one.number for one in holding),
        min(one.first_day for one in holding),
        max(one.last_day for one in holding) + length,
    )


def reached(frame: Frame, since: Moment, until: datetime, window: Window) -> InWindow:
    """The windows in which something may have begun of which no more is known than since when and until when."""
    first, last, length = since.dates(frame.zone)[0], until.astimezone(frame.zone).date(), timedelta(days=window.days)
    holding = [
        one
        for one in anchors_of(frame.infusions, window.anchor)
        if one.earliest <= until and one.first_day <= last and first <= one.last_day + length
    ]
    if not holding:
        return InWindow(False, (), None, None)
    end = max(one.last_day for one in holding) + length
    return InWindow(None, tuple(one.number for one in holding), min(one.first_day for one in holding), end)


def anchors_of(infusions: tuple[Infusion, ...], anchor: Anchor) -> tuple[Infusion, ...]:
    """The infusions that windows are counted from."""
    if anchor == "first_infusion":
        return infusions[:1]
    return infusions[-1:] if anchor == "last_infusion" else infusions


def _may_hold(infusion: Infusion, onset: Moment, frame: Frame, days: int) -> bool:
    """Whether the onset can lie on the infusion's day or within so many days of it, and not before the infusion."""
    first, last = onset.dates(frame.zone)
    if onset.latest(frame.zone) < infusion.earliest:
        return False
    return last >= infusion.first_day and first <= infusion.last_day + timedelta(days=days)


def disagreement(frame: Frame, onset: Moment, days: int) -> str | None:
    """What each anchor would say of the onset, where they do not say the same."""
    by_anchor = {anchor: in_window(frame, onset, Window(days=days, anchor=anchor)).inside for anchor in ANCHORS}
    if len(set(by_anchor.values())) == 1:
        return None
    said = ", ".join(f"{anchor} {_WORD[verdict]}" for anchor, verdict in by_anchor.items())
    return f"T1: the anchors disagree: {said}"
