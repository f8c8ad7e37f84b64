"""The template of a new study: filled in it loads; it has every key the loader knows, explained, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from safety_stream.cli import app
from safety_stream.errors import RulebookError
from safety_stream.rulebook.load import load_book, protocol_template
from safety_stream.rulebook.protocol import ProtocolVersion
from safety_stream.rulebook.read_protocol import _OF_VERSION
from safety_stream.rulebook.sheet import Path as Place
from safety_stream.rulebook.sheet import read_sheet

TEMPLATE = protocol_template()
ANSWERS = {"<study id>": "ONC-1", "<date>": "2025-01-15", "<later date>": "2026-01-15", "<time zone>": "Europe/Paris"}
SCHEMA = ProtocolVersion.model_json_schema()
GIVEN = {("ProtocolVersion", "study")}  # stands above the versions


def filled(text: str) -> str:
    """The template with an answer in every blank."""
    return re.sub(r"<[A-Za-z][^<>\n]*>", lambda blank: ANSWERS.get(blank[0], "Section 1"), text)


def problems_of(folder: Path, text: str) -> list[str]:
    """What the loader says of a protocol; nothing when it loads."""
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    try:
        load_book(protocols=folder, allow_unsigned=True)
    except RulebookError as error:
        return list(error.problems)
    return []


def test_the_template_loads_when_its_blanks_are_filled(tmp_path: Path) -> None:
    """What a clinician fills in is a protocol; so is it with the amendment at its end."""
    assert problems_of(tmp_path, filled(TEMPLATE)) == []
    amended = filled(TEMPLATE.replace("  #: ", "  "))
    assert problems_of(tmp_path, amended) == []
    versions = load_book(protocols=tmp_path, allow_unsigned=True).protocols["ONC-1"].versions
    assert [one.criterion("hemoglobin").must for one in versions] == [">= 90 g/L", ">= 80 g/L"]


def test_every_blank_left_is_a_problem_with_its_line(tmp_path: Path) -> None:
    """A forgotten blank never passes for a source: each line that has one is named, in one go."""
    lines = [number for number, line in enumerate(TEMPLATE.splitlines(), 1) if not line.lstrip().startswith("#")]
    wanted = {number for number in lines if re.search(r"<[a-z][^<>]*>", TEMPLATE.splitlines()[number - 1])}
    told = [one for one in problems_of(tmp_path, TEMPLATE) if "a blank of the template" in one]
    assert {int(one.split(":")[1]) for one in told} == wanted
    assert len(told) == sum(len(re.findall(r"<[a-z][^<>]*>", TEMPLATE.splitlines()[n - 1])) for n in wanted)


def test_a_key_that_is_near_is_one_of_the_same_place(tmp_path: Path) -> None:
    """Inside a statement over recorded facts only the keys of its forms are offered."""
    text = (
        filled(TEMPLATE)
        .replace("within: 4 wk}", "within: 4 wk, bfore: 3 wk}")
        .replace('is: "<= 1"}', 'is: "<= 1", withn: 1}')
    )
    told = problems_of(tmp_path, text)
    assert [one.partition(" > when > ")[2] for one in told] == [
        "fact > withn: no such key; was within meant?",
        "last > bfore: no such key; expected one of all_of, any_of, fact, is, last, sex, within",
    ]


def test_what_is_wrong_with_a_blank_is_told_once(tmp_path: Path) -> None:
    """A blank date is no date, and a blank zone no zone: that it is blank says so; nobody signed it, also once."""
    (tmp_path / "study.yaml").write_text(TEMPLATE, encoding="utf-8")
    done = CliRunner().invoke(app, ["check", "--protocols", str(tmp_path)])
    assert done.exit_code == 2
    told = [line for line in done.stderr.splitlines() if line.startswith("- ")]
    for once in ("<date>", "<time zone>", "nobody signed it"):
        assert sum(once in line for line in told) == 1, (once, told)
    assert len(told) == len(set(told)) == 1 + sum("a blank of the template" in line for line in told)


def defined(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema that a value may follow."""
    if "$ref" in schema:
        yield from defined(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    elif "anyOf" in schema or "oneOf" in schema:
        for one in schema.get("anyOf") or schema["oneOf"]:
            yield from defined(one)
    else:
        yield schema


def used(data: Any, schema: dict[str, Any], place: Place) -> Iterator[tuple[tuple[str, str], Place]]:
    """Every key of a type that the data writes, and where."""
    for one in defined(schema):
        if isinstance(data, list) and "items" in one:
            for index, part in enumerate(data):
                yield from used(part, one["items"], (*place, index))
        elif isinstance(data, dict) and "properties" in one and data.keys() <= one["properties"].keys():
            for key, part in data.items():
                yield (one["title"], key), (*place, key)
                yield from used(part, one["properties"][key], (*place, key))
        elif isinstance(data, dict) and isinstance(one.get("additionalProperties"), dict):
            for key, part in data.items():
                yield from used(part, one["additionalProperties"], (*place, key))


def known(schema: dict[str, Any], seen: set[str]) -> Iterator[tuple[str, str]]:
    """Every key of every type that a version may have as it is written."""
    for one in defined(schema):
        if "properties" in one and one["title"] not in seen:
            seen.add(one["title"])
            for key, part in one["properties"].items():
                yield one["title"], key
                yield from known(part, seen)
        elif "properties" not in one:
            inner = [one.get("items"), one.get("additionalProperties")]
            for part in inner:
                if isinstance(part, dict):
                    yield from known(part, seen)


SHEET = read_sheet("template", filled(TEMPLATE))
USED = list(used(SHEET.data["versions"][0], SCHEMA, ("versions", 0)))


def test_the_template_has_every_key_the_loader_knows_and_no_other() -> None:
    """A key added to a type needs its entry here; a key taken away leaves none behind."""
    assert {key for key, _ in USED} == set(known(SCHEMA, set())) - GIVEN
    assert set(SHEET.data) == {"study", "versions"}
    assert all(f"{key}:" in TEMPLATE for key in _OF_VERSION)


def explained(key: tuple[str, str], place: Place) -> bool:
    """Whether a comment stands on the key's line, or a line of comment just above it."""
    lines, number = TEMPLATE.splitlines(), SHEET.line(*place)
    return " # " in lines[number - 1] or lines[number - 2].lstrip().startswith("# ")


def test_every_key_is_explained_where_it_stands() -> None:
    """Each key has a comment at one of its places, but for ``text`` and ``source``, explained once for all."""
    told = {key for key, place in USED if explained(key, place)}
    once_for_all = {key for key, _ in USED if key[1] in {"text", "source", "because"}}
    assert {key for key, _ in USED} - told - once_for_all == set()


def test_the_command_writes_the_template() -> None:
    """Byte for byte, to standard output."""
    done = CliRunner().invoke(app, ["protocol", "template"])
    assert (done.exit_code, done.stdout) == (0, TEMPLATE)


SLIPS = {
    "must_be: true": ("must_be: maybe", "must_be", "boolean"),
    "when: {fact: ecog, is: \"<= 1\"}": ("when: {fact: ecog, is: \"<= 1 g/L\"}", "when", "one limit without a unit"),
    "when: {last: live-vaccine-last, within: 4 wk}": (
        "when: {last: live-vaccine-last, within: 4 weeks}", "when", "expected for example '4 wk' or '3 mo'",
    ),
    "{all_of: [hbcab-positive, hbv-dna-above-normal]}": ("{all_of: [hbcab-positive]}", "all_of", "two parts or more"),
    "when: {any_of: [hbsag-positive,": ("when: {some_of: [hbsag-positive,", "when", "a fact's name, {fact: NAME"),
    "needs: off_oxygen": ("needs: on_oxygen", "needs", "'off_oxygen'"),
    'must: ">= 90 g/L"': ('must: ">= 90 grams"', "must", "g/L"),
    "recheck_from_days_before: 5": ("recheck_from_days_before: -5", "_before", "or equal to 0"),
    "anchor: first_infusion}": ("anchor: first}", "anchor", "'each_infusion'"),
    "line_grade: throughout": ("line_grades: throughout", "line_grades: no such key", "was line_grade meant?"),
    "follow_up: 12 mo": ("followup: 12 mo", "followup: no such key", "was follow_up meant?"),
    "top_level: fill_to_6": (
        "wibble: 1", "wibble: no such key", "one of below_first, cohort, design, expanded, planned_subjects, source",
    ),
    'lasting: "> 7 d"': ('lasting: "> banana"', "lasting", "a comparison and a length such as '> 72 h'"),
    'lasting: "> 2 wk"': ('lasting: "> ２ wk"', "lasting", "a comparison and a length such as '> 72 h'"),
    "sae_report_within: 24 h": ("sae_report_within: ２４ h", "sae_report_within", "expected for example '72 h'"),
    'any_of: ALP, when: ">= 2 x ULN"': ('any_of: ALP, when: ">= ２ x ULN"', "unless", "a criterion such as"),
    "{number: 1, amount: 10,": ("{number: 1, amount: １０,", "amount", "a number in the digits 0 to 9"),
    "{number: 2, amount: 20,": ("{number: ２, amount: 20,", "number", "a valid integer"),
    "zone: Europe/Paris": ("zone: Paris", "zone", "expected an IANA name"),
}  # fmt: skip


NEVER_MEANT = {
    "window: {days: 28,": ("window: {days: true,", "days", "a valid integer"),
    "days: [0]  ": ("days: [0, true]", "days", "a valid integer"),
    "from_day: 0, to_day: 28, source": ("from_day: 28, to_day: -5, source", "expected > 0", "the earlier day first"),
    "source: Section 1}\n    watch:": (
        "source: Section 1}\n"
        "      - {term: Neutrophil count decreased, up_to_grade: 4, from_day: 28, to_day: 40, source: x}\n    watch:",
        "overlaps days 0 to 28", "one row for a day of a term",
    ),
    "3: [escalate, expand, stop, stop]": ("3: [expand, escalate, stop, stop]", "table > 3", "never a milder decision"),
    "2: [enrol, enrol, stop]": ("2: [enrol, enrol, escalate]", "table > 2", "a milder"),
    "4: [escalate, enrol, stop, stop, stop]": ("4: [escalate, enrol, enrol, enrol, stop]", "table > 4", "a stop to"),
    "oldest_age: 75": ("oldest_age: 17", "nobody is 18 or more and 17 at most", "18 or more"),
    "at_most: 5 d": ("at_most: 0 d", "at_most", "a time above 0"),
    "sae_report_within: 24 h": ("sae_report_within: 0 h", "sae_report_within", "a time above 0"),
    "sae_warn_before: [4 h, 1 h]": ("sae_warn_before: [25 h, 1 h]", "sae_warn_before", "at most 24 h"),
    "susar_warn_before: [48 h, 24 h]": ("susar_warn_before: [8 d, 24 h]", "susar_warn_before", "at most 168 h"),
    "suspected: [possible, probable, definite]": ("suspected: []", "suspected", "one of them or more"),
    "to_day: 30 ": ("to_day: -30 ", "early > to_day", "day 0 or later"),
    "from_day: 3,": ("from_day: 31,", "never_above > from_day", "day 30 or earlier"),
    'lasting: "> 7 d"': ('lasting: "> 0 h"', "rules > 1 > lasting", "a time above 0"),
    'lasting: "> 2 wk"': ('lasting: ">= 0 d"', "liver-stop > lasting", "a time above 0"),
    "Neutrophil count decreased: [Febrile": ("Neutropenia: [Febrile", "also_called > Neutropenia", "a name of"),
    "except_terms: [Lymphocyte count decreased]": ("except_terms: [Lymphopenia]", "except_terms", "a name of"),
    "{terms: Alopecia,": ("{terms: alopecia,", "'alopecia' is not how CTCAE v5.0 writes it", "'Alopecia'"),
    'must: ">= 90 g/L"': ('must: ">= 850000 g/L"', "must", "a number from 20 to 260 g/L"),
    'must_in: {g/dL: ">= 9 g/dL"}': ('must_in: {g/dL: "<= 0 g/dL"}', "must_in > g/dL", "a number from 20 to 260 g/L"),
    '"> 13.9 mmol/L"': ('"> 900000 mmol/L"', "watch > 0 > outside", "a number from"),
}  # fmt: skip


@pytest.mark.parametrize("right", NEVER_MEANT)
def test_what_nobody_can_mean_is_one_problem(tmp_path: Path, right: str) -> None:
    """A protocol no subject could ever meet, or that contradicts itself, is told where it stands, and does not load."""
    wrong, key, expected = NEVER_MEANT[right]
    text = filled(TEMPLATE)
    assert text.count(right) == 1
    (problem, *more) = problems_of(tmp_path, text.replace(right, wrong))
    last = text[: text.index(right)].count(chr(10)) + 1 + wrong.count(chr(10)) // 2
    assert problem.startswith(f"study.yaml:{last}:"), problem
    assert key in problem
    assert expected in problem
    assert all("table" in one for one in more), more  # one wrong row of the table can break several of its laws


def test_all_that_nobody_can_mean_comes_at_once(tmp_path: Path) -> None:
    """None hides another, nor what is wrong in form; what leans on a wrong day or limit is not judged by it."""
    leaning = {"source: Section 1}\n    watch:", "from_day: 3,", "sae_warn_before: [4 h, 1 h]"}
    slips = {right: told for right, told in NEVER_MEANT.items() if right not in leaning and "true" not in told[0]}
    text, keys = filled(TEMPLATE), {"needs", *(key for _, key, _ in slips.values())}
    for right, (wrong, *_) in slips.items():
        text = text.replace(right, wrong)
    told = problems_of(tmp_path, text.replace("needs: off_oxygen", "needs: on_oxygen"))
    assert {key for key in keys if not any(key in one for one in told)} == set()


ROWS = [
    ("escalate, escalate, escalate, escalate", "escalate with 3 DLT of 3; expected no escalation where every"),
    ("escalate, stop, expand, stop", "expand with 2 DLT of 3, but stop with 1; expected never a milder decision"),
]


@pytest.mark.parametrize(("row", "said"), ROWS)
def test_a_decision_gets_no_milder_with_more_toxicities(tmp_path: Path, row: str, said: str) -> None:
    """Two lines of a decision table that would go on where three subjects of three had a DLT, or more than one had."""
    text = filled(TEMPLATE).replace("escalate, expand, stop, stop", row)
    assert any(said in one for one in problems_of(tmp_path, text)), problems_of(tmp_path, text)


def test_two_versions_of_one_name_are_a_problem(tmp_path: Path) -> None:
    """A consent that names the version could mean either."""
    text = filled(TEMPLATE.replace("  #: ", "  ")).replace('version: "2.0"', 'version: "1.0"')
    (problem,) = problems_of(tmp_path, text)
    line = text[: text.rindex("version:")].count(chr(10)) + 1
    assert problem.startswith(f"study.yaml:{line}: versions > 1 > version: version 1.0 again; expected"), problem


def test_two_zones_of_one_study_are_a_problem(tmp_path: Path) -> None:
    """Which version applies hangs on the day of consent, and that day on the zone: there can be only one."""
    amended = filled(TEMPLATE.replace("  #: ", "  "))
    text, times = re.subn(r"(\n    changes:.*\n)", r"\1      zone: Asia/Shanghai\n", amended)
    assert times == 1
    (problem,) = problems_of(tmp_path, text)
    line = text[: text.rindex("zone: Asia/Shanghai")].count(chr(10)) + 1
    assert problem == (
        f"study.yaml:{line}: versions > 1 > changes > zone: 'Asia/Shanghai'; expected 'Europe/Paris': "
        "one zone for all versions of a study"
    )
    assert problems_of(tmp_path, text.replace("zone: Asia/Shanghai", "zone: Europe/Paris")) == []


@pytest.mark.parametrize("right", SLIPS)
def test_a_slip_is_one_problem_with_line_key_found_and_expected(tmp_path: Path, right: str) -> None:
    """One mistake in recorded criteria, limits or windows is one problem, on the line it stands on."""
    wrong, key, expected = SLIPS[right]
    text = filled(TEMPLATE)
    assert text.count(right) == 1
    (problem,) = problems_of(tmp_path, text.replace(right, wrong))
    assert problem.startswith(f"study.yaml:{text[: text.index(right)].count(chr(10)) + 1}:"), problem
    assert key in problem
    assert expected in problem


def test_mistakes_of_every_kind_come_at_once(tmp_path: Path) -> None:
    """A wrong form hides no unknown test, term or composite elsewhere: all are told, each once."""
    text = filled(TEMPLATE)
    for right, (wrong, *_) in SLIPS.items():
        text = text.replace(right, wrong)
    text = text.replace("analyte: GLUC", "analyte: GLUCS").replace("{terms: Alopecia,", "{terms: Baldness,")
    told = problems_of(tmp_path, text)
    assert all(sum(name in one for one in told) == 1 for name in ("GLUCS", "Baldness")), told
    assert len(told) >= len(SLIPS), told
