"""Ways to be hard on workers: killed and stopped at uneven moments, with faults on purpose, with their disks lost."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from worker_process import WorkerProcess, worker

from safety_stream.broker.reading import end_offsets
from safety_stream.settings import Settings


@dataclass(frozen=True)
class Trial:
    """One way to be hard on workers."""

    seed: int
    workers: int
    store: str
    kills: int
    faults: str = "0"
    lose_disk: bool = False

    def chance(self) -> Random:
        """The same moments in every run."""
        return Random(self.seed)  # no secret depends on it


def turn(settings: Settings, trial: Trial, chance: Random, environment: Mapping[str, str] | None = None) -> None:
    """Start the workers, and end each one way or the other when there has been some progress; or before any."""
    environment = {"SAFETY_STREAM_TEST_FAULT_RATE": trial.faults, **(environment or {})}
    with ExitStack() as stack:
        running = [
            stack.enter_context(worker(settings.model_copy(update={"worker_id": f"worker-{number}"}), environment))
            for number in range(1, trial.workers + 1)
        ]
        _progress(settings, running, chance.choice((0, 1, 50, 400)))
        for victim in chance.sample(running, len(running)):
            if chance.random() < 0.7 or victim.process.poll() is not None:
                victim.kill()
            else:
                victim.stop()
    if trial.lose_disk:
        _lose(settings.data_folder)


def _progress(settings: Settings, running: list[WorkerProcess], more: int) -> None:
    """Wait until the findings have grown by so many, every worker has ended, or nothing happens for a minute."""
    topic, until = settings.topic("findings"), monotonic() + 60
    goal = sum(end_offsets(settings, topic).values()) + more
    while sum(end_offsets(settings, topic).values()) < goal and any(each.process.poll() is None for each in running):
        if monotonic() > until:
            return


def _lose(folder: Path) -> None:
    """The machine comes back with an empty disk; the tests keep their logs."""
    for file in sorted(folder.rglob("*"), reverse=True):
        if file.is_file() and not (file.parent == folder and file.suffix == ".log"):
            file.unlink()
