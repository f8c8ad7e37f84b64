"""What happens between the last changelog record and the first event: seek, then clear, then resume."""

import asyncio
from typing import Any, cast

from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from mode.services import WaitArgT
from mode.utils.times import Seconds, want_seconds

from safety_stream.errors import EngineBroken


class SafeRecovery(Recovery):
    """Seeks the source partitions and clears the agents' queues BEFORE anything may be fetched for them.

    Answers: Faust resumes the partitions first, so that events fetched before the seek and the clearing vanish
    while the read position is past them; exceptions in ``on_recover`` callbacks and in the application of a
    changelog batch are logged or lost; a step of the recovery that times out ends it for good, without a word, and
    the worker never becomes ready.
    Upstream: faust-streaming #596 (open since 2023); compare #216, #217. None found for the time-out.
    Tests: tests/worker/strict/test_recovery.py.
    """

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Check what was recovered, call the callbacks, then let the events come."""
        await self.app.on_rebalance_complete.send()
        self._set_recovery_ended()
        tables = tuple(self.tables.values())
        for table in tables:
            table.verify_recovered(frozenset(self.active_tps))
        for table in tables:
            await table.on_recovery_completed(self.actives_for_table[table], self.standbys_for_table[table])
        await self._release(generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        await self.app.on_rebalance_complete.send()
        await self._release(generation_id)

    async def _release(self, generation_id: int) -> None:
        consumer = self.app.consumer
        assignment = consumer.assignment()
        if assignment and self._current(generation_id):
            await self._wait(consumer.perform_seek(), timeout=self.app.conf.broker_request_timeout)
        if not self._current(generation_id):
            return
        self.completed.set()
        self.app.flow_control.resume()  # clears the queues: nothing has been fetched since the seek
        consumer.resume_partitions({tp for tp in assignment if not self._is_changelog_tp(tp)})
        consumer.resume_flow()
        await cast(Any, self.app)._fetcher.maybe_start()
        self.tables.on_actives_ready()
        if not self.app.assignor.assigned_standbys():
            self.tables.on_standbys_ready()
        self.app.on_rebalance_end()

    def _current(self, generation_id: int) -> bool:
        if self.app.consumer_generation_id == generation_id:
            return True
        self.log.warning("The group has rebalanced again during recovery")
        return False

    async def _wait(self, coro: WaitArgT, timeout: Seconds | None = None) -> None:  # noqa: ASYNC109  # Faust's name
        work = asyncio.ensure_future(cast(Any, coro))
        patience = None if timeout is None else want_seconds(timeout)
        again = asyncio.ensure_future(self.signal_recovery_start.wait())
        ends = [asyncio.ensure_future(event.wait()) for event in (self._stopped, self._crashed)]
        tasks = {work, again, *ends}
        try:
            done, _ = await asyncio.wait(tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            _conclude(done, work, again, ends, patience)
        finally:
            for task in tasks:
                task.cancel()


def _conclude(done: set[Any], work: Any, again: Any, ends: list[Any], patience: float | None) -> None:
    if any(end in done for end in ends):
        raise ServiceStopped
    if work in done:
        work.result()
    if again in done:
        raise RebalanceAgain
    if work not in done:
        raise EngineBroken(f"A step of the recovery did not finish within {patience} s")


class SafeTableManager(TableManager):
    """Faust's table manager with the safe recovery.

    Answers: what ``SafeRecovery`` answers; it only puts it in place.
    Test: tests/worker/strict/test_recovery.py::test_the_manager_recovers_safely.
    """

    @property
    def recovery(self) -> Recovery:
        """The recovery of this manager, made on first use."""
        if self._recovery is None:
            self._recovery = SafeRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
