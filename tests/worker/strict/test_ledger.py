"""Only an unbroken prefix of finished events is ever due for a commit."""

from hypothesis import given
from hypothesis import strategies as st

from safety_stream.worker.strict.ledger import Ledger


def test_an_event_in_flight_at_the_head_holds_everything_back() -> None:
    """Offset 0 is still in hand: 1, 2 and 3 are finished, and nothing may be committed (#606)."""
    ledger = Ledger(front=0)
    for offset in (1, 2, 3):
        ledger.finish(offset)
    assert (ledger.front, ledger.due, ledger.waiting) == (0, False, 3)
    ledger.finish(0)
    assert (ledger.front, ledger.due, ledger.waiting) == (4, True, 0)


def test_the_event_after_a_gap_is_not_finished_by_the_gap() -> None:
    """The broker has no 5 to 7; 8 came and is in hand; 9 is finished: nothing is committed until 8 is finished too.

    Where 8 is refused because nothing may be missing before it, 5 to 7 have not been committed past.
    """
    ledger = Ledger(front=5)
    ledger.skip(5, 8)
    ledger.finish(9)
    assert ledger.front == 5
    ledger.finish(8)
    assert ledger.front == 10


def test_what_was_finished_survives_a_failed_commit() -> None:
    """Nothing is confirmed, so it is still due, and at no lower offset (#316)."""
    ledger = Ledger(front=0)
    ledger.finish(0)
    assert ledger.due
    assert ledger.due, "asking does not use it up"
    ledger.confirm(1)
    assert not ledger.due


@given(st.permutations(range(12)), st.sets(st.integers(0, 11)), st.integers(0, 12))
def test_any_order_of_finishing_commits_the_longest_unbroken_prefix(
    order: list[int], absent: set[int], count: int
) -> None:
    """Whatever the order: every offset before the front is finished or known not to exist, and the last is finished."""
    ledger = Ledger(front=0)
    for offset in sorted(absent):
        ledger.skip(offset, offset + 1)
    finished = [offset for offset in order if offset not in absent][:count]
    for offset in finished:
        ledger.finish(offset)
    known = absent | set(finished)
    expected = next(offset for offset in range(13) if offset not in known)
    while expected and expected - 1 in absent:
        expected -= 1
    assert ledger.front == expected


@given(st.lists(st.integers(0, 30)))
def test_the_front_never_goes_back(offsets: list[int]) -> None:
    """A late or repeated acknowledgement never lowers what may be committed."""
    ledger = Ledger(front=10)
    fronts = []
    for offset in offsets:
        ledger.finish(offset)
        fronts.append(ledger.front)
    assert fronts == sorted(fronts)
    assert all(front >= 10 for front in fronts)
