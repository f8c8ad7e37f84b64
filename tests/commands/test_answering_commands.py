"""Answering from a terminal: the same rules as by link, the same record, and exit codes that a script can use."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import alerts_made as made
import findings_made
import pytest
from answering_made import Office
from typer.testing import CliRunner

from safety_stream.cli import app
from safety_stream.notifier.tables import open_database

RUN = CliRunner()
GRADE_4 = made.sent(findings_made.toxicity(4))
DLT = made.sent(findings_made.dose_limiting_toxicity())
READBACK = ("--readback", (GRADE_4.subject or "")[-4:])
BY = ("--by", "Dr Lee")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A grade 4 alert and a DLT, raised a moment ago, in the database that the environment names."""
    url = f"sqlite:///{tmp_path}/outbox.db"
    monkeypatch.setenv("SAFETY_STREAM_OUTBOX_URL", url)
    one = Office(open_database(url), now=datetime.now(UTC))
    one.record(GRADE_4, DLT)
    yield one
    one.engine.dispose()


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and all that is said."""
    result = RUN.invoke(app, arguments)
    return result.exit_code, result.output


def test_alerts_lists_what_waits_the_next_due_first(office: Office) -> None:
    """Id, revision, urgency, state, level and age; 0 while nobody is late, 1 once an alert has stepped up."""
    code, said = run("alerts")
    header, first, second = said.splitlines()
    assert (code, header.split("\t")[:7]) == (
        0,
        ["alert", "revision", "urgency", "state", "level", "age", "due"],
    )
    assert (first.split("\t")[0], second.split("\t")[0]) == (GRADE_4.id, DLT.id)
    office.wait(15)
    assert run("alerts")[0] == 1


def test_alerts_tells_the_course_of_one_alert(office: Office) -> None:
    """Opened, mailed, stepped up, deferred, answered, the answer to nobody: each with who, from where and why."""
    office.mail()
    office.wait(15)
    office.sent("deferred")
    run("ack", GRADE_4.id, "--revision", "1", *BY, *READBACK, "--response", "will-act")
    office.record(GRADE_4)
    code, said = run("alerts", GRADE_4.id)
    header, *lines = [line.split("\t") for line in said.splitlines()]
    assert (code, header) == (0, ["at", "revision", "level", "what", "who", "from", "why"])
    told = {(line[3], line[4]) for line in lines}
    assert told >= {
        ("opened", "the engine"),
        ("alert accepted", "email:physician@example.org"),
        ("stepped_up", "the clock"),
        ("alert deferred", "email:backup@example.org"),
        ("alert answered", "email:backup@example.org"),
        ("acknowledged", "Dr Lee"),
        ("closed", "Dr Lee"),
    }
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)
    assert run("alerts", "AL-AAAAAAAA")[0] == 2


COMMANDS = [
    ("alerts",),
    ("alerts", GRADE_4.id),
    ("ack", GRADE_4.id, "--revision", "1", *BY, *READBACK, "--response", "will-act"),
    ("adjudicate", "F-1", "--verdict", "refuted", *BY, "--why", "a cold", *READBACK),
    ("silence", "lab_grade_4", "--for", "30m", "--reason", "analyser broken", *BY),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_is_not_there_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """A wrong or forgotten URL: exit code 2, the URL and what was expected; an empty outbox would say all is well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAFETY_STREAM_OUTBOX_URL", raising=False)
    code, said = run(*command)
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert "sqlite:///safety-stream-outbox.db" in said
    assert "expected the database of the notifier" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_the_database_of_somebody_else_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """A database without an outbox gets no tables of ours, and an empty file stays empty."""
    for name, content in (("other.db", "CREATE TABLE theirs (id)"), ("empty.db", "")):
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as other:
            other.execute(content)
            other.commit()
        before = (tmp_path / name).read_bytes()
        monkeypatch.setenv("SAFETY_STREAM_OUTBOX_URL", f"sqlite:///{tmp_path / name}")
        assert run(*command)[0] == 2
        assert (tmp_path / name).read_bytes() == before


