"""The types of a study protocol: one YAML a study, values dated by amendment, every threshold beside its source.

Its law: a protocol says everything that differs between two studies, so that nothing about a study is in code.
``Protocol`` is the study with all its versions; a subject is judged by the version he or she consented to.
A study without ``dlt`` has no DLT window; one without ``eligibility`` judges no criteria; one without
``escalation`` has no cohorts.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import cache, cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from safety_stream.rulebook.criteria import Criterion, parse
from safety_stream.rulebook.spans import GradeBound, Lasting, Span

Day = Annotated[int, Field(ge=-3650, le=3650, description="Study day: day 0 is the day of the first infusion.")]
Days = Annotated[int, Field(ge=0, le=3650)]
Words = Annotated[str, Field(min_length=1, max_length=2000)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Attribution = Literal["unrelated", "unlikely", "possible", "probable", "definite", "unknown"]
Role = Literal[
    "safety_physician",
    "safety_physician_backup",
    "medical_monitor",
    "site_investigator",
    "dsmb_chair",
    "sponsor_safety",
    "data_manager",
    "operator",
]
"""Who can be told: a protocol and the catalogue of alerts name roles, ``deploy/alerting.yaml`` the people."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no time zone is called {name!r}; expected an IANA name such as Asia/Shanghai") from None
    return name


def _as_list(told: object) -> object:
    return [told] if isinstance(told, str | dict) else told


_ONE_OR_MORE = BeforeValidator(_as_list, json_schema_input_type=str | list[str])


@cache
def parsed(text: str) -> Criterion:
    """A criterion as the protocol writes it, parsed once; raises ``CriterionError``."""
    return parse(text)


class Written(BaseModel):
    """The base of all that a protocol says: frozen, and no word that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class DoseLevel(Written):
    """One dose level: its ordinal and its amount."""

    number: Annotated[int, Field(ge=1, le=50)]
    amount: Annotated[Decimal, Field(gt=0)]
    unit: Words


class Infusions(Written):
    """The planned infusions of the study product."""

    product: Words
    days: Annotated[tuple[Day, ...], Field(min_length=1)]
    tolerance_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(20)
    source: Words

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.days) != sorted(set(self.days)) or self.days[0] != 0:
            raise ValueError("days must rise and begin with day 0")
        return self


class Lymphodepletion(Written):
    """One drug of the lymphodepletion and its days."""

    treatment: Words
    amount: Annotated[Decimal, Field(gt=0)]
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


class RecordedFact(Written):
    """A criterion that is no measurement: a fact somebody records, and what it must be."""

    text: Words
    must_be: bool | Words
    source: Words


class Eligibility(Written):
    """The criteria; thresholds are judged by the engine, recorded facts are compared as recorded."""

    recheck: Literal["before_each_infusion", "before_lymphodepletion", "never"] = "before_each_infusion"
    recheck_from_days_before: Days = 5
    criteria: dict[Id, EligibilityCriterion]
    recorded: dict[Id, RecordedFact] = Field(default_factory=dict)


class Clause(Written):
    """One part of a composite: any of these analytes, when it meets the criterion."""

    name: Id
    any_of: Annotated[tuple[Id, ...], _ONE_OR_MORE, Field(min_length=1)]
    when: Words


class Composite(Written):
    """Several laboratory facts that mean more together than apart (Hy's law)."""

    text: Words
    source: Words
    all_of: Annotated[tuple[Clause, ...], Field(min_length=2)]
    within: Span
    unless: Clause | None = Field(default=None, description="Judged near the onset; missing makes the case possible.")


class Window(Written):
    """The observation window for dose-limiting toxicities, in calendar days of the study's zone, last day inside."""

    days: Annotated[int, Field(ge=1, le=730)]
    anchor: Literal["each_infusion", "first_infusion", "last_infusion"] = "each_infusion"


class Matches(Written):
    """Which events a rule is about: terms, classes (SOC) or a composite; nothing named means any term."""

    terms: Annotated[tuple[Words, ...], _ONE_OR_MORE] = ()
    classes: Annotated[tuple[Words, ...], _ONE_OR_MORE] = ()
    composite: Id | None = None
    except_terms: Annotated[tuple[Words, ...], _ONE_OR_MORE] = ()
    except_classes: Annotated[tuple[Words, ...], _ONE_OR_MORE] = ()


class DltRule(Written):
    """One rule: what it is about, from which grade, for how long, how attributed, seen by whom."""

    id: Id
    text: Words
    source: Words
    about: Matches = Matches()
    grade: GradeBound | None = None
    lasting: Lasting | None = None
    seen_as: Annotated[tuple[Literal["measured", "reported"], ...], Field(min_length=1)] = ("measured", "reported")
    attribution: tuple[Attribution, ...] = ("possible", "probable", "definite", "unknown")
    window_days: Annotated[int, Field(ge=1, le=730)] | None = None

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.about.composite is None and self.grade is None:
            raise ValueError(f"rule {self.id}: expected a grade such as '>= 3', or a composite")
        return self


class Exclusion(Written):
    """What is never a DLT by itself, with its reason."""

    terms: Annotated[tuple[Words, ...], _ONE_OR_MORE, Field(min_length=1)]
    because: Words
    up_to_grade: Annotated[int, Field(ge=1, le=5)] = 4


class Dlt(Written):
    """The DLT window and rules. ``example`` marks a list that no sponsor has signed (decision T3)."""

    example: bool
    note: Words
    window: Window
    rules: Annotated[tuple[DltRule, ...], Field(min_length=1)]
    excluded: Annotated[
        tuple[Exclusion, ...], BeforeValidator(_as_list, json_schema_input_type=Exclusion | list[Exclusion])
    ] = ()

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        ids = [rule.id for rule in self.rules]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"rule ids used twice: {', '.join(twice)}")
        return self


