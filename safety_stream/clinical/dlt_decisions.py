"""What people decided on one event: the last decision holds, under every rule the event meets (T5).

    one event     one finding     one mail     one decision     every rule it meets

A confirmation stays. A refutation covers what was there to be judged: a rule that the event came to meet only later
(it rose to grade 4 afterwards, it went on past 72 hours) is a candidate again, and the finding says why. A decision
that names the id of one event under one rule (as they did when each rule had a finding of its own) decides that rule
and no other: a lesser rule asks for something else too, such as a duration, and that was not decided on.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.events import Adjudicated
from safety_stream.clinical.frame import Frame

Verdict = Literal["confirmed", "refuted"]


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


def ids_decided(frame: Frame, key: str, rules: Iterable[str]) -> Iterator[str]:
    """Every id under which a decision on this event may have been made."""
    yield event_id(frame, key)
    yield from (one_rule_id(frame, rule, key) for rule in rules)


def decided(frame: Frame, key: str, grounds: tuple[Ground, ...]) -> Decided:
    """What people decided on an event that meets, or may meet, these rules."""
    everything = frame.adjudicated.get(event_id(frame, key), ())
    last: dict[str, Adjudicated] = {}
    told: set[tuple[datetime, str]] = {_line(one, None) for one in everything}
    reasons: list[str] = []
    for ground in grounds:
        own = frame.adjudicated.get(one_rule_id(frame, ground.rule, key), ())
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


def is_covered(frame: Frame, key: str, ground: Ground) -> bool:
    """Whether somebody has decided on this ground."""
    own = frame.adjudicated.get(one_rule_id(frame, ground.rule, key), ())
    counts = max((*frame.adjudicated.get(event_id(frame, key), ()), *own), key=_order, default=None)
    return counts is not None and not _outlived(ground, counts)


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
