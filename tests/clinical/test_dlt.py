"""Claims about dose-limiting toxicities: the window to the day, the duration to the hour, and who decides.

Every subject here is infused at 10:00 on days 0, 7 and 14, in Asia/Shanghai (UTC+8):

    day       0          7          14         28         35         42
    2024      1 July     8 July     15 July    29 July    5 August   12 August
    window 1  [-------------------------------]
    window 2             [-------------------------------]
    window 3                        [-------------------------------]
"""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from stepping import stepped

from safety_stream.clinical import subject
from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.dlt import worst
from safety_stream.clinical.dlt_windows import Anchor, in_window
from safety_stream.clinical.events import ANY_EVENT
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import DataQuery, SubjectStatus
from safety_stream.clinical.frame import Frame, Infusion
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Window
from safety_stream.rulebook.load import load_book

STUDY = "CAR-NK-SLE-01"
BOOK = load_book(allow_unsigned=True)
DAY_0 = date(2024, 7, 1)
BEFORE_THE_END = datetime.fromisoformat("2024-08-12T23:59:59+08:00")
THE_END = datetime.fromisoformat("2024-08-13T00:00:00+08:00")


class Told:
    """One subject, told event by event."""

    def __init__(self, *infusions: str) -> None:
        self.record = subject.empty(STUDY, "001")
        self.status: SubjectStatus | None = None
        self.deadline: datetime | None = None
        for number, given in enumerate(infusions, start=1):
            self.tell(
                f"infusion-{number}", kind="dose_given", role="infusion", treatment="anti-CD19 CAR-NK", given=given,
                number=number, amount="2000000", unit="cells/kg", reported_at=f"{given[:10]}T18:00:00+08:00",
            )  # fmt: skip

    def tell(self, record: str, *, version: int = 1, as_of: datetime = BEFORE_THE_END, **fields: Any) -> list[str]:
        """What one more event changed, in words, of the DLT findings."""
        source = {"system": "edc", "id": record, "version": version}
        event = ANY_EVENT.validate_python({"study": STUDY, "subject": "001", "source": source, **fields})
        assert event.kind != "clock_ticked"
        return self._took(stepped(self.record, event, BOOK, as_of))

    def wait_until(self, as_of: datetime) -> list[str]:
        """What the passing of time alone changed."""
        return self._took(subject.step(self.record, None, BOOK, as_of))

    def _took(self, step: subject.Step) -> list[str]:
        self.record, self.deadline = step.record, step.deadline
        self.status = step.status or self.status
        limiting = [(one, one.finding) for one in step.changes if isinstance(one.finding, DoseLimitingToxicity)]
        return [f"{found.rule} {one.change} {found.state}" for one, found in limiting]

    @property
    def limiting(self) -> dict[str, DoseLimitingToxicity]:
        """The DLT finding that stands, by each rule that it meets or may meet."""
        found = subject.standing(self.record).values()
        limiting = [one for one in found if isinstance(one, DoseLimitingToxicity)]
        return {met.rule: one for one in limiting for met in one.rules}

    @property
    def states(self) -> dict[str, str]:
        """Each rule with what is known of it; a person's verdict is on the whole event."""
        return {
            met.rule: one.state if one.adjudicated_by else "candidate" if met.met else "possible"
            for one in self.limiting.values()
            for met in one.rules
        }

    @property
    def questions(self) -> list[str]:
        """The codes of the questions that stand."""
        return [one.code for one in subject.standing(self.record).values() if isinstance(one, DataQuery)]


def _infused(times: int = 3) -> Told:
    return Told(*("2024-07-01T10:00:00+08:00", "2024-07-08T10:00:00+08:00", "2024-07-15T10:00:00+08:00")[:times])


def _event(told: Told, onset: str, **fields: Any) -> list[str]:
    """Cytokine release syndrome of grade 4 unless told otherwise, reported after every window."""
    usual = {
        "kind": "adverse_event", "term": "Cytokine release syndrome", "grade": 4, "attribution": "probable",
        "reported_at": "2024-08-20T09:00:00+08:00",
    }  # fmt: skip
    return told.tell("ae-1", **{**usual, "onset": onset, **fields})


