"""The scenarios in tests/scenarios: stories a clinician can read, each step with what must be concluded after it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stories
from stories import Played, at, bundled

from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.rulebook.load import read_yaml

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.yaml"))
COURSES: dict[str, tuple[SubjectEvent, ...]] = {
    "none": (),
    "screened": (stories.screened(),),
    "treated": stories.TREATED,
}
COMMON = ("version", "status", "record", "attribution", "outcome", "onset")
ASKS = {"is", "no", "count", "of", "status"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scenario(file: Path) -> None:
    """After each step of the story stands what it says, no more of what it excludes."""
    sheet = read_yaml(file)
    assert not sheet.problems
    played = Played(COURSES[sheet.data["course"]])
    for number, step in enumerate(sheet.data["happens"]):
        assert set(step) <= {"told", "then"}, step
        played.take(_event(step["told"], played))
        for claim in step.get("then", []):
            _check(claim, played, f"{file.name}:{sheet.line('happens', number)}: {claim}")
    concluded = subject.conclude(played.whole(), bundled(), stories.FAR)
    assert played.findings == concluded.findings


def test_there_are_enough_scenarios() -> None:
    """At least ten stories stand here, each with a title and its reason."""
    assert len(FILES) >= 10
    for file in FILES:
        assert {"title", "because", "course", "happens"} == set(read_yaml(file).data), file.name


def _event(told: dict[str, Any], played: Played) -> SubjectEvent:
    """The event of one line: what is told is the key that names it."""
    day = float(told["day"])
    more = {key: told[key] for key in COMMON if key in told}
    if "lab" in told:
        return stories.lab(*_result(told["lab"], day), **more)
    if "vital" in told:
        test, _, value = _result(told["vital"], day)
        return stories.vital(test, day, value, stories.TESTS[test][0], **more)
    if "adverse" in told:
        return _adverse(told, day, more)
    if "decide" in told:
        (kind,), fields = _asked(told["on"])
        return stories.adjudicated(played.one(kind, **fields).id, day, told["decide"])
    makers: dict[str, Callable[[Any], SubjectEvent]] = {
        "screened": lambda _: stories.screened(day),
        "enrolled": lambda level: stories.enrolled(level, day),
        "lymphodepletion": lambda _: stories.lymphodepletion(day),
        "infusion": lambda number: stories.infusion(number, day),
        "left": lambda what: stories.withdrawn(day, what),
    }
    (name,) = makers.keys() & told.keys()
    return makers[name](told[name])


def _result(text: str, day: float) -> tuple[str, float, str]:
    test, value = text.split(" ", 1)
    return test, day, value


def _adverse(told: dict[str, Any], day: float, more: dict[str, Any]) -> SubjectEvent:
    more |= {key: told[key] for key in ("grade", "seriousness") if key in told}
    if "resolved_day" in told:
        more["resolved"] = stories.told(float(told["resolved_day"]))
        more["reported"] = at(max(day, float(told["resolved_day"])), 20)
    return stories.adverse(told["adverse"], day, **more)


def _asked(claim: dict[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    fields = {
        key: tuple(value) if isinstance(value, list) else value for key, value in claim.items() if key not in ASKS
    }
    return (str(claim.get("is") or claim.get("no") or claim.get("of")),), fields


def _check(claim: dict[str, Any], played: Played, where: str) -> None:
    if "status" in claim:
        status = played.record.header.status
        for key in claim.keys() - ASKS:
            assert getattr(status, key) == claim[key], where
        return
    (kind,), fields = _asked(claim)
    found = played.of(kind, **fields)
    if "count" in claim:
        assert len(found) == claim["count"], where
    else:
        others = [one.evidence.sentence for one in played.of(kind)]
        assert bool(found) is ("is" in claim), f"{where}; there stand: {others}"
