"""A book that does not hold together is refused with every problem at once: file, line, row, what was expected."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from safety_stream.errors import RulebookError
from safety_stream.rulebook.load import BUNDLED, FILES, SIGNATURES, load_book
from safety_stream.rulebook.signing import sign

Change = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled tables and protocols."""
    for name in (*FILES, SIGNATURES):
        shutil.copy(BUNDLED / name, tmp_path / name)
    shutil.copytree(BUNDLED / "protocols", tmp_path / "protocols")
    return tmp_path


@pytest.fixture
def change(folder: Path) -> Change:
    """Replace one text in one file."""

    def _change(name: str, old: str, new: str) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return _change


def problems_of(folder: Path) -> list[str]:
    """Every problem of a folder that must be refused."""
    with pytest.raises(RulebookError) as refused:
        load_book(folder, allow_unsigned=True)
    return list(refused.value.problems)


SLIPS = [
    ("ctcae_v5.yaml", '3: "< 80 g/L"}', '3: "< 80 g/dL"}', "Anemia > grades > 3: < 80 g/dL is not in g/L"),
    ("ctcae_v5.yaml", '3: "< 80 g/L"}', '5: "< 80 g/L", 6: "x"}', "Anemia > grades > 6"),
    ("ctcae_v5.yaml", '{3: "> 100 10*9/L"}', '{2: "> 100 10*9/L"}', "Leukocytosis > grades > 2: the term has"),
    ("ctcae_v5.yaml", '3: "< 80 g/L"}', '3: "> 80 g/L"}', "> 80 g/L with worse: lower; expected one of < <="),
    ("ctcae_v5.yaml", '3: "< 80 g/L"}', '3: "below 80 g/L"}', "'below 80 g/L' is not a test"),
    ("ctcae_v5.yaml", "analyte: HGB", "analyte: HBG", "Anemia > analyte: no analyte 'HBG'"),
    ("ctcae_v5.yaml", "- term: Anemia", "- term: Anaemia", "Anaemia > term: not a term of CTCAE v5.0"),
    ("ctcae_v5.yaml", "  observed_every: 12 h\n", "", "Fever: lasting and observed_every not together"),
    ("ctcae_v5.yaml", "analyte: NEUT\n    when:", "analyte: NEUTS\n    when:", "neutropenia: no analyte 'NEUTS'"),
    ("ctcae_v5.yaml", '"< 1.0 10*9/L"\n', '"< 1.0 g/L"\n', "is not of numbers in 10*9/L"),
    ("ctcae_v5.yaml", '"< 1.0 10*9/L"\n', '"< 1.0 10*9/L lasting > 1 h"\n', "is timed; expected a comparison"),
    ("ctcae_v5.yaml", "    within: 36 h\n", "", "within was expected under around"),
    ("ctcae_v5.yaml", "  grade: 3\n  happens", "  grade: 2\n  happens", "the term has no grade 2"),
    ("ctcae_v5.yaml", "register: [G50]", "register: [G99]", "Febrile neutropenia: no entry 'G99'"),
    ("ctcae_v5.yaml", "one_episode_within: 72 h", "one_episode_within: soon", "is no length of time"),
    ("ctcae_v5.yaml", "register: [G13]", "register: [G99]", "Hemoglobin increased > register: no entry 'G99'"),
    ("ctcae_v5.yaml", "worse: lower", "wrose: lower", "Anemia > wrose"),
    ("ctcae_v5.yaml", "  worse: lower", "  worse: lower\n  worse: lower", "'worse' again"),
    ("ctcae_v5.yaml", 'g/dL: {1: "< LLN", 2: "< 10 g/dL"', 'g/gL: {1: "< LLN", 2: "< 10 g/gL"', "no other unit"),
    ("analytes.yaml", "718-7", "718-8", "LOINC 718-8 has a wrong check digit"),
    ("analytes.yaml", "751-8", "718-7", "LOINC '718-7' stands for HGB and NEUT"),
    ("analytes.yaml", "units: cells", "units: cels", "no family of units is called 'cels'"),
    ("analytes.yaml", "plausible: [20, 260]", "plausible: [260, 20]", "plausible: [lowest, highest] was expected"),
    ("analytes.yaml", "plausible: [20, 260]", "plausible: [20, many]", "HGB > plausible > 1"),
    ("analytes.yaml", "also: {g/dL: 10,", "also: {g/dL: 0,", "a factor above 0 was expected"),
    ("analytes.yaml", "key: WBC", "key: HGB", "HGB again"),
    ("ctcae_v5_terms.csv", "10002272", "1000227", "expected a term, its own 8-digit code"),
    ("ambiguities.yaml", "- id: G2\n", "- id: G1\n", "G1 again"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "wrong"), SLIPS)
