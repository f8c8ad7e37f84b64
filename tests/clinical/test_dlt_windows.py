"""The DLT window in calendar days: infusions on days 0, 7 and 14 (24 June, 1 and 8 July 2024, 10:00 in Shanghai)."""

import pytest
from stories import STUDY, TREATED, Played, adjudicated, adverse, at, bundled, bundled_with, infusion

from safety_stream.alerting.policy import revise
from safety_stream.clinical.dlt_windows import in_window
from safety_stream.clinical.frame import Frame, frame_of
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Window
from safety_stream.rulebook.tables import Book


def frame() -> Frame:
    """The frame of a subject with all three infusions."""
    record = Played(TREATED).record
    return frame_of("CAR-NK-SLE-01", "001", record.header.facts, bundled().protocols["CAR-NK-SLE-01"])


# onset, then inside? for each_infusion, first_infusion, last_infusion (None: maybe)
CASES = [
    ("2024-06-23T23:59:00+08:00", False, False, False),  # the day before
    ("2024-06-24T09:00:00+08:00", False, False, False),  # on day 0, an hour before the infusion
    ("2024-06-24T10:00:00+08:00", True, True, False),  # at the infusion
    ("2024-06-24", True, True, False),  # day 0, time not told: calendar days count
    ("2024-06-30T23:59:59+08:00", True, True, False),
    ("2024-07-08T12:00:00+08:00", True, True, True),  # day 14
    ("2024-07-22T23:59:59+08:00", True, True, True),  # day 28: inside (T2)
    ("2024-07-23T00:00:00+08:00", True, False, True),  # day 29: only the later infusions hold it
    ("2024-07-22T16:00:00+00:00", True, False, True),  # the same instant told in UTC: the zone of the study decides
    ("2024-07-22T15:59:59+00:00", True, True, True),
    ("2024-08-05T23:59:59+08:00", True, False, True),  # day 42 = day 28 of infusion 3
    ("2024-08-06", False, False, False),
    (
        "2024-07",
        True,
        None,
        None,
    ),  # every day lies in some window; the first ends on the 22nd, the last begins on the 8th
    ("2024-06", None, None, False),
    ("2024-08", None, False, None),
    ("2024", None, None, None),
    ("2023", False, False, False),
    ("2025-01-01", False, False, False),
]


@pytest.mark.parametrize(("onset", "each", "first", "last"), CASES)
def test_window(onset: str, *, each: bool | None, first: bool | None, last: bool | None) -> None:
    """Whether an onset lies in the window, for each of the three anchors (T1)."""
    found = [
        in_window(frame(), Moment(onset), Window(days=28, anchor=anchor)).inside
        for anchor in ("each_infusion", "first_infusion", "last_infusion")
    ]
    assert found == [each, first, last]


def test_the_finding_names_the_infusions_that_hold_the_onset() -> None:
    """Day 10 lies in the windows of infusions 1 and 2; day 20 in all three."""
    by_day = {
        day: in_window(frame(), Moment(at(day).isoformat()), Window(days=28)).infusions for day in (3, 10, 20, 30, 40)
    }
    assert by_day == {3: (1,), 10: (1, 2), 20: (1, 2, 3), 30: (2, 3), 40: (3,)}


def _counted_from_the_last() -> Book:
    """The bundled protocol with a window that is counted from the last infusion."""
    dlt = bundled().protocols[STUDY].versions[0].dlt
    assert dlt is not None
    return bundled_with(dlt=dlt.model_copy(update={"window": Window(days=28, anchor="last_infusion")}))


CRS = adverse("Cytokine release syndrome", 3, grade=4, attribution="probable", outcome="not-recovered", record="ae")


def test_a_candidate_that_the_next_infusion_leaves_behind_is_taken_back_with_that_reason() -> None:
    """Onset on day 3, infusion 2 on day 7: 28 days from the last infusion begin after the onset; the mail says so."""
    played = Played([*TREATED[:6], CRS], book=_counted_from_the_last())
    warned = played.one("dose_limiting_toxicity")
    assert any("one more infusion moves it past this onset" in one for one in warned.evidence.reasons)
    (gone,) = [one for one in played.take(infusion(2, 7)).changes if one.finding.kind == "dose_limiting_toxicity"]
    assert gone.change == "withdrawn"
    (mail,) = revise(gone)
    assert (mail.state, mail.decision.action) == ("withdrawn", "send")
    assert dict(mail.facts)["Why"].startswith("a dose was told or corrected: the onset lies in no DLT window now (T1)")


@pytest.mark.parametrize("last", [6, 7, 8])
def test_what_a_person_confirmed_counts_whatever_infusion_follows(last: int) -> None:
    """Confirmed after infusion 1, or only after the next ones: a dose-limiting toxicity, and the finding says why."""
    book = _counted_from_the_last()
    confirmed = adjudicated(Played([*TREATED[:6], CRS], book=book).one("dose_limiting_toxicity").id, 20, "confirmed")
    facts = [*TREATED[:last], CRS, confirmed]
    for order in (facts, facts[::-1]):
        played = Played(order, book=book)
        found, status = played.one("dose_limiting_toxicity"), played.record.header.status
        assert (found.state, found.infusions) == ("confirmed", (1,))
        assert status is not None
        assert (status.dlt, status.evaluable) == ("confirmed", True)
        assert not played.of("data_query", code="adjudication_without_finding")
        said = " ".join(found.evidence.reasons)
        assert ("the last; confirmed by a person, so it counts" in said) is (last > 6)
        assert ("T1: the anchors disagree" in said) is (last > 6)


def test_only_a_person_takes_back_what_a_person_confirmed() -> None:
    """Confirmed on day 20 and refuted on day 25, after three infusions: no toxicity of the window is left."""
    book = _counted_from_the_last()
    event = Played([*TREATED[:6], CRS], book=book).one("dose_limiting_toxicity").id
    decisions = [adjudicated(event, 20, "confirmed"), adjudicated(event, 25, "refuted")]
    assert Played([*TREATED, CRS, *decisions], book=book).of("dose_limiting_toxicity") == []
