"""Answering and stepping up on each kind of database, at times that the test sets: nobody forgotten or bothered."""

import asyncio

import alerts_made as made
import findings_made
import pytest
from answering_made import BACKUP, MONITOR, PHYSICIAN, Office
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Outcome
from safety_stream.alerting.course import Response
from safety_stream.alerting.policy import revise
from safety_stream.clinical.events import Acknowledged, Adjudicated
from safety_stream.contracts.concluded_reported import DUE
from safety_stream.intake import admit, native
from safety_stream.notifier.answers import acknowledgement, adjudication
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.courses import ms
from safety_stream.notifier.pending import Claim
from safety_stream.notifier.tables import COURSES, METADATA, TRANSITIONS, open_database
from safety_stream.notifier.timekeeping import Timekeeper, Timetable

GRADE_4 = made.sent(findings_made.toxicity(4))
GRADE_3 = made.sent(findings_made.toxicity(3, "0.9"))
WORSE = GRADE_4.model_copy(update={"revision": 2})
DLT = made.sent(findings_made.dose_limiting_toxicity())
(GONE,) = (
    one for one in revise(findings_made.withdrawn(findings_made.toxicity(4))) if one.decision.reason == "withdrawn"
    and one.type == "lab_grade_4"
)  # fmt: skip


@pytest.fixture
def office(engine: Engine) -> Office:
    """A messenger whose steps are called by hand."""
    return Office(engine)


def ack(office: Office, alert: Alert, response: Response = "will-act", by: str = "Dr Lee") -> Acknowledged:
    """The event of an answer to what is on record now."""
    standing = office.answers.standing(alert.id)
    assert standing is not None
    return acknowledgement(standing, alert.revision, response, by, at=office.now, place="test")


def decision(office: Office) -> Adjudicated:
    """The event of a decision on the DLT."""
    told = adjudication(DLT, "refuted", "Dr Lee", "a cold", at=office.now, place="test")
    assert told is not None
    return told


def test_an_alert_steps_up_until_somebody_answers(office: Office) -> None:
    """Grade 4: 15 minutes a level, the last one each half hour; after the answer only who was told hears of it."""
    office.record(GRADE_4)
    assert office.mail() == [("physician@example.org", 1, "alert")]
    office.wait(14)
    assert office.mail() == []
    office.wait(1)
    assert office.mail() == [("backup@example.org", 2, "alert"), ("monitor@example.org", 2, "alert")]
    office.wait(15)
    assert office.mail() == [("monitor@example.org", 3, "alert"), ("site@example.org", 3, "alert")]
    office.wait(30)
    assert office.mail() == [("monitor@example.org", 3, "alert"), ("site@example.org", 3, "alert")]
    assert office.answers.take(ack(office, GRADE_4), office.now, "test", publish=True) == "taken"
    told = {address for address, _, kind in office.mail() if kind == "answered"}
    assert told == {f"{one}@example.org" for one in ("physician", "backup", "monitor", "site")}
    office.wait(10_000)
    assert office.mail() == []


def test_every_mail_of_an_alert_has_a_name_of_its_own(office: Office) -> None:
    """Level and round are in the id of a mail, so a repeat to the same person is no copy of the first one."""
    office.record(GRADE_4)
    ids = []
    for _ in range(6):
        ids += [(c.person.key, c.level, c.round, c.kind) for c in office.sent() if isinstance(c, Claim)]
        office.wait(30)
    assert len(ids) == len(set(ids))
    assert len([one for one in ids if one[0] == MONITOR.key]) > 3


def test_a_messenger_that_was_down_makes_up_for_it_at_once(office: Office) -> None:
    """Down from minute 1 to minute 40: levels 2 and 3 are told in its first moment, each once, and the log says so."""
    office.record(GRADE_4)
    office.mail()
    office.wait(40)
    assert {(address, level) for address, level, _ in office.mail()} == {
        ("backup@example.org", 2),
        ("monitor@example.org", 2),
        ("monitor@example.org", 3),
        ("site@example.org", 3),
    }
    assert [what for what, _ in office.moves(GRADE_4)] == ["opened", "stepped_up", "stepped_up"]


