"""What a protocol says that nobody can mean is refused, with the line, what was found and what was expected."""

from pathlib import Path

import pytest

from safety_stream.errors import RulebookError
from safety_stream.rulebook.load import load_book

BUNDLED = Path(__file__).parents[2] / "safety_stream" / "rulebook" / "protocols" / "car-nk-sle.yaml"
TEXT = BUNDLED.read_text(encoding="utf-8")
_SECOND = '  - version: "2.0"\n'
_FLUDARABINE = "amount: 25, unit: mg/m2, days: [-5, -4, -3]"

# What stands in the bundled protocol, what is written in its place, and what the one problem says of it.
IMPOSSIBLE = [
    ('alt: {analyte: ALT, must: "<= 2 x ULN"', 'alt: {analyte: ALT, must: "> 0 x ULN"', "nobody can mean > 0 x ULN"),
    ('must: "<= 1.5 x ULN", text: INR', 'must: "<= 15000 x ULN", text: INR', "nobody can mean <= 15000 x ULN"),
    ('[ALT, AST], when: ">= 3 x ULN"', '[ALT, AST], when: ">= 0 x ULN"', "nobody can mean >= 0 x ULN"),
    (_SECOND, f"{_SECOND}    effective: 2024-05-12\n", "version 2.0 from 2024-05-12, before version 1.0 (2024-05-13)"),
    (_SECOND, f"{_SECOND}    effective: 2024-05-13\n", "version 2.0 from 2024-05-13, the same day as version 1.0"),
    (_SECOND, '  - version: "0.10"\n', "version 0.10 after version 1.0; expected the versions oldest first"),
    ("attribution: [unlikely, possible, probable, definite, unknown]", "attribution: []", "no report meets the rule"),
    ("number: 2, amount: 3000000", "number: 2, amount: 2000000", "2000000 cells/kg is not above level 1 (2000000)"),
    ("number: 2, amount: 3000000", "number: 2, amount: 4000001", "4000000 cells/kg is not above level 2 (4000001)"),
    ("number: 3, amount: 4000000, unit: cells/kg", "number: 3, amount: 5, unit: mg", "mg after a level in cells/kg"),
    (_FLUDARABINE, _FLUDARABINE.replace("-5, -4", "-4, -5"), "days -4, -5, -3; expected each day once, in order"),
    (_FLUDARABINE, _FLUDARABINE.replace("-5, -4, -3", "1, 2"), "day 1 is after the first infusion"),
    ("      design: 3+3\n", "      design: 3+3\n      cohort: 6\n", "no more than its first group of 6"),
    ("1: [enrol, enrol]", "1: [escalate, enrol]", "escalate with 1 of a group of 3"),
    ("3: [escalate, expand, stop, stop]", "3: [enrol, expand, stop, stop]", "enrol with 3 of a group of 3"),
    ("6: [escalate, escalate,", "6: [escalate, enrol,", "enrol with 6 subjects of 6"),
    ("about: {composite: hys-law}\n", "about: {composite: hys-law}\n          seen_as: [reported]\n",
     "made of measurements"),
    ('text: Any event of grade 5 that is not clearly due to something else\n          grade: ">= 5"',
     'text: Any event\n          grade: "> 5"', "no grade is > 5"),
    ("about: {terms: Neutrophil count decreased}",
     "about: {terms: Neutrophil count decreased, except_terms: Neutrophil count decreased}", "every term of the rule"),
    ("about: {terms: Neutrophil count decreased}", "about: {terms: Alopecia}", "no term of the rule has grade 4"),
    ('lasting: "> 72 h"\n          seen_as', 'lasting: "> 105 wk"\n          seen_as', "longer than anybody is"),
    ("up_to_grade: 3, from_day: -5", "up_to_grade: 5, from_day: -5", "Neutrophil count decreased has no grade 5"),
    ("within: 14 d\n        unless", "within: 0 d\n        unless", "no two samples lie within 0 d"),
    ("within: 7 d\n", "within: 0 h\n", "nobody reports within 0 h"),
    ("sae_warn_before: [4 h, 1 h]", "sae_warn_before: [4 h, 0 h]", "0 h before a limit is no warning"),
    ("susar_other_days: 15", "susar_other_days: 6", "6 days, fewer than the 7 of a fatal reaction"),
    ("last: live-vaccine-last, within: 4 wk", "last: live-vaccine-last, within: 0 wk", "within 0 wk before consent"),
    ("        alt: {", '        alt-high: {analyte: ALT, must: "> 2 x ULN", text: t, source: s}\n        alt: {',
     "no ALT is <= 2 x ULN and > 2 x ULN (alt-high)"),
    ('must: "> 94 %"', 'must: "> 94 %", must_in: {"%": "> 84 %"}', "> 84 % is not the limit > 94 %"),
    ('{mg/dL: "<= 2.5 mg/dL"}', '{mg/dL: ">= 2.5 mg/dL"}', ">= 2.5 mg/dL is not the limit <= 221 umol/L"),
    ('{mg/dL: "<= 2.0 mg/dL"}', '{mg/dL: "<= 20 mg/dL"}', "<= 20 mg/dL is not the limit <= 34.2 umol/L"),
    ("oldest_age: 65", "oldest_age: 17", "nobody is 18 or more and 17 at most"),
    ("        iga-deficiency:",
     "        iga: {text: t, must_be: true, when: iga-deficiency, source: s}\n        iga-deficiency:",
     "iga-deficiency must not hold here, and must hold under iga"),
    ('when: {fact: selena-sledai, is: ">= 8"}',
     'when: {all_of: [{fact: selena-sledai, is: ">= 8"}, {fact: selena-sledai, is: "< 8"}]}',
     "no selena-sledai is < 8 and >= 8"),
]  # fmt: skip
SOUND = [
    ("adults_from_age: 18", "adults_from_age: 0"),
    ("number: 2, amount: 3000000", "number: 2, amount: 2000001"),
    ('{mg/dL: "<= 2.0 mg/dL"}', '{mg/dL: "<= 2 mg/dL"}'),
    (_SECOND, f"{_SECOND}    effective: 2024-05-14\n"),
    (_SECOND, '  - version: "1.10"\n'),  # after 1.0, though "1.10" is before "1.9" as a text
    (_SECOND, "  - version: B\n"),
    ("        alt: {", '        alt-too: {analyte: ALT, must: ">= 2 x ULN", text: t, source: s}\n        alt: {'),
    (_FLUDARABINE, _FLUDARABINE.replace("-3]", "0]")),
]


