"""A worker refuses to start with everything that is wrong, and two workers never share a folder."""

from pathlib import Path
from typing import Any

import pytest
from counting import Counting

from safety_stream.broker import topics
from safety_stream.errors import ConfigurationError, RulebookError, UnknownEngine
from safety_stream.settings import Settings
from safety_stream.worker import start_checks
from safety_stream.worker.start_checks import own_data_folder, refuse_unless_ready


def test_everything_wrong_is_told_at_once(monkeypatch: Any) -> None:
    """An unknown engine, two topics, two rows of the book: one list."""

    def engine() -> None:
        raise UnknownEngine("another aiokafka")

    def book() -> Any:
        raise RulebookError(["a.yaml:3: no unit", "b.yaml:9: no grade"])

    monkeypatch.setattr(start_checks, "check_engine", engine)
    monkeypatch.setattr(
        topics, "check", lambda settings: ["topic safety.events is missing", "topic x has 3 partitions"]
    )
    with pytest.raises(ConfigurationError) as refused:
        refuse_unless_ready(Settings(), book)
    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        "another aiokafka", "topic safety.events is missing", "topic x has 3 partitions", "a.yaml", "b.yaml",
    ]  # fmt: skip


def test_a_broker_that_does_not_answer_is_one_of_the_problems() -> None:
    """Not a traceback."""
    with pytest.raises(ConfigurationError, match="No Kafka broker answers"):
        refuse_unless_ready(Settings(bootstrap_servers="127.0.0.1:1"), Counting)


def test_two_workers_never_share_a_folder(tmp_path: Path) -> None:
    """The second one is told what it lacks."""
    settings = Settings(data_folder=tmp_path)
    with own_data_folder(settings), pytest.raises(ConfigurationError, match="a worker_id"), own_data_folder(settings):
        pass
    with own_data_folder(settings):
        pass