class Evaluable(Written):
    """When a subject counts for the 3+3 design (decision T6)."""

    planned_infusions: Literal["all", "first"] = "all"
    source: Words


DoseDecision = Literal["enrol", "escalate", "expand", "stop"]
_Table = dict[int, DoseDecision | list[DoseDecision]]


class Row(Written):
    """One row of the decision table: with ``evaluable`` subjects of whom ``dlt`` had one, do this."""

    evaluable: Annotated[int, Field(ge=0, le=12)]
    dlt: Annotated[int, Field(ge=0, le=12)]
    decision: DoseDecision


def _rows(told: object) -> object:
    """The table as it is written: for each number of evaluable subjects the decisions with 0, 1, 2, ... DLTs."""
    if not isinstance(told, dict):
        return told
    return [
        {"evaluable": evaluable, "dlt": dlt, "decision": decision}
        for evaluable, decisions in told.items()
        for dlt, decision in enumerate(decisions if isinstance(decisions, list) else [decisions])
    ]


class Escalation(Written):
    """The dose-escalation design: its decision table as data, and what to do at the ends."""

    design: Literal["3+3"] = "3+3"
    cohort: Annotated[int, Field(ge=1, le=6)] = 3
    expanded: Annotated[int, Field(ge=2, le=12)] = 6
    table: Annotated[tuple[Row, ...], BeforeValidator(_rows, json_schema_input_type=_Table), Field(min_length=1)]
    top_level: Literal["fill_to_6", "declare"] = "fill_to_6"
    below_first: Words = "stop, committee"
    stagger_days: Days | None = None
    planned_subjects: Annotated[int, Field(ge=1)] | None = None
    source: Words

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        cells = [(row.evaluable, row.dlt) for row in self.table]
        wanted = {(n, d) for n in range(self.expanded + 1) for d in range(n + 1)}
        problems = [f"n={n}, dlt={d} is there twice" for n, d in sorted(set(cells)) if cells.count((n, d)) > 1]
        problems += [f"n={n}, dlt={d} is missing" for n, d in sorted(wanted - set(cells))]
        problems += [f"n={n}, dlt={d} cannot be" for n, d in sorted(set(cells) - wanted)]
        if problems:
            raise ValueError("the decision table is not whole: " + "; ".join(problems))
        return self

    @cached_property
    def decisions(self) -> dict[tuple[int, int], str]:
        """The decision for (evaluable, dlt)."""
        return {(row.evaluable, row.dlt): row.decision for row in self.table}


