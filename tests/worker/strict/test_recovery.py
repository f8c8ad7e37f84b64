"""Between the last changelog record and the first event: seek, clear, resume; and nothing fails in silence."""

import asyncio
from typing import Any, cast

import faust
import pytest
from faust.tables.recovery import RebalanceAgain
from faust.tables.recovery import Recovery as StockRecovery
from strict_made import CHANGELOG, OTHER, SOURCE

from safety_stream.errors import EngineBroken
from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.recovery import SafeRecovery, SafeTableManager

pytest_plugins = ["strict_fixtures"]

GENERATION = 4


@pytest.fixture
def steps() -> list[str]:
    """What happened, in order."""
    return []


@pytest.fixture
async def recovery(app: faust.App, consumer: StrictConsumer, steps: list[str], monkeypatch: Any) -> SafeRecovery:
    """A recovery about to complete in generation 4, its effects written down."""

    def noted(name: str) -> Any:
        return lambda *_, **__: steps.append(name)

    async def seek() -> None:
        steps.append("seek")

    async def fetch() -> None:
        steps.append("fetch")

    monkeypatch.setattr(consumer, "perform_seek", seek)
    monkeypatch.setattr(consumer, "resume_partitions", noted("resume"))
    monkeypatch.setattr(consumer, "resume_flow", noted("flow"))
    monkeypatch.setattr(app.flow_control, "resume", noted("clear"))
    monkeypatch.setattr(cast(Any, app)._fetcher, "maybe_start", fetch)
    app.consumer_generation_id = GENERATION
    app.on_rebalance_start()
    recovery = cast(SafeRecovery, cast(SafeTableManager, app.tables).recovery)
    recovery.active_tps = {CHANGELOG}
    return recovery


async def test_the_manager_recovers_safely(app: faust.App) -> None:
    """The application's table manager brings the safe recovery."""
    assert isinstance(cast(SafeTableManager, app.tables).recovery, SafeRecovery)


async def test_the_seek_comes_before_the_clearing_and_both_before_any_fetch(
    recovery: SafeRecovery, steps: list[str]
) -> None:
    """Nothing can be fetched between the seek and the clearing of the queues (#596)."""
    await recovery.on_recovery_completed(GENERATION)
    assert steps == ["seek", "clear", "resume", "flow", "fetch"]


async def test_stock_resumes_first(recovery: SafeRecovery, steps: list[str]) -> None:
    """The defect: what is fetched after the first step is cleared by a later one. When this fails, it is fixed."""
    await StockRecovery.on_recovery_completed(recovery, GENERATION)
    assert steps.index("resume") < steps.index("seek") < steps.index("clear")


async def test_only_source_partitions_are_resumed(recovery: SafeRecovery, consumer: Any, monkeypatch: Any) -> None:
    """The changelogs stay paused until the next recovery."""
    resumed: list[Any] = []
    monkeypatch.setattr(consumer, "resume_partitions", resumed.append)
    await recovery.on_recovery_completed(GENERATION)
    assert resumed == [{SOURCE, OTHER}]


async def test_a_callback_that_fails_stops_the_worker(recovery: SafeRecovery, app: faust.App, steps: list[str]) -> None:
    """An index that could not be built must not be worked with."""

    async def fails() -> None:
        raise LookupError("no index")

    app.tables["pages"].on_recover(fails)
    with pytest.raises(LookupError):
        await recovery.on_recovery_completed(GENERATION)
    assert steps == []


async def test_stock_swallows_the_failure_of_a_callback(
    recovery: SafeRecovery, app: faust.App, steps: list[str]
) -> None:
    """The defect: the worker goes on without its index. When this fails, it is fixed."""

    async def fails() -> None:
        raise LookupError("no index")

    app.tables["pages"].on_recover(fails)
    await StockRecovery.on_recovery_completed(recovery, GENERATION)
    assert "flow" in steps


async def test_a_batch_that_could_not_be_applied_stops_the_worker(
    recovery: SafeRecovery, app: faust.App, steps: list[str]
) -> None:
    """State that lacks a batch must not be worked with."""
    cast(Any, app.tables["pages"])._failures.append(OSError("disk full"))
    with pytest.raises(EngineBroken, match="could not be applied"):
        await recovery.on_recovery_completed(GENERATION)
    assert steps == []


async def test_nothing_is_resumed_when_the_group_has_moved_on(recovery: SafeRecovery, steps: list[str]) -> None:
    """A newer generation has begun: its own recovery will resume."""
    await recovery.on_recovery_completed(GENERATION - 1)
    assert steps == []


async def test_a_step_that_takes_too_long_stops_the_worker(recovery: SafeRecovery) -> None:
    """Stock takes the time-out for its own end: the worker would never become ready, without a word."""
    with pytest.raises(EngineBroken, match="did not finish"):
        await recovery._wait(asyncio.sleep(30), timeout=0.01)


async def test_a_rebalance_interrupts_a_step(recovery: SafeRecovery) -> None:
    """The next generation's recovery takes over."""
    recovery.signal_recovery_start.set()
    with pytest.raises(RebalanceAgain):
        await recovery._wait(asyncio.sleep(30))


async def test_a_failure_of_a_step_is_raised(recovery: SafeRecovery) -> None:
    """Not a warning, not nothing."""

    async def fails() -> None:
        raise OSError("broken pipe")

    with pytest.raises(OSError, match="broken pipe"):
        await recovery._wait(fails())
