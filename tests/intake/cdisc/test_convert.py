"""Claims about SDTM: what the site and the laboratory wrote is what arrives, and nothing goes missing in silence."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from safety_stream.clinical.events import (
    AdverseEvent,
    Completed,
    DoseGiven,
    Enrolled,
    Event,
    LabResult,
    Screened,
    VitalSign,
    Withdrawn,
)
from safety_stream.intake import read
from safety_stream.intake.cdisc import Converted, convert_folder
from safety_stream.intake.native import write

NEW_YORK = ZoneInfo("America/New_York")
SAMPLES = [folder / "shared" / "data" / "cdisc" for folder in Path(__file__).resolve().parents[3:]]
SAMPLE = next((folder for folder in SAMPLES if folder.is_dir()), None)

LB = "STUDYID USUBJID LBSEQ LBTESTCD LBORRES LBORRESU LBORNRLO LBORNRHI LBSTRESC LBSTRESN LBSTAT LBDTC"
AE = "STUDYID USUBJID AESEQ AESPID AETERM AELLT AELLTCD AESEV AETOXGR AESER AESHOSP AEREL AEOUT AEDTC AESTDTC AEENDTC"
DM = "STUDYID USUBJID RFSTDTC RFICDTC RFPENDTC DTHDTC SITEID AGE AGEU SEX ARMCD ARM DMDTC"


def dataset(folder: Path, name: str, columns: str, rows: Iterable[dict[str, str]]) -> None:
    """A dataset of one study S and, unless a row says otherwise, subject 01 and rows numbered from 1."""
    prefix = name.upper()
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns.split())
        table.writeheader()
        for number, row in enumerate(rows, start=1):
            cells = {"STUDYID": "S", "USUBJID": "01", f"{prefix}SEQ": str(number), **row}
            table.writerow({column: cells.get(column, "") for column in table.fieldnames})


def converted(folder: Path, **how: Any) -> Converted:
    """The folder as events, in New York's time."""
    return convert_folder(folder, NEW_YORK, **how)


def of(kind: type[Event], result: Converted) -> list[Any]:
    """The events of one kind."""
    return [event for event in result.events if isinstance(event, kind)]


def fields_of(result: Converted, name: str) -> list[str]:
    """The fields of a dataset that discrepancies name, without those of the dataset as a whole."""
    return [each.field for each in result.discrepancies if each.dataset == name and each.row is not None]


def test_a_result_is_taken_as_reported(tmp_path: Path) -> None:
    """The reported 3.80 g/dL is taken, not the standardized 38.00000004; '<0.2' keeps its sign; 14:45 is New York's."""
    albumin = {"LBTESTCD": "ALB", "LBORRES": "3.80", "LBORRESU": "g/dL", "LBORNRLO": "3.3", "LBORNRHI": "4.9"}
    noise = {"LBSTRESC": "38", "LBSTRESN": "38.00000004", "LBDTC": "2013-12-26T14:45"}
    bilirubin = {"LBTESTCD": "BILI", "LBORRES": "<0.2", "LBORRESU": "mg/dL", "LBDTC": "2013-12-26T14:45"}
    dataset(tmp_path, "lb", LB, [{**albumin, **noise}, bilirubin])
    first, second = of(LabResult, converted(tmp_path))
    assert (first.value, first.unit, first.range_low, first.range_high) == ("3.80", "g/dL", "3.3", "4.9")
    assert (first.source.system, first.source.id) == ("SDTM LB", "01/1")
    assert str(first.observed_at) == "2013-12-26T14:45-05:00"
    assert first.reported_at.isoformat() == "2013-12-26T14:45:00-05:00"
    assert second.value == "<0.2"
    assert first.specimen == second.specimen


@pytest.mark.parametrize(
    ("category", "material", "test"),
    [
        ("CHEMISTRY", "", "GLUC"),
        ("CHEMISTRY", "SERUM", "GLUC"),
        ("CHEMISTRY", "URINE", "URINE GLUC"),
        ("URINALYSIS", "", "URINE GLUC"),
        ("", "CEREBROSPINAL FLUID", "CEREBROSPINAL FLUID GLUC"),
    ],
)
def test_a_test_in_urine_is_not_one_in_blood(tmp_path: Path, category: str, material: str, test: str) -> None:
    """SDTM gives glucose in blood and in urine one code; the material, or the category, tells them apart."""
    row = {"LBTESTCD": "GLUC", "LBCAT": category, "LBSPEC": material, "LBORRES": "20", "LBDTC": "2013-07-01"}
    dataset(tmp_path, "lb", f"{LB} LBCAT LBSPEC", [row])
    (event,) = of(LabResult, converted(tmp_path))
    assert event.test == test


