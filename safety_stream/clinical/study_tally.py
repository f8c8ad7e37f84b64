"""The primary outcomes of a study so far: who had a DLT, an adverse event, a serious one, and how grave at worst.

Each proportion names the subjects it counts and comes with its exact interval. Denominators: the DLT proportion is
told among the evaluable and among the dosed, all others among the dosed (the safety set, replaced subjects included).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from safety_stream.clinical.clopper_pearson import interval
from safety_stream.clinical.conclusion import Evidence, finding_id
from safety_stream.clinical.findings_study import Proportion, StudyTally
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.tallying import has_dlt, is_evaluable
from safety_stream.rulebook.protocol import ProtocolVersion

Outcome = Literal["dlt", "adverse_event", "serious_adverse_event", "toxicity"]


class _Graded(NamedTuple):
    """One outcome with a worst grade: the grades that it may be, from lowest to highest; none without the outcome."""

    outcome: Outcome
    worst: Callable[[SubjectStatus], range]


def _from_to(lowest: int | None, at_most: int | None) -> range:
    return range(0) if lowest is None else range(lowest, (lowest if at_most is None else at_most) + 1)


_GRADED: Final = (
    _Graded("adverse_event", lambda one: _from_to(one.followed.worst, one.followed.worst_at_most)),
    _Graded(
        "serious_adverse_event", lambda one: _from_to(one.followed.worst_serious, one.followed.worst_serious_at_most)
    ),
    _Graded("toxicity", lambda one: _from_to(one.worst_grade, one.worst_grade_at_most)),
)


def study_tally(
    study: str,
    version: ProtocolVersion,
    levels: Mapping[int, tuple[SubjectStatus, ...]],
    unknown: tuple[SubjectStatus, ...],
    mtd: int | None,
) -> StudyTally:
    """The whole study: all levels together, then each; ``unknown``: those at a level the protocol lacks, or at none."""
    everybody = (*(one for subjects in levels.values() for one in subjects), *unknown)
    strata: list[tuple[int | None, tuple[SubjectStatus, ...]]] = [(None, everybody), *levels.items()]
    planned = version.escalation.planned_subjects if version.escalation else None
    proportions = tuple(one for level, subjects in strata for one in _proportions(level, subjects))
    uncertain = tuple(sorted(one.subject for one in everybody if one.dosed and one.followed.uncertain))
    unclear = tuple(sorted(one.subject for one in everybody if one.dosed and one.unclear_emergence))
    return StudyTally(
        id=finding_id(study, "study tally"),
        study=study,
        subject=None,
        protocol_version=version.version,
        evidence=Evidence(
            rule=f"{study}/{version.version}/primary outcomes",
            book=version.version,
            comparison=f"{len(everybody)} enrolled, {'no number' if planned is None else planned} planned",
            reasons=(*_reasons(version, unknown, uncertain, _undecided(everybody)), *_of_unclear_emergence(unclear)),
            sentence=_sentence(proportions),
        ),
        enrolled=len(everybody),
        planned=planned,
        enrolment=_against(planned, len(everybody)),
        mtd=mtd,
        unknown_level=tuple(sorted(one.subject for one in unknown)),
        uncertain=uncertain,
        unclear=unclear,
        proportions=proportions,
    )


def _against(planned: int | None, enrolled: int) -> Literal["below", "reached", "exceeded"]:
    if planned is None or enrolled < planned:
        return "below"
    return "reached" if enrolled == planned else "exceeded"


class _About(NamedTuple):
    """What a proportion is about."""

    outcome: Outcome
    worst_grade: int | None
    dose_level: int | None
    among: Literal["dlt_evaluable", "dosed"]


def _proportions(level: int | None, subjects: tuple[SubjectStatus, ...]) -> Iterator[Proportion]:
    dosed = tuple(one for one in subjects if one.dosed)
    evaluable = tuple(one for one in subjects if is_evaluable(one))
    yield _proportion(_About("dlt", None, level, "dlt_evaluable"), filter(has_dlt, evaluable), len(evaluable))
    yield _proportion(_About("dlt", None, level, "dosed"), filter(has_dlt, dosed), len(dosed))
    for outcome, worst in _GRADED:
        graded = [(one, worst(one)) for one in dosed]
        yield _graded(_About(outcome, None, level, "dosed"), graded, range(1, 6))
        for grade in range(1, 6):
            yield _graded(_About(outcome, grade, level, "dosed"), graded, range(grade, grade + 1))


def _graded(about: _About, graded: list[tuple[SubjectStatus, range]], counted: range) -> Proportion:
    """Who surely has one of the grades counted, and who may have one: a grade that is not decided is none for sure."""
    may = [(one, set(worst) <= set(counted)) for one, worst in graded if not set(worst).isdisjoint(counted)]
    surely, undecided = [one for one, sure in may if sure], [one for one, sure in may if not sure]
    return _proportion(about, surely, len(graded), undecided)


def _proportion(
    about: _About, counted: Iterable[SubjectStatus], of: int, undecided: Iterable[SubjectStatus] = ()
) -> Proportion:
    subjects, more = (tuple(sorted(one.subject for one in each)) for each in (counted, undecided))
    return _stated(about, subjects, more, of)


@lru_cache(maxsize=4096)
def _stated(about: _About, subjects: tuple[str, ...], undecided: tuple[str, ...], of: int) -> Proportion:
    """Kept, for one status changes few of the hundred proportions of a study."""
    at_most = len(subjects) + len(undecided)
    lower, upper = interval(len(subjects), of).lower, interval(at_most, of).upper
    return Proportion.model_construct(
        outcome=about.outcome,
        worst_grade=about.worst_grade,
        dose_level=about.dose_level,
        among=about.among,
        count=len(subjects),
        at_most=at_most,
        of=of,
        lower=lower,
        upper=upper,
        subjects=subjects,
        undecided=undecided,
    )


def _undecided(everybody: Iterable[SubjectStatus]) -> int:
    """How many dosed subjects have an event as reported of which the worst grade is not decided."""
    told = (one.followed for one in everybody if one.dosed)
    return sum(one.worst_at_most is not None or one.worst_serious_at_most is not None for one in told)


def _reasons(
    version: ProtocolVersion, unknown: tuple[SubjectStatus, ...], uncertain: tuple[str, ...], undecided: int
) -> Iterator[str]:
    yield "95 % intervals: Clopper-Pearson, exact, 4 decimals, rounded half to even"
    yield f"T12: adverse events with onset from the first infusion to {version.follow_up} after it, not there before it"
    yield "T51: toxicities, measured or reported, are counted from the first study treatment on, without an end"
    yield "T7: the counts are of what is known now; the follow-up of some subjects may still be open"
    if version.dlt and version.dlt.example:
        yield "T3: the DLT rules are an example that no sponsor has signed"
    nowhere = sum(one.dose_level is None for one in unknown)
    if elsewhere := len(unknown) - nowhere:
        yield f"T7: {elsewhere} at a dose level that the protocol does not have, counted only in the whole"
    if nowhere:
        yield f"T7: {nowhere} dosed without an enrolment, counted only in the whole"
    if undecided:
        yield f"G24: {undecided} with reported events of which the worst grade is not decided, at no grade for certain"
    if uncertain:
        yield f"T12: {len(uncertain)} counted with an event that may have begun outside the follow-up"


def _of_unclear_emergence(unclear: tuple[str, ...]) -> Iterator[str]:
    if unclear:
        yield f"T12: {len(unclear)} with a toxicity of which it is not known whether it is worse than before treatment"


def _sentence(proportions: tuple[Proportion, ...]) -> str:
    whole = [one for one in proportions if one.dose_level is None and one.worst_grade is None]
    return "So far: " + "; ".join(told(one) for one in whole) + "."


_NAMES: Final[Mapping[Outcome, str]] = {
    "dlt": "a DLT",
    "adverse_event": "an adverse event",
    "serious_adverse_event": "a serious adverse event",
    "toxicity": "a toxicity, measured or reported, at any time since treatment began",
}


def told(one: Proportion) -> str:
    """A proportion in words: how many of whom, in percent, with its interval."""
    among = "evaluable" if one.among == "dlt_evaluable" else "dosed"
    count = str(one.count) if one.at_most == one.count else f"{one.count} to {one.at_most}"
    said = f"{count} of {one.of} {among} with {_NAMES[one.outcome]}"
    said += f" of grade {one.worst_grade} at worst" if one.worst_grade else ""
    if not one.of:
        return said
    share = " to ".join(f"{Decimal(100 * count) / one.of:.1f}" for count in sorted({one.count, one.at_most})) + " %"
    return f"{said} ({share}, 95 % interval {_percent(one.lower)} to {_percent(one.upper)} %)"


def _percent(share: Decimal) -> str:
    return f"{share * 100:.2f}"
