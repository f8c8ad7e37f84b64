"""What is shown: counted from 0, never by subject, a study only where its partition is; alive and ready told apart."""

from collections.abc import Iterator
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any

import pytest
from counting import STUDY, Counting
from engine_made import PARTITIONS, kept, message
from prometheus_client import generate_latest

from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.settings import Settings
from safety_stream.worker.cohorts_work import CohortsWork
from safety_stream.worker.guard import OffsetGuard
from safety_stream.worker.health import HealthServer
from safety_stream.worker.metrics import Metrics


def shown(metrics: Metrics) -> str:
    """What Prometheus would read."""
    return generate_latest(metrics.registry).decode()


def test_every_study_begins_at_zero_and_every_name_is_ours() -> None:
    """A rate can be told from the first event on."""
    text = shown(Metrics(("A-1", "B-2")))
    for study in ("A-1", "B-2"):
        assert (
            f'safety_stream_alert_revisions_total{{action="send",alert_type="lab_grade_4",study="{study}"}} 0.0' in text
        )
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(line.startswith("safety_stream_") for line in samples)


def _status(subject: str) -> bytes:
    return (
        SubjectStatus(
            study=STUDY, subject=subject, dose_level=1, phase="screened", dosed=False, first_infusion=None,
            window_to=None, evaluable=None, dlt="none", worst_grade=None, as_of="2026-03-04T00:00:00Z",
        )
        .model_dump_json()
        .encode()
    )  # fmt: skip


def test_a_study_is_shown_by_its_owner_alone_and_no_subject_is_named() -> None:
    """Two subjects are counted; when the partition goes, so does the study; when it comes back, it is built anew."""
    metrics, table = Metrics((STUDY,)), kept()
    work = CohortsWork(Settings(partitions=PARTITIONS), Counting(), table, OffsetGuard(lambda tp: 0), metrics)
    messages = [
        message("safety.statuses", _status(subject), key=STUDY.encode(), offset=offset)
        for offset, subject in enumerate(("SUBJ-7741", "SUBJ-7742"))
    ]
    for told in messages:
        table.apply(told.partition, work.judge(told).pages)
    work.done(messages)
    line = f'safety_stream_subjects{{phase="screened",study="{STUDY}"}} 2.0'
    assert line in shown(metrics)
    assert "SUBJ-774" not in shown(metrics)
    work.revoked([messages[0].partition])
    assert line not in shown(metrics)
    work.assigned([messages[0].partition])
    assert line in shown(metrics)


@pytest.fixture
def state() -> SimpleNamespace:
    """What the probes will say."""
    return SimpleNamespace(alive="", ready="not recovered yet")


@pytest.fixture
def server(state: SimpleNamespace) -> Iterator[HealthServer]:
    """A health server on a free port."""
    made = HealthServer("127.0.0.1", 0, Metrics((STUDY,)).registry, lambda: state.alive, lambda: state.ready)
    made.start()
    yield made
    made.stop()


def ask(server: HealthServer, path: str) -> tuple[int, str]:
    """Status and body."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def test_the_probes_tell_alive_from_ready(server: HealthServer, state: Any) -> None:
    """A worker that recovers is alive and not ready; one that hangs is neither to be fed nor to be kept."""
    assert ask(server, "/livez") == (200, "ok\n")
    assert ask(server, "/readyz") == (503, "not recovered yet\n")
    state.ready, state.alive = "", "the loop has not turned for 60 s"
    assert ask(server, "/readyz")[0] == 200
    assert ask(server, "/livez") == (503, "the loop has not turned for 60 s\n")


def test_metrics_are_served(server: HealthServer) -> None:
    """In Prometheus' own format."""
    status, body = ask(server, "/metrics")
    assert status == 200
    assert "# TYPE safety_stream_alert_revisions_total counter" in body
