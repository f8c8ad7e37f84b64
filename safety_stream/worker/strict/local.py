"""The local copy of a table: RocksDB or memory, by partition, written in one piece with the changelog offset."""

from collections.abc import Iterator, Mapping
from typing import Any

from faust.stores import memory, rocksdb
from rocksdict import WriteBatch

from safety_stream.errors import LocalCopyBroken
from safety_stream.worker.strict.store import DisposableStore


def read(store: Any, partition: int, key: bytes) -> bytes | None:
    """The value of a key of one partition."""
    if isinstance(store, rocksdb.Store):
        return _read(store, partition, key)
    return _memory(store).data.get(key) if store._key_partition.get(key) == partition else None


def items(store: Any, partition: int) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value of one partition."""
    if isinstance(store, rocksdb.Store):
        yield from store._visible_items(store._db_for_partition(partition))
    else:
        data = _memory(store).data
        yield from ((key, data[key]) for key, owner in tuple(store._key_partition.items()) if owner == partition)


def write(store: Any, partition: int, entries: Mapping[bytes, bytes], offset: int) -> None:
    """Write entries and the changelog offset they reach, all or nothing."""
    if isinstance(store, rocksdb.Store):
        batch = WriteBatch(raw_mode=True)
        for key, value in entries.items():
            batch.put(key, value)
        batch.put(store.offset_key, str(offset).encode())
        store._db_for_partition(partition).write(batch)
    else:
        _memory(store).data.update(entries)
        store._key_partition.update(dict.fromkeys(entries, partition))


def _read(store: rocksdb.Store, partition: int, key: bytes) -> bytes | None:
    try:
        return store._db_for_partition(partition).get(key)  # type: ignore[no-any-return]
    except Exception as error:
        if isinstance(store, DisposableStore):
            store.condemn(partition)
        raise LocalCopyBroken(f"partition {partition}: {error}") from error


def _memory(store: Any) -> Any:
    if not isinstance(store, memory.Store):
        raise TypeError(f"{store!r} is neither RocksDB nor memory")
    return store
