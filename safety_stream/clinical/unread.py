"""What nobody can read: facts of a name or a value that no rule reads, treatments that the protocol does not give.

    fact_recorded  hbsag_positve: false        no criterion reads it: perhaps hbsag-positive was meant
    fact_recorded  at_rest: "yes"              read as true or false
    dose_given     infusion of "CAR-T"         not the study product by any of its names

It would vanish without a word, and the criterion that it was meant for would stay open. A dose counts all the same: its
window opens, until somebody says that it was not one.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from safety_stream.clinical.events import DoseGiven, FactRecorded
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.fold import Flood
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import BASELINE_ABNORMAL
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.queries import SHOWN, asked
from safety_stream.quantity import Unreadable, read_value
from safety_stream.rulebook.recorded import FactKind
from safety_stream.rulebook.suggesting import alike, folded
from safety_stream.rulebook.tables import Book

_MOST = 3
_PLAIN: frozenset[FactKind] = frozenset({"true or false"})


class Asked(NamedTuple):
    """What is asked of one name, whichever records tell it."""

    code: str
    about: str
    found: str
    expected: str


def unread(frame: Frame, facts: Mapping[str, HeaderFact], book: Book) -> Iterator[Flood]:
    """One question for every such name, with the records that tell it and what the last of them by name says."""
    read = {**dict.fromkeys((*book.facts, BASELINE_ABNORMAL), _PLAIN), **frame.version.facts_read}
    told: dict[tuple[str, str], tuple[Asked, list[str]]] = {}
    for _, one in sorted(facts.items()):
        event, question = one.event, None
        if isinstance(event, FactRecorded):
            question = _about_fact(event, read)
        elif isinstance(event, DoseGiven):
            question = _about_treatment(event, frame)
        if question is not None and event.status != "entered-in-error":
            _, sources = told.get(question[:2], (question, []))
            told[question[:2]] = question, [*sources, f"{event.source.record} v{event.source.version}"]
    for question, sources in told.values():
        yield asked(*question, *sources[-SHOWN:])._replace(times=len(sources))


def _about_fact(fact: FactRecorded, read: Mapping[str, frozenset[FactKind]]) -> Asked | None:
    kinds = read.get(fact.name)
    if kinds is None:
        near = alike(fact.name, read, _MOST)
        expected = "a fact that a rule reads" + (f", perhaps {', '.join(near)}" if near else "")
        return Asked("unknown_fact", fact.name, fact.name, expected)
    if any(_fits(fact.value, kind) for kind in kinds):
        return None
    return Asked("unreadable_fact", fact.name, str(fact.value).lower(), " or ".join(sorted(kinds)))


def _fits(value: bool | str, kind: FactKind) -> bool:
    if isinstance(value, bool):
        return kind == "true or false" or (kind == "a date, or false for never" and not value)
    if kind == "female or male":
        return value in {"female", "male"}
    if kind == "a number":
        return not isinstance(read_value(value), Unreadable)
    return kind == "a date, or false for never" and _is_moment(value)


def _is_moment(value: str) -> bool:
    try:
        Moment(value)
    except ValueError:
        return False
    return True


def _about_treatment(dose: DoseGiven, frame: Frame) -> Asked | None:
    """Null where the protocol gives a treatment of this name in this role, or does not say what it gives."""
    names: Collection[str] = frame.version.treatments(dose.role)
    if not names or folded(dose.treatment) in {folded(name) for name in names}:
        return None
    return Asked("unknown_treatment", f"{dose.role} {dose.treatment}", dose.treatment, f"one of {', '.join(names)}")
