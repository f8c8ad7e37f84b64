"""What the next message of another system often settles waits before a person is told of it; nothing else does."""

from itertools import permutations

import findings_made
import pytest
from sqlalchemy import Engine, select

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import CATALOGUE
from safety_stream.alerting.policy import revise
from safety_stream.notifier.outbox import Arrival, Outbox
from safety_stream.notifier.pending import Claim, Pending
from safety_stream.notifier.routing import Routing
from safety_stream.notifier.tables import MESSAGES

NOW = 1_773_279_000_000
MINUTE, LEASE = 60_000, 60_000
WAIT = 15 * MINUTE  # signed in the catalogue
UNTOLD = findings_made.data_query(code="first_infusion_untold", about="infusion 1")
(ASKED,) = revise(findings_made.raised(UNTOLD))
(SETTLED,) = revise(findings_made.withdrawn(UNTOLD))
(UNREADABLE,) = revise(findings_made.raised(findings_made.data_query()))


def record(engine: Engine, routing: Routing, alert: Alert, now: int, *, waits: bool = True) -> None:
    """Put one alert revision on record, at a time."""
    Outbox(engine, waits=waits).record([Arrival(alert, f"safety.alerts/0@{alert.revision}")], routing, now)


def states(engine: Engine) -> set[tuple[int, str]]:
    """What became of each message, by revision."""
    with engine.begin() as db:
        return {(row.revision, row.state) for row in db.execute(select(MESSAGES.c.revision, MESSAGES.c.state))}


def test_the_catalogue_lets_only_questions_wait_and_a_quarter_of_an_hour() -> None:
    """A grade, a DLT, a death wait for nothing."""
    waiting = {key: one.stands_for for key, one in CATALOGUE.items() if one.stands_for is not None}
    assert {key: time.total_seconds() for key, time in waiting.items()} == {("ungradable", "overtaken"): 900}


def test_a_question_that_still_stands_is_told_when_its_time_has_come_and_so_is_its_end(
    engine: Engine, routing: Routing
) -> None:
    """Nobody is told in the first 15 minutes; then somebody is, and hears later that it is settled."""
    record(engine, routing, ASKED, NOW)
    pending = Pending(engine)
    assert pending.claim("email", NOW + WAIT - 1, LEASE) is None
    assert pending.waiting().oldest_ms == NOW + WAIT
    assert isinstance(pending.claim("email", NOW + WAIT, LEASE), Claim)
    record(engine, routing, SETTLED, NOW + WAIT + MINUTE)
    assert (SETTLED.revision, "pending") in states(engine)


@pytest.mark.parametrize("order", list(permutations((ASKED, SETTLED))), ids=["asked first", "settled first"])
def test_a_question_settled_within_its_time_is_told_to_nobody(
    engine: Engine, routing: Routing, order: tuple[Alert, Alert]
) -> None:
    """Asked, and answered 10 minutes later by the dose that came behind: no mail, then or ever; both are on record."""
    for alert, now in zip(order, (NOW, NOW + 10 * MINUTE), strict=True):
        record(engine, routing, alert, now)
    assert {state for _, state in states(engine)} == {"superseded"}
    assert Pending(engine).claim("email", NOW + 10**9, LEASE) is None


def test_an_end_that_comes_when_the_mail_is_due_is_told(engine: Engine, routing: Routing) -> None:
    """A mail server that was away for an hour: the mail may be on its way, so both go out, in their order."""
    record(engine, routing, ASKED, NOW)
    record(engine, routing, SETTLED, NOW + 60 * MINUTE)
    assert states(engine) == {(ASKED.revision, "pending"), (SETTLED.revision, "pending")}


def test_other_questions_and_a_replayed_clock_wait_for_nothing(engine: Engine, routing: Routing) -> None:
    """A unit that nobody knows is told at once; so is everything where time is that of the events."""
    record(engine, routing, UNREADABLE, NOW)
    assert isinstance(Pending(engine).claim("email", NOW, LEASE), Claim)
    record(engine, routing, ASKED, NOW, waits=False)
    assert isinstance(Pending(engine).claim("email", NOW, LEASE), Claim)