class Expected(Written):
    """An expected event and its band: recorded and shown, alerted only beyond it."""

    term: Words
    up_to_grade: Annotated[int, Field(ge=1, le=5)]
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
    tell: Annotated[tuple[Role, ...], _ONE_OR_MORE] = ()


class Registry(Written):
    """Where the study is registered and what the registry calls it."""

    title: Words
    record: Words
    phase: Words
    planned_subjects: Annotated[int, Field(ge=1)] | None = None


class ProtocolVersion(Written):
    """One version of one study's protocol, whole: what applies to a subject who consented to it."""

    study: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f|]+$")]
    version: Annotated[str, Field(min_length=1, max_length=60)]
    effective: date | None = Field(default=None, description="Null: only for a consent that names this version.")
    registry: Registry
    ctcae: Literal["5.0"]
    zone: Annotated[str, AfterValidator(_known_zone)]
    adults_from_age: Annotated[int, Field(ge=0, le=120)] = 18
    oldest_age: Annotated[int, Field(ge=0, le=130)] | None = None
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
    visits: tuple[Day, ...] = ()
    follow_up_days: Days = 365
    sae_report_within: Span = Field(default_factory=lambda: Span("24 h"))
    alert_roles: dict[str, tuple[tuple[str, ...], ...]] = Field(default_factory=dict)

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

    def criteria_on(self, analyte: str) -> tuple[tuple[str, EligibilityCriterion], ...]:
        """The eligibility criteria that results of an analyte answer, each with its id."""
        return self.criteria_by_analyte.get(analyte, ())

    def criterion(self, name: str) -> EligibilityCriterion:
        """One eligibility criterion by its id; KeyError when the protocol has none of this name."""
        return dict(self.criteria)[name]

    @cached_property
    def criteria(self) -> tuple[tuple[str, EligibilityCriterion], ...]:
        """Every eligibility criterion with its id."""
        return tuple(self.eligibility.criteria.items()) if self.eligibility else ()

    @cached_property
    def criteria_by_analyte(self) -> dict[str, tuple[tuple[str, EligibilityCriterion], ...]]:
        """The eligibility criteria by the analyte that answers them."""
        analytes = {one.analyte for _, one in self.criteria}
        return {key: tuple(pair for pair in self.criteria if pair[1].analyte == key) for key in analytes}

    def clauses_on(self, analyte: str) -> tuple[tuple[str, Clause, bool], ...]:
        """The clauses of composites an analyte answers: composite, clause, and whether it rules the composite out."""
        return self.clauses_by_analyte.get(analyte, ())

    @cached_property
    def clauses_by_analyte(self) -> dict[str, tuple[tuple[str, Clause, bool], ...]]:
        """The clauses of composites by the analyte that answers them."""
        every = [(name, clause, False) for name, one in self.composites.items() for clause in one.all_of]
        every += [(name, one.unless, True) for name, one in self.composites.items() if one.unless]
        analytes = {key for _, clause, _ in every for key in clause.any_of}
        return {key: tuple(one for one in every if key in one[1].any_of) for key in analytes}

    def watched(self, analyte: str) -> tuple[WatchLimit, ...]:
        """The watch limits on an analyte."""
        return self.watch_by_analyte.get(analyte, ())

    @cached_property
    def watch_by_analyte(self) -> dict[str, tuple[WatchLimit, ...]]:
        """The watch limits by analyte."""
        return {key: tuple(one for one in self.watch if one.analyte == key) for key in {w.analyte for w in self.watch}}

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

    def version(self, name: str | None, consented: date | None = None) -> ProtocolVersion:
        """The version a subject consented to: by its name, else the last one effective on that day, else the first."""
        for one in self.versions:
            if one.version == name:
                return one
        in_force = [one for one in self.versions if one.effective and (consented is None or one.effective <= consented)]
        return in_force[-1] if in_force else self.versions[0]
