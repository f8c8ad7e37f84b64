"""DM, EX and DS rows to the course of a subject: screened, enrolled, dosed, completed, withdrawn."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date

from safety_stream.clinical.events import Completed, DoseGiven, Enrolled, Event, Screened, Withdrawn
from safety_stream.clinical.moment import Moment
from safety_stream.intake.cdisc.draft import Discrepancy, Draft
from safety_stream.intake.cdisc.moments import at_the_earliest, at_the_latest
from safety_stream.intake.cdisc.words import SEX


def doses(drafts: Iterable[Draft], lymphodepletion: Mapping[str, Collection[str]]) -> Iterator[Event | Discrepancy]:
    """One dose for each EX row, on its first day, numbered by subject and role in the order of time.

    ``lymphodepletion``: by study the names of its drugs; whatever is called otherwise is the study product.
    """
    given: Counter[tuple[str, str]] = Counter()
    for draft in sorted(drafts, key=lambda draft: (draft.row["USUBJID"], draft["STDTC"], draft["SEQ"])):
        started = draft.moment("STDTC", needed="the day of the dose")
        if draft["OCCUR"].upper() == "N":
            draft.note("OCCUR", "a dose that was given")
        if started is None or draft["OCCUR"].upper() == "N":
            yield from draft.refuse()
            continue
        drugs = lymphodepletion.get(draft.study or draft.row["STUDYID"], ())
        prepares = any(name.casefold() in draft["TRT"].casefold() for name in drugs)
        role = "lymphodepletion" if prepares else "infusion"
        given[draft.row["USUBJID"], role] += 1
        yield from draft.event(
            DoseGiven,
            f"{draft.row['USUBJID']}/{draft['SEQ']}",
            reported_at=at_the_latest(started, draft.zone),
            role=role,
            treatment=draft.text("TRT"),
            number=given[draft.row["USUBJID"], role],
            given=started,
            amount=draft.text("DOSE"),
            unit=draft.text("DOSU"),
        )


def subjects(
    drafts: Iterable[Draft], dose_levels: Mapping[str, int], first_seen: Mapping[str, date]
) -> Iterator[Event | Discrepancy]:
    """Consent, dose level, screen failure and death of each subject; ``first_seen``: its first recorded procedure."""
    for draft in drafts:
        subject = draft.row["USUBJID"]
        started, died = draft.moment("RFSTDTC"), draft.moment("DTHDTC")
        ended = draft.moment("RFPENDTC") or draft.moment("RFENDTC") or draft.moment("DMDTC")
        yield from _screened(draft, subject, first_seen.get(subject))
        level = dose_levels.get(draft["ACTARMCD"] or draft["ARMCD"])
        if level is not None and started is not None:
            at = at_the_earliest(started, draft.zone)
            yield from draft.event(Enrolled, f"{subject}/enrolled", reported_at=at, dose_level=level, enrolled=started)
        if ended is not None and "SCREEN FAILURE" in {draft["ARMNRS"].upper(), draft["ARM"].upper()}:
            yield from _withdrawn(draft, f"{subject}/screen failure", ended, "screen failure")
        if died is not None:
            yield from _withdrawn(draft, f"{subject}/death", died, "death")


def _screened(draft: Draft, subject: str, first_seen: date | None) -> Iterator[Event | Discrepancy]:
    consented = draft.moment("RFICDTC") or _no_later_than(draft, first_seen)
    if consented is None:
        return draft.refuse()
    return draft.event(
        Screened,
        f"{subject}/screened",
        reported_at=at_the_earliest(consented, draft.zone),
        site=draft.text("SITEID"),
        consented=consented,
        sex=draft.word("SEX", SEX),
        age_years=_age(draft),
    )


def _withdrawn(draft: Draft, record: str, when: Moment, reason: str) -> Iterator[Event | Discrepancy]:
    at = at_the_latest(when, draft.zone)
    return draft.event(Withdrawn, record, reported_at=at, withdrawn=when, from_what="study", reason=reason)


def _no_later_than(draft: Draft, first_seen: date | None) -> Moment | None:
    """Consent comes before any procedure: where its date is missing, the first day on which anything was recorded."""
    collected = draft.moment("DMDTC")
    known = [str(collected)] if collected else []
    known += [first_seen.isoformat()] if first_seen else []
    taken = Moment(min(known)[:10]) if known else None
    draft.note("RFICDTC", f"the date of informed consent; {f'{taken} is taken, the first' if taken else 'no'} record")
    return taken


def _age(draft: Draft) -> int | None:
    told = draft["AGE"]
    if told.isdecimal() and draft["AGEU"].upper() in {"", "YEARS"}:
        return int(told)
    if told:
        draft.note("AGE", "completed years")
    return None


def ends(drafts: Iterable[Draft]) -> Iterator[Event | Discrepancy]:
    """Completion or withdrawal from disposition records (DS); other protocol milestones are not ends."""
    for draft in drafts:
        if draft["CAT"].upper() not in {"", "DISPOSITION EVENT"}:
            continue
        ended = draft.moment("STDTC", needed="the day of the disposition")
        reason = draft["DECOD"] or draft["TERM"]
        if ended is None:
            yield from draft.refuse()
            continue
        record, at = f"{draft.row['USUBJID']}/{draft['SEQ']}", at_the_latest(ended, draft.zone)
        if reason.upper() == "COMPLETED":
            yield from draft.event(Completed, record, reported_at=at, completed=ended)
        else:
            yield from draft.event(
                Withdrawn, record, reported_at=at, withdrawn=ended, from_what=_from_what(draft), reason=reason
            )


def _from_what(draft: Draft) -> str:
    told = f"{draft['SCAT']} {draft['EPOCH']}".upper()
    return "treatment" if "TREATMENT" in told and "STUDY" not in draft["SCAT"].upper() else "study"
