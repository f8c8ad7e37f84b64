"""AE rows to reports: rows that share a sponsor id are versions of one report, in the order they were told."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from safety_stream.clinical.events import AdverseEvent, Event
from safety_stream.intake.cdisc.draft import Discrepancy, Draft
from safety_stream.intake.cdisc.moments import at_the_latest
from safety_stream.intake.cdisc.words import ATTRIBUTION, OUTCOME, SERIOUSNESS, SEVERITY, YES_OR_NO


def reports(drafts: Iterable[Draft], last_seen: Mapping[str, datetime]) -> Iterator[Event | Discrepancy]:
    """Every report; ``last_seen``: the last time each subject was seen, for a report that has no date at all."""
    groups: defaultdict[tuple[str, str], list[Draft]] = defaultdict(list)
    for draft in drafts:
        groups[draft.row["USUBJID"], draft["SPID"] or f"row {draft['SEQ']}"].append(draft)
    for (subject, sponsor_id), group in groups.items():
        if len({draft["TERM"].upper() for draft in group}) == 1:
            for version, draft in enumerate(sorted(group, key=_told), start=1):
                yield from _report(draft, f"{subject}/{sponsor_id}", version, last_seen.get(subject))
        else:
            for draft in group:
                draft.note("SPID", "one event for each id; this id names several terms, so each row stands alone")
                yield from _report(draft, f"{subject}/row {draft['SEQ']}", 1, last_seen.get(subject))


def _told(draft: Draft) -> tuple[str, int, str]:
    sequence = draft["SEQ"]
    return draft["DTC"], int(sequence) if sequence.isdecimal() else 0, sequence


def _report(draft: Draft, record: str, version: int, last_seen: datetime | None) -> Iterator[Event | Discrepancy]:
    onset, resolved = draft.moment("STDTC"), draft.moment("ENDTC")
    reported = draft.moment("DTC") or resolved or onset
    reported_at = at_the_latest(reported, draft.zone) if reported else last_seen
    if not draft["DTC"]:
        draft.note("DTC", "when the event was reported; the next known date of the row or subject is taken")
    return draft.event(
        AdverseEvent,
        record,
        version,
        reported_at=reported_at,
        term=draft.text("TERM"),
        meddra_code=_code(draft),
        grade=_grade(draft),
        severity_word=draft.word("SEV", SEVERITY),
        onset=onset,
        resolved=resolved,
        outcome=draft.word("OUT", OUTCOME) or "unknown",
        seriousness=frozenset(word for flag, word in SERIOUSNESS.items() if draft.word(flag, YES_OR_NO)),
        serious=draft.word("SER", YES_OR_NO),
        attribution=draft.word("REL", ATTRIBUTION) or "unknown",
        action_taken=draft.text("ACN"),
        narrative=_coded_as(draft),
    )


def _grade(draft: Draft) -> int | None:
    """``AETOXGR`` is a CTCAE grade; ``AESEV`` never is."""
    told = draft["TOXGR"].upper().removeprefix("GRADE").strip()
    if told in {"1", "2", "3", "4", "5"}:
        return int(told)
    if told:
        draft.note("TOXGR", "a CTCAE grade, 1 to 5")
    return None


def _code(draft: Draft) -> str | None:
    """The MedDRA code of the lowest level term, which is what CTCAE terms are; else of the preferred term."""
    for name in ("LLTCD", "PTCD"):
        told = draft[name]
        if told.isdecimal() and len(told) == 8:
            return told
        if told:
            draft.note(name, "a MedDRA code of eight digits")
    return None


def _coded_as(draft: Draft) -> str | None:
    """How the sponsor coded the term, where the words differ from the reporter's."""
    coded = {name: draft[name] for name in ("LLT", "DECOD") if draft[name].upper() not in {"", draft["TERM"].upper()}}
    return "; ".join(f"{label} {coded[name]}" for name, label in _LEVELS if name in coded) or None


_LEVELS = (("LLT", "MedDRA lowest level term:"), ("DECOD", "MedDRA preferred term:"))