def test_the_ladder_is_that_of_the_day_it_was_raised(office: Office) -> None:
    """Another routing after a restart: an alert that is open keeps the people it was raised with."""
    office.record(GRADE_4)
    again = Office(office.engine, routing=type(office.routing)({"*": dict.fromkeys(office.routing.people["*"], ())}))
    again.now = office.now
    again.wait(15)
    assert ("backup@example.org", 2, "alert") in again.mail()


def test_a_mail_refused_for_good_steps_up_at_once(office: Office) -> None:
    """550 for the physician: the next in line are mailed now, not in 15 minutes."""
    office.record(GRADE_4)
    assert [claim.person for claim in office.sent("rejected", at_most=1)] == [PHYSICIAN]
    assert office.mail() == [("backup@example.org", 2, "alert"), ("monitor@example.org", 2, "alert")]
    assert office.moves(GRADE_4) == [("opened", "the engine"), ("refused_mail", "the mail server")]
    office.wait(15)
    assert {level for _, level, _ in office.mail()} == {3}


def test_when_every_address_is_refused_the_alert_stays_open(office: Office) -> None:
    """Nobody can be reached at any level: it climbs to the last, stays open, and is tried again each half hour."""
    office.record(GRADE_4)
    office.mail("rejected")
    assert office.state(GRADE_4) == "open"
    office.wait(30)
    assert office.mail() != []


def test_a_mail_that_waits_for_the_server_is_not_sent_after_the_answer(office: Office) -> None:
    """451 until somebody has answered another way: the waiting mail is never sent."""
    office.record(GRADE_4)
    assert len(office.sent("deferred")) == 1
    office.answers.take(ack(office, GRADE_4), office.now, "test", publish=True)
    office.wait(100)
    assert office.mail() == []


def test_a_mail_in_hand_at_the_answer_is_not_tried_again(office: Office) -> None:
    """The answer comes while the server is being asked, which then says 451: that was the last try."""
    office.record(GRADE_4)
    claim = office.pending.claim("email", ms(office.now), 60_000)
    assert claim is not None
    office.answers.take(ack(office, GRADE_4), office.now, "test", publish=True)
    office.pending.settle(claim, Outcome("deferred", "451"), ms(office.now), ms(office.now))
    office.wait(100)
    assert office.mail() == []


def test_a_correction_goes_to_everybody_who_got_the_original(office: Office) -> None:
    """Told at level 1 and 2, then withdrawn: both levels hear of it, and nothing steps up any more."""
    office.record(GRADE_4)
    office.mail()
    office.wait(15)
    office.mail()
    office.record(GONE)
    told = {address for address, _, _ in office.mail()}
    assert told == {f"{one}@example.org" for one in ("physician", "backup", "monitor")}
    office.wait(10_000)
    assert office.mail() == []
    assert office.state(GRADE_4) == "withdrawn"


def test_what_events_overtook_is_told_to_those_who_were_told_and_closed(office: Office) -> None:
    """An overdue report, stepped up, is sent late: both levels hear that it is, and nobody is asked any more."""
    overdue = made.sent(findings_made.of_this_subject(DUE.model_copy(update={"state": "overdue"})))
    (late,) = (one for one in made.overtaken() if one.decision.reason == "reported_late")
    assert (late.id, late.state) == (overdue.id, "ended")
    office.record(overdue)
    before = {address for address, _, _ in office.mail()}
    office.wait(30)
    before |= {address for address, _, _ in office.mail()}
    assert len(before) > 1
    office.record(late)
    assert {address for address, _, _ in office.mail()} == before
    office.wait(10_000)
    assert office.mail() == []
    assert office.state(overdue) == "closed"


def test_the_end_of_what_nobody_was_told_goes_to_nobody(office: Office) -> None:
    """Loaded at once, the report is late already: no mail tells how an alert ended that nobody had."""
    (late,) = (one for one in made.overtaken() if one.decision.reason == "reported_late")
    office.record(late)
    assert office.mail() == []


def test_a_newer_revision_after_an_answer_is_told_and_asked_anew(office: Office) -> None:
    """Answered, then worse: a mail, and the clock runs again."""
    office.record(GRADE_4)
    office.mail()
    office.answers.take(ack(office, GRADE_4), office.now, "test", publish=True)
    office.mail()
    office.record(WORSE)
    assert office.mail() == [("physician@example.org", 1, "alert")]
    assert office.answers.take(ack(office, GRADE_4), office.now, "test", publish=True) == "known"
    office.wait(15)
    assert ("backup@example.org", 2, "alert") in office.mail()


