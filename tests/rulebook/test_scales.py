"""The ASTCT 2019 grades of CRS and ICANS, by the consensus tables, and the slips that a table of scales can hold.

Expected grades: Lee et al., Biol Blood Marrow Transplant 2019;25:625-638, worked by hand from its two tables.
"""

import shutil
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.clinical.events import AstctCrsFacts, AstctIcansFacts, ScaleFacts
from safety_stream.errors import RulebookError
from safety_stream.quantity import Interval, exactly, read_value
from safety_stream.rulebook.load import BUNDLED, FILES, load_book
from safety_stream.rulebook.scales import DomainFact, Scale

BOOK = load_book(allow_unsigned=True)
CRS, ICANS = BOOK.scales["astct_crs"], BOOK.scales["astct_icans"]

# The consensus tables as rows: level, grade. What is not in a table is not repeated from scales.yaml.
PRESSURE = {"none": 0, "no-vasopressor": 2, "one-vasopressor": 3, "vasopressin-only": 3, "several-vasopressors": 4}
OXYGEN = {"none": 0, "low-flow": 2, "high-flow": 3, "positive-pressure": 4}
CONSCIOUSNESS = {"alert": 0, "awakens-spontaneously": 1, "awakens-to-voice": 2, "awakens-to-touch": 3, "unarousable": 4}
SEIZURE = {"none": 0, "brief": 3, "prolonged-or-repetitive": 4}
MOTOR = {"none": 0, "deep-focal-weakness": 4}
EDEMA = {"none": 0, "focal": 3, "diffuse-or-raised-pressure": 4}


def ice_grade(score: int) -> int:
    """7 to 9 is 1, 3 to 6 is 2, 0 to 2 is 3; a score of 0 of somebody unarousable is 4 by consciousness."""
    return 0 if score == 10 else 1 if score >= 7 else 2 if score >= 3 else 3


def grades(scale: Scale, /, **facts: str | int) -> tuple[int, int]:
    """The lowest and highest grade of these facts; a number is a measured value."""
    known = {
        name: DomainFact(value=exactly_of(told)) if isinstance(told, int) else DomainFact(level=told)
        for name, told in facts.items()
    }
    return scale.judge(known).grades


def exactly_of(number: int) -> Interval:
    """A whole number as a value."""
    value = read_value(str(number))
    assert isinstance(value, Interval)
    return value


@pytest.mark.parametrize(("pressure", "oxygen"), list(product(PRESSURE, OXYGEN)))
def test_crs_is_the_worse_of_pressure_and_oxygen_with_fever(pressure: str, oxygen: str) -> None:
    """Fever alone is 1; else the worse of the two signs. Without fever it is no CRS, once treated fever is waived."""
    worse = max(PRESSURE[pressure], OXYGEN[oxygen])
    assert grades(CRS, fever="present", hypotension=pressure, hypoxia=oxygen) == (max(1, worse),) * 2
    assert grades(CRS, fever="absent", hypotension=pressure, hypoxia=oxygen) == (0, 0)
    assert grades(CRS, fever="masked", hypotension=pressure, hypoxia=oxygen) == (worse, max(1, worse))
    assert grades(CRS, hypotension=pressure, hypoxia=oxygen) == (0, max(1, worse))


def test_icans_is_the_worst_of_its_five_domains() -> None:
    """All 990 combinations of the table's levels with every ICE score: the worst single domain."""
    levels = product(range(11), CONSCIOUSNESS, SEIZURE, MOTOR, EDEMA)
    for ice, awake, seizure, motor, edema in levels:
        worst = max(ice_grade(ice), CONSCIOUSNESS[awake], SEIZURE[seizure], MOTOR[motor], EDEMA[edema])
        told = {"consciousness": awake, "seizure": seizure, "motor": motor, "cerebral_edema": edema}
        assert grades(ICANS, ice_score=ice, **told) == (worst, worst), (ice, told)


def test_an_ice_of_0_is_3_awake_and_4_unarousable() -> None:
    """Global aphasia in somebody awake is 3, coma is 4; as long as consciousness is not known it is either."""
    rest = {"seizure": "none", "motor": "none", "cerebral_edema": "none"}
    assert grades(ICANS, ice_score=0, consciousness="awakens-spontaneously", **rest) == (3, 3)
    assert grades(ICANS, ice_score=0, consciousness="unarousable", **rest) == (4, 4)
    assert grades(ICANS, ice_score=0, **rest) == (3, 4)


@pytest.mark.parametrize("scale", [CRS, ICANS], ids=lambda scale: scale.key)
def test_nothing_known_is_every_grade_and_death_is_5(scale: Scale) -> None:
    """No fact: 0 to 4, never a default. A fatal event: 5."""
    assert grades(scale) == (0, 4)
    assert scale.judge({}, fatal=True).grades == (5, 5)


@given(data=st.data())
@pytest.mark.parametrize("scale", [CRS, ICANS], ids=lambda scale: scale.key)
def test_learning_more_only_narrows_the_grade(scale: Scale, data: st.DataObject) -> None:
    """A fact that becomes known never leads outside the range that was told before."""
    choices = {one.name: st.sampled_from([level.name for level in one.levels]) for one in scale.domains}
    known = data.draw(st.fixed_dictionaries({}, optional=choices))
    more = {**data.draw(st.fixed_dictionaries(choices)), **known}
    before, after = grades(scale, **known), grades(scale, **more)
    assert before[0] <= after[0] <= after[1] <= before[1]


