"""What stands under one source record: the event as told, and the marks of contradicting contents."""

from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from safety_stream.clinical.events import (
    Adjudicated,
    AdverseEvent,
    Attribution,
    Completed,
    DoseGiven,
    DosePlanned,
    Enrolled,
    FactRecorded,
    Screened,
    Withdrawn,
)
from safety_stream.clinical.moment import Moment

HeaderEvent = Annotated[
    Screened | Enrolled | DosePlanned | DoseGiven | FactRecorded | Withdrawn | Completed | Adjudicated,
    Field(discriminator="kind"),
]


class HeaderFact(NamedTuple):
    """What stands under one source record; ``rivals``: marks of other contents told under the same version."""

    event: HeaderEvent
    rivals: tuple[str, ...] = ()


class Telling(NamedTuple):
    """What one version says the event is and is due to: what a person had before them who decided while it stood."""

    version: int
    rank: int
    at: datetime
    term: str
    code: str | None
    attribution: Attribution
    sponsor: Attribution | None = None
    onset: Moment | None = None


class ReportFact(NamedTuple):
    """The adverse-event report that stands; when any version first told of the event, as serious, as grave.

    Grave: fatal or life-threatening. ``rose``: when each grade higher than all told before it was first told, the
    first one included. ``blamed``: since when the event is known as serious and unexpected with each attribution.
    ``to_sponsor``, ``to_authority``: every instant at which any version says that it was reported to them.
    ``tellings``: of all versions those that stood at some time.
    """

    event: AdverseEvent
    rivals: tuple[str, ...] = ()
    heard_at: datetime | None = None
    serious_at: datetime | None = None
    grave_at: datetime | None = None
    rose: tuple[tuple[datetime, int], ...] = ()
    blamed: tuple[tuple[Attribution, datetime], ...] = ()
    to_sponsor: tuple[datetime, ...] = ()
    to_authority: tuple[datetime, ...] = ()
    tellings: tuple[Telling, ...] = ()
