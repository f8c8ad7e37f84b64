"""The review page: every boundary, the scales, the register and the signatures on one HTML page, to read and sign."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from safety_stream.clinical.examples import failing
from safety_stream.quantity import plain
from safety_stream.rulebook.forms import SignatureForm
from safety_stream.rulebook.signing import digest
from safety_stream.rulebook.tables import Book, GradingRule, Row, Unit
from safety_stream.sandbox.review_protocol import changed_parts


class SignedFile(NamedTuple):
    """One file and whether it is as it was signed."""

    name: str
    sha256: str
    version: str
    approver: str
    holds: bool


def review_page(book: Book, files: Mapping[str, bytes], signatures: Mapping[str, SignatureForm]) -> str:
    """The page, self-contained: no script, no picture, nothing fetched. Every example is worked for it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    rules = [rule for key in book.analytes for rule in book.rules(key)]
    return environment.get_template("review.html.j2").render(
        book=book,
        rules=rules,
        terms=len({rule.term for rule in rules}),
        examples=sum(len(rule.examples) for rule in rules) + sum(len(one.examples) for one in book.scales.values()),
        broken=failing(book),
        names={key: one.name for key, one in book.analytes.items()},
        analytes=[one for one in book.analytes.values() if not one.qualitative],
        files=[_signed(name, content, signatures.get(name)) for name, content in files.items()],
        words=list(book.words_for_terms()),
        grades_of=lambda rule: sorted(rule.grades),
        titled=_titled,
        cells=_cells,
        factor=_factor,
        parts=changed_parts,
        version_before=lambda protocol, place: protocol.versions[place - 1],
    )


def _signed(name: str, content: bytes, signature: SignatureForm | None) -> SignedFile:
    sha256 = digest(content)
    if signature is None:
        return SignedFile(name, sha256, "", "", holds=False)
    return SignedFile(name, sha256, signature.version, signature.approver, signature.sha256 == sha256)


def _titled(name: str) -> str:
    return "ICE score" if name == "ice_score" else name.replace("_", " ").capitalize()


def _cells(rule: GradingRule, row: Row) -> Markup:
    criteria = dict(row.worst_first)
    texts = (criteria[grade].text if grade in criteria else "" for grade in sorted(rule.grades))
    return Markup("").join(Markup("<td><code>{}</code></td>").format(text) for text in texts)


def _factor(unit: Unit) -> str:
    if unit.same:
        return ""
    less = f"({plain(unit.origin)} taken away) " if unit.origin else ""
    by = f"x {plain(unit.factor)}" if unit.divisor == 1 else f"/ {plain(unit.divisor)}"
    return f" {less}{by}"