def test_a_reminder_goes_out_at_half_the_time(office: Office) -> None:
    """Grade 3 has 4 hours: after two the same person is reminded, once."""
    office.record(GRADE_3)
    office.mail()
    office.wait(120)
    assert office.mail() == [("physician@example.org", 1, "reminder")]
    office.wait(30)
    assert office.mail() == []


def test_a_reminder_never_overtakes_its_mail(office: Office) -> None:
    """The server has taken nothing yet: no reminder of a mail that nobody has got."""
    office.record(GRADE_3)
    office.wait(120)
    assert office.mail() == [("physician@example.org", 1, "alert")]


def test_a_decision_reaches_the_log_as_the_core_knows_it(office: Office) -> None:
    """Adjudicated here: the same event, with the finding's id, waits for safety.decisions until the broker has it."""
    office.record(DLT)
    office.mail()
    told = decision(office)
    assert office.answers.take(told, office.now, "command", publish=True) == "taken"
    ((record, version, event),) = office.answers.unpublished()
    assert event == told.model_dump_json()
    office.answers.published(record, version)
    assert office.answers.unpublished() == []
    assert office.answers.take(told, office.now, "safety.decisions/0@7", publish=False) == "known"
    assert [what for what, _ in office.moves(DLT)] == ["opened", "acknowledged", "adjudicated"]


def test_an_answer_entered_in_error_is_asked_again(office: Office) -> None:
    """Its sender takes it back: the alert is open, level 1 is mailed at once; and alone it never answers anything."""
    office.record(GRADE_4)
    office.mail()
    event = ack(office, GRADE_4)
    back = event.model_copy(
        update={"status": "entered-in-error", "source": event.source.model_copy(update={"version": 2})}
    )
    early = back.model_copy(update={"source": event.source.model_copy(update={"id": "another"})})
    assert office.answers.take(early, office.now, "safety.decisions/0@1", publish=False) == "nothing_to_answer"
    assert office.answers.take(event, office.now, "safety.decisions/0@2", publish=False) == "taken"
    office.mail()
    assert office.answers.take(back, office.now, "safety.decisions/0@3", publish=False) == "taken"
    assert office.state(GRADE_4) == "open"
    assert office.mail() == [("physician@example.org", 1, "alert")]
    office.wait(15)
    assert {level for _, level, _ in office.mail()} == {2}


def test_an_answer_that_arrives_after_it_was_taken_back_answers_nothing(office: Office) -> None:
    """Version 2 says that version 1 was an error, and comes first: the alert stays open."""
    office.record(GRADE_4)
    event = ack(office, GRADE_4)
    back = event.model_copy(
        update={"status": "entered-in-error", "source": event.source.model_copy(update={"version": 2})}
    )
    for one in (back, event):
        assert office.answers.take(one, office.now, "safety.decisions/0@1", publish=False) == "nothing_to_answer"
    assert office.state(GRADE_4) == "open"


def test_what_goes_to_the_decisions_topic_is_read_by_the_engine_as_it_was_meant(office: Office) -> None:
    """Answer and decision, written and read by the engine's own reader: the same events, and admitted."""
    office.record(GRADE_4, DLT)
    for event in (ack(office, GRADE_4), decision(office)):
        assert native.read(native.write(event)) == (event,)
        assert admit(event, {event.study}) is None


def test_an_answer_by_message_needs_no_way_back(office: Office) -> None:
    """Read from safety.decisions: taken, and not sent there again."""
    office.record(GRADE_4)
    assert office.answers.take(ack(office, GRADE_4), office.now, "safety.decisions/0@3", publish=False) == "taken"
    assert office.answers.unpublished() == []


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"revision": 9}, "unknown_revision"),
        ({"alert": "AL-AAAAAAAA"}, "unknown_alert"),
        ({"subject": "SUBJ-999"}, "other_subject"),
    ],
)
def test_an_answer_that_does_not_fit_changes_nothing(office: Office, change: dict[str, object], outcome: str) -> None:
    """Another revision, alert or subject: refused by name, and on record as refused."""
    office.record(GRADE_4)
    event = ack(office, GRADE_4).model_copy(update=change)
    assert office.answers.take(event, office.now, "safety.decisions/0@3", publish=False) == outcome
    assert office.moves(GRADE_4) == [("opened", "the engine")]


