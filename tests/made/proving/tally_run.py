"""One run of the tally application under kills, and what it left behind."""

import random
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal, Protocol

from proving.crew import Crew
from proving.probe import Probe
from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import Message, read_topic
from safety_stream.broker.topics import administrator
from safety_stream.settings import Settings

APP = Path(__file__).with_name("tally_app.py")
PARTITIONS = 4
# Longer than any rebalance after a kill: the dead member's session (4 s), then joining and recovery.
STALLED_SECONDS = 20.0
RECOVERING = "Recovery]: Resuming flow"


Moment = Literal["progress", "first output", "recovery"]


@dataclass(frozen=True)
class Plan:
    """What one run does: how many workers, which signals, when, and what else goes wrong."""

    seed: int
    engine: Literal["strict", "stock"] = "strict"
    store: Literal["memory", "rocksdb"] = "memory"
    workers: int = 1
    signals: tuple[signal.Signals, ...] = (signal.SIGKILL,)
    moments: tuple[Moment, ...] = ("progress",) * 4
    broker_restarts: int = 0
    fault_rate: float = 0.0
    keys: int = 20
    numbers: int = 100
    pause_seconds: float = 0.002

    @property
    def events(self) -> int:
        """How many events are published before the first worker starts: all is backlog."""
        return self.keys * self.numbers


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    events: int
    missing: int
    extra: int
    repeats: int
    committed: int
    gaps: int
    crashes: int
    stalls: int
    seconds: float
    words: str = ""

    @property
    def kept_its_word(self) -> bool:
        """Nothing lost, nothing invented, everything committed, no gap seen, never stuck."""
        return not (self.missing or self.extra or self.gaps or self.stalls) and self.committed == self.events

    def __str__(self) -> str:
        return (
            f"events {self.events} committed {self.committed} missing {self.missing} extra {self.extra} "
            f"repeats {self.repeats} gaps {self.gaps} crashes {self.crashes} stalls {self.stalls} "
            f"in {self.seconds:.0f} s{self.words}"
        )


class Restartable(Protocol):
    """A broker that can be stopped and started again on its data."""

    def stop(self) -> None:
        """Stop."""

    def start(self) -> None:
        """Start again."""


def run(settings: Settings, plan: Plan, folder: Path, broker: Restartable | None = None) -> Outcome:
    """Publish, process while things go wrong, and compare with what must be there."""
    settings = settings.model_copy(update={"partitions": PARTITIONS})
    _prepare(settings, plan)
    began = monotonic()
    with _crew(settings, plan, folder) as crew, Probe(settings) as probe:
        progress = Progress(settings, probe)
        for name in crew.members:
            crew.start(name)
        _go_wrong(crew, progress, plan, broker)
        stalls = _bring_to_the_end(crew, progress, plan)
        for name in crew.members:
            crew.end(name, signal.SIGKILL)
        return _outcome(settings, plan, crew, progress.committed(), stalls, monotonic() - began)


class Progress:
    """How far a run has come, and for how long it has not moved."""

    def __init__(self, settings: Settings, probe: Probe) -> None:
        self._settings = settings
        self._probe = probe
        self._seen = (-1, -1)
        self._moved = monotonic()

    def away(self) -> AbstractContextManager[None]:
        """No look at the broker inside."""
        return self._probe.away()

    def outputs(self) -> int:
        """Outputs written so far, repeats included."""
        return self._probe.size(self._settings.topic("out"))

    def committed(self) -> int:
        """Events the group has committed."""
        return self._probe.committed(f"{self._settings.topic_prefix}-worker", self._settings.topic("in"))

    def still_for(self) -> float:
        """Seconds without an output or a commit."""
        seen = (self.outputs(), self.committed())
        if seen != self._seen:
            self._seen, self._moved = seen, monotonic()
        return monotonic() - self._moved

    def restart_watch(self) -> None:
        """Begin to count anew, after processes were restarted."""
        self._moved = monotonic()


def _go_wrong(crew: Crew, progress: Progress, plan: Plan, broker: Restartable | None) -> None:
    """Everything of the plan, at marks of progress drawn by its seed."""
    chance = random.Random(plan.seed)
    whats: list[str] = [*plan.moments, *["broker"] * plan.broker_restarts]
    chance.shuffle(whats)
    whats.sort(key=lambda what: what != "first output")
    for what, mark in zip(whats, _marks(chance, plan, len(whats)), strict=True):
        _await(crew, progress, lambda mark=mark: progress.outputs() >= mark)  # type: ignore[misc]
        if what == "broker":
            assert broker is not None, "this plan needs a broker that can be restarted"
            with progress.away():
                broker.stop()
                broker.start()
        else:
            name = chance.choice(list(crew.members))
            _kill(crew, progress, name, chance.choice(plan.signals))
            if what == "recovery":
                at = crew.members[name].size()
                crew.start(name)
                _await(crew, progress, lambda: RECOVERING in crew.members[name].words_since(at))  # noqa: B023
                _kill(crew, progress, name, chance.choice(plan.signals))
            crew.start(name)
        progress.restart_watch()


