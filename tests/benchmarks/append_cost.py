"""What one more result in order costs the whole core, with few and with many results on file.

    nice -n 10 python tests/benchmarks/append_cost.py [--results 10000]

One dosed subject of the bundled trial, one analyte at a time: potassium (graded, nothing else), ALT (graded,
eligibility and Hy's law), neutrophils (graded, DLT rules, joined with temperature). A result every six hours, most of
them normal, every ninth of grade 1 or more. Told: the median over 400 appends from 10, 100, 1,000 and 10,000 results,
in microseconds for ``step``: remembering, judging, finding the difference, the subject's status.
Prints one JSON object. Run by hand; it asserts no time.
"""

import argparse
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from time import perf_counter_ns

from safety_stream.clinical import subject
from safety_stream.clinical.events import ANY_EVENT, SubjectEvent
from safety_stream.clinical.record import SubjectRecord
from safety_stream.clinical.stored import with_its_pages
from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)
STUDY, START, SAMPLES = "CAR-NK-SLE-01", datetime(2024, 6, 24, 0, 0, tzinfo=UTC), 400
COURSES = {
    "K": (("4.1", "4.3", "4.6", "5.4", "4.0", "4.4", "3.9", "4.2", "4.5"), "mmol/L", "3.5", "5.3"),
    "ALT": (("22", "25", "31", "52", "28", "24", "19", "27", "30"), "U/L", "7", "40"),
    "NEUT": (("3.1", "2.8", "2.2", "1.7", "2.4", "3.3", "2.9", "4.1", "3.6"), "10*9/L", "1.8", "6.3"),
}


def main() -> None:
    """Print the medians and how they grow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=int, default=10_000, help="the longest series")
    longest = parser.parse_args().results
    marks = [one for one in (10, 100, 1_000, 10_000, 100_000) if one <= longest]
    told = {key: _costs(key, marks) for key in COURSES}
    print(  # noqa: T201
        json.dumps({"load": os.getloadavg()[0], "microseconds": told, "growth": _growth(told)}, indent=1)
    )


def _growth(told: dict[str, dict[str, float]]) -> dict[str, float]:
    return {key: round(list(costs.values())[-1] / next(iter(costs.values())), 2) for key, costs in told.items()}


def _costs(key: str, marks: list[int]) -> dict[str, float]:
    record = _dosed()
    wanted = {at for mark in marks for at in range(mark, mark + SAMPLES)}
    taken: dict[int, float] = {}
    for number, event in enumerate(_results(key, max(wanted) + 1)):
        began = perf_counter_ns()
        record = _stepped(record, event)
        if number in wanted:
            taken[number] = (perf_counter_ns() - began) / 1000
    return {str(mark): round(median(taken[at] for at in range(mark, mark + SAMPLES)), 1) for mark in marks}


def _stepped(record: SubjectRecord, event: SubjectEvent) -> SubjectRecord:
    judge = partial(subject.step, event=event, book=BOOK, as_of=event.reported_at)
    return with_its_pages(record, subject.with_empty_page, judge).record


def _dosed() -> SubjectRecord:
    record = subject.empty(STUDY, "001")
    screened = START - timedelta(days=14)
    for event in (
        _event("screened", "screening", screened, site="hangzhou", consented=screened.isoformat(), age_years=31),
        _event("enrolled", "enrolment", START, dose_level=1, enrolled=START.isoformat()),
        *(
            _event(
                "dose_given",
                f"infusion-{number}",
                START + timedelta(days=7 * (number - 1)),
                role="infusion",
                treatment="anti-CD19 CAR-NK",
                number=number,
                given=(START + timedelta(days=7 * (number - 1))).isoformat(),
                amount="2000000",
                unit="cells/kg",
            )
            for number in (1, 2, 3)
        ),
    ):
        record = _stepped(record, event)
    return record


def _results(key: str, count: int) -> Iterator[SubjectEvent]:
    values, unit, low, high = COURSES[key]
    for number in range(count):
        taken = START + timedelta(days=15, hours=6 * number)
        yield _event(
            "lab_result",
            f"{key}-{number}",
            taken + timedelta(hours=1),
            test=key,
            value=values[number % len(values)],
            unit=unit,
            range_low=low,
            range_high=high,
            observed_at=taken.isoformat(),
        )


def _event(kind: str, record: str, reported_at: datetime, **more: object) -> SubjectEvent:
    told = {"kind": kind, "study": STUDY, "subject": "001", "source": {"system": "lis", "id": record}, **more}
    event = ANY_EVENT.validate_python({**told, "reported_at": reported_at.isoformat()})
    if event.kind == "clock_ticked":
        raise ValueError(kind)
    return event


if __name__ == "__main__":
    main()