def test_a_slip_is_named(folder: Path, change: Change, name: str, old: str, new: str, wrong: str) -> None:
    """Each kind of slip is found, and said with its file, its line, what is wrong and what was expected."""
    change(name, old, new)
    found = problems_of(folder)
    assert any(wrong in problem for problem in found), found
    assert all(problem.split(":")[1].strip().isdigit() or "stands for" in problem for problem in found), found


def test_all_problems_come_at_once(folder: Path, change: Change) -> None:
    """Three slips in three files are three problems, not one after the other."""
    change("ctcae_v5.yaml", '3: "< 80 g/L"}', '3: "< 80 g/dL"}')
    change("analytes.yaml", "718-7", "718-8")
    change("ambiguities.yaml", "- id: G2\n", "- id: G1\n")
    files = {problem.split(":")[0] for problem in problems_of(folder)}
    assert files == {"ctcae_v5.yaml", "analytes.yaml", "ambiguities.yaml"}


def test_a_changed_file_needs_a_new_signature(folder: Path, change: Change) -> None:
    """A change without a signature is refused, and accepted once it is allowed or signed."""
    change("ctcae_v5.yaml", "NCI's figures", "NCI's own figures")
    with pytest.raises(RulebookError, match=r"ctcae_v5.yaml:1: changed since it was signed"):
        load_book(folder)
    unsigned = load_book(folder, allow_unsigned=True)
    assert unsigned.version != load_book().version
    files = {name: (folder / name).read_bytes() for name in FILES}
    protocols = {f"protocols/{path.name}": path.read_bytes() for path in (folder / "protocols").glob("*.yaml")}
    (folder / SIGNATURES).write_text(json.dumps(sign(files | protocols, "1.1", "a physician")))
    assert load_book(folder).version == unsigned.version


def test_line_endings_do_not_break_a_signature(folder: Path) -> None:
    """A checkout with Windows line endings is the same book."""
    path = folder / "ctcae_v5.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_book(folder).version == load_book().version


def test_a_missing_file_is_named(folder: Path) -> None:
    """A folder without one of the tables says which."""
    (folder / "units.yaml").unlink()
    assert problems_of(folder) == [f"units.yaml:1: cannot be read (No such file or directory); expected it in {folder}"]


def test_bytes_that_are_no_text_are_named(folder: Path) -> None:
    """A table saved in another encoding names its file and line."""
    path = folder / "ambiguities.yaml"
    path.write_bytes(path.read_bytes().replace(b"- id: G2\n", b"- id: G2 \xff\n"))
    assert any(problem.startswith("ambiguities.yaml:") and "UTF-8" in problem for problem in problems_of(folder))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"- [torn\n", b"\x00\x07\x9f\n", b"\xff\xfe\x00", b"a: 1\n", b"- 5\n", b"5"]
)
def test_a_table_that_holds_no_table_is_named(folder: Path, name: str, content: bytes) -> None:
    """Whichever file is empty, torn, binary or of another shape: it is named with a line, and never a traceback."""
    (folder / name).write_bytes(content)
    found = problems_of(folder)
    assert any(problem.startswith((f"{name}:1: ", f"{name}:2: ")) for problem in found), found


def test_an_empty_table_is_one_problem(folder: Path) -> None:
    """An empty analytes.yaml is not told again for every rule that names an analyte."""
    (folder / "analytes.yaml").write_bytes(b"")
    assert problems_of(folder) == ["analytes.yaml:1: nothing in it; expected a list of rows"]


def test_a_table_that_is_no_yaml_is_one_problem(folder: Path, change: Change) -> None:
    """A bracket too many in units.yaml is told once, with its line, and not again for every analyte and rule."""
    change("units.yaml", "  ug/L: [mcg/L]", "  ug/L: [mcg/L")
    (problem,) = problems_of(folder)
    assert problem.startswith("units.yaml:")
    assert problem.endswith("expected valid YAML")
