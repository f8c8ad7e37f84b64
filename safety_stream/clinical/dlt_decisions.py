"""What people decided on one event: the last decision holds, under every rule the event meets (T5).

    one event     one finding     one mail     one decision     every rule it meets

A confirmation stays. A refutation covers what was there to be judged: a rule that the event came to meet only later
(it rose to grade 4 afterwards, it went on past 72 hours) is a candidate again, and the finding says why. A decision
that names the id of one event under one rule (as they did when each rule had a finding of its own) decides that rule
and no other: a lesser rule asks for something else too, such as a duration, and that was not decided on.

A measured event has its id by the number of its episode, and a result that comes late or is taken back counts episodes
anew. A decision that says which onset it was shown stays with the event of that onset, whatever its number is now; one
that says none goes by its id, but never to an event that began on a later day.

What stood before the person is what was decided on. Of a report whose term was changed since, and of a composite that
other samples make, it is another toxicity: no decision on the one holds for the other. A refutation holds for no rule
that the event met only with an attribution told later, nor for a report whose onset is told as another day since.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.events import Adjudicated
from safety_stream.clinical.frame import Frame

Verdict = Literal["confirmed", "refuted"]
_NEVER = datetime.max.replace(tzinfo=UTC)


class Named(NamedTuple):
    """One event as decisions name it; ``span``, ``others``: of a numbered one when it was, and all keys of its kind."""

    key: str
    span: tuple[datetime, datetime] | None = None
    others: tuple[str, ...] = ()


class Period(NamedTuple):
    """From one instant until another an event was told as something else, ``told``."""

    since: datetime
    until: datetime
    told: str

    def holds(self, instant: datetime) -> bool:
        """Whether it was told so at that instant."""
        return self.since <= instant < self.until


class Ground(NamedTuple):
    """One rule that an event meets or may meet; ``met_from``: since when it is known to, where that can be said.

    ``span``: of a numbered event or the case of a composite, when it was. ``another``, ``less``: when it was told as
    another toxicity, and with an attribution by which the rule was not met or less surely; ``moved``: when it was told
    with another onset than ``began``.
    """

    rule: str
    candidate: bool
    met_from: datetime | None
    span: tuple[datetime, datetime] | None = None
    another: tuple[Period, ...] = ()
    less: tuple[Period, ...] = ()
    moved: tuple[Period, ...] = ()
    began: tuple[datetime, datetime] | None = None


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
        made = sorted((*everything, *own), key=_order)
        reasons += [why for one in made for why in _on_another(ground, one, frame)]
        counts = next((one for one in reversed(made) if not [*_on_another(ground, one, frame)]), None)
        if counts is None:
            continue
        if counts in own:
            reasons.append(f"T5: decided under the id of one rule, {ground.rule}; it decides no other rule")
        if (was := _on_another_onset(ground, counts, frame)) is not None:
            reasons.append(
                f"T5: the decision of {counts.decided_at.isoformat()} was on an onset of {was}, as told then"
            )
            continue
        if _outlived(ground, counts):
            reasons.append(f"T5: {ground.rule} was met only after the decision of {counts.decided_at.isoformat()}")
            continue
        last[ground.rule] = counts
    lines = tuple(words for _, words in sorted(told))
    return _summed(grounds, last, lines, tuple(dict.fromkeys(reasons)))


def is_confirmed(frame: Frame, named: Named, rule: str) -> bool:
    """Whether the last decision on an event, under one rule or as a whole, confirms it."""
    last = max((*_made(frame, named, None), *_made(frame, named, rule)), key=_order, default=None)
    return last is not None and last.verdict == "confirmed"


def to_be_told(frame: Frame, named: Named, grounds: list[Ground]) -> int:
    """Of all times that one rule is met, in order, which is to be told: one confirmed, else the first not judged.

    Failing that, the first that was met anew since the decision before the one that judged it; of one rule alone.
    """
    made = sorted((*_made(frame, named, None), *_made(frame, named, grounds[0].rule)), key=_order)
    if not made:
        return 0
    turns = [_turn(one, [each for each in made if not [*_on_another(one, each, frame)]]) for one in grounds]
    return turns.index(max(turns))


def _turn(ground: Ground, made: list[Adjudicated]) -> tuple[int, datetime, str]:
    """How soon one time is to be told: confirmed, not judged by anybody, else by the decision that judged it."""
    confirmed = bool(made) and made[-1].verdict == "confirmed" and not _later(ground, made[-1])
    for number in range(len(made), -1, -1):
        before, then = made[number - 1] if number else None, made[number] if number < len(made) else None
        if (before is None or _outlived(ground, before)) and not (then is not None and _later(ground, then)):
            return (2, _NEVER, "") if then is None else (3 if confirmed else 1, *_order(then))
    return (0, _NEVER, "")


def _on_another(ground: Ground, decision: Adjudicated, frame: Frame) -> Iterator[str]:
    """Why a decision was made on another toxicity, or on another case, than the one that meets the rule now."""
    at = decision.decided_at
    for one in ground.another:
        if one.holds(at):
            yield f"T5: the decision of {at.isoformat()} was on {one.told}, as the event was told then"
            return
    if _is_shown(decision, ground.span, frame) is False and not _outlived(ground, decision):
        yield _stray(decision)


def _on_another_onset(ground: Ground, decision: Adjudicated, frame: Frame) -> str | None:
    """The onset that a refutation was made on, where the event is told with another one now; a confirmation stays."""
    if decision.verdict != "refuted" or _is_shown(decision, ground.began if decision.onset else None, frame):
        return None
    return next((one.told for one in ground.moved if one.holds(decision.decided_at)), None)


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
    return _is_shown(one, named.span, frame)


def _is_shown(one: Adjudicated, span: tuple[datetime, datetime] | None, frame: Frame) -> bool | None:
    if span is None:
        return None
    if one.onset is None:  # a decision may be dated by its day alone
        decided, began = (instant.astimezone(frame.zone).date() for instant in (one.decided_at, span[0]))
        return None if began <= decided else False
    first, last = one.onset.bounds(frame.zone)
    return first <= span[1] and span[0] <= last


def _stray(one: Adjudicated) -> str:
    which = f"of onset {one.onset}" if one.onset is not None else "for this one began later"
    return f"T5: the decision of {one.decided_at.isoformat()} was on another event, {which}"


def _strays(frame: Frame, named: Named) -> Iterator[str]:
    """The decisions under this id that were made on another event, which had its number then."""
    for one in _under(frame, named.key, None):
        if _shows(one, named, frame) is False:
            yield _stray(one)


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
    if decision.verdict != "refuted":
        return False
    met = ground.met_from
    if any(one.holds(decision.decided_at) for one in ground.less):
        return True
    return ground.candidate and met is not None and met > decision.decided_at


def _order(one: Adjudicated) -> tuple[datetime, str]:
    return one.decided_at, one.source.record


def _line(one: Adjudicated, rule: str | None) -> tuple[datetime, str]:
    under = f" under {rule}" if rule else ""
    return one.decided_at, f"{one.verdict} on {one.decided_at.isoformat()} by {one.by}{under}: {one.why}"
