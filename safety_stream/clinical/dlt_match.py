"""Whether an event meets a DLT rule of the protocol: each condition is true, false, or cannot be known yet.

One condition that is false: the rule is not met. All true: it is met. Else it may be met, and the open ones are named.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.dlt_candidate import Candidate
from safety_stream.clinical.dlt_decisions import Period, is_confirmed
from safety_stream.clinical.dlt_windows import InWindow, Verdict, anchors_of, held_by, reached
from safety_stream.clinical.first_seen import begun_unseen
from safety_stream.clinical.frame import Frame
from safety_stream.rulebook.dlt_rules import Dlt, DltRule, Window

_SURENESS: dict[Verdict, int] = {False: 0, None: 1, True: 2}


class Match(NamedTuple):
    """One rule and the event as far as that rule is concerned: met, or not decided yet."""

    rule: DltRule
    candidate: Candidate
    window: InWindow
    open: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether every condition is met."""
        return not self.open


def rules_for(
    dlt: Dlt | None, term: str, soc: str | None, seen_as: str, composite: str | None = None
) -> tuple[DltRule, ...]:
    """The rules an event of this kind can match, whatever its grade."""
    return _about(TheseRules(dlt.rules), term, soc, seen_as, composite) if dlt else ()


class TheseRules:
    """The very rules of a protocol: equal to nothing else, so that what is found among them can be remembered."""

    def __init__(self, rules: tuple[DltRule, ...]) -> None:
        self.rules = rules

    def __hash__(self) -> int:
        return id(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TheseRules) and other.rules is self.rules


@lru_cache(maxsize=4096)
def _about(these: TheseRules, term: str, soc: str | None, seen_as: str, composite: str | None) -> tuple[DltRule, ...]:
    return tuple(one for one in these.rules if seen_as in one.seen_as and one.about.speaks_of(term, soc, composite))


def every_match(frame: Frame, rules: Iterable[DltRule], candidate: Candidate) -> Iterator[Match]:
    """Every time that an event meets or may meet one of these rules, rule by rule."""
    for rule in rules:
        for one in candidate.times_at_grade_of(rule):
            found = matched(frame, rule, one)
            if found is not None:
                yield found


def matched(frame: Frame, rule: DltRule, candidate: Candidate) -> Match | None:
    """Whether an event meets or may meet one rule of the subject's protocol version; None: it does not."""
    dlt = frame.version.dlt
    if dlt is None or not frame.infusions or _excluded(dlt, candidate):
        return None
    candidate, window = _placed(frame, rule, candidate, dlt)
    conditions: dict[str, Verdict] = {
        "grade": _grade(rule, candidate.grade),
        "duration": _lasting(rule, candidate),
        "attribution": _attributed(rule, candidate),
        "window": window.inside,
        "evidence": None if candidate.undecided else True,
    }
    if False in conditions.values() or window.first is None:
        return None
    return Match(rule, candidate, window, tuple(name for name, verdict in conditions.items() if verdict is None))


def _placed(frame: Frame, rule: DltRule, candidate: Candidate, dlt: Dlt) -> tuple[Candidate, InWindow]:
    """The event as the rule counts it, and where it lies; a confirmed one stays where a later infusion leaves it."""
    counted = counted_by(rule, dlt)
    window = _window(frame, candidate, counted)
    if window.inside is False and rule.counts_from == "infusion":
        candidate = _since_infusion(frame, candidate, counted)
        window = _window(frame, candidate, counted)
    if window.inside is False and counted.anchor == "last_infusion" and is_confirmed(frame, candidate.named, rule.id):
        window = _window(frame, candidate, counted.model_copy(update={"anchor": "each_infusion"}))
    if window.inside is False and (unseen := begun_unseen(frame, candidate, counted)) is not None:
        window = unseen.window
    return candidate, window


def counted_by(rule: DltRule, dlt: Dlt) -> Window:
    """The window of a rule: the protocol's, or of the rule's own length."""
    return Window(days=rule.window_days or dlt.window.days, anchor=dlt.window.anchor)


