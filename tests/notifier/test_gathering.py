"""What is not mailed one by one: storms, silences, the digest, and the numbers that say so. Nothing is dropped."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import alerts_made as made
import findings_made
import pytest
from answering_made import BOARD, MONITOR, PEOPLE, PHYSICIAN, Office
from sqlalchemy import Engine

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.holding import EVERY, Silence
from safety_stream.alerting.notes import Digest, Gathered, Reader, digest_note
from safety_stream.alerting.policy import revise
from safety_stream.alerting.render_notes import plain_note
from safety_stream.errors import ConfigurationError
from safety_stream.notifier.alert_state import Standing
from safety_stream.notifier.answers import acknowledgement
from safety_stream.notifier.courses import ms
from safety_stream.notifier.digest import Digests
from safety_stream.notifier.gathering import silence
from safety_stream.notifier.pending import Claim, NoticeClaim
from safety_stream.notifier.response import Answered
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import open_database
from safety_stream.notifier.timekeeping import Timetable

STUDY = "CAR-NK-SLE-01"
STOP = made.sent(findings_made.cohort_decision("stop", 2))
DEATH = made.sent(findings_made.reported_event(grade=5, outcome="fatal", seriousness=("death",)))


def grade_3(number: int) -> Alert:
    """A grade 3 alert of a subject of that number: a warning, to the physician."""
    return made.sent(findings_made.toxicity(3, "0.9", id=f"F-{number}", subject=f"SUBJ-{number:04}"))


def grade_4(number: int) -> Alert:
    """A grade 4 alert of a subject of that number: critical."""
    return made.sent(findings_made.toxicity(4, id=f"F4-{number}", subject=f"SUBJ-{number:04}"))


@pytest.fixture
def office(engine: Engine) -> Office:
    """Lists from the fourth alert of a study in ten minutes on."""
    return Office(engine, storm_over=3)


def lists(office: Office) -> list[Gathered]:
    """What the lists that are due now hold."""
    claims = [claim for claim in office.sent() if isinstance(claim, NoticeClaim)]
    return [Gathered.model_validate_json(claim.content) for claim in claims]


def test_a_storm_becomes_one_list_and_nothing_is_lost(office: Office) -> None:
    """Ten alerts at once: three mails and one list of seven; each of the ten is open with its own deadline."""
    office.record(*map(grade_3, range(10)))
    mailed = {claim.alert.id for claim in office.sent() if isinstance(claim, Claim)}
    assert len(mailed) == 3
    office.wait(0)
    (told,) = lists(office)
    assert {line.alert for line in told.lines} == {grade_3(number).id for number in range(10)} - mailed
    assert all(line.answer_by == office.now + timedelta(hours=4) for line in told.lines)
    counts = Standing(office.engine, lambda: ms(office.now))()
    assert sum(counts.open.values()) == 10


def test_lists_come_at_most_every_five_minutes(office: Office) -> None:
    """The storm goes on: what gathers meanwhile is in the next list, five minutes after the one before."""
    office.record(*map(grade_3, range(4)))
    office.mail()
    office.wait(0)
    assert len(lists(office)) == 1
    office.record(grade_3(11), grade_3(12))
    office.wait(4)
    assert lists(office) == []
    office.wait(1)
    (told,) = lists(office)
    assert {line.alert for line in told.lines} == {grade_3(11).id, grade_3(12).id}


def test_a_critical_alert_is_never_in_a_list(office: Office) -> None:
    """In the middle of a storm: grade 4, the death and the advice to stop are mails of their own."""
    office.record(*map(grade_3, range(6)))
    office.mail()
    office.record(grade_4(1), DEATH, STOP)
    told = {claim.alert.type for claim in office.sent() if isinstance(claim, Claim)}
    assert told == {"lab_grade_4", "death", "cohort_decision"}


def test_ten_minutes_later_alerts_are_mails_again(office: Office) -> None:
    """The storm is over: the next alert is a mail of its own."""
    office.record(*map(grade_3, range(6)))
    office.mail()
    office.wait(11)
    office.mail()
    office.record(grade_3(20))
    assert office.mail() == [("physician@example.org", 1, "alert")]


def test_an_alert_of_a_list_steps_up_and_is_answered_like_any_other(office: Office) -> None:
    """Told in a list only: an answer stops it; without one the next in line are told when the time has passed."""
    office.record(*map(grade_3, range(5)))
    office.mail()
    office.wait(0)
    (told,) = lists(office)
    first, second = (line.alert for line in told.lines)
    standing = office.answers.standing(first)
    assert standing is not None
    event = acknowledgement(standing, 1, "will-act", "Dr Lee", at=office.now, place="test")
    assert office.answers.take(event, office.now, "test", publish=True) == "taken"
    office.wait(241)
    stepped = {claim.alert.id for claim in office.sent() if isinstance(claim, Claim) and claim.level == 2}
    listed = {line.alert for told in lists(office) for line in told.lines}
    assert first not in stepped | listed
    assert office.answers.standing(second).course.level == 2  # type: ignore[union-attr]  # it is on record


def test_a_list_that_is_refused_for_good_gives_its_alerts_back(office: Office) -> None:
    """550 for the list: each alert is tried as a mail of its own, and steps up when that is refused too."""
    office.record(*map(grade_3, range(5)))
    office.mail()
    office.wait(0)
    (claim,) = office.sent("rejected", at_most=1)
    assert isinstance(claim, NoticeClaim)
    assert len([one for one in office.sent("rejected", at_most=2) if isinstance(one, Claim)]) == 2
    assert {"backup@example.org"} <= {person for person, _, _ in office.mail()}


def test_a_silence_holds_mails_and_never_a_death_or_a_stop(office: Office) -> None:
    """A silent study: grade 3 and 4 are kept, the death and the advice to stop are mailed; after it mails go again."""
    office.storm_over, since = 0, office.now
    silence(office.engine, Silence(STUDY, EVERY, "site moves", "Dr Lee", since, since + timedelta(hours=1)))
    office.record(grade_3(1), grade_4(2), DEATH, STOP)
    assert {claim.alert.type for claim in office.sent() if isinstance(claim, Claim)} == {"death", "cohort_decision"}
    office.wait(61)
    office.mail()
    office.record(grade_3(3))
    assert ("physician@example.org", 1, "alert") in office.mail()


def test_what_was_silent_is_open_and_steps_up_when_the_silence_has_ended(office: Office) -> None:
    """Grade 4 in a silence of an hour: nobody is mailed in it, and the last level is told after it."""
    since = office.now
    silence(office.engine, Silence(STUDY, "lab_grade_4", "x", "Dr Lee", since, since + timedelta(hours=1)))
    office.record(grade_4(1))
    for _ in range(59):
        office.wait(1)
        assert office.mail() == []
    office.wait(1)
    assert {level for _, level, _ in office.mail()} == {3}


def test_a_withdrawal_is_told_in_a_silence_too(office: Office) -> None:
    """Who was told before the silence is not left with what no longer holds."""
    alert = made.sent(findings_made.toxicity(4))
    office.record(alert)
    office.mail()
    since = office.now
    silence(office.engine, Silence(STUDY, EVERY, "x", "Dr Lee", since, since + timedelta(hours=1)))
    office.record(*(one for one in revise(findings_made.withdrawn(findings_made.toxicity(4))) if one.id == alert.id))
    assert office.mail() == [("physician@example.org", 1, "alert")]


@pytest.mark.parametrize(
    ("study", "type_", "hours", "reason", "by", "says"),
    [
        (EVERY, EVERY, 1, "x", "Dr Lee", "names a study or a type"),
        (EVERY, "death", 1, "x", "Dr Lee", "death is never silenced"),
        (EVERY, "sae_clock", 1, "x", "Dr Lee", "sae_clock is never silenced"),
        (EVERY, "earthquake", 1, "x", "Dr Lee", "no type of alert is called earthquake"),
        (STUDY, EVERY, 9, "x", "Dr Lee", "at most 8 hours"),
        (STUDY, EVERY, 1, " ", "Dr Lee", "a reason and a name"),
        (STUDY, EVERY, 1, "x", "", "a reason and a name"),
    ],
)
def test_a_silence_is_short_reasoned_signed_and_never_total(
    study: str, type_: str, hours: int, reason: str, by: str, says: str
) -> None:
    """Each of these is refused, with why."""
    at, engine = datetime(2026, 3, 12, tzinfo=UTC), open_database("sqlite://")
    with pytest.raises(ConfigurationError, match=says):
        silence(engine, Silence(study, type_, reason, by, at, at + timedelta(hours=hours)))
    engine.dispose()


def digest(office: Office, at: datetime, routing: Routing = PEOPLE) -> dict[Recipient, Digest]:
    """What the digest of seven o'clock says to each of its readers."""
    table = Timetable(office.engine, office.storm_over, Digests(routing, time(7), Decimal(2)))
    table.move(ms(office.now))
    office.now = at
    table.move(ms(at))
    claims = [claim for claim in office.sent() if isinstance(claim, NoticeClaim) and claim.kind == "digest"]
    return {claim.person: Digest.model_validate_json(claim.content) for claim in claims}


