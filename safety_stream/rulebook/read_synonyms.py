"""From synonyms.yaml to ``Synonyms``: pure, every problem listed, none raised."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pydantic import ValidationError

from safety_stream.rulebook.forms import SynonymsForm, complaints
from safety_stream.rulebook.sheet import Sheet
from safety_stream.rulebook.suggesting import Synonyms, folded, folded_term
from safety_stream.rulebook.tables import Term


def read_synonyms(sheet: Sheet | None, names: Mapping[str, Term], problems: list[str]) -> Synonyms:
    """The words people write for terms; a phrase that stands twice, or is a term itself, is a problem."""
    if sheet is None:
        return Synonyms(tuple(names))
    problems += sheet.problems
    try:
        form = SynonymsForm.model_validate(sheet.data)
    except ValidationError as error:
        problems += complaints(sheet, (), error.errors(), form=SynonymsForm)
        return Synonyms(tuple(names))
    spelled = Synonyms(
        tuple(names), MappingProxyType(form.spellings), frozenset(form.aside), deaths=tuple(map(folded, form.deaths))
    )
    phrases: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for index, row in enumerate(form.synonyms):
        path = ("synonyms", index)
        for term in row.terms:
            if folded_term(term) not in names:
                problems.append(sheet.problem((*path, "terms"), f"{term!r} is no term", "a name of ctcae_v5_terms.csv"))
        for phrase in map(folded_term, row.words):
            plain = spelled.plain(phrase)
            if phrase in names or plain in lines:
                where = f"(first: line {lines[plain]})" if plain in lines else "(it is a term)"
                problems.append(sheet.problem((*path, "words"), f"{phrase!r} again {where}", "each phrase once"))
            lines.setdefault(plain, sheet.line(*path))
            phrases[phrase] = tuple(map(folded_term, row.terms))
    return replace(spelled, phrases=MappingProxyType(phrases))