@pytest.mark.parametrize(
    ("told", "taken", "reported", "noted"),
    [
        ("2013-07-01T08:00", "2013-07-01T08:00-04:00", "2013-07-01T08:00:00-04:00", False),  # summer time
        ("2013-07-01", "2013-07-01", "2013-07-01T23:59:59-04:00", False),  # the day is all we know
        ("2013-07", "2013-07", "2013-07-31T23:59:59-04:00", False),
        ("2013-07-01T08:00:30Z", "2013-07-01T08:00:30Z", "2013-07-01T04:00:30-04:00", False),
        ("2013-07-01T08", "2013-07-01", "2013-07-01T23:59:59-04:00", True),  # minutes unknown: the day
        ("2013---14", "2013", "2013-12-31T23:59:59-05:00", True),  # month unknown: the year
        ("2013-03-10T02:30", "2013-03-10T02:30-05:00", "2013-03-10T03:30:00-04:00", True),  # skipped by the clocks
        ("2013-11-03T01:30", "2013-11-03T01:30-04:00", "2013-11-03T01:30:00-04:00", True),  # shown twice
    ],
)
def test_a_time_is_no_more_exact_than_told(tmp_path: Path, told: str, taken: str, reported: str, noted: bool) -> None:
    """Missing parts stay missing, local time gets its offset of that day, and what is unclear is noted."""
    dataset(tmp_path, "lb", LB, [{"LBTESTCD": "ALB", "LBORRES": "3.8", "LBDTC": told}])
    result = converted(tmp_path)
    (event,) = of(LabResult, result)
    assert (str(event.observed_at), event.reported_at.isoformat()) == (taken, reported)
    assert fields_of(result, "lb") == (["LBDTC"] if noted else [])


@pytest.mark.parametrize("told", ["", "2013-02-30", "03/04/2013", "-----T08:00", "2013-07-01/2013-07-03"])
def test_a_result_without_a_time_is_told(tmp_path: Path, told: str) -> None:
    """A result that nobody can place in time is no event; its row, field, and what was found are reported."""
    dataset(tmp_path, "lb", LB, [{"LBTESTCD": "ALB", "LBORRES": "3.8", "LBDTC": told}])
    result = converted(tmp_path)
    assert not result.events
    lost = [each for each in result.discrepancies if each.row == 2]
    assert {(each.dataset, each.field, each.found, each.kept) for each in lost} == {("lb", "LBDTC", f'"{told}"', False)}


def test_not_done_is_told_and_an_empty_result_is_an_event(tmp_path: Path) -> None:
    """'NOT DONE' is no result; a blank result without it is one, with no value, for the judgement to ask about."""
    day = {"LBTESTCD": "ALB", "LBDTC": "2013-07-01"}
    dataset(tmp_path, "lb", LB, [{**day, "LBSTAT": "NOT DONE"}, {**day, "LBORRES": "", "LBORRESU": ""}])
    result = converted(tmp_path)
    (event,) = of(LabResult, result)
    assert (event.value, event.unit) == (None, None)
    assert fields_of(result, "lb") == ["LBSTAT"]


def test_later_reports_of_an_adverse_event_are_its_versions(tmp_path: Path) -> None:
    """E08, reported on 27 August and as recovered on 2 September, is one source in versions 1 and 2."""
    rash = {"AESPID": "E08", "AETERM": "ERYTHEMA", "AESEV": "MILD", "AEREL": "POSSIBLE", "AESTDTC": "2012-08"}
    later = {**rash, "AEDTC": "2012-09-02", "AEOUT": "RECOVERED/RESOLVED", "AEENDTC": "2012-08-30"}
    first = {**rash, "AEDTC": "2012-08-27", "AEOUT": "NOT RECOVERED/NOT RESOLVED"}
    dataset(tmp_path, "ae", AE, [later, first])
    one, two = of(AdverseEvent, converted(tmp_path))
    assert (one.source.record, one.source.version, one.outcome) == ("SDTM AE|01/E08", 1, "not-recovered")
    assert (two.source.record, two.source.version, two.outcome) == ("SDTM AE|01/E08", 2, "recovered")
    assert (str(one.onset), one.attribution) == ("2012-08", "possible")
    assert one.reported_at.isoformat() == "2012-08-27T23:59:59-04:00"


