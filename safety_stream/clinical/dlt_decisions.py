"""What people decided on one event: the last decision holds, under every rule the event meets (T5).

    one event     one finding     one mail     one decision     every rule it meets

A confirmation stays. A refutation covers what was there to be judged: a rule that the event came to meet only later
(it rose to grade 4 afterwards, it went on past 72 hours) is a candidate again, and the finding says why. A decision
that names the id of one event under one rule (as they did when each rule had a finding of its own) decides that rule
and no other: a lesser rule asks for something else too, such as a duration, and that was not decided on.

A measured event has its id by the number of its episode, and a result that comes late or is taken back counts episodes
anew. A decision that says which onset it was shown stays with the event of that onset, whatever its number is now.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.events import Adjudicated
from safety_stream.clinical.frame import Frame

Verdict = Literal["confirmed", "refuted"]


class Named(NamedTuple):
    """One event as decisions name it; ``span``, ``others``: of a numbered one when it was, and all keys of its kind."""

    key: str
    span: tuple[datetime, datetime] | None = None
    others: tuple[str, ...] = ()


class Ground(NamedTuple):
    """One rule that an event meets or may meet; ``met_from``: since when it is known to, where that can be said."""

    rule: str
    candidate: bool
    met_from: datetime | None


class Decided(NamedTuple):
    """What the decisions come to: the verdict (None: still open), the rules left open, the decision that counts."""

    verdict: Verdict | None
    open: frozenset[str]
    by: Adjudicated | None
    told: tuple[str, ...]
    reasons: tuple[str, ...]


def event_id(frame: Frame, key: str) -> str:
    """The id of the finding about one event."""
    return finding_id(frame.study, frame.subject, "dlt", key)


def one_rule_id(frame: Frame, rule: str, key: str) -> str:
    """The id of one event under one rule: decisions of old name it."""
    return finding_id(frame.study, frame.subject, "dlt", rule, key)


def ids_decided(frame: Frame, named: Named, rules: Iterable[str]) -> Iterator[str]:
    """Every id under which a decision on this event was made."""
    for rule in (None, *rules):
        yield from dict.fromkeys(one.finding for one in _made(frame, named, rule))


def decided(frame: Frame, named: Named, grounds: tuple[Ground, ...]) -> Decided:
    """What people decided on an event that meets, or may meet, these rules."""
    everything = _made(frame, named, None)
    last: dict[str, Adjudicated] = {}
    told: set[tuple[datetime, str]] = {_line(one, None) for one in everything}
    reasons: list[str] = [*_strays(frame, named)]
    for ground in grounds:
        own = _made(frame, named, ground.rule)
        told |= {_line(one, ground.rule) for one in own}
        counts = max((*everything, *own), key=_order, default=None)
        if counts is None:
            continue
        if counts in own:
            reasons.append(f"T5: decided under the id of one rule, {ground.rule}; it decides no other rule")
        if _outlived(ground, counts):
            reasons.append(f"T5: {ground.rule} was met only after the decision of {counts.decided_at.isoformat()}")
            continue
        last[ground.rule] = counts
    lines = tuple(words for _, words in sorted(told))
    return _summed(grounds, last, lines, tuple(reasons))


def to_be_told(frame: Frame, named: Named, grounds: list[Ground]) -> int:
    """Of all times that one rule is met, in order, which is to be told: the first that nobody has judged.

    Failing that, the first that was met anew since the decision before the one that judged it; of one rule alone.
    """
    made = sorted((*_made(frame, named, None), *_made(frame, named, grounds[0].rule)), key=_order)
    for number in range(len(made), -1, -1):
        before, then = made[number - 1] if number else None, made[number] if number < len(made) else None
        for place, ground in enumerate(grounds):
            if (before is None or _outlived(ground, before)) and not (then is not None and _later(ground, then)):
                return place
    return 0


def _later(ground: Ground, decision: Adjudicated) -> bool:
    return ground.met_from is not None and ground.met_from > decision.decided_at


def _made(frame: Frame, named: Named, rule: str | None) -> tuple[Adjudicated, ...]:
    """The decisions on this event, under one rule or (None) as a whole, whatever number it had then."""
    if not frame.adjudicated:
        return ()
    own = [one for one in _under(frame, named.key, rule) if _shows(one, named, frame) is not False]
    others = [one for key in named.others if key != named.key for one in _under(frame, key, rule)]
    return (*own, *[one for one in others if _shows(one, named, frame)])


def _under(frame: Frame, key: str, rule: str | None) -> tuple[Adjudicated, ...]:
    return frame.adjudicated.get(event_id(frame, key) if rule is None else one_rule_id(frame, rule, key), ())


def _shows(one: Adjudicated, named: Named, frame: Frame) -> bool | None:
    """Whether a decision was shown an onset of this event; None: nobody can tell."""
    if one.onset is None or named.span is None:
        return None
    first, last = one.onset.bounds(frame.zone)
    return first <= named.span[1] and named.span[0] <= last


def _strays(frame: Frame, named: Named) -> Iterator[str]:
    """The decisions under this id that were made on another event, which had its number then."""
    for one in _under(frame, named.key, None):
        if _shows(one, named, frame) is False:
            yield f"T5: the decision of {one.decided_at.isoformat()} was on another event, of onset {one.onset}"


def _summed(
    grounds: tuple[Ground, ...], last: dict[str, Adjudicated], told: tuple[str, ...], reasons: tuple[str, ...]
) -> Decided:
    confirmed = [one for one in last.values() if one.verdict == "confirmed"]
    if confirmed:
        return Decided("confirmed", frozenset(), max(confirmed, key=_order), told, reasons)
    open_ = frozenset(one.rule for one in grounds if one.rule not in last)
    if last and not open_:
        return Decided("refuted", open_, max(last.values(), key=_order), told, reasons)
    return Decided(None, open_, None, told, reasons)


def _outlived(ground: Ground, decision: Adjudicated) -> bool:
    met = ground.met_from
    return decision.verdict == "refuted" and ground.candidate and met is not None and met > decision.decided_at


def _order(one: Adjudicated) -> tuple[datetime, str]:
    return one.decided_at, one.source.record


def _line(one: Adjudicated, rule: str | None) -> tuple[datetime, str]:
    under = f" under {rule}" if rule else ""
    return one.decided_at, f"{one.verdict} on {one.decided_at.isoformat()} by {one.by}{under}: {one.why}"
