"""Reading the book from its folder: the one module of the rulebook that touches files. All problems come at once."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from safety_stream.errors import RulebookError
from safety_stream.rulebook.forms import SignatureForm
from safety_stream.rulebook.protocol import Protocol
from safety_stream.rulebook.read_analytes import by_loinc, by_test, read_analytes, read_units
from safety_stream.rulebook.read_joins import Tables, read_joins
from safety_stream.rulebook.read_protocol import read_protocol
from safety_stream.rulebook.read_rules import RuleReader, by_name, ratios_only, read_ambiguities, read_terms
from safety_stream.rulebook.read_scales import ScaleReader
from safety_stream.rulebook.read_synonyms import read_synonyms
from safety_stream.rulebook.scales import Scale
from safety_stream.rulebook.sheet import Sheet, read_sheet
from safety_stream.rulebook.signing import unsigned, version_of
from safety_stream.rulebook.suggesting import folded_term
from safety_stream.rulebook.tables import Analyte, Book, Term

SCALE = "ctcae-5.0"
Files = dict[str, bytes]
BUNDLED = Path(__file__).parent
SIGNATURES = "signed.json"
_SCALES, _SYNONYMS = "scales.yaml", "synonyms.yaml"
_OF_RECORD = (_SCALES, _SYNONYMS)
_MAPPINGS = ("units.yaml", _SYNONYMS)
PROTOCOLS = "protocols"
TEMPLATE = "protocol_template.yaml"


def tables_of(scale: str) -> tuple[str, ...]:
    """The files of a book; of ``ctcae-5.0`` the rules are ctcae_v5.yaml and the terms ctcae_v5_terms.csv.

    What belongs to the book of record alone: the scales that grade beside CTCAE, and the words people write for terms.
    """
    tables = ("units.yaml", "analytes.yaml", _rules_of(scale), _terms_of(scale), "ambiguities.yaml")
    return (*tables, *(_OF_RECORD if scale == SCALE else ()))


def _rules_of(scale: str) -> str:
    return f"ctcae_v{scale.removeprefix('ctcae-').partition('.')[0]}.yaml"


def _terms_of(scale: str) -> str:
    return _rules_of(scale).replace(".yaml", "_terms.csv")


FILES = tables_of(SCALE)


def load_book(
    folder: Path | None = None, protocols: Path | None = None, *, allow_unsigned: bool = False, scale: str = SCALE
) -> Book:
    """The rulebook of a folder (null: the bundled one) and the protocols of another (null: ``protocols`` inside it).

    A book of another ``scale`` grades beside the one of record and has no protocols of its own.
    Raises ``RulebookError`` with every problem of every file: file, line, row, what is wrong and what was expected.
    """
    folder = folder or BUNDLED
    problems: list[str] = []
    files = _contents(folder, tables_of(scale), problems)
    if problems:
        raise RulebookError(problems)
    book = _read(files, scale, problems)
    studies = protocols or folder / PROTOCOLS
    if scale == SCALE:
        files |= _studies(studies, problems)
        book = replace(book, protocols=_protocols(studies, book, problems))
    if not allow_unsigned:
        problems += unsigned(files, signatures(folder, protocols, problems), SIGNATURES)
    if problems:
        raise RulebookError(problems)
    return book


def protocol_template() -> str:
    """The protocol of a study that is still to be written, every key explained."""
    return (BUNDLED / TEMPLATE).read_text(encoding="utf-8")


def read_yaml(path: Path) -> Sheet:
    """One YAML table with the line of every value; what is wrong with its form is in ``problems``."""
    problems: list[str] = []
    content = _contents(path.parent, (path.name,), problems).get(path.name, b"")
    sheet = read_sheet(path.name, _text(path.name, content, problems) or "")
    sheet.problems[:0] = problems
    return sheet


@lru_cache(maxsize=64)
def _sheet(name: str, text: str) -> Sheet:
    """The same text is read once: YAML takes most of the time of loading a book."""
    return read_sheet(name, text)


def _read(files: Mapping[str, bytes], scale: str, problems: list[str]) -> Book:
    texts = {name: _text(name, content, problems) for name, content in files.items()}
    sheets = {name: _sheet(name, text) for name, text in texts.items() if text is not None and name.endswith(".yaml")}
    problems += (problem for sheet in sheets.values() for problem in _not_a_table(sheet))
    rules_name, terms_name = _rules_of(scale), _terms_of(scale)
    terms_text = texts[terms_name]
    if problems or terms_text is None:  # whatever leans on such a file would only repeat it
        raise RulebookError(problems)
    analytes = read_analytes(sheets["analytes.yaml"], read_units(sheets["units.yaml"], problems), problems)
    terms = read_terms(terms_name, _rows(terms_name, terms_text, problems), problems)
    register = read_ambiguities(sheets["ambiguities.yaml"], problems)
    version = version_of(scale, files)
    reader = RuleReader(
        scale=scale,
        book=version,
        sheet=sheets[rules_name],
        analytes=analytes,
        names=by_name(terms),
        register=register,
    )
    rules = reader.read()
    analytes = {key: replace(one, ratios_only=ratios_only(rules.get(key, ()))) for key, one in analytes.items()}
    problems += reader.problems
    names = by_name(terms)
    joins = Tables(scale, version, analytes, names, frozenset(register))
    return Book(
        version=version,
        analytes=MappingProxyType(analytes),
        terms=MappingProxyType(terms),
        ambiguities=MappingProxyType(register),
        protocols=MappingProxyType({}),
        _by_loinc=by_loinc(analytes, problems),
        _by_test=by_test(analytes, problems),
        _rules=MappingProxyType(rules),
        _by_name=names,
        scales=MappingProxyType(_scales(sheets.get(_SCALES), analytes, names, register, problems)),
        joined=read_joins(sheets[rules_name], joins, problems),
        _synonyms=read_synonyms(sheets.get(_SYNONYMS), names, problems),
    )


def _rows(name: str, text: str, problems: list[str]) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(text))
    try:
        yield from rows
    except csv.Error as error:
        problems.append(f"{name}:{rows.line_num}: {error}; expected a table with a comma between two columns")


def _not_a_table(sheet: Sheet) -> list[str]:
    """Why there is nothing to read in a sheet."""
    form = dict if sheet.name in _MAPPINGS else list
    if isinstance(sheet.data, form):
        return []
    if sheet.data is None and sheet.problems:
        return sheet.problems
    found = "nothing in it" if sheet.data is None else "no such table"
    return [sheet.problem((), found, "a list of rows" if form is list else "keys with their values")]


def _scales(
    sheet: Sheet | None,
    analytes: Mapping[str, Analyte],
    names: Mapping[str, Term],
    register: Iterable[str],
    problems: list[str],
) -> dict[str, Scale]:
    if sheet is None:
        return {}
    reader = ScaleReader(sheet=sheet, analytes=analytes, names=names, register=register)
    scales = reader.read()
    problems += reader.problems
    return scales


def _protocols(folder: Path, book: Book, problems: list[str]) -> Mapping[str, Protocol]:
    """The protocol of every study in the folder, one YAML each; a folder without any is a problem."""
    if not _yaml_names(folder):
        problems.append(f"{folder}: no protocol here; expected one .yaml file a study")
    found: dict[str, Protocol] = {}
    names = {folded_term(term.name): term for term in book.terms.values()}
    for name, content in sorted(_contents(folder, _yaml_names(folder), problems).items()):
        text = _text(name, content, problems)
        if text is None:
            continue
        sheet = _sheet(name, text)
        protocol = read_protocol(sheet, book.analytes, names, problems)
        if protocol is not None and protocol.study in found:
            problems.append(f"{name}:1: study {protocol.study} again; expected one file a study")
        elif protocol is not None:
            digest = hashlib.sha256(content).hexdigest()[:16]
            found[protocol.study] = protocol.model_copy(update={"digest": digest})
    return MappingProxyType(found)


def _yaml_names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.glob("*.yaml")))


def _contents(folder: Path, names: tuple[str, ...], problems: list[str]) -> Files:
    found = {}
    for name in names:
        try:
            found[name] = (folder / name).read_bytes()
        except OSError as error:
            problems.append(f"{name}:1: cannot be read ({error.strerror}); expected it in {folder}")
    return found


def _text(name: str, content: bytes, problems: list[str]) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problems.append(f"{name}:{line}: bytes that are no UTF-8; expected a text file in UTF-8")
        return None


def signable(folder: Path | None = None, protocols: Path | None = None, problems: list[str] | None = None) -> Files:
    """Every file that needs a signature, by the name it is signed under; protocols as ``protocols/NAME``."""
    folder, problems = folder or BUNDLED, [] if problems is None else problems
    return _contents(folder, FILES, problems) | _studies(protocols or folder / PROTOCOLS, problems)


def _studies(folder: Path, problems: list[str]) -> Files:
    found = _contents(folder, _yaml_names(folder), problems)
    return {f"{PROTOCOLS}/{name}": content for name, content in found.items()}


def signatures(
    folder: Path | None = None, protocols: Path | None = None, problems: list[str] | None = None
) -> dict[str, SignatureForm]:
    """What was signed: ``signed.json`` of the tables and, where the protocols have a folder of their own, its own."""
    problems = [] if problems is None else problems
    found = _signed(folder or BUNDLED, problems)
    return found if protocols is None else found | _signed(protocols, problems)


def unsigned_files(folder: Path | None = None, protocols: Path | None = None) -> list[str]:
    """Every file that is not as it was signed, or that nobody signed; and what is wrong with the signatures."""
    problems: list[str] = []
    signed = signatures(folder, protocols, problems)
    return problems + unsigned(signable(folder, protocols), signed, SIGNATURES)


def _signed(folder: Path, problems: list[str]) -> dict[str, SignatureForm]:
    try:
        told = json.loads((folder / SIGNATURES).read_bytes())
        return {file: SignatureForm.model_validate(entry) for file, entry in dict(told).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, RecursionError) as error:
        problems.append(f"{SIGNATURES}:1: {error}; expected {{file: {{sha256, version, approver}}}}")
        return {}
