"""Signing at the command line: who answers for which files, and what stays as it was."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

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


def test_only_what_changed_is_signed_anew(folder: Path) -> None:
    """A changed table is refused until it is signed; the others keep their earlier signature."""
    table = folder / "ctcae_v5.yaml"
    table.write_text(table.read_text(encoding="utf-8") + "# read again\n", encoding="utf-8")
    with pytest.raises(RulebookError, match="changed since it was signed"):
        load_book(folder)
    done = RUN.invoke(app, ["sign", "--approver", "Dr Li", "--version", "1.1", "--rulebook", str(folder)])
    assert done.exit_code == 0, done.output
    signed = json.loads((folder / SIGNATURES).read_text(encoding="utf-8"))
    assert (signed["ctcae_v5.yaml"]["approver"], signed["ctcae_v5.yaml"]["version"]) == ("Dr Li", "1.1")
    assert signed["analytes.yaml"]["approver"] != "Dr Li"
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
