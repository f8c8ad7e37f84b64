"""Hematotoxicity after effector cells (ICAHT): graded by how deep the neutrophils fell and for how many days.

    day        0     2     5     9    12    16    20        at or below 0.5 (register T40):
    NEUT     1.2   0.4   0.3   0.2   0.4   0.8   2.0        days 2 to 12 for certain (11 days), 1 to 15 at most (15)
                     *     *     *     *     o     o        so grade 2 to 3

A day counts as low by its lowest count. Days between two low samples count when they lie close enough; days on either
side of them may count. A recovery of fewer days than the rule asks for counts as low. What is not known leaves a range;
where the day of the infusion itself is not known, nothing can be counted: one question asks for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from safety_stream.clinical.conclusion import PRELIMINARY, Evidence, GradeRange, Input, finding_id
from safety_stream.clinical.depths import counted_from, day_zero, may_be_low
from safety_stream.clinical.findings_measured import CompositeMet
from safety_stream.clinical.fold import Digest, Flood
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.low_days import Stretch, longest, perhaps, surely
from safety_stream.clinical.queries import asked
from safety_stream.clinical.running import Depth, Depths, Point
from safety_stream.clinical.sample import grades
from safety_stream.rulebook.hematotoxicity_rules import Hematotoxicity
from safety_stream.rulebook.written import Words

EARLY, LATE = "icaht-early", "icaht-late"
TOLD_FROM = 3


UNDETERMINED = "undetermined"

Held = dict[str, Stretch | None]


class Judged(NamedTuple):
    """One part of the grading: the grade, what decided it, the samples that show it, what is not known."""

    grade: GradeRange
    compared: str
    points: tuple[Point, ...]
    reasons: tuple[str, ...]


def hematotoxicity(frame: Frame, digests: Mapping[str, Digest], book_version: str) -> Iterator[CompositeMet]:
    """Early and late hematotoxicity of a dosed subject, each as one finding; none where the counts stayed above."""
    rules = frame.version.hematotoxicity
    if rules is None or day_zero(frame, rules) is None:
        return
    depths = digests.get(rules.analyte, Digest()).depths
    early, late = _early(depths, rules), _late(depths, rules)
    if early is not None:
        yield _finding(EARLY, rules.early.text, early, frame, book_version)
    if late is not None and rules.late is not None:
        yield _finding(LATE, rules.late.text, late, frame, book_version)


def day_zero_unknown(frame: Frame) -> Iterator[Flood]:
    """The question for the day of the infusion that days are counted from, where only its month or year is known."""
    rules = frame.version.hematotoxicity
    infusion = counted_from(frame, rules) if rules is not None else None
    if infusion is None or infusion.first_day == infusion.last_day:
        return
    found = f"given {infusion.given}: some day from {infusion.first_day} to {infusion.last_day}"
    expected = "the day of this infusion; until then early and late hematotoxicity (ICAHT) are undetermined"
    yield asked("icaht_day_zero_unknown", f"infusion {infusion.number}", found, expected, infusion.source)


def in_status(found: Iterable[CompositeMet], frame: Frame) -> dict[str, str]:
    """What the subject's status says: each part with its grade, or both undetermined while day 0 is not known."""
    rules = frame.version.hematotoxicity
    if rules is not None and any(day_zero_unknown(frame)):
        return dict.fromkeys((EARLY, LATE) if rules.late is not None else (EARLY,), UNDETERMINED)
    return {one.composite: str(one.grade) for one in found}


def _early(depths: Depths, rules: Hematotoxicity) -> Judged | None:
    known, possible = Held(), Held()
    for place, when in enumerate(rules.early_limits):
        known[when] = longest(surely(depths.days, place, rules.early), rules.early)
        possible[when] = longest(perhaps(depths.days, place, rules.early), rules.early)
    lowest = max(_grade(known, rules), _never_above(depths.days, rules, known, sure=True))
    highest = max(_grade(possible, rules), _never_above(depths.days, rules, possible, sure=False))
    reasons = ["T40: between the samples it may have lasted"] if lowest < highest else []
    if depths.undated is not None:
        reasons.append(f"T40: the day of the count {depths.undated.value} of {depths.undated.observed_at} is not known")
        highest = max(highest, min(one.grade for one in rules.early.lasting))
    if not highest:
        return None
    compared = "; ".join(_for_days(when, known[when], possible[when]) for when in rules.early_limits if possible[when])
    return Judged(grades(lowest, highest), compared or "no day is known", _cited(depths, rules), tuple(reasons))


