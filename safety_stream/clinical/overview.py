"""The subject as a whole: what the header's facts contradict, what no page alone can tell, and the subject's status.

Only here does time count by itself: when the last window closes, the subject's status changes without any event. The
``deadline`` is that instant, so that the engine knows when to look again. A part that reads what it read in the look
before says the same: see ``columns`` and ``parts``.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple, cast

from safety_stream.clinical.check_due import Wanted, checks_due
from safety_stream.clinical.completing import closes, day_untold
from safety_stream.clinical.composites_met import composites_met
from safety_stream.clinical.dlt import worst
from safety_stream.clinical.dlt_composites import dlts_of_composites
from safety_stream.clinical.eligible import eligibility_findings
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import CompositeMet
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import SubjectStatus, Unobserved
from safety_stream.clinical.fold import Digest, Fold
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.hematotoxicity import hematotoxicity
from safety_stream.clinical.joined import joined_findings
from safety_stream.clinical.parts import NO_COLUMN, Agenda, AnySaid, Base, Look, Part, Said, Words
from safety_stream.clinical.queries import query, together
from safety_stream.clinical.reconciliation import reconciled
from safety_stream.clinical.registration import questions
from safety_stream.clinical.reporting import reporting_due
from safety_stream.clinical.series import digest_of
from safety_stream.clinical.status import Longer, State, ends, extension, status_of, with_hours
from safety_stream.clinical.unobserved import unobserved
from safety_stream.clinical.unread import unread
from safety_stream.rulebook.tables import Book


class Overview(NamedTuple):
    """What follows from the header and what it knows of the other pages.

    ``findings``: those that may differ from the look before; ``among``: the ids of all that may, None for every one.
    """

    findings: dict[str, AnyFinding]
    among: frozenset[str] | None
    status: SubjectStatus
    deadline: datetime | None
    said: Said


class Decisive(NamedTuple):
    """What each DLT is about by its id, the state they come to, and until when a possible one is to be watched."""

    ids: Mapping[str, str]
    dlt: State
    longer: Longer | None


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
    look = Look(Base(frame, facts, book), digests, as_of, before)
    deadline = look.through(PARTS)
    (status,) = look.of("status").said
    assert isinstance(status, SubjectStatus)  # noqa: S101  # the one thing that this part says
    news = look.news
    return Overview(news.findings, None if before is None else news.among, status, deadline, look.said)


def _composites(look: Look) -> Words:
    """The DLT rules that composites meet."""
    (frame, _, book), digests = look.base, look.known.digests
    return Words(tuple(dlts_of_composites(frame, digests, book.version)))


def _met(look: Look) -> Words:
    (frame, _, book), digests = look.base, look.known.digests
    return Words(tuple(composites_met(frame, digests, book.version)))


def _joined(look: Look) -> Words:
    frame, _, book = look.base
    return Words(tuple(joined_findings(frame, look.known.of("joined"), book)))


def _decisive(look: Look) -> Words:
    found, digests = _on_no_page(look), look.known.digests
    own = _digest_of(found)
    dlts = [pair for pairs in (*look.known.values("dlts"), own.dlts) for pair in pairs]
    dlt = worst(state for _, state in dlts)
    asked = [one for one in (*look.known.values("observe"), own.observe) if one is not None]
    ids = {id_: _term_of(page, digests[page]) for page, pairs in look.known.of("dlts") for id_, _ in pairs}
    ids |= {
        id_: one.term for one in found if isinstance(one, DoseLimitingToxicity) for id_ in (one.id, *one.decided_as)
    }
    return Words(other=Decisive(ids, dlt, extension(look.base.frame, asked, dlt)))


def _term_of(page: str, digest: Digest) -> str:
    """What a page is about, as a site knows it: the term of a report, the analyte of results."""
    return digest.told.term if digest.told is not None else page


def _questions(look: Look) -> Words:
    frame, digests, decisive = look.base.frame, look.known.digests, _what_decides(look)
    asked = (
        *questions(look.base, digests, decisive.ids, holds=bool(look.known.of("holds"))),
        *day_untold(frame, digests, decisive.dlt),
    )
    return Words(tuple(query(frame, one) for one in together(asked)))


def _unread(look: Look) -> Words:
    frame, facts, book = look.base
    return Words(tuple(query(frame, one) for one in unread(frame, facts, book)))


def _checks(look: Look) -> Words:
    """Which infusions' checks are wanted now."""
    frame, facts, _ = look.base
    wanted, ahead = checks_due(frame, facts, look.as_of)
    return Words(other=wanted, until=min(ahead, default=None))