def test_one_sponsor_id_for_two_terms_is_two_events(tmp_path: Path) -> None:
    """An id that names two terms is a line number, not an event: each row stands alone, and this is told."""
    day = {"AESPID": "1", "AEDTC": "2013-01-01"}
    dataset(tmp_path, "ae", AE, [{**day, "AETERM": "RASH"}, {**day, "AETERM": "FALL"}])
    result = converted(tmp_path)
    assert {event.source.record for event in of(AdverseEvent, result)} == {"SDTM AE|01/row 1", "SDTM AE|01/row 2"}
    assert fields_of(result, "ae") == ["AESPID", "AESPID"]


def test_severe_is_a_word_and_no_grade(tmp_path: Path) -> None:
    """AESEV SEVERE gives no CTCAE grade; AETOXGR 3 does; AETOXGR 'severe' is noted."""
    day = {"AEDTC": "2013-01-01", "AETERM": "RASH"}
    rows: list[dict[str, str]] = [{"AESEV": "SEVERE"}, {"AETOXGR": "3"}, {"AETOXGR": "GRADE 4"}, {"AETOXGR": "severe"}]
    dataset(tmp_path, "ae", AE, [{**day, **row} for row in rows])
    result = converted(tmp_path)
    grades = {event.source.id: (event.grade, event.severity_word) for event in of(AdverseEvent, result)}
    assert grades == {
        "01/row 1": (None, "severe"),
        "01/row 2": (3, None),
        "01/row 3": (4, None),
        "01/row 4": (None, None),
    }
    assert fields_of(result, "ae") == ["AETOXGR"]


def test_hospitalization_is_kept_although_the_report_says_not_serious(tmp_path: Path) -> None:
    """AESER N beside AESHOSP Y: both are kept, because the contradiction is for a person to resolve."""
    dataset(tmp_path, "ae", AE, [{"AETERM": "SYNCOPE", "AESER": "N", "AESHOSP": "Y", "AEDTC": "2013-06-25"}])
    (event,) = of(AdverseEvent, converted(tmp_path))
    assert (event.serious, event.seriousness) == (False, {"hospitalization"})


def test_strange_words_and_codes_are_noted_and_the_event_stays(tmp_path: Path) -> None:
    """An unknown causality or a code that is not MedDRA's does not cost us the event."""
    row = {"AETERM": "RASH", "AEREL": "MAYBE", "AELLTCD": "77", "AELLT": "Rash NOS", "AEDTC": "2013-01-01"}
    dataset(tmp_path, "ae", AE, [row])
    result = converted(tmp_path)
    (event,) = of(AdverseEvent, result)
    assert (event.attribution, event.meddra_code) == ("unknown", None)
    assert event.narrative == "MedDRA lowest level term: Rash NOS"
    assert sorted(fields_of(result, "ae")) == ["AELLTCD", "AEREL"]


def test_a_report_without_any_date_is_not_lost(tmp_path: Path) -> None:
    """A death reported without a date is dated by the subject's last record, which is told."""
    dataset(tmp_path, "lb", LB, [{"LBTESTCD": "ALB", "LBORRES": "3.8", "LBDTC": "2013-07-01"}])
    dataset(tmp_path, "ae", AE, [{"AETERM": "SUDDEN DEATH", "AEOUT": "FATAL"}])
    result = converted(tmp_path)
    (event,) = of(AdverseEvent, result)
    assert event.reported_at.isoformat() == "2013-07-01T23:59:59-04:00"
    assert fields_of(result, "ae") == ["AEDTC"]


