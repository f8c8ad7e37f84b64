"""The 3+3 decision of one dose level: a pure function of counts, with every decision that is still reachable.

    evaluable   DLT 0        1         2 or more
    0, 1, 2     enrol        enrol     stop
    3           escalate     expand    stop
    4, 5        escalate     enrol     stop
    6           escalate     escalate  stop

The table itself is the protocol's. Around it: subjects whose window is still open make the advice wait, the top
level and a level below a stopped one are filled to six before they are called MTD, and nothing here ever acts.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from safety_stream.rulebook.escalation_table import Escalation

Decision = Literal["enrol", "wait", "escalate", "expand", "stop", "fill", "mtd"]
ORDER: tuple[Decision, ...] = ("enrol", "wait", "expand", "escalate", "fill", "mtd", "stop")


class Counts(NamedTuple):
    """One dose level in numbers: evaluable subjects, those of them with a DLT, and those not decided yet."""

    evaluable: int
    dlt: int
    pending: int = 0


class Place(NamedTuple):
    """Where the level stands: whether it is the top one, and whether the level above it was stopped."""

    top: bool = False
    above_stopped: bool = False


def from_table(design: Escalation, counts: Counts) -> Decision:
    """What the protocol's table says of the decided subjects alone; past its last row the worst row counts."""
    evaluable, dlt = min(counts.evaluable, design.expanded), counts.dlt
    decision = design.decisions.get((evaluable, min(dlt, evaluable)))
    return decision if decision is not None else "stop"  # type: ignore[return-value]  # Row admits decisions only


def supports_escalation(design: Escalation, counts: Counts) -> bool:
    """Whether the decided subjects alone allow the next level to be open."""
    return from_table(design, counts) == "escalate"


def decide(design: Escalation, counts: Counts, place: Place) -> Decision:
    """The advice for one level now."""
    advice = _settled(design, counts, place)
    if advice == "stop" or counts.pending == 0:
        return advice
    if advice in {"escalate", "mtd"}:
        return advice if reachable(design, counts, place) == (advice,) else "wait"
    return "wait" if counts.evaluable + counts.pending >= _wanted(design, counts, advice) else advice


def reachable(design: Escalation, counts: Counts, place: Place) -> tuple[Decision, ...]:
    """Every advice that the pending subjects can still bring about, whether or not they turn out evaluable."""
    found = {_settled(design, future, place) for future in _futures(counts)}
    return tuple(sorted(found, key=ORDER.index))


def _settled(design: Escalation, counts: Counts, place: Place) -> Decision:
    advice = from_table(design, counts)
    if advice == "stop" or not (place.top or place.above_stopped):
        return advice
    if place.top and not place.above_stopped and design.top_level == "declare":
        return "mtd" if advice == "escalate" else advice
    if advice == "escalate":
        return "mtd" if counts.evaluable >= design.expanded else "fill"
    return "fill" if place.above_stopped else advice


def _wanted(design: Escalation, counts: Counts, advice: Decision) -> int:
    """How many subjects the level needs before the next decision."""
    if advice in {"fill", "expand"} or counts.evaluable >= design.cohort:
        return design.expanded
    return design.cohort


def _futures(counts: Counts) -> Iterator[Counts]:
    for finished in range(counts.pending + 1):
        for struck in range(finished + 1):
            yield Counts(counts.evaluable + finished, counts.dlt + struck)
