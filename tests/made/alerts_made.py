"""One alert of every type, as policy would raise it, and letters of them."""

from datetime import timedelta

import findings_made as made

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.letter import Letter, Standing, letter
from safety_stream.alerting.policy import mail_broken, revise, unreadable
from safety_stream.clinical.findings import AnyFinding
from safety_stream.contracts.concluded_measured import LIVER, SEVERE
from safety_stream.contracts.concluded_reported import DUE
from safety_stream.contracts.concluded_subject import UNSEEN

STANDING = Standing(answer_by=made.AS_OF + timedelta(minutes=15))


def sent(finding: AnyFinding) -> Alert:
    """The alert that goes out when the finding is first raised."""
    (alert,) = (one for one in revise(made.raised(finding)) if one.decision.action == "send")
    return alert


MISSING = UNSEEN.model_copy(
    update={"what": "missing_results", "name": "day-7", "missing": ("NEUT", "ALT"), "limit": "2026-03-15 to 2026-03-17"}
)
STOP = LIVER.model_copy(update={"composite": "liver-stop-8x", "tell": "liver_stop"})


def one_of_each() -> tuple[Alert, ...]:
    """Every type, every case."""
    findings: tuple[AnyFinding, ...] = (
        made.toxicity(4),
        made.toxicity(3, "0.90"),
        made.toxicity(2, "1.20", jump=made.jump()),
        made.reported_event(),
        made.reported_event(grade=4, serious=False, seriousness=(), scales=(made.scale_grade(2, 4),)),
        made.dose_limiting_toxicity(),
        made.eligibility_breach(),
        made.eligibility_breach(phase="screening"),
        made.cohort_decision(),
        made.cohort_decision("stop", 2),
        made.stagger_breach(),
        made.study_tally(),
        made.watch_limit(),
        made.watch_limit(critical=True, tell=("safety_physician", "site_investigator")),
        made.reported_event(grade=5, outcome="fatal", seriousness=("death",)),
        made.reported_event(grade=3, serious=False, seriousness=()),
        made.febrile_neutropenia(),
        made.data_query(),
        *(made.of_this_subject(one) for one in (LIVER, STOP, DUE, SEVERE, UNSEEN, MISSING)),
    )
    no_support = made.cohort_decision("wait", 1, no_longer_supported=True)
    messages = unreadable("safety.labs", "not_json", "partition 3 offset 17", made.AS_OF.date(), made.AS_OF)
    broken = mail_broken("email", made.AS_OF, made.AS_OF, "SMTPConnectError: connection refused")
    return (*map(sent, findings), sent(no_support), messages, broken)


def withdrawal() -> Alert:
    """A grade 4 that was corrected to grade 3."""
    change = made.changed(made.toxicity(4), made.toxicity(3, "0.62"))
    return next(one for one in revise(change) if one.state == "withdrawn")


def letters() -> tuple[Letter, ...]:
    """A letter of every type and case, and of a withdrawal that may be a repeat."""
    repeat = Standing(answer_by=STANDING.answer_by, possible_repeat=True, newest_revision=7, late=True)
    return (*(letter(alert, STANDING) for alert in one_of_each()), letter(withdrawal(), repeat))