def test_consent_without_a_date_is_no_later_than_the_first_procedure(tmp_path: Path) -> None:
    """RFICDTC is blank, demographics are of 5 July, blood was taken on 1 July: consent came no later than 1 July."""
    dataset(tmp_path, "lb", LB, [{"LBTESTCD": "ALB", "LBORRES": "3.8", "LBDTC": "2013-07-01T09:00"}])
    dataset(tmp_path, "dm", DM, [{"DMDTC": "2013-07-05", "SEX": "F", "AGE": "63", "AGEU": "YEARS", "SITEID": "701"}])
    result = converted(tmp_path)
    (screened,) = of(Screened, result)
    assert (str(screened.consented), screened.sex, screened.age_years, screened.site) == (
        "2013-07-01",
        "female",
        63,
        "701",
    )
    assert fields_of(result, "dm") == ["RFICDTC"]
    assert result.events[0] is screened, "consent is known before the day's results"


def test_the_course_of_a_subject(tmp_path: Path) -> None:
    """Consent, dose level by arm, numbered doses, screen failure, death and completion: each has its event."""
    dm = {"RFICDTC": "2013-07-01", "SEX": "M", "AGE": "50"}
    dataset(
        tmp_path,
        "dm",
        DM,
        [
            {**dm, "USUBJID": "01", "ARMCD": "LOW", "RFSTDTC": "2013-07-10", "DTHDTC": "2013-08-02"},
            {**dm, "USUBJID": "02", "ARMCD": "SCRNFAIL", "ARM": "Screen Failure", "RFPENDTC": "2013-07-04T10:00"},
        ],
    )
    ex = "STUDYID USUBJID EXSEQ EXTRT EXDOSE EXDOSU EXOCCUR EXSTDTC"
    doses = [("FLUDARABINE", "2013-07-05"), ("CAR-NK", "2013-07-17"), ("CAR-NK", "2013-07-10"), ("CAR-NK", "")]
    rows = [{"EXTRT": name, "EXDOSE": "54.5", "EXDOSU": "mg", "EXSTDTC": day} for name, day in doses]
    dataset(tmp_path, "ex", ex, [*rows, {**rows[1], "EXOCCUR": "N"}])
    ds = "STUDYID USUBJID DSSEQ DSCAT DSDECOD DSSTDTC"
    ends = [("PROTOCOL MILESTONE", "INFORMED CONSENT OBTAINED"), ("DISPOSITION EVENT", "COMPLETED")]
    dataset(tmp_path, "ds", ds, [{"DSCAT": c, "DSDECOD": d, "DSSTDTC": "2013-08-01"} for c, d in ends])
    result = converted(tmp_path, dose_levels={"LOW": 1}, lymphodepletion={"S": ["fludarabine"]})
    given = {(dose.role, dose.number, str(dose.given), dose.amount) for dose in of(DoseGiven, result)}
    assert given == {
        ("lymphodepletion", 1, "2013-07-05", "54.5"),
        ("infusion", 1, "2013-07-10", "54.5"),
        ("infusion", 2, "2013-07-17", "54.5"),
    }
    assert [(event.subject, event.dose_level, str(event.enrolled)) for event in of(Enrolled, result)] == [
        ("01", 1, "2013-07-10")
    ]
    assert [(event.subject, event.reason) for event in of(Withdrawn, result)] == [
        ("02", "screen failure"),
        ("01", "death"),
    ]
    assert [str(event.completed) for event in of(Completed, result)] == ["2013-08-01"]
    assert sorted(fields_of(result, "ex")) == ["EXOCCUR", "EXSTDTC"]


@pytest.mark.parametrize(
    ("drugs", "study", "roles"),
    [
        ({"S": ["fludarabine", "Fludara"]}, None, ["lymphodepletion", "lymphodepletion", "infusion"]),
        ({"S": ["melphalan"]}, None, ["infusion", "infusion", "lymphodepletion"]),
        ({"OURS": ["melphalan"]}, "OURS", ["infusion", "infusion", "lymphodepletion"]),  # under our name of the study
        ({"OTHER": ["melphalan"]}, None, ["infusion", "infusion", "infusion"]),  # another study's drugs
    ],
)
def test_what_is_lymphodepletion_is_the_studys_own(
    tmp_path: Path, drugs: dict[str, list[str]], study: str | None, roles: list[str]
) -> None:
    """No drug is bound to the program: the names come with the study, in capitals or not, alone or within a name."""
    given = [("FLUDARABINE PHOSPHATE", "2013-07-05"), ("Fludara", "2013-07-06"), ("Melphalan", "2013-07-07")]
    rows = [{"EXTRT": name, "EXSTDTC": day} for name, day in given]
    dataset(tmp_path, "ex", "STUDYID USUBJID EXSEQ EXTRT EXSTDTC", rows)
    result = converted(tmp_path, lymphodepletion=drugs, study=study, only=("ex",))
    assert [one.role for one in of(DoseGiven, result)] == roles