def test_the_digest_lists_what_waits_what_was_not_mailed_and_why(office: Office) -> None:
    """Held by the policy, silenced, in a list; open alerts with their deadlines; the silence with its reason."""
    (expected,) = revise(findings_made.raised(findings_made.toxicity(3, "0.9", expected=True)))
    since = office.now
    silence(office.engine, Silence(EVERY, "lab_grade_3", "analyser", "Dr Lee", since, since + timedelta(hours=8)))
    office.record(expected, grade_3(1), grade_4(2), grade_4(3))
    office.mail()
    told = digest(office, datetime(2026, 3, 12, 7, tzinfo=UTC))
    assert set(told) == {PHYSICIAN, MONITOR}
    day = told[PHYSICIAN]
    reasons = {(one.type, one.why): one.count for one in day.not_mailed}
    assert reasons["lab_grade_3", "inside the protocol's expected band"] == 1
    assert reasons["lab_grade_3", "silenced"] >= 1
    assert (day.day, day.waiting, len(day.open)) == ("2026-03-12", 3, 3)
    assert [(one.type, one.reason, one.by) for one in day.silences] == [("lab_grade_3", "analyser", "Dr Lee")]


def test_the_digest_measures_alerts_against_the_budget(office: Office) -> None:
    """Two alerts of one subject mailed in the week and one of another: 1.5 a subject, under a budget of 2."""
    office.record(grade_4(1), grade_3(1), grade_4(2))
    office.mail()
    (line,) = digest(office, datetime(2026, 3, 12, 7, tzinfo=UTC))[PHYSICIAN].budget
    assert (line.study, line.mailed, line.subjects, line.rate, line.is_over) == (STUDY, 3, 2, Decimal("1.5"), False)
    assert line.model_copy(update={"limit": Decimal(1)}).is_over