def _crs_3(told: Told, **fields: Any) -> list[str]:
    """Cytokine release syndrome of grade 3 from 08:00 on the day after the first infusion."""
    return _event(told, **{"onset": "2024-07-02T08:00:00+08:00", "grade": 3, **fields})


@pytest.mark.parametrize(
    ("day", "infusions"),
    [
        (-1, None),
        (0, (1,)),
        (6, (1,)),
        (7, (1, 2)),
        (13, (1, 2)),
        (14, (1, 2, 3)),
        (28, (1, 2, 3)),
        (29, (2, 3)),
        (35, (2, 3)),
        (36, (3,)),
        (42, (3,)),
        (43, None),
    ],
)
def test_day_28_is_inside_and_day_29_is_outside_of_each_infusion(day: int, infusions: tuple[int, ...] | None) -> None:
    """An onset on this day lies in the windows of these infusions; outside all of them there is no finding."""
    told = _infused()
    _event(told, (DAY_0 + timedelta(days=day)).isoformat())
    found = told.limiting.get("crs-4")
    assert (found.infusions if found else None) == infusions
    assert found is None or found.state == "candidate"


@pytest.mark.parametrize(
    ("onset", "inside"),
    [
        ("2024-07-29T15:30:00Z", True),
        ("2024-07-29T15:59:59Z", True),
        ("2024-07-29T16:00:00Z", False),
        ("2024-07-29T23:59:00+08:00", True),
        ("2024-07-30T00:00:00+08:00", False),
    ],
)
def test_days_are_counted_where_the_study_is(onset: str, inside: bool) -> None:
    """One infusion on 1 July: its day 28 ends at midnight in Shanghai, 16:00 UTC on 29 July, whatever zone is told."""
    told = _infused(1)
    _event(told, onset)
    assert ("crs-4" in told.states) is inside


def test_the_finding_names_its_window() -> None:
    """An onset on day 10 lies in two windows: from 1 July (day 0) to 5 August (day 28 of the second)."""
    told = _infused()
    _event(told, "2024-07-11")
    found = told.limiting["crs-4"]
    assert (found.window_from, found.window_to, found.infusions) == (date(2024, 7, 1), date(2024, 8, 5), (1, 2))
    assert found.example_rule, "the list is an example until the sponsor signs it"
    assert "T3: example rule, to be signed by the sponsor" in found.evidence.reasons


@pytest.mark.parametrize(
    ("onset", "state"),
    [("2024-07-01T09:59:00+08:00", None), ("2024-07-01T10:00:00+08:00", "candidate"), ("2024-07-01", "candidate")],
)
def test_what_began_before_the_infusion_of_that_day_is_not_of_it(onset: str, state: str | None) -> None:
    """Infused at 10:00: an onset at 09:59 came first; one on that day, its hour untold, counts from day 0 on."""
    told = _infused()
    _event(told, onset)
    assert told.states.get("crs-4") == state


@pytest.mark.parametrize(
    ("onset", "state"),
    [("2024-06", None), ("2024-07", "candidate"), ("2024-08", "possible"), ("2024", "possible"), ("2024-09", None)],
)
def test_an_onset_told_by_its_month(onset: str, state: str | None) -> None:
    """Every day of July is inside; August only to the 12th; June and September not at all."""
    told = _infused()
    _event(told, onset, reported_at="2024-10-01T09:00:00+08:00")
    assert told.states.get("crs-4") == state
    assert state != "possible" or "T4: window not decided yet" in told.limiting["crs-4"].evidence.reasons


@pytest.mark.parametrize(
    ("onset", "each", "first", "last"),
    [
        ("2024-07-03", True, True, False),
        ("2024-07-20", True, True, True),
        ("2024-08-02", True, False, True),
        ("2024-08-13", False, False, False),
        ("2024-07", True, None, None),
    ],
)
def test_each_anchor_has_its_own_window(onset: str, each: bool, first: bool | None, last: bool | None) -> None:
    """Days 2, 19, 32 and 43, and the month of July: counted from each, from the first and from the last infusion."""
    protocol = BOOK.protocol(STUDY)
    assert protocol is not None
    version = protocol.version("1.0")
    frame = Frame(STUDY, "001", version, infusions=tuple(_given(number, version.tz) for number in (1, 2, 3)))
    told: dict[Anchor, bool | None] = {"each_infusion": each, "first_infusion": first, "last_infusion": last}
    for anchor, inside in told.items():
        assert in_window(frame, Moment(onset), Window(days=28, anchor=anchor)).inside is inside, anchor


