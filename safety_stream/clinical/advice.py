"""The 3+3 advice for each dose level of a study, with its arithmetic in words and as data.

a level        is judged by its own counts
its place      top or not; stopped above; supported from below, or not, or above a stopped one
the MTD        the one level with six evaluable subjects, at most one DLT, and nowhere higher to go
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import Evidence, finding_id
from safety_stream.clinical.escalation import (
    Counts,
    Decision,
    Place,
    decide,
    from_table,
    reachable,
    supports_escalation,
    to_enrol,
)
from safety_stream.clinical.findings_study import CohortDecision, Tally
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.tallying import counts_of, is_not_evaluable, pending, tally
from safety_stream.clinical.ways import ways
from safety_stream.rulebook.escalation_table import Escalation
from safety_stream.rulebook.protocol import ProtocolVersion

ADVICE: Mapping[Decision, str] = {
    "enrol": "keep enrolling at this level",
    "wait": "wait for the subjects who are not decided",
    "expand": "enrol three more at this level, six in all",
    "escalate": "the next level may be considered",
    "stop": "stop enrolment at this level: its dose is above the maximum tolerated one",
    "fill": "fill this level to six evaluable subjects",
    "mtd": "this level is a candidate for the maximum tolerated dose",
    "declare": "the highest planned level is tolerated so far: the maximum tolerated dose was not reached",
    "hold": "hold enrolment and dosing at this level: a level below does not support it any more",
}


class Board(NamedTuple):
    """A study's levels side by side, and the design they are judged by."""

    study: str
    version: ProtocolVersion
    design: Escalation
    levels: Mapping[int, tuple[SubjectStatus, ...]]
    counts: Mapping[int, Counts]
    elsewhere: int
    nowhere: int = 0

    def stopped(self, level: int) -> bool:
        """Whether a level's own count stops it."""
        return level in self.counts and from_table(self.design, self.counts[level]) == "stop"

    def unsupported(self, level: int) -> bool:
        """Whether a higher level is open that this one's count does not allow."""
        is_open = any(other > level for other in self.counts)
        return is_open and not self.stopped(level + 1) and not supports_escalation(self.design, self.counts[level])

    def place(self, level: int) -> Place:
        """Where a level stands among the others."""
        return Place(level >= len(self.version.dose_levels), self.stopped(level + 1), self._below(level))

    def _below(self, level: int) -> Literal["allow", "lost", "stopped"]:
        lower = [other for other in self.counts if other < level]
        if any(self.stopped(other) for other in lower):
            return "stopped"
        return "lost" if any(self.unsupported(other) for other in lower) else "allow"


def board(
    study: str,
    version: ProtocolVersion,
    design: Escalation,
    levels: Mapping[int, tuple[SubjectStatus, ...]],
    nowhere: int,
) -> Board:
    """The levels of a study that its protocol has; subjects of any other level, and of none, are counted at none."""
    known = {level: subjects for level, subjects in levels.items() if level in version.levels}
    elsewhere = sum(len(subjects) for level, subjects in levels.items() if level not in known)
    counts = {level: counts_of(known[level]) for level in known}
    return Board(study, version, design, known, counts, elsewhere, nowhere)


def decision(board: Board, level: int) -> CohortDecision:
    """The advice for one dose level."""
    study, version, design = board.study, board.version, board.design
    subjects, counts, place = board.levels[level], board.counts[level], board.place(level)
    numbers, advice = tally(subjects), decide(design, counts, place)
    free = to_enrol(design, counts, advice)
    return CohortDecision(
        id=finding_id(study, "cohort", level),
        study=study,
        subject=None,
        dose_level=level,
        protocol_version=version.version,
        evidence=Evidence(
            rule=f"{study}/{version.version}/escalation/{design.design}",
            book=version.version,
            comparison=_arithmetic(design, numbers, counts),
            reasons=tuple(_reasons(board, level, place)),
            sentence=_sentence(board, level, numbers, advice),
        ),
        tally=numbers,
        decision=advice,
        reachable=reachable(design, counts, place),
        ways=ways(design, counts, place),
        pending=pending(subjects),
        to_enrol=free,
        to_replace=_to_replace(design, numbers, counts, free),
        not_evaluable=tuple(one.subject for one in subjects if is_not_evaluable(one)),
        no_longer_supported=board.unsupported(level),
        subjects=tuple(one.subject for one in subjects),
    )


def _to_replace(design: Escalation, numbers: Tally, counts: Counts, free: int) -> int:
    """How many free places belong to subjects who are not evaluable; a first cohort that is complete owes none."""
    complete = counts.evaluable == design.cohort and counts.pending == 0
    return 0 if complete else min(numbers.not_evaluable, free)


def _arithmetic(design: Escalation, numbers: Tally, counts: Counts) -> str:
    said = f"{numbers.enrolled} enrolled = {counts.evaluable} evaluable + {counts.pending} not decided"
    said += f" + {numbers.not_evaluable} not evaluable; {counts.dlt} DLT in {counts.evaluable} evaluable: "
    return said + f"the table says {from_table(design, counts)}"


def _sentence(board: Board, level: int, numbers: Tally, advice: Decision) -> str:
    counts = board.counts[level]
    said = f"Level {level}: {counts.dlt} DLT in {counts.evaluable} evaluable of {numbers.enrolled} enrolled"
    said += f", {counts.pending} not decided" if counts.pending else ""
    said += f": {ADVICE[advice]}"
    if advice == "stop" and board.stopped(level):
        said += f"; {board.design.below_first}" if level == 1 else f"; go down to level {level - 1}"
    elif advice == "stop":
        said = said.replace("its dose is above", "a level below it was stopped, so its dose is above")
    if board.unsupported(level):
        said += ". A higher level is open that this count no longer supports"
    return said + ". Advice only: the safety review committee decides."


def _reasons(board: Board, level: int, place: Place) -> Iterator[str]:
    version, design, levels = board.version, board.design, board.levels
    lost = board.unsupported(level)
    yield "T7: " + ("escalation no longer supported" if lost else "counts are of the current states only")
    if place.below != "allow":
        yield f"T7: a level below {'was stopped' if place.below == 'stopped' else 'does not support this one any more'}"
    if level > 1 and level - 1 not in levels:
        yield f"T7: nobody was enrolled at level {level - 1} before"
    if version.dlt and version.dlt.example:
        yield "T3: the DLT rules are an example that no sponsor has signed"
    left = sum(is_not_evaluable(one) for one in levels[level])
    if left:
        yield f"T6: {left} not evaluable, to be replaced; who was dosed stays in the safety set"
    enrolled = board.elsewhere + board.nowhere + sum(len(subjects) for subjects in levels.values())
    if design.planned_subjects is not None and enrolled >= design.planned_subjects:
        yield f"T7: {enrolled} subjects are enrolled, {design.planned_subjects} were planned"
    if board.elsewhere:
        yield f"T7: {board.elsewhere} assigned to a dose level that the protocol does not have, counted at none"
    if board.nowhere:
        yield f"T7: {board.nowhere} dosed without an enrolment, counted at no dose level"
