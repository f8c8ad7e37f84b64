"""The difference between what was concluded and what is concluded now: raised, changed, withdrawn, with revisions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import EligibilityStatus
from safety_stream.clinical.regraded import regraded, with_what_rests_on_it


class Kept(NamedTuple):
    """A finding as it was last sent; None: it was withdrawn, and its revisions go on when it is raised again.

    ``asked``: of the check before an infusion, that it had been asked for before, and its infusion not given on a go.
    """

    revision: int
    finding: AnyFinding | None
    asked: bool = False


def standing_of(kept: Mapping[str, Kept]) -> dict[str, AnyFinding]:
    """The findings that were sent and not withdrawn, by id."""
    return {id_: one.finding for id_, one in kept.items() if one.finding is not None}


def difference(
    kept: Mapping[str, Kept],
    found: Mapping[str, AnyFinding],
    as_of: datetime,
    because: str,
    among: frozenset[str] | None = None,
    *,
    many_pages: bool = False,
) -> tuple[Mapping[str, Kept], tuple[FindingChange, ...]]:
    """What to keep from now on and what to send, in order of finding id.

    ``among``: the findings that can have changed at all; None means every one that was kept. ``many_pages``: a crash
    may have come between some of the pages that they are kept on and the others.
    """
    looked_at = sorted(found.keys() | (kept.keys() if among is None else among))
    changes = tuple(
        change for id_ in looked_at if (change := _change(kept.get(id_), found.get(id_), as_of, because)) is not None
    )
    if not changes:
        return kept, ()
    moved = frozenset(one.finding.id for one in changes if _other_results(one))
    if moved and (len(changes) > 1 or many_pages):  # in order nothing moves: one episode begins, goes on or ends
        beside = [found[id_] for id_ in looked_at if id_ in found] if many_pages else []
        changes = _counted_anew(changes, moved, beside, kept if many_pages else {})
    now = dict(kept)
    for change in changes:
        standing = None if change.change == "withdrawn" else change.finding
        now[change.finding.id] = Kept(change.revision, standing, change.asked and _stays_open(standing))
    return now, with_what_rests_on_it(changes)


def _was_asked(held: Kept | None) -> bool:
    """Whether a check is asked for by what was last sent, or was before that."""
    finding = None if held is None else held.finding
    return held is not None and (held.asked or (isinstance(finding, EligibilityStatus) and finding.asks))


def _stays_open(now: AnyFinding | None) -> bool:
    """Whether a check that was asked for is, or may yet be, open: a go ends it with the dose, a move at once."""
    if not isinstance(now, EligibilityStatus):
        return False
    if now.state == "go":
        return not now.given
    return now.needed_by is not None or now.given or now.state == "hold"


def _counted_anew(
    changes: tuple[FindingChange, ...], moved: frozenset[str], found: Iterable[AnyFinding], kept: Mapping[str, Kept]
) -> tuple[FindingChange, ...]:
    """The changes; of one term, those made of other results now have one revision, above what each of them had.

    Where episodes are counted anew, what is told of a result goes on in another of them, and its revisions with it.
    What stands beside and did not change goes with them, so that what only moved is not taken for gone. ``kept``: what
    the pages hold, some of which may hold what a crash cut off from the rest; empty where one page is all there is.
    """
    changed = {one.finding.id for one in changes}
    highest = _highest(changes, kept)
    beside = [one for one in found if one.id not in changed]
    return tuple(
        one.model_copy(
            update={
                "revision": max(one.revision, highest[_term(one.finding)]),
                "beside": tuple(other for other in beside if _about(other) == _about(one.finding)),
            }
        )
        if one.finding.id in moved
        else one
        for one in changes
    )


def _highest(changes: Iterable[FindingChange], kept: Mapping[str, Kept]) -> dict[str, int]:
    """The highest revision of each term, of its toxicities and DLTs; what was withdrawn may have been of any."""
    gone = max((one.revision for one in kept.values() if one.finding is None), default=0)
    told = [(one.revision, one.finding) for one in changes]
    told += [(one.revision, one.finding) for one in kept.values() if one.finding is not None]
    highest = dict[str, int]()
    for revision, finding in told:
        highest[_term(finding)] = max(revision, gone, highest.get(_term(finding), 0))
    return highest


def _other_results(change: FindingChange) -> bool:
    """Whether the results that alerts follow are others than before."""
    now = None if change.change == "withdrawn" else change.finding
    return _followed(change.previous) != _followed(now)


def _followed(finding: AnyFinding | None) -> list[str]:
    if isinstance(finding, Toxicity):
        jump = [finding.jump.record] if finding.jump is not None else []
        return [*(one.record for one in finding.times), *jump]
    return [finding.record] if isinstance(finding, DoseLimitingToxicity) and finding.record else []


def _term(finding: AnyFinding) -> str:
    about = _about(finding)
    return "" if about is None else about[1]


def _about(finding: AnyFinding) -> tuple[str, str] | None:
    return (finding.kind, finding.term) if isinstance(finding, Toxicity | DoseLimitingToxicity) else None


def _change(held: Kept | None, found: AnyFinding | None, as_of: datetime, because: str) -> FindingChange | None:
    before, revision = (None, 0) if held is None else (held.finding, held.revision)
    now = before if found is None else found
    if before is found or before == found or now is None:
        return None
    return FindingChange.made(
        change="raised" if before is None else "withdrawn" if found is None else "changed",
        revision=revision + 1,
        finding=now,
        previous=before,
        beside=(),
        asked=_was_asked(held),
        as_of=as_of,
        because=because,
        regraded=regraded(before, found, because),
        ruled_out=None,
        corrected=None,
    )
