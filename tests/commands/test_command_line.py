"""The command line says what it does, what is wrong, and ends with the exit code that its help promises."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from safety_stream import __version__
from safety_stream.cli import app

RUN = CliRunner()
ROOT = Path(__file__).resolve().parents[2]


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(group, "commands"):
        yield path, group
        return
    for name, command in group.commands.items():
        yield from _commands(command, (*path, name))


def _in_a_shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As a person runs it: a process of its own, from another folder."""
    program = f"{sys.executable} -m safety_stream {command}"
    ours = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", program], env=ours, capture_output=True, text=True, check=False, timeout=60
    )


def test_every_command_tells_its_exit_codes_and_each_of_its_options() -> None:
    """--help is the manual: what it does, every exit code, a word about every option and argument."""
    found = dict(_commands(typer.main.get_command(app)))
    assert len(found) >= 10
    for path, command in found.items():
        told = RUN.invoke(app, [*path, "--help"]).stdout
        assert "Exit codes: 0" in " ".join(told.split()), path
        for parameter in command.params:
            assert getattr(parameter, "help", None) or parameter.name == "help", (path, parameter.name)


def test_version() -> None:
    """--version is the package's own."""
    done = RUN.invoke(app, ["--version"])
    assert (done.exit_code, done.stdout.strip()) == (0, f"safety-stream {__version__}")


def test_grade_4_neutropenia() -> None:
    """CTCAE v5.0: neutrophils below 0.5 x 10^9/L are grade 4."""
    done = RUN.invoke(app, ["grade", "ANC", "0.42", "10^9/L", "--lln", "1.8", "--uln", "6.3"])
    assert done.exit_code == 0
    assert done.stdout.startswith("Neutrophil count decreased: grade 4.")
    assert "grade 3 at >= 0.5" in done.stdout


def test_grade_without_baseline_is_a_range() -> None:
    """ALT 250 at ULN 40 is grade 3 from a normal baseline (over 5 x ULN), less from an abnormal one."""
    told = RUN.invoke(app, ["grade", "1742-6", "250", "U/L", "--uln", "40"]).stdout
    assert told.startswith("Alanine aminotransferase increased: grade 0-3.")
    normal = ["grade", "ALT", "250", "U/L", "--uln", "40", "--baseline", "30", "--baseline-uln", "40"]
    assert RUN.invoke(app, normal).stdout.startswith("Alanine aminotransferase increased: grade 3.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["grade", "ANC", "Hello", "10^9/L"], "unreadable_value"),
        (["grade", "ANC", "0.42", "furlong"], "unknown_unit"),
        (["grade", "Phlogiston", "1"], "unknown_analyte: Phlogiston; expected a LOINC code or test name"),
        (["grade", "NUET", "1"], "such as NEUT"),
        (["grade", "ANC", "-1", "10^9/L"], "implausible_value: NEUT: -1 10*9/L"),
        (["grade", "ANC", "-.5", "10^9/L", "--lln", "1.8"], "implausible_value: NEUT: -.5 10*9/L"),
    ],
)
def test_what_cannot_be_graded_says_why_and_ends_with_1(arguments: list[str], words: str) -> None:
    """Never a grade 0, never a traceback: the reason, and what was expected."""
    done = RUN.invoke(app, arguments)
    assert done.exit_code == 1
    assert words in done.stderr
    assert "expected" in done.stderr


def test_an_option_that_nobody_knows_is_still_refused() -> None:
    """A misspelt option is a wrong argument, also beside a value below zero."""
    for value in ("1", "-1"):
        done = RUN.invoke(app, ["grade", "ANC", value, "10^9/L", "--ulm", "40"])
        assert (done.exit_code, "--ulm" in done.stderr) == (2, True), done.output


