"""One example of everything that we conclude and send: changes of findings, statuses, alerts, deliveries."""

from safety_stream.alerting.alert import Alert, Decision
from safety_stream.alerting.delivery import Delivery
from safety_stream.clinical.events import ANY_EVENT, Accepted
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.contracts.concluded_measured import LIVER, NEUTROPENIA, SEVERE, WATCHED
from safety_stream.contracts.concluded_reported import CANDIDATE, DUE, REPORTED
from safety_stream.contracts.concluded_study import ADVICE, STAGGER, TALLY
from safety_stream.contracts.concluded_subject import BREACH, ELIGIBLE, QUERY, UNSEEN
from safety_stream.contracts.setting import AS_OF, RECORD, SITE, STUDY, SUBJECT
from safety_stream.contracts.told import EVENTS


def _raised(finding: AnyFinding, because: str) -> FindingChange:
    return FindingChange(change="raised", revision=1, finding=finding, as_of=AS_OF, because=because)


ACCEPTED = Accepted(event=ANY_EVENT.validate_python(EVENTS[0]), received_at=AS_OF, origin="safety.labs/3@1042")
CHANGES = (
    _raised(NEUTROPENIA, f"lab_result {RECORD} v1"),
    _raised(REPORTED, "adverse_event site-edc|AE-001-3 v1"),
    _raised(CANDIDATE, "the clock"),
    _raised(BREACH, "vital_sign ward-monitor|7781 v1"),
    _raised(ELIGIBLE, "enrolled site-edc|enrolment-001 v1"),
    _raised(WATCHED, "vital_sign ward-monitor|7782 v1"),
    _raised(LIVER, f"lab_result {RECORD} v1"),
    _raised(DUE, "the clock"),
    _raised(SEVERE, f"lab_result {RECORD} v1"),
    _raised(UNSEEN, "the clock"),
    _raised(QUERY, "lab_result hangzhou-lis|2026-000123-HGB v1"),
)
ADVICE_CHANGE = _raised(ADVICE, "adjudicated safety-committee|2026-7 v1")
STAGGER_CHANGE = _raised(STAGGER, "status 004 revision 2")
TALLY_CHANGE = _raised(TALLY, "status 001 revision 9")
ALERT = Alert(
    id="AL-ABCDEFGH",
    revision=1,
    type="lab_grade_4",
    urgency="critical",
    state="raised",
    study=STUDY,
    site=SITE,
    subject=SUBJECT,
    dose_level=2,
    headline="Neutrophil count decreased grade 4: 0.42 10*9/L",
    finding=NEUTROPENIA,
    decision=Decision(action="send", reason="new"),
    as_of=AS_OF,
)
DELIVERY = Delivery(
    alert=ALERT.id,
    revision=1,
    type="lab_grade_4",
    study=STUDY,
    recipient="email:safety.physician@sponsor.example",
    attempt=1,
    outcome="accepted",
    said="250 2.0.0 queued",
    at=AS_OF,
)
