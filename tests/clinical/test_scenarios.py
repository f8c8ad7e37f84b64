"""The scenarios in tests/scenarios: stories a clinician can read, each step with what must be concluded after it."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import stories
from stories import Played, at, bundled

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.policy import revise
from safety_stream.clinical import cohort, subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_study import CohortDecision
from safety_stream.rulebook.load import load_book, read_yaml
from safety_stream.rulebook.tables import Book

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.yaml"))
OTHER_STUDY = sorted((FOLDER / "oncology").glob("*.yaml"))
FIXTURES = FOLDER.parent / "fixtures"
COURSES: dict[str, tuple[SubjectEvent, ...]] = {
    "none": (),
    "screened": (stories.screened(),),
    "treated": stories.TREATED,
}
COMMON = (
    "version", "status", "record", "attribution", "outcome", "onset", "unit", "range_low", "range_high", "specimen",
    "amount", "given", "observed_at", "reported", "meddra_code", "source",
)  # fmt: skip
ASKS = {"is", "no", "count", "of", "status"}
ALERTS = {"sent", "held", "withdrawn", "ended", "silent"}
SHEET = {"title", "because", "course", "happens"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scenario(file: Path) -> None:
    """After each step of the story stands what it says, no more of what it excludes."""
    follow(file, bundled())


@pytest.mark.parametrize("file", OTHER_STUDY, ids=lambda file: file.stem)
def test_scenario_of_another_study(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tablet, five levels, 21 days from the first dose, New York: nothing is bound to the bundled trial."""
    told = {"STUDY": "ONC-301", "ZONE": ZoneInfo("America/New_York"), "DAY_ZERO": date(2024, 10, 21)}
    for name, value in told.items():
        monkeypatch.setattr(stories, name, value)
    follow(file, load_book(protocols=FIXTURES / "oncology", allow_unsigned=True))


def follow(file: Path, book: Book) -> None:
    """Tell a story step by step."""
    sheet = read_yaml(file)
    assert not sheet.problems
    live = sheet.data.get("clock") == "told"  # else time stands at a far day, and every window is closed
    played = Played(book=book)
    for before in COURSES[sheet.data["course"]]:
        played.take(before, _clock(played, before.reported_at) if live else None)
    for number, step in enumerate(sheet.data["happens"]):
        assert set(step) <= {"told", "then"}, step
        told = step["told"]
        event = None if "passes" in told else _event(told, played)
        now = at(float(told["day"])) if event is None else event.reported_at
        done = played.take(event, _clock(played, now) if live else None)
        alerts = revise(*done.changes)
        for claim in step.get("then", []):
            where = f"{file.name}:{sheet.line('happens', number)}: {claim}"
            if ALERTS & set(claim):
                _check_alerts(claim, alerts, where)
            elif "cohort" in claim:
                _check_cohort(claim, sheet.data["others"], played, where)
            else:
                _check(claim, played, where)
    concluded = subject.conclude(played.whole(), book, played.record.header.concluded_to or stories.FAR)
    assert played.findings == concluded.findings


def test_there_are_enough_scenarios() -> None:
    """At least thirty stories stand here beside those of the alerts, each with a title and its reason."""
    assert len(FILES) >= 30
    for file in FILES:
        keys = set(read_yaml(file).data)
        assert keys - {"clock", "others"} == SHEET, file.name


def _clock(played: Played, now: datetime) -> datetime:
    """The clock of an engine: the latest that was reported so far."""
    return max(now, played.record.header.concluded_to or now)


def _check_alerts(claim: dict[str, Any], alerts: Sequence[Alert], where: str) -> None:
    """What this step had sent, held with its reason, or taken back; ``silent``: nobody was told anything."""
    said = [f"{one.state} {one.type}: {one.decision.action} {one.decision.reason}" for one in alerts]
    if "silent" in claim:
        assert not [one for one in alerts if one.decision.action == "send"], f"{where}; alerts: {said}"
        return
    (word,) = ALERTS & set(claim)
    over = {"withdrawn": ("send", "withdrawn"), "ended": ("send", "ended")}
    action, state = ({"sent": ("send", "raised"), "held": ("hold", "raised")} | over)[word]
    found = [one for one in alerts if (one.decision.action, one.state) == (action, state) and one.type == claim[word]]
    assert found, f"{where}; alerts: {said}"
    if "reason" in claim:
        assert claim["reason"] in {one.decision.reason for one in found}, f"{where}; alerts: {said}"


