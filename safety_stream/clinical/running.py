"""What runs on from one result of a series to the next: time outside a watch limit. Types only."""

from decimal import Decimal
from typing import NamedTuple

from safety_stream.clinical.moment import Moment


class Point(NamedTuple):
    """One sample as a finding cites it."""

    observed_at: Moment
    value: str
    unit: str | None
    source: str


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
