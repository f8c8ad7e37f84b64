"""Recorded facts against the statements of a protocol: does a statement hold, do we not know, and what decided?

Only what was observed in the running screening counts, which ends with the first treatment: what comes after it is for
the checks before infusions (T9). Of one fact the last record counts; two records of one time that differ leave it
unknown. What is not recorded is not known, never "no".

    live-vaccine-last: 2024-05-20   |<------- within: 4 wk ------->| consent         surely inside
    live-vaccine-last: 2024-05      ...|==========|...                               may be inside
    live-vaccine-last: false        never given: outside
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

from safety_stream.clinical.events import FactRecorded, Screened
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.quantity import Unreadable, read_value
from safety_stream.rulebook.criteria import Inputs, Verdict
from safety_stream.rulebook.recorded import AGE, SEX, AnyOf, LastWithin, NumberIs, RecordedFact, SexIs, Statement
from safety_stream.rulebook.written import parsed


class Known(NamedTuple):
    """One fact as it stands; ``value`` None: told in two ways at one time."""

    value: bool | str | None
    source: str
    observed_at: Moment | None = None


class Case(NamedTuple):
    """What dated facts are counted back from: the consent, in the zone of the study."""

    consented: Moment
    zone: tzinfo


class Held(NamedTuple):
    """Whether a statement holds, the facts it was judged on, those not on file, and why it cannot be judged.

    ``aside``: why a criterion that is met does not apply to the subject.
    """

    holds: Verdict
    used: Mapping[str, Known]
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    aside: str | None = None


def facts_between(frame: Frame, since: datetime | None, until: datetime | None) -> dict[str, Known]:
    """The last record of every fact that was surely observed since one instant and before another; null: no bound."""
    return _last_of_each(frame, _told_between(frame, since, until))


def facts_for_check(frame: Frame, since: datetime, until: datetime) -> dict[str, Known]:
    """The last record of every fact observed in the check before an infusion: until it, or on its day at no told hour.

    As a result of that day is: an infection of the day of the infusion, told by the date alone, is no reason to go on.
    """
    told = (one for one in frame.facts_told if since <= one.observed_at.earliest(frame.zone) <= until)
    return _last_of_each(frame, told)


def _told_between(frame: Frame, since: datetime | None, until: datetime | None) -> Iterator[FactRecorded]:
    for one in frame.facts_told:
        earliest, latest = one.observed_at.bounds(frame.zone)
        if (since is None or earliest >= since) and (until is None or latest < until):
            yield one


def _last_of_each(frame: Frame, told: Iterable[FactRecorded]) -> dict[str, Known]:
    found: dict[str, list[FactRecorded]] = {}
    for one in told:
        found.setdefault(one.name, []).append(one)
    return {name: _last(same, frame) for name, same in found.items()}


def _last(told: list[FactRecorded], frame: Frame) -> Known:
    last = max(told, key=lambda one: (*one.observed_at.bounds(frame.zone), one.source.record))
    same = [one for one in told if one.observed_at.bounds(frame.zone) == last.observed_at.bounds(frame.zone)]
    agree = all(type(one.value) is type(last.value) and one.value == last.value for one in same)
    sources = sorted(f"{one.source.record} v{one.source.version}" for one in (same if not agree else [last]))
    return Known(last.value if agree else None, "; ".join(sources), last.observed_at)


def screening_facts(frame: Frame, number: int) -> dict[str, Known]:
    """The facts of one screening, the age at consent among them; the first begins with what was known before.

    The last one ends with the first treatment; a fact first recorded between that and the first infusion is taken too,
    as a criterion first measured then is.
    """
    since = frame.screenings[number - 1].since if number > 1 else None
    until = frame.screenings[number].since if number < len(frame.screenings) else None
    told = list(_told_between(frame, since, until))
    before = [one for one in told if frame.treated_before(*one.observed_at.bounds(frame.zone)) is not True]
    facts = _last_of_each(frame, before)
    if len(before) < len(told):
        facts = facts_between(frame, since, _first_infused(frame)) | facts
    return facts | told_with_screening(frame, number)


def told_with_screening(frame: Frame, number: int) -> dict[str, Known]:
    """The age at consent as the screening tells it, and the sex as this screening, else another one, tells it."""
    this, facts = frame.screenings[number - 1].screened, dict[str, Known]()
    if this.age_years is not None:
        facts[AGE] = _of_screening(str(this.age_years), this)
    by = next((one for one in (this, *(other.screened for other in frame.screenings)) if one.sex is not None), None)
    if by is not None and by.sex is not None:
        facts[SEX] = _of_screening(by.sex, by)
    return facts


def _of_screening(value: str, screened: Screened) -> Known:
    return Known(value, f"{screened.source.record} v{screened.source.version}", screened.consented)


def _first_infused(frame: Frame) -> datetime | None:
    return min((one.latest for one in frame.infusions), default=None)


def judge_fact(name: str, criterion: RecordedFact, facts: Mapping[str, Known], case: Case) -> tuple[Verdict, Held]:
    """Whether a criterion is met, also because it does not apply to the subject; and what decided that.

    An exclusion that was recorded as present breaks it, whomever it was meant for: a pregnancy of somebody whose sex
    was told as male is a contradiction to clear up, never a reason to go on.
    """
    verdict, both = _judged(name, criterion, facts, case)
    applies = None if criterion.only_for is None else held(criterion.only_for, facts, case)
    if applies is None or applies.holds:
        return verdict, both
    told = ", ".join(used_in_words(applies.used))
    if verdict is False and not criterion.must_be:
        said = (f"recorded although it does not apply: {told}",) if applies.holds is False else ()
        return verdict, both._replace(used={**both.used, **applies.used}, reasons=(*both.reasons, *said))
    if applies.holds is False:
        return True, applies._replace(aside=f"does not apply: {told}")
    return (verdict, both) if verdict else (None, _joined(None, [both, applies]))


def _judged(name: str, criterion: RecordedFact, facts: Mapping[str, Known], case: Case) -> tuple[Verdict, Held]:
    """By the statement, by the plain yes or no under the criterion's own name, or by both.

    Where the two contradict each other the one that breaks the criterion counts.
    """
    judged = [_whether(name, facts)] if criterion.when is None or name in facts else []
    judged += [held(criterion.when, facts, case)] if criterion.when is not None else []
    met = [None if one.holds is None else one.holds is criterion.must_be for one in judged]
    decided = [one for one in met if one is not None]
    verdict: Verdict = all(decided) if decided else None
    both = _joined(verdict, judged)
    if len(set(decided)) > 1:
        both = both._replace(reasons=(*both.reasons, "the parts and the plain answer contradict each other"))
    return verdict, both if verdict is None else both._replace(missing=())


def held(statement: Statement, facts: Mapping[str, Known], case: Case) -> Held:
    """Whether a statement holds; None: it cannot be known."""
    if isinstance(statement, str):
        return _whether(statement, facts)
    if isinstance(statement, NumberIs):
        return _number(statement, facts)
    if isinstance(statement, LastWithin):
        return _within(statement, facts, case)
    if isinstance(statement, SexIs):
        return _sex(statement, facts)
    parts = [held(one, facts, case) for one in (statement.any_of if isinstance(statement, AnyOf) else statement.all_of)]
    decisive = isinstance(statement, AnyOf)
    answers = [one.holds for one in parts]
    if decisive in answers:
        return _joined(decisive, [one for one in parts if one.holds is decisive])
    return _joined(None if None in answers else not decisive, parts)


def _joined(holds: Verdict, parts: list[Held]) -> Held:
    used = {name: known for one in parts for name, known in one.used.items()}
    missing = tuple(dict.fromkeys(name for one in parts for name in one.missing))
    return Held(holds, used, missing, tuple(dict.fromkeys(reason for one in parts for reason in one.reasons)))


def _known(name: str, facts: Mapping[str, Known]) -> Known | Held:
    known = facts.get(name)
    if known is None:
        return Held(None, {}, (name,))
    if known.value is None:
        return Held(None, {name: known}, (), (f"{name} was told in two ways at one time",))
    return known


def _whether(name: str, facts: Mapping[str, Known]) -> Held:
    known = _known(name, facts)
    if isinstance(known, Held):
        return known
    if not isinstance(known.value, bool):
        return Held(None, {name: known}, (), (f"{name} is {known.value!r}; expected true or false",))
    return Held(known.value, {name: known})


def _number(statement: NumberIs, facts: Mapping[str, Known]) -> Held:
    name, known = statement.fact, _known(statement.fact, facts)
    if isinstance(known, Held):
        return known
    number = read_value(known.value) if isinstance(known.value, str) else None
    if number is None or isinstance(number, Unreadable):
        return Held(None, {name: known}, (), (f"{name} is {_word(known.value)}; expected a number",))
    return Held(parsed(statement.limit).judge(Inputs(number, None, None, None, {})), {name: known})


def _sex(statement: SexIs, facts: Mapping[str, Known]) -> Held:
    known = _known(SEX, facts)
    if isinstance(known, Held):
        return known
    if known.value not in {"female", "male"}:
        return Held(None, {SEX: known}, (), (f"{SEX} is {_word(known.value)}; expected female or male",))
    return Held(known.value == statement.sex, {SEX: known})


def _within(statement: LastWithin, facts: Mapping[str, Known], case: Case) -> Held:
    """Inside from the day so long before consent, that day included; a day after consent is inside too."""
    name, known = statement.last, _known(statement.last, facts)
    if isinstance(known, Held):
        return known
    if known.value is False:
        return Held(False, {name: known})
    day = _day(known.value)
    if day is None:
        return Held(None, {name: known}, (), (f"{name} is {_word(known.value)}; expected a date, or false for never",))
    last, consent = day.dates(case.zone), case.consented.dates(case.zone)
    if last[0] >= statement.within.before(consent[1]):
        return Held(True, {name: known})
    if last[1] < statement.within.before(consent[0]):
        return Held(False, {name: known})
    return Held(None, {name: known}, (), (f"{name} {day} is not exact enough: it may lie inside",))


def _day(value: bool | str | None) -> Moment | None:
    try:
        return Moment(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _word(value: bool | str | None) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def used_in_words(used: Mapping[str, Known]) -> Iterator[str]:
    """The facts that decided, each with its value."""
    for name, known in used.items():
        yield f"{name}: {'told in two ways' if known.value is None else _word(known.value).strip(chr(39))}"