def _check_cohort(claim: dict[str, Any], others: dict[str, str], played: Played, where: str) -> None:
    """The 3+3 advice for the subject's level, with the others of that level as the story tells them."""
    own = played.record.header.status
    assert own is not None
    assert own.dose_level is not None
    statuses = {own.subject: own}
    for name, what in others.items():
        over = own.model_copy(update={"subject": name, "phase": "completed_window", "dosed": True, "evaluable": True})
        statuses[name] = over.model_copy(update={"dlt": what})
    found = cohort.conclude(own.study, statuses, bundled()).values()
    (advice,) = [one for one in found if isinstance(one, CohortDecision)]
    said = f"{where}; advice: {advice.evidence.sentence}"
    assert advice.decision == claim["cohort"], said
    assert advice.tally.dlt == claim.get("dlt", advice.tally.dlt), said
    assert advice.tally.evaluable == claim.get("evaluable", advice.tally.evaluable), said


def _event(told: dict[str, Any], played: Played) -> SubjectEvent:
    """The event of one line: what is told is the key that names it."""
    day = float(told["day"])
    more = {key: told[key] for key in COMMON if key in told}
    if "reported_day" in told:
        more["reported"] = at(float(told["reported_day"]), 12)
    if "system" in told:
        source = {"system": told["system"], "id": told.get("record", "1"), "version": told.get("version", 1)}
        more |= {"source": source}
    if "lab" in told:
        return stories.lab(*_result(told["lab"], day), **more)
    if "vital" in told:
        test, _, value = _result(told["vital"], day)
        unit = more.pop("unit", stories.TESTS[test][0])
        return stories.vital(test, day, value, unit, **more)
    if "adverse" in told:
        return _adverse(told, day, more)
    if "decide" in told:
        (kind,), fields = _asked(told["on"])
        return stories.adjudicated(played.one(kind, **fields).id, day, told["decide"])
    makers: dict[str, Callable[[Any], SubjectEvent]] = {
        "screened": lambda _: stories.screened(day),
        "enrolled": lambda level: stories.enrolled(level, day),
        "lymphodepletion": lambda _: stories.lymphodepletion(day),
        "consent": lambda version: stories.screened(day, protocol_version=version),
        "infusion": lambda number: stories.infusion(
            number, day, **{k: more[k] for k in ("version", "status", "amount", "unit", "given") if k in more}
        ),
        "planned": lambda number: stories.planned(number, day),
        "fact": lambda name: stories.fact(name, day, told["value"]),
        "left": lambda what: stories.withdrawn(day, what),
        "completed": lambda _: stories.completed(
            day, **({"reported_at": more["reported"]} if "reported" in more else {})
        ),
    }
    (name,) = (makers.keys() & told.keys()) - {"version"}
    return makers[name](told[name])


def _result(text: str, day: float) -> tuple[str, float, str]:
    test, value = text.split(" ", 1)
    return test, day, value


def _adverse(told: dict[str, Any], day: float, more: dict[str, Any]) -> SubjectEvent:
    more |= {key: told[key] for key in ("grade", "seriousness", "serious") if key in told}
    if "resolved_day" in told:
        more["resolved"] = stories.told(float(told["resolved_day"]))
        more.setdefault("reported", at(max(day, float(told["resolved_day"])), 20))
    if "grades" in told:
        lines = [line.split(": ") for line in told["grades"]]
        more["grade_course"] = [{"since": stories.told(float(since)), "grade": int(grade)} for since, grade in lines]
    return stories.adverse(told["adverse"], day, **more)


def _asked(claim: dict[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    fields = {
        key: tuple(value) if isinstance(value, list) else value for key, value in claim.items() if key not in ASKS
    }
    return (str(claim.get("is") or claim.get("no") or claim.get("of")),), fields


def _rules(finding: AnyFinding) -> set[str]:
    """The DLT rules that an event meets or may meet."""
    return {one.rule for one in finding.rules} if isinstance(finding, DoseLimitingToxicity) else set()


def _check(claim: dict[str, Any], played: Played, where: str) -> None:
    if "status" in claim:
        status = played.record.header.status
        for key in claim.keys() - ASKS:
            assert getattr(status, key) == claim[key], where
        return
    (kind,), fields = _asked(claim)
    rule = fields.pop("rule", None)
    found = [one for one in played.of(kind, **fields) if rule is None or rule in _rules(one)]
    if "count" in claim:
        assert len(found) == claim["count"], where
    else:
        others = [one.evidence.sentence for one in played.of(kind)]
        assert bool(found) is ("is" in claim), f"{where}; there stand: {others}"
