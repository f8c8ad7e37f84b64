"""The simulated trial: every message that the bundled trial's hospital sends in eight months, in order of arrival.

The same seed gives the same bytes. The cast (``cast.py``) says what happens to whom, ``records.py`` writes it down,
and here the post goes wrong as it does in life: results come twice, late, provisionally, corrected, and once torn.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from safety_stream.clinical.events import ClockTicked, Event
from safety_stream.intake.native import write
from safety_stream.sandbox.cast import CAST, FIRST_DAY_ZERO, LAST_DAY, Member
from safety_stream.sandbox.records import ZONE, Arrival, Records
from safety_stream.sandbox.truth import TRUTH, Expectation

DEFAULT_SEED = 7
CORRECTED = ("001", (-1, "K"), "4.32")
"""A hemolysed specimen: the potassium is corrected to this value four hours later."""
NINE_DAYS_LATE = ("003", (16, "FERRITIN"))
TORN = ("007", (5, "HGB"))
_DAY_BEFORE_CONSENT = -16


@dataclass(frozen=True, slots=True)
class Message:
    """One message: when it arrives, and its bytes. ``answers``: it answers one that people were alerted to."""

    at: datetime
    line: bytes
    is_tick: bool = False
    answers: bool = False


@dataclass(frozen=True, slots=True)
class SimulatedTrial:
    """Messages in order of arrival, and the truth about them: what must be found."""

    seed: int
    messages: tuple[Message, ...]
    truth: tuple[Expectation, ...]


def simulated_trial(seed: int = DEFAULT_SEED) -> SimulatedTrial:
    """The whole story of the cast: some 4,000 messages over 240 days."""
    messages = list(_ticks())
    for member in CAST:
        messages += _post(member, Random(f"{seed}/{member.subject}"))  # noqa: S311 - a story, no secret
    messages.sort(key=lambda message: message.at)
    return SimulatedTrial(seed, tuple(messages), TRUTH)


def _ticks() -> Iterator[Message]:
    """The clock at every noon, so that windows close when nothing else is said."""
    first = datetime.combine(FIRST_DAY_ZERO, time(12), tzinfo=ZONE)
    for day in range(_DAY_BEFORE_CONSENT, LAST_DAY + 1):
        noon = first + timedelta(days=day)
        yield Message(noon, write(ClockTicked(as_of=noon)), is_tick=True)


def _post(member: Member, chance: Random) -> Iterator[Message]:
    """One subject's messages, with what goes wrong on the way."""
    records = Records(member, chance)
    arrivals = [*_misdelivered(member, list(records.all()), chance)]
    arrivals += records.follow_up(LAST_DAY - member.opens, chance)  # last, so that it moves nothing before it
    for arrival in arrivals:
        if arrival.result is not None and arrival.result[0] in member.absent:
            continue
        line = write(arrival.event)
        if (member.subject, arrival.result) == TORN:
            yield Message(arrival.at, line[: len(line) * 2 // 3])
            yield Message(arrival.at + timedelta(hours=2), line)
        else:
            yield Message(arrival.at, line, answers=arrival.event.status == "corrected")


def _misdelivered(member: Member, arrivals: list[Arrival], chance: Random) -> Iterator[Arrival]:
    """Each arrival as the post brings it: once, twice, late, provisionally first, or corrected afterwards."""
    fates: dict[str, float] = {}
    for arrival in arrivals:
        special = (member.subject, arrival.result)
        if special == CORRECTED[:2]:
            yield arrival
            yield again(arrival, timedelta(hours=4), status="corrected", value=CORRECTED[2])
        elif special == NINE_DAYS_LATE:
            yield again(arrival, timedelta(days=9), version=1)
        elif special == TORN or arrival.result is None or arrival.result in member.values:
            yield arrival
        else:
            fate = fates.setdefault(specimen_of(arrival.event), chance.random())
            yield from delivered(arrival, fate)


def delivered(arrival: Arrival, fate: float) -> Iterator[Arrival]:
    """What becomes of one specimen's results: ``fate`` is drawn from 0 to 1, once a specimen."""
    if fate < 0.02:  # sent twice by an interface that did not see the answer
        yield arrival
        yield replace(arrival, at=arrival.at + timedelta(minutes=20 + 12_000 * fate))
    elif fate < 0.035:  # the line was down: released in time, here one to two days later
        yield replace(arrival, at=arrival.at + timedelta(hours=24 + 1_600 * (fate - 0.02)))
    elif fate < 0.055:  # released provisionally first
        yield replace(arrival, event=arrival.event.model_copy(update={"status": "preliminary"}))
        yield again(arrival, timedelta(hours=2))
    else:
        yield arrival


def again(arrival: Arrival, later: timedelta, version: int = 2, **changed: Any) -> Arrival:
    """The same result in a further version, reported and arriving later."""
    source = arrival.event.source.model_copy(update={"version": version})
    changed |= {"source": source, "reported_at": arrival.event.reported_at + later}
    return replace(arrival, at=arrival.at + later, event=arrival.event.model_copy(update=changed))


def specimen_of(event: Event) -> str:
    """The specimen a result is of; empty for what is no result."""
    return str(getattr(event, "specimen", ""))
