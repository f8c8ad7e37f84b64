"""What a subject's header says about all his or her results: treatment start, infusions, version, dose level, facts.

Every judgement of a result leans on this frame and on nothing else outside its own page. The frame is derived from
the facts of the header, never stored.

       screening          first treatment                        each infusion opens a window
    ------|------------------|------------|-------|-------|------------------------------->
       consented           start        day 0   day 7   day 14
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple, TypedDict, TypeVar

from safety_stream.clinical.events import (
    Adjudicated,
    DoseGiven,
    DosePlanned,
    Enrolled,
    FactRecorded,
    Screened,
    Withdrawn,
)
from safety_stream.clinical.facts import HeaderEvent, HeaderFact
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.protocol import Protocol, ProtocolVersion

Kind = TypeVar("Kind", bound=HeaderEvent)
ONE_DAY = timedelta(days=1)


class Infusion(NamedTuple):
    """One infusion that was given, with the instants and calendar dates its time can mean."""

    number: int
    given: Moment
    earliest: datetime
    latest: datetime
    first_day: date
    last_day: date
    amount: str | None
    unit: str | None
    source: str


class Upcoming(NamedTuple):
    """One infusion as it is planned or was given: what the check before an infusion is counted back from."""

    number: int
    until: datetime
    day: date
    given: bool


class Screening(NamedTuple):
    """One screening of a subject: the beginning of the day of consent, and what was told of it."""

    since: datetime
    screened: Screened


class Head(TypedDict):
    """What every finding about a subject begins with."""

    study: str
    subject: str
    site: str | None
    dose_level: int | None
    protocol_version: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The header in the form judgements need. ``start`` bounds the first study treatment, ``died`` the death."""

    study: str
    subject: str
    version: ProtocolVersion
    screened: Screened | None = None
    enrolled: Enrolled | None = None
    start: tuple[datetime, datetime] | None = None
    other_start: tuple[datetime, datetime] | None = None
    lymphodepletion: tuple[datetime, datetime] | None = None
    infusions: tuple[Infusion, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()
    adjudicated: Mapping[str, tuple[Adjudicated, ...]] = field(default_factory=dict)
    recorded: Mapping[str, tuple[tuple[datetime, bool | str], ...]] = field(default_factory=dict)
    withdrawn: Withdrawn | None = None
    facts_told: tuple[FactRecorded, ...] = ()
    screenings: tuple[Screening, ...] = ()
    died: tuple[datetime, datetime] | None = None

    @property
    def zone(self) -> tzinfo:
        """Where calendar days are counted."""
        return self.version.tz

    @property
    def site(self) -> str | None:
        """The site that screened the subject."""
        return self.screened.site if self.screened else None

    @property
    def dose_level(self) -> int | None:
        """The dose level the subject was assigned to."""
        return self.enrolled.dose_level if self.enrolled else None

    @property
    def head(self) -> Head:
        """Whom a finding is about."""
        return {
            "study": self.study,
            "subject": self.subject,
            "site": self.site,
            "dose_level": self.dose_level,
            "protocol_version": self.version.version,
        }

    def treated_before(self, earliest: datetime, latest: datetime) -> bool | None:
        """Whether the first study treatment came before a moment; None: the order cannot be known."""
        if self.start is None or latest < self.start[0]:
            return False
        return True if earliest > self.start[1] else None

    def study_day(self, moment: Moment) -> int | None:
        """Calendar days from the first infusion (day 0); None without an infusion or with a partial date."""
        if not self.infusions:
            return None
        (first, last), zero = moment.dates(self.zone), self.infusions[0]
        return (first - zero.first_day).days if first == last and zero.first_day == zero.last_day else None

    def day_from_plan(self, moment: Moment) -> int | None:
        """The same, counted from the planned first infusion while none was given."""
        if self.infusions:
            return self.study_day(moment)
        (first, last), planned = moment.dates(self.zone), [one.day for one in self.upcoming if one.number == 1]
        return (first - planned[0]).days if planned and first == last else None

    def screening_at(self, instant: datetime) -> int:
        """The number of the screening that a moment belongs to: 1, and one more with every screening begun anew."""
        return 1 + sum(one.since <= instant for one in self.screenings[1:]) if len(self.screenings) > 1 else 1

    def facts_at(self, instant: datetime) -> Mapping[str, bool]:
        """The yes-or-no facts that held then: the last one recorded up to that instant."""
        known: dict[str, bool] = {}
        for name, course in self.recorded.items():
            told = [value for since, value in course if since <= instant]
            if told and isinstance(told[-1], bool):
                known[name] = told[-1]
        return known


def frame_of(study: str, subject: str, facts: Mapping[str, HeaderFact], protocol: Protocol) -> Frame:
    """The frame that the facts of a header make."""
    told = [fact.event for _, fact in sorted(facts.items()) if fact.event.status != "entered-in-error"]
    anywhere = protocol.versions[0].tz
    screened = _newest([one for one in told if isinstance(one, Screened)], anywhere)
    version = _version(protocol, screened)
    zone = version.tz
    course = course_of(told, zone)
    given = [one for one in told if isinstance(one, DoseGiven)]
    infusions = tuple(sorted(_infusions(given, zone), key=lambda one: (one.earliest, one.latest, one.number)))
    first_of = {
        role: _first([one for one in given if one.role == role], zone) for role in ("lymphodepletion", "infusion")
    }
    first_any, first_infusion = _first(given, zone), first_of["infusion"]
    after_cells = version.baseline.before == "first_infusion"
    return Frame(
        study=study,
        subject=subject,
        version=version,
        screened=screened,
        enrolled=course.enrolled,
        start=first_infusion if after_cells else first_any,
        other_start=first_any if after_cells else first_infusion,
        lymphodepletion=first_of["lymphodepletion"],
        infusions=infusions,
        upcoming=tuple(_upcoming(version, infusions, [one for one in told if isinstance(one, DosePlanned)])),
        adjudicated=_adjudications([one for one in told if isinstance(one, Adjudicated)]),
        recorded=_recorded([one for one in told if isinstance(one, FactRecorded)], zone),
        withdrawn=course.withdrawn,
        facts_told=tuple(one for one in told if isinstance(one, FactRecorded)),
        screenings=course.begun,
    )


class Course(NamedTuple):
    """The screenings of a subject: since when each runs, the last one, and what became of the subject after it."""

    begun: tuple[Screening, ...]
    enrolled: Enrolled | None
    withdrawn: Withdrawn | None


def course_of(told: list[HeaderEvent], zone: tzinfo) -> Course:
    """A consent after the first begins a new screening, unless the subject was dosed or still is enrolled by then.

    Such a consent is one to an amendment. What was concluded before a new screening, an enrolment or a departure,
    holds no longer.
    """
    consents = [one for one in told if isinstance(one, Screened)]
    consents.sort(key=lambda one: (*_when(one).bounds(zone), one.source.record))
    enrolments = [one for one in told if isinstance(one, Enrolled)]
    departures = [one for one in told if isinstance(one, Withdrawn)]
    doses = [one.given.earliest(zone) for one in told if isinstance(one, DoseGiven)]
    begun: list[Screening] = []
    for consent in consents:
        since = day_begins(consent.consented, zone)
        left = [one.withdrawn.latest(zone) for one in departures if one.withdrawn.earliest(zone) <= since]
        held = [one for one in enrolments if one.enrolled.earliest(zone) < since]
        bound = any(not left or one.enrolled.latest(zone) > max(left) for one in held)
        if not begun or (since > begun[-1].since and not bound and not any(dose < since for dose in doses)):
            begun.append(Screening(since, consent))
    if len(begun) > 1:
        enrolments = [one for one in enrolments if one.enrolled.latest(zone) >= begun[-1].since]
        departures = [one for one in departures if one.withdrawn.latest(zone) >= begun[-1].since]
    return Course(tuple(begun), _newest(enrolments, zone), _newest(departures, zone))


def day_begins(moment: Moment, zone: tzinfo) -> datetime:
    """The beginning of the first day that a moment can mean."""
    return Moment(moment.dates(zone)[0].isoformat()).earliest(zone)


def _when(event: HeaderEvent) -> Moment:
    """When the thing told happened, as told."""
    for name in ("consented", "enrolled", "withdrawn", "completed", "given", "planned", "observed_at"):
        moment = getattr(event, name, None)
        if isinstance(moment, Moment):
            return moment
    raise AssertionError(f"{event.kind} tells no time")


def _newest(told: list[Kind], zone: tzinfo) -> Kind | None:
    return max(told, key=lambda one: (*_when(one).bounds(zone), one.source.record), default=None)


def _first(told: Iterable[DoseGiven], zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The bounds of the earliest of several moments: it is no later than the earliest latest."""
    bounds = [one.given.bounds(zone) for one in told]
    return (min(low for low, _ in bounds), min(high for _, high in bounds)) if bounds else None


def _version(protocol: Protocol, screened: Screened | None) -> ProtocolVersion:
    if screened is None:
        return protocol.version(None)
    return protocol.version(screened.protocol_version, screened.consented.dates(protocol.versions[0].tz)[0])


def _infusions(given: Iterable[DoseGiven], zone: tzinfo) -> Iterator[Infusion]:
    for one in given:
        if one.role == "infusion":
            bounds, days = one.given.bounds(zone), one.given.dates(zone)
            yield Infusion(one.number, one.given, *bounds, *days, one.amount, one.unit, one.source.record)


def _upcoming(version: ProtocolVersion, given: tuple[Infusion, ...], planned: list[DosePlanned]) -> Iterator[Upcoming]:
    """Each infusion of the plan: as given, else as planned by an event, else counted from the first by the protocol."""
    zone, done = version.tz, {one.number: one for one in given}
    told = {
        one.number: one for one in sorted(planned, key=lambda one: one.planned.bounds(zone)) if one.role == "infusion"
    }
    days = version.infusions.days if version.infusions else ()
    zero = done[1].first_day if 1 in done else told[1].planned.dates(zone)[0] if 1 in told else None
    for number in sorted({*done, *told, *range(1, len(days) + 1)}):
        if number in done:
            yield Upcoming(number, done[number].latest, done[number].last_day, True)
        elif number in told:
            yield Upcoming(number, told[number].planned.latest(zone), told[number].planned.dates(zone)[1], False)
        elif zero is not None:
            day = zero + timedelta(days=days[number - 1])
            yield Upcoming(number, Moment(day.isoformat()).latest(zone), day, False)


def _adjudications(told: Iterable[Adjudicated]) -> dict[str, tuple[Adjudicated, ...]]:
    """The decisions on each finding, the last one at the end."""
    found: dict[str, tuple[Adjudicated, ...]] = {}
    for one in sorted(told, key=lambda one: (one.decided_at, one.source.record)):
        found[one.finding] = (*found.get(one.finding, ()), one)
    return found


def _recorded(told: Iterable[FactRecorded], zone: tzinfo) -> dict[str, tuple[tuple[datetime, bool | str], ...]]:
    found: dict[str, list[tuple[datetime, bool | str]]] = {}
    for one in sorted(told, key=lambda one: (*one.observed_at.bounds(zone), one.source.record)):
        found.setdefault(one.name, []).append((one.observed_at.earliest(zone), one.value))
    return {name: tuple(course) for name, course in found.items()}