def test_a_fact_that_no_rule_knows_is_a_wrong_argument() -> None:
    """The facts that rules ask for are listed."""
    done = RUN.invoke(app, ["grade", "INR", "1.3", "--known", "on_warfarin=yes"])
    assert done.exit_code == 2
    assert "on_anticoagulant" in done.stderr
    assert "[" not in done.stderr.partition("one of")[2]  # names, not a list of Python's


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--baseline", "abc", "--baseline-uln", "40"], "unreadable_value: baseline of ALT: abc"),
        (["--baseline", "NaN"], "unreadable_value: baseline of ALT: NaN"),
        (["--baseline", "1e99"], "baseline of ALT: 1e99"),
        (["--baseline", "30", "--baseline-uln", "abc"], "unreadable_range: baseline of ALT: abc"),
        (["--baseline", "30", "--baseline-lln", "90", "--baseline-uln", "40"], "range_upside_down: baseline of ALT"),
        (["--known", "on_anticoagulant=yes"], "on_anticoagulant was not read: no rule of this result asks for it"),
    ],
)
def test_what_cannot_be_read_beside_a_result_is_said(more: list[str], words: str) -> None:
    """The result is graded by what is known, and a remark says what was not read."""
    done = RUN.invoke(app, ["grade", "ALT", "250", "U/L", "--uln", "40", *more])
    assert done.exit_code == 0
    assert words in done.stderr


def test_a_baseline_that_no_rule_compares_with_is_said() -> None:
    """Neutrophils are graded by their value alone."""
    done = RUN.invoke(app, ["grade", "ANC", "0.42", "10^9/L", "--baseline", "abc"])
    assert (done.exit_code, "the baseline was not read" in done.stderr) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ALT", "250", "U/L", "--baseline", "30", "--untreated"], "which is it?"),
        (["INR", "1.3", "--known", "on_anticoagulant=yes", "--known", "on_anticoagulant=no"], "both yes and no"),
        (["ANC", "0.42", "10^9/L", "--input", "TABLE"], "leave out TEST"),
        (["--uln", "40", "--input", "TABLE"], "leave out TEST"),
        (["ANC", "0.42", "10^9/L", "--output", "TABLE"], "--input FILE is needed"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(tmp_path: Path, arguments: list[str], words: str) -> None:
    """Exit code 2 and which of them do not go together; nothing is graded and nothing is written."""
    table = tmp_path / "table.csv"
    table.write_text("analyte,value,unit\nANC,0.42,10^9/L\n")
    done = RUN.invoke(app, ["grade", *(str(table) if one == "TABLE" else one for one in arguments)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.split())
    assert table.read_text() == "analyte,value,unit\nANC,0.42,10^9/L\n"


def test_grade_a_table_keeps_its_columns_and_order(tmp_path: Path) -> None:
    """CSV in, CSV out: each row once a term, our columns after theirs; the last row cannot be graded: exit code 1."""
    table = tmp_path / "results.csv"
    table.write_text(
        "who,analyte,value,unit,lln,uln\na,ANC,0.42,10^9/L,1.8,6.3\nb,K,7.3,mmol/L,3.5,5.3\nc,ANC,?,10^9/L,,\n"
    )
    done = RUN.invoke(app, ["grade", "--input", str(table)])
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert rows[0][:9] == [
        "who",
        "analyte",
        "value",
        "unit",
        "lln",
        "uln",
        "grade_term",
        "grade_lowest",
        "grade_highest",
    ]
    graded = {(row[0], row[6]): (row[7], row[8]) for row in rows[1:]}
    assert graded["a", "Neutrophil count decreased"] == ("4", "4")
    assert graded["b", "Hyperkalemia"] == ("4", "4")
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])


def test_grade_a_table_of_json_lines(tmp_path: Path) -> None:
    """NDJSON in, NDJSON out; a number keeps its digits."""
    table, graded = tmp_path / "results.ndjson", tmp_path / "graded.ndjson"
    table.write_text('{"analyte": "ALT", "value": 120.0, "unit": "U/L", "uln": 40, "untreated": true}\n')
    assert RUN.invoke(app, ["grade", "--input", str(table), "--output", str(graded)]).exit_code == 0
    row = json.loads(graded.read_text())
    assert (row["value"], row["grade_lowest"], row["grade_highest"]) == ("120.0", "1", "1")


