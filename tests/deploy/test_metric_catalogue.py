"""One truth: what is exported, what rules and dashboards read, and the catalogue are the same names and labels."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
from findings_made import toxicity
from prometheus_client import CollectorRegistry, generate_latest
from ruamel.yaml import YAML

from safety_stream.alerting.notes import BudgetLine
from safety_stream.clinical.cohort import StudyNumbers, Unnamed
from safety_stream.clinical.findings_study import Tally
from safety_stream.metrics import making
from safety_stream.metrics.catalogue import BY_SERIES, METRICS, Metric
from safety_stream.metrics.small_cells import SmallCells
from safety_stream.notifier.alert_state import AlertCounts
from safety_stream.notifier.canary import Canary
from safety_stream.notifier.metrics import Metrics as NotifierMetrics
from safety_stream.notifier.pending import Waiting
from safety_stream.notifier.response import Responses
from safety_stream.settings import Settings
from safety_stream.worker.clinic import judgement_of
from safety_stream.worker.metrics import Metrics, Shown
from safety_stream.worker.shown import shown

ROOT = Path(__file__).resolve().parents[2]
OURS = "safety_stream_"
BY_OTHERS = {"instance", "job"}  # put on by Prometheus


def outcomes(levels: int) -> Iterator[Unnamed]:
    """What the study's tally tells: of all levels and of each, a DLT twice, the others at any grade and at each."""
    lower, upper = Decimal("0.0084"), Decimal("0.9057")  # 1 of 3: 1 - 0.975**(1/3), and the root of the other tail
    for level in (None, *range(1, levels + 1)):
        yield Unnamed("dlt", None, level, "dlt_evaluable", 1, 1, 3, lower, upper)
        yield Unnamed("dlt", None, level, "dosed", 1, 1, 3, lower, upper)
        for outcome in ("adverse_event", "serious_adverse_event", "toxicity"):
            for grade in (None, 1, 2, 3, 4, 5):
                yield Unnamed(outcome, grade, level, "dosed", 1, 1, 3, lower, upper)


def numbers(levels: int = 4) -> StudyNumbers:
    """A study with every kind of count."""
    return StudyNumbers(
        {"enrolled": 3, "in_window": 12},
        {"3": 2, "none": 1},
        {level: Tally(enrolled=3, dlt=1) for level in range(1, levels + 1)},
        dict.fromkeys(range(1, levels + 1), "stop"),
        {"3": 4},
        2,
        proportions=tuple(outcomes(levels)),
        planned_subjects=18,
        stagger_breaches=1,
        worst_grade_by_level={(1, "3"): 2},
        unsupported_levels=frozenset({1}),
    )


def a_worker(about: Shown, studies: tuple[str, ...] = ("A-1",)) -> Metrics:
    """A worker's metrics after something of everything."""
    made = Metrics(studies, shown=about)
    made.received("safety.labs", 1000.0)
    made.rejected("safety.labs", "not_json")
    made.took("intake", "judge", 0.1)
    made._graded.labels(studies[0], "ALT", "3")
    made.place.behind = {("safety.events", 0): 3}
    made.studies_are(0, {study: numbers() for study in studies})
    return made


def a_notifier(studies: tuple[str, ...] = ("A-1",)) -> NotifierMetrics:
    """A notifier's metrics with something of everything."""
    counts = AlertCounts(
        {(study, "lab_grade_4", "critical", "unacknowledged"): 1 for study in studies},
        {(study, "critical"): 1 for study in studies},
        {(study, "critical"): 1000 for study in studies},
    )
    week = tuple(BudgetLine(study=study, mailed=6, subjects=3, limit=Decimal(2)) for study in studies)
    responses = Responses(budget=week, studies=studies)
    made = NotifierMetrics(lambda: Waiting(1, 0, 1000), lambda: counts, lambda: responses)
    made._backlog.last_success = 5.0
    made.canary.canary = a_canary()
    return made


def a_canary() -> Canary:
    """One that has arrived."""
    unused: Any = None
    made = Canary(
        unused, "safety.labs", timedelta(minutes=5), unused, unused, unused, lambda: datetime(2026, 11, 25, tzinfo=UTC)
    )
    made.seconds = 2.0
    return made


ABOUT = Shown(
    topics={"safety.labs": 8},
    feeds=("safety.labs",),
    silence_limits={"safety.labs": 60.0},
    build={"version": "1", "ctcae_version": "5.0", "rulebook_sha256": "a"},
)


def samples(*registries: CollectorRegistry) -> Iterator[tuple[str, frozenset[str]]]:
    """Name and labels of every series."""
    for registry in registries:
        for family in registry.collect():
            for sample in family.samples:
                yield sample.name, frozenset(sample.labels)


def test_what_is_exported_is_the_catalogue() -> None:
    """Every series of both processes is in it with just these labels, and nothing in it goes unexported."""
    exported = dict(samples(a_worker(ABOUT).registry, a_notifier().registry))
    assert exported == {series: labels for series, metric in BY_SERIES.items() for labels in [_labels(series, metric)]}


def _labels(series: str, metric: Metric) -> frozenset[str]:
    return metric.all_labels if series.endswith("_bucket") else frozenset(metric.labels)


