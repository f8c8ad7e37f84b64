"""How well trials with known truth were judged: sensitivity and precision, beside a naive rule, and why not perfect.

The naive rule is what a spreadsheet does: every result, and every report, of grade 3 or more is an alert, and in a
treated subject a suspected DLT. It reads each message as it comes: no correction, no expected band, no duration. So
the two are compared over what one message can show; what joins several is counted apart (``matching``).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.events import AdverseEvent, AnyEvent, ClockTicked, Event, LabResult
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import ReportedEvent
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.matching import (
    ELSEWHERE,
    Case,
    Moments,
    Told,
    about,
    cases_told,
    kind_of,
    told_by,
    told_of,
)
from safety_stream.sandbox.random_trials import RandomTrial, Volunteer, random_trial
from safety_stream.sandbox.replay import Replay, final_findings
from safety_stream.sandbox.shown import shown_by, standing
from safety_stream.sandbox.trial_report import Report
from safety_stream.sandbox.true_course import LIMITS, grade_at_least_3

_GRAVE = ("lab_grade_3", "lab_grade_4", "serious_adverse_event", "adverse_event_grade_4")


class Said(NamedTuple):
    """What one way of judging said of one trial: cases told, cases that stand, subjects with a DLT, alerts sent.

    ``standing``: the alerts behind the cases that stand. ``held``: why an alert about a case was not sent.
    """

    told: frozenset[Case]
    stands: frozenset[Case]
    dlt: frozenset[str]
    maybe: frozenset[str]
    alerts: int
    standing: tuple[Told, ...] = ()
    held: tuple[tuple[Case, str], ...] = ()


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
    sendings: dict[str, list[Told]] = {}
    told, held, sent = set[Case](), set[tuple[Case, str]](), 0
    for one in news:
        if not isinstance(one, Alert) or one.type not in _GRAVE:
            continue
        if one.decision.action != "send":
            held.add((_case(one), one.decision.reason))
            continue
        if one.id in last and one.is_over:  # what stands instead may be a milder grade
            last[one.id] = one
            sent += 1
        elif one.state == "raised" and _is_grave(one.finding):
            last[one.id] = one
            told.add(_case(one))
            sendings.setdefault(one.id, []).extend(told_of(one.finding, one.as_of))
            sent += 1
    standing_now = tuple(each for id_, one in last.items() if one.state == "raised" for each in sendings.get(id_, ()))
    stands = {_case(one) for one in last.values() if one.state == "raised"}
    dlts = [one for one in final_findings(news).values() if one.kind == "dose_limiting_toxicity"]
    candidates = {str(one.subject) for one in dlts if one.state == "candidate"}
    maybe = {str(one.subject) for one in dlts if one.state in {"candidate", "possible"}}
    cases = frozenset(told), frozenset(stands)
    return Said(*cases, frozenset(candidates), frozenset(maybe), sent, standing_now, tuple(sorted(held)))


def _is_grave(finding: AnyFinding | None) -> bool:
    if isinstance(finding, ReportedEvent):
        return (finding.grade or 0) >= 3
    return isinstance(finding, Toxicity) and finding.alerting_grade >= 3


def _case(alert: Alert) -> Case:
    return str(alert.subject), str(getattr(alert.finding, "term", ""))


def naive(events: Iterable[AnyEvent]) -> Said:
    """What the naive rule says: every message of grade 3 or more."""
    cases, dlt, dosed, standing_now = set[Case](), set[str](), set[str](), list[Told]()
    alerts = 0
    sexes: dict[str, str] = {}
    for event in events:
        if isinstance(event, ClockTicked):
            continue
        if event.kind == "screened":
            sexes[event.subject] = str(event.sex)
        if event.kind == "dose_given" and event.role == "infusion":
            dosed.add(event.subject)
        term, grade = _graded(event, sexes.get(event.subject, "female"))
        if grade >= 3 and isinstance(event, AdverseEvent | LabResult):
            alerts += 1
            cases.add((event.subject, term))
            standing_now += told_by(event, term, grade)
            dlt |= {event.subject} & dosed
    both, limited = frozenset(cases), frozenset(dlt)
    return Said(both, both, limited, limited, alerts, tuple(standing_now))


def _graded(event: Event, sex: str) -> tuple[str, int]:
    """The term and grade of one message; 0: not alarming, or no such message."""
    if isinstance(event, AdverseEvent):
        return event.term, event.grade or 0
    if isinstance(event, LabResult) and event.test and event.test in LIMITS and event.value is not None:
        return LIMITS[event.test].term, grade_at_least_3(event.test, float(event.value), sex)
    return "", 0


def _score(report: Report, trial: RandomTrial, our: Said, their: Said) -> None:
    people: Mapping[str, Volunteer] = trial.volunteers
    our, their = _in_our_terms(our, people), _in_our_terms(their, people)
    shown = _shown(trial)
    truth = _moments(people)
    cases = set(truth)
    hits = {"ours": about(our.standing, truth), "naive": about(their.standing, truth)}
    said = {name: set(cases_told(one.stands, hits[name], truth)) for name, one in (("ours", our), ("naive", their))}
    limited = {name for name, one in people.items() if one.truth.limiting}
    report.trials, report.subjects = report.trials + 1, report.subjects + len(people)
    report.events += len(trial.events)
    for name, label in (("ours", "that stand, ours"), ("naive", "naive")):
        report.add(f"grade 3+ alerts {label}".ljust(32), _of(cases), _of(said[name]))
        for kind in ("one laboratory value", "reported"):
            report.add(f"  {kind}, {name}".ljust(32), _of(cases, kind), _of(said[name], kind))
        report.after.setdefault(name, []).extend(after for case, after in hits[name].items() if _of({case}))
    report.add(
        "febrile neutropenia (joined: no one message shows it), ours", _of(cases, "joined"), _of(said["ours"], "joined")
    )
    report.add("... all that stand against what the records show, ours", shown.stands, our.stands)
    report.only_naive.update(_held(case, our) for case in hits["naive"].keys() - hits["ours"].keys())
    report.add("subjects with a DLT, ours: candidate            ", limited, our.dlt)
    report.add("subjects with a DLT, ours: candidate or possible", limited, our.maybe)
    report.add("subjects with a DLT, naive                      ", limited, their.dlt)
    report.add("... candidates against what the records show", shown.dlt, our.dlt)
    report.alerts.update({"by ours (with corrections)": our.alerts, "by the naive rule": their.alerts})
    report.why.update(_why(people, cases, said["ours"], shown))
    for name in limited ^ our.dlt:
        what = "DLT missed" if name in limited else "DLT false"
        what += ", held as possible" if name in limited & our.maybe else ""
        seen = _seen(shown=name in shown.dlt, told=name in our.dlt)
        report.why[f"{what}, {seen}: {people[name].misfortune.name}; {_wrong(people[name], 'report')}"] += 1


def _moments(people: Mapping[str, Volunteer]) -> dict[Case, Moments]:
    """Of every true case the moments at which it was alarming."""
    return {
        (name, term): tuple((one.records.at(day), grade) for day, grade in days)
        for name, one in people.items()
        for term, days in one.truth.days.items()
    }


def _of(cases: Iterable[Case], *kinds: str) -> set[Case]:
    """The cases of these kinds; without one: all that one message can show."""
    wanted = kinds or ("one laboratory value", "reported")
    return {case for case in cases if kind_of(case[1]) in wanted}


def _held(case: Case, our: Said) -> str:
    """Why ours told nothing of a case."""
    reasons = sorted({reason for about_, reason in our.held if about_ == case})
    if reasons:
        return f"{case[1]}: held ({', '.join(reasons)})"
    back = case in our.told and case not in our.stands
    return f"{case[1]}: {'taken back' if back else 'told at another time' if case in our.stands else 'never graded 3'}"


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
    alerts = tuple(one._replace(case=(one.case[0], names.get(one.case[1], one.case[1]))) for one in said.standing)
    return said._replace(told=told, stands=stands, standing=alerts)


def _why(people: Mapping[str, Volunteer], cases: set[Case], said: set[Case], shown: Said) -> Iterator[str]:
    for name, whole in cases ^ said:
        term = whole.removesuffix(ELSEWHERE)
        what = "alert missed, " if (name, whole) in cases else "alert false, "
        what += _seen(shown=(name, term) in shown.stands, told=(name, whole) in said)
        illness = people[name].misfortune.illness
        about = "report" if illness and term == illness.term else _ABOUT.get(term, "-")
        yield f"{what}: {whole}; {_wrong(people[name], about)}"


_ABOUT = {"Hyperkalemia": "hemolysed, never", "Anemia": "unit", "Neutrophil count decreased": "another"}


def _wrong(one: Volunteer, about: str) -> str:
    """What went wrong that can have to do with it; else the noise of the measurement or the days between visits."""
    found = [word for word in one.wrong if word.startswith(about) or (about == "report" and "line" in word)]
    return ", ".join(sorted(set(found))) or "noise near the limit, or between two visits"
