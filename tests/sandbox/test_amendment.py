"""Amendment replay: version 1.0 against 2.0 of the bundled protocol, the differences worked out by hand."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from stories import STUDY, TREATED, at, bundled, enrolled, infusion, lab, screened
from typer.testing import CliRunner

from safety_stream.cli import app
from safety_stream.clinical.events import SubjectEvent
from safety_stream.rulebook.protocol import ProtocolVersion
from safety_stream.rulebook.tables import Book
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


def test_the_log_of_record_is_read_as_its_events_are() -> None:
    """Each entry says when its event was received: nothing is rejected, and the same differs."""
    entries = [
        {"event": orjson.loads(line), "received_at": one.reported_at.isoformat(), "origin": f"events/0@{n}"}
        for n, (line, one) in enumerate(zip(LINES, STORY, strict=True))
    ]
    log = [orjson.dumps(entry) for entry in entries]
    assert amended(log, bundled(), "1.0", "2.0") == amended(LINES, bundled(), "1.0", "2.0")
    found, rejected = amended([*log, b'{"event": {}, "received_at": "2024-06-04T08:00:00Z"}'], bundled(), "1.0", "2.0")
    assert found
    assert [number for number, _ in rejected] == [len(log) + 1]


def _with_a_shorter_band() -> Book:
    """The bundled book with one more version X that expects neutropenia to day 20 in place of day 28."""
    protocol = bundled().protocols[STUDY]
    first = protocol.versions[0]
    told = {name: getattr(first, name) for name in ProtocolVersion.model_fields}
    shorter = tuple(one.model_copy(update={"to_day": min(one.to_day, 20)}) for one in first.expected)
    second = ProtocolVersion.model_validate(told | {"version": "X", "expected": shorter})
    both = protocol.model_copy(update={"versions": (first, second), "digest": "shorter"})
    return replace(bundled(), protocols={**bundled().protocols, STUDY: both})


def test_an_alert_that_was_sent_at_another_time_differs() -> None:
    """Grade 3 neutrophils on days 15, 22 and 30: day 22 lies beyond a band to day 20, day 30 beyond one to day 28."""
    results = [lab("NEUT", day, "0.9", reported=at(day, 10)) for day in (15, 22, 30)]
    lines = [one.model_dump_json().encode() for one in (*TREATED, *results)]
    (later,) = [one for one in amended(lines, _with_a_shorter_band(), "1.0", "X")[0] if one.what == "alert"]
    assert (later.kind, later.differs, later.fields) == ("lab_grade_3", "changed", ("sent earlier",))
    assert "sent 2024-07-24 02:00 UTC" in str(later.before)
    assert "sent 2024-07-16 02:00 UTC" in str(later.after)
    (back,) = [one for one in amended(lines, _with_a_shorter_band(), "X", "1.0")[0] if one.what == "alert"]
    assert back.fields == ("sent later",)


def test_the_same_version_twice_differs_in_nothing() -> None:
    """Whatever the file, a version does not differ from itself."""
    assert amended(LINES, bundled(), "2.0", "2.0") == ([], [])


def test_an_unknown_version_is_named() -> None:
    """The error says which versions there are."""
    with pytest.raises(Unknown, match=r"on file: CAR-NK-SLE-01: 1\.0, 2\.0"):
        amended(LINES, bundled(), "1.0", "9")


def differing(*events: SubjectEvent) -> tuple[set[str], set[str]]:
    """The criteria whose breach stands under version 1.0 only, and under 2.0 only, for a subject enrolled or not."""
    found, rejected = amended([one.model_dump_json().encode() for one in events], bundled(), "1.0", "2.0")
    assert not rejected
    breaches = [one for one in found if one.what == "finding" and one.kind == "eligibility_breach"]
    return tuple({one.sentence for one in breaches if one.differs == side} for side in ("only_from", "only_to"))  # type: ignore[return-value]


# Test, value between the two limits (breaks 1.0 alone), and one that both judge alike: below both, or at the older.
THRESHOLDS = [
    ("HGB", "80", ("79", "85")),
    ("HGB", "84", ("60", "90")),
    ("PLAT", "30", ("29", "50")),
    ("PLAT", "49", ("10", "51")),
    ("EGFR", "30", ("29", "60")),
    ("EGFR", "59", ("15", "61")),
]


@pytest.mark.parametrize(("test", "between", "alike"), THRESHOLDS)
def test_a_threshold_that_was_lowered(test: str, between: str, alike: tuple[str, str]) -> None:
    """Hb 85 to 80 g/L, platelets 50 to 30 x 10^9/L, eGFR 60 to 30: what lies between breaks the first version alone."""
    only_from, only_to = differing(screened(), lab(test, -14, between))
    assert (len(only_from), only_to) == (1, set())
    for value in alike:
        assert differing(screened(), lab(test, -14, value)) == (set(), set())


def test_infusions_on_other_days_move_the_check_before_them() -> None:
    """ALT of 95 on day 5 (2 x ULN is 80): in the check before infusion 3 of day 6; before infusion 2 of day 7.

    Version 1.0 plans days 0, 7, 14, version 2.0 days 0, 3, 6. Infusion 2 was given on day 3 in both.
    """
    given: list[SubjectEvent] = [screened(), enrolled(), infusion(1, 0), infusion(2, 3)]
    lines = [one.model_dump_json().encode() for one in (*given, lab("ALT", 5, "95"))]
    found, _ = amended(lines, bundled(), "1.0", "2.0")
    breaches = [one for one in found if one.what == "finding" and one.kind == "eligibility_breach"]
    # 1.0: infusion 3 is planned on day 14, its check begins on day 9: day 5 is for information only.
    # 2.0: infusion 3 is planned on day 6: day 5 is in its check, and a reason to hold.
    assert {one.differs for one in breaches} == {"only_from", "only_to"}
    (held,) = [one for one in found if one.what == "alert" and one.differs == "only_to" and "ALT" in str(one.after)]
    assert held.kind == "eligibility_breach (before_infusion)"
    again = [one.model_dump_json().encode() for one in (*given, lab("ALT", 5, "80"))]
    found, _ = amended(again, bundled(), "1.0", "2.0")
    assert not [one for one in found if one.kind == "eligibility_breach"]


def test_the_command_lists_findings_and_alerts_with_reasons(tmp_path: Path) -> None:
    """Each difference is a line with its reason, counted on standard error; exit code 1 when something differs."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(LINES))
    done = CliRunner().invoke(app, ["amend", str(file), "--from", "1.0", "--to", "2.0"])
    assert done.exit_code == 1
    told = done.stdout.splitlines()
    (finding,) = [one for one in told if "finding eligibility_breach" in one and "only under the first" in one]
    (alert,) = [one for one in told if "alert eligibility_breach" in one and "only under the first" in one]
    for one in (finding, alert):
        assert "Platelets at least 50 x 10^9/L" in one, one
        assert "42" in one, one
    assert "2 findings" not in done.stdout
    assert f"{len(LINES)} lines read, 0 rejected, the others judged twice: " in done.stderr
    assert "alerts differ" in done.stderr


def test_the_command_says_when_nothing_differs_or_no_version_is_so_called(tmp_path: Path) -> None:
    """0 and no line when nothing differs; 2 with the versions on file when one is unknown."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(LINES))
    same = CliRunner().invoke(app, ["amend", str(file), "--from", "2.0", "--to", "2.0"])
    assert (same.exit_code, same.stdout) == (0, "")
    unknown = CliRunner().invoke(app, ["amend", str(file), "--from", "1.0", "--to", "9"])
    assert unknown.exit_code == 2
    assert "on file: CAR-NK-SLE-01" in " ".join(unknown.stderr.split())
