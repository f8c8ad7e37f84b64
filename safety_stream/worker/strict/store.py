"""The local database as what it is: a copy of the changelog. A broken copy is thrown away and read again."""

import shutil
from pathlib import Path
from typing import Any

from faust.stores import STORES
from faust.stores.rocksdb import Store

SCHEME = "saferocksdb"
_BROKEN = ".broken"


class DisposableStore(Store):
    """RocksDB by partition, where a database that cannot be opened or read is removed and recovered from its start.

    Answers: a database damaged by a full disk, a lost file or a power cut stops the worker at every start, for good.
    Upstream: none found (faust-streaming #299 and #184 are about its lock, which is left alone here).
    Test: tests/worker/strict/test_store.py.
    """

    def _open_for_partition(self, partition: int) -> Any:
        path = self.partition_path(partition)
        if _mark(path).exists():
            self._dispose(path, "it could not be read")
        try:
            return super()._open_for_partition(partition)
        except Exception as error:
            if "lock" in repr(error).lower():
                raise
            self._dispose(path, repr(error))
        return super()._open_for_partition(partition)

    def condemn(self, partition: int) -> None:
        """The database could not be read: it is removed before it is opened again."""
        _mark(self.partition_path(partition)).touch()

    def _dispose(self, path: Path, why: str) -> None:
        self.log.warning("%s is removed and recovered from its changelog: %s", path.name, why)
        shutil.rmtree(path, ignore_errors=True)
        _mark(path).unlink(missing_ok=True)


def register() -> None:
    """Make ``saferocksdb://`` known to Faust, in this process only."""
    STORES.aliases[SCHEME] = f"{__name__}:{DisposableStore.__name__}"


def _mark(path: Path) -> Path:
    return path.with_name(path.name + _BROKEN)