def _given(number: int, zone: Any) -> Infusion:
    given = Moment((DAY_0 + timedelta(days=7 * (number - 1))).isoformat())
    return Infusion(number, given, *given.bounds(zone), *given.dates(zone), None, None, f"edc|{number}")


def test_a_finding_says_where_the_anchors_disagree() -> None:
    """Day 32 is inside the windows of the later infusions and outside that of the first."""
    told = _infused()
    _event(told, "2024-08-02")
    reasons = told.limiting["crs-4"].evidence.reasons
    assert "T1: the anchors disagree: each_infusion inside, first_infusion outside, last_infusion inside" in reasons
    _event(told, "2024-07-20", version=2)
    assert not [one for one in told.limiting["crs-4"].evidence.reasons if one.startswith("T1")]


def test_without_an_infusion_there_is_no_dlt() -> None:
    """No product was given, so nothing can be its toxicity."""
    told = Told()
    _event(told, "2024-07-02")
    assert told.states == {}


@pytest.mark.parametrize(
    ("resolved", "state"),
    [
        ("2024-07-05T07:59:00+08:00", None),
        ("2024-07-05T08:00:00+08:00", None),
        ("2024-07-05T08:01:00+08:00", "candidate"),
        ("2024-07-05T00:01:00Z", "candidate"),
        ("2024-07-04", None),
        ("2024-07-05", "possible"),
        ("2024-07-06", "candidate"),
        ("2024-07", "possible"),
    ],
)
def test_grade_3_must_last_more_than_72_hours(resolved: str, state: str | None) -> None:
    """From 2 July 08:00, 72 hours end on 5 July 08:00 (00:00 UTC); a day without an hour may fall on either side."""
    told = _infused()
    _crs_3(told, resolved=resolved, outcome="recovered")
    assert told.states.get("crs-3") == state


@pytest.mark.parametrize(
    ("reported_at", "state"),
    [("2024-07-05T08:00:00+08:00", "possible"), ("2024-07-05T08:01:00+08:00", "candidate")],
)
def test_what_has_not_recovered_has_lasted_until_its_report(reported_at: str, state: str) -> None:
    """Still there after exactly 72 hours: it may last longer. A minute later it has."""
    told = _infused()
    _crs_3(told, outcome="not-recovered", reported_at=reported_at)
    assert told.states["crs-3"] == state


def test_time_alone_does_not_make_it_last_and_the_next_report_does() -> None:
    """Not recovered after a day, then silence: it stays possible, past the window too, until somebody reports.

    2 July 08:00    3 July 08:00           13 August            14 August
    onset           not recovered          the window closes    not recovered since
                    possible               possible             candidate
    """
    told = _infused()
    _crs_3(told, outcome="not-recovered", reported_at="2024-07-03T08:00:00+08:00")
    assert told.states["crs-3"] == "possible"
    assert told.wait_until(THE_END) == []
    assert told.status is not None
    assert (told.status.phase, told.status.dlt) == ("completed_window", "possible")
    changed = _crs_3(told, version=2, outcome="not-recovered", reported_at="2024-08-14T08:00:00+08:00")
    assert changed == ["crs-3 changed candidate"]
    assert told.status.dlt == "candidate"


@pytest.mark.parametrize(
    "contradiction",
    [
        {"resolved": "2024-06-30T08:00:00+08:00", "outcome": "recovered"},
        {"resolved": "2024-07-03T08:00:00+08:00", "outcome": "not-recovered"},
    ],
)
def test_dates_that_contradict_each_other_do_not_rule_a_dlt_out(contradiction: dict[str, str]) -> None:
    """Ended before it began, or ended and still there: how long it lasted is not known, so it is possible."""
    told = _infused()
    _crs_3(told, **contradiction)
    assert told.states["crs-3"] == "possible"


@pytest.mark.parametrize(
    ("attribution", "state"),
    [
        ("definite", "candidate"),
        ("probable", "candidate"),
        ("possible", "candidate"),
        ("unknown", "candidate"),
        ("unlikely", None),
        ("unrelated", None),
    ],
)
def test_what_the_product_did_not_cause_is_no_dlt(attribution: str, state: str | None) -> None:
    """Unrelated and unlikely rule a DLT out; an attribution nobody gave does not."""
    told = _infused()
    _event(told, "2024-07-02", attribution=attribution)
    assert told.states.get("crs-4") == state


