"""Claims about an onset on the day of the first treatment: which came first is not known, and stays not known."""

from datetime import datetime
from pathlib import Path
from typing import Any

from stepping import stepped

from safety_stream.clinical import subject
from safety_stream.clinical.events import ANY_EVENT, SubjectEvent
from safety_stream.rulebook.load import load_book

PROTOCOLS = Path(__file__).resolve().parents[1] / "fixtures" / "protocols"


def told(kind: str, number: int, reported_at: str, **fields: Any) -> SubjectEvent:
    """An event of the CDISC pilot study."""
    source = {"system": "edc", "id": str(number)}
    event = {"kind": kind, "study": "CDISCPILOT01", "subject": "01", "source": source, "reported_at": reported_at}
    read = ANY_EVENT.validate_python({**event, **fields})
    assert read.kind != "clock_ticked"
    return read


def pressure(number: int, day: str, value: str) -> SubjectEvent:
    """A diastolic blood pressure of that day, its hour unknown."""
    fields = {"test": "DIABP", "value": value, "unit": "mmHg", "observed_at": day}
    return told("vital_sign", number, f"{day}T23:59:59-04:00", **fields)


def test_a_recovery_does_not_prove_that_an_event_came_before_treatment() -> None:
    """Diastolic 104 (grade 3) on the day of the first patch, 56 two weeks later: it may have come after the patch.

    11 April   26 April                7 May
    71         first patch, and 104    56
               in an unknown order
    """
    book = load_book(protocols=PROTOCOLS, allow_unsigned=True)
    patch = {"role": "infusion", "treatment": "XANOMELINE", "given": "2013-04-26"}
    course = [
        pressure(1, "2013-04-11", "71"),
        told("dose_given", 2, "2013-04-26T23:59:59-04:00", **patch),
        pressure(3, "2013-04-26", "104"),
        pressure(4, "2013-05-07", "56"),
    ]
    record, emergent = subject.empty("CDISCPILOT01", "01"), []
    for event in course:
        done = stepped(record, event, book, datetime.fromisoformat("2013-05-08T00:00:00-04:00"))
        record = done.record
        emergent += [change.finding.emergent for change in done.changes if change.finding.kind == "toxicity"]
    assert emergent == [None, None], "raised while nobody knows, closed while nobody knows"
