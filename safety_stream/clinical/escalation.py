"""The 3+3 decision of one dose level: a pure function of counts, with every decision that is still reachable.

    evaluable   DLT 0        1         2 or more
    0, 1, 2     enrol        enrol     stop
    3           escalate     expand    stop
    4, 5        escalate     enrol     stop
    6           escalate     escalate  stop

The table itself is the protocol's. Around it: subjects whose window is still open make the advice wait, the top
level (or it is declared as tolerated) and a level below a stopped one are filled to six before they are called MTD,
a level above one that lost its support holds, above one that was stopped it stops, and nothing here ever acts.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from safety_stream.rulebook.escalation_table import Escalation

Decision = Literal["enrol", "wait", "escalate", "expand", "stop", "fill", "mtd", "declare", "hold"]
ORDER: tuple[Decision, ...] = ("enrol", "wait", "hold", "expand", "escalate", "fill", "declare", "mtd", "stop")
_UPWARD = frozenset({"escalate", "mtd", "declare"})


class Counts(NamedTuple):
    """One dose level in numbers: evaluable subjects, those of them with a DLT, and those not decided yet.

    Of the ``pending``, ``lost`` can no longer complete (a DLT, or not evaluable) and ``through`` have completed
    already (a DLT, or none); the others can still end in any way.
    """

    evaluable: int
    dlt: int
    pending: int = 0
    lost: int = 0
    through: int = 0


class Place(NamedTuple):
    """Where the level stands: whether it is the top one, whether the level above it was stopped, and whether the
    levels below allow it to be open: they do, they lost their support, or one of them was stopped."""

    top: bool = False
    above_stopped: bool = False
    below: Literal["allow", "lost", "stopped"] = "allow"


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
    if advice in {"stop", "hold"} or counts.pending == 0:
        return advice
    if advice in _UPWARD:
        return advice if reachable(design, counts, place) == (advice,) else "wait"
    return "wait" if counts.evaluable + counts.pending >= _wanted(design, counts, advice) else advice


def reachable(design: Escalation, counts: Counts, place: Place) -> tuple[Decision, ...]:
    """Every advice that the pending subjects can still bring about, the other levels staying as they are."""
    return tuple(endings(design, counts, place))


def endings(design: Escalation, counts: Counts, place: Place) -> dict[Decision, tuple[tuple[int, int], ...]]:
    """For each reachable advice the ends that lead to it: how many pending have a DLT, how many complete without."""
    found: dict[Decision, list[tuple[int, int]]] = {}
    for struck, completed in ends(counts):
        future = Counts(counts.evaluable + struck + completed, counts.dlt + struck)
        found.setdefault(_settled(design, future, place), []).append((struck, completed))
    return {advice: tuple(found[advice]) for advice in ORDER if advice in found}


def ends(counts: Counts) -> Iterator[tuple[int, int]]:
    """All that can become of the pending subjects: with a DLT, completed without one; the rest is not evaluable."""
    for struck in range(counts.pending + 1):
        open_to_all = counts.pending - counts.lost - counts.through
        # Those who are lost have the DLTs first when few complete, those who are through when many do.
        fewest = max(0, counts.through - struck)
        most = min(counts.pending - struck, open_to_all + counts.through)
        yield from ((struck, completed) for completed in range(fewest, most + 1))


def to_enrol(design: Escalation, counts: Counts, advice: Decision) -> int:
    """How many places are free at the level under its advice."""
    if advice not in {"enrol", "expand", "fill"}:
        return 0
    return max(0, _wanted(design, counts, advice) - counts.evaluable - counts.pending)


def _settled(design: Escalation, counts: Counts, place: Place) -> Decision:
    advice = from_table(design, counts)
    if advice == "stop" or place.below == "stopped":
        return "stop"
    if place.below == "lost":
        return "hold"
    if place.above_stopped:
        return "mtd" if advice == "escalate" and counts.evaluable >= design.expanded else "fill"
    if not place.top or advice != "escalate":
        return advice
    if counts.evaluable >= design.expanded:
        return "mtd"
    return "fill" if design.top_level == "fill_to_6" else "declare"


def _wanted(design: Escalation, counts: Counts, advice: Decision) -> int:
    """How many subjects the level needs before the next decision."""
    if advice in {"fill", "expand"} or counts.evaluable >= design.cohort:
        return design.expanded
    return design.cohort
