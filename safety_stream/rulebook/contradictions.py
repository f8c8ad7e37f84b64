"""What a protocol says that nobody can mean: no subject, day or event could meet it, or it contradicts itself. Pure.

Its law: all of a version is read, so that every such slip comes at once, each with the place it stands at.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations, pairwise

from safety_stream.quantity import plain
from safety_stream.rulebook.dlt_rules import Composite, DltRule
from safety_stream.rulebook.escalation_table import Escalation
from safety_stream.rulebook.impossible_criteria import impossible_criteria
from safety_stream.rulebook.protocol import Expected, ProtocolVersion
from safety_stream.rulebook.sheet import Path
from safety_stream.rulebook.slip import Slip
from safety_stream.rulebook.suggesting import folded_term

# Enrolling and expanding are one: both ask for more subjects at the level.
_HOW_STRICT = {"escalate": 0, "enrol": 1, "expand": 1, "stop": 2}
_NO_TIME = timedelta(0)
_LONGEST = timedelta(days=730)  # the longest window a protocol may have
_WORST = 5


def contradictions(version: ProtocolVersion) -> Iterator[Slip]:
    """Everything in a version that cannot be meant."""
    oldest, youngest = version.oldest_age, version.adults_from_age
    if oldest is not None and oldest < youngest:
        yield Slip(("oldest_age",), f"nobody is {youngest} or more and {oldest} at most", f"{youngest} or more")
    yield from impossible_criteria(version)
    yield from _doses(version)
    yield from _expected_days(version)
    yield from _durations(version)
    yield from _limiting_rules(version)
    if version.escalation is not None:
        yield from _milder_decisions(version.escalation)
        yield from _cohort_sizes(version.escalation)
    yield from _hematotoxicity_days(version)
    yield from _clocks(version)


def _doses(version: ProtocolVersion) -> Iterator[Slip]:
    """Dose levels rise, and the conditioning before the product begins before it."""
    for i, (one, other) in enumerate(pairwise(version.dose_levels), start=1):
        path: Path = ("dose_levels", i)
        if one.unit != other.unit:
            yield Slip((*path, "unit"), f"{other.unit} after a level in {one.unit}", "one unit for all levels")
        elif one.amount >= other.amount:
            wrong = f"{plain(other.amount)} {other.unit} is not above level {one.number} ({plain(one.amount)})"
            yield Slip((*path, "amount"), wrong, "each level above the one before it")
    for i, drug in enumerate(version.lymphodepletion):
        path = ("lymphodepletion", i, "days")
        if list(drug.days) != sorted(set(drug.days)):
            yield Slip(path, f"days {', '.join(map(str, drug.days))}", "each day once, in order")
        elif drug.days[0] > 0:
            yield Slip(path, f"day {drug.days[0]} is after the first infusion", "day 0 or before: it comes first")


def _expected_days(version: ProtocolVersion) -> Iterator[Slip]:
    rows = list(enumerate(version.expected))
    for i, one in rows:
        if one.from_day > one.to_day:
            yield Slip(
                ("expected", i), f"no day is from day {one.from_day} to day {one.to_day}", "the earlier day first"
            )
    for (_, one), (i, other) in combinations(rows, 2):
        if _overlap(one, other):
            wrong = (
                f"{other.term} from day {other.from_day} overlaps days {one.from_day} to {one.to_day} of another row"
            )
            yield Slip(("expected", i), wrong, "one row for a day of a term")


def _overlap(one: Expected, other: Expected) -> bool:
    same = folded_term(one.term) == folded_term(other.term)
    return same and max(one.from_day, other.from_day) <= min(one.to_day, other.to_day)


def _durations(version: ProtocolVersion) -> Iterator[Slip]:
    """Whatever is to last: no time at all is no duration."""
    rules = version.dlt.rules if version.dlt else ()
    lasting: list[tuple[Path, DltRule | Composite]] = [(("dlt", "rules", i), rule) for i, rule in enumerate(rules)]
    lasting += [(("composites", name), one) for name, one in version.composites.items()]
    for path, one in lasting:
        if one.lasting is not None and one.lasting.length <= _NO_TIME:
            yield Slip((*path, "lasting"), f"{one.lasting} is no duration", "a time above 0; left out: however short")
        elif one.lasting is not None and one.lasting.length > _LONGEST:
            yield Slip((*path, "lasting"), f"{one.lasting} is longer than anybody is observed", "at most 730 d")
    for name, composite in version.composites.items():
        if composite.within.length <= _NO_TIME:
            wrong = f"no two samples lie within {composite.within}"
            yield Slip(("composites", name, "within"), wrong, "a time above 0")
    if version.reconciliation is not None and version.reconciliation.within.length <= _NO_TIME:
        wrong = f"nobody reports within {version.reconciliation.within}"
        yield Slip(("reconciliation", "within"), wrong, "a time above 0")
    for i, blind in enumerate(version.schedule.blind if version.schedule else ()):
        if blind.at_most.length <= _NO_TIME:
            yield Slip(
                ("schedule", "blind", i, "at_most"), f"nobody is observed every {blind.at_most}", "a time above 0"
            )


def _limiting_rules(version: ProtocolVersion) -> Iterator[Slip]:
    """Rules that no event can meet."""
    for i, rule in enumerate(version.dlt.rules if version.dlt else ()):
        path: Path = ("dlt", "rules", i)
        if not rule.attribution:
            yield Slip((*path, "attribution"), "no attribution: no report meets the rule", "one of them or more")
        if rule.grade is not None and rule.grade.lowest > _WORST:
            yield Slip((*path, "grade"), f"no grade is {rule.grade}", "'>= 1' to '>= 5'")
        if rule.about.composite is not None and "measured" not in rule.seen_as:
            wrong = f"{rule.about.composite} is made of measurements, and the rule looks at reports only"
            yield Slip((*path, "seen_as"), wrong, "measured among them, or left out")
        about = rule.about
        for of, every, aside in (
            ("term", about.terms, about.except_terms),
            ("class", about.classes, about.except_classes),
        ):
            if every and set(every) <= set(aside):
                yield Slip((*path, "about"), f"every {of} of the rule is excepted from it", "one that is left")


def _cohort_sizes(design: Escalation) -> Iterator[Slip]:
    """A group decides when it is full, never before, and a full level takes nobody more."""
    cohort, expanded = design.cohort, design.expanded
    if cohort >= expanded:
        wrong = f"a level of {expanded} is no more than its first group of {cohort}"
        yield Slip(("escalation",), wrong, "expanded above cohort (3 and 6 in a 3 + 3 design)")
        return
    for n in range(1, expanded + 1):
        row, path = {design.decisions[n, dlt] for dlt in range(n + 1)}, ("escalation", "table", n)
        if n < cohort and row & {"escalate", "expand"}:
            early = min(row & {"escalate", "expand"})
            yield Slip(path, f"{early} with {n} of a group of {cohort}", "enrol or stop until the group is full")
        elif n == cohort and "enrol" in row:
            yield Slip(path, f"enrol with {n} of a group of {cohort}", "escalate, expand or stop: the group is full")
        elif n == expanded and row & {"enrol", "expand"}:
            more = min(row & {"enrol", "expand"})
            yield Slip(path, f"{more} with {n} subjects of {expanded}", "escalate or stop: the level is full")


def _milder_decisions(design: Escalation) -> Iterator[Slip]:
    """More dose-limiting toxicities never make a decision milder, and where every subject had one nothing escalates."""
    for n in range(1, design.expanded + 1):
        row = [design.decisions[n, dlt] for dlt in range(n + 1)]
        path: Path = ("escalation", "table", n)
        for dlt, (before, after) in enumerate(pairwise(row), start=1):
            if _HOW_STRICT[after] < _HOW_STRICT[before]:
                wrong = f"{after} with {dlt} DLT of {n}, but {before} with {dlt - 1}"
                yield Slip(path, wrong, "never a milder decision with more DLTs")
        if row[n] == "escalate":
            yield Slip(path, f"escalate with {n} DLT of {n}", "no escalation where every subject had one")
        stopped = [dlt for dlt in range(1, n) if design.decisions[n - 1, dlt - 1] == "stop" and row[dlt] != "stop"]
        for dlt in stopped:
            wrong = f"{row[dlt]} with {dlt} DLT of {n}, but stop with {dlt - 1} of {n - 1}"
            yield Slip(path, wrong, "a stop to stay one when a further subject has a DLT")


def _hematotoxicity_days(version: ProtocolVersion) -> Iterator[Slip]:
    if version.hematotoxicity is None:
        return
    early, path = version.hematotoxicity.early, ("hematotoxicity", "early")
    if early.to_day < 0:
        yield Slip((*path, "to_day"), f"day {early.to_day} is before day 0, where it begins", "day 0 or later")
    elif early.never_above is not None and early.never_above.from_day > early.to_day:
        wrong = f"day {early.never_above.from_day} is after day {early.to_day}, where it ends"
        yield Slip((*path, "never_above", "from_day"), wrong, f"day {early.to_day} or earlier")
    if early.observed_every.length <= _NO_TIME:
        yield Slip((*path, "observed_every"), f"nobody is observed every {early.observed_every}", "a time above 0")


def _clocks(version: ProtocolVersion) -> Iterator[Slip]:
    limit, told = version.sae_report_within, version.reporting
    if limit.length <= _NO_TIME:
        yield Slip(("sae_report_within",), f"nobody reports within {limit}", "a time above 0")
    if told is None:
        return
    if not told.suspected:
        yield Slip(("reporting", "suspected"), "no attribution makes a suspected reaction", "one of them or more")
    if told.susar_other_days < told.susar_grave_days:
        wrong = f"{told.susar_other_days} days, fewer than the {told.susar_grave_days} of a fatal reaction"
        yield Slip(("reporting", "susar_other_days"), wrong, f"{told.susar_grave_days} or more")
    grave = timedelta(days=min(told.susar_grave_days, told.susar_other_days))
    for key, spans, longest in (
        ("sae_warn_before", told.sae_warn_before, limit.length),
        ("susar_warn_before", told.susar_warn_before, grave),
    ):
        for span in spans:
            if span.length <= _NO_TIME:
                yield Slip(("reporting", key), f"{span} before a limit is no warning", "a time above 0")
            elif span.length > longest > _NO_TIME:
                wrong = f"{span} before a limit is before its clock begins"
                yield Slip(("reporting", key), wrong, f"at most {_in_words(longest)}")


def _in_words(length: timedelta) -> str:
    return f"{length // timedelta(minutes=1) / 60:g} h"