@pytest.mark.parametrize("spelling", ["results.csv", "folder/../results.csv", "symbolic.csv", "hard.csv"])
def test_a_table_is_never_graded_into_itself(tmp_path: Path, spelling: str) -> None:
    """The input named as the output, also by another spelling or a link: refused, and the table is as it was."""
    table = tmp_path / "results.csv"
    table.write_text("analyte,value,unit\nANC,0.42,10^9/L\n")
    before = table.read_bytes()
    (tmp_path / "folder").mkdir()
    (tmp_path / "symbolic.csv").symlink_to(table)
    (tmp_path / "hard.csv").hardlink_to(table)
    done = RUN.invoke(app, ["grade", "--input", str(table), "--output", str(tmp_path / spelling)])
    assert (done.exit_code, "is the input" in done.stderr) == (2, True), done.output
    assert table.read_bytes() == before


def test_datasets_are_never_converted_into_themselves(tmp_path: Path) -> None:
    """convert sdtm with a dataset of its own folder as the output: refused, and the dataset is as it was."""
    dataset = tmp_path / "lb.csv"
    dataset.write_text("STUDYID,USUBJID\n")
    done = RUN.invoke(app, ["convert", "sdtm", str(tmp_path), "--zone", "UTC", "--output", str(dataset)])
    assert (done.exit_code, "is the input" in done.stderr) == (2, True), done.output
    assert dataset.read_text() == "STUDYID,USUBJID\n"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("analyte,value\nANC,0.4\nK\xe4ltetest,1\n".encode("latin-1"), "line 3, byte 2: found 0xe4"),
        ("analyte,value\n".encode("utf-16"), "line 1, byte 1: found 0x"),
        (b"analyte,value\n" * 20_000 + b"\x80", "line 20001, byte 1: found 0x80"),
    ],
)
def test_a_table_that_is_not_utf_8_is_refused_with_line_and_byte(tmp_path: Path, content: bytes, where: str) -> None:
    """Latin-1, UTF-16, binary: exit code 2, and nothing is written."""
    table, output = tmp_path / "results.csv", tmp_path / "graded.csv"
    table.write_bytes(content)
    done = RUN.invoke(app, ["grade", "--input", str(table), "--output", str(output)])
    assert (done.exit_code, output.exists()) == (2, False), done.output
    assert where in " ".join(done.stderr.split()), done.stderr