def test_lymphopenia_is_excluded_however_it_is_seen() -> None:
    """Grade 4 lymphocytes are what lymphodepletion and the product are meant to do; grade 4 lipase is not."""
    told = _infused()
    _event(told, "2024-07-02", term="Lymphocyte count decreased")
    told.tell(
        "lym-1", kind="lab_result", test="LYM", value="0.1", unit="10*9/L", range_low="1.1", range_high="3.2",
        observed_at="2024-07-03T08:00:00+08:00", reported_at="2024-07-03T12:00:00+08:00",
    )  # fmt: skip
    assert told.states == {}
    _event(told, "2024-07-02", term="Lipase increased", version=2)
    assert told.states["non-hematologic-4"] == "candidate"


@pytest.mark.parametrize(
    ("grade", "states"), [(2, {}), (3, {"crs-3": "possible"}), (4, {"crs-3": "possible", "crs-4": "candidate"})]
)
def test_the_grade_decides_the_rule(grade: int, states: dict[str, str]) -> None:
    """Grade 4 at once; grade 3 only if it lasts, and nobody said how long it did."""
    told = _infused()
    _event(told, "2024-07-02", grade=grade)
    assert told.states == states


def test_a_grade_nobody_gave_may_be_a_dlt() -> None:
    """Any grade to 4 is open, so both rules may be met."""
    told = _infused()
    _event(told, "2024-07-02", grade=None)
    assert told.states == {"crs-3": "possible", "crs-4": "possible"}


def test_a_correction_of_the_grade_withdraws_the_candidate() -> None:
    """Grade 3 for 73 hours, then corrected to grade 2; and a report entered in error takes its candidate along."""
    told, over = _infused(), {"resolved": "2024-07-05T09:00:00+08:00", "outcome": "recovered"}
    assert _crs_3(told, **over) == ["crs-3 raised candidate"]
    assert _crs_3(told, version=2, status="corrected", grade=2, **over) == ["crs-3 withdrawn candidate"]
    assert told.status is not None
    assert told.status.dlt == "none"
    assert _crs_3(told, version=3, status="corrected", **over) == ["crs-3 raised candidate"]
    assert _crs_3(told, version=4, status="entered-in-error", **over) == ["crs-3 withdrawn candidate"]


def _decide(told: Told, finding: str, verdict: str, **fields: Any) -> list[str]:
    decision = {
        "kind": "adjudicated", "finding": finding, "verdict": verdict, "by": "Dr. Chen", "why": "reviewed the chart",
        "decided_at": "2024-07-20T10:00:00+08:00", "reported_at": "2024-07-20T10:00:00+08:00",
    }  # fmt: skip
    return told.tell("decision-1", **{**decision, **fields})


def _with_candidate() -> tuple[Told, str]:
    told = _infused()
    _crs_3(told, resolved="2024-07-05T09:00:00+08:00", outcome="recovered")
    return told, told.limiting["crs-3"].id


@pytest.mark.parametrize(("verdict", "dlt"), [("confirmed", "confirmed"), ("refuted", "none")])
def test_a_person_confirms_or_refutes(verdict: str, dlt: str) -> None:
    """The state is the person's, with name, time and reason; nothing is asked."""
    told, finding = _with_candidate()
    assert _decide(told, finding, verdict) == [f"crs-3 changed {verdict}"]
    found = told.limiting["crs-3"]
    assert found.adjudicated_by == "Dr. Chen"
    assert found.adjudication == f"{verdict} on 2024-07-20T10:00:00+08:00: reviewed the chart"
    assert told.status is not None
    assert told.status.dlt == dlt
    assert "adjudication_without_finding" not in told.questions


def test_the_last_decision_holds() -> None:
    """Refuted after it was confirmed, as a new version of the same record; taken back, it is a candidate again."""
    told, finding = _with_candidate()
    _decide(told, finding, "confirmed")
    assert _decide(told, finding, "refuted", version=2) == ["crs-3 changed refuted"]
    assert _decide(told, finding, "refuted", version=3, status="entered-in-error") == ["crs-3 changed candidate"]


