"""Protocols: the bundled one says what the registry record says, and every mistake in one is explained at once."""

from decimal import Decimal
from pathlib import Path

import pytest

from safety_stream.errors import RulebookError
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.protocol import Protocol, ProtocolVersion
from safety_stream.rulebook.spans import GradeBound, Lasting, Span

BUNDLED = Path(__file__).parents[2] / "safety_stream" / "rulebook" / "protocols" / "car-nk-sle.yaml"


def bundled() -> Protocol:
    """The bundled protocol."""
    return load_book(allow_unsigned=True).protocols["CAR-NK-SLE-01"]


def first() -> ProtocolVersion:
    """Its version as registered in May 2024."""
    return bundled().versions[0]


def loaded(folder: Path, text: str) -> list[str]:
    """What is wrong with a protocol."""
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RulebookError) as caught:
        load_book(protocols=folder, allow_unsigned=True)
    return list(caught.value.problems)


def test_the_bundled_protocol_states_the_registered_thresholds() -> None:
    """Every laboratory and measurement threshold of the registry record, by hand."""
    assert {name: one.must for name, one in first().criteria} == {
        "hemoglobin": ">= 85 g/L", "leukocytes": ">= 3 10*9/L", "neutrophils": ">= 1.5 10*9/L",
        "platelets": ">= 50 10*9/L", "alt": "<= 2 x ULN", "ast": "<= 2 x ULN", "egfr": ">= 60 mL/min/{1.73_m2}",
        "bilirubin": "<= 34.2 umol/L", "lvef": ">= 50 %", "oxygen-saturation": "> 94 %",
        "prothrombin-time": "<= 1.5 x ULN", "inr": "<= 1.5 x ULN", "creatinine": "<= 221 umol/L",
    }  # fmt: skip
    assert first().criterion("bilirubin").must_in == {"mg/dL": "<= 2.0 mg/dL"}
    assert first().criterion("creatinine").must_in == {"mg/dL": "<= 2.5 mg/dL"}


def test_doses_and_days_are_the_registered_ones() -> None:
    """2, 3 and 4 x 10^6 cells/kg on days 0, 7, 14 after Flu 25 and Cy 500 mg/m2 on days -5, -4, -3."""
    assert [(one.amount, one.unit) for one in first().dose_levels] == [
        (Decimal(n * 1_000_000), "cells/kg") for n in (2, 3, 4)
    ]
    infusions = first().infusions
    assert infusions is not None
    assert infusions.days == (0, 7, 14)
    drugs = {(one.treatment, one.amount, one.unit, one.days) for one in first().lymphodepletion}
    assert drugs == {
        ("fludarabine", Decimal(25), "mg/m2", (-5, -4, -3)),
        ("cyclophosphamide", Decimal(500), "mg/m2", (-5, -4, -3)),
    }


def test_the_dlt_list_is_marked_as_an_example() -> None:
    """The registry record defines no DLT: the list says so, in the data and in words."""
    dlt = first().dlt
    assert dlt is not None
    assert dlt.example
    assert "no criteria" in dlt.note
    assert (dlt.window.days, dlt.window.anchor) == (28, "each_infusion")


def test_the_later_version_changes_what_the_later_record_changed_and_nothing_else() -> None:
    """Infusions on days 0, 3, 6; hemoglobin 80, platelets 30, eGFR 30 (T16)."""
    one, other = bundled().versions
    assert other.infusions is not None
    assert other.infusions.days == (0, 3, 6)
    changed = {name for name, criterion in other.criteria if criterion != one.criterion(name)}
    assert changed == {"hemoglobin", "platelets", "egfr"}
    told = {"version", "effective", "infusions", "eligibility"}
    assert one.model_dump(exclude=told) == other.model_dump(exclude=told)


def test_a_version_without_a_day_applies_only_to_a_consent_that_names_it() -> None:
    """The day of the later record is not known: nobody falls under it by date."""
    assert bundled().version(None).version == "1.0"
    assert bundled().version("2.0").version == "2.0"
    assert bundled().version("9.9").version == "1.0"


def test_a_study_needs_neither_window_nor_eligibility(tmp_path: Path) -> None:
    """A protocol without DLT window, eligibility and escalation is a protocol."""
    text = """
study: S1
versions:
  - version: "1"
    registry: {title: A study, record: none, phase: phase 2}
    ctcae: "5.0"
    zone: America/New_York
"""
    (tmp_path / "s1.yaml").write_text(text, encoding="utf-8")
    version = load_book(protocols=tmp_path, allow_unsigned=True).protocols["S1"].version(None)
    assert (version.dlt, version.eligibility, version.escalation, version.criteria) == (None, None, None, ())


