"""Collectors of what belongs to a partition: replaced whole with each picture, gone with the partition."""

from collections.abc import Iterator, Mapping
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from safety_stream.clinical.cohort import StudyNumbers, Unnamed
from safety_stream.clinical.escalation import Decision
from safety_stream.metrics.making import family
from safety_stream.metrics.small_cells import SmallCells

GRADES = ("none", "0", "1", "2", "3", "4", "5")
PHASES = ("screened", "enrolled", "in_window", "completed_window", "withdrawn", "died")
_ZERO_PHASES = dict.fromkeys(PHASES, 0)
_ZERO_GRADES = dict.fromkeys(GRADES, 0)
Cells = list[tuple[tuple[str, ...], int]]


class PlaceCollector(Collector):
    """How far the worker is in each owned partition; the picture is replaced whole, never changed."""

    def __init__(self) -> None:
        self.behind: Mapping[tuple[str, int], int] = {}
        self.unfinished = 0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ownership and lag by topic and partition."""
        owned, lag, in_hand = family("partition_owned"), family("consumer_lag_messages"), family("in_hand_messages")
        for (topic, partition), behind in self.behind.items():
            owned.add_metric((topic, str(partition)), 1)
            lag.add_metric((topic, str(partition)), behind)
        in_hand.add_metric((), self.unfinished)
        yield from (owned, lag, in_hand)


class StudyCollector(Collector):
    """The owned studies in numbers; the picture is replaced whole, never changed."""

    def __init__(self, small_cells: SmallCells | None = None) -> None:
        self.owned: Mapping[int, Mapping[str, StudyNumbers]] = {}
        self._small_cells = small_cells or SmallCells()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Subjects, grades, tallies and advice of each owned study."""
        studies = {study: numbers for owned in self.owned.values() for study, numbers in owned.items()}
        for name, cells in _counts(studies).items():
            shown = family(name)
            for labels, count in self._small_cells.shown(cells):
                shown.add_metric(labels, count)
            yield shown
        yield from _plan(studies)
        yield from self._outcomes(studies)
        yield from _advice(studies)

    def _outcomes(self, studies: Mapping[str, StudyNumbers]) -> Iterator[GaugeMetricFamily]:
        """The primary outcomes with their intervals; an interval tells the count, and is hidden where the count is."""
        counted, most, of = (family(f"outcome_{name}") for name in ("subjects", "at_most_subjects", "of_subjects"))
        lower, upper = family("outcome_lower_ratio"), family("outcome_upper_ratio")
        for labels, one in _proportions(studies):
            told = {"with": one.counted, "at most": one.at_most, "of": one.of}
            shown = dict(self._small_cells.shown(list(told.items())))
            if "with" in shown:
                counted.add_metric(labels, shown["with"])
            if "at most" in shown:
                most.add_metric(labels, shown["at most"])
            if "of" in shown:
                of.add_metric(labels, shown["of"])
            if shown == told:
                lower.add_metric(labels, float(one.lower))
                upper.add_metric(labels, float(one.upper))
        yield from (counted, most, of, lower, upper)


def _counts(studies: Mapping[str, StudyNumbers]) -> dict[str, Cells]:
    made: dict[str, Cells] = {
        "subjects": [],
        "subjects_by_worst_grade": [],
        "dose_level_subjects_by_worst_grade": [],
        "adverse_events": [],
        "serious_adverse_events": [],
        "dose_level_subjects": [],
    }
    for study, numbers in studies.items():
        made["subjects"] += _cells(study, {**_ZERO_PHASES, **numbers.subjects_by_phase})
        made["subjects_by_worst_grade"] += _cells(study, {**_ZERO_GRADES, **numbers.subjects_by_worst_grade})
        made["adverse_events"] += _cells(study, {**_ZERO_GRADES, **numbers.adverse_events_by_grade})
        made["serious_adverse_events"].append(((study,), numbers.serious_events))
        for level, tally in numbers.tally_by_level.items():
            made["dose_level_subjects"] += _cells(study, tally.model_dump(), str(level))
            grades = {grade: numbers.worst_grade_by_level.get((level, grade), 0) for grade in GRADES}
            made["dose_level_subjects_by_worst_grade"] += _cells(study, grades, str(level))
    return made


def _plan(studies: Mapping[str, StudyNumbers]) -> Iterator[GaugeMetricFamily]:
    """What the protocol plans, and what was not kept to."""
    planned, staggers = family("planned_subjects"), family("stagger_breaches")
    for study, numbers in studies.items():
        if numbers.planned_subjects is not None:
            planned.add_metric((study,), numbers.planned_subjects)
        staggers.add_metric((study,), numbers.stagger_breaches)
    yield from (planned, staggers)


def _proportions(studies: Mapping[str, StudyNumbers]) -> Iterator[tuple[tuple[str, ...], Unnamed]]:
    """Those shown: DLTs of each dose level and of all, everything else of all levels together."""
    for study, numbers in studies.items():
        for one in numbers.proportions:
            if one.dose_level is None or one.outcome == "dlt":
                level = "all" if one.dose_level is None else str(one.dose_level)
                grade = "any" if one.worst_grade is None else str(one.worst_grade)
                yield (study, level, one.outcome, grade, one.among), one


def _cells(study: str, counts: Mapping[str, int], *level: str) -> Cells:
    return [((study, *level, name), count) for name, count in counts.items()]


def _advice(studies: Mapping[str, StudyNumbers]) -> Iterator[GaugeMetricFamily]:
    """A state set: each advice there is, 1 for the one that holds, so that a change leaves no stale 1 behind."""
    advice, unsupported = family("dose_level_advice"), family("dose_level_unsupported")
    for study, numbers in studies.items():
        for level, holds in numbers.decision_by_level.items():
            for decision in get_args(Decision):
                advice.add_metric((study, str(level), decision), decision == holds)
            unsupported.add_metric((study, str(level)), level in numbers.unsupported_levels)
    yield from (advice, unsupported)
