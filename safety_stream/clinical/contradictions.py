"""What a subject's own story contradicts: departures, deaths, doses and decisions that cannot all be as told.

    consent      enrolment     doses      completion or departure      death
    -------------------------------------------------------------------------->     in this order, whatever is told

Each is a question to the data manager that says what contradicts what. None of them stops or changes a judgement:
a dose after a death opens its window all the same, until somebody corrects one of the two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import combinations, pairwise, product
from typing import NamedTuple

from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.events import (
    Adjudicated,
    Completed,
    DoseGiven,
    Enrolled,
    Event,
    FactRecorded,
    Screened,
    Withdrawn,
)
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.fold import Digest, Flood, ToldEvent
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.parts import Base
from safety_stream.clinical.queries import asked, death_by
from safety_stream.rulebook.tables import Book

Died = tuple[datetime, datetime]


class Step(NamedTuple):
    """One step of a subject through the study: when it was, and what is asked where it comes after the death."""

    after_death: str
    about: str
    word: str
    at: Moment


def died(digests: Mapping[str, Digest]) -> Died | None:
    """Between which instants the subject died, by the report that tells it earliest."""
    return earliest(one.died for one in digests.values() if one.died is not None)


def earliest(deaths: Iterable[Died]) -> Died | None:
    """Of several deaths told the one that is told earliest."""
    return min(deaths, key=lambda one: one[::-1], default=None)


def contradictions(
    base: Base, standing: Mapping[str, HeaderFact], digests: Mapping[str, Digest], known: Mapping[str, str]
) -> Iterator[Flood]:
    """Every question that a subject's facts raise against each other.

    ``known``: what each finding that can be decided on is about, by its id.
    """
    frame, _, book = base
    told = [one.event for one in standing.values()]
    yield from _about_departure(frame, told)
    yield from _about_consent(told, frame.zone)
    yield from _about_enrolment(told, frame.zone)
    yield from _enrolled_again(frame, told)
    yield from _about_doses(told, frame.zone)
    yield from _about_reports(told, frame.zone)
    yield from _about_death(frame, told, digests, book)
    yield from _about_infusions(frame)
    yield from _about_decisions(frame, known, book)


def _cited(event: Event) -> str:
    return f"{event.source.record} v{event.source.version}"


def _about_departure(frame: Frame, told: Sequence[Event]) -> Iterator[Flood]:
    zone = frame.zone
    left = [one for one in told if isinstance(one, Withdrawn)]
    for consent in (one for one in told if isinstance(one, Screened)):
        for one in left:
            if one.withdrawn.latest(zone) < consent.consented.earliest(zone):
                found = f"withdrawn {one.withdrawn}, consented {consent.consented}"
                expected = "a withdrawal after the consent"
                yield asked("withdrawn_before_consent", "withdrawal", found, expected, _cited(consent), _cited(one))
    gone = [one for one in left if one.from_what == "study"]
    for done in (one for one in told if isinstance(one, Completed)):
        for one in gone:
            found = f"completed {done.completed} and withdrawn {one.withdrawn}"
            yield asked("completed_and_withdrawn", "end of study", found, "one or the other", _cited(done), _cited(one))


def _about_death(frame: Frame, told: Sequence[Event], digests: Mapping[str, Digest], book: Book) -> Iterator[Flood]:
    death = died(digests)
    if death is None:
        yield from _death_untold(told, book)
        return
    last, said = death[1], death_by(death, frame.zone)
    by = sorted(one.told.source for one in digests.values() if one.died == death and one.told is not None)
    for one in told:
        step = _step_of(one)
        if step is not None and step.at.earliest(frame.zone) > last:
            yield asked(
                step.after_death, step.about, f"{step.word} {step.at}, and {said}", "one or the other", *by, _cited(one)
            )
    for digest in digests.values():
        if digest.told is not None:
            yield from _about_report(digest, digest.told, death, by, frame.zone)


def _about_report(one: Digest, told: ToldEvent, death: Died, by: Sequence[str], zone: tzinfo) -> Iterator[Flood]:
    """A report of what began after the death, or of another death; of its own end a report is asked elsewhere."""
    about, said = f"{told.term} ({record_of(told.source)})", death_by(death, zone)
    if one.began is not None and one.began > death[1] and one.died != death:
        began = one.began.astimezone(zone).isoformat(timespec="minutes")
        found = f"an event that began {began} at the earliest, and {said}"
        yield asked("event_after_death", about, found, "one or the other", *by, told.source)
    if one.died is not None and one.died[0] > death[1]:
        since = one.died[0].astimezone(zone).isoformat(timespec="minutes")
        yield asked("deaths_disagree", about, f"{said}, and one of {since} or later", "one death", *by, told.source)


def _step_of(event: Event) -> Step | None:
    """What nobody goes through after dying; None: a plan, a recorded fact, a decision."""
    match event:
        case Screened():
            return Step("consent_after_death", "consent", "consented", event.consented)
        case Enrolled():
            return Step("enrolled_after_death", "enrolment", "enrolled", event.enrolled)
        case DoseGiven():
            return Step("dose_after_death", f"{event.role} {event.number}", "given", event.given)
        case Withdrawn():
            return Step("withdrawn_after_death", "withdrawal", "withdrawn", event.withdrawn)
        case Completed():
            return Step("completed_after_death", "end of study", "completed", event.completed)
        case _:
            return None


def _said_of(event: Event) -> Step | None:
    """What somebody observed or decided, which goes on after a death."""
    match event:
        case FactRecorded():
            return Step("", f"recorded fact {event.name}", "observed", event.observed_at)
        case Adjudicated():
            return Step("", f"decision on {event.finding}", "decided", Moment(event.decided_at.isoformat()))
        case _:
            return None


def _death_untold(told: Sequence[Event], book: Book) -> Iterator[Flood]:
    """A departure whose reason speaks of death, and no report of what the subject died of."""
    for one in told:
        if isinstance(one, Withdrawn) and book.speaks_of_death(one.reason):
            expected = "an adverse-event report with a fatal outcome, or another reason"
            yield asked("death_without_event", "end of study", f"withdrawn: {one.reason[:60]}", expected, _cited(one))


def _about_enrolment(told: Sequence[Event], zone: tzinfo) -> Iterator[Flood]:
    """An enrolment before every consent, and doses after a departure that no later enrolment undid."""
    consents = sorted((one for one in told if isinstance(one, Screened)), key=lambda one: one.consented.bounds(zone))
    enrolments = [one for one in told if isinstance(one, Enrolled)]
    for one in enrolments:
        if consents and one.enrolled.latest(zone) < consents[0].consented.earliest(zone):
            found = f"enrolled {one.enrolled}, consented {consents[0].consented}"
            yield asked(
                "enrolled_before_consent", "enrolment", found, "a consent first", _cited(consents[0]), _cited(one)
            )
    departures = [one for one in told if isinstance(one, Withdrawn)]
    for dose, left in product([one for one in told if isinstance(one, DoseGiven)], departures):
        again = any(one.enrolled.latest(zone) >= left.withdrawn.earliest(zone) for one in enrolments)
        if dose.given.earliest(zone) > left.withdrawn.latest(zone) and not again:
            found = f"given {dose.given}, withdrawn from {left.from_what} {left.withdrawn}"
            about = f"{dose.role} {dose.number} {dose.treatment}"
            yield asked("dose_after_withdrawal", about, found, "one or the other", _cited(dose), _cited(left))


def _enrolled_again(frame: Frame, told: Sequence[Event]) -> Iterator[Flood]:
    """An enrolment after the departure that stands: it undoes none, only a new screening does (T36)."""
    left, zone = frame.withdrawn, frame.zone
    for one in told:
        if left is None or not isinstance(one, Enrolled) or one.enrolled.earliest(zone) <= left.withdrawn.latest(zone):
            continue
        found = f"withdrawn from {left.from_what} {left.withdrawn}, enrolled {one.enrolled} at level {one.dose_level}"
        expected = "a consent and screening before it, or one of the two corrected: until then the subject has left"
        yield asked("enrolled_after_withdrawal", "enrolment", found, expected, _cited(left), _cited(one))


def _about_reports(told: Sequence[Event], zone: tzinfo) -> Iterator[Flood]:
    """What was told as done, observed or decided before it was."""
    for one in told:
        step = _step_of(one) or _said_of(one)
        if step is not None and step.at.earliest(zone) > one.reported_at:
            found = f"{step.word} {step.at}, reported {one.reported_at.isoformat()}"
            yield asked("dated_after_report", step.about, found, "a day no later than its report", _cited(one))


def _about_consent(told: Sequence[Event], zone: tzinfo) -> Iterator[Flood]:
    """Doses, and a completion, before every consent."""
    consents = sorted((one for one in told if isinstance(one, Screened)), key=lambda one: one.consented.bounds(zone))
    if not consents:
        return
    first = min(one.consented.earliest(zone) for one in consents)
    consented, cited = consents[0].consented, _cited(consents[0])
    early = [one for one in told if isinstance(one, DoseGiven) and one.given.latest(zone) < first]
    if early:
        given = min((one.given for one in early), key=lambda one: one.bounds(zone))
        found, sources = f"given {given}, consented {consented}", (_cited(one) for one in early)
        yield asked("dose_before_consent", "dose", found, "a consent before any dose", cited, *sources)
    for one in told:
        if isinstance(one, Completed) and one.completed.latest(zone) < first:
            found = f"completed {one.completed}, consented {consented}"
            yield asked("completed_before_consent", "end of study", found, "a consent first", cited, _cited(one))


def _about_doses(told: Sequence[Event], zone: tzinfo) -> Iterator[Flood]:
    """Doses after the study was completed."""
    doses = [one for one in told if isinstance(one, DoseGiven)]
    for done in (one for one in told if isinstance(one, Completed)):
        late = [one for one in doses if one.given.earliest(zone) > done.completed.latest(zone)]
        if late:
            given = min((one.given for one in late), key=lambda one: one.bounds(zone))
            found, sources = f"completed {done.completed}, given {given}", (_cited(one) for one in late)
            yield asked("dose_after_completion", "end of study", found, "every dose first", _cited(done), *sources)


def _about_infusions(frame: Frame) -> Iterator[Flood]:
    """Two infusions on one day or in the wrong order, or none that is the first: a slip, or a record that lacks."""
    for one, other in pairwise(frame.infusions):
        if one.latest < other.earliest and one.number > other.number:
            found = f"infusion {one.number} {one.given}, infusion {other.number} {other.given}"
            about = f"infusions {other.number} and {one.number}"
            yield asked(
                "infusions_out_of_order", about, found, "in the order of their numbers", one.source, other.source
            )
    if frame.infusions and all(one.number > 1 for one in frame.infusions):
        first = min(frame.infusions, key=lambda one: (one.number, one.source))
        found = f"infusion {first.number} given {first.given}, no infusion 1"
        yield asked("first_infusion_untold", "infusion 1", found, "infusion 1, or another number", first.source)
    for one, other in combinations(frame.infusions, 2):
        sure = one.first_day == one.last_day and other.first_day == other.last_day
        if sure and one.first_day == other.first_day and one.number != other.number:
            found = f"infusions {one.number} and {other.number} on {one.first_day}"
            about = f"infusions of {one.first_day}"
            yield asked("two_infusions_on_one_day", about, found, "one infusion a day", one.source, other.source)


def _about_decisions(frame: Frame, known: Mapping[str, str], book: Book) -> Iterator[Flood]:
    """Decisions on a finding that the data do not support, and two of one moment that disagree."""
    for id_, decisions in sorted(frame.adjudicated.items()):
        last = decisions[-1]
        if id_ not in known:
            code = "adjudication_without_finding" if last.verdict == "confirmed" else "refutation_without_finding"
            yield asked(code, id_, _decided(last), "a finding", _cited(last))
        alike = sum(about == known.get(id_) for about in known.values())
        if last.onset is None and alike > 1 and known[id_] in book.analytes:
            found = f"{_decided(last)}, one of {alike} events of {known[id_]}"
            yield asked("decision_without_onset", id_, found, "the onset that they were shown", _cited(last))
        rivals = [one for one in decisions if one.decided_at == last.decided_at]
        if len({one.verdict for one in rivals}) > 1:
            found, about = " and ".join(map(_decided, rivals)), f"{known[id_]} ({id_})" if id_ in known else id_
            at = f"one decision at {last.decided_at.isoformat()}"
            yield asked("decisions_disagree", about, found, at, *(_cited(one) for one in rivals))


def _decided(one: Adjudicated) -> str:
    """A decision in words that whoever made it knows again: the finding may be gone."""
    shown = f" of onset {one.onset}" if one.onset is not None else ""
    return f"{one.verdict}{shown} by {one.by} at {one.decided_at.isoformat()}"