def problems_of(folder: Path, text: str) -> list[str]:
    """What the loader says of a protocol; nothing when it loads."""
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    try:
        load_book(protocols=folder, allow_unsigned=True)
    except RulebookError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(("right", "wrong", "said"), IMPOSSIBLE)
def test_what_nobody_can_mean_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    """Each slip is told near the line it stands on, once a version, with what was found and what was expected."""
    assert right in TEXT
    line = TEXT[: TEXT.index(right)].count("\n") + 1
    problems = problems_of(tmp_path, TEXT.replace(right, wrong, 1))
    told = [one for one in problems if said in one]
    assert told, problems
    assert problems == told or "oldest_age" in right
    assert all(one.startswith("study.yaml:") and "; expected " in one for one in told)
    assert abs(int(told[0].split(":")[1]) - line) <= 12


@pytest.mark.parametrize(("right", "other"), SOUND)
def test_what_somebody_may_mean_is_left_alone(tmp_path: Path, right: str, other: str) -> None:
    """On the right side of each line: the next amount, the same limit in another unit, a touching pair of limits."""
    assert right in TEXT
    assert problems_of(tmp_path, TEXT.replace(right, other, 1)) == []


BILLIONS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_aliases_of_aliases_are_bounded(tmp_path: Path) -> None:
    """Nine lines that stand for a billion values are one problem, at once."""
    (problem,) = problems_of(tmp_path, BILLIONS)
    assert "more than 200,000 values, each alias (*) taken for the whole of what it names" in problem


@pytest.mark.parametrize("deep", [60, 300])
def test_a_statement_nested_without_end_is_one_problem(tmp_path: Path, deep: int) -> None:
    """A statement of 60 or 300 levels is named with its line, and nothing recurses over it."""
    right = "when: {any_of: [pregnant, lactating]}"
    text = TEXT.replace(right, "when: " + "{any_of: [a, " * deep + "b" + "]}" * deep)
    (problem,) = problems_of(tmp_path, text)
    assert problem.startswith("study.yaml:")
    assert "deep" in problem
