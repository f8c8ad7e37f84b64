"""The simulated trial is the same story every time, and the story is the one that the cast promises."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from pydantic import ValidationError

from safety_stream.clinical.events import (
    ANY_EVENT,
    AdverseEvent,
    AnyEvent,
    ClockTicked,
    DoseGiven,
    Enrolled,
    LabResult,
    Measurement,
    Screened,
    Withdrawn,
)
from safety_stream.sandbox.courses import ckd_epi_2021, share
from safety_stream.sandbox.panels import TESTS
from safety_stream.sandbox.simulator import DEFAULT_SEED, simulated_trial

TRIAL = simulated_trial()
E = TypeVar("E")
HALF = Decimal("0.5")


def _read(line: bytes) -> AnyEvent | None:
    try:
        return ANY_EVENT.validate_json(line)
    except ValidationError:
        return None


EVENTS = [_read(message.line) for message in TRIAL.messages]


def _of(kind: type[E], subject: str | None = None) -> list[E]:
    return [event for event in EVENTS if isinstance(event, kind) and (subject is None or _subject(event) == subject)]


def _subject(event: Any) -> str | None:
    return getattr(event, "subject", None)


def _results(subject: str, test: str) -> list[LabResult]:
    return [event for event in _of(LabResult, subject) if event.test == test]


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    """Nothing but the seed decides: not the hash seed of the interpreter, not the clock."""
    program = (
        "import hashlib; from safety_stream.sandbox.simulator import simulated_trial as s;"
        f"print(hashlib.sha256(b'\\n'.join(m.line for m in s({DEFAULT_SEED}).messages)).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "America/Lima"}
    there = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    here = hashlib.sha256(b"\n".join(message.line for message in TRIAL.messages)).hexdigest()
    assert there.stdout.strip() == here


def test_another_seed_tells_the_same_story_with_other_numbers() -> None:
    """The truth does not hang on the seed, the noise does."""
    other = simulated_trial(DEFAULT_SEED + 1)
    assert other.truth == TRIAL.truth
    assert {message.line for message in other.messages} != {message.line for message in TRIAL.messages}


def test_messages_come_in_order_of_arrival_and_only_one_is_unreadable() -> None:
    """Arrival is the order of the file; one message is torn."""
    arrivals = [message.at for message in TRIAL.messages]
    assert arrivals == sorted(arrivals)
    assert EVENTS.count(None) == 1


def test_ten_subjects_over_three_dose_levels_and_one_screening_failure() -> None:
    """The cast: levels 1, 2, 3 with three subjects each; 004 is screened and leaves."""
    assert [event.subject for event in _of(Screened)] == [f"{number:03d}" for number in range(1, 11)]
    levels = Counter(event.dose_level for event in _of(Enrolled))
    assert levels == {1: 3, 2: 3, 3: 3}
    assert [event.from_what for event in _of(Withdrawn, "004")] == ["study"]
    assert not _of(DoseGiven, "004")


@pytest.mark.parametrize("subject", ["001", "006", "010"])
def test_doses_follow_the_protocol(subject: str) -> None:
    """Lymphodepletion on days -5, -4, -3 with two drugs; cells on days 0, 7, 14, counted in Hangzhou dates."""
    doses = _of(DoseGiven, subject)
    zero = next(dose for dose in doses if dose.role == "infusion" and dose.number == 1)
    start = zero.given.text[:10]

    def days(role: str) -> list[int]:
        given = [date.fromisoformat(dose.given.text[:10]) for dose in doses if dose.role == role]
        return sorted((day - date.fromisoformat(start)).days for day in given)

    assert days("lymphodepletion") == [-5, -5, -4, -4, -3, -3]
    assert days("infusion") == [0, 7, 14]


def test_the_third_infusion_of_009_was_withheld() -> None:
    """After a DLT no further cells: two infusions, then out of treatment."""
    infusions = [dose.number for dose in _of(DoseGiven, "009") if dose.role == "infusion"]
    assert infusions == [1, 2]
    assert [event.from_what for event in _of(Withdrawn, "009")] == ["treatment"]


def test_neutrophils_fall_after_lymphodepletion_and_recover() -> None:
    """Every dosed subject: nadir between day 5 and 14, below 1.0; above 1.5 again at day 42; lymphocytes near zero."""
    for level_subject in ("001", "002", "003", "005", "006", "007", "008", "009", "010"):
        course = {event.observed_at.text: Decimal(event.value or "") for event in _results(level_subject, "NEUT")}
        times = sorted(course)
        zero = next(dose.given for dose in _of(DoseGiven, level_subject) if dose.role == "infusion")
        nadir = min(course, key=course.__getitem__)
        day = (datetime.fromisoformat(nadir) - datetime.fromisoformat(zero.text)) / timedelta(days=1)
        assert 5 <= day <= 14
        assert course[nadir] < 1
        assert course[times[-1]] > Decimal("1.5")
        assert min(Decimal(event.value or "") for event in _results(level_subject, "LYMPH")) < Decimal("0.1")


def test_the_hemolysed_potassium_is_corrected_by_a_higher_version_of_the_same_record() -> None:
    """001, day -1: 7.30, four hours later 4.32."""
    told = [event for event in _results("001", "K") if event.value == "7.30" or event.status == "corrected"]
    assert [(event.value, event.source.version, event.status) for event in told] == [
        ("7.30", 1, "final"),
        ("4.32", 2, "corrected"),
    ]
    assert told[0].source.record == told[1].source.record
    assert told[1].reported_at - told[0].reported_at == timedelta(hours=4)


def test_the_only_dlt_lasts_longer_than_72_hours() -> None:
    """009: cytokine release syndrome grade 3 from day 9.05 to day 13.4, 104 hours; nothing else is grade 3."""
    reports = [event for event in _of(AdverseEvent) if (event.grade or 0) >= 3]
    assert {event.subject for event in reports} == {"009"}
    last = reports[-1]
    assert last.onset is not None
    assert last.resolved is not None
    assert last.resolved.earliest(UTC) - last.onset.earliest(UTC) == timedelta(days=4.35)


def test_alt_of_002_is_grade_3_on_one_day_only() -> None:
    """218 U/L is 5.45 x ULN (40); the day before 44 and the day after 96 are below 5 x ULN (200)."""
    over = [event.value for event in _results("002", "ALT") if Decimal(event.value or "") > 5 * 40]
    assert over == ["218"]
    others = [event for event in _of(LabResult) if event.test in {"ALT", "AST"} and event.subject != "002"]
    assert all(Decimal(event.value or "") < 3 * Decimal(event.range_high or "") for event in others)


def test_only_003_has_neutrophils_below_half_a_billion() -> None:
    """Below 0.5 x 10^9/L is grade 4, which the protocol does not expect; grade 3 (0.5 to 1.0) it does."""
    below = {event.subject for event in _of(LabResult) if event.test == "NEUT" and Decimal(event.value or "") < HALF}
    assert below == {"003"}


def test_the_post_goes_wrong_as_in_life() -> None:
    """Some results come twice, some provisionally first, some days after their release, one nine days late."""
    lines = Counter(message.line for message in TRIAL.messages)
    assert any(count == 2 for count in lines.values())
    assert any(isinstance(event, LabResult) and event.status == "preliminary" for event in EVENTS)
    late = [
        message.at - event.reported_at
        for message, event in zip(TRIAL.messages, EVENTS, strict=True)
        if isinstance(event, Measurement)
    ]
    assert max(late) > timedelta(days=1)
    assert min(late) >= timedelta(0)
    waited = [event.reported_at - event.observed_at.latest(UTC) for event in _results("003", "FERRITIN")]
    assert max(waited) > timedelta(days=9)


def test_every_time_has_a_zone_and_nothing_is_reported_before_it_is_observed() -> None:
    """Hangzhou time throughout; observed, then reported."""
    for event in _of(Measurement):
        assert event.reported_at.utcoffset() == timedelta(hours=8)
        assert event.observed_at.is_instant
        assert event.observed_at.earliest(UTC) <= event.reported_at


def test_the_clock_ticks_past_the_last_window() -> None:
    """010 is infused last, on 13 January 2025; 28 days later is 10 February, and the clock goes on to the 13th."""
    assert max(event.as_of for event in _of(ClockTicked)).date().isoformat() == "2025-02-13"
    assert max(dose.given.text[:10] for dose in _of(DoseGiven)) == "2025-01-13"


def test_loinc_codes_carry_their_check_digit() -> None:
    """LOINC's check digit is mod 10 (Luhn over the digits, from the right)."""
    for test in TESTS.values():
        number, check = test.loinc.split("-")
        doubled = "".join(str(2 * int(digit)) if place % 2 == 0 else digit for place, digit in enumerate(number[::-1]))
        assert (10 - sum(map(int, doubled)) % 10) % 10 == int(check), test.code


def test_ckd_epi_2021_published_example() -> None:
    """Creatinine 1.0 mg/dL (88.4 umol/L), 50 years: 68.6 for a woman and 91.7 for a man by hand from the formula."""
    assert ckd_epi_2021(88.4, 50, "female") == pytest.approx(68.6, abs=0.1)
    assert ckd_epi_2021(88.4, 50, "male") == pytest.approx(91.7, abs=0.1)


def test_a_course_is_flat_outside_its_knots_and_straight_between() -> None:
    """The reading of the drawing in courses.py."""
    knots = ((0.0, 0.0), (10.0, 1.0), (20.0, 0.5))
    assert [share(knots, day) for day in (-3, 0, 5, 10, 15, 20, 99)] == [0, 0, 0.5, 1, 0.75, 0.5, 0.5]
