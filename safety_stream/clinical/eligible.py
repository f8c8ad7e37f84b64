"""The subject against all criteria at once: eligible or not, and before an infusion: go or hold. Home: the header.

    measured criteria, as the pages told the header        --+
    recorded criteria, judged on the facts of the header   --+--> one finding with every criterion, what it lacks,
                                                                  and one breach for each recorded one that is broken

Undetermined criteria are listed in that one finding and raise nothing by themselves. A check for which nothing was on
file stands after the infusion too: it says what was never answered, and by when it should have been. So does one whose
day passed without the infusion: it is held until it is answered, given or moved.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Literal

from safety_stream.clinical.check_due import Wanted
from safety_stream.clinical.conclusion import Evidence, Input, finding_id
from safety_stream.clinical.eligibility import Stage
from safety_stream.clinical.findings_subject import CriterionState, EligibilityBreach, EligibilityStatus
from safety_stream.clinical.fold import Digest, Judged
from safety_stream.clinical.frame import Frame, Upcoming
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.recorded import (
    Case,
    Held,
    Known,
    facts_for_check,
    judge_fact,
    screening_facts,
    told_with_screening,
    used_in_words,
)
from safety_stream.rulebook.criteria import Verdict
from safety_stream.rulebook.recorded import RecordedFact, names_in, said_in_words

State = Literal["eligible", "not_eligible", "undetermined", "go", "hold"]
Asked = tuple[str, RecordedFact, Verdict, Held]
_SHOWN = 12  # of the names in a sentence: the finding has them all
_VERDICTS: dict[Verdict, Literal["met", "breached", "undetermined"]] = {
    True: "met", False: "breached", None: "undetermined",
}  # fmt: skip


def eligibility_findings(
    frame: Frame, digests: Mapping[str, Digest], book_version: str, wanted: Mapping[int, Wanted]
) -> Iterator[EligibilityBreach | EligibilityStatus]:
    """The overall state of the running screening, the check before each infusion, and broken recorded criteria.

    ``wanted``: the infusions whose check must be answered by now, though nothing may have come for it.
    """
    rules = frame.version.eligibility
    if rules is None or not frame.screenings:
        return
    told = [one for digest in digests.values() for one in digest.judged]
    for number, screening in enumerate(frame.screenings, start=1):
        case = Case(screening.screened.consented, frame.zone)
        asked = list(_asked(rules.recorded.items(), screening_facts(frame, number), case))
        yield from _breaches(frame, asked, Stage("screening", 0, number), book_version)
        yield _screening(frame, told, asked, number, book_version)
    for ahead in frame.upcoming:
        again = _asked_again(frame, ahead)
        here = {one.criterion: one for one in told if one.infusion == ahead.number}
        answered = bool(here) or any(one[3].used for one in again)
        if answered or ahead.given or ahead.number in wanted:
            yield from _breaches(frame, again, Stage("before_infusion", ahead.number), book_version)
            check = _check(frame, ahead, here, again, book_version)
            due = wanted.get(ahead.number) if check.state == "undetermined" else None
            if not answered and ahead.given:
                check = _never_answered(check, ahead)
            if check.criteria:
                yield check if due is None else _wanted(check, due)


def _asked(criteria: Iterable[tuple[str, RecordedFact]], facts: Mapping[str, Known], case: Case) -> Iterator[Asked]:
    for name, criterion in criteria:
        yield name, criterion, *judge_fact(name, criterion, facts, case)


def _asked_again(frame: Frame, ahead: Upcoming) -> list[Asked]:
    """The recorded criteria judged again before one infusion, on what was recorded since its check began."""
    rules = frame.version.eligibility
    if rules is None:
        return []
    began = ahead.day - timedelta(days=rules.recheck_from_days_before)
    before = [one.until for one in frame.upcoming if one.until < ahead.until]
    since = max([Moment(began.isoformat()).earliest(frame.zone), *before])
    facts = facts_for_check(frame, since, ahead.until) | told_with_screening(frame, len(frame.screenings))
    case = Case(frame.screenings[-1].screened.consented, frame.zone)
    return list(_asked(((n, c) for n, c in rules.recorded.items() if c.recheck != "never"), facts, case))


def _screening(
    frame: Frame, told: list[Judged], asked: list[Asked], number: int, book_version: str
) -> EligibilityStatus:
    """At screening; a criterion first measured in the check before the first infusion is judged on that."""
    last = number == len(frame.screenings)
    first = {one.criterion: one for one in told if last and one.infusion == 1}
    here = first | {one.criterion: one for one in told if one.phase == "screening" and one.screening == number}
    criteria = (*_measured(frame, here, dict(frame.version.criteria)), *_recorded(asked))
    given = last and frame.start is not None
    return _status(frame, criteria, Stage("screening", 0, number), book_version, given=given)


def _check(
    frame: Frame, ahead: Upcoming, here: Mapping[str, Judged], again: list[Asked], book_version: str
) -> EligibilityStatus:
    wanted = {name for name, one in frame.version.criteria if _rechecked(frame, one.recheck, ahead, name in here)}
    criteria = (*_measured(frame, here, wanted), *_recorded(again))
    return _status(frame, criteria, Stage("before_infusion", ahead.number), book_version, given=ahead.given)


def _wanted(check: EligibilityStatus, due: Wanted) -> EligibilityStatus:
    """The check with what it lacks by when: the infusion is held until it is answered."""
    passed = " That day has passed, and the infusion was neither told nor moved." if due.lapsed else ""
    said = f"{check.evidence.sentence} Hold until answered: infusion planned on {due.day}.{passed}"
    evidence = check.evidence.model_copy(update={"sentence": said})
    return check.model_copy(update={"needed_by": due.day, "lapsed": due.lapsed, "evidence": evidence})


def _never_answered(check: EligibilityStatus, ahead: Upcoming) -> EligibilityStatus:
    """The check of an infusion that was given although nothing was on file for it."""
    said = f"{check.evidence.sentence} Never answered: infusion {ahead.number} was given on {ahead.day} without it."
    evidence = check.evidence.model_copy(update={"sentence": said})
    return check.model_copy(update={"unanswered_by": ahead.day, "evidence": evidence})


def _rechecked(frame: Frame, rule: str, ahead: Upcoming, judged: bool) -> bool:
    if rule == "default" and frame.version.eligibility is not None:
        rule = frame.version.eligibility.recheck
    return judged or rule == "before_each_infusion" or (rule == "before_lymphodepletion" and ahead.number == 1)


def _measured(frame: Frame, here: Mapping[str, Judged], wanted: Iterable[str]) -> Iterator[CriterionState]:
    names = set(wanted)
    for name, criterion in frame.version.criteria:
        one = here.get(name)
        if name not in names:
            continue
        if one is None:
            missing = f"a valid result ({criterion.analyte})"
            yield CriterionState(
                criterion=name, text=criterion.text, verdict="undetermined", limit=criterion.must,
                to_pass=f"a result {criterion.must}", missing=(missing,),
            )  # fmt: skip
        elif one.met:
            yield CriterionState(criterion=name, text=criterion.text, verdict="met")
        else:
            yield CriterionState(
                criterion=name, text=criterion.text, verdict=_VERDICTS[one.met],
                value=f"{one.value} {one.unit or ''}".strip(), limit=one.limit, distance=one.distance,
                to_pass=one.to_pass, decided_by=(one.source,), missing=one.reasons if one.met is None else (),
            )  # fmt: skip


def _recorded(asked: Iterable[Asked]) -> Iterator[CriterionState]:
    for name, criterion, met, held in asked:
        if met:
            yield CriterionState(criterion=name, text=criterion.text, verdict="met", not_applicable=held.aside)
        else:
            yield CriterionState(
                criterion=name, text=criterion.text, verdict=_VERDICTS[met], limit=_limit(name, criterion),
                to_pass=_to_pass(name, criterion, held), decided_by=tuple(used_in_words(held.used)),
                missing=(*held.missing, *(held.reasons if met is None else ())),
            )  # fmt: skip


def _limit(name: str, criterion: RecordedFact) -> str:
    return f"{'holds' if criterion.must_be else 'does not hold'}: {said_in_words(criterion.when or name)}"


def _to_pass(name: str, criterion: RecordedFact, held: Held) -> str:
    named = ", ".join(held.missing) if held.missing else ", ".join(dict.fromkeys(names_in(criterion.when or name)))
    word = "true" if criterion.must_be else "false"
    return f"recorded: {named}; or {name}: {word}" if criterion.when is not None else f"recorded: {name}: {word}"


def _status(
    frame: Frame,
    criteria: tuple[CriterionState, ...],
    stage: Stage,
    book_version: str,
    *,
    given: bool,
) -> EligibilityStatus:
    infusion, screening = stage.infusion, stage.screening
    words: tuple[State, State] = ("go", "hold") if infusion else ("eligible", "not_eligible")
    broken = [one.criterion for one in criteria if one.verdict == "breached"]
    open_ = [one for one in criteria if one.verdict == "undetermined"]
    state: State = words[1] if broken else "undetermined" if open_ else words[0]
    about = f"Before infusion {infusion}" if infusion else f"Screening {screening}" if screening > 1 else "Screening"
    counted = f"{len(criteria) - len(broken) - len(open_)} of {len(criteria)} criteria met"
    told = [f"{about}: {state.replace('_', ' ')}: {counted}"]
    told += [f"not met: {', '.join(broken)}"] if broken else []
    told += _what_lacks(open_, dict(frame.version.criteria))
    key = ("infusion", infusion) if infusion else ("screening", screening)
    return EligibilityStatus(
        id=finding_id(frame.study, frame.subject, "eligibility-status", *key),
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/eligibility",
            book=book_version,
            reasons=(_MISSING, *(() if infusion else _age_of_results(frame))),
            sentence=f"{'; '.join(told)}.",
        ),
        check="before_infusion" if infusion else "screening",
        screening=screening,
        infusion=infusion,
        state=state,
        enrolled=frame.enrolled is not None and (infusion > 0 or screening == len(frame.screenings)),
        given=given,
        criteria=criteria,
    )


_MISSING = "T9: a missing result or fact is undetermined, never eligible"


def _age_of_results(frame: Frame) -> Iterator[str]:
    days = frame.version.eligibility.days_before_consent if frame.version.eligibility else None
    if days is not None:
        yield f"T39: a result taken more than {days} days before consent is no result"


def _what_lacks(open_: Iterable[CriterionState], measured: Collection[str]) -> Iterator[str]:
    """The undetermined criteria by what to do about them: measure, record, or look at what was told."""
    told: dict[str, list[str]] = {"no result": [], "not recorded": [], "cannot be judged": []}
    for one in open_:
        if one.value or not one.missing:
            told["cannot be judged"].append(one.criterion)
        elif one.criterion in measured:
            told["no result"].append(one.criterion)
        else:
            partly = f" ({', '.join(one.missing)})" if one.decided_by else ""
            told["not recorded"].append(one.criterion + partly)
    for about, names in told.items():
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        if names:
            yield f"{about}: {', '.join(names[:_SHOWN])}{more}"


def _breaches(frame: Frame, asked: Iterable[Asked], stage: Stage, book_version: str) -> Iterator[EligibilityBreach]:
    key = f"|screening {stage.screening}" if stage.screening > 1 else ""
    for name, criterion, met, held in asked:
        if met is not False:
            continue
        decided = tuple(used_in_words(held.used))
        yield EligibilityBreach(
            id=finding_id(frame.study, frame.subject, "eligibility-recorded", f"{name}|{stage.infusion}{key}"),
            **frame.head,
            evidence=Evidence(
                rule=f"{frame.study}/{frame.version.version}/eligibility/{name}",
                book=book_version,
                inputs=tuple(
                    Input(name=fact, value=said.partition(": ")[2], source=held.used[fact].source)
                    for fact, said in zip(held.used, decided, strict=True)
                ),
                comparison=f"{'; '.join(decided)} against: {_limit(name, criterion)}",
                reasons=held.reasons,
                sentence=f"{criterion.text}: not met, recorded {'; '.join(decided)}.",
            ),
            criterion=name,
            criterion_text=criterion.text,
            phase=stage.phase,
            verdict="breached",
            value="; ".join(decided),
            unit=None,
            limit=_limit(name, criterion),
            distance=None,
            to_pass=_to_pass(name, criterion, held),
            observed_at=max(
                (one.observed_at for one in held.used.values() if one.observed_at is not None),
                key=lambda one: one.bounds(frame.zone),
                default=None,
            ),
            screening=stage.screening,
        )