@pytest.mark.parametrize("target", ["folder", "nowhere/x.csv"])
@pytest.mark.parametrize("command", [["grade", "--input", "results.csv"], ["convert", "sdtm", ".", "--zone", "UTC"]])
def test_an_output_that_cannot_be_written_is_a_wrong_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, command: list[str]
) -> None:
    """A folder, or a file in a folder that is not there: exit code 2, the name and the reason."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("results.csv").write_text("analyte,value,unit\nANC,0.42,10^9/L\n")
    done = RUN.invoke(app, [*command, "--output", target])
    assert done.exit_code == 2, done.output
    assert f"{target}: cannot be written: " in done.stderr


def test_schemas_that_cannot_be_written_are_a_wrong_argument(tmp_path: Path) -> None:
    """A file where the folder should be: exit code 2."""
    (tmp_path / "schemas").write_text("a file")
    done = RUN.invoke(app, ["schemas", str(tmp_path / "schemas")])
    assert (done.exit_code, "cannot be used" in done.stderr) == (2, True), done.output


@pytest.mark.parametrize(
    "arguments",
    [
        *(["reconcile", "--settled-after", one] for one in ("nan", "inf", "1e300", "-1")),
        *(["reconcile", "--every", one] for one in ("nan", "inf", "0", "1e300")),
        ["demo", "--seconds", "nan"],
    ],
)
def test_a_time_that_no_clock_can_wait_for_is_refused_by_its_option(arguments: list[str]) -> None:
    """Exit code 2, what was found, and the bounds."""
    done = RUN.invoke(app, arguments)
    assert done.exit_code == 2, done.output
    assert "expected a number from" in " ".join(done.stderr.split())


def test_check_counts_the_book() -> None:
    """The bundled book holds: CTCAE v5.0 has 837 terms."""
    done = RUN.invoke(app, ["check"])
    assert done.exit_code == 0
    assert "837 CTCAE terms" in done.stdout


def test_check_lists_every_problem_with_its_file(tmp_path: Path) -> None:
    """An empty folder: one problem a missing table, exit code 2, no traceback."""
    done = RUN.invoke(app, ["check", "--rulebook", str(tmp_path)])
    assert done.exit_code == 2
    assert "ctcae_v5.yaml:1" in done.stderr
    assert "analytes.yaml:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_schemas_are_written_and_then_up_to_date(tmp_path: Path) -> None:
    """Written once, --check finds nothing; a changed file is named with exit code 1."""
    assert RUN.invoke(app, ["schemas", str(tmp_path), "--check"]).exit_code == 1
    assert RUN.invoke(app, ["schemas", str(tmp_path)]).exit_code == 0
    assert RUN.invoke(app, ["schemas", str(tmp_path), "--check"]).exit_code == 0
    (tmp_path / "asyncapi.yaml").write_text("stale")
    stale = RUN.invoke(app, ["schemas", str(tmp_path), "--check"])
    assert (stale.exit_code, stale.stdout.split()) == (1, ["asyncapi.yaml"])


def test_wrong_settings_are_listed_without_a_traceback() -> None:
    """Two problems in the environment, both named, exit code 2."""
    done = _in_a_shell("topics check", SAFETY_STREAM_PARTITIONS="many", SAFETY_STREAM_CLOCK="sun")
    assert done.returncode == 2
    assert "SAFETY_STREAM_PARTITIONS=many" in done.stderr
    assert "SAFETY_STREAM_CLOCK=sun" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["create", "check"])
def test_settings_that_cannot_work_together_are_listed_before_the_topics(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """More replicas to acknowledge than there are: it cannot start, so exit code 2, on standard error."""
    monkeypatch.setenv("SAFETY_STREAM_MIN_INSYNC_REPLICAS", "4")
    done = RUN.invoke(app, ["topics", command])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "min_insync_replicas 4 is more than replication 3" in done.stderr


@pytest.mark.parametrize("command", ["topics create", "topics check", "publish one.ndjson"])
def test_no_broker_is_one_sentence(tmp_path: Path, command: str) -> None:
    """Port 9 (discard) answers nobody: exit code 2 and the address in the sentence."""
    (tmp_path / "one.ndjson").write_text("{}\n")
    command = command.replace("one.ndjson", str(tmp_path / "one.ndjson"))
    done = _in_a_shell(command, SAFETY_STREAM_BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert done.returncode == 2
    assert "No Kafka broker answers at 127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_is_named_with_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name alone, or with a port that is no number: what was expected, in an operator's words."""
    for servers in ("garbage", "kafka:port", ":9092"):
        monkeypatch.setenv("SAFETY_STREAM_BOOTSTRAP_SERVERS", servers)
        done = RUN.invoke(app, ["topics", "check"])
        assert (done.exit_code, f"{servers}: expected HOST:PORT" in done.stderr) == (2, True), done.output


def test_a_closed_pipe_ends_quietly() -> None:
    """| head takes two lines and leaves: two lines, nothing on standard error."""
    done = _in_a_shell("simulate | head -2")
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def test_convert_sdtm(tmp_path: Path) -> None:
    """One result in a folder of SDTM becomes one event; the dataset's own number format is kept as text."""
    (tmp_path / "lb.csv").write_text(
        "STUDYID,USUBJID,LBSEQ,LBTESTCD,LBTEST,LBORRES,LBORRESU,LBORNRLO,LBORNRHI,LBDTC\n"
        "S1,S1-001,1,ALT,Alanine Aminotransferase,27.0,U/L,6,34,2014-01-02T11:45\n"
    )
    done = RUN.invoke(app, ["convert", "sdtm", str(tmp_path), "--zone", "America/New_York"])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["value"] for event in events if event["kind"] == "lab_result"] == ["27.0"]
    for nowhere in ("Atlantis", "America", "../UTC"):
        refused = RUN.invoke(app, ["convert", "sdtm", str(tmp_path), "--zone", nowhere])
        assert (refused.exit_code, "no such time zone" in refused.stderr) == (2, True), refused.output


