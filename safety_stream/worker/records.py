"""The records of owned subjects: read from the kept pages when needed, held ready, dropped with their partition."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from safety_stream.clinical.stored import with_its_pages
from safety_stream.worker.judgement import HEADER, Consequences, Judgement, Record
from safety_stream.worker.pages import Page, deadline_of, pack, page_key, unpack
from safety_stream.worker.strict.tables import DurableTable

MOST_HELD = 2000
_Judged = TypeVar("_Judged")


class Records:
    """Records by partition, as they are after everything judged so far, durable or about to be.

    What is held here is ahead of the table between judging and keeping. That is safe: if the keeping fails, the
    process ends, and this with it; if the partition is taken away, it is dropped before anyone else may have it.
    """

    def __init__(self, table: DurableTable, judgement: Judgement) -> None:
        self._table = table
        self._judgement = judgement
        self._held: defaultdict[int, dict[tuple[str, str], Record]] = defaultdict(dict)

    def judged(self, partition: int, study: str, subject: str, judge: Callable[[Record], _Judged]) -> _Judged:
        """What a judgement makes of a record, with every page loaded that it asks for."""
        load = partial(self._load, partition)
        record = self._held[partition].get((study, subject))
        if record is None:
            record = load(self._judgement.empty(study, subject), HEADER)
        return with_its_pages(record, load, judge)

    def keep(self, partition: int, offset: int, after: Consequences) -> dict[bytes, bytes]:
        """Hold the record ready, and the values to keep. Raises PageTooLarge, then nothing has changed.

        The header is the last of them: should more pages than one batch holds be cut off by a crash, then it does not
        say yet what the others do not hold.
        """
        record = after.record
        values = {
            page_key(record.study, record.subject, name): pack(self._page(record, name, offset, after.deadline), name)
            for name in sorted(after.pages, key=lambda name: (name == HEADER, name))
        }
        held = self._held[partition]
        held.pop((record.study, record.subject), None)
        held[record.study, record.subject] = record
        if len(held) > MOST_HELD:
            held.pop(next(iter(held)))
        return values

    def names(self, partition: int) -> set[tuple[str, str]]:
        """Study and subject of every record kept on a partition."""
        keys = (key.decode().split("|", 2) for key, _ in self._table.scan(partition))
        return {(study, subject) for study, subject, _ in keys if study}

    def deadlines(self, partition: int) -> list[tuple[str, datetime]]:
        """Every subject with a deadline, as ``study|subject``, from the kept headers."""
        found = []
        for key, value in self._table.scan(partition):
            subject, _, page = key.decode().rpartition("|")
            deadline = deadline_of(value) if page == HEADER else None
            if deadline is not None:
                found.append((subject, deadline))
        return found

    def drop(self, partition: int) -> None:
        """Forget a partition that is no longer ours."""
        self._held.pop(partition, None)

    def _load(self, partition: int, record: Record, name: str) -> Record:
        value = self._table.load(partition, page_key(record.study, record.subject, name))
        return self._judgement.with_page(record, name, unpack(value).content if value is not None else None)

    def _page(self, record: Record, name: str, offset: int, deadline: datetime | None) -> Page:
        return Page(offset, deadline if name == HEADER else None, self._judgement.page(record, name))