def _eligibility(look: Look) -> Words:
    (frame, _, book), digests = look.base, look.known.digests
    wanted = cast("dict[int, Wanted]", look.of("checks").other)
    return Words(tuple(eligibility_findings(frame, digests, book.version, wanted)))


def _hematotoxicity(look: Look) -> Words:
    (frame, _, book), digests = look.base, look.known.digests
    return Words(tuple(hematotoxicity(frame, digests, book.version)))


def _reporting(look: Look) -> Words:
    (frame, _, book), digests = look.base, look.known.digests
    found, ahead = reporting_due(frame, digests, book.version, look.as_of)
    return Words(tuple(found), until=min(ahead, default=None))


def _unlike(look: Look) -> Words:
    """What the laboratory and the reports tell differently."""
    (frame, _, book), digests = look.base, look.known.digests
    joined = look.of("joined").said
    unlike, later = reconciled(frame, {**digests, "": _digest_of(joined)}, book, look.as_of)
    return Words(tuple([query(frame, flood) for flood in together(unlike)]), until=min(later, default=None))


def _unobserved(look: Look) -> Words:
    found, ahead = unobserved(look)
    return Words(tuple(found), until=min(ahead, default=None))


def _status(look: Look) -> Words:
    (frame, _, _), digests, as_of = look.base, look.known.digests, look.as_of
    decisive = _what_decides(look)
    toxic = cast("tuple[CompositeMet, ...]", look.of("hematotoxicity").said)
    unseen = cast("tuple[Unobserved, ...]", look.of("unobserved").said)
    ahead = [end for end in (closes(frame), ends(frame, decisive.longer)) if end is not None and as_of < end]
    told = status_of(frame, digests, decisive.dlt, decisive.longer, as_of)
    return Words((with_hours(told, toxic, unseen, frame),), until=min(ahead, default=None))


# Each part is asked after those that it leans on.
PARTS: Final = Agenda(
    Part("composites", frozenset({"marks", "told"}), (), _composites),
    Part("met", frozenset({"marks", "told"}), (), _met),
    Part("joined", frozenset({"joined"}), (), _joined),
    Part("decisive", frozenset({"dlts", "observe", "told"}), ("composites", "joined"), _decisive),
    Part("questions", frozenset({"began", "died", "holds", "told"}), ("decisive",), _questions),
    Part("unread", NO_COLUMN, (), _unread),
    Part("checks", NO_COLUMN, (), _checks),
    Part("eligibility", frozenset({"judged"}), ("checks",), _eligibility),
    Part("hematotoxicity", frozenset({"depths"}), (), _hematotoxicity),
    Part("reporting", frozenset({"case"}), (), _reporting),
    Part("unlike", frozenset({"graded", "told"}), ("joined",), _unlike),
    Part("unobserved", frozenset({"observed", "died"}), (), _unobserved),
    Part(
        "status",
        frozenset({"grade", "worst", "serious", "died", "followed", "unclear"}),
        ("decisive", "hematotoxicity", "unobserved"),
        _status,
    ),
)


def _what_decides(look: Look) -> Decisive:
    decisive = look.of("decisive").other
    assert isinstance(decisive, Decisive)  # noqa: S101  # what this part works out
    return decisive


def _on_no_page(look: Look) -> tuple[AnyFinding, ...]:
    """The findings of the header itself that a DLT can be."""
    return cast("tuple[AnyFinding, ...]", (*look.of("composites").said, *look.of("joined").said))


def _digest_of(found: Iterable[AnySaid]) -> Digest:
    """The digest of findings that are on no page."""
    by_id = {one.id: one for one in found if not isinstance(one, SubjectStatus)}
    return digest_of(by_id, Fold()) if by_id else Digest()
