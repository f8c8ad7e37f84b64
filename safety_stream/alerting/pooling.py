"""What a safety board may see: pooled numbers and the kind of event, never a subject. Pure."""

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import entry
from safety_stream.alerting.endings import word_of
from safety_stream.clinical.findings_study import CohortDecision

_POOLED = ("Study", "Dose level")


def pooled_alert(alert: Alert) -> Alert:
    """The alert without its subject: of one subject its kind and dose level alone, of a dose level all its numbers."""
    if alert.subject is not None:
        title = entry(alert.type, alert.case).title
        word = word_of(alert)
        taken_back = f"{word}: " if word else ""
        facts = tuple(fact for fact in alert.facts if fact[0] in _POOLED)
        named = {"headline": f"{taken_back}{title}", "facts": facts}
        return alert.model_copy(update={**named, "subject": None, "site": None, "finding": None})
    if isinstance(alert.finding, CohortDecision):
        return _unnamed(alert, alert.finding)
    return alert


def _unnamed(alert: Alert, finding: CohortDecision) -> Alert:
    facts = tuple((label, value) for label, value in alert.facts if not any(one in value for one in finding.subjects))
    evidence = finding.evidence
    if any(one in evidence.sentence for one in finding.subjects):
        evidence = evidence.model_copy(update={"sentence": ""})
    pooled = finding.model_copy(update={"subjects": (), "evidence": evidence})
    return alert.model_copy(update={"facts": facts, "finding": pooled})
