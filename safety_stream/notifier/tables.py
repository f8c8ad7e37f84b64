"""The outbox database: four tables, and how a connection to each kind of database is set up. Times are Unix ms."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.engine import make_url

METADATA: Final = MetaData()
_KEY: Final = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts up by itself in SQLite

ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("type", String(40), nullable=False),
    Column("study", String(120), nullable=False),
    Column("urgency", String(8), nullable=False),
    Column("action", String(8), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("content", Text, nullable=False, comment="The alert as JSON, as it was read."),
    Column("recipients", Text, nullable=False, comment="JSON: who is to be told, frozen when the alert was recorded."),
    Column("origin", String(300), nullable=False, comment="topic/partition@offset, or the second look."),
    Column("recorded_at", BigInteger, nullable=False),
)
MESSAGES: Final = Table(
    "messages",
    METADATA,
    Column("id", _KEY, primary_key=True, autoincrement=True),
    Column("alert_id", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("recipient", String(320), nullable=False, comment="channel:address"),
    Column("channel", String(20), nullable=False),
    Column("level", Integer, nullable=False, default=1, comment="1 told at once, 2 and 3 next in line."),
    Column("rank", Integer, nullable=False, comment="0 critical, 1 warning, 2 info: the gravest goes first."),
    Column("state", String(12), nullable=False, comment="pending, accepted, rejected or superseded"),
    Column("possible_repeat", Boolean, nullable=False, default=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("queued_at", BigInteger, nullable=False),
    Column("next_try", BigInteger, nullable=False),
    Column("claimed_until", BigInteger, nullable=False, default=0),
    Column("settled_at", BigInteger),
    UniqueConstraint("alert_id", "revision", "recipient"),
    ForeignKeyConstraint(["alert_id", "revision"], ["alerts.id", "alerts.revision"]),
    Index("messages_in_order", "channel", "state", "rank", "queued_at", "id"),
)
ATTEMPTS: Final = Table(
    "attempts",
    METADATA,
    Column("id", _KEY, primary_key=True, autoincrement=True),
    Column("message_id", BigInteger, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("result", String(12), comment="Null while nobody knows."),
    Column("said", Text, nullable=False, default=""),
    Column("reported", Boolean, nullable=False, default=False, index=True),
)
EDITIONS: Final = Table(
    "editions",
    METADATA,
    Column("study", String(120), primary_key=True),
    Column("edition", String(200), nullable=False, comment="Rulebook and protocol that the second look compares by."),
)


def open_database(url: str) -> Engine:
    """The database with its tables; SQLAlchemyError or OSError when it cannot be used."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_to_write)
    METADATA.create_all(engine)
    return engine


def sqlite_file(url: str) -> str | None:
    """The file of an SQLite database; None for any other."""
    parsed = make_url(url)
    return parsed.database if parsed.get_backend_name() == "sqlite" else None


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 30000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_to_write(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # a reader that turns writer halfway could never finish
