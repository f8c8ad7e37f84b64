"""The catalogue: for each kind of alert how urgent it is, who is told and who is next, and by when to answer.

A new kind of alert is one entry in alert_templates/catalogue.yaml and one folder of templates beside it.
"""

from typing import Final, get_args

from safety_stream.alerting.alert import Alert, Reason
from safety_stream.alerting.entries import CATALOGUE, Entry, entry
from safety_stream.rulebook.written import Role

__all__ = ["CASES", "CATALOGUE", "REASONS", "ROLES", "Entry", "entry", "lines_of"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)

CASES: Final[dict[str, str]] = {"Febrile neutropenia": "febrile_neutropenia"}
"""The terms whose alerts are an entry of their own in the catalogue."""

REASONS: Final[dict[Reason, str]] = {
    "new": "new",
    "historical": "new to us, more than 72 hours old",
    "worse": "worse than last told",
    "corrected": "what was told has changed",
    "adjudicated": "a person has decided",
    "withdrawn": "no longer supported by the data",
    "lapsed": "the day has passed, and the check is as open as before",
    "given_unchecked": "the infusion was given, its check not complete",
    "answered": "the check is answered",
    "met_now": "a newer result or record meets the criterion",
    "reported": "the report was sent in time",
    "reported_late": "the report was sent late",
    "clock_closed": "the report is not due any more",
    "advice_changed": "the counts changed, and the advice with them",
    "settled": "the data no longer raise the question",
    "ruled_out": "ruled out by another result",
    "observed": "results came late: the subject was observed",
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
    "superseded": "a graver alert of the same subject tells what became of it",
    "no_longer_due": "the infusion is not due on that day any more",
    "never_sent": "taken back before anybody was told",
}


def lines_of(alert: Alert) -> tuple[tuple[Role, ...], ...]:
    """Whom to tell at once, then next in line, then last: those the protocol names go before the catalogue's first."""
    levels = entry(alert.type, alert.case).levels
    return (alert.tell, *levels[1:]) if alert.tell else levels