def _marks(chance: random.Random, plan: Plan, count: int) -> list[int]:
    marks = sorted(chance.randrange(1, int(plan.events * 0.9)) for _ in range(count))
    return [1, *marks[1:]] if "first output" in plan.moments else marks


def _await(crew: Crew, progress: Progress, holds: Callable[[], bool]) -> None:
    while not holds() and progress.still_for() < STALLED_SECONDS:
        crew.tend()


def _kill(crew: Crew, progress: Progress, name: str, number: signal.Signals) -> None:
    if crew.members[name].running:
        crew.end(name, number, limit_seconds=60)


def _bring_to_the_end(crew: Crew, progress: Progress, plan: Plan) -> int:
    """Wait for the last commit. A crew that stands still is restarted, as an operator would; how often that was."""
    for stalls in range(4):
        while progress.committed() < plan.events and progress.still_for() < STALLED_SECONDS:
            crew.tend()
        if progress.committed() >= plan.events:
            return stalls
        for name in crew.members:
            crew.end(name, signal.SIGKILL)
            crew.start(name)
        progress.restart_watch()
    return 4


@contextmanager
def _crew(settings: Settings, plan: Plan, folder: Path) -> Iterator[Crew]:
    with Crew(folder) as crew:
        for number in range(plan.workers):
            name = f"worker-{number}"
            crew.add(name, [sys.executable, str(APP)], _environment(settings, plan, folder / name))
        yield crew


def _environment(settings: Settings, plan: Plan, folder: Path) -> Mapping[str, str]:
    return {
        "TALLY_PREFIX": settings.topic_prefix,
        "TALLY_BROKER": settings.bootstrap_servers,
        "TALLY_ENGINE": plan.engine,
        "TALLY_STORE": f"{plan.store}://",
        "TALLY_PARTITIONS": str(settings.partitions),
        "TALLY_PAUSE_SECONDS": str(plan.pause_seconds),
        "TALLY_FAULT_RATE": str(plan.fault_rate),
        "TALLY_FOLDER": str(folder),
    }


def _prepare(settings: Settings, plan: Plan) -> None:
    changelog = {
        "num_partitions": settings.partitions,
        "replication_factor": 1,
        "configs": {"cleanup.policy": "compact"},
    }
    plain = {**changelog, "configs": {}}
    with administrator(settings) as admin:
        admin.create_topics(
            {
                settings.topic("in"): plain,
                settings.topic("out"): plain,
                f"{settings.topic_prefix}-worker-tally-changelog": changelog,
            },
            wait_for_metadata=True,
        )
    chance = random.Random(plan.seed)
    turn = [key for key in range(plan.keys) for _ in range(plan.numbers)]
    chance.shuffle(turn)
    following = dict.fromkeys(range(plan.keys), 0)
    letters = []
    for key in turn:
        letters.append(Letter(settings.topic("in"), b"%d" % following[key], key=b"S|%03d" % key))
        following[key] += 1
    with publisher(settings) as way_in:
        way_in.publish(letters)


def _expected(plan: Plan) -> set[tuple[bytes, bytes]]:
    from hashlib import blake2b
    from json import dumps

    expected = set()
    for key in range(plan.keys):
        for number in range(plan.numbers):
            digest = blake2b(dumps(list(range(number + 1))).encode(), digest_size=8).hexdigest()
            expected.add((b"S|%03d" % key, f"{number}:{digest}".encode()))
    return expected


def _outcome(settings: Settings, plan: Plan, crew: Crew, committed: int, stalls: int, seconds: float) -> Outcome:
    messages = list(read_topic(settings, settings.topic("out")))
    read = [(message.key or b"", message.value or b"") for message in messages]
    expected = _expected(plan)
    found = set(read)
    _keep_differences(crew.folder, messages, expected)
    return Outcome(
        events=plan.events,
        missing=len(expected - found),
        extra=len(found - expected),
        repeats=len(read) - len(found),
        committed=committed,
        gaps=crew.wrote("OFFSET GAP"),
        crashes=sum(len(member.ended) for member in crew.members.values()),
        stalls=stalls,
        seconds=seconds,
        words="".join(f"\n--- {name}\n{member.words()}" for name, member in crew.members.items()) if stalls else "",
    )


def _keep_differences(folder: Path, messages: list[Message], expected: set[tuple[bytes, bytes]]) -> None:
    """For whoever looks into a failed run: every output with its place and time, the wrong ones marked."""
    lines = [
        f"{'' if (message.key, message.value) in expected else 'EXTRA'}\t{message.key!r}\t{message.value!r}"
        f"\t{message.partition}@{message.offset}\t{message.timestamp_ms}"
        for message in messages
    ]
    (folder / "outputs.tsv").write_text("\n".join(lines))
