"""The cohorts agent's work: a subject's status, and what follows from it for its study."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from faust.types import Message

from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.settings import Settings
from safety_stream.worker.dead_letters import DeadLetters
from safety_stream.worker.guard import OffsetGuard, check_partition
from safety_stream.worker.judgement import Consequences, Judgement
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.outputs import Effects, Output, checked
from safety_stream.worker.quarantine import Attempt
from safety_stream.worker.records import Records
from safety_stream.worker.strict.tables import DurableTable


class CohortsWork:
    """Judges every status of a subject for its study."""

    name = "cohorts"

    def __init__(
        self, settings: Settings, judgement: Judgement, table: DurableTable, guard: OffsetGuard, metrics: Metrics
    ) -> None:
        self.table = table
        self._settings = settings
        self._judgement = judgement
        self._guard = guard
        self._metrics = metrics
        self._records = Records(table, judgement)
        self._studies: defaultdict[int, set[str]] = defaultdict(set)
        self._letters = DeadLetters(settings)

    def judge(self, message: Message) -> Effects:
        """What follows from one status."""
        self._guard.check(message)
        check_partition(message, self._settings.partitions)
        status = SubjectStatus.model_validate_json(message.value or b"")
        judge = self._judgement.of_study
        after = self._records.judged(
            message.partition, status.study, "", lambda record: judge(record, status, status.as_of)
        )
        outputs = checked(self._outputs(status.study.encode(), after))
        values = self._records.keep(message.partition, message.offset, after)
        self._metrics.concluded(after)
        self._studies[message.partition].add(status.study)
        return Effects(outputs, values)

    def set_aside(self, message: Message, attempt: Attempt) -> Effects:
        """A status that cannot be judged: its study goes on without it, and a person is told."""
        self._guard.accept(message)
        self._metrics.quarantined(self.name)
        return Effects(self._letters.quarantined(message, attempt))

    def done(self, messages: Sequence[Message]) -> None:
        """Count what was judged, and show the studies as they are now."""
        self._metrics.judged(self.name, len(messages))
        for partition in {message.partition for message in messages}:
            self._show(partition)

    def assigned(self, partitions: Iterable[int]) -> None:
        """These partitions are ours and recovered."""
        for partition in partitions:
            self._records.drop(partition)
            self._studies[partition] = {study for study, _ in self._records.names(partition)}
            self._show(partition)

    def revoked(self, partitions: Iterable[int]) -> None:
        """These partitions are ours no longer."""
        for partition in partitions:
            self._records.drop(partition)
            self._studies.pop(partition, None)
            self._metrics.studies_gone(partition)

    def _show(self, partition: int) -> None:
        numbers = {
            study: self._records.judged(partition, study, "", self._judgement.numbers)
            for study in sorted(self._studies[partition])
        }
        self._metrics.studies_are(partition, numbers)

    def _outputs(self, study: bytes, after: Consequences) -> Iterator[Output]:
        for change in after.changes:
            yield Output(self._settings.topic("cohorts"), study, change.model_dump_json().encode())
        for alert in after.alerts:
            yield Output(self._settings.topic("alerts"), study, alert.model_dump_json().encode())
