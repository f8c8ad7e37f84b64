"""The outbox database: its tables, and how a connection to each kind of database is set up. Times are Unix ms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.engine import make_url

from safety_stream.errors import ConfigurationError

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
    Column("round", Integer, nullable=False, default=1, comment="Counts up when people are told again."),
    Column("kind", String(10), nullable=False, default="alert", comment="alert, reminder, answered, storm or digest"),
    Column("rank", Integer, nullable=False, comment="0 critical, 1 warning, 2 info: the gravest goes first."),
    Column(
        "state",
        String(12),
        nullable=False,
        comment="pending, accepted, contained, rejected, superseded, answered, silenced, gathered",
    ),
    Column("possible_repeat", Boolean, nullable=False, default=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("queued_at", BigInteger, nullable=False),
    Column("next_try", BigInteger, nullable=False),
    Column("claimed_until", BigInteger, nullable=False, default=0),
    Column("settled_at", BigInteger),
    Column("shelf", String(16), comment="Messages of one shelf may share a mail; null: never."),
    Column("mail", BigInteger, comment="The message that leads the mail it was first tried in; null: alone."),
    Column("contained_in", String(16), comment="The graver alert of that mail that is answered for it."),
    UniqueConstraint("alert_id", "revision", "recipient", "level", "round", "kind"),
    Index("messages_in_order", "channel", "state", "rank", "queued_at", "id"),
    Index("messages_by_time", "queued_at"),
    Index("messages_together", "recipient", "shelf"),
    Index("messages_contained", "contained_in"),
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
COURSES: Final = Table(
    "courses",
    METADATA,
    Column("alert_id", String(16), primary_key=True),
    Column("revision", Integer, nullable=False, comment="The revision that is to be answered."),
    Column("state", String(12), nullable=False, comment="open, acknowledged, adjudicated, closed or withdrawn"),
    Column("level", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("step_at", BigInteger, comment="When the next level is told."),
    Column("remind_at", BigInteger),
    Column("decide_by", BigInteger),
    Column("answered_at", BigInteger),
    Column("answered_by", String(120), nullable=False),
    Column("due_at", BigInteger, index=True, comment="When time alone moves it next."),
    Column("ladder", Text, nullable=False, comment="JSON: times and people, frozen when the alert was raised."),
    Column("finding", String(120), index=True, comment="What a decision names."),
)
TRANSITIONS: Final = Table(
    "transitions",
    METADATA,
    Column("id", _KEY, primary_key=True, autoincrement=True),
    Column("alert_id", String(16), nullable=False),
    Column("number", Integer, nullable=False, comment="1, 2, ... of this alert: nobody writes the same one twice."),
    Column("revision", Integer, nullable=False),
    Column("what", String(16), nullable=False, index=True),
    Column("before", String(12)),
    Column("after", String(12), nullable=False),
    Column("level", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("at", BigInteger, nullable=False, comment="By the clock of this server."),
    Column("who", String(120), nullable=False),
    Column(
        "origin", String(300), nullable=False, comment="From where: the clock, web, command, topic/partition@offset."
    ),
    Column("why", Text, nullable=False),
    UniqueConstraint("alert_id", "number"),
)
ANSWERS: Final = Table(
    "answers",
    METADATA,
    Column("record", String(260), primary_key=True, comment="system|id of the event's source."),
    Column("version", Integer, primary_key=True),
    Column("alert_id", String(16), nullable=False, index=True),
    Column("outcome", String(20), nullable=False, comment="taken, nothing_to_answer, or why it was refused."),
    Column("event", Text, nullable=False, comment="As it is in, or goes to, safety.decisions."),
    Column("at", BigInteger, nullable=False),
    Column("origin", String(300), nullable=False),
    Column("published", Boolean, nullable=False, index=True, comment="Whether the broker has it."),
)
PLANS: Final = Table(
    "plans",
    METADATA,
    Column("name", String(200), primary_key=True, comment="digest, or storm and a study"),
    Column("due_at", BigInteger, nullable=False),
)
NOTICES: Final = Table(
    "notices",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("kind", String(10), nullable=False, comment="storm or digest"),
    Column("study", String(120), nullable=False),
    Column("person", Text, nullable=False, comment="JSON: channel, address, display name."),
    Column("content", Text, nullable=False, comment="The note as JSON."),
    Column("made_at", BigInteger, nullable=False),
)
SILENCES: Final = Table(
    "silences",
    METADATA,
    Column("id", _KEY, primary_key=True, autoincrement=True),
    Column("study", String(120), nullable=False, comment="* for every study"),
    Column("type", String(40), nullable=False, comment="* for every type that may be silenced"),
    Column("reason", Text, nullable=False),
    Column("by", String(120), nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
)


def open_database(url: str) -> Engine:
    """The database with its tables; SQLAlchemyError or OSError when it cannot be used, ConfigurationError when old."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_to_write)
    METADATA.create_all(engine)
    if lacking := tuple(_lacking(engine)):
        engine.dispose()
        raise ConfigurationError([f"outbox_url: made by an earlier version, it lacks {', '.join(lacking)}"])
    return engine


def is_an_outbox(url: str) -> bool:
    """Whether a database is there and holds an outbox; none is made, and nothing in it is changed."""
    file = sqlite_file(url)
    if make_url(url).get_backend_name() == "sqlite" and (not file or not Path(file).is_file()):
        return False
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names()) >= {COURSES.name, MESSAGES.name, TRANSITIONS.name}
    finally:
        engine.dispose()


def _lacking(engine: Engine) -> Iterator[str]:
    """Columns that a database of an earlier version does not have: to find out at the first alert would be too late."""
    there = inspect(engine)
    for table in METADATA.sorted_tables:
        names = {column["name"] for column in there.get_columns(table.name)}
        yield from (f"{table.name}.{column.name}" for column in table.columns if column.name not in names)


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
