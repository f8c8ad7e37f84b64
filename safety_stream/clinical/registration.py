"""What a subject's header facts leave open: who is registered, enrolled and dosed, and is it as the protocol plans?

Each is a question to the data manager; none of them stops a judgement.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from safety_stream.clinical.against_plan import against_plan
from safety_stream.clinical.completing import within_tolerance
from safety_stream.clinical.contradictions import contradictions
from safety_stream.clinical.events import DoseGiven, Enrolled
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.fold import Digest, Flood
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.hematotoxicity import day_zero_unknown
from safety_stream.clinical.parts import Base
from safety_stream.clinical.queries import asked
from safety_stream.clinical.told_twice import told_twice


def questions(base: Base, digests: Mapping[str, Digest], dlts: Mapping[str, str], *, holds: bool) -> Iterator[Flood]:
    """Every question that the header's facts raise.

    ``dlts``: what each finding that can be decided on is about, by its id; ``holds``: something stands on some page.
    """
    frame, facts, _ = base
    standing = {record: one for record, one in sorted(facts.items()) if one.event.status != "entered-in-error"}
    if frame.screened is None and (standing or holds):
        yield asked("subject_not_registered", frame.subject, "events without a screening", "a screening event first")
    yield from _about_registration(frame, standing)
    yield from _about_doses(frame, standing)
    yield from day_zero_unknown(frame)
    for record, one in standing.items():
        if one.rivals:
            found = f"{len(one.rivals)} different contents under version {one.event.source.version}"
            yield asked("contradictory_versions", record, found, "a new version for a new content", _cited(one))
    yield from contradictions(base, standing, digests, dlts)
    yield from against_plan(frame, standing)
    yield from told_twice(frame, [one.event for one in standing.values()], digests)


def _cited(fact: HeaderFact) -> str:
    return f"{fact.event.source.record} v{fact.event.source.version}"


def _about_registration(frame: Frame, standing: Mapping[str, HeaderFact]) -> Iterator[Flood]:
    version, screened = frame.version, frame.screened
    if screened is not None:
        source = f"{screened.source.record} v{screened.source.version}"
        if screened.age_years is not None and screened.age_years < version.adults_from_age:
            yield asked("under_age", "age", f"{screened.age_years} years", f"{version.adults_from_age} or more", source)
        if (
            screened.age_years is not None
            and version.oldest_age is not None
            and screened.age_years > version.oldest_age
        ):
            yield asked("over_age", "age", f"{screened.age_years} years", f"{version.oldest_age} or less", source)
        if screened.protocol_version not in {None, version.version}:
            found = repr(screened.protocol_version)
            yield asked("unknown_protocol_version", "protocol version", found, "a version on file", source)
    enrolled = [(one.event, _cited(one)) for one in standing.values() if isinstance(one.event, Enrolled)]
    for event, source in enrolled:
        if version.levels and event.dose_level not in version.levels:
            known = ", ".join(str(level) for level in version.levels)
            yield asked("unknown_dose_level", "dose level", str(event.dose_level), f"one of {known}", source)
    levels = sorted({event.dose_level for event, _ in enrolled})
    if len(levels) > 1:
        said = " and ".join(str(level) for level in levels)
        yield asked("two_dose_levels", "dose level", said, "one level", *(source for _, source in enrolled))


def _about_doses(frame: Frame, standing: Mapping[str, HeaderFact]) -> Iterator[Flood]:
    zone = frame.zone
    given = [(one.event, _cited(one)) for one in standing.values() if isinstance(one.event, DoseGiven)]
    if frame.enrolled is not None:
        enrolled = frame.enrolled.enrolled
        early = [source for event, source in given if event.given.latest(zone) < enrolled.earliest(zone)]
        if early:
            yield asked("dose_before_enrolment", "dose", f"before {enrolled}", "enrolment before any dose", *early)
    elif given and frame.version.escalation is not None:  # no dosing decision waits for it where none is made
        first = min((event.given for event, _ in given), key=lambda one: one.bounds(zone))
        found, sources = f"given {first}, no enrolment", (source for _, source in given)
        yield asked("dose_without_enrolment", "dose level", found, "an enrolment at a dose level", *sources)
    for one, other in pairwise(sorted(frame.infusions, key=lambda infusion: (infusion.number, infusion.earliest))):
        if one.number == other.number:
            found = f"{one.given} and {other.given}"
            about = f"infusion {one.number}"
            yield asked("infusion_repeated", about, found, "one infusion of each number", one.source, other.source)
    plan = frame.version.infusions
    for infusion in frame.infusions:
        if plan is not None and infusion.number > len(plan.days):
            expected = f"infusions 1 to {len(plan.days)}"
            about = f"infusion {infusion.number}"
            yield asked("infusion_not_planned", about, f"given {infusion.given}", expected, infusion.source)
        level = frame.version.levels.get(frame.dose_level or 0)
        if plan is not None and level is not None and not (within := within_tolerance(frame, infusion)):
            expected = f"{level.amount} {level.unit} within {plan.tolerance_percent} %"
            code = "dose_off_plan" if within is False else "dose_not_comparable"
            found = f"{infusion.amount} {infusion.unit or '(no unit)'}"
            if infusion.amount is None:
                code, found = "dose_without_amount", "no amount"
            yield asked(code, f"infusion {infusion.number}", found, expected, infusion.source)