def test_a_dlt_that_nobody_decides_opens_again_and_can_be_answered_again(office: Office) -> None:
    """Acknowledged, not adjudicated in 24 hours: told again at level 1; the same person's same answer counts anew."""
    office.record(DLT)
    office.mail()
    assert office.answers.take(ack(office, DLT), office.now, "test", publish=True) == "taken"
    office.mail()
    office.wait(24 * 60)
    assert {(address, level) for address, level, _ in office.mail()} == {
        ("physician@example.org", 1),
        ("monitor@example.org", 1),
    }
    assert office.state(DLT) == "open"
    assert office.answers.take(ack(office, DLT), office.now, "test", publish=True) == "taken"


def test_not_for_me_tells_the_next_now(office: Office) -> None:
    """Pass on: the next level is mailed at once, and their mail says why."""
    office.record(GRADE_4)
    office.mail()
    office.answers.take(ack(office, GRADE_4, "pass-on"), office.now, "test", publish=True)
    claims = [claim for claim in office.sent() if isinstance(claim, Claim)]
    assert {(claim.person, claim.level, claim.told_by) for claim in claims} == {
        (BACKUP, 2, "passed_on"),
        (MONITOR, 2, "passed_on"),
    }


def test_moves_are_only_ever_added(office: Office) -> None:
    """What was on record stays as it was, row by row, whatever comes after; the numbers of an alert have no gap."""
    office.record(GRADE_4, DLT)
    rows: list[object] = []
    for arrives in ((), (WORSE,), (GONE,)):
        office.wait(20)
        office.record(*arrives)
        with office.engine.begin() as db:
            now = [tuple(row) for row in db.execute(select(TRANSITIONS).order_by(TRANSITIONS.c.id))]
        assert now[: len(rows)] == rows
        rows = list(now)
    numbers = [row[2] for row in now if row[1] == GRADE_4.id]
    assert numbers == list(range(1, len(numbers) + 1))


STEPS = st.lists(
    st.sampled_from(
        ["wait 7", "wait 16", "wait 40", "mail", "refuse", "defer", "answer", "pass on", "worse", "decide"]
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_mail_asks_after_an_answer_whatever_happened_before(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """Waits, outages, refusals, corrections in any order: once the newest revision is answered no mail asks again."""
    engine = open_database("sqlite://")
    office, newest, number = Office(engine), GRADE_4, 1
    office.record(newest)
    for step in steps:
        match step.split():
            case ["wait", minutes]:
                office.wait(int(minutes))
            case ["mail"]:
                office.sent()
            case ["refuse"]:
                office.sent("rejected")
            case ["defer"]:
                office.sent("deferred")
            case ["worse"]:
                number += 1
                newest = GRADE_4.model_copy(update={"revision": number})
                office.record(newest)
            case ["answer"]:
                office.answers.take(ack(office, newest), office.now, "test", publish=True)
            case _:
                office.answers.take(ack(office, newest, "pass-on"), office.now, "test", publish=True)
    office.answers.take(ack(office, newest, by="Dr Wu"), office.now, "test", publish=True)
    office.wait(10_000)
    asked = [claim for claim in office.sent() if isinstance(claim, Claim) and claim.kind != "answered"]
    assert asked == []
    METADATA.drop_all(engine)
    engine.dispose()


async def test_the_timekeeper_wakes_when_something_is_due(office: Office) -> None:
    """The task itself, with a clock that stands beyond the deadline: the next level is queued and the bell is rung."""
    office.record(GRADE_4)
    office.mail()
    late = office.now.replace(minute=office.now.minute + 15)
    stop, work = asyncio.Event(), Bell()
    rung = work.listen()
    task = asyncio.create_task(Timekeeper(Timetable(office.engine), work, lambda: late).run(stop))
    await asyncio.wait_for(rung.wait(), 20)
    stop.set()
    work.ring()
    await task
    with office.engine.begin() as db:
        assert db.scalar(select(COURSES.c.level)) == 2
