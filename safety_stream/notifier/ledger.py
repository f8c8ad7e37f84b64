"""What the outbox holds about some alerts, in memory for the length of one transaction, and what is to be added."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, exists, insert, not_, or_, select, update

from safety_stream.alerting.alert import Alert, Urgency
from safety_stream.alerting.course import Telling
from safety_stream.alerting.entries import CATALOGUE, entry
from safety_stream.alerting.grouping import shelf
from safety_stream.alerting.holding import Gate
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import ALERTS, MESSAGES

RANKS: Final[dict[Urgency, int]] = {"critical": 0, "warning": 1, "info": 2}
_MOST_IDS: Final = 400
_STATES: Final = (
    MESSAGES.c.alert_id, MESSAGES.c.revision, MESSAGES.c.recipient,
    MESSAGES.c.level, MESSAGES.c.round, MESSAGES.c.kind, MESSAGES.c.state,
)  # fmt: skip
_RECIPIENTS: Final = (
    update(ALERTS).where(ALERTS.c.id == bindparam("b_id"), ALERTS.c.revision == bindparam("b_revision"))
)  # fmt: skip

_SEEN: Final = MESSAGES.alias("seen")
_UNSEEN: Final = select(MESSAGES.c.id).where(
    MESSAGES.c.alert_id == bindparam("alert"),
    MESSAGES.c.state == "pending",
    not_(
        exists().where(
            _SEEN.c.alert_id == MESSAGES.c.alert_id,
            _SEEN.c.recipient == MESSAGES.c.recipient,
            or_(_SEEN.c.state != "pending", _SEEN.c.tries > 0, _SEEN.c.next_try <= bindparam("now")),
        )
    ),
)
_OFTEN_SETTLED: Final = frozenset(type_ for (type_, _), one in CATALOGUE.items() if one.stands_for is not None)


Which = tuple[int, int, str]
"""Which of the messages of one revision to one person: level, round, kind."""
_FIRST: Final = Telling(1, 1)


@dataclass(slots=True)
class Held:
    """One alert revision on record."""

    urgency: Urgency
    sent: bool
    content: str
    people: tuple[Recipient, ...]
    study: str
    type: str
    shelf: str | None = None

    @property
    def alert(self) -> Alert:
        """The alert itself."""
        return Alert.model_validate_json(self.content)

    @property
    def wait_ms(self) -> int:
        """How long it has to stand before a person is told."""
        if self.type not in _OFTEN_SETTLED:
            return 0
        alert = self.alert
        stands_for = entry(alert.type, alert.case).stands_for
        return 0 if stands_for is None else int(stands_for.total_seconds() * 1000)


@dataclass(slots=True)
class Ledger:
    """The revisions of some alerts with their people and messages; additions are written at the end, all at once.

    ``gather_ms``: how long a mail waits for more of its specimen; ``waits``: whether what the catalogue wants to stand
    for a while does.
    """

    now_ms: int
    again: bool
    alerts: defaultdict[str, dict[int, Held]] = field(default_factory=lambda: defaultdict(dict))
    messages: dict[tuple[str, int, str], dict[Which, str]] = field(default_factory=dict)
    gate: Gate | None = None
    gathered: set[str] = field(default_factory=set)
    gather_ms: int = 0
    waits: bool = False
    _new_alerts: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    _more_people: set[tuple[str, int]] = field(default_factory=set)
    _new_messages: list[dict[str, Any]] = field(default_factory=list)

    def load(self, db: Connection, ids: Iterable[str]) -> None:
        """What is on record about these alerts."""
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), _MOST_IDS):
            part = wanted[start : start + _MOST_IDS]
            for row in db.execute(select(ALERTS).where(ALERTS.c.id.in_(part))):
                held = Held(
                    row.urgency, row.action == "send", row.content, from_json(row.recipients), row.study, row.type
                )
                self.alerts[row.id][row.revision] = held
            for row in db.execute(select(*_STATES).where(MESSAGES.c.alert_id.in_(part))):
                of_person = self.messages.setdefault((row.alert_id, row.revision, row.recipient), {})
                of_person[row.level, row.round, row.kind] = row.state

    def add(self, alert: Alert, content: str, origin: str, routing: Routing) -> None:
        """A revision that is not on record yet, and a message to everybody who is to hear of it."""
        people = self._told(alert, routing)
        later = [(number, held) for number, held in sorted(self.alerts[alert.id].items()) if number > alert.revision]
        held = Held(alert.urgency, alert.decision.action == "send", content, people, alert.study, alert.type)
        held.shelf = shelf(alert) if self.gather_ms else None
        self.alerts[alert.id][alert.revision] = held
        self._new_alerts[alert.id, alert.revision] = {
            "id": alert.id,
            "revision": alert.revision,
            "type": alert.type,
            "study": alert.study,
            "urgency": alert.urgency,
            "action": alert.decision.action,
            "reason": alert.decision.reason,
            "content": content,
            "origin": origin,
            "recorded_at": self.now_ms,
        }
        self.queue(alert.id, alert.revision, people)
        for number, other in later:  # only the second look finds a revision so late: these people must hear on
            if other.sent and people:
                self.widen(alert.id, number, other, people)

    def widen(self, id_: str, revision: int, held: Held, people: Sequence[Recipient], to: Telling = _FIRST) -> None:
        """More people are to hear of a revision that is on record."""
        whole = {one.key: one for one in (*held.people, *people)}
        if len(whole) != len(held.people):
            held.people = tuple(whole[key] for key in sorted(whole))
            self._more_people.add((id_, revision))
        self.queue(id_, revision, people, to)

    def queue(self, id_: str, revision: int, people: Sequence[Recipient], to: Telling = _FIRST) -> None:
        """A message to each of them, unless there is one; what the reader already knows better is not sent."""
        held, which = self.alerts[id_][revision], (to.level, to.round, to.kind)
        for person in people:
            there = self.messages.setdefault((id_, revision, person.key), {})
            if which in there or (to == _FIRST and there) or _in_vain(there, to) or _too_early(there, to):
                continue
            state = there[which] = self._state(id_, revision, held, person, to)
            first_to_a_person = to == _FIRST and person.channel != "webhook"  # a machine reads one by one, and at once
            shelved = held.shelf if first_to_a_person else None
            stands_ms = held.wait_ms if self.waits and first_to_a_person else 0
            if state == "gathered":
                self.gathered.add(held.study)
            self._new_messages.append(
                {
                    "alert_id": id_,
                    "revision": revision,
                    "recipient": person.key,
                    "channel": person.channel,
                    "level": to.level,
                    "round": to.round,
                    "kind": to.kind,
                    "rank": RANKS[held.urgency],
                    "state": state,
                    "possible_repeat": self.again,
                    "tries": 0,
                    "queued_at": self.now_ms,
                    "next_try": self.now_ms + max(self.gather_ms if shelved else 0, stands_ms),
                    "claimed_until": 0,
                    "shelf": shelved,
                }
            )

    def _state(self, id_: str, revision: int, held: Held, person: Recipient, to: Telling) -> str:
        if to.kind == "answered":
            return "pending"
        if any(
            number > revision and "accepted" in self.messages.get((id_, number, person.key), {}).values()
            for number in self.alerts[id_]
        ):
            return "superseded"
        return "pending" if self.gate is None else self.gate.fate(held.alert)

    def write(self, db: Connection) -> tuple[int, int]:
        """Put the additions on record; how many alerts and messages."""
        if self._new_alerts:
            rows = [row | {"recipients": self._people(*key)} for key, row in self._new_alerts.items()]
            db.execute(insert(ALERTS), rows)
        if changed := self._more_people - self._new_alerts.keys():
            told = [{"b_id": key[0], "b_revision": key[1], "recipients": self._people(*key)} for key in sorted(changed)]
            db.execute(_RECIPIENTS, told)
        if self._new_messages:
            db.execute(insert(MESSAGES), self._new_messages)
        return len(self._new_alerts), len(self._new_messages)

    def settle_unseen(self, db: Connection, ids: Iterable[str]) -> None:
        """Of what was over before its time to be told had come nobody hears, unless somebody heard of it already."""
        for id_ in ids:
            newest = self.alerts[id_][max(self.alerts[id_])]
            if newest.wait_ms and newest.alert.is_over:
                unseen = db.scalars(_UNSEEN, {"alert": id_, "now": self.now_ms}).all()
                db.execute(
                    update(MESSAGES).where(MESSAGES.c.id.in_(unseen)).values(state="superseded", settled_at=self.now_ms)
                )

    def _people(self, id_: str, revision: int) -> str:
        return json.dumps([[one.channel, one.address, one.display_name] for one in self.alerts[id_][revision].people])

    def _told(self, alert: Alert, routing: Routing) -> tuple[Recipient, ...]:
        """Everybody who was told of it before, and unless it is over those behind its roles now."""
        if alert.decision.action == "hold":
            return ()
        before = (held for number, held in self.alerts[alert.id].items() if number < alert.revision)
        people = {one.key: one for held in before for one in held.people}
        if not alert.is_over:
            people |= {one.key: one for one in routing.recipients(alert)}
        return tuple(people[key] for key in sorted(people))


def _in_vain(there: dict[Which, str], to: Telling) -> bool:
    """Whether this address was refused for good: nobody is waited for there, until people are told again."""
    return to.round == 1 and to.kind == "alert" and "rejected" in there.values()


def _too_early(there: dict[Which, str], to: Telling) -> bool:
    """Whether a reminder would overtake the mail that it reminds of."""
    return to.kind == "reminder" and "accepted" not in there.values()


def from_json(told: str) -> tuple[Recipient, ...]:
    """People as the outbox keeps them."""
    return tuple(map(Recipient.of, json.loads(told)))
