"""Amendment replay: version 1.0 against 2.0 of the bundled protocol, the differences worked out by hand."""

import pytest
from stories import bundled, lab, screened

from safety_stream.sandbox.amendment import Unknown, amended

STORY = [screened(protocol_version="1.0"), lab("PLAT", -14, "42"), lab("HGB", -14, "70"), lab("ALT", -14, "95")]
LINES = [one.model_dump_json().encode() for one in STORY]


def test_what_an_amendment_would_have_changed() -> None:
    """Platelets of 42 break 50 and pass 30; hemoglobin of 70 breaks 85 and 80; ALT of 95 breaks both alike."""
    found, rejected = amended(LINES, bundled(), "1.0", "2.0")
    assert not rejected
    alerts = [(one.differs, one.kind, "Platelets" in str(one.before)) for one in found if one.what == "alert"]
    assert ("only_from", "eligibility_breach (screening)", True) in alerts
    assert not any("ALT" in one.sentence.split(": ")[-1] and one.kind == "eligibility_breach" for one in found)


def test_the_same_version_twice_differs_in_nothing() -> None:
    """Whatever the file, a version does not differ from itself."""
    assert amended(LINES, bundled(), "2.0", "2.0") == ([], [])


def test_an_unknown_version_is_named() -> None:
    """The error says which versions there are."""
    with pytest.raises(Unknown, match=r"on file: CAR-NK-SLE-01: 1\.0, 2\.0"):
        amended(LINES, bundled(), "1.0", "9")