def test_the_digest_comes_also_when_nothing_happened_and_once_a_day(office: Office) -> None:
    """A quiet day: a mail that says so; a restart in the same hour sends no second one."""
    at = datetime(2026, 3, 12, 7, tzinfo=UTC)
    assert {one.waiting for one in digest(office, at).values()} == {0}
    assert digest(office, at + timedelta(minutes=30)) == {}
    assert len(digest(office, at + timedelta(days=1))) == 2


def test_a_reader_of_one_study_gets_the_digest_of_that_study(office: Office) -> None:
    """The other study's physician sees nothing of this one."""
    other = Recipient("email", "other@example.org")
    routing = Routing(PEOPLE.people | {"OTHER-02": {"safety_physician": (other,)}})
    office.record(grade_4(1), grade_4(2).model_copy(update={"study": "OTHER-02"}))
    told = digest(office, datetime(2026, 3, 12, 7, tzinfo=UTC), routing)
    assert [line.subject for line in told[other].open] == ["SUBJ-0002"]
    assert [line.subject for line in told[PHYSICIAN].open] == ["SUBJ-0001"]


def test_the_board_has_a_digest_on_mondays_pooled_and_of_seven_days(office: Office) -> None:
    """Told and held on Thursday: nothing for the chair on Friday; on Monday the week, and no subject in the mail."""
    (expected,) = revise(findings_made.raised(findings_made.toxicity(3, "0.9", expected=True)))
    office.record(expected, grade_4(1))
    office.mail()
    assert BOARD not in digest(office, datetime(2026, 3, 13, 7, tzinfo=UTC))
    week = digest(office, datetime(2026, 3, 16, 7, tzinfo=UTC))[BOARD]
    assert (week.weekly, week.waiting) == (True, 1)
    assert [one.count for one in week.not_mailed if one.why == "inside the protocol's expected band"] == [1]
    note = digest_note(week, Reader(pooled=True))
    assert note.title == "Weekly digest for the board 2026-03-16"
    assert "SUBJ-0001" not in plain_note(note).text


