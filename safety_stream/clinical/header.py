"""The header after a step: what it knows of the pages, and what a look at the whole subject makes of that."""

from collections.abc import Mapping

from safety_stream.clinical.changes import difference
from safety_stream.clinical.columns import differing
from safety_stream.clinical.filing import Bench
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.joined import none_happened
from safety_stream.clinical.overview import overview
from safety_stream.clinical.parts import Said
from safety_stream.clinical.record import Header
from safety_stream.clinical.ruled_out import with_what_rules_them_out


def says_the_same(held: Header, news: Mapping[str, Digest], bench: Bench) -> bool:
    """Whether no part of the overview can say anything else: a state went on, and nothing happened that it is around.

    So it is with almost every neutrophil count, as long as there is no fever.
    """
    if held.book != bench.edition or not (none_happened(held.digests, bench.book) and none_happened(news, bench.book)):
        return False
    return all(name in held.digests and differing(held.digests[name], one) == ["joined"] for name, one in news.items())


def knowing(held: Header, digests: Mapping[str, Digest], bench: Bench) -> Header:
    """The header with what it knows of its pages now; all that it says stays."""
    return Header(
        study=held.study,
        subject=held.subject,
        facts=held.facts,
        digests=digests,
        kept=held.kept,
        status=held.status,
        deadline=held.deadline,
        concluded_to=bench.as_of,
        reported_to=held.reported_to,
        book=held.book,
        retold=held.retold,
    )


def looked(
    header: Header, digests: Mapping[str, Digest], bench: Bench, before: Said | None
) -> tuple[Header, Said, tuple[FindingChange, ...]]:
    """The header after a look at the whole subject: its own findings and what changed of them, status and deadline."""
    whole = overview(bench.frame, header.facts, digests, bench.book, bench.as_of, before=before)
    kept, changes = difference(header.kept, whole.findings, bench.as_of, bench.because, whole.among)
    changes = with_what_rules_them_out(changes, bench.frame, digests)
    alike = before is not None and _alike(before, whole.said)
    after = Header(
        study=header.study,
        subject=header.subject,
        facts=header.facts,
        digests=digests,
        kept=kept,
        status=header.status if alike else _revised(header.status, whole.status),
        deadline=whole.deadline,
        concluded_to=bench.as_of,
        reported_to=header.reported_to,
        book=bench.edition,
        retold=header.retold,
    )
    return after, whole.said._replace(kept=kept), changes


def _alike(before: Said, now: Said) -> bool:
    """Whether the very status was said that was said in the look before."""
    return before.parts["status"].said[0] is now.parts["status"].said[0]


def _revised(held: SubjectStatus | None, now: SubjectStatus) -> SubjectStatus:
    """The status with its revision: the one held when nothing but the time differs."""
    if held is None:
        return now
    if vars(held) == {**vars(now), "revision": held.revision, "as_of": held.as_of}:
        return held
    return now.model_copy(update={"revision": held.revision + 1})
