"""Random trials with known truth: six subjects each, and a hospital that errs as hospitals do.

    the course (courses, misfortunes)  -->  truth_of: what is so
                 |
    records: noise, visits  -->  what goes wrong: twice, late, provisional; hemolysed (mostly corrected); another
                                 unit; another subject's tube (taken back); reports omitted, late, graded too low, in
                                 the site's own words, or one line at the worst grade for the whole course

The same seed gives the same trials. What went wrong is kept beside each subject, so that a miss can be explained.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from safety_stream.clinical.events import AdverseEvent, AnyEvent, ClockTicked, Event
from safety_stream.sandbox.cast import Member
from safety_stream.sandbox.misfortunes import Illness, Misfortune, Spell, draw
from safety_stream.sandbox.records import INFUSION_DAYS, SITE, STUDY, Arrival, Records
from safety_stream.sandbox.simulator import again, delivered, specimen_of
from safety_stream.sandbox.true_course import LIMITS, Truth, true_level, truth_of

SUBJECTS = 6
_MEASURED = {*LIMITS, "ALP", "CREAT", "TEMP"}
_DAYS_APART, _ENDS_ON = 14, 50


@dataclass(frozen=True, slots=True)
class Volunteer:
    """One subject of a random trial: the records, what truly happens, the truth, and what went wrong in telling it."""

    records: Records
    misfortune: Misfortune
    truth: Truth
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RandomTrial:
    """Events in order of arrival, and the truth about each subject."""

    events: tuple[AnyEvent, ...]
    volunteers: dict[str, Volunteer]


def random_trial(seed: int, number: int) -> RandomTrial:
    """One trial of a series."""
    chance = Random(f"{seed}/{number}")  # noqa: S311 - a story, no secret
    people, arrivals = {}, list[Arrival]()
    for place in range(SUBJECTS):
        name = f"{number:03}-{place + 1}"
        misfortune = draw(chance)
        member = Member(
            name, chance.choice(("female", "male")), 1, place * _DAYS_APART,
            infusion_days=_infusions(misfortune), syndrome=misfortune.syndrome,
            turns={"NEUT": chance.uniform(0.35, 1.1), "PLT": chance.uniform(40, 120), "HGB": chance.uniform(76, 102)},
        )  # fmt: skip
        records = Records(_with_more_visits(member, Records(member, Random(name))), Random(name))  # noqa: S311
        told, wrong = _told(records, misfortune, chance)
        people[name] = Volunteer(records, misfortune, truth_of(records.body, misfortune), wrong)
        arrivals += told
    arrivals.sort(key=lambda one: one.at)
    end = max(one.at for one in arrivals) + timedelta(days=_ENDS_ON)
    return RandomTrial((*(one.event for one in arrivals), ClockTicked(as_of=end)), people)  # type: ignore[arg-type]


def _infusions(misfortune: Misfortune) -> tuple[int, ...]:
    """No further cells after an event of grade 3 that only the site can see."""
    spells = misfortune.illness.spells if misfortune.illness else ()
    stops = min((one.start for one in spells if one.grade >= 3), default=float("inf"))
    return tuple(day for day in INFUSION_DAYS if day < stops)


def _with_more_visits(member: Member, first: Records) -> Member:
    """Liver tests or potassium far from normal are measured again every day, as any site would."""
    days = range(9, 43)
    ill = [day for day in days if true_level("ALT", first.body, day) > 120 or true_level("K", first.body, day) > 5.8]
    planned = {-6, 0, 7, 14, 28, 42, -2, -1, 2, 9, 10, 11, 12, 16, 21, 35}
    after = [ill[-1] + 1, ill[-1] + 2] if ill else []
    return replace(member, extra_chemistry=tuple(day for day in [*ill, *after] if day not in planned))


def _told(records: Records, misfortune: Misfortune, chance: Random) -> tuple[list[Arrival], tuple[str, ...]]:
    """Everything that arrives about one subject, and what went wrong."""
    arrivals = [one for one in records.all() if one.result is None or one.result[1] in _MEASURED]
    told = list(_spoiled(arrivals, chance))
    sent, wrong = [arrival for arrival, _ in told], [spoiled for _, spoiled in told if spoiled]
    if misfortune.illness is not None:
        reports, how = _reported(records, misfortune.illness, chance)
        sent += reports
        wrong += how
    return sent, tuple(wrong)


def _spoiled(arrivals: list[Arrival], chance: Random) -> Iterator[tuple[Arrival, str]]:
    """Each arrival with what is wrong with it, if anything: some values are not the subject's."""
    fates: dict[str, float] = {}
    for arrival in arrivals:
        test = arrival.result[1] if arrival.result else None
        if test == "K" and chance.random() < 0.012:
            yield from _hemolysed(arrival, chance)
        elif test == "HGB" and chance.random() < 0.004:
            value = f"{float(_value(arrival)) / 10:.1f}"
            yield _changed(arrival, value=value), "unit: hemoglobin in g/dL, called g/L"
        elif test == "NEUT" and chance.random() < 0.004:
            yield _changed(arrival, value="0.21"), ""  # another subject's tube, taken back two days later
            yield again(arrival, timedelta(days=2), status="entered-in-error"), "another subject's tube"
        elif arrival.result is None:
            yield arrival, ""
        else:
            fate = fates.setdefault(specimen_of(arrival.event), chance.random())
            yield from ((one, "") for one in delivered(arrival, fate))


