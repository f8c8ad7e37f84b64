"""A broken local copy is thrown away and recovered; a locked one is left alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust.stores.rocksdb import Store as StockStore

from safety_stream.errors import LocalCopyBroken
from safety_stream.worker.strict import local
from safety_stream.worker.strict.store import DisposableStore

pytest_plugins = ["strict_fixtures"]


def store_of(app: faust.App, kind: type[StockStore] = DisposableStore) -> StockStore:
    """A store of the application's folder, as after a restart."""
    table = SimpleNamespace(name="pages", is_global=False, use_partitioner=False)
    app.conf.datadir.mkdir(exist_ok=True)
    app.conf.appdir.mkdir(exist_ok=True)
    app.conf.tabledir.mkdir(exist_ok=True)
    return kind("rocksdb://", app, cast(Any, table), table_name="pages", options={"block_cache_size": 1 << 20})


def damage(folder: Path) -> None:
    """A file of the database is lost."""
    (folder / "CURRENT").unlink()


async def _kept(app: faust.App) -> Path:
    store = store_of(app)
    local.write(store, 0, {b"k": b"v"}, 7)
    folder = store.partition_path(0)
    await store.stop()
    return folder


async def test_a_sound_database_is_kept(app: faust.App) -> None:
    """With its values, and the changelog offset they reach."""
    await _kept(app)
    store = store_of(app)
    assert local.read(store, 0, b"k") == b"v"
    assert store.persisted_offset(cast(Any, SimpleNamespace(partition=0))) == 7
    await store.stop()


async def test_a_damaged_database_is_recovered_from_the_start(app: faust.App) -> None:
    """It is empty and claims no offset, so that recovery reads the whole changelog."""
    damage(await _kept(app))
    store = store_of(app)
    assert local.read(store, 0, b"k") is None
    assert store.persisted_offset(cast(Any, SimpleNamespace(partition=0))) is None
    await store.stop()


async def test_stock_stops_at_a_damaged_database_for_good(app: faust.App) -> None:
    """The defect. When this fails, it is fixed."""
    damage(await _kept(app))
    with pytest.raises(Exception, match=r"(?i)corruption|current|exists"):
        store_of(app, StockStore)._db_for_partition(0)


async def test_a_database_that_cannot_be_read_is_removed_at_the_next_start(app: faust.App, monkeypatch: Any) -> None:
    """The process stops, and its event is not to blame."""
    await _kept(app)
    store = store_of(app)

    def broken(partition: int) -> Any:
        raise Exception("Corruption: block checksum mismatch")  # rocksdict's own

    monkeypatch.setattr(store, "_db_for_partition", broken)
    with pytest.raises(LocalCopyBroken, match="checksum"):
        local.read(store, 0, b"k")
    again = store_of(app)
    assert local.read(again, 0, b"k") is None
    await again.stop()


async def test_a_database_in_use_is_left_alone(app: faust.App) -> None:
    """Another process has it open: it is not ours to remove."""
    store = store_of(app)
    local.write(store, 0, {b"k": b"v"}, 7)
    with pytest.raises(Exception, match=r"(?i)lock"):
        store_of(app)._db_for_partition(0)
    assert local.read(store, 0, b"k") == b"v"
    await store.stop()
