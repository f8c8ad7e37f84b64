"""When time alone changes something: the next deadline of each subject, by owned partition."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime


class Deadlines:
    """An index that can always be built again from the kept pages, and is dropped with its partition."""

    def __init__(self) -> None:
        self._by_partition: defaultdict[int, dict[str, datetime]] = defaultdict(dict)

    def put(self, partition: int, subject: str, deadline: datetime | None) -> None:
        """The subject's next deadline is this one now; null: it has none."""
        if deadline is None:
            self._by_partition[partition].pop(subject, None)
        else:
            self._by_partition[partition][subject] = deadline

    def due(self, partition: int, as_of: datetime) -> list[str]:
        """The subjects whose deadline has passed, the earliest first."""
        passed = [(at, subject) for subject, at in self._by_partition[partition].items() if at <= as_of]
        return [subject for _, subject in sorted(passed)]

    def earliest(self, partition: int) -> datetime | None:
        """The first deadline of a partition; null when there is none."""
        return min(self._by_partition[partition].values(), default=None)

    def renew(self, partition: int, deadlines: Iterable[tuple[str, datetime]]) -> None:
        """Begin a partition anew."""
        self._by_partition[partition] = dict(deadlines)

    def drop(self, partition: int) -> None:
        """Forget a partition that is no longer ours."""
        self._by_partition.pop(partition, None)
