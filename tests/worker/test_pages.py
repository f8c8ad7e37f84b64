"""A kept value gives back its page, tells its deadline unread, and knows which of two came later."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.errors import EngineBroken, PageTooLarge
from safety_stream.worker.pages import MAX_PAGE_BYTES, Page, deadline_of, pack, page_key, supersedes, unpack

moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
pages = st.builds(Page, st.integers(0, 2**60), st.none() | moments, st.binary(max_size=200))


@given(pages)
def test_a_page_comes_back_as_it_was_kept(page: Page) -> None:
    """To the microsecond, to the byte."""
    value = pack(page, "header")
    assert unpack(value) == page
    assert deadline_of(value) == page.deadline


@given(pages, pages)
def test_the_higher_offset_counts(one: Page, other: Page) -> None:
    """Whatever the order in which they reached the changelog; the same offset may be written again."""
    assert supersedes(pack(one, "a"), pack(other, "a")) == (other.offset >= one.offset)


def test_a_page_far_below_kafkas_limit_is_already_too_large() -> None:
    """384 KiB are kept, one byte more is refused; a value of 1 MB would stop the worker for good."""
    assert pack(Page(0, None, b"x" * MAX_PAGE_BYTES), "ANC")
    with pytest.raises(PageTooLarge, match="page ANC would have 393217 bytes"):
        pack(Page(0, None, b"x" * (MAX_PAGE_BYTES + 1)), "ANC")


def test_a_form_from_the_future_is_not_guessed_at() -> None:
    """A newer version's value stops an older worker."""
    with pytest.raises(EngineBroken, match="form 9"):
        unpack(b"\x09" + pack(Page(1, None, b""), "a")[1:])


def test_a_key_names_study_subject_and_page() -> None:
    """Readable in the changelog."""
    assert page_key("CAR-NK-SLE-01", "001", "ANC") == b"CAR-NK-SLE-01|001|ANC"
    assert timedelta.resolution == timedelta(microseconds=1)
