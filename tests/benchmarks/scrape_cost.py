"""What one scrape costs a process: three studies of four dose levels and thirty analytes, in CPU milliseconds.

python tests/benchmarks/scrape_cost.py
"""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics

from safety_stream.settings import Settings
from safety_stream.worker.clinic import judgement_of
from safety_stream.worker.metrics import Shown
from safety_stream.worker.shown import shown

TESTS = Path(__file__).resolve().parents[1]
STUDIES = ("A-1", "B-2", "C-3")
TIMES = 300
GOAL = 50.0


def main() -> int:
    """Half and 99 of 100 for each process and each format; 1 when the goal is missed."""
    sys.path.insert(0, str(TESTS / "made"))
    made = runpy.run_path(str(TESTS / "deploy" / "test_metric_catalogue.py"))  # where the budget of series is tested
    settings = Settings()
    own = shown(settings, judgement_of(settings))
    about = Shown(own.topics, own.feeds, own.silence_limits, [f"A{n}" for n in range(30)], own.build)
    found, worst = {}, 0.0
    for process, registry in (
        ("worker", made["a_worker"](about, STUDIES).registry),
        ("notifier", made["a_notifier"](STUDIES).registry),
    ):
        cost = {name: _cost(write, registry) for name, write in (("text", generate_latest), ("open", open_metrics))}
        found[process] = {"series": len(list(made["samples"](registry))), **cost}
        worst = max(worst, *(one["p99"] for one in cost.values()))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return int(worst > GOAL)


def _cost(write: Callable[[CollectorRegistry], bytes], registry: CollectorRegistry) -> dict[str, float]:
    took = []
    for _ in range(TIMES):
        began = process_time()
        write(registry)
        took.append((process_time() - began) * 1000)
    took.sort()
    return {"p50": round(took[TIMES // 2], 1), "p99": round(took[TIMES * 99 // 100], 1)}


if __name__ == "__main__":
    raise SystemExit(main())
