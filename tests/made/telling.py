"""Stories that a clinician can read, told to the engine: each step is a day, what happened, and what then stands.

    - day: 5                             day 0 is the first infusion; 08:00 in the study's zone unless ``at`` says else
      happens:
        - lab: NEUT 0.42                 test, value, unit (the laboratory's usual unit and limits where none is told)
      then:                              ALL that stands after it, each with a few of its fields; absent: not looked at
        - toxicity: {term: Neutrophil count decreased, grade: 4}
        - unobserved: [vital-signs, day-7]                  several that differ by their name alone
      alerts: [lab grade 4]              ALL that was sent since the last step; absent: nothing was

Whatever happened can be named (``as: first``), told again (``new version of: first``) and ``taken back: first``.
Other times are written ``day 2`` (the date alone is known) or ``day 2 at 14:00``. Every value in a story is text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from stepping import all_consequences
from stories import STUDY, SUBJECT, TESTS, at, bundled, head

from safety_stream.alerting.alert import Alert
from safety_stream.clinical import subject
from safety_stream.clinical.events import ANY_EVENT, SubjectEvent
from safety_stream.clinical.findings import AnyFinding

Item = Mapping[str, Any]
_DAY = re.compile(r"day (-?\d+)(?: at (\d\d):(\d\d))?\Z")
_KINDS = {
    "toxicity": "toxicity",
    "report": "reported_event",
    "dlt": "dose_limiting_toxicity",
    "eligibility": "eligibility_breach",
    "watch": "watch_limit",
    "query": "data_query",
    "composite": "composite",
    "clock": "reporting_due",
    "unobserved": "unobserved",
}
_DOSE = {"amount": "2000000", "unit": "cells/kg"}


def stories(folder: Path) -> dict[str, Any]:
    """Every story of a folder by its name, all its values as text."""
    files = sorted(folder.glob("*.yaml"))
    return {file.stem: YAML(typ="base", pure=True).load(file.read_text(encoding="utf-8")) for file in files}


class Telling:
    """One subject while a story is told: what happened, what stands, what was sent since the last step."""

    def __init__(self) -> None:
        self.record = subject.empty(STUDY, SUBJECT)
        self.events: list[SubjectEvent] = []
        self.sent: list[Alert] = []
        self._named: dict[str, dict[str, Any]] = {}

    def step(self, step: Item) -> None:
        """All that happened on one day."""
        self.sent = []
        hour, minute = (int(part) for part in step.get("at", "08:00").split(":"))
        for told in step["happens"]:
            item = {told: ""} if isinstance(told, str) else told
            for event in self._events(item, int(step["day"]), hour + minute / 60):
                self.take(event)

    def take(self, event: SubjectEvent) -> None:
        """One event, as of its report."""
        book = bundled()
        done = all_consequences(self.record, event, book, event.reported_at)
        self.record = done.record
        self.events.append(event)
        self.sent += [alert for alert in done.alerts if alert.decision.action == "send"]

    @property
    def findings(self) -> dict[str, AnyFinding]:
        """What stands."""
        return subject.standing(self.record)

    def unlike(self, expected: Sequence[Item] | str) -> list[str]:
        """Where what stands differs from what a story says must stand: lacking, or standing without being told.

        A criterion that waits for its first result is no part of a story, nor is the list of all criteria.
        """
        standing = [one for one in self.findings.values() if getattr(one, "observed_at", "told") is not None]
        standing = [one for one in standing if one.kind != "eligibility_status"]
        wrong: list[str] = []
        for kind, fields in () if isinstance(expected, str) else _claims(expected):
            found = [one for one in standing if one.kind == _KINDS[kind] and _says(one, fields)]
            if len(found) == 1:
                standing.remove(found[0])
            else:
                wrong.append(f"{len(found)} stand as {kind} {fields}")
        return wrong + [f"not told: {one.kind}: {one.evidence.sentence}" for one in standing]

    def alerts(self) -> list[str]:
        """What was sent since the last step, in the words of the stories."""
        return sorted(_words(alert) for alert in self.sent)

    def _events(self, item: Item, day: int, hour: float) -> list[SubjectEvent]:
        fields = {name: _value(value) for name, value in item.items()}
        name = fields.pop("as", None)
        word, said = next(iter(fields.items()))
        reported = fields.pop("reported", None)
        released = at(day, hour + 1) if reported is None else datetime.fromisoformat(reported)
        if word == "taken back":
            told = self._again(said, released) | {"status": "entered-in-error"}
            return [_event(told)]
        before = fields.pop("new version of", None)
        del fields[word]
        told = _WORDS[word](self, said, at(day, hour).isoformat()) | fields
        if before is not None:
            told = self._again(before, released) | {"status": "corrected"} | _without_times(told, fields)
        else:
            told = head(name or f"{word}-{len(self.events)}", 1, released) | told
        self._named[name or before or told["source"]["id"]] = told
        return [_event(told)]

    def _again(self, name: str, released: datetime) -> dict[str, Any]:
        told = self._named[name]
        source = told["source"] | {"version": told["source"]["version"] + 1}
        return told | {"source": source, "reported_at": released}

    def dlt(self, rule: str) -> str:
        """The id of the standing DLT finding of one rule."""
        (found,) = [one.id for one in self.findings.values() if getattr(one, "rule", None) == rule]
        return found


def _claims(expected: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    """Each finding that must stand; several that differ by name alone may stand on one line."""
    for item in expected:
        ((kind, fields),) = item.items()
        for one in fields if isinstance(fields, list) else [fields]:
            yield kind, {"name": one} if isinstance(one, str) else one


def _event(told: dict[str, Any]) -> SubjectEvent:
    event = ANY_EVENT.validate_python(told)
    assert event.kind != "clock_ticked"
    return event


def _value(text: Any) -> Any:
    """A value of a story; ``none`` is nothing, ``day 2 at 14:00`` an instant, ``day 2`` a date."""
    if not isinstance(text, str):
        return text
    if text == "none":
        return None
    found = _DAY.match(text)
    if found is None:
        return text
    day, hour, minute = found.groups()
    return str(at(int(day)).date()) if hour is None else at(int(day), int(hour) + int(minute) / 60).isoformat()


def _without_times(told: dict[str, Any], fields: Item) -> dict[str, Any]:
    """A new version is of the same specimen or event: its times stay unless the story tells others."""
    return {name: value for name, value in told.items() if name not in {"observed_at", "onset"} or name in fields}


def _lab(_: Telling, said: str, now: str) -> dict[str, Any]:
    test, value, *unit = said.split(" ", 2)
    usual, low, high = TESTS[test]
    limits = {"range_low": low, "range_high": high, "observed_at": now}
    return {"kind": "lab_result", "test": test, "value": value, "unit": unit[0] if unit else usual, **limits}


def _vital(_: Telling, said: str, now: str) -> dict[str, Any]:
    test, value, unit = said.split(" ", 2)
    return {"kind": "vital_sign", "test": test, "value": value, "unit": unit, "observed_at": now}


def _adverse(_: Telling, said: str, now: str) -> dict[str, Any]:
    return {"kind": "adverse_event", "term": said, "onset": now}


def _screened(_: Telling, _said: str, now: str) -> dict[str, Any]:
    return {"kind": "screened", "consented": now, "site": "hangzhou", "sex": "female", "age_years": 34}


def _enrolled(_: Telling, said: str, now: str) -> dict[str, Any]:
    return {"kind": "enrolled", "dose_level": said or "1", "enrolled": now}


def _lymphodepletion(_: Telling, _said: str, now: str) -> dict[str, Any]:
    return {"kind": "dose_given", "role": "lymphodepletion", "treatment": "fludarabine", "given": now}


def _infusion(_: Telling, said: str, now: str) -> dict[str, Any]:
    what = {"kind": "dose_given", "role": "infusion", "treatment": "anti-CD19 CAR-NK"}
    return what | _DOSE | {"number": said, "given": now}


def _decided(telling: Telling, said: str, now: str) -> dict[str, Any]:
    verdict, rule = said.split(" ", 1)
    return {
        "kind": "adjudicated",
        "finding": telling.dlt(rule),
        "verdict": verdict,
        "by": "Dr A",
        "why": "seen with the site",
        "decided_at": now,
    }


_WORDS = {
    "lab": _lab,
    "vital": _vital,
    "adverse event": _adverse,
    "screened": _screened,
    "enrolled": _enrolled,
    "lymphodepletion": _lymphodepletion,
    "infusion": _infusion,
    "decided": _decided,
}


def _says(finding: AnyFinding, fields: Item) -> bool:
    """Whether a finding says so; ``... word`` where the field holds the word among others."""
    for name, expected in fields.items():
        said = _said(finding, name)
        if said != expected and not (expected.startswith("... ") and expected[4:] in said):
            return False
    return True


def _said(finding: AnyFinding, name: str) -> str:
    if finding.kind == "toxicity" and name in {"grade", "now"}:
        return str(finding.peak if name == "grade" else finding.current)
    value = getattr(finding, name)
    if name == "scales":
        return ", ".join(f"{one.scale} {one.grade}" for one in value) or "no other scale"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)


def _words(alert: Alert) -> str:
    said = alert.type.replace("_", " ")
    if alert.state == "withdrawn":
        return f"{said} withdrawn"
    return said if alert.decision.reason == "new" else f"{said} ({alert.decision.reason})"
