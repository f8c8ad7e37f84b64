"""Claims about times as they are told: nothing is filled in, and a zone is never guessed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from safety_stream.clinical.moment import Moment

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_a_date_is_the_whole_day_in_the_zone_of_the_study() -> None:
    """4 March in Shanghai runs from 16:00 UTC of the 3rd to one microsecond before 16:00 UTC of the 4th."""
    earliest, latest = Moment("2026-03-04").bounds(SHANGHAI)
    assert earliest == datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert latest == datetime(2026, 3, 4, 15, 59, 59, 999999, tzinfo=UTC)


def test_a_month_knows_its_leap_day() -> None:
    """February 2028 has 29 days."""
    assert [str(day) for day in Moment("2028-02").dates(SHANGHAI)] == ["2028-02-01", "2028-02-29"]


@pytest.mark.parametrize("told", ["2026-02-30", "2026-13", "2026-03-04T07:30:00", "yesterday", "", "04/03/2026"])
def test_what_is_not_a_time_is_refused(told: str) -> None:
    """An impossible date or an instant without a zone is an error that says what was expected."""
    with pytest.raises(ValueError, match=r".+"):
        Moment(told)
