"""The subjects agent's work: an entry of the log of record, and what follows from it for its subject."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from faust.types import Message

from safety_stream.clinical.events import Accepted, ClockTicked, SubjectEvent, is_for_no_subject
from safety_stream.errors import PageTooLarge, StudyUnknown
from safety_stream.rulebook.canary import CANARY
from safety_stream.settings import Settings
from safety_stream.worker.clock import TICK_KEY, Clock
from safety_stream.worker.dead_letters import DeadLetters
from safety_stream.worker.deadlines import Deadlines
from safety_stream.worker.guard import OffsetGuard, check_partition
from safety_stream.worker.judgement import Consequences, Judgement
from safety_stream.worker.messages import place
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.outputs import Effects, Output, checked
from safety_stream.worker.pages import Page, pack, page_key, unpack
from safety_stream.worker.quarantine import NOT_THE_EVENTS_FAULT, Attempt, traceback_of
from safety_stream.worker.records import Records
from safety_stream.worker.strict.tables import DurableTable


class SubjectsWork:
    """Judges every event of a subject, and every subject whose deadline a tick has passed."""

    name = "subjects"

    def __init__(
        self, settings: Settings, judgement: Judgement, table: DurableTable, guard: OffsetGuard, metrics: Metrics
    ) -> None:
        self.table = table
        self.deadlines = Deadlines()
        self._settings = settings
        self._judgement = judgement
        self._guard = guard
        self._metrics = metrics
        self._clock = Clock(settings.clock)
        self._records = Records(table, judgement)
        self._letters = DeadLetters(settings)

    def judge(self, message: Message) -> Effects:
        """What follows from one entry."""
        self._guard.check(message)
        event = Accepted.model_validate_json(message.value or b"").event
        as_of = self._clock.at(message, event)
        if isinstance(event, ClockTicked):
            return self._tick(message, as_of)
        check_partition(message, self._settings.partitions)
        if is_for_no_subject(event):
            return Effects()
        if event.study not in self._judgement.studies:
            if event.study == CANARY:  # sent while it was on, read after it was switched off
                return Effects()
            raise StudyUnknown(f"{place(message)}: no protocol is loaded for study {event.study}, whose events we hold")
        return self._of_subject(message, event.study, event.subject, event, as_of)

    def set_aside(self, message: Message, attempt: Attempt) -> Effects:
        """An entry that cannot be judged: its subject goes on without it, and a person is told.

        A tick is about many: only those of whom time cannot be judged go on without it.
        """
        self._guard.accept(message)
        if message.key == TICK_KEY:
            event = Accepted.model_validate_json(message.value or b"").event
            return self._tick(message, self._clock.at(message, event), Exception)
        self._metrics.quarantined(self.name)
        return Effects(self._letters.quarantined(message, attempt))

    def done(self, messages: Sequence[Message]) -> None:
        """Count what was judged."""
        self._metrics.judged(self.name, len(messages))

    def assigned(self, partitions: Iterable[int]) -> None:
        """These partitions are ours and recovered: build their index anew."""
        for partition in partitions:
            self._records.drop(partition)
            self.deadlines.renew(partition, self._records.deadlines(partition))
            self._clock.drop(partition)
            kept = self.table.load(partition, _clock_key(partition))
            if kept is not None and (at := unpack(kept).deadline) is not None:
                self._clock.tick(partition, at)

    def revoked(self, partitions: Iterable[int]) -> None:
        """These partitions are ours no longer."""
        for partition in partitions:
            self._records.drop(partition)
            self.deadlines.drop(partition)
            self._clock.drop(partition)

    def _tick(self, message: Message, as_of: datetime, spared: type[Exception] = PageTooLarge) -> Effects:
        """Time has passed: conclude again for every subject whose deadline it has passed.

        ``spared``: what may go wrong with one of them without the others having to wait.
        """
        partition = message.partition
        self._clock.tick(partition, as_of)
        effects = [self._woken(message, key, as_of, spared) for key in self.deadlines.due(partition, as_of)]
        values = {key: value for each in effects for key, value in each.pages.items()}
        if self._clock.remembers:
            values[_clock_key(partition)] = pack(Page(message.offset, as_of, b""), "clock")
        return Effects(tuple(output for each in effects for output in each.outputs), values)

    def _woken(self, message: Message, key: str, as_of: datetime, spared: type[Exception]) -> Effects:
        """What time changes for one subject; its deadline stays on its page, for its next event or the next start."""
        study, _, subject = key.partition("|")
        try:
            return self._of_subject(message, study, subject, None, as_of)
        except NOT_THE_EVENTS_FAULT:
            raise
        except spared as error:
            self.deadlines.put(message.partition, key, None)
            self._metrics.quarantined(self.name)
            why = f"{traceback_of(error)}when time passed for {key}"  # a letter keeps the end
            return Effects(self._letters.quarantined(message, Attempt(place(message), 1, why)))

    def _of_subject(
        self, message: Message, study: str, subject: str, event: SubjectEvent | None, as_of: datetime
    ) -> Effects:
        partition = message.partition
        judge = self._judgement.of_subject
        after = self._records.judged(partition, study, subject, lambda record: judge(record, event, as_of))
        outputs = checked(self._outputs(f"{study}|{subject}".encode(), study.encode(), after))
        values = self._records.keep(partition, message.offset, after)
        self.deadlines.put(partition, f"{study}|{subject}", after.deadline)
        self._metrics.concluded(after)
        return Effects(outputs, values)

    def _outputs(self, subject: bytes, study: bytes, after: Consequences) -> Iterator[Output]:
        for change in after.changes:
            yield Output(self._settings.topic("findings"), subject, change.model_dump_json().encode())
        for alert in after.alerts:
            yield Output(self._settings.topic("alerts"), study, alert.model_dump_json().encode())
        if after.status is not None:
            yield Output(self._settings.topic("statuses"), study, after.status.model_dump_json().encode())


def _clock_key(partition: int) -> bytes:
    return page_key("", "", f"clock-{partition}")
