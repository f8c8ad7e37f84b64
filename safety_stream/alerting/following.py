"""An alert follows its result, whatever number the episode gets in which the result lies (register T61). Pure.

before   [ 1: K 7.5 ]  4.4  [ 2: K 7.2 ]      two alerts, one of each grade 4
now             4.4         [ 1: K 7.2 ]      7.5 was taken back: its alert is withdrawn, that of 7.2 goes on
or       [ 1: K 7.5             K 7.2 ]      4.4 was taken back: one time; the alert of 7.2 is contained in that of 7.5
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from safety_stream.alerting.at_time import SEVERE, as_told, times_of, within
from safety_stream.alerting.corrections import is_about
from safety_stream.alerting.drafts import Draft, alerts_of
from safety_stream.alerting.phrases import grade_words, quantity
from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.moment import Moment

Key = tuple[str, str, str]


class Case(NamedTuple):
    """One alert that a finding supports, or did: the change, the finding as the alert tells it, and the draft."""

    change: FindingChange
    finding: AnyFinding
    draft: Draft


Cases = Mapping[Key, Case]


def told_before(changes: Sequence[FindingChange]) -> dict[Key, Case]:
    """Every alert that the findings of some changes supported before."""
    return dict(case for change in changes for case in _cases(change, _before(change)))


def told_now(changes: Sequence[FindingChange]) -> dict[Key, Case]:
    """Every alert that they support now, and those of the episodes beside them that did not change."""
    beside = (case for change in changes for one in change.beside for case in _cases(change, one))
    return dict(beside) | dict(case for change in changes for case in _cases(change, _now(change)))


def told_with(before: Case, are: Cases) -> Case | None:
    """The alert of its kind in which the result of another one lies now; None: there is none, or it was taken back."""
    if not before.draft.record or is_about(before.change.because, before.draft.record):
        return None
    return next((one for one in are.values() if _covers(one, before)), None)


def dlt_goes_on(before: Case, changes: Iterable[FindingChange]) -> bool:
    """Whether what a DLT alert is about stands as a part of another time, whose DLT tells all of it."""
    told = before.finding
    if not isinstance(told, DoseLimitingToxicity) or is_about(before.change.because, before.draft.record):
        return False
    return bool(before.draft.record) and _severe_at(told.onset, _episodes(told.term, changes))


def went_before(now: Case, were: Cases, are: Cases) -> Case | None:
    """The alert that told of this before, under a result that has become a later one; None: nobody was told."""
    return next(
        (
            one
            for key, one in were.items()
            if key not in are and one.draft.decision.action == "send" and _goes_on_in(now, one)
        ),
        None,
    )


def began_graver(before: Case) -> bool:
    """Whether the very result of an alert was of a graver grade, so that the graver alert told all of it."""
    tells, finding = before.draft.tells, before.change.previous or before.change.finding
    if not isinstance(finding, Toxicity):
        return False
    if tells is None:
        return finding.jump is not None and finding.jump.after >= SEVERE
    return any(one.grade > tells.grade and one.record == tells.record for one in finding.times)


def says_now(before: Case, changes: Iterable[FindingChange]) -> str | None:
    """What the result of an alert says now, while it is among the last of an episode; None: it is not, or normal."""
    told = before.finding
    if not isinstance(told, Toxicity):
        return None
    for finding in _episodes(told.term, changes):
        for one in finding.readings:
            same = record_of(one.source) == before.draft.record or one.observed_at == told.peak_observed
            if same and one.grade is not None and one.grade.highest:
                return f"{finding.term}, grade {grade_words(one.grade)}: {quantity(one.value, one.unit)}"
    return None


def _before(change: FindingChange) -> AnyFinding | None:
    now = _now(change)
    was = change.previous if now is not None else change.previous or change.finding
    if isinstance(was, Toxicity) and isinstance(now, Toxicity):
        return _as_read(was, now)
    if isinstance(was, DoseLimitingToxicity) and isinstance(now, DoseLimitingToxicity) and was.record is None:
        return was.model_copy(update={"record": now.record})
    return was


def _now(change: FindingChange) -> AnyFinding | None:
    return None if change.change == "withdrawn" else change.finding


def _as_read(was: Toxicity, now: Toxicity) -> Toxicity:
    """The finding before; one that an older version concluded knew no records, and is read as having told of these."""
    more = dict[str, object]()
    if now.times and not was.times:
        held = {"expected": was.expected, "emergent": was.emergent}
        told = (one.model_copy(update=held) for one in now.times if one.grade <= was.alerting_grade)
        more["times"] = tuple(told)
    if was.jump is not None and now.jump is not None and not was.jump.record:
        more["jump"] = was.jump.model_copy(update={"record": now.jump.record})
    return was.model_copy(update=more) if more else was


def _cases(change: FindingChange, finding: AnyFinding | None) -> Iterator[tuple[Key, Case]]:
    for draft in () if finding is None else alerts_of(finding):
        told = finding
        if isinstance(finding, Toxicity) and draft.tells is not None:
            told = as_told(finding, draft.tells)
        assert told is not None  # noqa: S101  # what there is none of supports no alert
        yield (draft.type, draft.case, draft.of or told.id), Case(change, told, draft)


def _episodes(term: str, changes: Iterable[FindingChange]) -> list[Toxicity]:
    """What stands of a term now, among the changes."""
    found = [one for change in changes for one in (_now(change), *change.beside)]
    return [one for one in found if isinstance(one, Toxicity) and one.term == term]


def _severe_at(moment: Moment | None, episodes: Iterable[Toxicity]) -> bool:
    return moment is not None and any(
        within(moment, time.began, time.last) for one in episodes for time in times_of(one)
    )


def _goes_on_in(now: Case, before: Case) -> bool:
    one, other = before.finding, now.finding
    if isinstance(one, DoseLimitingToxicity) and isinstance(other, DoseLimitingToxicity):
        taken_back = is_about(before.change.because, before.draft.record)
        return bool(before.draft.record) and one.id == other.id and not taken_back
    return told_with(before, {("", "", ""): now}) is not None


def _covers(now: Case, before: Case) -> bool:
    """Whether the result of an alert lies inside what another one of the same kind tells now."""
    one, other = before.finding, now.finding
    if (before.draft.type, before.draft.case) != (now.draft.type, now.draft.case):
        return False
    if not (isinstance(one, Toxicity) and isinstance(other, Toxicity)):
        return False
    if (one.term, one.analyte) != (other.term, other.analyte):
        return False
    if before.draft.tells is not None and now.draft.tells is not None:
        return within(before.draft.tells.first, now.draft.tells.began, now.draft.tells.last)
    return one.jump is not None and within(one.jump.after_observed, other.onset, other.last_observed)