def _hemolysed(arrival: Arrival, chance: Random) -> Iterator[tuple[Arrival, str]]:
    """A false potassium; four times in five the laboratory corrects it within hours."""
    corrected = chance.random() < 0.8
    said = "hemolysed, corrected" if corrected else "hemolysed, never corrected"
    yield _changed(arrival, value=f"{chance.uniform(6.2, 7.6):.2f}"), said
    if corrected:
        yield again(arrival, timedelta(hours=chance.uniform(1, 8)), status="corrected"), ""


def _changed(arrival: Arrival, **facts: Any) -> Arrival:
    return replace(arrival, event=arrival.event.model_copy(update=facts))


def _value(arrival: Arrival) -> str:
    return str(getattr(arrival.event, "value", ""))


def _reported(records: Records, illness: Illness, chance: Random) -> tuple[list[Arrival], list[str]]:
    """The site's reports of an illness, and how they depart from it."""
    if chance.random() < 0.08:
        return [], ["report omitted"]
    wrong = []
    own_words, too_low, one_line = (chance.random() < part for part in (0.06, 0.05, 0.30))
    if own_words:
        wrong.append("report in the site's own words")
    worst = max(one.grade for one in illness.spells)
    low = 1 if too_low and worst >= 3 else 0
    if low:
        wrong.append("report graded one too low")
    spells = illness.spells
    if one_line:
        wrong.append("one line at the worst grade for the whole course")
        spells = (Spell(worst, spells[0].start, spells[-1].end),)
    late = chance.uniform(24, 240) if chance.random() < 0.10 else 0.0
    wrong += ["report days late"] if late else []
    told: list[Arrival] = []
    for number, spell in enumerate(spells, start=1):
        seen = records.at(spell.start) + timedelta(hours=chance.uniform(2, 20) + late)
        term = {"term": illness.own_words} if own_words else {"term": illness.term, "meddra_code": illness.meddra_code}
        told += _line(records, f"ae-{number}", spell._replace(grade=spell.grade - low * (spell.grade >= 3)), seen, term)
    return told, wrong


def _line(records: Records, key: str, spell: Spell, seen: datetime, term: dict[str, str]) -> list[Arrival]:
    """A first report while it lasts, and a second version when that grade is over."""
    facts = {
        **term, "grade": spell.grade, "onset": records.at(spell.start).isoformat(), "attribution": "probable",
        "seriousness": ["hospitalization"] if spell.grade >= 3 else [],
    }  # fmt: skip
    ended = records.at(spell.end)
    over = {"outcome": "recovered", "resolved": ended.isoformat()}
    first = _report(records, key, 1, seen, facts | ({"outcome": "not-recovered"} if seen < ended else over))
    return [first, _report(records, key, 2, max(seen, ended) + timedelta(hours=6), facts | over)]


def _report(records: Records, key: str, version: int, at: datetime, facts: dict[str, Any]) -> Arrival:
    name = records.member.subject
    source = {"system": f"{SITE}-edc", "id": f"{name}-{key}", "version": version}
    head = {"study": STUDY, "subject": name, "source": source, "reported_at": at}
    event: Event = AdverseEvent.model_validate(head | facts)
    return Arrival(at + timedelta(seconds=30), event)
