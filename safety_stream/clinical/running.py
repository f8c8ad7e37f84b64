"""What runs on from one result to the next: outside a watch limit, above a figure, in a state. Types only."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from safety_stream.clinical.conclusion import Evidence, GradeRange
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.result import Result


class Point(NamedTuple):
    """One sample as a finding cites it."""

    observed_at: Moment
    value: str
    unit: str | None
    source: str
    preliminary: bool = False


class Outside(NamedTuple):
    """One episode outside a watch limit in the making.

    ``sure``: some result of it surely lies outside. ``worst`` is the first of the farthest results, ``height`` how far
    out it lies in the analyte's own unit, ``distance`` the same in words. ``treated``: whether some result outside was
    taken after the first study treatment; None: the order is not known.
    """

    number: int
    onset: Moment
    last: Moment
    sure: bool
    worst: Point
    height: Decimal | None
    distance: str | None
    reasons: tuple[str, ...]
    treated: bool | None
    ended: Moment | None = None
    recent: tuple[Point, ...] = ()


class Watched(NamedTuple):
    """One watch limit on one analyte: how many episodes there were, and the open one."""

    episodes: int = 0
    open: Outside | None = None


class Peak(NamedTuple):
    """The peak of an episode as it was before a run: what a run that turns out short falls back on."""

    grade: GradeRange
    alerting: int
    observed_at: Moment
    provisional: bool
    evidence: Evidence
    emergent: GradeRange | None


class Clock(NamedTuple):
    """How long a figure that a rule times ("> 40.0 Cel lasting > 24 h") has been met.

    ``before``: the last sample that surely did not meet it. The rest is of the run that is going on, if one is:
    ``first`` and ``last`` of its present stretch of samples that surely meet it, close enough to each other;
    ``longest``: its longest such stretch; ``worst``: its worst sample. What it will have come to is not known before
    it ends: ``episode``, ``peak`` and ``untreated`` say which episode it belongs to, and what stood before it.
    """

    before: Point | None = None
    first: Point | None = None
    last: Point | None = None
    longest: tuple[Point, Point] | None = None
    worst: Result | None = None
    height: tuple[int, int, int] = (0, 0, 0)
    episode: int = 0
    peak: Peak | None = None
    untreated: GradeRange | None = None


Months = tuple[tuple[Point, ...], ...]


class Spell(NamedTuple):
    """A run of samples that tell the same of one part of a rule which joins two measurements: it holds, not, or may.

    ``shows``: the first sample that tells it by itself, else the first. ``before``: the last sample that surely did
    not meet it; ``after``: the sample that ended the run. ``longest``: its longest stretch of samples close enough to
    each other, ``stretch`` its present one. ``at_once`` and ``if_long``: what its samples say were no time, or enough
    time, to have passed. ``daily``: of a state, the last sample of each day, to be cited; 31 of them together.
    """

    met: bool | None
    first: Point
    last: Point
    shows: Point
    before: Point | None = None
    after: Point | None = None
    longest: tuple[Point, Point] | None = None
    stretch: tuple[Point, Point] | None = None
    at_once: bool | None = False
    if_long: bool | None = False
    daily: Months = ()


class Joining(NamedTuple):
    """One series as a joined rule sees it: its spells in order, the last sample that did not meet, the open run."""

    spells: tuple[Spell, ...] = ()
    before: Point | None = None
    open: Spell | None = None

    @property
    def known(self) -> tuple[Spell, ...]:
        """Every spell, the open one last."""
        return self.spells if self.open is None else (*self.spells, self.open)


class Depth(NamedTuple):
    """The lowest count of one day: for each early limit of hematotoxicity whether it lies at or below; None: it may."""

    day: int
    low: tuple[bool | None, ...]
    point: Point


class Late(NamedTuple):
    """One sample after the early days as a late limit sees it; ``sure``: it surely lies at or below."""

    day: int
    sure: bool
    point: Point


class Twice(NamedTuple):
    """One late limit: the first of the low samples that run on, and the first two in a row, surely or perhaps."""

    running: Late | None = None
    met: tuple[Late, Late] | None = None
    perhaps: tuple[Late, Late] | None = None


class Depths(NamedTuple):
    """How deep the neutrophils fell, by day; ``undated``: a low sample of which nobody knows the day.

    ``above``: the last days above every limit since then, or before any low one: nothing hangs on them yet.
    """

    days: tuple[Depth, ...] = ()
    above: tuple[Depth, ...] = ()
    late: tuple[Twice, ...] = ()
    undated: Point | None = None


class Observed(NamedTuple):
    """When one analyte was observed after the first infusion, by the full hour.

    ``last``: the last time; ``gaps``: those that reach a limit of the protocol; ``visits``: those whose days it was
    observed on; ``later``: those it was observed after, and not on their days.
    """

    last: datetime | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    visits: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
