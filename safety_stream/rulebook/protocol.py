"""The types of a study protocol: one YAML a study, values dated by amendment, every threshold beside its source.

Its law: a protocol says everything that differs between two studies, so that nothing about a study is in code.
``Protocol`` is the study with all its versions; a subject is judged by the version he or she consented to.
A study without ``dlt`` has no DLT window; one without ``eligibility`` judges no criteria; one without
``escalation`` has no cohorts.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from safety_stream.rulebook.dlt_rules import Clause, Composite, Dlt, Evaluable
from safety_stream.rulebook.escalation_table import Escalation
from safety_stream.rulebook.hematotoxicity_rules import Hematotoxicity
from safety_stream.rulebook.recorded import Ago, FactKind, RecordedFact, facts_in
from safety_stream.rulebook.reporting_rules import Reconciliation, Reporting
from safety_stream.rulebook.schedule_rules import Schedule
from safety_stream.rulebook.spans import Span
from safety_stream.rulebook.written import ONE_OR_MORE, PLAIN_DIGITS, Day, Days, Id, Role, Whole, Words, Written


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no time zone is called {name!r}; expected an IANA name such as Asia/Shanghai") from None
    return name


class DoseLevel(Written):
    """One dose level: its ordinal and its amount."""

    number: Annotated[Whole, Field(ge=1, le=50)]
    amount: Annotated[Decimal, Field(gt=0), PLAIN_DIGITS]
    unit: Words


class Infusions(Written):
    """The planned infusions of the study product. ``also_called``: other names under which sites record it."""

    product: Words
    also_called: Annotated[tuple[Words, ...], ONE_OR_MORE] = ()
    days: Annotated[tuple[Day, ...], Field(min_length=1)]
    tolerance_percent: Annotated[Decimal, Field(ge=0, le=100), PLAIN_DIGITS] = Decimal(20)
    source: Words

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.days) != sorted(set(self.days)) or self.days[0] != 0:
            raise ValueError("days must rise and begin with day 0")
        return self


class Lymphodepletion(Written):
    """One drug of the lymphodepletion and its days. ``also_called``: other names under which sites record it."""

    treatment: Words
    also_called: Annotated[tuple[Words, ...], ONE_OR_MORE] = ()
    amount: Annotated[Decimal, Field(gt=0), PLAIN_DIGITS]
    unit: Words
    days: Annotated[tuple[Day, ...], Field(min_length=1)]
    source: Words


class Baseline(Written):
    """Which treatment the baseline comes before (decision G9)."""

    before: Literal["lymphodepletion", "first_infusion"] = "lymphodepletion"


class EligibilityCriterion(Written):
    """One threshold: a subject is eligible while ``must`` holds.

    ``must_in`` says it anew for results reported in a unit the registry prints for itself (decision T10).
    ``recheck`` says when it is judged again after screening (decision T9); ``default`` follows the list's own.
    """

    analyte: Id
    text: Words
    must: Words
    must_in: dict[str, Words] = Field(default_factory=dict)
    source: Words
    recheck: Literal["default", "before_each_infusion", "before_lymphodepletion", "never"] = "default"
    because: Words | None = None
    needs: Literal["off_oxygen"] | None = None


class Eligibility(Written):
    """The criteria; thresholds of measurements, and statements over recorded facts."""

    recheck: Literal["before_each_infusion", "before_lymphodepletion", "never"] = "before_each_infusion"
    recheck_from_days_before: Days = 5
    days_before_consent: Days | None = Field(
        default=None, description="Results taken earlier than so many days before consent answer no criterion."
    )
    criteria: dict[Id, EligibilityCriterion]
    recorded: dict[Id, RecordedFact] = Field(default_factory=dict)


class Expected(Written):
    """An expected event and its band: recorded and shown, alerted only beyond it."""

    term: Words
    up_to_grade: Annotated[Whole, Field(ge=1, le=5)]
    from_day: Day
    to_day: Day
    source: Words


class WatchLimit(Written):
    """A labelled project limit where CTCAE v5.0 has no number (decision G22); never a grade.

    What lies outside is recorded and shown; it is mailed only to the roles under ``tell``.
    """

    analyte: Id
    outside: Words
    source: Words
    tell: Annotated[tuple[Role, ...], ONE_OR_MORE] = ()
    critical: bool = Field(default=False, description="A panic limit: told as a critical value, at once.")


class Registry(Written):
    """Where the study is registered and what the registry calls it."""

    title: Words
    record: Words
    phase: Words
    planned_subjects: Annotated[Whole, Field(ge=1)] | None = None


Criteria = tuple[tuple[str, EligibilityCriterion], ...]
WhenMissed = Literal["never", "after a sample that met it", "always"]
Clauses = tuple[tuple[str, Clause, WhenMissed], ...]


class ProtocolVersion(Written):
    """One version of one study's protocol, whole: what applies to a subject who consented to it."""

    study: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f|]+$")]
    version: Annotated[str, Field(min_length=1, max_length=60)]
    effective: date | None = Field(default=None, description="Null: only for a consent that names this version.")
    registry: Registry
    ctcae: Literal["5.0"]
    zone: Annotated[str, AfterValidator(_known_zone)]
    adults_from_age: Annotated[Whole, Field(ge=0, le=120)] = 18
    oldest_age: Annotated[Whole, Field(ge=0, le=130)] | None = None
    dose_levels: tuple[DoseLevel, ...] = ()
    infusions: Infusions | None = None
    lymphodepletion: tuple[Lymphodepletion, ...] = ()
    baseline: Baseline = Baseline()
    eligibility: Eligibility | None = None
    composites: dict[Id, Composite] = Field(default_factory=dict)
    dlt: Dlt | None = None
    evaluable: Evaluable | None = None
    escalation: Escalation | None = None
    expected: tuple[Expected, ...] = ()
    watch: tuple[WatchLimit, ...] = ()
    follow_up: Ago = Field(
        default_factory=lambda: Ago("12 mo"),
        description="Reported events count so long from day 0 (T51).",
    )
    sae_report_within: Span = Field(default_factory=lambda: Span("24 h"))
    reporting: Reporting | None = Field(default=None, description="Null: no reporting clocks are kept.")
    reconciliation: Reconciliation | None = Field(default=None, description="Null: the two are not compared.")
    hematotoxicity: Hematotoxicity | None = Field(default=None, description="Null: ICAHT is not graded.")
    schedule: Schedule | None = Field(default=None, description="Null: nobody is told what was not observed.")

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @cached_property
    def tz(self) -> ZoneInfo:
        """The study's time zone: calendar days are counted here."""
        return ZoneInfo(self.zone)

    @cached_property
    def levels(self) -> dict[int, DoseLevel]:
        """The dose levels by ordinal."""
        return {level.number: level for level in self.dose_levels}

    def criteria_on(self, analyte: str) -> Criteria:
        """The eligibility criteria that results of an analyte answer, each with its id."""
        return self.criteria_by_analyte.get(analyte, ())

    def criterion(self, name: str) -> EligibilityCriterion:
        """One eligibility criterion by its id; KeyError when the protocol has none of this name."""
        return dict(self.criteria)[name]

    @cached_property
    def criteria(self) -> Criteria:
        """Every eligibility criterion with its id."""
        return tuple(self.eligibility.criteria.items()) if self.eligibility else ()

    @cached_property
    def criteria_by_analyte(self) -> dict[str, Criteria]:
        """The eligibility criteria by the analyte that answers them."""
        analytes = {one.analyte for _, one in self.criteria}
        return {key: tuple(pair for pair in self.criteria if pair[1].analyte == key) for key in analytes}

    def clauses_on(self, analyte: str) -> Clauses:
        """The clauses of composites an analyte answers: composite, clause, when a result that misses it counts."""
        return self.clauses_by_analyte.get(analyte, ())

    @cached_property
    def clauses_by_analyte(self) -> dict[str, Clauses]:
        """The clauses of composites by the analyte that answers them."""
        every: list[tuple[str, Clause, WhenMissed]] = [
            (name, clause, self._when_missed(name)) for name, one in self.composites.items() for clause in one.all_of
        ]
        told = [(name, one.symptoms) for name, one in self.composites.items() if one.symptoms]
        every += [(name, clause, "never") for name, symptoms in told for clause in symptoms.or_measured]
        every += [(name, one.unless, "always") for name, one in self.composites.items() if one.unless]
        analytes = {key for _, clause, _ in every for key in clause.any_of}
        return {key: tuple(one for one in every if key in one[1].any_of) for key in analytes}

    def _when_missed(self, composite: str) -> WhenMissed:
        """Runs are bounded by what misses them; and a case is over with a sample that misses a clause."""
        return "always" if composite in self.by_runs else "after a sample that met it"

    @cached_property
    def by_runs(self) -> frozenset[str]:
        """The composites judged by runs of samples, of which only the samples next to a run bound it."""
        return frozenset(name for name, one in self.composites.items() if one.lasting or one.symptoms)

    def watched(self, analyte: str) -> tuple[WatchLimit, ...]:
        """The watch limits on an analyte."""
        return self.watch_by_analyte.get(analyte, ())

    @cached_property
    def watch_by_analyte(self) -> dict[str, tuple[WatchLimit, ...]]:
        """The watch limits by analyte."""
        return {key: tuple(one for one in self.watch if one.analyte == key) for key in {w.analyte for w in self.watch}}

    @cached_property
    def facts_read(self) -> dict[str, frozenset[FactKind]]:
        """The recorded facts that eligibility reads, and as what; a criterion's own name is a plain yes or no."""
        recorded = self.eligibility.recorded if self.eligibility else {}
        every: list[tuple[str, FactKind]] = [(name, "true or false") for name in recorded]
        told = [part for criterion in recorded.values() for part in (criterion.when, criterion.only_for) if part]
        every += [one for statement in told for one in facts_in(statement)]
        return {name: frozenset(kind for other, kind in every if other == name) for name, _ in every}

    def treatments(self, role: Literal["lymphodepletion", "infusion"]) -> tuple[str, ...]:
        """The names of what is given in a role; none where the protocol does not say."""
        if role == "infusion":
            return (self.infusions.product, *self.infusions.also_called) if self.infusions else ()
        return tuple(name for one in self.lymphodepletion for name in (one.treatment, *one.also_called))

    @property
    def window(self) -> timedelta | None:
        """How long after an infusion an onset still counts; null: the study has no DLT window."""
        return timedelta(days=self.dlt.window.days) if self.dlt else None


