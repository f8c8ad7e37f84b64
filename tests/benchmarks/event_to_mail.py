"""How long from the event that a laboratory sends to the mail server's "250": real Kafka, two workers, real SMTP.

    python tests/benchmarks/event_to_mail.py [--rates 50 500] [--seconds 60]

At each rate, evenly: normal potassium results of 500 subjects, and each second one of 7.3 mmol/L (grade 4) of a subject
of whom nothing was told yet. Timed for each of those: from just before it is handed to the producer, to the moment at
which the mail server has kept the mail for the physician on call and answers. Prints one JSON object; no assertions.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import quantiles
from time import monotonic, sleep

from safety_stream.broker import topics
from safety_stream.broker.publishing import Letter, Publisher, publisher
from safety_stream.sandbox.household import Household
from safety_stream.sandbox.inbox import Inbox, Mail
from safety_stream.sandbox.kafka import LocalKafka
from safety_stream.settings import Settings

STUDY, SUBJECTS, TICK_SECONDS = "CAR-NK-SLE-01", 500, 0.02
WHO = "safety.physician@demo.example"


class Arrivals:
    """When the first mail about each subject was kept."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def __call__(self, mail: Mail) -> None:
        """One mail was kept."""
        if WHO in mail.recipients:
            subject = next((line[9:] for line in mail.text().splitlines() if line.startswith("Subject: ")), "")
            self.at.setdefault(subject, monotonic())


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 500], help="events a second")
    parser.add_argument("--seconds", type=int, default=60, help="how long each rate is kept")
    asked = parser.parse_args()
    os.environ["SAFETY_STREAM_ALLOW_UNSIGNED_RULEBOOK"] = "true"
    arrivals, told = Arrivals(), {}
    with tempfile.TemporaryDirectory() as folder, LocalKafka(Settings().cache_folder) as kafka:
        settings = Settings(
            bootstrap_servers=kafka.bootstrap_servers, topic_prefix="bench", partitions=4, replication=1,
            min_insync_replicas=1,
        )  # fmt: skip
        topics.create(settings)
        inbox = Inbox(Path(folder) / "mails", arrivals)
        with inbox, Household(settings, Path(folder), inbox) as household, publisher(settings) as out:
            _warm_up(out, household, arrivals)
            for rate in asked.rates:
                told[str(rate)] = _measured(out, household, arrivals, rate, asked.seconds)
    print(json.dumps({"load": os.getloadavg()[0], "seconds": asked.seconds, "rates": told}, indent=2))  # noqa: T201


def _measured(out: Publisher, household: Household, arrivals: Arrivals, rate: int, seconds: int) -> dict[str, object]:
    sent, began, done = dict[str, float](), monotonic(), 0
    while (passed := monotonic() - began) < seconds:
        letters, wanted = [], int(passed * rate) + 1
        for number in range(done, wanted):
            grave = number % rate == 0
            subject = f"r{rate}-{number // rate}" if grave else f"{number % SUBJECTS:04}"
            letters.append(_potassium(subject, "7.3" if grave else "4.2"))
            if grave:
                sent[subject] = monotonic()
        done = wanted
        out.publish(letters)
        sleep(TICK_SECONDS)
    reached = done / (monotonic() - began)
    limit = monotonic() + 120
    while not sent.keys() <= arrivals.at.keys() and monotonic() < limit:
        household.check()
        sleep(0.05)
    waits = sorted(arrivals.at[subject] - at for subject, at in sent.items() if subject in arrivals.at)
    cuts = quantiles(waits, n=100, method="inclusive")
    percentiles = {f"p{at}": round(cuts[at - 1] * 1000) for at in (50, 95, 99)}
    return {
        "events": done,
        "events_per_second": round(reached, 1),
        "alerts": len(sent),
        "not_mailed": len(sent) - len(waits),
        "milliseconds": percentiles | {"max": round(waits[-1] * 1000)},
    }


def _warm_up(out: Publisher, household: Household, arrivals: Arrivals) -> None:
    """Until the first alert of all has come through, so that no start is measured."""
    out.publish([_potassium("first", "7.3")])
    limit = monotonic() + 180
    while "first" not in arrivals.at:
        household.check()
        if monotonic() > limit:
            raise SystemExit("no mail came")
        sleep(0.1)


_NUMBERS: Iterator[int] = count(1)


def _potassium(subject: str, value: str) -> Letter:
    now = datetime.now(UTC).isoformat()
    told = {
        "kind": "lab_result", "study": STUDY, "subject": subject,
        "source": {"system": "lis", "id": str(next(_NUMBERS))}, "status": "final",
        "reported_at": now, "observed_at": now, "loinc": "2823-3", "value": value,
        "unit": "mmol/L", "range_low": "3.5", "range_high": "5.3",
    }  # fmt: skip
    return Letter("bench.labs", json.dumps(told).encode(), key=f"{STUDY}|{subject}".encode())


if __name__ == "__main__":
    main()
