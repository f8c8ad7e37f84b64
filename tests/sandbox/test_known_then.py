"""``replay --as-of``: what was known at an instant, from nothing that came later."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from stories import TREATED, adverse, at, bundled, lab, screened, taken_back, told
from typer.testing import CliRunner

from safety_stream.cli import app
from safety_stream.clinical.events import ClockTicked, SubjectEvent
from safety_stream.clinical.findings import AnyFinding
from safety_stream.intake import Rejected
from safety_stream.intake.native import write
from safety_stream.sandbox.replay import final_findings, replay
from safety_stream.sandbox.standing import standing

RELEASE = "Cytokine release syndrome"
EVENTS: tuple[SubjectEvent, ...] = (
    *TREATED,
    lab("K", 16, "7.40"),
    lab("K", 16, "4.30", version=2, status="corrected", reported=at(18)),
    lab("ALT", 9, "300", reported=at(19)),
    lab("ALT", -12, "90", reported=at(20)),
    adverse(RELEASE, 9, grade=3, record="crs", outcome="not-recovered", reported=at(10)),
    adverse(RELEASE, 9, grade=3, record="crs", version=2, outcome="recovered", resolved=told(13), reported=at(21)),
    taken_back(lab("NEUT", 10, "0.30")),
)
LATER = timedelta(hours=5)
"""Every message is received so long after its release."""


def _lines(events: tuple[SubjectEvent, ...], *, as_log: bool) -> list[bytes]:
    lines = [write(event) for event in sorted(events, key=lambda one: one.reported_at)]
    if not as_log:
        return lines
    log = zip(lines, sorted(events, key=lambda one: one.reported_at), strict=True)
    return [
        orjson.dumps(
            {"event": orjson.loads(line), "received_at": (one.reported_at + LATER).isoformat(), "origin": f"t/0@{n}"}
        )
        for n, (line, one) in enumerate(log)
    ]


def _known(lines: list[bytes], known_by: datetime | None = None) -> dict[str, AnyFinding]:
    return final_findings(replay(lines, bundled(), known_by=known_by))


@pytest.mark.parametrize("as_log", [False, True])
@pytest.mark.parametrize("day", [-30, -6, 0, 9, 10, 16, 17, 18, 18.5, 19, 20, 21, 41.9, 42.7, 60])
def test_it_equals_a_log_that_ends_there(day: float, as_log: bool) -> None:
    """At any instant: the same as replaying only what had been received by then, and the clock brought to then."""
    then, wait = at(day), LATER if as_log else timedelta(0)
    received = tuple(one for one in EVENTS if one.reported_at + wait <= then)
    cut = _lines(received, as_log=False)
    assert _known(_lines(EVENTS, as_log=as_log), then) == _known([*cut, write(ClockTicked(as_of=then))])


def test_the_log_goes_by_receipt_and_not_by_release() -> None:
    """The correction of the potassium was released five hours before it was received: in between it was grade 4."""
    between = at(18) + LATER / 2
    grades = {one.term for one in _known(_lines(EVENTS, as_log=True), between).values() if one.kind == "toxicity"}
    assert "Hyperkalemia" in grades
    told = {one.term for one in _known(_lines(EVENTS, as_log=False), between).values() if one.kind == "toxicity"}
    assert "Hyperkalemia" not in told


def test_a_sender_whose_clock_is_ahead_does_not_turn_ours() -> None:
    """A message received on day 1 that claims a release in 2031 closes no window: the clock stays at the instant."""
    ahead = lab("K", 1, "4.2", reported=datetime(2031, 1, 1, tzinfo=UTC))
    lines = _lines(TREATED, as_log=True)
    entry = {"event": orjson.loads(write(ahead)), "received_at": at(15).isoformat(), "origin": "t/0@99"}
    lines.append(orjson.dumps(entry))
    news = list(replay(lines, bundled(), known_by=at(20)))
    assert not [one for one in news if getattr(one, "as_of", at(0)) > at(20)]


def test_the_command_says_what_was_known() -> None:
    """On day 17 the grade 4 potassium stood; on day 19 it does not; what is no instant is refused."""
    lines = b"\n".join(_lines((screened(), *EVENTS), as_log=False))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["replay", "-", *arguments], input=lines)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "Hyperkalemia" in run("--as-of", at(17).isoformat())
    assert "Hyperkalemia" not in run("--as-of", at(19).isoformat())
    refused = CliRunner().invoke(app, ["replay", "-", "--as-of", "17 July"], input=lines)
    assert refused.exit_code == 2
    assert "not an instant with its zone" in refused.output


@pytest.mark.parametrize("day", [11.5, 25, 49.5])
def test_a_clock_that_runs_ahead_is_held_at_that_instant(day: float) -> None:
    """A tick received on day 11 that says day 50: no window has closed on day 11 and a half, nothing is overdue."""
    log = _lines(EVENTS, as_log=True)
    ahead = {"event": {"kind": "clock_ticked", "as_of": at(50).isoformat()}, "received_at": at(11).isoformat()}
    log.insert(len(log) // 2, orjson.dumps(ahead | {"origin": "t/0@99"}))
    told = list(replay(log, bundled(), known_by=at(day)))
    assert all(one.as_of <= at(day) for one in told if not isinstance(one, Rejected))
    assert not any(isinstance(one, Rejected) for one in told)
    known = final_findings(told)
    assert known == _known(_lines(EVENTS, as_log=True), at(day))
    assert known == {one.id: one for one in standing(log, bundled(), known_by=at(day)) if not isinstance(one, Rejected)}
