"""Metric objects out of the catalogue: a name that is not in it cannot be made, nor one of another kind."""

import math
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.utils import floatToGoString

from safety_stream.metrics.catalogue import BY_NAME, PREFIX, Kind, Metric

disable_created_metrics()  # type: ignore[no-untyped-call]  # half the series of a counter, read by nobody


def counter(name: str, registry: CollectorRegistry) -> Counter:
    """A counter of the catalogue."""
    metric = _entry(name, "counter")
    return Counter(PREFIX + name, metric.meaning, metric.labels, registry=registry)


def gauge(name: str, registry: CollectorRegistry) -> Gauge:
    """A gauge of the catalogue that the process sets itself."""
    metric = _entry(name, "gauge")
    return Gauge(PREFIX + name, metric.meaning, metric.labels, registry=registry)


def histogram(name: str, registry: CollectorRegistry) -> Histogram:
    """A histogram of the catalogue, with its buckets."""
    metric = _entry(name, "histogram")
    return Histogram(PREFIX + name, metric.meaning, metric.labels, registry=registry, buckets=metric.buckets)


def family(name: str) -> GaugeMetricFamily:
    """A gauge of the catalogue that a collector fills at each scrape."""
    metric = _entry(name, "gauge")
    return GaugeMetricFamily(PREFIX + name, metric.meaning, labels=metric.labels)


def counter_family(name: str) -> CounterMetricFamily:
    """A counter of the catalogue whose total is on record elsewhere, and read at each scrape."""
    metric = _entry(name, "counter")
    return CounterMetricFamily(PREFIX + name, metric.meaning, labels=metric.labels)


def add_observations(family: HistogramMetricFamily, name: str, labels: Sequence[str], seen: Sequence[float]) -> None:
    """Everything that was ever observed under one set of labels."""
    bounds = (*_entry(name, "histogram").buckets, math.inf)
    counts = [(_written(bound), float(sum(one <= bound for one in seen))) for bound in bounds]
    family.add_metric(labels, counts, sum(seen))


def histogram_family(name: str) -> HistogramMetricFamily:
    """A histogram of the catalogue whose observations are on record elsewhere, and read at each scrape."""
    metric = _entry(name, "histogram")
    return HistogramMetricFamily(PREFIX + name, metric.meaning, labels=metric.labels)


def info(name: str, values: dict[str, str]) -> InfoMetricFamily:
    """An info metric of the catalogue; every label must be given."""
    metric = _entry(name, "info")
    made = InfoMetricFamily(PREFIX + name, metric.meaning, labels=())
    made.add_metric((), {label: values[label] for label in metric.labels})
    return made


def _entry(name: str, kind: Kind) -> Metric:
    metric = BY_NAME[name]
    if metric.kind != kind:
        raise ValueError(f"metric {name} is a {metric.kind}, not a {kind}")
    return metric


def _written(bound: float) -> str:
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]  # as the library's own histograms write it
