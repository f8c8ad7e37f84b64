"""The difference between what was concluded and what is concluded now: raised, changed, withdrawn, with revisions."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.regraded import regraded, with_what_rests_on_it


class Kept(NamedTuple):
    """A finding as it was last sent; None: it was withdrawn, and its revisions go on when it is raised again."""

    revision: int
    finding: AnyFinding | None


def standing_of(kept: Mapping[str, Kept]) -> dict[str, AnyFinding]:
    """The findings that were sent and not withdrawn, by id."""
    return {id_: one.finding for id_, one in kept.items() if one.finding is not None}


def difference(
    kept: Mapping[str, Kept],
    found: Mapping[str, AnyFinding],
    as_of: datetime,
    because: str,
    among: frozenset[str] | None = None,
) -> tuple[Mapping[str, Kept], tuple[FindingChange, ...]]:
    """What to keep from now on and what to send, in order of finding id.

    ``among``: the findings that can have changed at all; None means every one that was kept.
    """
    looked_at = found.keys() | (kept.keys() if among is None else among)
    changes = tuple(
        change
        for id_ in sorted(looked_at)
        if (change := _change(kept.get(id_), found.get(id_), as_of, because)) is not None
    )
    if not changes:
        return kept, ()
    now = dict(kept)
    for change in changes:
        now[change.finding.id] = Kept(change.revision, None if change.change == "withdrawn" else change.finding)
    return now, with_what_rests_on_it(changes)


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
        as_of=as_of,
        because=because,
        regraded=regraded(before, found, because),
    )
