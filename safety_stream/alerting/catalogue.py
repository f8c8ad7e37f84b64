"""The catalogue: for each kind of alert how urgent it is, who is told and who is next, and by when to answer.

The defaults are the ones of published practice on critical results (15 to 60 minutes for an immediately
life-threatening result, 24 hours from site to sponsor for a serious adverse event). A new kind of alert is one entry
here and one folder of templates.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, get_args

from safety_stream.alerting.alert import Alert, AlertType, Reason, Urgency
from safety_stream.rulebook.written import Role

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_MINUTES: Final = {minutes: timedelta(minutes=minutes) for minutes in (15, 30, 60, 240, 1440)}


@dataclass(frozen=True, slots=True)
class Entry:
    """How one kind of alert is told. ``levels``: the roles told at once, then the next in line, then the last."""

    title: str
    urgency: Urgency
    levels: tuple[tuple[Role, ...], ...]
    answer_within: timedelta
    action: str


# fmt: off
CATALOGUE: Final[dict[tuple[AlertType, str], Entry]] = {
    ("dose_limiting_toxicity", ""): Entry(
        "possible dose-limiting toxicity", "critical",
        (("safety_physician", "medical_monitor"), ("safety_physician_backup",), ("dsmb_chair",)), _MINUTES[30],
        "Review the event and adjudicate it within 24 hours: only a person confirms or refutes a DLT. "
        "Until then hold further dosing decisions at this dose level.",
    ),
    ("lab_grade_4", ""): Entry(
        "grade 4 laboratory result", "critical",
        (
            ("safety_physician",),
            ("safety_physician_backup", "medical_monitor"),
            ("medical_monitor", "site_investigator"),
        ),
        _MINUTES[15],
        "Call the site: make sure the treating physician knows the result now.",
    ),
    ("lab_grade_3", ""): Entry(
        "grade 3 laboratory result", "warning",
        (("safety_physician",), ("safety_physician_backup",), ("medical_monitor",)), _MINUTES[240],
        "Review the course and the next planned sample with the site.",
    ),
    # The first antibiotic within one hour: ASCO and IDSA, outpatient management of fever and neutropenia, 2018.
    ("lab_grade_3", "febrile_neutropenia"): Entry(
        "febrile neutropenia", "critical",
        (("safety_physician",), ("safety_physician_backup", "medical_monitor"), ("site_investigator",)), _MINUTES[15],
        "Call the site now: cultures, and the first antibiotic within one hour of the fever. Where the neutrophils are "
        "not known, have them counted at once and do not wait for them.",
    ),
    ("serious_adverse_event", ""): Entry(
        "serious adverse event", "critical",
        (("safety_physician", "sponsor_safety"), ("safety_physician_backup", "medical_monitor"), ("dsmb_chair",)),
        _MINUTES[30],
        "Review the report; check that the SAE form has gone to the sponsor within 24 hours of awareness.",
    ),
    ("adverse_event_grade_4", ""): Entry(
        "grade 4 adverse event without a serious criterion", "critical",
        (("safety_physician",), ("safety_physician_backup", "medical_monitor"), ("site_investigator",)), _MINUTES[30],
        "Ask the site whether the event is serious: grade 4 is life-threatening by its definition.",
    ),
    ("eligibility_breach", "screening"): Entry(
        "eligibility criterion not met at screening", "warning",
        (("medical_monitor",), ("safety_physician",)), _MINUTES[1440],
        "Do not enrol on this result; repeat the test or record the screen failure.",
    ),
    ("eligibility_breach", "before_infusion"): Entry(
        "eligibility criterion not met before an infusion", "critical",
        (("safety_physician", "medical_monitor"), ("safety_physician_backup",)), _MINUTES[60],
        "HOLD THE INFUSION AND ASK: call the site before the dose is given.",
    ),
    ("eligibility_breach", "enrolled"): Entry(
        "an enrolled subject is not eligible", "critical",
        (("safety_physician", "medical_monitor"), ("safety_physician_backup",), ("sponsor_safety",)), _MINUTES[60],
        "DO NOT DOSE: call the site. Correct the record, or withdraw the subject and report the protocol deviation.",
    ),
    ("eligibility_breach", "dosed"): Entry(
        "a dosed subject was not eligible", "critical",
        (("safety_physician", "medical_monitor", "sponsor_safety"), ("safety_physician_backup",)), _MINUTES[60],
        "Hold further doses and ask the site. An important protocol deviation: assess the risk to the subject.",
    ),
    ("eligibility_breach", "given_on_hold"): Entry(
        "an infusion was given although a criterion before it was not met", "critical",
        (("safety_physician", "medical_monitor"), ("safety_physician_backup",)), _MINUTES[60],
        "Ask the site why it was given, watch the subject closely, hold the next infusion until it is decided.",
    ),
    ("cohort_decision", ""): Entry(
        "3+3 advice for a dose level", "info",
        (("medical_monitor",), ("dsmb_chair",)), _MINUTES[240],
        "Advice only. Convene the dose-escalation review before any subject is assigned on it.",
    ),
    ("cohort_decision", "stop"): Entry(
        "3+3 advice to stop a dose level", "critical",
        (("medical_monitor", "sponsor_safety", "dsmb_chair"),), _MINUTES[30],
        "Hold enrolment and dosing at this dose level until the review board has decided.",
    ),
    ("cohort_decision", "no_longer_supported"): Entry(
        "an open dose level is no longer supported", "critical",
        (("medical_monitor", "sponsor_safety", "dsmb_chair"),), _MINUTES[30],
        "A higher dose level is open that this count does not support: hold dosing there and convene the review board.",
    ),
    ("cohort_decision", "stagger"): Entry(
        "first infusion too soon after the first of its dose level", "critical",
        (("medical_monitor", "safety_physician"), ("site_investigator",)), _MINUTES[60],
        "Planned: HOLD THE INFUSION until the day the protocol allows. Given: record the deviation, and watch both "
        "subjects before anybody else is infused at this level.",
    ),
    ("cohort_decision", "cap"): Entry(
        "enrolment at its planned number", "warning",
        (("medical_monitor",), ("sponsor_safety",)), _MINUTES[1440],
        "The number is an estimate of the plan: enrol nobody further before the sponsor has decided on it.",
    ),
    ("watch_limit", ""): Entry(
        "result outside a watch limit of the protocol", "info",
        (("safety_physician",),), _MINUTES[1440],
        "Look at the course: the protocol asks that you know. This is no CTCAE grade.",
    ),
    ("ungradable", ""): Entry(
        "data that cannot be graded", "warning",
        (("data_manager",), ("safety_physician",)), _MINUTES[1440],
        "Clear up the question with the site or the laboratory; send the corrected record.",
    ),
    ("unreadable_message", ""): Entry(
        "messages that cannot be read", "warning",
        (("data_manager", "operator"), ("safety_physician",)), _MINUTES[240],
        "Find the message in the dead letters, correct it at its source and send it again. It may hold a safety event.",
    ),
    ("hys_law", ""): Entry(
        "potential severe drug-induced liver injury", "critical",
        (("safety_physician", "medical_monitor"), ("safety_physician_backup",), ("sponsor_safety",)), _MINUTES[15],
        "Call the site: hold the study product, repeat the liver tests within 48 to 72 hours with ALP, INR and "
        "differential bilirubin, and look for another cause (viral hepatitis, hemolysis, other drugs). Where it is "
        "only possible, have what is missing (most often ALP) measured now from the same specimen.",
    ),
    ("liver_stop", ""): Entry(
        "liver stopping criterion", "critical",
        (("safety_physician", "medical_monitor"), ("safety_physician_backup",), ("sponsor_safety",)), _MINUTES[15],
        "Give no further dose of the study product; follow the liver tests closely until they are back to baseline.",
    ),
    ("sae_clock", ""): Entry(
        "a safety report is due", "critical",
        (("safety_physician", "sponsor_safety"), ("medical_monitor",), ("dsmb_chair",)), _MINUTES[30],
        "Send the report now, or record when it was sent: a new version of the event with the time it was received.",
    ),
}
# fmt: on

CASES: Final[dict[str, str]] = {"Febrile neutropenia": "febrile_neutropenia"}
"""The terms whose alerts are an entry of their own in the catalogue."""

REASONS: Final[dict[Reason, str]] = {
    "new": "new",
    "historical": "new to us, more than 72 hours old",
    "worse": "worse than last told",
    "corrected": "what was told has changed",
    "adjudicated": "a person has decided",
    "withdrawn": "no longer supported by the data",
    "contained": "told by a graver alert of the same episode",
    "expected": "inside the protocol's expected band",
    "before_treatment": "not worse than before the first study treatment",
    "possible": "not yet decided: more data or time is needed",
    "refuted": "a person has decided that it is not a DLT",
    "after_infusion": "after the infusion, for information only",
    "undetermined": "cannot be judged yet",
    "routine": "no advice to act on",
    "recorded": "the protocol asks that it be recorded, not that anybody be told",
    "no_grade_at_stake": "no grade depends on it",
    "told_below": "told by the alert of the level below",
    "never_sent": "taken back before anybody was told",
}


def lines_of(alert: Alert) -> tuple[tuple[Role, ...], ...]:
    """Whom to tell at once, then next in line, then last: those the protocol names go before the catalogue's."""
    return (alert.tell,) if alert.tell else entry(alert.type, alert.case).levels


def entry(type_: AlertType, case: str = "") -> Entry:
    """The entry of one kind of alert; KeyError when policy names a case that the catalogue does not have."""
    return CATALOGUE[type_, case]
