"""Metric objects out of the catalogue: a name that is not in it cannot be made, nor one of another kind."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

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
