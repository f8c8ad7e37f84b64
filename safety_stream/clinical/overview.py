"""The subject as a whole: what the header's facts contradict, what no page alone can tell, and the subject's status.

Only here does time count by itself: when the last window closes, the subject's status changes without any event. The
``deadline`` is that instant, so that the engine knows when to look again. A part that reads what it read in the look
before says the same: see ``columns`` and ``parts``.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from safety_stream.clinical.check_due import checks_due
from safety_stream.clinical.composites import all_marks, all_told, together
from safety_stream.clinical.composites_met import composites_met
from safety_stream.clinical.conclusion import GradeRange, finding_id
from safety_stream.clinical.dlt import dose_limiting, worst
from safety_stream.clinical.dlt_match import Candidate, matched, rules_for
from safety_stream.clinical.eligible import eligibility_findings
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import DataQuery, SubjectStatus
from safety_stream.clinical.fold import Digest, Fold
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.hematotoxicity import hematotoxicity
from safety_stream.clinical.joined import joined_findings
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.parts import NO_COLUMN, Parts, Said
from safety_stream.clinical.queries import query
from safety_stream.clinical.reconciliation import reconciled
from safety_stream.clinical.registration import questions
from safety_stream.clinical.reporting import reporting_due
from safety_stream.clinical.series import digest_of
from safety_stream.clinical.status import ends, extension, status_of, with_hours
from safety_stream.clinical.unobserved import unobserved
from safety_stream.clinical.unread import unread
from safety_stream.rulebook.tables import Book

# The columns that each part reads.
_MEASURED, _JOINED, _DEPTHS = frozenset({"marks", "told"}), frozenset({"joined"}), frozenset({"depths"})
_JUDGED, _CASES, _COMPARED = frozenset({"judged"}), frozenset({"case"}), frozenset({"graded", "told"})
_LIVES, _SEEN = frozenset({"began", "died"}), frozenset({"observed", "died"})
_COUNTED = frozenset({"grade", "worst", "serious", "died", "followed"})


class Overview(NamedTuple):
    """What follows from the header and what it knows of the other pages.

    ``findings``: those that may differ from the look before; ``among``: the ids of all that may, None for every one.
    """

    findings: dict[str, AnyFinding]
    among: frozenset[str] | None
    status: SubjectStatus
    deadline: datetime | None
    said: Said


def overview(
    frame: Frame,
    facts: Mapping[str, HeaderFact],
    digests: Mapping[str, Digest],
    book: Book,
    as_of: datetime,
    *,
    before: Said | None = None,
) -> Overview:
    """The findings whose home is the header, the subject's status, and when time alone next changes it.

    ``before``: the look before, if it is still at hand; it changes nothing but the time it takes.
    """
    parts = Parts((frame, facts, book), digests, before)
    known = parts.known
    composites = parts.of("composites", _MEASURED, (), lambda: _composites(frame, digests, book))
    parts.of("met", _MEASURED, (), lambda: composites_met(frame, digests, book.version))
    joined = parts.of("joined", _JOINED, (), lambda: joined_findings(frame, known.of("joined"), book))
    own = _of_findings((*composites, *joined))
    dlts = [pair for pairs in (*known.values("dlts"), own.dlts) for pair in pairs]
    ids = frozenset([id_ for id_, _ in dlts])
    holds = any(one.holds for one in digests.values())
    asked = partial(questions, frame, facts, digests, ids, holds=holds)
    parts.of("questions", _LIVES, (ids, holds), lambda: (query(frame, one) for one in asked()))
    parts.of("unread", NO_COLUMN, (), lambda: (query(frame, one) for one in unread(frame, facts, book)))
    wanted, ahead = checks_due(frame, as_of)
    parts.of("eligibility", _JUDGED, (wanted,), lambda: eligibility_findings(frame, digests, book.version, wanted))
    toxic = parts.of("hematotoxicity", _DEPTHS, (), lambda: hematotoxicity(frame, digests, book.version))
    _, due = parts.in_time("reporting", _CASES, (), as_of, lambda: reporting_due(frame, digests, book.version, as_of))
    _, owed = parts.in_time("unlike", _COMPARED, (joined,), as_of, lambda: _unlike(frame, digests, joined, book, as_of))
    unseen, later = parts.in_time(
        "unobserved", _SEEN, (), as_of, lambda: unobserved(frame, facts, known, book.version, as_of, parts=parts)
    )
    dlt = worst(state for _, state in dlts)
    longer = extension(frame, [one for one in (*known.values("observe"), own.observe) if one is not None], dlt)

    def state() -> tuple[list[SubjectStatus], list[datetime]]:
        end = ends(frame, longer)
        told = status_of(frame, digests, dlt, longer, as_of)
        return [with_hours(told, toxic, unseen, frame)], [end] if end is not None and as_of < end else []

    (status,), closing = parts.in_time("status", _COUNTED, (dlt, longer, toxic, unseen), as_of, state)
    ahead += (*due, *owed, *later, *closing)
    news = parts.news
    among = None if before is None else news.among
    return Overview(news.findings, among, status, min(ahead, default=None), parts.said)


def _of_findings(found: tuple[AnyFinding, ...]) -> Digest:
    """The digest of findings that are on no page."""
    return digest_of({one.id: one for one in found}, Fold()) if found else Digest()


def _unlike(
    frame: Frame, digests: Mapping[str, Digest], joined: tuple[AnyFinding, ...], book: Book, as_of: datetime
) -> tuple[Iterable[DataQuery], list[datetime]]:
    """What the laboratory and the reports tell differently."""
    unlike, later = reconciled(frame, {**digests, "": _of_findings(joined)}, book, as_of)
    return [query(frame, flood) for flood in unlike], later


def _composites(frame: Frame, digests: Mapping[str, Digest], book: Book) -> Iterator[DoseLimitingToxicity]:
    """The DLT rules that a composite meets: its onset is the first of the samples that make it."""
    marks = all_marks({page: digest.marks for page, digest in digests.items()})
    for one in together(frame, marks, all_told(digests)):
        onset = min(one.marks, key=lambda mark: (mark.earliest, mark.latest))
        candidate = Candidate(
            about=finding_id(frame.study, frame.subject, "composite", one.name),
            key=f"composite|{one.name}",
            term=one.composite.text,
            soc=None,
            seen_as="measured",
            grade=GradeRange(lowest=0, highest=5),
            onset=Moment(onset.earliest.isoformat()),
            shortest=timedelta(0),
            longest=None,
            composite=one.name,
            inputs=tuple((mark.words, mark.source) for mark in one.marks),
            undecided=one.reasons,
        )
        rules = rules_for(frame.version.dlt, candidate.term, None, "measured", one.name)
        found = dose_limiting(frame, (matched(frame, rule, candidate) for rule in rules), book.version)
        if found is not None:
            yield found
