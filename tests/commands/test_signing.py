"""Signing at the command line: who answers for which files, and what stays as it was."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from safety_stream.cli import app
from safety_stream.errors import RulebookError
from safety_stream.rulebook.load import BUNDLED, FILES, SIGNATURES, load_book

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled tables and protocols, with their signatures."""
    for name in (*FILES, SIGNATURES):
        shutil.copy(BUNDLED / name, tmp_path / name)
    shutil.copytree(BUNDLED / "protocols", tmp_path / "protocols")
    return tmp_path


def sign(folder: Path, approver: str, version: str = "2.0") -> Result:
    """What ``sign`` did with a folder."""
    return RUN.invoke(app, ["sign", "--approver", approver, "--version", version, "--rulebook", str(folder)])


def entries(folder: Path) -> dict[str, dict[str, str]]:
    """What a folder's signed.json says."""
    found: dict[str, dict[str, str]] = json.loads((folder / SIGNATURES).read_text(encoding="utf-8"))
    return found


def miscount(folder: Path) -> None:
    """Another threshold for anemia of grade 3, against which its examples and the order of its grades fail."""
    table = folder / "ctcae_v5.yaml"
    text = table.read_text(encoding="utf-8")
    assert '3: "< 80 g/L"}' in text
    table.write_text(text.replace('3: "< 80 g/L"}', '3: "< 70 g/L"}'), encoding="utf-8")


def test_what_is_pending_is_signed_by_the_first_approver(folder: Path) -> None:
    """ "pending: nobody has signed yet" is no signature: a name takes its place, in every file."""
    done = sign(folder, "Dr Wu")
    assert done.exit_code == 0, done.output
    assert f"{len(FILES) + 1} newly signed" in done.stderr
    assert {(one["approver"], one["version"]) for one in entries(folder).values()} == {("Dr Wu", "2.0")}


def test_nothing_to_sign_is_said(folder: Path) -> None:
    """Where every file keeps a signature, whose is said, and the exit code is not that of a signature."""
    sign(folder, "Dr Wu", "1.0")
    again = sign(folder, "Dr Li")
    assert again.exit_code == 1
    assert "kept, of Dr Wu (version 1.0): ambiguities.yaml" in again.stderr
    assert {one["approver"] for one in entries(folder).values()} == {"Dr Wu"}


def test_a_pending_entry_holds_the_place_of_a_changed_file_only(folder: Path) -> None:
    """A changed table becomes pending; what a person signed, and what was pending already, stays."""
    sign(folder, "Dr Wu", "1.0")
    table = folder / "ctcae_v5.yaml"
    table.write_text(table.read_text(encoding="utf-8") + "# read again\n", encoding="utf-8")
    assert sign(folder, "pending: nobody has signed yet").exit_code == 0
    by = {name: one["approver"] for name, one in entries(folder).items()}
    assert by.pop("ctcae_v5.yaml") == "pending: nobody has signed yet"
    assert set(by.values()) == {"Dr Wu"}
    assert sign(folder, "pending: still nobody").exit_code == 1


def test_a_book_whose_examples_fail_is_not_signed(folder: Path) -> None:
    """What ``check`` finds is no less wrong when it is signed: every problem is listed, blanks among them."""
    miscount(folder)
    before = entries(folder)
    done = sign(folder, " ", "\t")
    assert done.exit_code == 2
    for said in ("example 79 g/L", "--approver: it is blank", "--version: it is blank"):
        assert said in done.stderr
    assert entries(folder) == before


def test_a_name_is_signed_without_the_blanks_around_it(folder: Path) -> None:
    """A blank before or after a name is no part of it."""
    assert sign(folder, " Dr Wu ", " 2.0 ").exit_code == 0
    assert {(one["approver"], one["version"]) for one in entries(folder).values()} == {("Dr Wu", "2.0")}


def test_signatures_that_cannot_be_read_are_not_overwritten(folder: Path) -> None:
    """A torn signed.json may hold what somebody signed: it is a problem, and stays as it is."""
    (folder / SIGNATURES).write_text("[1, 2", encoding="utf-8")
    done = sign(folder, "Dr Wu")
    assert done.exit_code == 2
    assert "signed.json:1:" in done.stderr
    assert (folder / SIGNATURES).read_text(encoding="utf-8") == "[1, 2"


def test_check_tells_of_signatures_and_proofs_in_one_run(folder: Path) -> None:
    """A changed book is not first to be signed and then found wrong: both are told at once."""
    miscount(folder)
    done = RUN.invoke(app, ["check", "--rulebook", str(folder)])
    assert done.exit_code == 2
    assert "ctcae_v5.yaml:1: changed since it was signed" in done.stderr
    assert "example 79 g/L" in done.stderr


def test_only_what_changed_is_signed_anew(folder: Path) -> None:
    """A changed table is refused until it is signed; the others keep their earlier signature."""
    assert sign(folder, "Dr Wu", "1.0").exit_code == 0
    table = folder / "ctcae_v5.yaml"
    table.write_text(table.read_text(encoding="utf-8") + "# read again\n", encoding="utf-8")
    with pytest.raises(RulebookError, match="changed since it was signed"):
        load_book(folder)
    done = sign(folder, "Dr Li", "1.1")
    assert done.exit_code == 0, done.output
    signed = entries(folder)
    assert (signed["ctcae_v5.yaml"]["approver"], signed["ctcae_v5.yaml"]["version"]) == ("Dr Li", "1.1")
    assert signed["analytes.yaml"]["approver"] == "Dr Wu"
    assert "signed: ctcae_v5.yaml" in done.stderr
    assert "kept, of Dr Wu (version 1.0): ambiguities.yaml, analytes.yaml, ctcae_v5_terms.csv" in done.stderr
    assert load_book(folder).version != load_book().version


def test_protocols_elsewhere_keep_their_own_signatures(folder: Path, tmp_path: Path) -> None:
    """A sponsor's folder of protocols is signed in that folder, the tables in theirs."""
    studies = tmp_path / "sponsor"
    shutil.move(folder / "protocols", studies)
    (folder / SIGNATURES).write_text("{}", encoding="utf-8")
    with pytest.raises(RulebookError, match=r"protocols/car-nk-sle\.yaml:1: nobody signed it"):
        load_book(folder, studies)
    done = RUN.invoke(
        app,
        ["sign", "--approver", "Dr Li", "--version", "2", "--rulebook", str(folder), "--protocols", str(studies)],
    )
    assert done.exit_code == 0, done.output
    assert set(json.loads((studies / SIGNATURES).read_text(encoding="utf-8"))) == {"protocols/car-nk-sle.yaml"}
    load_book(folder, studies)


def test_what_does_not_hold_together_is_not_signed(folder: Path) -> None:
    """A table with a slip cannot be signed: its problems are listed."""
    table = folder / "ctcae_v5.yaml"
    table.write_text(table.read_text(encoding="utf-8").replace("- term: Anemia", "- term: Anaemia"), encoding="utf-8")
    done = RUN.invoke(app, ["sign", "--approver", "Dr Li", "--version", "1.1", "--rulebook", str(folder)])
    assert done.exit_code == 2
    assert "Anaemia" in done.output


def test_the_page_is_written(tmp_path: Path) -> None:
    """``review --output`` writes the page."""
    page = tmp_path / "review.html"
    done = RUN.invoke(app, ["review", "--output", str(page)])
    assert done.exit_code == 0, done.output
    assert "Neutrophil count decreased" in page.read_text(encoding="utf-8")
