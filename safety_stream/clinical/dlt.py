"""Dose-limiting toxicities: which rule of the protocol an event matches, and whether it surely, maybe or never does.

    infusion 1      infusion 2      infusion 3
    day 0 ---------------------------- day 28              an onset in any of the three windows counts
                    day 7 -------------------- day 35      (anchor: each_infusion), in calendar days of the
                                    day 14 ------- day 42  study's zone, the last day inside

Each condition of a rule (term, grade, duration, attribution, window) is true, false or cannot be known. One that is
false: no finding. All true: candidate. Else possible. Only a person's decision makes it confirmed or refuted.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from safety_stream.clinical.findings import DoseLimitingToxicity, Evidence, GradeRange, Input, finding_id
from safety_stream.clinical.frame import Frame, Infusion
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Dlt, DltRule, Window

Verdict = bool | None
Anchor = Literal["each_infusion", "first_infusion", "last_infusion"]
ANCHORS: tuple[Anchor, ...] = ("each_infusion", "first_infusion", "last_infusion")
State = Literal["possible", "candidate", "confirmed", "refuted"]


class Candidate(NamedTuple):
    """An event in the form the rules ask for. ``shortest`` and ``longest`` bound its duration; None: no end known.

    ``known_by``: when it was reported; the latest it can have begun when no onset was told.
    """

    about: str
    key: str
    term: str
    soc: str | None
    seen_as: Literal["measured", "reported"]
    grade: GradeRange
    onset: Moment | None
    shortest: timedelta
    longest: timedelta | None
    attribution: str | None = None
    composite: str | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    undecided: tuple[str, ...] = ()
    known_by: datetime | None = None


class InWindow(NamedTuple):
    """Whether an onset lies in a window, which infusions' windows may hold it, and from when to when they run."""

    inside: Verdict
    infusions: tuple[int, ...]
    first: date | None
    last: date | None


def rules_for(
    dlt: Dlt | None, term: str, soc: str | None, seen_as: str, composite: str | None = None
) -> tuple[DltRule, ...]:
    """The rules an event of this kind can match, whatever its grade."""
    return tuple(
        rule for rule in (dlt.rules if dlt else ()) if _is_about(rule, term, soc, composite) and seen_as in rule.seen_as
    )


def _is_about(rule: DltRule, term: str, soc: str | None, composite: str | None) -> bool:
    about = rule.about
    if about.composite or composite:
        return about.composite == composite
    if term in about.except_terms or soc in about.except_classes:
        return False
    return (not about.terms and not about.classes) or term in about.terms or soc in about.classes


def dose_limiting(frame: Frame, rule: DltRule, candidate: Candidate, book_version: str) -> DoseLimitingToxicity | None:
    """The finding that an event matches or may match one rule of the subject's protocol version."""
    dlt = frame.version.dlt
    if dlt is None or not frame.infusions or _excluded(dlt, candidate):
        return None
    return _judge(frame, dlt, rule, candidate, book_version)


def dlt_id(frame: Frame, rule: DltRule, key: str) -> str:
    """The id of the finding that one event matches one rule."""
    return finding_id(frame.study, frame.subject, "dlt", rule.id, key)


def _excluded(dlt: Dlt, candidate: Candidate) -> bool:
    return any(candidate.term in one.terms and candidate.grade.highest <= one.up_to_grade for one in dlt.excluded)


def _judge(
    frame: Frame, dlt: Dlt, rule: DltRule, candidate: Candidate, book_version: str
) -> DoseLimitingToxicity | None:
    onset = candidate.onset
    days = rule.window_days or dlt.window.days
    window = _held_by(frame, candidate, Window(days=days, anchor=dlt.window.anchor))
    conditions: dict[str, Verdict] = {
        "grade": _grade(rule, candidate.grade),
        "duration": _lasting(rule, candidate),
        "attribution": _attributed(rule, candidate),
        "window": window.inside,
        "evidence": None if candidate.undecided else True,
    }
    if False in conditions.values() or window.first is None or window.last is None:
        return None
    id_ = dlt_id(frame, rule, candidate.key)
    state: State = "candidate" if all(conditions.values()) else "possible"
    decided = frame.adjudicated.get(id_)
    return DoseLimitingToxicity(
        id=id_,
        study=frame.study,
        subject=frame.subject,
        site=frame.site,
        dose_level=frame.dose_level,
        protocol_version=frame.version.version,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/dlt/{rule.id}",
            book=book_version,
            inputs=tuple(Input(name=rule.id, value=words, source=source) for words, source in candidate.inputs),
            comparison=_comparison(frame, rule, candidate, onset, window),
            reasons=(*_reasons(frame, dlt, days, conditions, onset), *candidate.undecided),
            sentence=_sentence(rule, candidate, onset, state, conditions),
        ),
        rule=rule.id,
        rule_text=rule.text,
        example_rule=dlt.example,
        state=decided.verdict if decided else state,
        about=(candidate.about,),
        term=candidate.term,
        grade=candidate.grade,
        onset=onset,
        window_from=window.first,
        window_to=window.last,
        infusions=window.infusions,
        adjudicated_by=decided.by if decided else None,
        adjudication=f"{decided.verdict} on {decided.decided_at.isoformat()}: {decided.why}" if decided else None,
    )


def _grade(rule: DltRule, grade: GradeRange) -> Verdict:
    if rule.grade is None or grade.lowest >= rule.grade.lowest:
        return True
    return None if grade.highest >= rule.grade.lowest else False