def test_the_digest_gives_its_reasons_in_the_language_of_its_reader(office: Office) -> None:
    """What the policy held inside the expected band is said in Chinese to who reads Chinese."""
    (expected,) = revise(findings_made.raised(findings_made.toxicity(3, "0.9", expected=True)))
    office.record(expected)
    day = digest(office, datetime(2026, 3, 12, 7, tzinfo=UTC))[PHYSICIAN]
    text = plain_note(digest_note(day, Reader("zh"))).text
    assert "在方案预期范围内" in text
    assert "inside the protocol" not in text


def test_steps_and_answers_are_counted_from_what_is_on_record(office: Office) -> None:
    """One step up, an answer 20 minutes after the mail, a silenced message: the numbers that the metrics show."""
    office.record(grade_4(1))
    office.mail()
    office.wait(20)
    standing = office.answers.standing(grade_4(1).id)
    assert standing is not None
    event = acknowledgement(standing, 1, "will-act", "Dr Lee", at=office.now, place="test")
    office.answers.take(event, office.now, "test", publish=True)
    silence(office.engine, Silence(STUDY, EVERY, "x", "Dr Lee", office.now, office.now + timedelta(hours=1)))
    office.record(grade_3(2))
    now = Answered(office.engine, lambda: ms(office.now), Decimal(2))()
    assert now.steps == {(STUDY, "lab_grade_4", 2): 1}
    assert now.seconds == {"lab_grade_4": (1200.0,)}
    assert now.held_back[STUDY, "silenced"] == 1
    assert now.silences == 1


def test_open_and_overdue_are_true(office: Office) -> None:
    """Grade 4 unanswered for 16 minutes is overdue, grade 3 is not; answered, grade 4 is open no more."""
    office.record(grade_4(1), grade_3(2))
    office.wait(16)
    counts = Standing(office.engine, lambda: ms(office.now))()
    assert counts.overdue == {(STUDY, "critical"): 1, (STUDY, "warning"): 0}
    assert counts.oldest_ms[STUDY, "critical"] == ms(office.now) - 16 * 60_000
    standing = office.answers.standing(grade_4(1).id)
    assert standing is not None
    event = acknowledgement(standing, 1, "will-act", "Dr Lee", at=office.now, place="test")
    office.answers.take(event, office.now, "test", publish=True)
    after = Standing(office.engine, lambda: ms(office.now))()
    assert after.open == {(STUDY, "lab_grade_3", "warning", "unacknowledged"): 1}
    assert after.studies == {STUDY}
    assert after.overdue == {(STUDY, "warning"): 0}