def _window(frame: Frame, candidate: Candidate, window: Window) -> InWindow:
    """Where the grade began; one that may have come long after the onset may lie in a window that the onset missed."""
    found = held_by(frame, candidate.began, candidate.known_by, window)
    if found.inside is not False or not candidate.later or candidate.began is None or candidate.known_by is None:
        return found
    return reached(frame, candidate.began, candidate.known_by, window)


_MAYBE_THERE_BEFORE = "T4: it may have begun before the lymphodepletion"


def _since_infusion(frame: Frame, candidate: Candidate, window: Window) -> Candidate:
    """What began before an infusion, and after the lymphodepletion did, as far as it outlasts that infusion (T4)."""
    zone, began, depleted = frame.zone, candidate.began, frame.lymphodepletion
    if began is None or depleted is None or began.latest(zone) < depleted[0]:
        return candidate
    end = candidate.ended_by
    if end is None and candidate.longest is not None:
        end = began.earliest(zone) + candidate.longest
    for one in anchors_of(frame.infusions, window.anchor):
        if began.latest(zone) < one.earliest and (end is None or end >= one.earliest):
            known_to = candidate.known_to or began.latest(zone) + candidate.shortest
            unclear = began.earliest(zone) < depleted[1]
            return candidate._replace(
                since=one.given,
                outlasts=one.number,
                shortest=min(candidate.shortest, max(timedelta(0), known_to - one.latest)),
                longest=None if end is None else end - one.earliest,
                undecided=(*candidate.undecided, *([_MAYBE_THERE_BEFORE] if unclear else ())),
            )
    return candidate


def _excluded(dlt: Dlt, candidate: Candidate) -> bool:
    return any(candidate.term in one.terms and candidate.grade.highest <= one.up_to_grade for one in dlt.excluded)


def _grade(rule: DltRule, grade: GradeRange) -> Verdict:
    if rule.grade is None or grade.lowest >= rule.grade.lowest:
        return True
    return None if grade.highest >= rule.grade.lowest else False


def _lasting(rule: DltRule, candidate: Candidate) -> Verdict:
    if rule.lasting is None or rule.lasting.holds(candidate.shortest):
        return True
    return None if candidate.longest is None or rule.lasting.holds(candidate.longest) else False


def _attributed(rule: DltRule, candidate: Candidate) -> Verdict:
    """A measurement has no attribution; of the investigator's and the sponsor's one is enough (register G24).

    One that is not known may still come to be one that the rule names.
    """
    told = [one for one in (candidate.attribution, candidate.by_sponsor) if one is not None]
    if not told or any(one in rule.attribution for one in told):
        return True
    return None if "unknown" in told else False


def told_as_another(candidate: Candidate) -> tuple[Period, ...]:
    """When the event was told under another term only: whoever decided then decided on another toxicity."""
    return tuple(
        Period(one.since, one.until, " or ".join(sorted(one.terms)))
        for one in candidate.told_as
        if candidate.term not in one.terms
    )


def told_as_begun(frame: Frame, candidate: Candidate) -> tuple[Period, ...]:
    """When the event was told with an onset that the one told now cannot be: more exactly told is the same."""
    now, zone = candidate.onset, frame.zone
    if now is None:
        return ()
    first, last = now.bounds(zone)
    found = list[Period]()
    for one in candidate.told_as:
        then = [onset for onset in one.onsets if onset is not None]
        apart = [onset for onset in then if onset.latest(zone) < first or last < onset.earliest(zone)]
        if then and len(apart) == len(one.onsets):
            found.append(Period(one.since, one.until, " or ".join(sorted(onset.text for onset in apart))))
    return tuple(found)


def told_as_less(rule: DltRule, candidate: Candidate) -> tuple[Period, ...]:
    """When the event was told with an attribution by which the rule was not met, or less surely than now."""
    if not candidate.told_as:
        return ()
    now = _SURENESS[_attributed(rule, candidate)]
    return tuple(
        Period(one.since, one.until, " or ".join(sorted(own for own, _ in one.attributions)))
        for one in candidate.told_as
        if max(_SURENESS[_attributed(rule, _told_by(candidate, *both))] for both in one.attributions) < now
    )


def _told_by(candidate: Candidate, investigator: str, sponsor: str | None) -> Candidate:
    return candidate._replace(attribution=investigator, by_sponsor=sponsor)
