"""A real Prometheus scrapes real workers through a rebalance and a SIGKILL: no sum above the truth, no long gap.

The trial is judged first, so that the truth is known and stands still; then a second worker comes (a rebalance), the
worker that shows the study is killed, and the other takes over. A steady demand is put to Prometheus all the while.
"""

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from debian_tools import tool
from worker_process import await_done, worker

from safety_stream.broker.publishing import publisher
from safety_stream.sandbox.inbox import Inbox
from safety_stream.sandbox.loopback import free_ports
from safety_stream.sandbox.publish import publish_lines
from safety_stream.sandbox.simulator import simulated_trial
from safety_stream.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
STUDY = "CAR-NK-SLE-01"
SUBJECTS = f'sum(max without (instance, job) (safety_stream_subjects{{study="{STUDY}"}}))'
FIRING = 'count(ALERTS{alertstate="firing", audience="dsmb"}) or vector(0)'
SHOWN_BY = f'count(count by (instance) (safety_stream_subjects{{study="{STUDY}"}}))'
OWNED, OWNED_IN_ALL = "sum(safety_stream_partition_owned)", 7 * 4  # five inbound topics, events and statuses
GAP_SECONDS = 60.0


class Prometheus:
    """A Prometheus of the test's own, with our rules, scraping every second."""

    def __init__(self, folder: Path, workers: list[int], notifier: int, port: int) -> None:
        self.port = port
        targets = ", ".join(f'"127.0.0.1:{one}"' for one in workers)
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            f"rule_files: ['{ROOT}/deploy/prometheus/rules/*.yml']\n"
            "scrape_configs:\n  - job_name: safety-stream-worker\n"
            f"    static_configs: [{{targets: [{targets}]}}]\n"
            "  - job_name: safety-stream-notifier\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{notifier}']}}]\n"
        )
        self.command = [
            tool("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]

    @contextmanager
    def running(self) -> Iterator["Prometheus"]:
        """While it runs."""
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield self
        finally:
            process.kill()
            process.wait(10)

    def ask(self, path: str, **asked: Any) -> list[dict[str, Any]]:
        """The result of a query; empty while it does not answer."""
        try:
            url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
            return list(json.loads(urllib.request.urlopen(url, timeout=5).read())["data"]["result"])
        except OSError:
            return []

    def value(self, expression: str) -> float | None:
        """One number, or none."""
        found = self.ask("query", query=expression)
        return float(found[0]["value"][1]) if found else None

    def until(self, expression: str, wanted: float, within: float = GAP_SECONDS) -> float:
        """Wait for a value; how long it took."""
        began = monotonic()
        while self.value(expression) != wanted:
            assert monotonic() - began < within, f"{expression} is {self.value(expression)}, not {wanted}"
            sleep(0.2)
        return monotonic() - began


def test_no_sum_is_above_the_truth_and_no_study_is_gone_for_long(kafka_topics: Settings, tmp_path: Path) -> None:
    """Through a rebalance and a SIGKILL; and a clinical alert that fires goes on firing."""
    first, second, third, port = free_ports(4)
    settings = kafka_topics.model_copy(update={"clock": "event", "session_timeout_seconds": 6.0})
    with publisher(settings) as way_in:
        publish_lines((message.line for message in simulated_trial().messages), way_in, settings)
    one = settings.model_copy(update={"metrics_port": first, "worker_id": "worker-1"})
    two = settings.model_copy(update={"metrics_port": second, "worker_id": "worker-2"})
    prometheus = Prometheus(tmp_path, [first, second], third, port)
    with (
        Inbox(tmp_path / "mails") as inbox,
        prometheus.running(),
        messenger(settings, inbox, third, tmp_path / "notifier.log"),
        worker(one, clinical=True) as running,
    ):
        await_done(settings, running, events=1000, within=400)
        sleep(3)  # three scrapes: the picture after the last event is in
        began, truth, firing = monotonic(), prometheus.value(SUBJECTS), prometheus.value(FIRING)
        assert truth
        with worker(two, clinical=True) as other:
            prometheus.until("sum(safety_stream_worker_ready)", 2)
            prometheus.until(OWNED, OWNED_IN_ALL)
            prometheus.until(SUBJECTS, truth)
            prometheus.until(SHOWN_BY, 1)
            holder = prometheus.ask("query", query=f'safety_stream_subjects{{study="{STUDY}", phase="screened"}}')
            at = holder[0]["metric"]["instance"]
            (running if at.endswith(str(first)) else other).kill()
            prometheus.until('sum(up{job="safety-stream-worker"})', 1)
            prometheus.until(OWNED, OWNED_IN_ALL)
            prometheus.until(SUBJECTS, truth)
            window = f"[{int(monotonic() - began)}s:1s]"
            assert prometheus.value(f"max_over_time(({SUBJECTS}){window})") == truth
            assert prometheus.value(f"min_over_time(({FIRING}){window})") == firing
            assert prometheus.value(f"max_over_time(({FIRING}){window})") == firing
            assert prometheus.value('up{job="safety-stream-notifier"}') == 1, (tmp_path / "notifier.log").read_text()
            prometheus.until("sum(safety_stream_outbox_messages)", 0, within=60)
            prometheus.until('sum(safety_stream_emails_total{outcome="accepted"})', len(inbox.mails), within=10)
            assert inbox.mails
            assert (prometheus.value("max(scrape_samples_scraped)") or 9999) < 3500
            print(scrapes(prometheus))  # noqa: T201  # shown by `pytest -s`: a measurement, not a claim
            assert unanswered(prometheus) <= EMPTY_WHEN_ALL_IS_WELL


def scrapes(prometheus: Prometheus) -> dict[str, dict[str, float | None]]:
    """How long a scrape of each process took, in milliseconds, and how many series it had."""
    found: dict[str, dict[str, float | None]] = {}
    for job in ("worker", "notifier"):
        of = f'{{job="safety-stream-{job}"}}'
        took = {q: f"max(quantile_over_time(0.{q}, scrape_duration_seconds{of}[10m])) * 1000" for q in ("50", "99")}
        found[job] = {f"p{q}": prometheus.value(asked) for q, asked in took.items()}
        found[job]["series"] = prometheus.value(f"max(max_over_time(scrape_samples_scraped{of}[10m]))")
    return found


# Nothing waits, and on event time no canary is sent.
EMPTY_WHEN_ALL_IS_WELL = {"Oldest waiting mail", "Canary: last arrived", "Canary: event to mail"}


def unanswered(prometheus: Prometheus) -> set[str]:
    """The panels of the dashboards that have no data; those that leave out zeros must have their zeros."""
    found = set()
    for file in (ROOT / "deploy/grafana/dashboards").glob("*.json"):
        for panel in json.loads(file.read_text())["panels"]:
            asked = [target["expr"] for target in panel["targets"]]
            filled = [
                one.replace("$__rate_interval", "5m").replace("$study", ".*").removesuffix(" > 0") for one in asked
            ]
            if not any(prometheus.ask("query", query=one) for one in filled):
                found.add(panel["title"])
    return found


@contextmanager
def messenger(settings: Settings, inbox: Inbox, port: int, said: Path) -> Iterator[None]:
    """A notifier that mails to the inbox; ``said``: what it says."""
    told = {
        "bootstrap_servers": settings.bootstrap_servers,
        "topic_prefix": settings.topic_prefix,
        "outbox_url": settings.outbox_url,
        "clock": "event",
        "alert_routing_file": ROOT / "deploy/alerting.yaml",
        "smtp_port": inbox.port,
        "smtp_tls": "none",
        "notifier_metrics_port": port,
    }
    with said.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "safety_stream", "notifier"],
            env={**os.environ, "PYTHONPATH": str(ROOT)}
            | {f"SAFETY_STREAM_{name.upper()}": str(value) for name, value in told.items()},
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait(10)
