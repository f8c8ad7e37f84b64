"""One specimen, one mail: gathered for a moment, frozen at the first try, and what is contained is never lost."""

import pytest
from answering_made import MONITOR, PHYSICIAN, Gathering
from panels_made import GONE, alt_4, bilirubin_3, hys, result
from sqlalchemy import Engine

from safety_stream.alerting.alert import Alert
from safety_stream.notifier.courses import ms
from safety_stream.notifier.outbox import Outbox
from safety_stream.notifier.pending import Claim


@pytest.fixture
def office(engine: Engine) -> Gathering:
    """Nobody told anything yet."""
    return Gathering(engine)


@pytest.mark.parametrize("order", [(alt_4, bilirubin_3, hys), (hys, bilirubin_3, alt_4)])
def test_a_panel_is_one_mail_a_person_whatever_came_first(office: Gathering, order: tuple[Alert, ...]) -> None:
    """The results of a tube arrive within a second: the physician gets one mail, Hy's law first, in either order."""
    for alert in order:
        office.record(alert)
        office.second(0.3)
    assert office.mails() == []
    office.second()
    assert office.mails() == [
        (MONITOR.address, [hys.id]),
        (PHYSICIAN.address, [hys.id, alt_4.id, bilirubin_3.id]),
    ]


def test_no_mail_waits_longer_than_two_seconds(office: Gathering) -> None:
    """However many more come in, the first one's two seconds end the wait for all."""
    office.record(bilirubin_3)
    office.second(1.9)
    office.record(hys)
    office.second(0.1)
    assert (PHYSICIAN.address, [hys.id, bilirubin_3.id]) in office.mails()


def test_what_is_contained_asks_nobody_and_is_on_record(office: Gathering) -> None:
    """The ALT of Hy's law is closed with the graver one's id, steps up to nobody, and its facts were in the mail."""
    office.record(alt_4, hys)
    office.second()
    office.mails()
    assert office.states(alt_4) == {"contained"}
    assert office.state(alt_4) == "closed"
    assert office.state(hys) == "open"
    office.wait(16)
    assert {claim.alert.id for claim in office.sent() if isinstance(claim, Claim)} == {hys.id}


def test_the_lesser_alert_is_told_by_itself_when_the_graver_one_is_taken_back(office: Gathering) -> None:
    """The bilirubin was a slip, Hy's law is withdrawn: the ALT asks for an answer of its own, with its full time."""
    office.record(alt_4, hys)
    office.second()
    office.mails()
    office.wait(5)
    office.record(GONE)
    office.second()
    told = office.mails()
    assert (PHYSICIAN.address, [alt_4.id]) in told
    assert (PHYSICIAN.address, [GONE.id]) in told
    assert office.state(alt_4) == "open"
    assert office.state(hys) == "withdrawn"


def test_what_is_told_apart_keeps_its_own_answer(office: Gathering) -> None:
    """A neutropenia in the same tube is in the mail of Hy's law and stays open."""
    neutrophils = result("NEUT", 4)
    office.record(hys, neutrophils)
    office.second()
    assert (PHYSICIAN.address, [hys.id, neutrophils.id]) in office.mails()
    assert office.state(neutrophils) == "open"


def test_a_mail_that_was_tried_never_grows(office: Gathering) -> None:
    """The server was busy; what came in meanwhile is the next mail: one Message-ID, one content."""
    office.record(alt_4, bilirubin_3)
    office.second()
    assert office.mails("deferred") == [(PHYSICIAN.address, [alt_4.id, bilirubin_3.id])]
    office.record(hys)
    office.wait(2)
    told = office.mails()
    assert (PHYSICIAN.address, [alt_4.id, bilirubin_3.id]) in told
    assert (PHYSICIAN.address, [hys.id]) in told
    assert office.states(alt_4) == {"accepted"}


def test_a_refused_mail_steps_up_every_alert_in_it(office: Gathering) -> None:
    """No alert of the mail is taken for told: each goes to its next in line, the contained one too."""
    neutrophils = result("NEUT", 4)
    office.record(hys, alt_4, neutrophils)
    office.second()
    (claim,) = (one for one in office.sent("rejected", at_most=2) if isinstance(one, Claim) and one.person == PHYSICIAN)
    assert len(claim.whole) == 3
    for one in claim.beside:  # what the courier does for each alert of the mail
        Outbox(office.engine).refused(one.alert, one.level, ms(office.now))
    assert all("pending" in office.states(one) for one in (hys, alt_4, neutrophils))