def test_ack_answers_an_alert(office: Office) -> None:
    """On record with the name; listed no more, but with --all."""
    assert run("ack", GRADE_4.id, "--revision", "1", *BY, *READBACK, "--response", "will-act") == (0, "On record.\n")
    assert office.moves(GRADE_4)[1] == ("acknowledged", "Dr Lee")
    assert GRADE_4.id not in run("alerts")[1]
    assert GRADE_4.id in run("alerts", "--all")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((GRADE_4.id, "--revision", "1", "--readback", "0000"), 1, "Not read back: the last 4 characters of the sub"),
        ((GRADE_4.id, "--revision", "2", *READBACK), 1, "There is no such revision."),
        (("AL-AAAAAAAA", "--revision", "1", *READBACK), 1, "no such alert is on record"),
    ],
)
def test_ack_refuses_what_does_not_fit(office: Office, arguments: tuple[str, ...], code: int, says: str) -> None:
    """A wrong read-back, a wrong revision, an unknown alert: nothing is changed (1), and why is said."""
    told = run("ack", *arguments, *BY, "--response", "will-act")
    assert (told[0], says in told[1]) == (code, True), told[1]
    assert office.moves(GRADE_4) == [("opened", "the engine")]


def test_adjudicate_takes_the_finding_or_its_alert(office: Office) -> None:
    """The DLT is decided by its finding's id, as the core names it."""
    assert DLT.finding is not None
    reason = ("--why", "a cold", "--readback", (DLT.subject or "")[-4:])
    assert run("adjudicate", DLT.finding.id, "--verdict", "refuted", *BY, *reason) == (0, "On record.\n")
    assert office.state(DLT) == "adjudicated"
    assert run("adjudicate", DLT.id, "--verdict", "confirmed", *BY, *reason)[0] == 1
    ((_, _, event),) = office.answers.unpublished()  # the decision that was taken, and not the one that was not
    assert '"verdict":"refuted"' in event
    assert run("adjudicate", GRADE_4.id, "--verdict", "confirmed", *BY, *READBACK, "--why", "x") == (
        1,
        "This alert asks for no decision on a DLT.\n",
    )


@pytest.mark.usefixtures("office")
def test_adjudicate_changes_nothing_for_a_finding_that_nobody_was_told_of() -> None:
    """An unknown finding: 1, as the help says."""
    code, said = run("adjudicate", "F-X", "--verdict", "refuted", *BY, "--why", "x", *READBACK)
    assert (code, "Nothing was changed" in said) == (1, True)


def test_silence_holds_the_mails_of_a_type(office: Office) -> None:
    """A grade 4 of another subject is not mailed while its type is silent, and steps up when the silence has ended."""
    office.mail()
    code, said = run("silence", "lab_grade_4", "--for", "30m", "--reason", "analyser broken", *BY)
    assert (code, said.startswith("Silent until ")) == (0, True)
    other = made.sent(findings_made.toxicity(4, id="F-2", subject="SUBJ-0002"))
    office.now = datetime.now(UTC)
    office.record(other)
    assert office.mail() == []
    office.wait(31)
    assert "SUBJ-0002" in {getattr(claim, "alert", GRADE_4).subject for claim in office.sent()}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("death", "--for", "1h", "--reason", "x"), "death is never silenced"),
        (("serious_adverse_event", "--for", "1h", "--reason", "x"), "never silenced"),
        (("lab_grade_4", "--for", "9h", "--reason", "x"), "more than 0 and at most 8 hours"),
        (("lab_grade_4", "--for", "0m", "--reason", "x"), "more than 0 and at most 8 hours"),
        (
            ("lab_grade4", "--for", "1h", "--reason", "x"),
            "'lab_grade4' is no type of alert and no study on file: was lab_grade_4",
        ),
        (("CAR-NK-SLE-1", "--for", "1h", "--reason", "x"), "was CAR-NK-SLE-01 meant?"),
        (("", "--for", "1h", "--reason", "x"), "'' is no type of alert and no study on file"),
        (("*", "--for", "1h", "--reason", "x"), "'*' is no type of alert and no study on file"),
        (("lab_grade_4", "--for", "1h", "--reason", " "), "a reason and a name"),
        (("lab_grade_4", "--for", "soon", "--reason", "x"), "expected hours or minutes"),
    ],
)
@pytest.mark.usefixtures("office")
def test_silence_refuses_what_must_not_be_silent(arguments: tuple[str, ...], says: str) -> None:
    """Deaths, serious events, more than 8 hours or none, no reason, a name that no alert has: 2, and why."""
    code, said = run("silence", *arguments, *BY)
    assert (code, says in said) == (2, True), said


@pytest.mark.parametrize("study", ["CAR-NK-SLE-01", GRADE_4.study])
def test_a_study_is_silenced_that_is_on_file_or_was_ever_told_of(office: Office, study: str) -> None:
    """By its protocol, or by its alerts where its protocol is with the worker only."""
    code, said = run("silence", study, "--for", "1h", "--reason", "maintenance", *BY)
    assert (code, said.startswith("Silent until ")) == (0, True), said
