"""The ways to each decision that is still reachable, told compactly: ranges of DLTs and of completed subjects.

With three pending at 0 of 0, "stop" is reached by (2 DLTs, 0 or 1 completed) and by (3 DLTs, 0 completed): one way,
two or three DLTs, however many complete.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from safety_stream.clinical.escalation import Counts, Decision, Place, endings, ends
from safety_stream.clinical.findings_study import Way
from safety_stream.rulebook.escalation_table import Escalation


class _Box(NamedTuple):
    """A range of DLTs, and for each of them a run of completed subjects; ``least``, ``most``: all there can be."""

    dlts: tuple[int, int]
    completed: tuple[int, int]
    from_least: bool
    to_most: bool


def ways(design: Escalation, counts: Counts, place: Place) -> tuple[Way, ...]:
    """Every reachable decision with the outcomes of the pending subjects that lead to it; none when nobody is."""
    if counts.pending == 0:
        return ()
    limits = _limits(ends(counts))
    return tuple(
        _way(advice, box, counts.pending)
        for advice, pairs in endings(design, counts, place).items()
        for box in _joined(_runs(pairs, limits))
    )


def _limits(pairs: Iterable[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """For each number of DLTs the fewest and most who can complete."""
    found: dict[int, list[int]] = {}
    for struck, completed in pairs:
        found.setdefault(struck, []).append(completed)
    return {struck: (min(each), max(each)) for struck, each in found.items()}


def _runs(pairs: Iterable[tuple[int, int]], limits: dict[int, tuple[int, int]]) -> Iterator[_Box]:
    """For each number of DLTs the unbroken runs of completed subjects."""
    for struck, each in groupby(pairs, key=lambda pair: pair[0]):
        completed = [pair[1] for pair in each]
        for _, run in groupby(enumerate(completed), key=lambda item: item[1] - item[0]):
            values = [value for _, value in run]
            low, high = values[0], values[-1]
            yield _Box((struck, struck), (low, high), low == limits[struck][0], high == limits[struck][1])


def _joined(boxes: Iterable[_Box]) -> list[_Box]:
    """Neighbouring numbers of DLTs whose runs read the same become one."""
    found: list[_Box] = []
    for box in sorted(boxes, key=lambda one: (_reads(one), one.dlts)):
        if found and found[-1].dlts[1] + 1 == box.dlts[0] and _reads(found[-1]) == _reads(box):
            found[-1] = _union(found[-1], box)
        else:
            found.append(box)
    return sorted(found)


def _union(one: _Box, other: _Box) -> _Box:
    low, high = min(one.completed[0], other.completed[0]), max(one.completed[1], other.completed[1])
    return _Box((one.dlts[0], other.dlts[1]), (low, high), one.from_least, one.to_most)


def _reads(box: _Box) -> tuple[int, int]:
    """The run as it will be read: -1 where it reaches all there can be."""
    return -1 if box.from_least else box.completed[0], -1 if box.to_most else box.completed[1]


def _way(advice: Decision, box: _Box, pending: int) -> Way:
    completed = "" if box.from_least and box.to_most else f" and {_completed(box)} complete without one"
    return Way.model_construct(
        decision=advice,
        dlts=box.dlts,
        completed=box.completed,
        words=f"{advice}: of the {pending} not decided, {_range(*box.dlts)} with a DLT{completed}",
    )


def _completed(box: _Box) -> str:
    low, high = box.completed
    if low == high:
        return _range(low, high)
    if box.to_most:
        return f"{low} or more"
    return f"at most {high}" if box.from_least else _range(low, high)


def _range(low: int, high: int) -> str:
    first = str(low) if low else "none"
    return first if low == high else f"{first} or {high}" if high == low + 1 else f"{first} to {high}"
