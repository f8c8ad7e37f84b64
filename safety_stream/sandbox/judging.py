"""How well trials with known truth were judged: sensitivity and precision, beside a naive rule, and why not perfect.

The naive rule is what a spreadsheet does: every result, and every report, of grade 3 or more is an alert, and in a
treated subject a suspected DLT. It reads each message as it comes: no correction, no expected band, no duration.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.events import AdverseEvent, AnyEvent, ClockTicked, Event, LabResult
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import ReportedEvent
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.random_trials import RandomTrial, Volunteer, random_trial
from safety_stream.sandbox.replay import Replay, final_findings
from safety_stream.sandbox.shown import shown_by, standing
from safety_stream.sandbox.true_course import LIMITS, grade_at_least_3

Case = tuple[str, str]
"""A subject and a term."""
_GRAVE = ("lab_grade_3", "lab_grade_4", "serious_adverse_event", "adverse_event_grade_4")


class Said(NamedTuple):
    """What one way of judging said of one trial: cases told, cases that stand, subjects with a DLT, alerts sent."""

    told: frozenset[Case]
    stands: frozenset[Case]
    dlt: frozenset[str]
    maybe: frozenset[str]
    alerts: int


@dataclass(slots=True)
class Score:
    """Counts over all trials of one question asked of one way of judging."""

    true: int = 0
    right: int = 0
    false: int = 0
    missed: int = 0

    def add(self, truth: frozenset[object], said: frozenset[object]) -> None:
        """One more trial."""
        self.true += len(truth)
        self.right += len(truth & said)
        self.missed += len(truth - said)
        self.false += len(said - truth)

    @property
    def sentence(self) -> str:
        """Sensitivity and precision with their counts."""
        said = self.right + self.false
        sensitivity, precision = _share(self.right, self.true), _share(self.right, said)
        return f"sensitivity {sensitivity} ({self.right}/{self.true}), precision {precision} ({self.right}/{said})"


@dataclass(slots=True)
class Report:
    """The scores of all trials."""

    trials: int = 0
    subjects: int = 0
    events: int = 0
    scores: dict[str, Score] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)

    def add(self, question: str, truth: Iterable[object], said: Iterable[object]) -> None:
        """One trial's answer to one question."""
        self.scores.setdefault(question, Score()).add(frozenset(truth), frozenset(said))

    def lines(self) -> Iterator[str]:
        """The report in words."""
        yield f"{self.trials} trials, {self.subjects:,} subjects, {self.events:,} events"
        yield from (f"{question}: {score.sentence}" for question, score in self.scores.items())
        yield "alerts of grade 3 or more: " + ", ".join(f"{count:,} {name}" for name, count in self.alerts.items())
        yield "where ours is not the truth, and what had gone wrong:"
        yield from (f"  {count:4}  {reason}" for reason, count in self.why.most_common())


def judge(trials: int, seed: int, book: Book, *, first: int = 1) -> Iterator[Report]:
    """Judge so many trials, and say after each how it stands."""
    report = Report()
    for number in range(first, first + trials):
        trial = random_trial(seed, number)
        _score(report, trial, ours(trial, book), naive(trial.events))
        yield report


def ours(trial: RandomTrial, book: Book) -> Said:
    """What the whole judgement says of a trial, alerts and findings at the end."""
    judged = Replay(book)
    news = [one for event in trial.events for one in judged.take(event)]
    last: dict[str, Alert] = {}
    told, sent = set[Case](), 0
    for one in news:
        if not isinstance(one, Alert) or one.type not in _GRAVE or one.decision.action != "send":
            continue
        if one.id in last and one.state == "withdrawn":  # what stands instead may be a milder grade
            last[one.id] = one
            sent += 1
        elif one.state == "raised" and _is_grave(one.finding):
            last[one.id] = one
            told.add(_case(one))
            sent += 1
    stands = {_case(one) for one in last.values() if one.state == "raised"}
    dlts = [one for one in final_findings(news).values() if one.kind == "dose_limiting_toxicity"]
    candidates = {str(one.subject) for one in dlts if one.state == "candidate"}
    maybe = {str(one.subject) for one in dlts if one.state in {"candidate", "possible"}}
    return Said(frozenset(told), frozenset(stands), frozenset(candidates), frozenset(maybe), sent)


def _is_grave(finding: AnyFinding | None) -> bool:
    if isinstance(finding, ReportedEvent):
        return (finding.grade or 0) >= 3
    return isinstance(finding, Toxicity) and finding.alerting_grade >= 3


def _case(alert: Alert) -> Case:
    return str(alert.subject), str(getattr(alert.finding, "term", ""))