@given(value=st.decimals(min_value=20, max_value=46, places=2))
def test_fever_begins_at_38_0(value: object) -> None:
    """38.0 is fever, 37.99 is not."""
    number = read_value(str(value))
    assert isinstance(number, Interval)
    left = {level.name for level in CRS.domains[0].possible(DomainFact(value=number))}
    assert left == ({"present"} if number.low >= 38 else {"absent", "masked"})


@pytest.mark.parametrize(("model", "key"), [(AstctCrsFacts, "astct_crs"), (AstctIcansFacts, "astct_icans")])
def test_the_contract_and_the_table_know_the_same_levels(
    model: type[AstctCrsFacts] | type[AstctIcansFacts], key: str
) -> None:
    """What a sender may say of a domain is what the scale grades: no level on one side alone."""
    assert key in ScaleFacts.model_fields
    scale = BOOK.scales[key]
    for domain in scale.domains:
        kinds = get_args(model.model_fields[domain.name].annotation)
        words = {word for kind in kinds for word in get_args(kind) if isinstance(word, str)}
        assert words in ({level.name for level in domain.levels}, set() if domain.analyte else None), domain.name
    (element,) = get_args(model.model_fields["other_cause"].annotation)
    assert set(get_args(element)) == {domain.name for domain in scale.domains}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled tables and protocols."""
    for name in FILES:
        shutil.copy(BUNDLED / name, tmp_path / name)
    shutil.copytree(BUNDLED / "protocols", tmp_path / "protocols")
    return tmp_path


SLIPS = [
    ("scales.yaml", "level: low-flow, grade: 2", "level: low-flow, grade: 5-4", "5-4 is upside down"),
    ("scales.yaml", "level: low-flow, grade: 2", "level: low-flow, grade: 4", "mildest first"),
    ("scales.yaml", "level: low-flow, grade: 2", "level: low flow, grade: 2", "'low flow' does not fit"),
    ("scales.yaml", "needs: {fever: [masked, present]}", "needs: {feber: [present]}", "no domain 'feber'"),
    ("scales.yaml", "needs: {fever: [masked, present]}", "needs: {fever: [presnt]}", "no level presnt"),
    ("scales.yaml", 'when: ">= 38.0 Cel"', 'when: "> 38.0 Cel"', "no level for the value 38"),
    ("scales.yaml", 'when: ">= 38.0 Cel"', 'when: ">= 38.0 K"', ">= 38 K is not in Cel"),
    ("scales.yaml", 'when: ">= 38.0 Cel"', 'when: "warm"', "asks for a fact"),
    ("scales.yaml", "analyte: TEMP", "analyte: TEMPO", "no analyte 'TEMPO'"),
    ("scales.yaml", "terms: [Cytokine release syndrome]", "terms: [CRS]", "'CRS' is no term of CTCAE v5.0"),
    ("scales.yaml", "register: [T13, S1,", "register: [T13, S99,", "no entry 'S99'"),
    ("scales.yaml", "key: astct_icans", "key: astct_crs", "astct_crs again"),
    ("scales.yaml", "domain: hypoxia", "domain: fever", "fever again"),
    ("scales.yaml", "hypotension: none, hypoxia: none}", "hypotension: some, hypoxia: none}", "no level 'some'"),
    ("synonyms.yaml", "terms: [Leukocytosis]", "terms: [Leucocytosis]", "'Leucocytosis' is no term"),
    ("synonyms.yaml", "words: [high WBC,", "words: [low WBC,", "'low wbc' again"),
    ("synonyms.yaml", "words: [TTP]", "words: [Fever]", "'fever' again (it is a term)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "wrong"), SLIPS)
def test_a_slip_is_named_with_its_file_and_line(folder: Path, name: str, old: str, new: str, wrong: str) -> None:
    """Each kind of slip is refused when the book is loaded: file, line, what is wrong, what was expected."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RulebookError) as refused:
        load_book(folder, allow_unsigned=True)
    found = [problem for problem in refused.value.problems if wrong in problem]
    assert found, refused.value.problems
    assert all(problem.startswith(f"{name}:") and problem.split(":")[1].isdigit() for problem in found)


def test_a_change_of_a_scale_needs_a_new_signature(folder: Path) -> None:
    """The scales are signed like the other tables."""
    shutil.copy(BUNDLED / "signed.json", folder / "signed.json")
    text = (folder / "scales.yaml").read_text(encoding="utf-8")
    (folder / "scales.yaml").write_text(text.replace("says: focal edema", "says: a focal edema"), encoding="utf-8")
    with pytest.raises(RulebookError, match=r"scales.yaml:1: changed since it was signed"):
        load_book(folder)


def test_exact_values_only() -> None:
    """100.4 degrees Fahrenheit are 38.0 Celsius, exactly, and so fever."""
    unit = BOOK.analytes["TEMP"].unit_of("°F")
    reading = read_value("100.4")
    assert unit is not None
    assert isinstance(reading, Interval)
    fahrenheit = unit.own(reading)
    assert fahrenheit == exactly_of(38)
    assert exactly(fahrenheit.low) == exactly_of(38)