def test_promtool_finds_no_fault_with_what_is_exported() -> None:
    """Prometheus' own lint of names, types and help."""
    import subprocess

    from debian_tools import tool

    page = generate_latest(a_worker(ABOUT).registry) + generate_latest(a_notifier().registry)
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=page, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def expressions() -> Iterator[tuple[str, str]]:
    """Where each expression of rules and dashboards stands, and the expression with its variables filled in."""
    for file in sorted((ROOT / "deploy/prometheus/rules").glob("*.yml")):
        for group in YAML(typ="safe").load(file.read_text())["groups"]:
            for rule in group["rules"]:
                yield f"{file.name}: {rule.get('alert', rule.get('record'))}", rule["expr"]
    for file in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield f"{file.name}: {panel['title']}", filled(target["expr"])


def filled(expression: str) -> str:
    """An expression as Grafana would send it."""
    return expression.replace("$__rate_interval", "5m").replace("$study", ".*")


EXPRESSIONS = list(expressions())
RECORDED = {where.split(": ")[1] for where, _ in EXPRESSIONS if where.startswith("recording")}


def selectors(node: Any) -> Iterator[Any]:
    """Every vector selector in an expression."""
    if isinstance(node, promql.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        child = getattr(node, name, None)
        if child is not None:
            yield from selectors(child)
    args = getattr(node, "args", None)
    for child in args if isinstance(args, list) else ():
        yield from selectors(child)


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_every_name_and_label_that_is_read_exists(where: str, expression: str) -> None:
    """It parses, and each selector names a series of the catalogue, with labels that it has."""
    for selector in selectors(promql.parse(expression)):
        if selector.name in RECORDED or not selector.name.startswith(OURS):
            assert selector.name in RECORDED or selector.name in {"up", "ALERTS"}, f"{where}: {selector.name}"
            continue
        metric = BY_SERIES[selector.name]
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= metric.all_labels | BY_OTHERS, f"{where}: {selector.name}"


def test_every_metric_is_read_somewhere() -> None:
    """A metric that no rule and no panel reads is only cost."""
    read = {one.name for _, expression in EXPRESSIONS for one in selectors(promql.parse(expression))}
    unread = [metric.name for metric in METRICS if not read & set(metric.series)]
    assert not unread


def test_the_budget_of_series_holds() -> None:
    """Three studies of four dose levels and thirty analytes on one worker and one notifier: at most 3,500 series."""
    studies = ("A-1", "B-2", "C-3")
    about = shown(Settings(partitions=8), judgement_of(Settings()))
    about = Shown(
        about.topics, about.feeds, about.silence_limits, [f"A{n}" for n in range(30)], about.build, SmallCells()
    )
    total = len(list(samples(a_worker(about, studies).registry, a_notifier(studies).registry)))
    assert total <= 3500


def test_a_metric_that_is_not_in_the_catalogue_cannot_be_made() -> None:
    """Nor one of another kind."""
    with pytest.raises(KeyError):
        making.counter("subjects_by_name", CollectorRegistry())
    with pytest.raises(ValueError, match="is a gauge, not a counter"):
        making.counter("subjects", CollectorRegistry())


@pytest.mark.parametrize(
    ("cells", "shown_as"),
    [
        (SmallCells(), {"a": 0, "b": 1, "c": 4, "d": 5}),
        (SmallCells(5, "round"), {"a": 0, "b": 5, "c": 5, "d": 5}),
        (SmallCells(5, "hide"), {"a": 0, "d": 5}),
    ],
)
def test_small_cells_are_rounded_up_or_hidden(cells: SmallCells, shown_as: dict[str, int]) -> None:
    """From 1 to below the limit; 0 and the limit itself stay; never lower than the truth."""
    assert dict(cells.shown({"a": 0, "b": 1, "c": 4, "d": 5}.items())) == shown_as


def test_small_cells_reach_the_page_and_leave_the_advice() -> None:
    """Three enrolled subjects are shown as five; that the level is stopped is shown as it is."""
    about = Shown(small_cells=SmallCells(5, "round"))
    page = generate_latest(a_worker(about).registry).decode()
    assert 'safety_stream_subjects{phase="enrolled",study="A-1"} 5.0' in page
    assert 'safety_stream_subjects{phase="in_window",study="A-1"} 12.0' in page
    assert 'safety_stream_dose_level_advice{decision="stop",dose_level="1",study="A-1"} 1.0' in page


def test_no_label_can_hold_a_subject() -> None:
    """Labels are words of the house; none of them is about a person or free text."""
    labels = {label for metric in METRICS for label in metric.labels}
    assert not labels & {"subject", "site", "arm", "address", "recipient", "value", "alert_id"}
    assert str(toxicity(4).subject) not in generate_latest(a_worker(ABOUT).registry).decode()


def test_an_outcome_is_shown_with_its_interval_and_a_small_one_without() -> None:
    """1 of 3 with its exact interval (0.84 % to 90.57 %, R: binom.test(1, 3)); hidden, it tells nothing at all."""
    labels = 'among="dlt_evaluable",dose_level="all",outcome="dlt",study="A-1",worst_grade="any"'
    page = generate_latest(a_worker(ABOUT).registry).decode()
    assert f"safety_stream_outcome_subjects{{{labels}}} 1.0" in page
    assert f"safety_stream_outcome_of_subjects{{{labels}}} 3.0" in page
    assert f"safety_stream_outcome_lower_ratio{{{labels}}} 0.0084" in page
    assert f"safety_stream_outcome_upper_ratio{{{labels}}} 0.9057" in page
    for mode in ("hide", "round"):
        about = Shown(small_cells=SmallCells(5, mode))
        page = generate_latest(a_worker(about).registry).decode()
        assert "safety_stream_outcome_lower_ratio{" not in page
        assert f"safety_stream_outcome_subjects{{{labels}}} 1.0" not in page
