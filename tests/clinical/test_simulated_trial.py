"""The bundled trial from end to end, judged without an engine: every truth of its cast is found, and nothing stale."""

from datetime import datetime

import pytest
from stepping import stepped

from safety_stream.clinical import cohort, subject
from safety_stream.clinical.events import ClockTicked, SubjectEvent
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.record import SubjectRecord
from safety_stream.intake import read
from safety_stream.intake.rejected import Rejected
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.simulator import simulated_trial

STUDY = "CAR-NK-SLE-01"


class Trial:
    """Every subject of the study, stepped in order of arrival; the clock is the events' own."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.records: dict[str, SubjectRecord] = {}
        self.study = cohort.empty(STUDY)
        self.changes: list[FindingChange] = []
        self.now: dict[str, datetime] = {}

    def take(self, event: SubjectEvent | ClockTicked) -> None:
        """One event, or one tick for every subject whose deadline it passes."""
        if isinstance(event, ClockTicked):
            for name, record in self.records.items():
                if record.header.deadline is not None and record.header.deadline <= event.as_of:
                    self._step(name, None, event.as_of)
        else:
            self._step(event.subject, event, event.reported_at)

    def _step(self, name: str, event: SubjectEvent | None, as_of: datetime) -> None:
        self.now[name] = max(as_of, self.now.get(name, as_of))
        record = self.records.get(name) or subject.empty(STUDY, name)
        done = stepped(record, event, self.book, self.now[name])
        self.records[name] = done.record
        self.changes += done.changes
        if done.status is not None:
            self.study, decisions = cohort.step(self.study, done.status, self.book, done.status.as_of)
            self.changes += decisions

    def standing(self) -> dict[str, AnyFinding]:
        """Every finding as it was last sent, if it was not withdrawn."""
        last = {change.finding.id: change for change in self.changes}
        return {id_: change.finding for id_, change in last.items() if change.change != "withdrawn"}


@pytest.fixture(scope="module")
def trial() -> Trial:
    """The whole simulated trial, judged once."""
    played = Trial(load_book(allow_unsigned=True))
    for message in simulated_trial().messages:
        for event in read(None, message.line):
            if not isinstance(event, Rejected):
                played.take(event)
    return played


def test_every_truth_of_the_cast_is_found(trial: Trial) -> None:
    """What the story says must be concluded stands at the end, or was raised and taken back."""
    standing, ever = list(trial.standing().values()), [change.finding for change in trial.changes]
    for truth in simulated_trial().truth:
        assert any(truth.matches(one) for one in ever), truth.sentence
        assert any(truth.matches(one) for one in standing) is not truth.withdrawn, truth.sentence


def test_what_was_sent_is_what_the_facts_say(trial: Trial) -> None:
    """Stepping through eight months event by event ends exactly where concluding from the facts alone does."""
    for name, record in trial.records.items():
        concluded = subject.conclude(record, trial.book, trial.now[name])
        assert subject.standing(record) == concluded.findings, name


def test_revisions_count_up(trial: Trial) -> None:
    """Each finding's revisions rise, whatever was withdrawn and raised again in between; episodes counted anew skip."""
    seen: dict[str, int] = {}
    for change in trial.changes:
        assert change.revision > seen.get(change.finding.id, 0)
        seen[change.finding.id] = change.revision


def test_one_true_dose_limiting_toxicity_and_no_other(trial: Trial) -> None:
    """Of ten subjects with deep cytopenias only the one whose cytokine release lasted over 72 hours is a candidate."""
    candidates = [one for one in trial.standing().values() if one.kind == "dose_limiting_toxicity"]
    assert [(one.subject, one.rule, one.state) for one in candidates] == [("009", "crs-3", "candidate")]