def naive(events: Iterable[AnyEvent]) -> Said:
    """What the naive rule says: every message of grade 3 or more."""
    cases, dlt, dosed, alerts = set[Case](), set[str](), set[str](), 0
    sexes: dict[str, str] = {}
    for event in events:
        if isinstance(event, ClockTicked):
            continue
        if event.kind == "screened":
            sexes[event.subject] = str(event.sex)
        if event.kind == "dose_given" and event.role == "infusion":
            dosed.add(event.subject)
        term = _term_of_grade_3(event, sexes.get(event.subject, "female"))
        if term is not None:
            alerts += 1
            cases.add((event.subject, term))
            dlt |= {event.subject} & dosed
    return Said(frozenset(cases), frozenset(cases), frozenset(dlt), frozenset(dlt), alerts)


def _term_of_grade_3(event: Event, sex: str) -> str | None:
    if isinstance(event, AdverseEvent):
        return event.term if (event.grade or 0) >= 3 else None
    if isinstance(event, LabResult) and event.test and event.test in LIMITS and event.value is not None:
        return LIMITS[event.test].term if grade_at_least_3(event.test, float(event.value), sex) else None
    return None


def _score(report: Report, trial: RandomTrial, our: Said, their: Said) -> None:
    people: Mapping[str, Volunteer] = trial.volunteers
    our, their = _in_our_terms(our, people), _in_our_terms(their, people)
    shown = _shown(trial)
    cases = {(name, term) for name, one in people.items() for term in one.truth.alarming}
    limited = {name for name, one in people.items() if one.truth.limiting}
    report.trials, report.subjects = report.trials + 1, report.subjects + len(people)
    report.events += len(trial.events)
    report.add("grade 3+ alerts that stand, ours", cases, our.stands)
    report.add("grade 3+ alerts ever sent, ours ", cases, our.told)
    report.add("grade 3+ alerts, naive          ", cases, their.told)
    report.add("... against what the records show", shown.stands, our.stands)
    report.add("subjects with a DLT, ours: candidate            ", limited, our.dlt)
    report.add("subjects with a DLT, ours: candidate or possible", limited, our.maybe)
    report.add("subjects with a DLT, naive                      ", limited, their.dlt)
    report.add("... candidates against what the records show", shown.dlt, our.dlt)
    report.alerts.update({"by ours (with corrections)": our.alerts, "by the naive rule": their.alerts})
    report.why.update(_why(people, cases, our, shown))
    for name in limited ^ our.dlt:
        what = "DLT missed" if name in limited else "DLT false"
        what += ", held as possible" if name in limited & our.maybe else ""
        seen = _seen(shown=name in shown.dlt, told=name in our.dlt)
        report.why[f"{what}, {seen}: {people[name].misfortune.name}; {_wrong(people[name], 'report')}"] += 1


def _shown(trial: RandomTrial) -> Said:
    """What the standing records of a trial show by the printed limits: the most that any rule can tell."""
    records, cases, dlt = standing(trial.events), set[Case](), set[str]()
    for name, one in trial.volunteers.items():
        illness = one.misfortune.illness
        names = {illness.own_words: illness.term} if illness else {}
        shown = shown_by(records.get(name, ()), one.records.at(0), one.records.body.sex, names)
        cases |= {(name, term) for term in shown.alarming}
        dlt |= {name} if shown.limiting else set()
    return Said(frozenset(), frozenset(cases), frozenset(dlt), frozenset(), 0)


def _seen(*, shown: bool, told: bool) -> str:
    """Whose fault it is: the records do not hold the truth, or the judgement does not follow the records."""
    if told:
        return "as the records show" if shown else "though no record shows it (OURS)"
    return "though the records show it (OURS)" if shown else "no record shows it"


def _in_our_terms(said: Said, people: Mapping[str, Volunteer]) -> Said:
    """An alert in the site's own words is about the same event: the reader understands both."""
    illnesses = [one.misfortune.illness for one in people.values() if one.misfortune.illness]
    names = {one.own_words: one.term for one in illnesses}
    told, stands = (frozenset((who, names.get(term, term)) for who, term in each) for each in (said.told, said.stands))
    return said._replace(told=told, stands=stands)


def _why(people: Mapping[str, Volunteer], cases: set[Case], our: Said, shown: Said) -> Iterator[str]:
    for name, term in cases ^ our.stands:
        what = "alert missed, " if (name, term) in cases else "alert false, "
        what += _seen(shown=(name, term) in shown.stands, told=(name, term) in our.stands)
        illness = people[name].misfortune.illness
        about = "report" if illness and term == illness.term else _ABOUT.get(term, "-")
        yield f"{what}: {term}; {_wrong(people[name], about)}"


_ABOUT = {"Hyperkalemia": "hemolysed, never", "Anemia": "unit", "Neutrophil count decreased": "another"}


def _wrong(one: Volunteer, about: str) -> str:
    """What went wrong that can have to do with it; else the noise of the measurement or the days between visits."""
    found = [word for word in one.wrong if word.startswith(about) or (about == "report" and "line" in word)]
    return ", ".join(sorted(set(found))) or "noise near the limit, or between two visits"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