MISTAKES = {
    "zone: Asia/Shanghai": ("zone: Asia/Hangzhou", "no time zone is called 'Asia/Hangzhou'"),
    'must: ">= 85 g/L"': ('must: ">= 85 mmol/L"', "is not in g/L"),
    "{analyte: WBC": ("{analyte: WBCS", "no analyte 'WBCS'"),
    "about: {terms: Neutrophil count decreased}": ("about: {terms: Neutropenia}", "'Neutropenia' is no term of CTCAE"),
    "about: {terms: [Encephalopathy, Seizure, Depressed level of consciousness]}": (
        "about: {except_classes: Blood}",
        "'Blood' is no system organ class",
    ),
    "3: [escalate, expand, stop, stop]": ("3: [escalate, expand, stop]", "n=3, dlt=3 is missing"),
    'lasting: "> 72 h"': ('lasting: "72 hours"', "expected a comparison and a length such as '> 72 h'"),
    "days: [0, 7, 14]": ("days: [0, 14, 7]", "days must rise and begin with day 0"),
    "about: {composite: hys-law}": ("about: {composite: hy}", "no composite is called hy"),
    '{analyte: GLUC, outside: "> 13.9 mmol/L"': ('{analyte: GLUC, outside: "> 13.9 mg/dL"', "is not in mmol/L"),
    '{analyte: SYSBP, outside: "< 90 mm[Hg]"': (
        '{analyte: SYSBP, tell: [nurse], outside: "< 90 mm[Hg]"',
        "'safety_physician'",
    ),
    'outside: "< 90 mm[Hg]", source': ('outside: "< 90 mm[Hg] lasting > 1 h", source', "needs other results"),
    "tolerance_percent: 20": ("tolerance: 20", "tolerance"),
}


@pytest.mark.parametrize("right", MISTAKES)
def test_a_mistake_is_explained(tmp_path: Path, right: str) -> None:
    """Each mistake names the file, its line, and what was expected."""
    wrong, said = MISTAKES[right]
    text = BUNDLED.read_text(encoding="utf-8")
    assert right in text
    line = text[: text.index(right)].count("\n") + 1
    problems = loaded(tmp_path, text.replace(right, wrong, 1))
    assert any(said in problem for problem in problems), problems
    lines = [int(problem.split(":")[1]) for problem in problems if said in problem]
    assert all(abs(found - line) <= 12 for found in lines), (lines, line)


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    """Two unknown analytes and an unknown term in one file are three problems in one error."""
    text = BUNDLED.read_text(encoding="utf-8")
    text = text.replace("{analyte: WBC", "{analyte: WBCS").replace("{analyte: INR", "{analyte: INRS")
    text = text.replace("about: {terms: Neutrophil count decreased}", "about: {terms: Neutropenia}")
    problems = loaded(tmp_path, text)
    assert all(any(name in problem for problem in problems) for name in ("WBCS", "INRS", "Neutropenia"))


@pytest.mark.parametrize("text", ["", "[]", "study: X", "study: X\nversions: []", "study: X\nversions: [3]", "a: ["])
def test_no_protocol_at_all_is_explained(tmp_path: Path, text: str) -> None:
    """An empty file, another shape, broken YAML: a problem with its file, never another exception."""
    assert any("study.yaml" in problem for problem in loaded(tmp_path, text))


def test_the_small_languages() -> None:
    """Lengths of time and grade bounds, read by hand; anything else is refused with an example."""
    assert Span("4 wk").length == Span("28 d").length == Span("672 h").length
    assert (Lasting("> 72 h").holds(Span("72 h").length), Lasting(">= 72 h").holds(Span("3 d").length)) == (False, True)
    assert (GradeBound(">= 3").lowest, GradeBound("> 3").lowest) == (3, 4)
    slips = {
        Span: ("72", "h", "２４ h", "24 h\n"),
        Lasting: ("72 h", "> １２ h", "> banana", ">"),
        GradeBound: (">= 6", "3"),
    }
    for kind, wrong in ((kind, wrong) for kind, every in slips.items() for wrong in every):
        with pytest.raises(ValueError, match="expected"):
            kind(wrong)


def test_every_point_of_the_registry_record_has_a_criterion() -> None:
    """10 points of inclusion and 26 of exclusion, counted by hand; the amendment changes limits and leaves none out."""
    one, two = bundled().versions
    assert one.eligibility is not None
    assert two.eligibility is not None
    sources = [told.source for told in one.eligibility.criteria.values()]
    sources += [told.source for told in one.eligibility.recorded.values()]
    wanted = {f"inclusion {n}" for n in range(1, 11)} | {f"exclusion {n}" for n in range(1, 27)}
    assert {source.removeprefix("registry record, ") for source in sources} == wanted
    assert two.eligibility.recorded == one.eligibility.recorded
    assert two.eligibility.criteria.keys() == one.eligibility.criteria.keys()
