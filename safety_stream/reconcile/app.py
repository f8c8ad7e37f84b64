"""The second look, put together: settings in, differences out as JSON lines, exit code by what was found."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Final

import structlog

from safety_stream.alerting.alert import Alert
from safety_stream.broker.connection import unreachable
from safety_stream.clinical.subject import edition_of
from safety_stream.errors import BrokerUnavailable
from safety_stream.logs import configure_logs
from safety_stream.notifier.answers import Answers
from safety_stream.notifier.outbox import Outbox
from safety_stream.notifier.readiness import open_outbox
from safety_stream.reconcile.comparing import Comparison, Difference, Key, not_derived
from safety_stream.reconcile.logs import alerts_of_logs, answers_of_log
from safety_stream.reconcile.restoring import restore
from safety_stream.rulebook.load import load_book
from safety_stream.settings import Settings

SETTLED_AFTER: Final = timedelta(seconds=60)
ALL_WELL, DIFFERENT = 0, 1
_LOG = structlog.get_logger("safety_stream.reconcile")
Say = Callable[[str], object]


def run(
    settings: Settings,
    say: Say,
    every: timedelta | None = None,
    settled_after: timedelta = SETTLED_AFTER,
    another_edition: bool = False,
) -> int:
    """Look once, or every so often until SIGTERM: 0 no difference, 1 there was one; each line says if it was repaired.

    ``settled_after``: a cause younger than that may still be on its way. ``another_edition``: the rulebook or a
    protocol has changed since the last look; without it nothing is put on record for such a study, since what was
    told by the old book would be told again. Raises ConfigurationError with every reason not to start.
    """
    configure_logs()
    look = _prepared(settings, say, settled_after, another_edition)
    if every is None:
        return look()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    found = ALL_WELL
    while not stop.is_set():
        found = max(found, look())
        stop.wait(every.total_seconds())
    return found


def _prepared(settings: Settings, say: Say, settled_after: timedelta, another_edition: bool) -> Callable[[], int]:
    if reason := unreachable(settings):
        raise BrokerUnavailable(f"No Kafka broker answers at {settings.bootstrap_servers}: {reason}")
    book = load_book(
        settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
    )
    engine, routing = open_outbox(settings)
    outbox = Outbox(engine, settings.storm_over_alerts if settings.clock == "wall" else 0)

    def look() -> int:
        now = datetime.now(UTC)
        there = outbox.keys()  # before the logs are read: what is there already must have its cause in them
        derived = _derived(alerts_of_logs(settings, book), now - settled_after)
        editions = {study: edition_of(book, study) for study in book.protocols}
        left_alone = outbox.other_editions(editions, adopt=another_edition)
        comparison = Comparison(outbox, routing, int(now.timestamp() * 1000), frozenset(left_alone))
        missing = list(comparison.missing(derived.alerts, derived.too_young))
        if any(one.difference == "alert_missing" for one in missing):
            restore(Answers(engine), answers_of_log(settings), now)
        differences = [*missing, *not_derived(there, derived.alerts)]
        return _told(differences, derived, sorted(left_alone), say)

    return look


@dataclass(frozen=True, slots=True)
class Derived:
    """Every alert revision the logs support; of one that stands for many, the first."""

    alerts: dict[Key, Alert]
    too_young: frozenset[Key]


def _derived(alerts: Iterator[tuple[Alert, datetime]], settled_before: datetime) -> Derived:
    found: dict[Key, Alert] = {}
    young: set[Key] = set()
    for alert, received_at in alerts:
        key = (alert.id, alert.revision)
        if key not in found:
            found[key] = alert
            if received_at > settled_before:
                young.add(key)
    return Derived(found, frozenset(young))


def _told(differences: list[Difference], derived: Derived, left_alone: list[str], say: Say) -> int:
    """One line a difference, and the summary last."""
    for one in differences:
        say(str(one))
    counts = Counter(one.difference for one in differences)
    repaired = sum(one.repaired for one in differences)
    say(
        json.dumps(
            {
                "derived": len(derived.alerts),
                "too_young": len(derived.too_young),
                "differences": dict(sorted(counts.items())),
                "repaired": repaired,
                "studies_of_another_edition": left_alone,
            }
        )
    )
    _LOG.info("looked again", derived=len(derived.alerts), differences=len(differences), repaired=repaired)
    return DIFFERENT if differences else ALL_WELL
