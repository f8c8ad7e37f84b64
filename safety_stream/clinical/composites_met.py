"""The composites of the protocol as findings of their own, whether or not a DLT rule names them: Hy's law, liver stop.

One finding a composite: the first time that it was surely met, failing that the first time that it may have been;
after the first treatment before any time before it.
"""

from collections.abc import Iterator, Mapping

from safety_stream.clinical.composites import Together, all_marks, all_told, gap, together
from safety_stream.clinical.conclusion import Evidence, Input, finding_id
from safety_stream.clinical.findings_measured import CompositeMet
from safety_stream.clinical.fold import Digest, Mark
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.multiples import ratio, shown


def composites_met(frame: Frame, digests: Mapping[str, Digest], book_version: str) -> Iterator[CompositeMet]:
    """Every composite that the subject's results make, or may make."""
    marks = all_marks({page: digest.marks for page, digest in digests.items()})
    for one in together(frame, marks, all_told(digests)):
        yield _finding(one, marks, frame, book_version)


def _finding(one: Together, marks: tuple[Mark, ...], frame: Frame, book_version: str) -> CompositeMet:
    first = min(one.marks, key=lambda mark: (mark.earliest, mark.latest))
    last = max(one.marks, key=lambda mark: (mark.latest, mark.earliest))
    onset, told = Moment(first.earliest.isoformat()), _ratio(one, marks)
    beside = tuple(mark for mark in _beside(one, marks) if mark not in one.marks)
    return CompositeMet(
        id=finding_id(frame.study, frame.subject, "composite", one.name),
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/composites/{one.name}",
            book=book_version,
            inputs=tuple(
                Input(name=_clause(mark), value=mark.words, source=mark.source) for mark in one.marks + beside
            ),
            comparison=told,
            reasons=one.reasons,
            sentence=_sentence(one, told),
        ),
        composite=one.name,
        text=one.composite.text,
        source=one.composite.source,
        state="sure" if one.sure else "possible",
        onset=onset,
        completed=Moment(last.latest.isoformat()),
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
    near = [mark for mark in marks if mark.clause.startswith(f"{one.name}/{excluding.name}/")]
    near = [mark for mark in near if gap(mark, onset) <= one.composite.within.length]
    return tuple(sorted(near, key=lambda mark: (gap(mark, onset), mark.earliest, mark.source))[:1])


def _ratio(one: Together, marks: tuple[Mark, ...]) -> str | None:
    """The ratio that the protocol wants shown, from the samples that make the composite and the one beside them."""
    wanted = one.composite.ratio
    if wanted is None:
        return None
    near = {_clause(mark): mark for mark in (*_beside(one, marks), *one.marks)}
    above, below = near.get(wanted.of), near.get(wanted.to)
    value = ratio(above and above.multiple, below and below.multiple)
    if value is None or above is None or below is None or above.multiple is None or below.multiple is None:
        return f"{wanted.name} not known: {wanted.of if above is None else wanted.to} without an exact multiple of ULN"
    counted = f"{above.page} {shown(above.multiple)} x ULN / {below.page} {shown(below.multiple)} x ULN"
    return f"{wanted.name} = {shown(value)} = {counted} ({wanted.reading})"


def _sentence(one: Together, told: str | None) -> str:
    state = "met" if one.sure else "not ruled out"
    facts = "; ".join(mark.words for mark in one.marks)
    return f"{one.composite.text}: {state}. {facts}" + (f"; {told}." if told else ".")
