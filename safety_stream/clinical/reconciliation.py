"""The laboratory against the adverse-event reports: each graded episode has its report, each such report its episode.

    laboratory     [== grade 3 ==]                          [= grade 4 =]
    reports          [ same term, near it ]  matched             none within 7 days, or a lower grade: a question

Reports match by term, or by another name that the protocol gives for it, and by time. Both ways the answer is a
question for the data manager, never a grade; it is asked only when the time that the protocol allows is over.
Of each analyte the newest 20 episodes that owe a report are compared, and the newest 20 others: what is expected, was
brought along or is not decided owes none, and supports one all the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import ReportedEvent
from safety_stream.clinical.fold import Digest, Flood, GradedEpisode, ToldEvent
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.queries import asked
from safety_stream.rulebook.reporting_rules import Reconciliation
from safety_stream.rulebook.suggesting import folded
from safety_stream.rulebook.tables import Book

LOWEST, COMPARED = 3, 20


def graded_episodes(found: Iterable[AnyFinding]) -> tuple[GradedEpisode, ...]:
    """The episodes that a report may be owed for, or that may support one: expected, brought along, undecided too."""
    return newest(
        GradedEpisode(
            id=one.id,
            term=one.term,
            grade=one.peak.lowest,
            highest=one.peak.highest,
            owed=one.peak.lowest >= LOWEST and one.emergent is not False and not one.expected,
            onset=one.onset,
            peak=one.peak_observed,
            last=_day(one.last_observed),
            number=one.episode,
            since=tuple((each.grade, each.first, each.unexpected) for each in one.reached),
            record=next((each.source for each in one.evidence.inputs if each.source), ""),
        )
        for one in found
        if isinstance(one, Toxicity) and one.peak.highest >= LOWEST
    )


def newest(episodes: Iterable[GradedEpisode]) -> tuple[GradedEpisode, ...]:
    """The episodes that are compared: the header stays small however often a grade comes back."""
    each = sorted({one.id: one for one in episodes}.values(), key=lambda one: (one.number, one.id))
    return tuple(one for owed in (True, False) for one in [one for one in each if one.owed is owed][-COMPARED:])


def _day(moment: Moment) -> Moment:
    """The day alone: the header is not to change with every sample of an episode."""
    return Moment(moment.text[:10])


def told_event(finding: ReportedEvent, source: str) -> ToldEvent:
    """What a report says, as far as it is compared."""
    over = finding.resolved is not None or finding.outcome in {"recovered", "recovered-with-sequelae", "fatal"}
    return ToldEvent(
        finding.term, finding.grade, finding.onset, finding.resolved, finding.reported_at, source, ongoing=not over
    )


def reconciled(
    frame: Frame, digests: Mapping[str, Digest], book: Book, as_of: datetime
) -> tuple[list[Flood], list[datetime]]:
    """Every question that the comparison raises as of now, and the instants at which time alone raises the next."""
    rules = frame.version.reconciliation
    if rules is None:
        return [], []
    episodes = sorted((one for digest in digests.values() for one in digest.graded), key=lambda one: one.id)
    told = sorted((one.told for one in digests.values() if one.told is not None), key=lambda one: one.source)
    asking, ahead = list[Flood](), list[datetime]()
    for flood, due in (
        *_unreported(episodes, told, rules, frame),
        *_understated(episodes, told, rules, frame, book),
        *_unsupported(episodes, told, rules, frame, book),
    ):
        if as_of >= due:
            asking.append(flood)
        else:
            ahead.append(due)
    return asking, ahead


def _needs_report(episode: GradedEpisode, rules: Reconciliation) -> bool:
    return episode.owed and episode.grade >= rules.from_grade and episode.term not in rules.except_terms


def _unreported(
    episodes: list[GradedEpisode], told: list[ToldEvent], rules: Reconciliation, frame: Frame
) -> Iterator[tuple[Flood, datetime]]:
    for one in episodes:
        if _needs_report(one, rules) and not any(_match(one, report, rules, frame) for report in told):
            code = "lab_grade_4_unreported" if one.grade >= 4 else "lab_grade_unreported"
            found = f"grade {one.grade} on {one.peak}, no report of it"
            expected = f"an adverse-event report within {rules.within}, or why there is none"
            due = _owed_since(one, rules, frame) + rules.within.length
            yield asked(code, f"{one.term}, episode {one.number} from {one.onset}", found, expected, one.record), due


def _owed_since(episode: GradedEpisode, rules: Reconciliation, frame: Frame) -> datetime:
    """When it first had the grade that reports are asked for: by getting worse it is not owed any later."""
    moments = [moment for grade, _, moment in episode.since if grade >= rules.from_grade and moment is not None]
    return min(one.latest(frame.zone) for one in moments or [episode.peak])


def _understated(
    episodes: list[GradedEpisode], told: list[ToldEvent], rules: Reconciliation, frame: Frame, book: Book
) -> Iterator[tuple[Flood, datetime]]:
    """An episode whose gravest report lies below it; a report is followed up, so the days count from the graver grade.

    A report that has no grade yet, or one of a term with criteria of its own, says nothing against it.
    """
    for one in episodes:
        near = [report for report in told if one.since and _match(one, report, rules, frame)]
        grades = [report.grade for report in near if _graded_alike(one, report, book)]
        if not grades or None in grades or one.term in rules.except_terms:
            continue
        best = max(grade for grade in grades if grade is not None)
        graver = [first for grade, first, _ in one.since if grade >= rules.from_grade and grade > best]
        if graver:
            found = f"grade {best} reported, the laboratory shows grade {one.grade} on {one.peak}"
            expected = f"grade {one.grade} or more, or why it is less"
            due = min(first.latest(frame.zone) for first in graver) + rules.within.length
            about = f"{one.term}, episode {one.number} from {one.onset}"
            sources = sorted(report.source for report in near)
            yield asked("reported_below_laboratory", about, found, expected, *sources, one.record), due


def _graded_alike(episode: GradedEpisode, report: ToldEvent, book: Book) -> bool:
    """Whether a report is graded by the criteria of the episode's term: by its name, or one that is no CTCAE term."""
    term = book.term(report.term)
    return term is None or term.name == episode.term


