"""History that is loaded late, and what the protocol expects: told as what it is, in lists, and never dropped."""

from datetime import UTC, datetime, timedelta

import alerts_made
import findings_made as made
from hypothesis import given, settings
from hypothesis import strategies as st

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.holding import Gate
from safety_stream.alerting.policy import revise

TAKEN = datetime(2026, 3, 11, 23, 30, tzinfo=UTC)  # 07:30 in Shanghai, when the specimen of findings_made was taken
HOURS = st.integers(0, 24 * 400)


def grade(number: int, hours: int, n: int = 0, expected: bool = False) -> tuple[Alert, ...]:
    """The alerts of a result of that grade which reaches us so many hours after it was taken."""
    found = made.toxicity(number, id=f"F-{n}", subject=f"SUBJ-{n:04}", expected=expected)
    return revise(made.raised(found, as_of=TAKEN + timedelta(hours=hours)))


@settings(max_examples=100, deadline=None)
@given(HOURS, st.sampled_from([3, 4]))
def test_old_is_marked_and_never_dropped(hours: int, number: int) -> None:
    """Exactly one alert goes out; it says that it is historical exactly when it is over 72 hours old."""
    (sent,) = [one for one in grade(number, hours) if one.decision.action == "send"]
    assert sent.decision.reason == ("historical" if hours > 72 else "new")
    assert ("Historical" in dict(sent.facts)) == (hours > 72)


@settings(max_examples=100, deadline=None)
@given(HOURS, st.sampled_from([3, 4]))
def test_what_the_protocol_expects_is_held_whatever_its_age(hours: int, number: int) -> None:
    """Inside its expected band nothing is mailed, all is on record with that reason, and leaving the band is news."""
    alerts = grade(number, hours, expected=True)
    assert alerts
    assert {one.decision.action for one in alerts} == {"hold"}
    assert {one.decision.reason for one in alerts} <= {"expected", "contained"}
    before, now = (made.toxicity(number, expected=expected) for expected in (True, False))
    out = revise(made.changed(before, now))
    assert [one.decision.reason for one in out if one.decision.action == "send"] == ["new"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([3, 4]), st.sampled_from([1, 100])), max_size=40), st.integers(1, 20))
def test_a_back_load_is_listed_and_what_is_new_and_critical_is_not(told: list[tuple[int, int]], over: int) -> None:
    """In a storm only new critical alerts are mails of their own; each of the others is in a list or a mail."""
    gate = Gate(TAKEN, storm_over=over)
    for number, (worst, hours) in enumerate(told):
        (sent,) = [one for one in grade(worst, hours, number) if one.decision.action == "send"]
        by_itself = number < over or (worst == 4 and hours == 1)
        assert gate.fate(sent) == ("pending" if by_itself else "gathered")


def test_an_old_death_is_still_a_mail_of_its_own() -> None:
    """However old and however many: deaths and serious events are never listed."""
    gate = Gate(TAKEN, storm_over=1)
    fatal = made.reported_event(grade=5, outcome="fatal", seriousness=("death",))
    for number in range(5):
        late = made.raised(fatal.model_copy(update={"id": f"F-{number}"}), as_of=made.AS_OF + timedelta(days=90))
        (death,) = [one for one in revise(late) if one.decision.action == "send"]
        assert (death.type, death.decision.reason) == ("death", "historical")
        assert gate.fate(death) == "pending"
    assert gate.fate(alerts_made.sent(made.toxicity(4))) == "pending"
