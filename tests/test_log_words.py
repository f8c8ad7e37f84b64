"""What the processes say at INFO: fixed sentences and names that can hold no subject, site, term or value."""

import ast
from collections.abc import Iterator
from pathlib import Path

import safety_stream

ROOT = Path(safety_stream.__file__).parent
PROCESSES = ("worker", "notifier", "reconcile", "broker")
NAMES = {
    "alert", "attempt", "channel", "derived", "differences", "kind", "messages", "method", "metrics_port", "origin",
    "outbox", "outcome", "partitions", "repaired", "revision", "status",
}  # fmt: skip
"""A hash, a number, or a word of a closed list: none of them is told by a sender."""


def said_at_info(source: str) -> Iterator[ast.Call]:
    """Every call of ``info`` or ``debug`` on a log."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"info", "debug"}:
            on = node.func.value
            name = on.id if isinstance(on, ast.Name) else on.attr if isinstance(on, ast.Attribute) else ""
            if name.lower().strip("_") in {"log", "logger"}:
                yield node


def wrong(source: str) -> list[str]:
    """What is said at INFO and might hold what a sender wrote."""
    found = []
    for call in said_at_info(source):
        if not all(isinstance(one, ast.Constant) for one in call.args):
            found.append(f"line {call.lineno}: a sentence that is put together")
        found += [f"line {call.lineno}: {one.arg}" for one in call.keywords if one.arg not in NAMES]
    return found


def test_no_process_says_at_info_what_a_sender_wrote() -> None:
    """Each INFO line of every process is a constant sentence with harmless names."""
    files = [file for process in PROCESSES for file in (ROOT / process).rglob("*.py")]
    sources = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}
    assert sum(len(list(said_at_info(source))) for source in sources.values()) > 5
    assert {name: found for name, source in sources.items() if (found := wrong(source))} == {}


def test_a_subject_in_a_log_line_would_be_found() -> None:
    """The gate can fail: as a name, and inside the sentence."""
    assert wrong('log.info("came", subject=event.subject)') == ["line 1: subject"]
    assert wrong('self._LOG.info(f"came {subject}")') == ["line 1: a sentence that is put together"]
