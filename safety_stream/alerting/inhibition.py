"""Which alert of a mail is told by a graver one beside it, so that nobody answers the same facts twice. Pure.

The catalogue says which types a type contains. It does so for one pair of alerts only when the lesser one says nothing
that the graver does not say: the same result (of a jump the one it rose to), or the finding that a DLT candidate is
about. What is contained stands in the same mail with all its facts, asks for no answer of its own, is on record with
the graver one's id, and is told by itself as soon as the graver one is taken back, or revised so that it no longer
tells the same.

Never contained: what the catalogue never silences (deaths, serious events, advice to stop), what a person must decide,
and what is more urgent, or to be answered sooner, than the other.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import CATALOGUE, entry
from safety_stream.alerting.entries import Entry
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity

_ORDER = ("critical", "warning", "info")
_NONE_NEWER: Final[Mapping[str, Alert]] = {}


def contained(alerts: Iterable[Alert], newest: Mapping[str, Alert] = _NONE_NEWER) -> Mapping[str, Alert]:
    """For each alert that needs no answer of its own, by id: the graver one that tells it. All are of one mail.

    ``newest``: by id the newest revision known. What a newer revision of the graver one does not tell is not contained.
    """
    all_ = sorted(alerts, key=lambda one: (-reach(one.type), one.id, one.revision))
    found: dict[str, Alert] = {}
    for lesser in all_:
        free = (one for one in all_ if one.id not in found and contains(one, lesser))
        graver = next((one for one in free if contains(newest.get(one.id, one), lesser)), None)
        if graver is not None:
            found[lesser.id] = graver
    return found


def contains(graver: Alert, lesser: Alert) -> bool:
    """Whether the graver one tells all that the lesser one does, and is answered no later."""
    if graver.id == lesser.id or (graver.study, graver.subject) != (lesser.study, lesser.subject):
        return False
    if graver.is_over or lesser.is_over or "hold" in (graver.decision.action, lesser.decision.action):
        return False
    if lesser.type not in entry(graver.type, graver.case).contains:
        return False
    return may_contain(entry(graver.type, graver.case), entry(lesser.type, lesser.case)) and _tells(graver, lesser)


def may_contain(graver: Entry, lesser: Entry) -> bool:
    """Whether an alert of one entry may ever stand for one of the other."""
    if lesser.never_silenced or lesser.decide_within is not None:
        return False
    as_urgent = _ORDER.index(graver.urgency) <= _ORDER.index(lesser.urgency)
    return as_urgent and graver.answer_within <= lesser.answer_within


def reach(type_: str) -> int:
    """How many types a type contains, itself or through another: what contains more is graver."""
    known: set[str] = set()
    ahead = {type_}
    while ahead:
        ahead = {less for one in CATALOGUE.values() if one.type in ahead for less in one.contains} - known
        known |= ahead
    return len(known)


def _tells(graver: Alert, lesser: Alert) -> bool:
    """Whether the facts are the same: the finding itself, or the result that decided its grade."""
    finding, other = graver.finding, lesser.finding
    if isinstance(finding, DoseLimitingToxicity):
        return other is not None and other.id in finding.about
    if isinstance(finding, CompositeMet) and isinstance(other, Toxicity):
        told = {one.source for one in finding.evidence.inputs}
        return all(one is not None and one in told for one in _results(other, lesser.type))
    return False


def _results(finding: Toxicity, type_: str) -> frozenset[str | None]:
    """The records of the results that the alert tells: the one that decided the grade; of a jump what it rose to, too.

    Null among them: a result is not known any more, so nobody can say that another alert tells it.
    """
    decided = next((one.source for one in finding.evidence.inputs), None)
    jump = finding.jump
    if type_ != "grade_jump" or jump is None:
        return frozenset({decided})
    risen: set[str | None] = {one.source for one in finding.readings if one.observed_at == jump.after_observed}
    return frozenset({decided, *(risen or {None})})
