"""An outbox that was lost: what had been answered is asked of nobody again, whatever else is told once more."""

import alerts_made as made
import findings_made
from answering_made import Office
from sqlalchemy import Engine

from safety_stream.alerting.course import Response
from safety_stream.clinical.events import Acknowledged
from safety_stream.notifier.answers import acknowledgement
from safety_stream.notifier.tables import METADATA
from safety_stream.reconcile.restoring import restore

GRADE_4 = made.sent(findings_made.toxicity(4))
OTHER = made.sent(findings_made.toxicity(4, id="F-2", subject="SUBJ-0002"))


def answer(office: Office, response: Response) -> Acknowledged:
    """An answer to the first alert."""
    standing = office.answers.standing(GRADE_4.id)
    assert standing is not None
    return acknowledgement(standing, 1, response, "Dr Lee", at=office.now, place="test")


def test_what_was_answered_is_not_asked_again_after_a_loss(engine: Engine) -> None:
    """Two alerts, one answered; the database is lost and filled anew: only the other one is mailed and steps up."""
    office = Office(engine)
    office.record(GRADE_4, OTHER)
    log = [answer(office, "will-act")]
    METADATA.drop_all(engine)
    METADATA.create_all(engine)
    office.record(GRADE_4, OTHER)
    assert restore(office.answers, log, office.now) == 1
    assert restore(office.answers, log, office.now) == 0
    office.wait(16)
    assert {getattr(claim, "alert", None) for claim in office.sent()} == {OTHER}
