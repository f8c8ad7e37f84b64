"""Any engine but the one that was reviewed is refused."""

from typing import Any

import faust.transport.consumer
import pytest

from safety_stream.errors import UnknownEngine
from safety_stream.worker.strict import engine_check


def test_the_engine_that_is_installed_is_the_one_that_was_reviewed() -> None:
    """No difference."""
    engine_check.check_engine()


def test_another_version_is_refused(monkeypatch: Any) -> None:
    """The message names what is needed and what is there."""
    monkeypatch.setitem(engine_check.VERSIONS, "aiokafka", "0.13.0")
    with pytest.raises(UnknownEngine, match=r"aiokafka 0\.13\.0 is needed, 0\.14\.0 is installed"):
        engine_check.check_engine()


def test_a_changed_source_is_refused(monkeypatch: Any) -> None:
    """The same version with another body of a method we override: a patch, a distribution's own build."""

    def on_buffer_full(self: Any, tp: Any) -> None:
        """Do something else."""

    on_buffer_full.__module__ = "faust.transport.consumer"
    on_buffer_full.__qualname__ = "Consumer.on_buffer_full"
    original = faust.transport.consumer.Consumer.on_buffer_full
    patched = tuple(on_buffer_full if piece is original else piece for piece in engine_check.FOUNDATIONS)
    monkeypatch.setattr(engine_check, "FOUNDATIONS", patched)
    with pytest.raises(UnknownEngine, match=r"Consumer\.on_buffer_full"):
        engine_check.check_engine()


def test_every_override_of_ours_is_watched() -> None:
    """What a strict class overrides of the engine is among the fingerprints without anyone naming it."""
    watched = engine_check.fingerprints()
    assert "faust.transport.consumer.Consumer.perform_seek" in watched
    assert "faust.transport.consumer.Consumer._drain_messages" in watched
    assert "faust.tables.recovery.Recovery.on_recovery_completed" in watched
