"""The composites of the protocol as findings of their own, whether or not a DLT rule names them: Hy's law, liver stop.

One finding a case: the first time in it that the composite was surely met, failing that the first time that it may have
been; after the first treatment before any time before it.
"""

from collections.abc import Iterator, Mapping

from safety_stream.clinical.composite_cases import Case, case_id, cases
from safety_stream.clinical.composites import Together, all_marks, all_told, leading, nearest_answer
from safety_stream.clinical.conclusion import Evidence, Input
from safety_stream.clinical.findings_measured import CompositeMet
from safety_stream.clinical.fold import Digest, Mark
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.multiples import ratio, shown


def composites_met(frame: Frame, digests: Mapping[str, Digest], book_version: str) -> Iterator[CompositeMet]:
    """Every composite that the subject's results make, or may make."""
    marks = all_marks({page: digest.marks for page, digest in digests.items()})
    told = all_told(digests)
    for name in frame.version.composites:
        for case in cases(name, frame, marks, told):
            yield _finding(case, marks, frame, book_version)


def _finding(case: Case, marks: tuple[Mark, ...], frame: Frame, book_version: str) -> CompositeMet:
    one = leading(case.made, frame)
    first = min(one.marks, key=lambda mark: (mark.earliest, mark.latest))
    last = max(one.marks, key=lambda mark: (mark.latest, mark.earliest))
    onset, told = Moment(first.earliest.astimezone(frame.zone).isoformat()), ratio_of(one, marks, frame)
    beside = tuple(mark for mark in _beside(one, marks) if mark not in one.marks)
    early = [mark for mark in one.marks + beside if mark.preliminary]
    return CompositeMet(
        id=case_id(frame, one.name, case.number),
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/composites/{one.name}",
            book=book_version,
            inputs=tuple(
                Input(name=_clause(mark), value=mark.words, source=mark.source) for mark in one.marks + beside
            ),
            comparison=told,
            reasons=(*one.reasons, *(f"leans on a preliminary result: {mark.words}" for mark in early)),
            sentence=_sentence(one, case.number, told),
        ),
        composite=one.name,
        case=case.number,
        text=one.composite.text,
        source=one.composite.source,
        state="sure" if one.sure else "possible",
        onset=onset,
        completed=Moment(last.latest.astimezone(frame.zone).isoformat()),
        emergent=frame.treated_before(last.earliest, last.latest),  # it is new with the sample that completed it
        ratio=told,
        tell=one.composite.tell,
        study_day=frame.study_day(onset),
    )


def _clause(mark: Mark) -> str:
    return mark.clause.split("/")[1]


def _beside(one: Together, marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """The result that answers whether the composite is ruled out: the nearest to the onset, within the span."""
    excluding = one.composite.unless
    if excluding is None:
        return ()
    onset = min(mark.earliest for mark in one.marks)
    found = nearest_answer(f"{one.name}/{excluding.name}/", marks, (onset, onset), one.composite.within.length)
    return () if found is None else (found,)


def ratio_of(one: Together, marks: tuple[Mark, ...], frame: Frame) -> str | None:
    """The ratio that the protocol wants shown: both samples of one time, or as near to it as there is one."""
    wanted = one.composite.ratio
    if wanted is None:
        return None
    above = next((mark for mark in one.marks if _clause(mark) == wanted.of), None)
    at = (above.earliest, above.latest) if above else (one.marks[0].earliest, one.marks[0].latest)
    below = nearest_answer(f"{one.name}/{wanted.to}/", marks, at, one.composite.within.length)
    value = ratio(above and above.multiple, below and below.multiple)
    if value is None or above is None or below is None or above.multiple is None or below.multiple is None:
        lacking = wanted.of if above is None or above.multiple is None else wanted.to
        return f"{wanted.name} not known: no {_analytes(one, lacking)} with an exact multiple of ULN"
    counted = f"{above.page} {shown(above.multiple)} x ULN / {below.page} {shown(below.multiple)} x ULN"
    zone = frame.zone
    days = {mark.earliest.astimezone(zone).date().isoformat() for mark in (above, below)}
    apart = "" if len(days) == 1 else f", of {' and '.join(sorted(days))}"
    return f"{wanted.name} = {shown(value)} = {counted}{apart} ({wanted.reading})"


def _analytes(one: Together, clause: str) -> str:
    clauses = (*one.composite.all_of, *((one.composite.unless,) if one.composite.unless else ()))
    return next((" or ".join(each.any_of) for each in clauses if each.name == clause), clause)


def _sentence(one: Together, case: int, told: str | None) -> str:
    state = ("met" if one.sure else "not ruled out") + (f" again (case {case})" if case > 1 else "")
    facts = "; ".join(mark.words for mark in one.marks)
    return f"{one.composite.text}: {state}. {facts}" + (f"; {told}." if told else ".")
