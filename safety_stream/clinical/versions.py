"""Which of several things told under one source record stands: never a matter of which arrived first.

A higher version stands; within a version the sender's status goes preliminary, final, corrected, entered-in-error.
The same content again changes nothing. Different content under the same version and status is a contradiction: the
winner is a function of the contents, and the marks of all of them are kept for the question that it raises.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TypeVar

from safety_stream.clinical.events import AdverseEvent, Attribution, Event
from safety_stream.clinical.facts import HeaderEvent, HeaderFact, ReportFact, Telling
from safety_stream.clinical.result import Result
from safety_stream.clinical.seriousness import is_grave, is_serious

_RANK = {"preliminary": 0, "final": 1, "corrected": 2, "entered-in-error": 3}
_Fact = TypeVar("_Fact", Result, HeaderFact, ReportFact)


def settle_result(held: Result | None, told: Result) -> Result:
    """The result that stands; ``held`` itself when nothing changed."""
    if held is None:
        return told
    stands = _last_of(held, told)
    if held.named == told.named == stands.named:
        return stands
    named = tuple(sorted({*held.named, *told.named}))
    return stands if stands.named == named else stands._replace(named=named)


def _last_of(held: Result, told: Result) -> Result:
    """Of one rank what is of the analyte of the page stands on it: two analytes under one version stand both."""
    ranks = (held.version, _RANK[held.status]), (told.version, _RANK[told.status])
    if ranks[0] != ranks[1]:
        return held if ranks[0] > ranks[1] else told
    if held.elsewhere != told.elsewhere:
        return told if held.elsewhere else held
    if _content(held) == _content(told):
        return _the_same(held, told)
    if held.elsewhere:
        return max(held, told, key=lambda one: repr(_content(one)))
    return _contradiction(held, told, lambda one: repr(_content(one)))


def _the_same(held: Result, told: Result) -> Result:
    """One content from when it was first told, with what each of the two was told against."""
    if held.reported_at > told.reported_at:
        held = held._replace(reported_at=told.reported_at)
    if told.rivals in {(), held.rivals}:
        return held
    return held._replace(rivals=tuple(sorted({*held.rivals, *told.rivals})))


def same_content(one: Result, other: Result) -> bool:
    """Whether two results say the same, but for when they were released."""
    return _content(one) == _content(other) and one.elsewhere == other.elsewhere


def settle_header(held: HeaderFact | None, event: HeaderEvent) -> HeaderFact:
    """The header fact that stands; ``held`` itself when nothing changed."""
    told = HeaderFact(event)
    if held is None:
        return told
    if _rank(held.event) != _rank(event):
        return held if _rank(held.event) > _rank(event) else told
    if _text(held.event) == _text(event):
        return held if held.event.reported_at <= event.reported_at else held._replace(event=event)
    return _contradiction(held, told, lambda one: _text(one.event))


def settle_report(held: ReportFact | None, event: AdverseEvent) -> ReportFact:
    """The adverse-event report that stands; when the event was first heard of is the earliest of all versions."""
    since, stands = event.reported_at, event.status != "entered-in-error"
    serious_at, grave_at = (since if stands and so(event) else None for so in (is_serious, is_grave))
    told = ReportFact(
        event=event.model_copy(update={"narrative": None}),
        heard_at=since,
        serious_at=serious_at,
        grave_at=grave_at,
        rose=_grades_told(event),
        blamed=_blamed(event) if stands else (),
        to_sponsor=_instants(event.reported_to_sponsor_at) if stands else (),
        to_authority=_instants(event.reported_to_authority_at) if stands else (),
        tellings=_telling(event) if stands else (),
    )
    if held is None:
        return told
    if _rank(held.event) != _rank(event):
        standing = held if _rank(held.event) > _rank(event) else told
    elif _text(held.event) == _text(told.event):
        standing = held if held.event.reported_at <= event.reported_at else held._replace(event=told.event)
    else:
        standing = _contradiction(held, told, lambda one: _text(one.event))
    now = standing._replace(
        heard_at=_first(held.heard_at, told.heard_at),
        serious_at=_first(held.serious_at, told.serious_at),
        grave_at=_first(held.grave_at, told.grave_at),
        rose=_rising((*held.rose, *told.rose)),
        blamed=_earliest((*held.blamed, *told.blamed)),
        to_sponsor=_instants(*held.to_sponsor, *told.to_sponsor),
        to_authority=_instants(*held.to_authority, *told.to_authority),
        tellings=_ever_standing((*(held.tellings or _telling(held.event)), *told.tellings)),
    )
    return standing if now == standing else now


def with_its_instants(fact: ReportFact) -> ReportFact:
    """The fact with those instants that the standing report tells: a page of an earlier format kept no others."""
    return fact._replace(
        to_sponsor=_instants(*fact.to_sponsor, fact.event.reported_to_sponsor_at),
        to_authority=_instants(*fact.to_authority, fact.event.reported_to_authority_at),
    )


def _grades_told(event: AdverseEvent) -> tuple[tuple[datetime, int], ...]:
    """The grade one version tells of; a version entered in error tells of none."""
    if event.status == "entered-in-error":
        return ()
    fatal = event.outcome == "fatal" or "death" in event.seriousness
    return ((event.reported_at, 5 if fatal else event.grade or 0),)


def _rising(told: Iterable[tuple[datetime, int]]) -> tuple[tuple[datetime, int], ...]:
    """Of grades told in time only those that are higher than all before: the same for any order of the versions."""
    rising: list[tuple[datetime, int]] = []
    for at, grade in sorted(told, key=lambda one: (one[0], -one[1])):
        if not rising or grade > rising[-1][1]:
            rising.append((at, grade))
    return tuple(rising)


def _telling(event: AdverseEvent) -> tuple[Telling, ...]:
    """What one version tells; a version entered in error tells nothing."""
    if event.status == "entered-in-error":
        return ()
    at = event.reported_at.astimezone(UTC)
    blamed = event.attribution, event.sponsor_attribution
    return (Telling(*_rank(event), at, event.term, event.meddra_code, *blamed, event.onset),)


def _ever_standing(told: Iterable[Telling]) -> tuple[Telling, ...]:
    """Those that no other one hides, as one told no later under a higher version does: the same for any order."""
    every = set(told)
    return tuple(sorted((one for one in every if not any(_hides(other, one) for other in every)), key=repr))


def _hides(other: Telling, one: Telling) -> bool:
    if other.at > one.at or other == one:
        return False
    return other[:2] > one[:2] or (other[:2] == one[:2] and other[3:] == one[3:])


def _blamed(event: AdverseEvent) -> tuple[tuple[Attribution, datetime], ...]:
    """Since when one version shows that the event is known as serious and unexpected, with each attribution it tells.

    Where it tells of a report to the authority, that was known when the report was sent, however late it was entered.
    """
    if not is_serious(event) or event.expected is not False:
        return ()
    since = min(one for one in (event.reported_at, event.reported_to_authority_at) if one is not None)
    judged = (event.attribution, event.sponsor_attribution)
    return _earliest((word, since.astimezone(UTC)) for word in judged if word is not None)


def _earliest(told: Iterable[tuple[Attribution, datetime]]) -> tuple[tuple[Attribution, datetime], ...]:
    """Of each attribution the earliest instant: the same for any order of the versions."""
    earliest: dict[Attribution, datetime] = {}
    for word, at in told:
        earliest[word] = min(at, earliest.get(word, at))
    return tuple(sorted(earliest.items()))


def _instants(*told: datetime | None) -> tuple[datetime, ...]:
    """Instants in order, each once and written one way, whichever version it came from."""
    return tuple(sorted({one.astimezone(UTC) for one in told if one is not None}))


def _contradiction(held: _Fact, told: _Fact, text: Callable[[_Fact], str]) -> _Fact:
    marks = tuple(sorted({*(held.rivals or (_mark(text(held)),)), *(told.rivals or (_mark(text(told)),))}))
    if marks == held.rivals:
        return held
    return max(held, told, key=text)._replace(rivals=marks)


def _content(result: Result) -> tuple[object, ...]:
    """All that was told but for when it was released."""
    return (*result[:4], *result[5:14])


def _rank(event: Event) -> tuple[int, int]:
    return event.source.version, _RANK[event.status]


def _text(event: Event) -> str:
    return event.model_dump_json(exclude={"reported_at"})


def _mark(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((told for told in (one, other) if told is not None), default=None)
