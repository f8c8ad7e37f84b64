"""How well trials with known truth were judged: sensitivity and precision, beside a naive rule, and why not perfect.

The naive rule is what a spreadsheet does: every result, and every report, of grade 3 or more is an alert, and in a
treated subject a suspected DLT. It reads each message as it comes: no correction, no expected band, no duration. So
the two are compared over what one message can show; what joins several is counted apart (``matching``).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
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
    limits_of,
    limits_told,
    same_time,
    told_by,
    told_of,
)
from safety_stream.sandbox.random_trials import RandomTrial, Volunteer, random_trial
from safety_stream.sandbox.replay import Replay, final_findings
from safety_stream.sandbox.shown import shown_by, standing
from safety_stream.sandbox.trial_report import Report
from safety_stream.sandbox.true_course import HYS_LAW, LIMITS, grade_at_least_3

_GRAVE = ("lab_grade_3", "lab_grade_4", "serious_adverse_event", "adverse_event_grade_4")


class Said(NamedTuple):
    """What one way of judging said of one trial: cases told, cases that stand, alerts sent.

    ``standing``: the alerts behind the cases that stand; ``candidates``: its DLTs, ``possible``: with those that it
    holds for possible. ``held``: why an alert about a case was not sent.
    """

    told: frozenset[Case]
    stands: frozenset[Case]
    alerts: int
    standing: tuple[Told, ...]
    candidates: tuple[Told, ...]
    possible: tuple[Told, ...]
    held: tuple[tuple[Case, str], ...] = ()


class Truths(NamedTuple):
    """Of every case of a trial when it was alarming and when it limited the dose: as it was, or as records show it."""

    alarming: Mapping[Case, Moments]
    limiting: Mapping[Case, Moments]


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
    final = final_findings(news)
    limits, maybe = limits_of(final, "candidate"), limits_of(final, "candidate", "possible")
    cases = frozenset(told), frozenset(stands)
    return Said(*cases, sent, standing_now, tuple(limits), tuple(maybe), tuple(sorted(held)))


def _is_grave(finding: AnyFinding | None) -> bool:
    if isinstance(finding, ReportedEvent):
        return (finding.grade or 0) >= 3
    return isinstance(finding, Toxicity) and finding.alerting_grade >= 3


def _case(alert: Alert) -> Case:
    return str(alert.subject), str(getattr(alert.finding, "term", ""))


def naive(events: Iterable[AnyEvent]) -> Said:
    """What the naive rule says: every message of grade 3 or more."""
    dosed, standing_now, limits = set[str](), list[Told](), list[Told]()
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
            standing_now += told_by(event, term, grade)
            limits += told_by(event, term, grade) if event.subject in dosed else ()
    cases = frozenset(one.case for one in standing_now)
    return Said(cases, cases, alerts, tuple(standing_now), tuple(limits), tuple(limits))


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
    so, shown = _so(people), _shown(trial)
    report.trials, report.subjects = report.trials + 1, report.subjects + len(people)
    report.events += len(trial.events)
    said = _score_alerts(report, so.alarming, our, their)
    hits = about(our.standing, shown.alarming)
    stands = cases_told(our.stands, hits, shown.alarming)
    report.add("... all that stand against what the records show, ours", shown.alarming, stands)
    report.why.update(_why(people, so.alarming, said, shown.alarming, hits))
    _score_limits(report, people, (so.limiting, shown.limiting), our, their)
    report.alerts.update({"by ours (with corrections)": our.alerts, "by the naive rule": their.alerts})


def _score_alerts(report: Report, truth: Mapping[Case, Moments], our: Said, their: Said) -> set[Case]:
    """Ours and theirs against what was so; ours in the end."""
    hits = {"ours": about(our.standing, truth), "naive": about(their.standing, truth)}
    said = {name: set(cases_told(one.stands, hits[name], truth)) for name, one in (("ours", our), ("naive", their))}
    for name, label in (("ours", "that stand, ours"), ("naive", "naive")):
        report.add(f"grade 3+ alerts {label}".ljust(32), _of(truth), _of(said[name]))
        for kind in ("one laboratory value", "reported"):
            report.add(f"  {kind}, {name}".ljust(32), _of(truth, kind), _of(said[name], kind))
        report.after.setdefault(name, []).extend(after for case, after in hits[name].items() if _of({case}))
    report.add(
        "febrile neutropenia (joined: no one message shows it), ours", _of(truth, "joined"), _of(said["ours"], "joined")
    )
    report.only_naive.update(_held(case, our) for case in hits["naive"].keys() - hits["ours"].keys())
    return said["ours"]


def _score_limits(
    report: Report, people: Mapping[str, Volunteer], limits: tuple[Mapping[Case, Moments], ...], our: Said, their: Said
) -> None:
    """DLTs by subject, term and time; and by subject, for a 3+3 design counts subjects. ``limits``: true, and shown."""
    truth, shown = limits
    named = {case: moments for case, moments in truth.items() if case[1] != HYS_LAW}
    rows = (
        ("ours: candidate            ", truth, our.candidates),
        ("ours: candidate or possible", truth, our.possible),
        ("naive, but for Hy's law    ", named, their.candidates),
    )
    for name, true, told in rows:
        report.add(f"DLTs by term and time, {name}", true, limits_told(told, true))
    report.add("... candidates against what the records show     ", shown, limits_told(our.candidates, shown))
    for name, true, told in rows:
        report.add(f"subjects with a DLT,   {name}", *(_subjects(each) for each in (true, limits_told(told, true))))
    said, maybe = limits_told(our.candidates, truth), limits_told(our.possible, truth)
    hits = about(our.candidates, shown)
    for name, term in truth.keys() ^ said:
        case = name, term.removesuffix(ELSEWHERE)
        missed = (name, term) in truth
        what = ("DLT missed" if missed else "DLT false") + (", held as possible" if missed and case in maybe else "")
        on_record = same_time(shown.get(case, ()), truth[case]) if missed else case in hits
        what += f", {_seen(shown=on_record, told=not missed)}: {term}"
        report.why[f"{what}; {people[name].misfortune.name}; {_wrong(people[name], 'report')}"] += 1


def _subjects(cases: Iterable[Case]) -> set[str]:
    """The subjects of some cases; one of whom something was told only at another time is not one of the true ones."""
    of = {(name, term.endswith(ELSEWHERE)) for name, term in cases}
    return {name + ELSEWHERE * (elsewhere and (name, False) not in of) for name, elsewhere in of}


def _so(people: Mapping[str, Volunteer]) -> Truths:
    """What is true of all subjects of a trial."""
    days = [(name, one, (one.truth.days, one.truth.limits)) for name, one in people.items()]
    return Truths(
        *(
            {
                (name, term): tuple((one.records.at(day), grade) for day, grade in told)
                for name, one, each in days
                for term, told in each[which].items()
            }
            for which in (0, 1)
        )
    )


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


def _shown(trial: RandomTrial) -> Truths:
    """What the standing records of a trial show by the printed limits: the most that any rule can tell."""
    records, alarming, limiting = standing(trial.events), dict[Case, Moments](), dict[Case, Moments]()
    for name, one in trial.volunteers.items():
        illness = one.misfortune.illness
        names = {illness.own_words: illness.term} if illness else {}
        shown = shown_by(records.get(name, ()), one.records.at(0), one.records.body.sex, names)
        alarming |= {(name, term): moments for term, moments in shown.alarming.items()}
        limiting |= {(name, term): moments for term, moments in shown.limiting.items()}
    return Truths(alarming, limiting)


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
    alerts, limits, maybe = (
        tuple(one._replace(case=(one.case[0], names.get(one.case[1], one.case[1]))) for one in each)
        for each in (said.standing, said.candidates, said.possible)
    )
    return said._replace(told=told, stands=stands, standing=alerts, candidates=limits, possible=maybe)


def _why(
    people: Mapping[str, Volunteer],
    truth: Mapping[Case, Moments],
    said: set[Case],
    shown: Mapping[Case, Moments],
    hits: Mapping[Case, timedelta],
) -> Iterator[str]:
    """Every case that is not as it was, and whether records show it at that time; ``hits``: told as they show."""
    for name, whole in truth.keys() ^ said:
        case = name, whole.removesuffix(ELSEWHERE)
        missed = (name, whole) in truth
        on_record = same_time(shown.get(case, ()), truth[case]) if missed else case in hits
        what = f"alert {'missed' if missed else 'false'}, {_seen(shown=on_record, told=not missed)}"
        illness = people[name].misfortune.illness
        about_ = "report" if illness and case[1] == illness.term else _ABOUT.get(case[1], "-")
        yield f"{what}: {whole}; {_wrong(people[name], about_)}"


_ABOUT = {"Hyperkalemia": "hemolysed, never", "Anemia": "unit", "Neutrophil count decreased": "another"}


def _wrong(one: Volunteer, about: str) -> str:
    """What went wrong that can have to do with it; else the noise of the measurement or the days between visits."""
    found = [word for word in one.wrong if word.startswith(about) or (about == "report" and "line" in word)]
    return ", ".join(sorted(set(found))) or "noise near the limit, or between two visits"