def _lasting(rule: DltRule, candidate: Candidate) -> Verdict:
    if rule.lasting is None or rule.lasting.holds(candidate.shortest):
        return True
    return None if candidate.longest is None or rule.lasting.holds(candidate.longest) else False


def _attributed(rule: DltRule, candidate: Candidate) -> Verdict:
    return candidate.attribution is None or candidate.attribution in rule.attribution


def _held_by(frame: Frame, candidate: Candidate, window: Window) -> InWindow:
    """Where the onset lies; one that was not told may lie anywhere after the infusions before the report."""
    if candidate.onset is not None:
        return in_window(frame, candidate.onset, window)
    anchors = _anchors(frame.infusions, window.anchor)
    before = [one for one in anchors if candidate.known_by is None or one.earliest <= candidate.known_by]
    if not before:
        return InWindow(False, (), None, None)
    last = max(one.last_day for one in before) + timedelta(days=window.days)
    return InWindow(None, tuple(one.number for one in before), min(one.first_day for one in before), last)


def in_window(frame: Frame, onset: Moment, window: Window) -> InWindow:
    """Whether an onset surely (True), maybe (None) or never (False) lies in a window of the infusions received."""
    zone = frame.zone
    first, last = onset.dates(zone)
    anchors = _anchors(frame.infusions, window.anchor)
    holding = [one for one in anchors if _may_hold(one, onset, frame, window.days)]
    if not holding:
        return InWindow(False, (), None, None)
    length = timedelta(days=window.days)
    sure = [(one.last_day, one.first_day + length) for one in holding]
    covered = all(
        any(start <= day <= end for start, end in sure)
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    )
    return InWindow(
        True if covered else None,
        tuple(one.number for one in holding),
        min(one.first_day for one in holding),
        max(one.last_day for one in holding) + length,
    )


def _anchors(infusions: tuple[Infusion, ...], anchor: Anchor) -> tuple[Infusion, ...]:
    if anchor == "first_infusion":
        return infusions[:1]
    return infusions[-1:] if anchor == "last_infusion" else infusions


def _may_hold(infusion: Infusion, onset: Moment, frame: Frame, days: int) -> bool:
    """Whether the onset can lie on the infusion's day or within so many days of it, and not before the infusion."""
    first, last = onset.dates(frame.zone)
    if onset.latest(frame.zone) < infusion.earliest:
        return False
    return last >= infusion.first_day and first <= infusion.last_day + timedelta(days=days)


def _reasons(frame: Frame, dlt: Dlt, days: int, conditions: dict[str, Verdict], onset: Moment | None) -> Iterator[str]:
    if dlt.example:
        yield "T3: example rule, to be signed by the sponsor"
    yield from (f"T4: {name} not decided yet" for name, verdict in conditions.items() if verdict is None)
    if onset is None:
        yield "T4: no onset was told"
        return
    by_anchor = {anchor: in_window(frame, onset, Window(days=days, anchor=anchor)).inside for anchor in ANCHORS}
    if len(set(by_anchor.values())) > 1:
        said = ", ".join(f"{anchor} {_WORD[verdict]}" for anchor, verdict in by_anchor.items())
        yield f"T1: the anchors disagree: {said}"


_WORD: dict[Verdict, str] = {True: "inside", False: "outside", None: "maybe inside"}


def _comparison(frame: Frame, rule: DltRule, candidate: Candidate, onset: Moment | None, window: InWindow) -> str:
    infusions = ", ".join(str(number) for number in window.infusions)
    parts = [f"grade {candidate.grade} against {rule.grade}"] if rule.grade else []
    if rule.lasting:
        parts.append(f"{duration(candidate)} against {rule.lasting}")
    day = frame.study_day(onset) if onset else None
    at = f"onset {onset or 'not told'}" + (f" (day {day})" if day is not None else "")
    return "; ".join([*parts, f"{at} in the window {window.first} to {window.last} of infusion {infusions}"])


def duration(candidate: Candidate) -> str:
    """How long it lasted, as far as is known: ``2 d to 5 d``, ``at least 3 d``."""
    shortest = lasted(candidate.shortest)
    if candidate.longest is None:
        return f"at least {shortest}"
    return f"{shortest} to {lasted(candidate.longest)}" if candidate.longest != candidate.shortest else shortest


def lasted(length: timedelta) -> str:
    """A duration in days and hours."""
    days, hours = length.days, length.seconds // 3600
    return f"{days} d" + (f" {hours} h" if hours else "") if days else f"{hours} h"


def _sentence(
    rule: DltRule, candidate: Candidate, onset: Moment | None, state: State, conditions: dict[str, Verdict]
) -> str:
    began = f", onset {onset or 'not told'}: "
    said = f"{candidate.term}" + (f", grade {candidate.grade}" if rule.grade else "") + began
    if state == "candidate":
        return f"{said}meets the rule '{rule.text}'. A person must adjudicate it."
    open_ = " and ".join(name for name, verdict in conditions.items() if verdict is None)
    return f"{said}may meet the rule '{rule.text}'; the {open_} cannot be decided yet."


def worst(states: Iterable[str]) -> Literal["none", "possible", "candidate", "confirmed"]:
    """What the DLT findings of a subject come to; a refuted one is none."""
    found = set(states)
    if "confirmed" in found:
        return "confirmed"
    if "candidate" in found:
        return "candidate"
    return "possible" if "possible" in found else "none"
