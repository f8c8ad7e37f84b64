"""The outbox: one row a revision, one a recipient, never two, in any order, and none that should not be."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path

import alerts_made as made
import findings_made
import pytest
from sqlalchemy import Engine, delete, select, update

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.policy import revise, unreadable
from safety_stream.errors import ConfigurationError
from safety_stream.notifier.outbox import Arrival, Outbox, Recorded
from safety_stream.notifier.routing import Routing
from safety_stream.notifier.tables import ALERTS, MESSAGES, open_database

NOW = 1_773_279_000_000
RAISED = made.sent(findings_made.dose_limiting_toxicity())
(WORSE,) = revise(
    findings_made.changed(
        findings_made.dose_limiting_toxicity(), findings_made.dose_limiting_toxicity(term="Neurotoxicity")
    )
)
(GONE,) = revise(findings_made.withdrawn(findings_made.dose_limiting_toxicity(term="Neurotoxicity"), 5))


def record(engine: Engine, routing: Routing, *alerts: Alert) -> Recorded:
    """Put the alerts on record, in this order."""
    return Outbox(engine).record(
        [Arrival(alert, f"safety.alerts/0@{n}") for n, alert in enumerate(alerts)], routing, NOW
    )


def messages(engine: Engine) -> list[tuple[str, int, str, str]]:
    """Every message: alert, revision, recipient and state, sorted."""
    columns = (MESSAGES.c.alert_id, MESSAGES.c.revision, MESSAGES.c.recipient, MESSAGES.c.state)
    with engine.begin() as db:
        return sorted(tuple(row) for row in db.execute(select(*columns)))


def test_each_person_gets_one_message_a_revision_however_often_it_comes(engine: Engine, routing: Routing) -> None:
    """The same alert three times, in one batch and in two: two people, two messages."""
    first = record(engine, routing, RAISED, RAISED)
    again = record(engine, routing, RAISED)
    assert (first.alerts, first.messages, again.alerts, again.messages) == (1, 2, 0, 0)
    assert messages(engine) == [
        (RAISED.id, 1, "email:monitor@example.org", "pending"),
        (RAISED.id, 1, "email:physician@example.org", "pending"),
    ]


def test_what_is_held_is_on_record_and_goes_to_nobody(engine: Engine, routing: Routing) -> None:
    """An expected grade 3: a row with its reason, no message."""
    (held,) = revise(findings_made.raised(findings_made.toxicity(3, "0.9", expected=True)))
    assert record(engine, routing, held).messages == 0
    with engine.begin() as db:
        assert db.execute(select(ALERTS.c.action, ALERTS.c.reason)).one() == ("hold", "expected")


def test_a_withdrawal_goes_to_those_who_were_told_even_if_their_role_has_passed_on(
    engine: Engine, routing: Routing
) -> None:
    """The people behind the roles changed in between: the old ones hear the withdrawal, the new ones do not."""
    record(engine, routing, RAISED)
    others = Routing({"*": {}})
    assert record(engine, others, GONE).messages == 2
    assert {row[2] for row in messages(engine) if row[1] == GONE.revision} == {
        "email:monitor@example.org",
        "email:physician@example.org",
    }


def test_a_withdrawal_of_what_nobody_was_told_goes_to_nobody(engine: Engine, routing: Routing) -> None:
    """Nobody is confused by the end of something that they never heard of."""
    assert record(engine, routing, GONE).messages == 0


@pytest.mark.parametrize(
    "order", list(permutations((RAISED, WORSE, GONE))), ids=lambda order: "-".join(str(a.revision) for a in order)
)
def test_the_order_of_arrival_does_not_matter(engine: Engine, routing: Routing, order: Sequence[Alert]) -> None:
    """Raised, worse, withdrawn in any order: everybody who hears of it hears all three."""
    for alert in order:
        record(engine, routing, alert)
    assert [row[:3] for row in messages(engine)] == sorted(
        (alert.id, alert.revision, person)
        for alert in (RAISED, WORSE, GONE)
        for person in ("email:monitor@example.org", "email:physician@example.org")
    )


def test_a_revision_that_comes_after_a_later_one_was_read_is_not_sent(engine: Engine, routing: Routing) -> None:
    """Found missing when the reader already knows better: on record as superseded."""
    record(engine, routing, RAISED, GONE)
    with engine.begin() as db:
        db.execute(update(MESSAGES).values(state="accepted"))
    record(engine, routing, WORSE)
    assert {row[3] for row in messages(engine) if row[1] == WORSE.revision} == {"superseded"}


def test_the_same_revision_with_another_content_is_told_and_the_first_stands(engine: Engine, routing: Routing) -> None:
    """Two contents under one id and revision would be two truths: the first stands and the other is reported."""
    other = RAISED.model_copy(update={"headline": "something else"})
    recorded = record(engine, routing, RAISED, other)
    assert recorded.contradicted == (f"{RAISED.id} revision 1",)
    with engine.begin() as db:
        assert Alert.model_validate_json(db.scalars(select(ALERTS.c.content)).one()) == RAISED


def test_unreadable_messages_of_one_day_do_not_contradict_each_other(engine: Engine, routing: Routing) -> None:
    """One alert a topic, reason and day: the second message of the day is no contradiction."""
    when = findings_made.AS_OF
    first, second = (unreadable("safety.labs", "not_json", f"offset {n}", when.date(), when) for n in (1, 2))
    assert record(engine, routing, first, second).contradicted == ()


def test_who_was_told_is_frozen_when_it_is_told(engine: Engine, routing: Routing) -> None:
    """A change of the routing file later does not make old alerts look undelivered."""
    record(engine, routing, RAISED)
    key = (RAISED.id, RAISED.revision)
    on_record = Outbox(engine).on_record([key])[key]
    assert (
        {one.key for one in on_record.recipients}
        == on_record.queued
        == {
            "email:physician@example.org",
            "email:monitor@example.org",
        }
    )
    with engine.begin() as db:
        db.execute(delete(MESSAGES).where(MESSAGES.c.recipient == "email:monitor@example.org"))
    assert Outbox(engine).on_record([key])[key].queued == {"email:physician@example.org"}


def test_an_outbox_of_an_earlier_version_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    """A column is not there: said at the start, not at the first alert that needs it."""
    url = f"sqlite:///{tmp_path}/old.db"
    open_database(url).dispose()
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute("ALTER TABLE silences DROP COLUMN reason")
        old.commit()
    with pytest.raises(ConfigurationError, match=r"made by an earlier version, it lacks silences\.reason"):
        open_database(url)
