"""Watches the broker while a demo runs: what was taken in, what was concluded, what is to be told and what was sent.

A thread reads our topics from their beginning. Deliveries of the same message twice (at least once is the promise)
count once: by origin, by finding and revision, by alert and revision.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import orjson

from safety_stream.alerting.alert import Alert
from safety_stream.broker.connection import kafka_arguments
from safety_stream.clinical.findings import FindingChange
from safety_stream.settings import Settings

_POLL_MS = 100
_WATCHED = ("events", "findings", "cohorts", "alerts", "deliveries", "dead-letters")


@dataclass(slots=True)
class Seen:
    """What has been seen so far. ``findings`` holds the newest change of each finding by its id."""

    taken_in: set[str] = field(default_factory=set)
    events: Counter[str] = field(default_factory=Counter)
    findings: dict[str, FindingChange] = field(default_factory=dict)
    changes: int = 0
    alerts: dict[tuple[str, int], Alert] = field(default_factory=dict)
    dead_letters: dict[str, str] = field(default_factory=dict)
    deliveries: Counter[str] = field(default_factory=Counter)


class Watcher:
    """The watching thread; ``told`` hears of every new change and alert, on that thread."""

    def __init__(self, settings: Settings, told: Callable[[FindingChange | Alert], None]) -> None:
        self.seen = Seen()
        self.failure: Exception | None = None
        self._settings = settings
        self._told = told
        self._stopped = Event()
        self._idle = False
        self._topics = {settings.topic(name): name for name in _WATCHED}
        self._thread = Thread(target=self._run, name="watcher", daemon=True)
        self._take: Mapping[str, Callable[[Any], None]] = {
            "events": self._event,
            "findings": self._change,
            "cohorts": self._change,
            "alerts": self._alert,
            "deliveries": self._delivery,
            "dead-letters": self._dead_letter,
        }

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def taken_in(self) -> int:
        """How many inbound messages the engine has read: each is in the log of record or among the dead letters."""
        return len(self.seen.taken_in)

    def is_idle(self) -> bool:
        """Whether the last look found nothing new."""
        return self._idle

    def _run(self) -> None:
        from kafka import KafkaConsumer, TopicPartition

        consumer = KafkaConsumer(group_id=None, metrics_enabled=False, **kafka_arguments(self._settings))
        try:
            parts = [TopicPartition(topic, each) for topic in self._topics for each in range(self._settings.partitions)]
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            while not self._stopped.is_set():
                found = consumer.poll(timeout_ms=_POLL_MS)
                self._idle = not found
                for part, records in found.items():
                    for record in records:
                        self._take[self._topics[part.topic]](record)
        except Exception as error:
            self.failure = error
        finally:
            consumer.close()

    def _event(self, record: Any) -> None:
        accepted = orjson.loads(record.value)
        if accepted["origin"] not in self.seen.taken_in:
            self.seen.taken_in.add(accepted["origin"])
            self.seen.events[accepted["event"]["kind"]] += 1

    def _change(self, record: Any) -> None:
        change = FindingChange.model_validate_json(record.value)
        known = self.seen.findings.get(change.finding.id)
        if known is None or known.revision < change.revision:
            self.seen.findings[change.finding.id] = change
            self.seen.changes += 1
            self._told(change)

    def _alert(self, record: Any) -> None:
        alert = Alert.model_validate_json(record.value)
        if (alert.id, alert.revision) not in self.seen.alerts:
            self.seen.alerts[alert.id, alert.revision] = alert
            self._told(alert)

    def _delivery(self, record: Any) -> None:
        self.seen.deliveries[str(orjson.loads(record.value).get("outcome", "?"))] += 1

    def _dead_letter(self, record: Any) -> None:
        headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
        place = "{}/{}@{}".format(*(headers[f"safety-stream-{name}"] for name in ("topic", "partition", "offset")))
        self.seen.taken_in.add(place)
        self.seen.dead_letters[place] = headers["safety-stream-detail"]
