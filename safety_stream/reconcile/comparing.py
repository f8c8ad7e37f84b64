"""What should be on record against what is: each difference named, and what is missing put there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from safety_stream.alerting.alert import Alert
from safety_stream.notifier.outbox import Arrival, OnRecord, Outbox
from safety_stream.notifier.routing import Routing

Key = tuple[str, int]
Kind = Literal["alert_missing", "message_missing", "content_differs", "not_derived"]
ORIGIN: Final = "second look"
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the log says. No subject, no value: it may be read by an operator."""

    difference: Kind
    alert: str
    revision: int
    type: str | None = None
    recipient: str | None = None
    repaired: bool = False

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outbox, and the studies of which nothing is put there because their book has changed."""

    outbox: Outbox
    routing: Routing
    now_ms: int
    left_alone: frozenset[str] = frozenset()

    def missing(self, derived: Mapping[Key, Alert], too_young: frozenset[Key]) -> Iterator[Difference]:
        """What the log says and the outbox has not, or has otherwise; an entry still on its way is no difference."""
        keys = list(derived)
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            there = self.outbox.on_record(part)
            for key in part:
                if (held := there.get(key)) is not None:
                    yield from self._held(derived[key], held)
                elif key not in too_young:
                    yield self._absent(derived[key])

    def _absent(self, alert: Alert) -> Difference:
        repair = alert.study not in self.left_alone
        if repair:
            self.outbox.record([Arrival(alert, ORIGIN)], self.routing, self.now_ms, again=True)
        return Difference("alert_missing", alert.id, alert.revision, alert.type, repaired=repair)

    def _held(self, alert: Alert, held: OnRecord) -> Iterator[Difference]:
        # An alert that stands for many is told in the words of whichever of them came first.
        if alert.finding is not None and held.content != alert.model_dump_json():
            yield Difference("content_differs", alert.id, alert.revision, alert.type)
        lost = [one for one in held.recipients if one.key not in held.queued]
        if lost:
            self.outbox.requeue(Alert.model_validate_json(held.content), lost, self.now_ms)
        for one in lost:
            yield Difference("message_missing", alert.id, alert.revision, alert.type, one.key, repaired=True)


def not_derived(on_record: Sequence[Key], derived: Mapping[Key, Alert]) -> Iterator[Difference]:
    """What the outbox has and the log does not say."""
    for id_, revision in on_record:
        if (id_, revision) not in derived:
            yield Difference("not_derived", id_, revision)
