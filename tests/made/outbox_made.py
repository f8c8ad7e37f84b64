"""An outbox to work with, on SQLite and, where PostgreSQL is installed, on a server of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import METADATA, open_database

PHYSICIAN = Recipient("email", "physician@example.org", "Dr Lee")
MONITOR = Recipient("email", "monitor@example.org")


@pytest.fixture
def routing() -> Routing:
    """Two people."""
    everyone = ("safety_physician", "sponsor_safety", "data_manager", "operator")
    people = dict.fromkeys(everyone, (PHYSICIAN,)) | {"medical_monitor": (PHYSICIAN, MONITOR)}
    return Routing({"*": people})  # type: ignore[dict-item]  # the roles are Literals


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty outbox."""
    here = request.param == "sqlite"
    database = open_database(f"sqlite:///{tmp_path}/outbox.db" if here else request.getfixturevalue("postgresql_url"))
    yield database
    METADATA.drop_all(database)
    database.dispose()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server of our own on a loopback port, gone afterwards."""
    pytest.importorskip("psycopg", reason="needs psycopg: pip install safety-stream[postgresql]")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    if os.getuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser here")
    as_other = ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []
    binaries = installed[-1].parent
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        if as_other:
            shutil.chown(folder, "nobody")
        data = f"{folder}/data"

        def postgres(*command: str) -> None:
            subprocess.run([*as_other, *command], check=True, capture_output=True, cwd=folder)

        postgres(f"{binaries}/initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        postgres(f"{binaries}/pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
        finally:
            postgres(f"{binaries}/pg_ctl", "-D", data, "-m", "immediate", "stop")