def _contradictions(protocol: ProtocolVersion) -> list[str]:
    """What one part of a protocol says against another."""
    problems = []
    numbers = [level.number for level in protocol.dose_levels]
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append(f"dose_levels: expected 1, 2, ... in order, found {numbers}")
    if protocol.dlt and protocol.infusions is None:
        problems.append("dlt: a window needs infusions")
    if protocol.escalation and not (protocol.dlt and protocol.dose_levels):
        problems.append("escalation: needs dlt and dose_levels")
    limits = [f"{one.analyte} {one.outside}" for one in protocol.watch]
    problems += [f"watch: {one} is there twice" for one in sorted(set(limits)) if limits.count(one) > 1]
    return problems


class Protocol(Written):
    """One study's protocol with every version of it, oldest first."""

    study: str
    versions: Annotated[tuple[ProtocolVersion, ...], Field(min_length=1)]
    digest: str = Field(default="", description="Of the file it was read from.")

    @property
    def lymphodepletion_names(self) -> frozenset[str]:
        """Every name of a drug that any version gives as lymphodepletion."""
        drugs = [one for version in self.versions for one in version.lymphodepletion]
        return frozenset(name for one in drugs for name in (one.treatment, *one.also_called))

    def version(self, name: str | None, consented: date | None = None) -> ProtocolVersion:
        """The version a subject consented to: by its name, else the last one effective on that day, else the first."""
        for one in self.versions:
            if one.version == name:
                return one
        in_force = [one for one in self.versions if one.effective and (consented is None or one.effective <= consented)]
        return in_force[-1] if in_force else self.versions[0]