def test_a_decision_that_comes_first_waits_for_its_finding() -> None:
    """The decision overtook the report: it is asked about until the report comes, and then holds."""
    _, finding = _with_candidate()
    told = _infused()
    assert _decide(told, finding, "confirmed") == []
    assert "adjudication_without_finding" in told.questions
    assert _crs_3(told, resolved="2024-07-05T09:00:00+08:00", outcome="recovered") == ["crs-3 raised confirmed"]
    assert "adjudication_without_finding" not in told.questions


def test_a_decision_on_an_unknown_finding_is_a_question() -> None:
    """A wrong id confirms nothing: the candidate stays one, and a person is asked."""
    told, _ = _with_candidate()
    assert _decide(told, "F-NO-SUCH-FINDING", "confirmed") == []
    assert told.states == {"crs-3": "candidate"}
    assert "adjudication_without_finding" in told.questions


def test_a_confirmed_dlt_whose_event_is_corrected_is_a_question() -> None:
    """Somebody confirmed it, and the grade became 2: the finding goes, and the decision is asked about."""
    told, finding = _with_candidate()
    _decide(told, finding, "confirmed")
    changed = _crs_3(told, version=2, grade=2, resolved="2024-07-05T09:00:00+08:00", outcome="recovered")
    assert changed == ["crs-3 withdrawn confirmed"]
    assert "adjudication_without_finding" in told.questions


def test_a_decision_on_hys_law_is_known() -> None:
    """ALT 5 x ULN and bilirubin 3 x ULN of one specimen meet a rule; confirming it asks nothing."""
    told = _infused()
    for test, value, unit, high in (
        ("ALT", "200", "U/L", "40"),
        ("BILI", "63", "umol/L", "21"),
        ("ALP", "90", "U/L", "120"),
    ):
        told.tell(
            f"lab-{test}", kind="lab_result", test=test, value=value, unit=unit, range_low="0", range_high=high,
            observed_at="2024-07-10T08:00:00+08:00", reported_at="2024-07-10T12:00:00+08:00",
        )  # fmt: skip
    assert told.states["hys-law"] == "candidate"
    assert told.limiting["hys-law"].id == finding_id(STUDY, "001", "dlt", "composite|hys-law")
    assert _decide(told, told.limiting["hys-law"].id, "confirmed") == ["hys-law changed confirmed"]
    assert "adjudication_without_finding" not in told.questions


def _neutrophils(told: Told, day: int, value: str) -> None:
    observed = f"{(DAY_0 + timedelta(days=day)).isoformat()}T08:00:00+08:00"
    told.tell(
        f"anc-{day}", kind="lab_result", test="NEUT", value=value, unit="10*9/L", range_low="1.8", range_high="6.3",
        observed_at=observed, reported_at=observed,
    )  # fmt: skip


def test_neutropenia_longer_than_the_window_stays_possible_until_decided() -> None:
    """Below 0.5 from day 3: possible on days 10 and 31 (exactly 28 days), a DLT on day 32.

    day     3      10     31     32
    ANC     0.3    0.3    0.3    0.3
    known   0 d    7 d    28 d   29 d
    """
    told, states = _infused(), []
    for day in (3, 10, 31, 32):
        _neutrophils(told, day, "0.3")
        states.append(told.states["neutropenia-4"])
    assert states == ["possible", "possible", "possible", "candidate"]


def test_neutropenia_that_recovers_in_time_is_no_dlt() -> None:
    """Below 0.5 on day 3, 0.8 on day 10: it lasted at most from the sample before to day 10."""
    told = _infused()
    for day, value in ((1, "2.0"), (3, "0.3"), (10, "0.8")):
        _neutrophils(told, day, value)
    assert told.states == {}


@pytest.mark.parametrize(
    ("states", "comes_to"),
    [
        ((), "none"),
        (("refuted",), "none"),
        (("refuted", "possible"), "possible"),
        (("possible", "candidate"), "candidate"),
        (("candidate", "confirmed", "refuted"), "confirmed"),
    ],
)
def test_what_several_findings_come_to(states: tuple[str, ...], comes_to: str) -> None:
    """The worst of them; a refuted one is none."""
    assert worst(states) == comes_to