def _unsupported(
    episodes: list[GradedEpisode], told: list[ToldEvent], rules: Reconciliation, frame: Frame, book: Book
) -> Iterator[tuple[Flood, datetime]]:
    """A report of a term that is graded from measurements, of a grade that none of its episodes can have."""
    for report in told:
        grade = report.grade or 0
        if grade < rules.from_grade or report.term in rules.except_terms:
            continue
        shown = min(grade, _highest_measured(report.term, book))
        near = [one.highest for one in episodes if _match(one, report, rules, frame)]
        if shown >= LOWEST and max(near, default=0) < shown:
            found = f"grade {grade} reported, the laboratory shows {max(near, default=f'no grade {LOWEST} or more')}"
            expected = f"the results that show grade {shown}, or another grade"
            due = report.reported_at + rules.within.length
            about = f"{report.term} ({record_of(report.source)})"
            yield asked("report_without_laboratory", about, found, expected, report.source), due


def _highest_measured(term: str, book: Book) -> int:
    """The highest grade that figures can give, 0 without any: a risk to life, or death, no laboratory can show."""
    rules = (rule for analyte in book.analytes for rule in book.rules(analyte) if rule.term == term)
    return max((grade for rule in rules for grade in rule.grades), default=0)


def _match(episode: GradedEpisode, report: ToldEvent, rules: Reconciliation, frame: Frame) -> bool:
    """The same thing by name, at about the same time; a report without an onset may be of any time."""
    names = {folded(name) for name in (episode.term, *rules.also_called.get(episode.term, ()))}
    if folded(report.term) not in names:
        return False
    if report.onset is None:
        return True
    margin, zone = rules.within.length, frame.zone
    begins, ends = episode.onset.earliest(zone) - margin, episode.last.latest(zone) + margin
    over = report.resolved.latest(zone) if report.resolved else report.onset.latest(zone)
    return report.onset.earliest(zone) <= ends and max(over, report.onset.latest(zone)) >= begins
