"""Claims about the 3+3 advice of one dose level: every state up to six evaluable and three pending, against the words.

The rules, as published, with which the code is compared here state by state:

    two subjects with a DLT           the dose is too high: stop, go down
    three subjects, none with a DLT   go up
    three subjects, one with a DLT    three more at this level; at most one of the six: go up, else stop
    the maximum tolerated dose        needs six subjects with at most one DLT, so the last level left is filled to six
"""

from itertools import product

import pytest

from safety_stream.clinical.escalation import Counts, Decision, Place, decide, reachable, supports_escalation
from safety_stream.rulebook.load import load_book

_PROTOCOL = load_book(allow_unsigned=True).protocol("CAR-NK-SLE-01")
assert _PROTOCOL is not None
_FOUND = _PROTOCOL.version("1.0").escalation
assert _FOUND is not None
DESIGN = _FOUND

MOST_EVALUABLE, MOST_PENDING = 6, 3
PLACES = [Place(top, above_stopped) for top in (False, True) for above_stopped in (False, True)]
STATES = [
    (Counts(evaluable, dlt, pending), place)
    for evaluable in range(MOST_EVALUABLE + 1)
    for dlt in range(evaluable + 1)
    for pending in range(MOST_PENDING + 1)
    for place in PLACES
]


def said_by_the_rules(evaluable: int, dlt: int, place: Place) -> Decision:
    """The rules in words, nobody pending. More than six evaluable subjects are judged like six."""
    if dlt >= 2:
        return "stop"
    if place.above_stopped:
        return "mtd" if evaluable >= 6 else "fill"
    if evaluable < 3:
        return "enrol"
    goes_up = dlt == 0 or evaluable >= 6
    if goes_up and place.top:
        return "mtd" if evaluable >= 6 else "fill"
    if goes_up:
        return "escalate"
    return "expand" if evaluable == 3 else "enrol"


def every_end(counts: Counts, place: Place) -> set[Decision]:
    """What is said once each pending subject was replaced, went through without a DLT, or had one."""
    ends = product(("replaced", "clean", "dlt"), repeat=counts.pending)
    return {
        said_by_the_rules(
            counts.evaluable + counts.pending - end.count("replaced"), counts.dlt + end.count("dlt"), place
        )
        for end in ends
    }


def advice_with_pending(counts: Counts, place: Place) -> Decision:
    """Two DLTs decide at once; going up, or calling a dose the MTD, waits unless nobody pending can change it.

    Enrolling goes on only up to the three of a first cohort, or the six of an expanded or filled one; those who are
    pending fill their places. The second three come only when the first three are known.
    """
    now = said_by_the_rules(counts.evaluable, counts.dlt, place)
    if now == "stop" or counts.pending == 0:
        return now
    if now in {"escalate", "mtd"}:
        return now if every_end(counts, place) == {now} else "wait"
    first_cohort = now == "enrol" and counts.evaluable < 3
    return "wait" if counts.evaluable + counts.pending >= (3 if first_cohort else 6) else now


def dose_allowed(advice: Decision) -> int:
    """How high a dose the advice allows to be given next: below this level, this level, the level above."""
    return {"stop": -1, "escalate": 1}.get(advice, 0)


def test_every_state_is_advised_as_the_rules_say() -> None:
    """The advice and all that is still reachable are what the rules in words say, in each of the 448 states."""
    assert len(STATES) == 448
    for counts, place in STATES:
        assert decide(DESIGN, counts, place) == advice_with_pending(counts, place), (counts, place)
        found = reachable(DESIGN, counts, place)
        assert set(found) == every_end(counts, place), (counts, place)
        assert len(found) == len(set(found)), "no advice is listed twice"


@pytest.mark.parametrize(
    ("evaluable", "dlt", "pending", "advice"),
    [
        (0, 0, 0, "enrol"),
        (2, 1, 0, "enrol"),
        (2, 2, 0, "stop"),
        (3, 0, 0, "escalate"),
        (3, 1, 0, "expand"),
        (3, 2, 0, "stop"),
        (4, 1, 0, "enrol"),
        (5, 1, 0, "enrol"),
        (6, 1, 0, "escalate"),
        (6, 2, 0, "stop"),
        (0, 0, 2, "enrol"),
        (0, 0, 3, "wait"),
        (2, 0, 1, "wait"),
        (2, 1, 1, "wait"),
        (1, 1, 2, "wait"),
        (1, 1, 1, "enrol"),
        (2, 2, 1, "stop"),
        (3, 0, 1, "wait"),
        (3, 1, 2, "expand"),
        (3, 1, 3, "wait"),
        (6, 0, 1, "escalate"),
        (6, 1, 1, "wait"),
    ],
)
def test_the_states_a_committee_meets(evaluable: int, dlt: int, pending: int, advice: Decision) -> None:
    """Written down one by one, for a middle level: the third subject is waited for before three more come."""
    assert decide(DESIGN, Counts(evaluable, dlt, pending), Place()) == advice


@pytest.mark.parametrize(
    ("evaluable", "dlt", "place", "advice"),
    [
        (3, 0, Place(top=True), "fill"),
        (3, 1, Place(top=True), "expand"),
        (6, 0, Place(top=True), "mtd"),
        (6, 1, Place(top=True), "mtd"),
        (6, 2, Place(top=True), "stop"),
        (3, 0, Place(above_stopped=True), "fill"),
        (6, 1, Place(above_stopped=True), "mtd"),
        (6, 2, Place(above_stopped=True), "stop"),
    ],
)
def test_the_ends_of_the_ladder(evaluable: int, dlt: int, place: Place, advice: Decision) -> None:
    """The top level, and one below a stopped level, hold six subjects before they are called the MTD."""
    assert decide(DESIGN, Counts(evaluable, dlt), place) == advice


def test_one_more_dlt_never_allows_a_higher_dose() -> None:
    """The same subjects with one DLT more: the dose advised is the same or lower, and so is the highest reachable."""
    for counts, place in (one for one in STATES if one[0].dlt < one[0].evaluable):
        worse = counts._replace(dlt=counts.dlt + 1)
        now, then = decide(DESIGN, counts, place), decide(DESIGN, worse, place)
        assert dose_allowed(then) <= dose_allowed(now), (counts, place)
        best, worse_best = (max(map(dose_allowed, reachable(DESIGN, one, place))) for one in (counts, worse))
        assert worse_best <= best, (counts, place)


def test_pending_subjects_hold_the_next_level_back() -> None:
    """While anybody's window is open, going up or naming the MTD is advised only if no outcome can change it."""
    for counts, place in (one for one in STATES if one[0].pending):
        advice, still = decide(DESIGN, counts, place), reachable(DESIGN, counts, place)
        assert advice == "wait" or advice in still, (counts, place)
        assert advice not in {"escalate", "mtd"} or still == (advice,), (counts, place)


@pytest.mark.parametrize(
    ("evaluable", "dlt", "supported"),
    [(2, 0, False), (3, 0, True), (3, 1, False), (5, 1, False), (6, 1, True), (6, 2, False)],
)
def test_what_allows_a_higher_level_to_be_open(evaluable: int, dlt: int, supported: bool) -> None:
    """None of three, or at most one of six."""
    assert supports_escalation(DESIGN, Counts(evaluable, dlt)) is supported
