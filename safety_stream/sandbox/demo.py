"""The demo: the bundled trial from the laboratory's message to the physician's inbox, in one command, on a real Kafka.

Exit code 0: everything that was expected was found and mailed. 1: something was not, or a process ended by itself.
130: stopped. Whatever happens, every process is stopped and every file removed; the mails stay where ``keep`` says,
or, when the demo came to its own end, in a temporary folder that the summary names, so that they can be read.
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console

from safety_stream.broker import topics
from safety_stream.sandbox.demo_folder import DemoFolder
from safety_stream.sandbox.household import PARTITIONS, Household, ProcessEnded, topics_of_our_own
from safety_stream.sandbox.inbox import Inbox
from safety_stream.sandbox.kafka import LocalKafka
from safety_stream.sandbox.performance import Performance
from safety_stream.sandbox.simulator import DEFAULT_SEED, simulated_trial
from safety_stream.sandbox.summary import Outcome, Times, summarize
from safety_stream.sandbox.view import LiveView, PlainView, View
from safety_stream.settings import Settings

PLAY_SECONDS = 60.0
_PLAIN_WIDTH = 120
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asks for. ``broker`` None: a local Kafka of its own; ``keep``: where mails and logs stay."""

    broker: str | None = None
    stay: bool = False
    keep: Path | None = None
    seed: int = DEFAULT_SEED
    seconds: float = PLAY_SECONDS
    plain: bool = False


def run(settings: Settings, wishes: Wishes) -> int:
    """Give the performance; the exit code. ``settings``: how to reach an existing broker, and the cache folder.

    Raises SafetyStreamError when it cannot start: no Kafka, no topics, a broken rulebook.
    """
    console = Console(width=None if Console().is_terminal else _PLAIN_WIDTH, highlight=False)
    with _interrupted_once():
        try:
            return _run(settings, wishes, console)
        except KeyboardInterrupt:
            console.print(f"Stopped; nothing is left behind{f' but {wishes.keep}' if wishes.keep else ''}.")
            return 130
        except ProcessEnded as error:
            console.print(str(error), style="red", markup=False)
            return 1


def _run(settings: Settings, wishes: Wishes, console: Console) -> int:
    started = monotonic()
    trial = simulated_trial(wishes.seed)
    with ExitStack() as stack:
        folder = stack.enter_context(DemoFolder(wishes.keep))
        view = _view(console, wishes)
        ours = stack.enter_context(_broker(settings, wishes, view))
        broker_up = monotonic()
        performance = Performance(ours, trial, wishes.seconds, view)
        inbox = stack.enter_context(Inbox(folder.mails, performance.mail_came))
        stack.callback(performance.stop)
        view.step("Starting two workers and the notifier")
        household = stack.enter_context(Household(ours, folder.work, inbox))
        view.step(f"Playing {len(trial.messages):,} messages: ten subjects, eight months in {wishes.seconds:.0f} s")
        with view:
            performance.run(inbox, household)
        times = Times(broker_up, performance.first_mail_at, started, monotonic())
        verdicts = performance.verdicts()
        places = {"mails": str(folder.mails), **_running(ours, household, wishes)}
        summarize(
            Outcome(verdicts, performance.arrived(), performance.watcher.seen, inbox.mails, times, places), console
        )
        if wishes.stay:
            _stay(household, console)
        view.step("Stopping everything")
        folder.finished = not wishes.stay
        _ignore(_ENDING)  # the end is near: let it tidy up
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _running(ours: Settings, household: Household, wishes: Wishes) -> dict[str, str]:
    """What can be looked at while it runs; and, with ``keep``, afterwards."""
    places = {}
    if wishes.stay:
        places["metrics"] = "  ".join(household.metrics.values())
        places["broker"] = f"{ours.bootstrap_servers}, topics {ours.topic_prefix}.*"
        places["outbox"] = str(household.outbox)
        places["logs"] = "  ".join(str(log) for log in household.logs())
    elif wishes.keep:
        places["logs, outbox"] = str(wishes.keep)
    return places


def _view(console: Console, wishes: Wishes) -> View:
    if console.is_terminal and not wishes.plain:
        return LiveView(console, "safety_stream: simulated CAR-NK trial")
    return PlainView(console)


@contextmanager
def _broker(settings: Settings, wishes: Wishes, view: View) -> Iterator[Settings]:
    """A broker with our topics on it, as settings that reach it."""
    if wishes.broker is not None:
        view.step(f"Using Kafka at {wishes.broker}")
        named = settings.model_copy(update={"bootstrap_servers": wishes.broker, "partitions": PARTITIONS})
        with topics_of_our_own(named) as ours:
            yield ours
        return
    view.step("Starting Apache Kafka (the very first time it is fetched, about 100 MB)")
    began = monotonic()
    with LocalKafka(settings.cache_folder) as kafka:
        view.step(f"Apache Kafka {kafka.version} is up at {kafka.bootstrap_servers} after {monotonic() - began:.1f} s")
        shape = {
            "bootstrap_servers": kafka.bootstrap_servers,
            "partitions": PARTITIONS,
            "replication": 1,
            "min_insync_replicas": 1,
            "security_protocol": "PLAINTEXT",
        }
        ours = settings.model_copy(update=shape)
        topics.create(ours)
        yield ours


def _stay(household: Household, console: Console) -> None:
    """Until Ctrl-C, which is then the expected end and changes no exit code."""
    console.print("Everything keeps running until Ctrl-C.")
    with suppress(KeyboardInterrupt):
        while True:
            household.check()
            sleep(1)


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the demo in good order; a second one disturbs neither tidying up nor exit code."""

    def first(number: int, frame: object) -> None:
        _ignore(_ENDING)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, first) for number in _ENDING}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is first:
            signal.signal(number, handler)


def _ignore(numbers: Iterable[signal.Signals]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