@pytest.mark.parametrize(
    ("study", "roles", "said"),
    [("CAR-NK-SLE-01", ["lymphodepletion", "infusion"], False), ("S1", ["infusion", "infusion"], True)],
)
def test_convert_sdtm_asks_the_protocol_what_lymphodepletion_is(
    tmp_path: Path, study: str, roles: list[str], said: bool
) -> None:
    """Fludarabine is lymphodepletion where the study's protocol says so; where none is on file, that is said."""
    (tmp_path / "ex.csv").write_text(
        "STUDYID,USUBJID,EXSEQ,EXTRT,EXSTDTC\n"
        f"{study},S1-001,1,FLUDARABINE PHOSPHATE,2014-01-02\n{study},S1-001,2,ANTI-CD19 CAR-NK,2014-01-07\n"
    )
    done = RUN.invoke(app, ["convert", "sdtm", str(tmp_path), "--zone", "Asia/Shanghai"])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["role"] for event in events if event["kind"] == "dose_given"] == roles
    assert ("no protocol on file" in done.stderr) is said


def test_replay_prints_findings_and_names_the_line_it_could_not_read(tmp_path: Path) -> None:
    """A torn line among 60: named on standard error, exit code 1; one JSON line a finding that stands, or a change."""
    events = RUN.invoke(app, ["simulate"]).stdout.splitlines()
    of_001 = [line for line in events if '"001"' in line][:60]
    file = tmp_path / "trial.ndjson"
    file.write_text("\n".join([*of_001[:2], '{"kind": "lab_res', *of_001[2:]]))
    done = RUN.invoke(app, ["replay", str(file)])
    standing = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert "line 3: (message)" in done.stderr
    assert {finding["subject"] for finding in standing} == {"001"}
    each = RUN.invoke(app, ["replay", str(file), "--changes"])
    assert "line 3: (message)" in each.stderr
    changes = [json.loads(line) for line in each.stdout.splitlines()]
    last = {one["finding"]["id"]: one for one in changes}
    assert {one["id"] for one in standing} == {id_ for id_, one in last.items() if one["change"] != "withdrawn"}
    alerts = [json.loads(line) for line in RUN.invoke(app, ["replay", str(file), "--alerts"]).stdout.splitlines()]
    assert all(alert["id"].startswith("AL-") for alert in alerts)


def test_replay_reads_standard_input_and_ends_with_0_when_all_is_judged() -> None:
    """- is standard input; a clean stream ends with 0."""
    done = _in_a_shell("simulate | grep -v HGB | " + f"{sys.executable} -m safety_stream replay - > /dev/null")
    assert done.returncode == 0, done.stderr
    assert "3+3" not in done.stderr
    assert "cohort decision" in done.stderr


@pytest.mark.parametrize("command", [["replay", "-"], ["amend", "-", "--from", "1.0", "--to", "2.0"]])
def test_every_rejected_line_is_named(command: list[str]) -> None:
    """Eighteen torn lines among twenty: each by its number, and none of them counts as judged."""
    events = RUN.invoke(app, ["simulate"]).stdout.splitlines()[:2]
    done = RUN.invoke(app, command, input="\n".join([events[0], *["{torn"] * 18, events[1]]))
    assert done.exit_code == 1
    named = [line.split(":")[0] for line in done.stderr.splitlines() if line.startswith("- line")]
    assert named == [f"- line {number}" for number in range(2, 20)]
    assert "20 lines read, 18 rejected" in done.stderr


def test_replay_prints_changes_or_alerts() -> None:
    """One of the two at a time: both are refused, not one of them left out."""
    done = RUN.invoke(app, ["replay", "-", "--changes", "--alerts"], input="")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "only one of them can be" in " ".join(done.stderr.split())


def test_a_file_that_is_not_there_is_a_wrong_argument() -> None:
    """No traceback: the name and the reason."""
    done = RUN.invoke(app, ["replay", "nowhere.ndjson"])
    assert done.exit_code == 2
    assert "nowhere.ndjson" in done.stderr


def test_settings_lists_every_knob_and_hides_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set is marked; a password never reaches the screen."""
    monkeypatch.setenv("SAFETY_STREAM_TOPIC_PREFIX", "other")
    monkeypatch.setenv("SAFETY_STREAM_SMTP_PASSWORD", "correct-horse")
    done = RUN.invoke(app, ["settings"])
    assert done.exit_code == 0
    assert "* SAFETY_STREAM_TOPIC_PREFIX=other" in done.stdout
    assert "* SAFETY_STREAM_SMTP_PASSWORD=(hidden)" in done.stdout
    assert "correct-horse" not in done.stdout
