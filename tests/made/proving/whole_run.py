"""One run of the whole path, from published messages to delivered mails, while things go wrong; and its verdict."""

import random
import re
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal, Protocol

import orjson

from proving.crew import Crew, TimeOver
from proving.probe import Probe
from proving.told import File, of_file
from proving.verdict import differences, keep_logs
from safety_stream.broker import topics
from safety_stream.broker.publishing import publisher
from safety_stream.broker.topic_table import INBOUND, worker_group
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.inbox import Inbox
from safety_stream.sandbox.publish import publish_lines
from safety_stream.sandbox.simulator import simulated_trial
from safety_stream.settings import PREFIX, Settings

What = Literal["first output", "progress", "recovery", "notifier", "broker", "inbox away"]
WORKER = Path(__file__).with_name("worker_main.py")
AT_WORK = re.compile(r'"event": "(Recovered|at work)"')
RECOVERING = "Recovery]: Resuming flow"
ROLES = (
    "safety_physician", "safety_physician_backup", "medical_monitor", "sponsor_safety", "dsmb_chair",
    "site_investigator", "data_manager", "operator",
)  # fmt: skip
# Longer than the worst start after a crash, a rebalance and the messenger's longest rest together. With faults, many
# lives of a worker may end before the first commit.
STUCK_SECONDS = 150.0
STUCK_WITH_FAULTS_SECONDS = 400.0


class Restartable(Protocol):
    """A broker that can be stopped and started again on its data."""

    def stop(self) -> None:
        """Stop."""

    def start(self) -> None:
        """Start again."""


@dataclass(frozen=True)
class WholePlan:
    """What one run does: who takes part, what goes wrong, in which order its seed decides."""

    seed: int
    wrong: tuple[What, ...] = ("first output", "progress", "recovery")
    workers: int = 1
    store: Literal["memory", "rocksdb"] = "memory"
    signals: tuple[signal.Signals, ...] = (signal.SIGKILL,)
    fault_rate: float = 0.0
    stock: bool = False
    subjects: frozenset[str] | None = None
    tick_every: int = 7


@dataclass(frozen=True)
class WholeOutcome:
    """What a run left behind: ``differences`` is empty when every guarantee was kept."""

    differences: tuple[str, ...]
    messages: int
    mails: int
    repeats: int
    crashes: tuple[int, ...]
    seconds: float

    def __str__(self) -> str:
        told = "\n".join(f"- {difference}" for difference in self.differences) or "- none"
        return (
            f"{self.messages} messages, {self.mails} mails, {self.repeats} repeats, crashes {self.crashes}, "
            f"{self.seconds:.0f} s; differences:\n{told}"
        )


