"""The canary: trials as in test_worker_kills with Faust's own transport and recovery. It must skip, lose or stall.

    pytest --long -s tests/e2e/test_worker_canary.py      # prints what stock loses

When this test fails, stock has stopped losing: read the changelog of faust-streaming, and consider retiring
``worker/strict``.
"""

import sys
from uuid import uuid4

import pytest
from trials import Trial, turn
from worker_process import expected_findings, findings, labs, publish, remaining, stalled, worker

from safety_stream.broker import topics
from safety_stream.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(1800)]
STOCK = {"SAFETY_STREAM_CANARY_STOCK": "1"}
TRIALS = [Trial(seed, workers=1 + seed % 2, store="memory", kills=4) for seed in range(3)]
TOTAL = 2000


def test_stock_loses(kafka_settings: Settings) -> None:
    """At least one of the trials ends with findings missing, findings that do not follow, an offset gap, or a stall."""
    lost = [_lost(kafka_settings, trial) for trial in TRIALS]
    assert any(lost)


def _lost(settings: Settings, trial: Trial) -> bool:
    settings = settings.model_copy(
        update={
            "topic_prefix": f"{settings.topic_prefix}-{trial.seed}",
            "data_folder": settings.data_folder / uuid4().hex,
            "session_timeout_seconds": 6.0,
            "metrics_port": 0,
            "store": trial.store,
        }
    )
    topics.create(settings)
    publish(settings, [message for _, _, message in labs(TOTAL)])
    chance = trial.chance()
    for _ in range(trial.kills):
        turn(settings, trial, chance, STOCK)
    with worker(settings, STOCK) as running:
        stuck = stalled(settings, running)
        running.stop()
    logs = [log.read_text(errors="replace") for log in settings.data_folder.glob("*.log")]
    assert not any("does not start" in log for log in logs), "a worker that never ran has not lost anything"
    assert all("CANARY" in log and '"Recovered"' in log for log in logs), "no canary sang"
    gaps = sum(log.count("OFFSET GAP") for log in logs)
    expected, sent = expected_findings(settings), set(findings(settings))
    missing, extra, unread = len(expected - sent), len(sent - expected), TOTAL - len(expected)
    sys.stdout.write(
        f"\n{trial}: {unread} of {TOTAL} messages never reached the log, {missing} findings missing, {extra} that do "
        f"not follow, {gaps} offset gaps, stalled: {stuck}, committed and end: {remaining(settings)}\n"
    )
    return bool(missing or extra or unread or stuck or gaps)
