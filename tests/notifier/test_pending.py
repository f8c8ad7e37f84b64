"""The queue of messages: gravest first, revisions in order, a claim is one process's, and a lost try leaves a mark."""

from concurrent.futures import ThreadPoolExecutor

import alerts_made as made
import findings_made
from sqlalchemy import Engine, select

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Outcome
from safety_stream.alerting.policy import revise
from safety_stream.notifier.outbox import Arrival, Outbox
from safety_stream.notifier.pending import Claim, Pending, Waiting
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import ATTEMPTS

NOW = 1_773_279_000_000
LEASE = 60_000
ACCEPTED = Outcome("accepted", "250 OK")
DEFERRED = Outcome("deferred", "451 later")
ONE = Routing({"*": {"safety_physician": (Recipient("email", "physician@example.org"),)}})
GRADE_4 = made.sent(findings_made.toxicity(4))
GRADE_3 = made.sent(findings_made.toxicity(3, "0.9"))
(GONE,) = (
    one for one in revise(findings_made.withdrawn(findings_made.toxicity(4))) if one.decision.reason == "withdrawn"
    and one.type == "lab_grade_4"
)  # fmt: skip


def queued(engine: Engine, *alerts: Alert) -> Pending:
    """The alerts, waiting for one physician."""
    Outbox(engine).record([Arrival(alert, "-") for alert in alerts], ONE, NOW)
    return Pending(engine)


def test_the_gravest_goes_first(engine: Engine) -> None:
    """Grade 3 was queued first; grade 4 is claimed first."""
    pending = queued(engine, GRADE_3, GRADE_4)
    claims = [pending.claim("email", NOW, LEASE) for _ in range(3)]
    assert [claim.alert.type if isinstance(claim, Claim) else None for claim in claims] == [
        "lab_grade_4",
        "lab_grade_3",
        None,
    ]


def test_a_revision_waits_for_the_one_before(engine: Engine) -> None:
    """The withdrawal is not sent while the alert itself still waits for the same person, and is sent after it."""
    pending = queued(engine, GRADE_4, GONE)
    first = pending.claim("email", NOW, LEASE)
    assert isinstance(first, Claim)
    assert first.alert.revision == 1
    assert first.newest_revision == GONE.revision
    assert pending.claim("email", NOW, LEASE) is None
    pending.settle(first, ACCEPTED, NOW, NOW)
    then = pending.claim("email", NOW, LEASE)
    assert isinstance(then, Claim)
    assert (then.alert, then.told_before) == (GONE, GRADE_4)


def test_a_deferred_message_comes_back_at_its_time(engine: Engine) -> None:
    """Not before its next try, then again, with the number of tries."""
    pending = queued(engine, GRADE_4)
    first = pending.claim("email", NOW, LEASE)
    assert isinstance(first, Claim)
    pending.settle(first, DEFERRED, NOW, NOW + 2000)
    assert pending.claim("email", NOW + 1999, LEASE) is None
    assert pending.next_due("email") == NOW + 2000
    again = pending.claim("email", NOW + 2000, LEASE)
    assert isinstance(again, Claim)
    assert (again.tries, again.possible_repeat) == (2, False)


def test_a_try_that_nobody_settled_makes_the_next_one_a_possible_repeat(engine: Engine) -> None:
    """The process died between sending and writing it down: when its claim has run out, the next try says so."""
    pending = queued(engine, GRADE_4)
    assert pending.claim("email", NOW, LEASE) is not None
    assert pending.claim("email", NOW + LEASE - 1, LEASE) is None
    assert pending.next_due("email") == NOW + LEASE
    again = pending.claim("email", NOW + LEASE, LEASE)
    assert isinstance(again, Claim)
    assert again.possible_repeat
    with engine.begin() as db:
        results = db.scalars(select(ATTEMPTS.c.result).order_by(ATTEMPTS.c.number)).all()
    assert results == ["reply_lost", None]


def test_a_lost_reply_makes_the_next_try_a_possible_repeat(engine: Engine) -> None:
    """The server took the mail and fell silent: the next copy is labelled."""
    pending = queued(engine, GRADE_4)
    first = pending.claim("email", NOW, LEASE)
    assert isinstance(first, Claim)
    pending.settle(first, Outcome("reply_lost", "timed out"), NOW, NOW)
    again = pending.claim("email", NOW, LEASE)
    assert isinstance(again, Claim)
    assert again.possible_repeat


def test_a_restart_of_the_only_messenger_waits_for_no_claim(engine: Engine) -> None:
    """On a database of its own a messenger takes its predecessor's claims back at once."""
    pending = queued(engine, GRADE_4)
    assert pending.claim("email", NOW, LEASE) is not None
    pending.release_all()
    again = pending.claim("email", NOW + 1, LEASE)
    assert isinstance(again, Claim)
    assert again.possible_repeat


def test_what_is_final_is_never_claimed_again(engine: Engine) -> None:
    """Accepted and rejected are ends; a channel sees only its own messages."""
    pending = queued(engine, GRADE_4, GRADE_3)
    for outcome in (ACCEPTED, Outcome("rejected", "550 no")):
        claim = pending.claim("email", NOW, LEASE)
        assert isinstance(claim, Claim)
        pending.settle(claim, outcome, NOW, NOW)
    assert pending.claim("email", NOW + 10**9, LEASE) is None
    assert pending.next_due("email") is None
    assert pending.waiting() == Waiting(0, 0, None)


def test_what_waits_is_counted(engine: Engine) -> None:
    """Queued and retrying apart, and since when the oldest waits."""
    pending = queued(engine, GRADE_4, GRADE_3)
    claim = pending.claim("email", NOW, LEASE)
    assert isinstance(claim, Claim)
    pending.settle(claim, DEFERRED, NOW, NOW + 2000)
    assert pending.waiting() == Waiting(queued=1, retrying=1, oldest_ms=NOW)
    assert pending.claim("file", NOW, LEASE) is None


def test_two_messengers_never_claim_the_same_message(engine: Engine) -> None:
    """Two threads empty one queue: each message is claimed once, and none is left."""
    alerts = [made.sent(findings_made.toxicity(4, id=f"F-{number}", subject=f"S-{number}")) for number in range(20)]
    pending = queued(engine, *alerts)

    def empty_it() -> list[int]:
        claims = iter(lambda: pending.claim("email", NOW, LEASE), None)
        return [claim.message for claim in claims if isinstance(claim, Claim)]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: empty_it(), range(2))
    assert sorted([*first, *second]) == sorted({*first, *second})
    while (claim := pending.claim("email", NOW, LEASE)) is not None:  # what one saw locked, and passed over
        first.append(claim.message)
    assert len(first) + len(second) == 20