def _grade(held: Held, rules: Hematotoxicity) -> int:
    """The grade by the longest stretch at or below each count."""
    return max((one.grade for one in rules.early.lasting if _lasts(held[one.when], one.days)), default=0)


def _lasts(one: Stretch | None, days: int) -> bool:
    return one is not None and one.days >= days


def _for_days(when: Words, known: Stretch | None, possible: Stretch | None) -> str:
    surely, most = known.days if known else 0, possible.days if possible else 0
    span = "" if known is None else f" (day {known.first})" if surely == 1 else f" (days {known.first} to {known.last})"
    return f"{when} for {surely} d{span}" + (f", {most} d at most" if most > surely else "")


def _never_above(days: tuple[Depth, ...], rules: Hematotoxicity, held: Held, *, sure: bool) -> int:
    """The grade of a count that, once low, stayed so to the last early day: seen above on no day since."""
    never = rules.early.never_above
    stretch = held[never.when] if never else None
    if never is None or stretch is None or stretch.first > never.from_day or stretch.last < rules.early.to_day:
        return 0
    place = rules.early_limits.index(never.when)
    inside = [one.low[place] for one in days if stretch.first <= one.day <= stretch.last]
    return never.grade if all(low or (low is None and not sure) for low in inside) else 0


def _cited(depths: Depths, rules: Hematotoxicity) -> tuple[Point, ...]:
    """The first and the last low sample of the early days, and the deepest of them."""
    low = [one for one in depths.days if 0 <= one.day <= rules.early.to_day and may_be_low(one)]
    if not low:
        return (depths.undated,) if depths.undated else tuple(one.point for one in depths.days[:1])
    deepest = max(low, key=lambda one: (sum(v is True for v in one.low), -one.day))
    return tuple(dict.fromkeys((low[0].point, deepest.point, low[-1].point)))


def _late(depths: Depths, rules: Hematotoxicity) -> Judged | None:
    lowest, highest, points, compared = 0, 0, tuple[Point, ...](), ""
    for (grade, when), one in zip(rules.late_limits, depths.late, strict=False):
        pair = one.met or one.perhaps or ((one.running,) if one.running else ())
        if not pair:
            continue
        highest, lowest = grade, grade if one.met else lowest
        if one.met or not lowest:
            points = tuple(late.point for late in pair)
            compared = f"{when} on {' and '.join(f'day {late.day}' for late in pair)}"
    if not highest:
        return None
    reasons = ("T42: a second sample in a row, at or below the count for certain, decides",) if lowest < highest else ()
    return Judged(grades(lowest, highest), compared, points, reasons)


def _finding(name: str, text: Words, judged: Judged, frame: Frame, book_version: str) -> CompositeMet:
    rules = frame.version.hematotoxicity
    assert rules is not None  # noqa: S101  # the caller's condition
    points = sorted(judged.points, key=lambda one: (*one.observed_at.bounds(frame.zone), one.source))
    onset = points[0].observed_at
    reasons = (*judged.reasons, *rules.readings)
    return CompositeMet(
        id=finding_id(frame.study, frame.subject, "composite", name),
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/hematotoxicity/{name}",
            book=book_version,
            inputs=tuple(_input(rules.analyte, one) for one in points),
            comparison=judged.compared,
            reasons=reasons,
            sentence=f"{text}: grade {judged.grade}. {judged.compared}; not a CTCAE grade.",
        ),
        composite=name,
        text=text,
        source=rules.source,
        state="sure" if judged.grade.lowest else "possible",
        onset=onset,
        completed=points[-1].observed_at,
        emergent=frame.treated_before(*onset.bounds(frame.zone)),
        tell="hematotoxicity" if judged.grade.highest >= TOLD_FROM else None,
        study_day=frame.study_day(onset),
        grade=judged.grade,
    )


def _input(name: str, one: Point) -> Input:
    value = f"{one.value}{PRELIMINARY}" if one.preliminary else one.value
    return Input(name=f"{name} at {one.observed_at}", value=value, unit=one.unit, source=one.source)