def test_broken_files_are_told(tmp_path: Path) -> None:
    """A short row, bytes that are no UTF-8, no subject ids, two files of one name, none at all: each is named."""
    (tmp_path / "lb.csv").write_text("STUDYID,USUBJID,LBSEQ\nS,01\n", encoding="utf-8")
    (tmp_path / "vs.csv").write_bytes(b"STUDYID,USUBJID\nS,\xb5\n")
    (tmp_path / "eg.csv").write_text("A,B\n1,2\n", encoding="utf-8")
    (tmp_path / "ae.csv").write_text("STUDYID,USUBJID\n", encoding="utf-8")
    (tmp_path / "ae.csv.gz").write_bytes(gzip.compress(b"STUDYID,USUBJID\n"))
    (tmp_path / "ex.csv.gz").write_bytes(b"not gzip")
    (tmp_path / "ds.xpt").write_bytes(b"not a transport file")
    result = converted(tmp_path)
    assert not result.events
    assert Counter(each.dataset for each in result.discrepancies) == Counter(["dm", "ex", "ds", "lb", "vs", "eg", "ae"])
    assert all(each.sentence for each in result.discrepancies)


def test_every_event_survives_the_trip(tmp_path: Path) -> None:
    """What is written as native JSON is read back as the same event, also where there is no value."""
    dataset(tmp_path, "lb", LB, [{"LBTESTCD": "ALB", "LBORRES": v, "LBDTC": "2013-07-01T09:00"} for v in ("3.80", "")])
    dataset(tmp_path, "ae", AE, [{"AETERM": "RASH", "AESHOSP": "Y", "AEDTC": "2013-01-01"}])
    events = converted(tmp_path).events
    assert [read(None, write(event))[0] for event in events] == list(events)


@pytest.mark.skipif(SAMPLE is None, reason="the sample of a real trial is not on this machine")
def test_a_real_trial() -> None:
    """Every row of the CDISC pilot study is an event or a discrepancy; the numbers are counted in its files."""
    assert SAMPLE is not None
    result = converted(SAMPLE, only=("dm", "ex", "lb", "vs", "ae"))
    counts = Counter(type(event) for event in result.events)
    assert counts == {
        LabResult: 59_580,
        VitalSign: 29_643 - 8,  # 8 readings are NOT DONE
        AdverseEvent: 1_191,
        DoseGiven: 591,
        Screened: 306,
        Withdrawn: 52 + 3,  # screen failures and deaths
    }
    assert Counter((each.dataset, each.field, each.kept) for each in result.discrepancies) == {
        ("vs", "VSSTAT", False): 8,
        ("dm", "RFICDTC", True): 306,
    }
    reports = of(AdverseEvent, result)
    assert len({event.source.record for event in reports}) == 883  # events by subject and AESPID
    assert Counter(event.source.version for event in reports) == {1: 883, 2: 294, 3: 13, 4: 1}
    assert {event.grade for event in reports} == {None}
    assert Counter(event.severity_word for event in reports) == {"mild": 770, "moderate": 378, "severe": 43}
    assert sum(1 for event in reports if "hospitalization" in event.seriousness) == 32
    assert Counter(len(str(event.onset)) for event in reports) == {10: 1_165, 7: 15, 4: 11}
    results = of(LabResult, result)
    assert Counter(event.value for event in results if "<" in str(event.value)) == {"<0.2": 5, "<40": 1}
    assert sum(1 for event in results if event.unit == "THOU/uL") == 10_781
    assert sum(1 for event in results if not event.observed_at.is_instant) == 225
    times = [event.reported_at for event in result.events]
    assert times == sorted(times)