class Whole:
    """The running parts of one run and how far they have come."""

    def __init__(self, settings: Settings, crew: Crew, probe: Probe, inbox: Inbox) -> None:
        self.settings, self.crew, self.probe, self.inbox = settings, crew, probe, inbox
        self._inbox_away = False
        self._seen: tuple[int, ...] = ()
        self._moved = monotonic()
        self.stuck_seconds = STUCK_SECONDS

    def findings(self) -> int:
        """Changes of findings written so far, repeats included."""
        return self.probe.size(self.settings.topic("findings"))

    def left(self) -> dict[str, int]:
        """Messages of each topic that are not committed yet, in the order in which they are worked off."""
        group = worker_group(self.settings)
        names = [*(spec.name for spec in INBOUND), "events", "statuses"]
        left = {name: self._left(group, name) for name in names}
        return {**left, "alerts": self._left(f"{self.settings.topic_prefix}-notifier", "alerts")}

    def all_at_work(self) -> bool:
        """Whether every process has come through its start: before that, SIGTERM ends it as it ends any process."""
        return all(AT_WORK.search(member.words_since(member.began)) for member in self.crew.members.values())

    def unsent(self) -> int:
        """Mails that wait in the outbox."""
        file = self.settings.outbox_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as outbox:
            return int(outbox.execute("SELECT count(*) FROM messages WHERE state = 'pending'").fetchone()[0])

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait while anything moves; TimeOver with the state when nothing has for a minute."""
        while not holds():
            self.crew.tend()
            now = (self.findings(), len(self.inbox.mails), *self.left().values())
            if now != self._seen:
                self._seen, self._moved = now, monotonic()
            if monotonic() - self._moved > self.stuck_seconds:
                words = "\n".join(f"--- {name}\n{member.words()}" for name, member in self.crew.members.items())
                raise TimeOver(f"stuck before: {what}; left {self.left()}\n{words}")

    def patience(self) -> None:
        """Count the wait anew, after something was restarted."""
        self._moved = monotonic()

    def mail_goes_away(self) -> None:
        """The mail server goes away."""
        if not self._inbox_away:
            self.inbox.stop()
        self._inbox_away = True

    def mail_comes_back(self) -> None:
        """The mail server is there again, if it was away."""
        if self._inbox_away:
            self.inbox.start()
        self._inbox_away = False

    def _left(self, group: str, name: str) -> int:
        topic = self.settings.topic(name)
        return self.probe.size(topic) - self.probe.committed(group, topic)


def run(settings: Settings, plan: WholePlan, folder: Path, broker: Restartable | None = None) -> WholeOutcome:
    """Publish the trial, let everything go wrong that the plan says, wait for the end, compare."""
    began = monotonic()
    book = load_book(allow_unsigned=True)
    lines = _lines(plan)
    file = of_file(lines, book)
    with ExitStack() as stack:
        inbox = stack.enter_context(Inbox(folder / "mails"))
        settings = _settings(settings, folder, inbox)
        topics.create(settings)
        with publisher(settings) as way_in:
            publish_lines(lines, way_in, settings)
        crew = stack.enter_context(Crew(folder, restarts=400 if plan.fault_rate else 25))
        _take_places(crew, settings, plan, folder)
        whole = Whole(settings, crew, stack.enter_context(Probe(settings)), inbox)
        if plan.fault_rate:
            whole.stuck_seconds = STUCK_WITH_FAULTS_SECONDS
        for name in crew.members:
            crew.start(name)
        _go_wrong(whole, plan, file, broker)
        stuck = _finish(whole)
        codes = {name: crew.end(name, signal.SIGTERM) for name in crew.members}
        found = [*stuck, *_ends(codes), *_gaps(crew), *differences(settings, book, file, inbox.mails)]
        if found:
            keep_logs(settings, folder)
        crashes = tuple(code for member in crew.members.values() for code in member.ended)
        ids = [mail.message_id for mail in inbox.mails]
        return WholeOutcome(tuple(found), len(lines), len(ids), len(ids) - len(set(ids)), crashes, monotonic() - began)


def _finish(whole: Whole) -> list[str]:
    try:
        whole.until("everything committed", lambda: not any(whole.left().values()))
        whole.until("every mail sent", lambda: not whole.unsent())
        whole.until("everybody at work", whole.all_at_work)
    except TimeOver as over:
        return [str(over)]
    return []


def _go_wrong(whole: Whole, plan: WholePlan, file: File, broker: Restartable | None) -> None:
    chance = random.Random(plan.seed)
    wrong = list(plan.wrong)
    chance.shuffle(wrong)
    wrong.sort(key=lambda what: what != "first output")
    marks = sorted(chance.randrange(2, max(3, int(file.changes * 0.7))) for _ in wrong)
    for what, mark in zip(wrong, marks, strict=True):
        goal = 1 if what == "first output" else mark
        whole.until(f"{goal} findings, then {what}", lambda goal=goal: whole.findings() >= goal)  # type: ignore[misc]
        _HOW[what](whole, chance, plan, broker)
        whole.patience()
    whole.mail_comes_back()


def _kill_a_worker(whole: Whole, chance: random.Random, plan: WholePlan, broker: Restartable | None) -> None:
    _kill(whole, _some_worker(whole, chance), chance.choice(plan.signals))


def _kill_in_recovery(whole: Whole, chance: random.Random, plan: WholePlan, broker: Restartable | None) -> None:
    name = _some_worker(whole, chance)
    member = whole.crew.members[name]
    _kill(whole, name, chance.choice(plan.signals))
    whole.patience()
    written = member.size()
    whole.until(f"{name} recovers", lambda: RECOVERING in member.words_since(written))
    _kill(whole, name, chance.choice(plan.signals))


def _kill_the_notifier(whole: Whole, chance: random.Random, plan: WholePlan, broker: Restartable | None) -> None:
    _kill(whole, "notifier", chance.choice(plan.signals))


def _restart_the_broker(whole: Whole, chance: random.Random, plan: WholePlan, broker: Restartable | None) -> None:
    assert broker is not None, "this plan needs a broker that can be restarted"
    with whole.probe.away():
        broker.stop()
        broker.start()


def _mail_away(whole: Whole, chance: random.Random, plan: WholePlan, broker: Restartable | None) -> None:
    whole.mail_goes_away()


_HOW: Mapping[What, Callable[[Whole, random.Random, WholePlan, Restartable | None], None]] = {
    "first output": _kill_a_worker,
    "progress": _kill_a_worker,
    "recovery": _kill_in_recovery,
    "notifier": _kill_the_notifier,
    "broker": _restart_the_broker,
    "inbox away": _mail_away,
}


def _some_worker(whole: Whole, chance: random.Random) -> str:
    return chance.choice([name for name in whole.crew.members if name != "notifier"])


def _kill(whole: Whole, name: str, number: signal.Signals) -> None:
    if whole.crew.members[name].running:
        whole.crew.end(name, number)
    whole.crew.start(name)


def _ends(codes: Mapping[str, int]) -> Iterator[str]:
    for name, code in codes.items():
        if code != 0:
            yield f"{name} ended with {code} on SIGTERM"


def _gaps(crew: Crew) -> Iterator[str]:
    if gaps := crew.wrote("OffsetGap: "):
        yield f"{gaps} offset gaps were seen by an agent"


def _take_places(crew: Crew, settings: Settings, plan: WholePlan, folder: Path) -> None:
    names = [f"worker-{number}" for number in range(1, plan.workers + 1)]
    for name in names:
        told: dict[str, object] = {"worker_id": name, "store": plan.store, "data_folder": folder / "data" / name}
        environment = _environment(settings.model_copy(update=told))
        if plan.fault_rate:
            environment["SAFETY_STREAM_TEST_FAULT_RATE"] = str(plan.fault_rate)
        if plan.stock:
            environment["SAFETY_STREAM_CANARY_STOCK"] = "1"
        crew.add(name, [sys.executable, str(WORKER)], environment)
    crew.add("notifier", [sys.executable, "-m", "safety_stream", "notifier"], _environment(settings))


def _settings(settings: Settings, folder: Path, inbox: Inbox) -> Settings:
    routing = folder / "alerting.yaml"
    people = "".join(f"    {role}:\n      - email: {role.replace('_', '.')}@site.example\n" for role in ROLES)
    routing.write_text(f'people:\n  "*":\n{people}', encoding="utf-8")
    return settings.model_copy(
        update={
            "partitions": 4,
            "clock": "event",
            "session_timeout_seconds": 4.0,
            "metrics_port": 0,
            "notifier_metrics_port": 0,
            "allow_unsigned_rulebook": True,
            "outbox_url": f"sqlite:///{folder}/outbox.db",
            "alert_routing_file": routing,
            "smtp_port": inbox.port,
            "smtp_tls": "none",
            "smtp_sender": "safety-stream@site.example",
        }
    )


def _environment(settings: Settings) -> dict[str, str]:
    told = settings.model_dump(exclude_unset=True, mode="json", exclude_none=True)
    return {PREFIX + name.upper(): str(value) for name, value in told.items()}


def _lines(plan: WholePlan) -> list[bytes]:
    """The simulated trial: the subjects of the plan, and a tick of the clock every so many days and at the end."""
    messages = simulated_trial().messages
    ticks = [message for message in messages if message.is_tick]
    kept_ticks = {id(message) for message in [*ticks[:: plan.tick_every], ticks[-1]]}
    return [
        message.line
        for message in messages
        if (id(message) in kept_ticks if message.is_tick else _of(message.line, plan.subjects))
    ]


def _of(line: bytes, subjects: frozenset[str] | None) -> bool:
    if subjects is None:
        return True
    try:
        return orjson.loads(line)["subject"] in subjects
    except orjson.JSONDecodeError:
        return any(f'"{subject}"'.encode() in line for subject in subjects)
