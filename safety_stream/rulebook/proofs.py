"""Proofs over a rule: its grades cut the whole number line without gap or overlap, and worse never grades lower.

Every comparison of a rule has the direction in which its value gets worse, and multiples are positive: so each
criterion holds from some bound onwards, and the worst grade that is met can only rise. ``flaws`` does not trust this
argument: it cuts the line at every bound there is, and judges each cut and each stretch between two cuts, for every
order in which limits, baseline and printed figures can lie, and for every state of the facts. A stretch is judged
once, at any point of it, because no bound lies inside.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product
from typing import NamedTuple

from safety_stream.quantity import EXACT, ZERO, Interval, above, below, exactly
from safety_stream.rulebook.criteria import Inputs
from safety_stream.rulebook.tables import Book, GradingRule, Row

_TWO = Decimal(2)
_NOWHERE = exactly(ZERO)


class Piece(NamedTuple):
    """A stretch of the number line, or one cut of it, and the lowest and highest grade there."""

    stretch: Interval
    grades: tuple[int, int]


def partition(row: Row, inputs: Inputs) -> tuple[Piece, ...]:
    """The whole number line in pieces of one grade each, in order; ``inputs.value`` plays no part."""
    pieces: list[Piece] = []
    for stretch in _stretches(_cuts(row, inputs)):
        piece = Piece(stretch, row.judge(inputs._replace(value=exactly(_inside(stretch)))))
        if pieces and pieces[-1].grades == piece.grades:
            last = pieces.pop().stretch
            piece = Piece(Interval(last.low, stretch.high, last.low_open, stretch.high_open), piece.grades)
        pieces.append(piece)
    return tuple(pieces)


def flaws(rule: GradingRule) -> list[str]:
    """Every way in which the rule is not a partition whose grades rise with the worse value; none is the proof."""
    found: list[str] = []
    for row in (*rule.rows.values(), *rule.rows_then.values()):
        for inputs in contexts(row):
            pieces = partition(row, inputs)
            if wrong := _gap(pieces) or _fall(rule, pieces):
                found.append(f"{rule.where}: {rule.id} in {row.unit}: {wrong}")
                break
    return found


def unproved(book: Book) -> list[str]:
    """The flaws of every rule of a book."""
    return [flaw for key in book.analytes for rule in book.rules(key) for flaw in flaws(rule)]


def contexts(row: Row) -> Iterator[Inputs]:
    """Limits, baseline and facts in every order and state that can matter to the row."""
    criteria = [criterion for _, criterion in row.worst_first]
    comparisons = [one for criterion in criteria for one in criterion.comparisons]
    printed = sorted({one.plus.copy_abs() for one in comparisons if one.limit is None})
    places: list[Interval | None] = [*(exactly(place) for place in _places(printed)), None]
    limits = {one.limit for one in comparisons if one.limit is not None}
    choices = [places if name in limits else [None] for name in ("LLN", "ULN", "BASELINE")]
    facts = sorted({fact for criterion in criteria for fact in criterion.facts})
    hours = sorted({one.lasting.plus for one in comparisons if one.lasting})
    lastings: list[Interval | None] = [*(exactly(place) for place in _places(hours)), None] if hours else [None]
    states = list(product((True, False, None), repeat=len(facts)))
    for (lln, uln, baseline), state, lasting, untreated in product(
        product(*choices), states, lastings, (False, True) if "BASELINE" in limits else (False,)
    ):
        known = {fact: told for fact, told in zip(facts, state, strict=True) if told is not None}
        yield Inputs(_NOWHERE, lln, uln, baseline, known, untreated=untreated, lasting=lasting)


def _places(printed: list[Decimal]) -> list[Decimal]:
    """On every figure, between any two, below the first and above the last: one point of every order there is."""
    if not printed:
        return [Decimal(1), Decimal(40)]
    middles = [EXACT.divide(EXACT.add(low, high), _TWO) for low, high in pairwise(printed)]
    ends = [EXACT.divide(printed[0], _TWO), EXACT.multiply(printed[-1], _TWO)]
    return sorted({*printed, *middles, *ends})


def _cuts(row: Row, inputs: Inputs) -> list[Decimal]:
    bounds = (one.bound(inputs) for _, criterion in row.worst_first for one in criterion.comparisons)
    return sorted({bound.low for bound in bounds if bound is not None})


def _stretches(cuts: list[Decimal]) -> Iterator[Interval]:
    if not cuts:
        yield Interval(below(ZERO).low, above(ZERO).high, low_open=True, high_open=True)
        return
    yield below(cuts[0])
    for low, high in pairwise(cuts):
        yield exactly(low)
        yield Interval(low, high, low_open=True, high_open=True)
    yield exactly(cuts[-1])
    yield above(cuts[-1])


def _inside(stretch: Interval) -> Decimal:
    if stretch.exact:
        return stretch.low
    if not stretch.low.is_finite():
        return EXACT.subtract(stretch.high, Decimal(1)) if stretch.high.is_finite() else ZERO
    if not stretch.high.is_finite():
        return EXACT.add(stretch.low, Decimal(1))
    return EXACT.divide(EXACT.add(stretch.low, stretch.high), _TWO)


def _gap(pieces: tuple[Piece, ...]) -> str | None:
    first, last = pieces[0].stretch, pieces[-1].stretch
    if first.low.is_finite() or last.high.is_finite():
        return "the pieces do not reach from one end of the line to the other"
    for one, other in pairwise(pieces):
        if one.stretch.high != other.stretch.low or one.stretch.high_open == other.stretch.low_open:
            return f"a gap or an overlap between {one.stretch} and {other.stretch}"
    return None


def _fall(rule: GradingRule, pieces: tuple[Piece, ...]) -> str | None:
    towards_worse = pieces if rule.worse == "higher" else pieces[::-1]
    for milder, worse in pairwise(towards_worse):
        if worse.grades[0] < milder.grades[0] or worse.grades[1] < milder.grades[1]:
            return f"grade {milder.grades} at {milder.stretch}, but {worse.grades} at the worse {worse.stretch}"
    return None
