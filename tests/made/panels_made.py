"""The alerts of one tube of blood: liver tests that are high, and what they mean together."""

from dataclasses import replace
from typing import Any, Final

import alerts_made
import findings_made as made

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.grouping import groups
from safety_stream.alerting.inhibition import contained
from safety_stream.alerting.letter import Detail, Letter, Standing, letter
from safety_stream.alerting.policy import revise
from safety_stream.clinical.conclusion import Evidence, Input
from safety_stream.clinical.moment import Moment
from safety_stream.contracts.concluded_measured import LIVER

LINK: Final = "https://alerts.example.org/ack?t="
MORNING, NOON = Moment("2026-03-12T07:30:00+08:00"), Moment("2026-03-12T12:00:00+08:00")


def result(test: str, grade: int, subject: str = made.SUBJECT, taken: Moment = MORNING) -> Alert:
    """The alert of one result of one specimen."""
    source = Input(name=test, value="900", unit="U/L", source=f"lis|{test}-1 v1")
    told = Evidence(rule=f"ctcae-5.0/{test}", book="2026.1", inputs=(source,), sentence=f"{test} is high.")
    named: dict[str, Any] = {"id": f"F-{subject}-{test}", "subject": subject, "analyte": test, "term": f"{test} high"}
    return alerts_made.sent(made.toxicity(grade, evidence=told, peak_observed=taken, **named))


def liver(kind: str = "hys_law", *tests: str, subject: str = made.SUBJECT, taken: Moment = MORNING) -> Alert:
    """A composite that rests on the first result of each of these tests."""
    inputs = tuple(Input(name=one, value="met", source=f"lis|{one}-1 v1") for one in tests or ("ALT", "BILI"))
    evidence = LIVER.evidence.model_copy(update={"inputs": inputs})
    named = {"id": f"F-{subject}-{kind}", "subject": subject, "tell": kind, "completed": taken, "evidence": evidence}
    return alerts_made.sent(made.of_this_subject(LIVER).model_copy(update=named))


def candidate(about: Alert) -> Alert:
    """A DLT candidate about what another alert tells."""
    assert about.finding is not None
    return alerts_made.sent(
        made.dose_limiting_toxicity(id=f"D-{about.finding.id}", about=(about.finding.id,), subject=about.subject)
    )


alt_4, bilirubin_3, hys, stop = result("ALT", 4), result("BILI", 3), liver(), liver("liver_stop")
GONE = next(one for one in revise(made.withdrawn(hys.finding)) if one.state == "withdrawn")  # type: ignore[arg-type]
ONE_TUBE = (alt_4, bilirubin_3, hys, stop, candidate(hys))


def grouped(standing: Standing, detail: Detail = "full") -> Letter:
    """The mail of the whole tube: Hy's law, and beside it what is answered apart and what is contained."""
    mail = groups(ONE_TUBE)[0]
    inside = contained(mail)

    def its(alert: Alert) -> Standing:
        link = f"{LINK}{alert.id}" if standing.answer_link else None
        graver = inside[alert.id].id if alert.id in inside else None
        return replace(standing, answer_link=link, contained_in=graver)

    return letter(mail[0], its(mail[0]), detail, [(one, its(one)) for one in mail[1:]])
