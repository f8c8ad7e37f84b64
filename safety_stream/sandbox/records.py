"""One simulated subject's records, as the hospital's systems would send them: events with their time of arrival.

Observed, reported and arriving are three times: a specimen is taken at seven in the morning, released hours later,
and arrives seconds after that, or days when a line was down.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from safety_stream.clinical.events import (
    AdverseEvent,
    DoseGiven,
    DosePlanned,
    Enrolled,
    Event,
    FactRecorded,
    LabResult,
    Screened,
    VitalSign,
    Withdrawn,
)
from safety_stream.sandbox.cast import Complaint, Member
from safety_stream.sandbox.courses import constitution, panel_values
from safety_stream.sandbox.panels import CHEMISTRY, FOLLOW_UP, TESTS, VISITS, Panel, plan_of, range_of

STUDY = "CAR-NK-SLE-01"
SITE = "hangzhou"
ZONE = ZoneInfo("Asia/Shanghai")
PRODUCT = "anti-CD19 CAR-NK"
INFUSION_DAYS = (0, 7, 14)
_CELLS_PER_KG = {1: "2000000", 2: "3000000", 3: "4000000"}
_LYMPHODEPLETION = (("fludarabine", "25"), ("cyclophosphamide", "500"))
_PRESENT = (
    "sle-classified", "autoantibodies-and-complement", "selena-sledai-at-least-8", "bilag-a-or-two-b",
    "routine-treatment-failed",
)  # fmt: skip
_ABSENT = (
    "on_anticoagulant", "pregnant-or-lactating", "hemodialysis-within-8-weeks", "lupus-crisis-within-8-weeks",
    "hepatitis-b", "hepatitis-c", "hiv", "cmv-or-ebv-dna", "tuberculosis", "uncontrolled-infection", "iga-deficiency",
    "cell-or-gene-therapy-ever", "cd19-therapy-ever", "live-vaccine-within-4-weeks", "major-surgery-within-8-weeks",
    "b-cell-therapy-within-4-weeks", "immunosuppressant-within-1-week", "plasmapheresis-or-ivig-within-3-months",
    "other-study-within-3-months", "transplantation-ever",
)  # fmt: skip
CHECKLIST = dict.fromkeys(_PRESENT, True) | dict.fromkeys(_ABSENT, False)
"""The eligibility checklist as the site fills it in at screening, for every subject alike."""
HISTORY = {
    "consent-and-cooperation": True, "contraception": True, "severe-allergy": False, "other-autoimmune-disease": False,
    "central-nervous-system-disease": False, "immunodeficiency": False, "other-uncontrolled-disease": False,
    "malignancy": False, "active-skin-disease": False, "lymphodepletion-contraindicated": False,
    "surgery-scheduled": False, "unsuitable-by-investigator": False,
}  # fmt: skip
"""The investigator's page on history and judgement, signed at once after the checklist, for every subject alike."""
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event and the instant its message arrives; ``result`` names a planned result by study day and test."""

    at: datetime
    event: Event
    result: tuple[int, str] | None = None


class Records:
    """Writes one subject's records; all chance comes from ``chance``."""

    def __init__(self, member: Member, chance: Random) -> None:
        self.member = member
        self._chance = chance
        self._age = chance.randint(22, 54)
        self.body = constitution(member.sex, self._age, chance, member.turns, member.syndrome)

    def all(self) -> Iterator[Arrival]:
        """Every record of the subject, in no particular order."""
        yield from self._screening()
        if self.member.dose_level is not None:
            yield from self._enrolment(self.member.dose_level)
            yield from self._doses(self.member.dose_level)
        yield from self._departure()
        for complaint in self.member.complaints:
            yield from self._adverse_event(complaint)
        for day in self._visit_days():
            for panel in plan_of(day):
                yield from self._specimen(panel, day, self._chance)
        for day in self.member.extra_chemistry:
            yield from self._specimen(CHEMISTRY, day, self._chance)

    def follow_up(self, last_day: int, chance: Random) -> Iterator[Arrival]:
        """The visits after the window, up to a study day; their chance is their own."""
        days, panels = FOLLOW_UP
        for day in days if self.member.dose_level is not None else ():
            for panel in panels if day <= last_day else ():
                yield from self._specimen(panel, day, chance)

    def at(self, day: float, hour: float = 0.0) -> datetime:
        """The instant of a study day (its fraction counts) in the zone of the study, to the minute."""
        start = datetime.combine(self.member.day_zero, time.min, tzinfo=ZONE)
        return start + timedelta(minutes=round((day * 24 + hour) * 60))

    def _visit_days(self) -> list[int]:
        planned = sorted(day for days, _ in VISITS for day in days)
        return planned if self.member.dose_level is not None else planned[:1]

    def _told(self, model: type[E], system: str, key: str, reported_at: datetime, **facts: Any) -> E:
        source = {"system": f"{SITE}-{system}", "id": f"{self.member.subject}-{key}"}
        head = {"study": STUDY, "subject": self.member.subject, "source": source, "reported_at": reported_at}
        return model.model_validate(head | facts)

    def _arrives(self, event: Event) -> Arrival:
        return Arrival(event.reported_at + timedelta(seconds=self._chance.randrange(2, 90)), event)

    def _screening(self) -> Iterator[Arrival]:
        consented = self.at(-15, 9.5)
        told = consented.isoformat()
        later = consented + timedelta(minutes=40)
        about = {"site": SITE, "sex": self.member.sex, "age_years": self._age}
        yield self._arrives(self._told(Screened, "edc", "consent", later, consented=told, **about))
        later += timedelta(minutes=30)
        for name, value in CHECKLIST.items():
            later += timedelta(minutes=2)
            fact = {"name": name, "value": value, "observed_at": told}
            yield self._arrives(self._told(FactRecorded, "edc", f"checklist-{name}", later, **fact))
        for name, value in HISTORY.items():
            if name == "contraception" and self.member.sex == "male":
                continue  # does not apply to him, and is asked of nobody
            fact = {"name": name, "value": value, "observed_at": told}
            signed = self._told(FactRecorded, "edc", f"history-{name}", later, **fact)
            yield Arrival(later + timedelta(seconds=30), signed)

    def _enrolment(self, level: int) -> Iterator[Arrival]:
        enrolled = self.at(-7, 14)
        later = enrolled + timedelta(minutes=30)
        yield self._arrives(
            self._told(Enrolled, "edc", "enrolment", later, dose_level=level, enrolled=enrolled.isoformat())
        )
        for number, day in enumerate(INFUSION_DAYS, start=1):
            plan = {"number": number, "planned": self.at(day).date().isoformat()}
            yield self._arrives(self._told(DosePlanned, "edc", f"plan-{number}", later, **plan, **self._cells(level)))

    def _doses(self, level: int) -> Iterator[Arrival]:
        for number, day in enumerate((-5, -4, -3), start=1):
            for treatment, amount in _LYMPHODEPLETION:
                dose = {"role": "lymphodepletion", "treatment": treatment, "amount": amount, "unit": "mg/m2"}
                yield self._dose(day, number, dose)
        for number, day in enumerate(self.member.infusion_days, start=1):
            yield self._dose(day, number, self._cells(level))

    def _dose(self, day: int, number: int, dose: dict[str, str]) -> Arrival:
        given = self.at(day, 10.25)
        key = f"{dose['treatment'].replace(' ', '-')}-{number}"
        facts = {"number": number, "given": given.isoformat()}
        return self._arrives(self._told(DoseGiven, "edc", key, given + timedelta(minutes=50), **facts, **dose))

    def _cells(self, level: int) -> dict[str, str]:
        return {"role": "infusion", "treatment": PRODUCT, "amount": _CELLS_PER_KG[level], "unit": "cells/kg"}

    def _departure(self) -> Iterator[Arrival]:
        """A screening failure leaves the study; a subject whose last infusion is withheld leaves treatment."""
        if self.member.dose_level is None:
            left, what, reason = self.at(-11, 10), "study", "Screening failure: platelets below the limit."
        elif self.member.infusion_days != INFUSION_DAYS:
            left, what, reason = self.at(14, 9), "treatment", "Third infusion withheld after cytokine release syndrome."
        else:
            return
        facts = {"from_what": what, "reason": reason, "withdrawn": left.isoformat()}
        yield self._arrives(self._told(Withdrawn, "edc", "departure", left + timedelta(hours=1), **facts))

    def _adverse_event(self, complaint: Complaint) -> Iterator[Arrival]:
        """A first report while it lasts, and a second version of it when it is over."""
        onset, resolved = self.at(complaint.onset), self.at(complaint.resolved)
        facts: dict[str, Any] = {
            "term": complaint.term, "meddra_code": complaint.meddra_code, "grade": complaint.grade,
            "onset": onset.isoformat(), "attribution": complaint.attribution, "narrative": complaint.narrative,
            "serious": complaint.seriousness is not None,
            "seriousness": [complaint.seriousness] if complaint.seriousness else [],
            "scale_facts": complaint.scale_facts,
        }  # fmt: skip
        told = onset + timedelta(hours=complaint.told_after_hours)
        if complaint.seriousness is not None:
            facts["reported_to_sponsor_at"] = told.isoformat()  # the capture system passes it on as it is entered
        key = f"ae-{complaint.meddra_code}"
        first = self._told(AdverseEvent, "edc", key, told, outcome="not-recovered", **facts)
        facts |= {"outcome": "recovered", "resolved": resolved.isoformat()}
        last = self._told(AdverseEvent, "edc", key, max(resolved, told) + timedelta(hours=12), **facts)
        yield self._arrives(first)
        yield self._arrives(last.model_copy(update={"source": last.source.model_copy(update={"version": 2})}))

    def _specimen(self, panel: Panel, day: int, chance: Random) -> Iterator[Arrival]:
        drawn = self.at(day, 7) + timedelta(minutes=chance.randrange(0, 60))
        released = drawn + timedelta(minutes=round(60 * chance.uniform(*panel.released_after)))
        arrives = released + timedelta(seconds=chance.randrange(2, 90))
        values = panel_values(panel.tests, self.body, day + 0.3, chance)
        for code in panel.tests:
            value = self.member.values.get((day, code), values[code])
            yield Arrival(arrives, self._measured(panel, code, value, drawn, released), (day, code))

    def _measured(self, panel: Panel, code: str, value: str, drawn: datetime, released: datetime) -> Event:
        test, specimen = TESTS[code], f"{drawn:%y%m%d}-{panel.name.replace(' ', '-')}"
        low, high = range_of(test, self.member.sex)
        facts: dict[str, Any] = {
            "test": code, "loinc": test.loinc, "value": value, "unit": test.unit, "range_low": low,
            "range_high": high, "observed_at": drawn.isoformat(), "specimen": f"{self.member.subject}-{specimen}",
        }  # fmt: skip
        if panel.kind == "lab_result":
            facts["laboratory"] = "SAHZU central laboratory"
            return self._told(LabResult, "lis", f"{specimen}-{code}", released, **facts)
        if code == "SPO2":
            facts["on_oxygen"] = False
        return self._told(VitalSign, "ward", f"{specimen}-{code}", released, **facts)
