"""Alembic, called from our own command line and tests: no alembic.ini, one connection, both databases.

Alembic is imported where it is used: every command and every start would wait for it, and only an upgrade needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from flask import Flask, request
from sqlalchemy import Connection, Engine, inspect, text

from contracts_app.core import releases
from contracts_app.core.db import SAFE_METHODS, Base, db
from contracts_app.core.settings import ROOT

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = ROOT / "migrations"
_REVISION = re.compile(r"^(down_)?revision\b[^=\n]*= *\"([^\"]+)\"", re.MULTILINE)
_READYING = 3505_0001  # the key of a lock of PostgreSQL; any number that nobody else here takes
# Made by hand in the migrations because each database has its own kind; Alembic must not propose to drop them.
BY_HAND = ("contract_search", "enterprise_search")


def init_app(app: Flask) -> None:
    """Have every form refused that a newer release's database is not to get from this one."""
    releases.init_app(app, known())

    @app.before_request
    def _leave_writing_to_the_newer() -> None:
        if request.method not in SAFE_METHODS:
            releases.leave_writing_to_the_newer(app, db.session.connection())


def upgrade(engine: Engine, revision: str = "head") -> None:
    from alembic import command

    _run(engine, lambda config: command.upgrade(config, revision))


def downgrade(engine: Engine, revision: str) -> None:
    from alembic import command

    _run(engine, lambda config: command.downgrade(config, revision))


class Standing(Enum):
    """How a database stands to the migrations that this release knows."""

    CURRENT = "current"
    BEHIND = "behind"  # a new one too
    AHEAD = "ahead"  # a newer release has been here


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest migration (a new database does not)."""
    return standing(engine) is Standing.CURRENT


def standing(engine: Engine) -> Standing:
    """Whether the database is where this release wants it, before that, or somewhere this release knows nothing of."""
    at = stands_at(engine)
    if at == newest():
        return Standing.CURRENT
    return Standing.BEHIND if at <= set(known()) else Standing.AHEAD


def stands_at(engine: Engine) -> set[str]:
    """The migration at which the database stands; empty for a new one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return set()
        return set(connection.scalars(releases.VERSION))


def known() -> list[str]:
    """The numbers of the migrations that this release has, in order."""
    return [code for down, code in _read() if not down]


def newest() -> set[str]:
    """The migrations that no other one follows."""
    return set(known()) - {code for down, code in _read() if down}


@cache
def _read() -> tuple[tuple[str, str], ...]:
    """Each revision, and each that another one follows, of the files as they were when this process first asked."""
    files = sorted((FOLDER / "versions").glob("*.py"))
    return tuple(match for file in files for match in _REVISION.findall(file.read_text(encoding="utf-8")))


def differences(engine: Engine) -> list[object]:
    """What the models say and the migrated database does not; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": include_name, "compare_type": True, "compare_server_default": False}
        )
        return list(compare_metadata(context, Base.metadata))


def include_name(name: str | None, kind: str, parents: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(BY_HAND))


def new_revision(engine: Engine, message: str) -> None:
    """Write a migration from the difference between the models and the database. For developers."""
    from alembic import command

    _run(engine, lambda config: command.revision(config, message=message, autogenerate=True))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def _run(engine: Engine, act: Callable[[Config], object]) -> None:
    config = _config()
    with engine.connect() as connection, _tables_may_be_rebuilt(connection), connection.begin():
        one_at_a_time(connection)
        config.attributes["connection"] = connection
        act(config)
        if engine.dialect.name == "sqlite" and (
            orphans := connection.exec_driver_sql("pragma foreign_key_check").all()
        ):
            raise RuntimeError(f"rows that point nowhere, nothing was changed: {orphans[:5]}")


def one_at_a_time(connection: Connection) -> None:
    """Wait, to the end of the transaction, for any other process that makes this database ready."""
    if connection.dialect.name == "postgresql":  # on SQLite there is only one writer
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _READYING})


@contextmanager
def _tables_may_be_rebuilt(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew and dropping the old one; rows that point to it must outlive that."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.cursor()
    raw.execute("pragma foreign_keys=off")  # has no effect inside a transaction, so before it begins
    try:
        yield
    finally:
        raw.execute("pragma foreign_keys=on")
