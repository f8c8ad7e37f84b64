"""Dose-limiting toxicities: which rules of the protocol an event matches, and whether it surely, maybe or never does.

Each condition of a rule (term, grade, duration, attribution, window) is true, false or cannot be known. One that is
false: the rule is not met. All true: candidate. Else possible, with the earliest instant at which it can become a
candidate and what would end the possibility. One event is ONE finding that names every rule it meets or may meet, the
gravest first: one mail, one decision. Only a person's decision makes it confirmed or refuted.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Literal

from safety_stream.clinical.conclusion import Evidence, Input
from safety_stream.clinical.dlt_candidate import Candidate, duration, lasted
from safety_stream.clinical.dlt_decisions import Ground, decided, event_id, ids_decided, to_be_told
from safety_stream.clinical.dlt_match import Match, counted_by, told_as_another, told_as_begun, told_as_less
from safety_stream.clinical.dlt_windows import disagreement
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, RuleMet
from safety_stream.clinical.first_seen import unseen_before_lymphodepletion, why_unseen
from safety_stream.clinical.frame import Frame
from safety_stream.rulebook.dlt_rules import Dlt

State = Literal["possible", "candidate", "confirmed", "refuted"]


def dose_limiting(frame: Frame, matches: Iterable[Match | None], book_version: str) -> DoseLimitingToxicity | None:
    """The one finding about one event, from all the rules that it meets or may meet, perhaps more than once."""
    times: dict[str, list[Match]] = {}
    for one in matches:
        if one is not None:
            times.setdefault(one.rule.id, []).append(one)
    found = sorted((_told(frame, same) for same in times.values()), key=_gravest_first)
    dlt = frame.version.dlt
    return _finding(frame, dlt, found, book_version) if found and dlt is not None else None


def _told(frame: Frame, times: list[Match]) -> Match:
    """Of all times that one rule is met the one to be told; where it surely is none, the first that may be."""
    met = [one for one in times if one.sure]
    if not met:
        return times[0]
    return met[to_be_told(frame, met[0].candidate.named, [_ground(frame, one) for one in met])]


def _gravest_first(one: Match) -> tuple[bool, int]:
    """What is met before what may be met; a higher grade before a lower one; else as the protocol lists them."""
    return not one.sure, -(one.rule.grade.lowest if one.rule.grade else 0)


def _finding(frame: Frame, dlt: Dlt, found: list[Match], book_version: str) -> DoseLimitingToxicity:
    decision = decided(frame, found[0].candidate.named, tuple(_ground(frame, one) for one in found))
    found.sort(
        key=lambda one: decision.verdict is None and one.rule.id not in decision.open
    )  # what is open comes first
    lead = found[0]
    state: State = decision.verdict or ("candidate" if lead.sure else "possible")
    first, last = lead.window.first, lead.window.last
    assert first is not None and last is not None  # noqa: S101, PT018  # a match has a window
    id_ = event_id(frame, lead.candidate.key)
    as_ = ids_decided(frame, lead.candidate.named, (one.rule.id for one in found))
    return DoseLimitingToxicity(
        id=id_,
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/dlt/{lead.rule.id}",
            book=book_version,
            inputs=tuple(
                Input(name=lead.rule.id, value=words, source=source) for words, source in lead.candidate.inputs
            ),
            comparison=_comparison(frame, lead),
            reasons=(*_reasons(frame, dlt, found), *decision.reasons),
            sentence=" ".join((*_sentence(lead, decision.verdict), *_others(found))),
        ),
        rule=lead.rule.id,
        rule_text=lead.rule.text,
        example_rule=dlt.example,
        state=state,
        about=(lead.candidate.about,),
        term=lead.candidate.term,
        grade=None if lead.candidate.composite else lead.candidate.grade,
        onset=lead.candidate.began,
        window_from=first,
        window_to=last,
        infusions=lead.window.infusions,
        adjudicated_by=decision.by.by if decision.by else None,
        adjudication=_said(decision.by.verdict, decision.by.decided_at, decision.by.why) if decision.by else None,
        rules=tuple(_met(frame, one) for one in found),
        decisions=decision.told,
        decided_as=tuple(one for one in as_ if one != id_),
        record=lead.candidate.record,
    )


def _said(verdict: str, decided_at: datetime, why: str) -> str:
    return f"{verdict} on {decided_at.isoformat()}: {why}"


def dlt_id(frame: Frame, key: str) -> str:
    """The id of the finding about one event."""
    return event_id(frame, key)


def _ground(frame: Frame, one: Match) -> Ground:
    """Since when the rule has been met: since the grade it asks for began and was told, and since it lasted so long."""
    asked = one.rule.grade.lowest if one.rule.grade else 0
    told = [since for since, grade in one.candidate.rose if grade >= asked]
    since = [min(told)] if told else []
    if one.candidate.since is not None:
        since.append(one.candidate.since.earliest(frame.zone))
    return Ground(
        rule=one.rule.id,
        candidate=one.sure,
        met_from=max((*since, *_lasted_at(frame, one)), default=None),
        span=one.candidate.span,
        another=told_as_another(one.candidate),
        less=told_as_less(one.rule, one.candidate),
        moved=told_as_begun(frame, one.candidate),
        began=one.candidate.began.bounds(frame.zone) if one.candidate.began else None,
    )


def _lasted_at(frame: Frame, one: Match) -> Iterator[datetime]:
    """When the duration is reached for certain, counted from the latest that the onset can mean."""
    since = one.candidate.began
    if one.rule.lasting is not None and since is not None:
        yield (since.latest(frame.zone) + one.rule.lasting.length).astimezone(frame.zone)


def _met(frame: Frame, one: Match) -> RuleMet:
    """What the finding says of one rule; a duration that still runs has an earliest instant, nothing else has."""
    running = "duration" in one.open and one.candidate.longest is None and not one.candidate.over
    running = running and not _begun_unseen(one)
    return RuleMet(
        rule=one.rule.id,
        text=one.rule.text,
        met=one.sure,
        open=one.open,
        comparison=_comparison(frame, one),
        candidate_from=next(_lasted_at(frame, one), None) if running else None,
        ends_with=tuple(_ends_with(frame, one)),
    )


def _begun_unseen(one: Match) -> bool:
    """Whether a measured grade may have begun before anybody saw it: then no time that passes can decide (T45)."""
    return one.candidate.analyte is not None and "window" in one.open


def _ends_with(frame: Frame, one: Match) -> Iterator[str]:
    """What would end the possibility, for each condition that is open."""
    rule, candidate = one.rule, one.candidate
    below = f"below grade {rule.grade.lowest}" if rule.grade else "over"
    if "grade" in one.open and rule.grade:
        yield f"a grade of at most {rule.grade.lowest - 1}"
    if "duration" in one.open and rule.lasting and not _begun_unseen(one):
        if candidate.onset is None:
            yield f"an onset and an end not {rule.lasting} apart"
        elif candidate.longest is None and not candidate.over:
            end = (candidate.since or candidate.onset).earliest(frame.zone) + rule.lasting.length
            yield f"known to be {below} by {end.astimezone(frame.zone).isoformat(timespec='minutes')}"
        else:
            yield f"the days on which it was {below}" if candidate.at_most else "an onset and an end told more exactly"
    if "attribution" in one.open:
        yield f"an attribution other than {', '.join(rule.attribution)}"
    if "window" in one.open:
        began = f"grade {rule.grade.lowest} begun" if candidate.later and rule.grade else "an onset"
        shown = "shown by results to lie " if _begun_unseen(one) else ""
        yield f"{began} {shown}outside {one.window.first} to {one.window.last}"


def _reasons(frame: Frame, dlt: Dlt, found: list[Match]) -> Iterator[str]:
    if dlt.example:
        yield "T3: example rule, to be signed by the sponsor"
    lead = found[0]
    yield from (f"T4: {name} not decided yet" for name in lead.open)
    began = lead.candidate.began
    if began is None:
        yield "T4: no onset was told"
    elif lead.candidate.outlasts is not None:
        yield f"T4: it began before infusion {lead.candidate.outlasts} and is counted from there"
        yield from unseen_before_lymphodepletion(lead.candidate)
    elif "window" in lead.open and lead.candidate.analyte is not None:
        yield from why_unseen(frame, lead.candidate, counted_by(lead.rule, dlt))
    elif said := disagreement(frame, began, lead.rule.window_days or dlt.window.days):
        yield said
    yield from _from_the_last(frame, dlt, lead)
    own, sponsor = lead.candidate.attribution, lead.candidate.by_sponsor
    if sponsor in lead.rule.attribution and own not in lead.rule.attribution:
        yield f"G24: by the investigator {own}, by the sponsor {sponsor}: one of the two is enough"
    if lead.candidate.at_most and lead.candidate.longest is not None and lead.rule.grade:
        most = lasted(lead.candidate.longest)
        yield f"T50: one line is told for the whole event; it was at grade {lead.rule.grade.lowest} for at most {most}"
    yield from lead.candidate.undecided


def _from_the_last(frame: Frame, dlt: Dlt, lead: Match) -> Iterator[str]:
    """What it means for a finding that its window moves with every infusion."""
    if dlt.window.anchor != "last_infusion":
        return
    plan, last = frame.version.infusions, frame.infusions[-1]
    if last.number not in lead.window.infusions:
        yield f"T1: outside the window of infusion {last.number}, the last; confirmed by a person, so it counts"
    elif plan is not None and len(frame.infusions) < len(plan.days):
        yield "T1: the window is counted from the last infusion: one more infusion moves it past this onset"


def _comparison(frame: Frame, one: Match) -> str:
    rule, candidate, window, onset = one.rule, one.candidate, one.window, one.candidate.began
    infusions = ", ".join(str(number) for number in window.infusions)
    parts = [f"grade {candidate.grade} against {rule.grade}"] if rule.grade else []
    if rule.lasting:
        parts.append(f"{duration(candidate)} against {rule.lasting}")
    day = frame.study_day(onset) if onset else None
    at = f"{_word(candidate)} {onset or 'not told'}" + (f" (day {day})" if day is not None else "")
    return "; ".join([*parts, f"{at} in the window {window.first} to {window.last} of infusion {infusions}"])


def _word(candidate: Candidate) -> str:
    """How the beginning of what a rule asks for is told."""
    if candidate.outlasts is not None:
        return f"counted from infusion {candidate.outlasts} at"
    if candidate.later:
        return "at that grade at some time since"
    return "onset" if candidate.began == candidate.onset else "at that grade since"


_DECIDED = {"confirmed": "A person has confirmed it as a DLT.", "refuted": "A person has decided that it is no DLT."}


def _sentence(lead: Match, verdict: str | None) -> Iterator[str]:
    candidate, rule = lead.candidate, lead.rule
    onset, since = candidate.onset, candidate.began
    again = f", {_word(candidate)} {since}: " if since != onset else ": "
    began = f", onset {onset or 'not told'}{again}"
    said = f"{candidate.term}" + (f", grade {candidate.grade}" if rule.grade else "") + began
    if not lead.sure:
        yield f"{said}may meet the rule '{rule.text}'; the {' and '.join(lead.open)} cannot be decided yet."
    elif verdict is None:
        yield f"{said}meets the rule '{rule.text}'. A person must adjudicate it."
    else:
        yield f"{said}meets the rule '{rule.text}'."
    if verdict is not None:
        yield _DECIDED[verdict]


def _others(found: list[Match]) -> Iterator[str]:
    for one in found[1:]:
        yield f"It {'also meets' if one.sure else 'may also meet'} the rule '{one.rule.text}'."


def observe(found: Iterable[DoseLimitingToxicity]) -> tuple[date, str] | None:
    """Until which day a possible DLT has to be watched to be decided, and why: its duration is still running (T4)."""
    return max(
        (
            (met.candidate_from.date(), f"{one.term} may still meet {met.rule} ({met.text})")
            for one in found
            if one.state == "possible"
            for met in one.rules
            if met.candidate_from is not None
        ),
        default=None,
    )


def worst(states: Iterable[str]) -> Literal["none", "possible", "candidate", "confirmed"]:
    """What the DLT findings of a subject come to; a refuted one is none."""
    found = set(states)
    if "confirmed" in found:
        return "confirmed"
    if "candidate" in found:
        return "candidate"
    return "possible" if "possible" in found else "none"
