"""What we conclude ourselves is made without being checked again, and is what checking would have made."""

import pytest

from safety_stream.clinical.conclusion import GradeRange, Reading
from safety_stream.clinical.moment import Moment

FACTS = {
    "source": "lis|7 v1",
    "observed_at": Moment("2026-03-04T07:30:00+08:00"),
    "unit": "10*9/L",
    "value": "0.42",
    "grade": GradeRange(lowest=4, highest=4),
}


def test_it_equals_one_that_was_checked_byte_for_byte() -> None:
    """Equal, the same JSON in the same order of fields whatever the order told, and frozen."""
    made, checked = Reading.made(**FACTS), Reading.model_validate(FACTS)
    assert made == checked
    assert made.model_dump_json() == checked.model_dump_json()
    assert made.model_copy(update={"value": "0.5"}) == checked.model_copy(update={"value": "0.5"})
    with pytest.raises(ValueError, match="frozen"):
        made.value = "1"  # type: ignore[misc]  # that it is frozen is the point


def test_a_field_left_out_is_an_error() -> None:
    """Nothing is filled in: a default would hide that a conclusion says nothing of it."""
    with pytest.raises(KeyError, match="unit"):
        Reading.made(**{name: fact for name, fact in FACTS.items() if name != "unit"})
