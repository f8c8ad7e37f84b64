"""One alert of every type, as policy would raise it, and letters of them."""

from datetime import date, timedelta
from typing import Any

import findings_made as made

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.letter import Letter, Standing, letter
from safety_stream.alerting.policy import mail_broken, revise, unreadable
from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_subject import CriterionState, EligibilityStatus
from safety_stream.contracts.concluded_measured import LIVER, SEVERE
from safety_stream.contracts.concluded_reported import DUE
from safety_stream.contracts.concluded_subject import ELIGIBLE, UNSEEN

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


def _check(**says: Any) -> EligibilityStatus:
    """The check before infusion 2, with one criterion of one open."""
    open_ = CriterionState(
        criterion="alt", text="ALT at most 2 x ULN", verdict="undetermined", missing=("a valid result (ALT)",)
    )
    told: dict[str, Any] = {"check": "before_infusion", "infusion": 2, "state": "undetermined", "criteria": (open_,)}
    evidence = made.evidence(sentence="Before infusion 2: undetermined: 0 of 1 criteria met; undetermined: alt.")
    says = {"evidence": evidence, "enrolled": True, "given": False, **told, **says}
    check: EligibilityStatus = made.of_this_subject(ELIGIBLE.model_copy(update=says))
    return check


def overtaken() -> tuple[Alert, ...]:
    """What became of a hold, of a broken criterion and of an overdue report, as those are told who were told before."""
    day = date(2026, 3, 9)
    hold, late = _check(needed_by=day), {"state": "met_late", "done": DUE.due + timedelta(hours=5, minutes=5)}
    met = CriterionState(criterion="alt", text="ALT at most 2 x ULN", verdict="met")
    overdue = made.of_this_subject(DUE.model_copy(update={"state": "overdue"}))
    changes = (
        made.changed(hold, _check(needed_by=day, lapsed=True)),
        made.changed(hold, _check(given=True, unanswered_by=day)),
        made.changed(hold, _check(state="go", criteria=(met,))),
        made.withdrawn(made.eligibility_breach(), because="lab_result hangzhou-lis|ALT-9 v1"),
        made.changed(overdue, overdue.model_copy(update=late)),
        made.changed(made.cohort_decision(), made.cohort_decision("wait")),
        made.withdrawn(made.data_query()),
        made.withdrawn(made.of_this_subject(LIVER), ruled_out="Alkaline phosphatase 300 U/L >= 2 x ULN; R = 1.25"),
        made.changed(made.dose_limiting_toxicity(), made.dose_limiting_toxicity(state="refuted", **_REFUTED)),
        made.withdrawn(made.of_this_subject(UNSEEN)),
    )
    return tuple(one for change in changes for one in revise(change) if one.decision.action == "send")


_REFUTED: dict[str, Any] = {"adjudicated_by": "Dr Lee", "adjudication": "2026-03-12: 9 | 1"}


def counted() -> tuple[Alert, ...]:
    """Events told by another scale or by a word, and a DLT that has no grade."""
    calm: dict[str, Any] = {"serious": False, "seriousness": ()}
    return (
        sent(made.reported_event(grade=2, scales=(made.scale_grade(3, 4),), **calm)),
        sent(
            made.reported_event(grade=None, supported=GradeRange(lowest=1, highest=4), severity_word="severe", **calm)
        ),
        sent(made.reported_event(attribution="unlikely", sponsor_attribution="possible", **calm)),
        sent(made.dose_limiting_toxicity(grade=None)),
    )


def letters() -> tuple[Letter, ...]:
    """A letter of every type and case, and of a withdrawal that may be a repeat."""
    repeat = Standing(answer_by=STANDING.answer_by, possible_repeat=True, newest_revision=7, late=True)
    return (
        *(letter(alert, STANDING) for alert in (*one_of_each(), *overtaken(), *counted())),
        letter(withdrawal(), repeat),
    )
