# ruff: noqa: S608  (the only things put into a statement are names that the database itself gave)
"""A database as a set of parts that were true in one moment, and an empty database made of them again.

SQLite gives a copy of its file, taken in one step of its online backup while others write; it is cut at fixed places,
and because a page keeps its place in the file, most blocks of the next copy are the same. PostgreSQL gives its tables
by COPY out of one REPEATABLE READ snapshot, in the order of their keys, cut where the rows themselves say; the tables
are made by our own migrations. That needs no client programs, which would have to be as new as the server, goes from
one version of the server to another, and lets the restored tables be read once more and compared byte by byte.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from contracts_app.core.database import migrations
from contracts_app.core.errors import Refused
from contracts_app.core.keeping.files import size_label

_BLOCK = 1024 * 1024  # of a file
_LEAST, _MOST = 512 * 1024, 4 * 1024 * 1024  # of rows
_CUT = 1023  # one row in 1024 may end a block that is long enough
_FILE = "database"  # the one part of a SQLite database
_PASSING = "backup-passing-"
_OURS = "relnamespace = to_regnamespace(quote_ident(current_schema()))"


@dataclass
class Stream:
    """A part on its way: its name, its blocks, and what must be known to put it back."""

    name: str
    blocks: Iterable[bytes]
    facts: dict[str, Any] = field(default_factory=dict)


class Snapshot(Protocol):
    """A database held still: a connection to count on, and its parts."""

    connection: Connection
    sequences: Mapping[str, int]

    def streams(self) -> Iterator[Stream]:
        """Every part. Each is read to its end before the next is asked for."""


@dataclass(frozen=True)
class Kept:
    """A part as it was kept: what must be known to put it back, and its blocks again."""

    name: str
    facts: Mapping[str, Any]
    blocks: Callable[[], Iterator[bytes]]


@contextmanager
def held_still(engine: Engine, folder: Path) -> Iterator[Snapshot]:
    """The database as it is in this moment, while others work. ``folder``: where a copy of it may lie for a while."""
    holding = _sqlite_held_still if engine.dialect.name == "sqlite" else _postgresql_held_still
    with holding(engine, folder) as snapshot:
        yield snapshot


def tables_of(connection: Connection) -> list[str]:
    """The tables whose rows are counted; those in which SQLite keeps the inside of a search index are not."""
    found = inspect(connection).get_table_names()
    return sorted(name for name in found if not name.startswith(tuple(f"{index}_" for index in migrations.BY_HAND)))


# --- SQLite -----------------------------------------------------------------------------------------------------------


@dataclass
class _SqliteSnapshot:
    connection: Connection
    copy: Path
    sequences: Mapping[str, int] = field(default_factory=dict)

    def streams(self) -> Iterator[Stream]:
        with self.copy.open("rb") as file:
            yield Stream(_FILE, iter(lambda: file.read(_BLOCK), b""))


@contextmanager
def _sqlite_held_still(engine: Engine, folder: Path) -> Iterator[Snapshot]:
    for half in folder.glob(f"{_PASSING}*"):  # of one that was killed; a vault has one writer
        half.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=_PASSING, suffix=".db")
    os.close(handle)
    copy = Path(name)
    try:
        # The driver's own connection: one of ours would begin a transaction as if to write, and wait for a writer.
        with closing(engine.raw_connection()) as pooled:
            source: Any = pooled.driver_connection
            needed, free = _size_of(source), shutil.disk_usage(folder).free
            if needed > free:
                raise Refused(
                    f"{folder} 剩 {size_label(free)}，放不下数据库的临时副本（{size_label(needed)}），腾出后重试。"
                )
            _copy_in_one_step(source, copy)
        still = create_engine(f"sqlite:///file:{quote(str(copy))}?immutable=1&uri=true", poolclass=NullPool)
        with still.connect() as connection:
            yield _SqliteSnapshot(connection, copy)
    finally:
        for file in folder.glob(f"{copy.name}*"):
            file.unlink(missing_ok=True)


def _size_of(connection: sqlite3.Connection) -> int:
    pages, size = (connection.execute(f"pragma page_{what}").fetchone()[0] for what in ("count", "size"))
    return int(pages * size)


def _copy_in_one_step(source: sqlite3.Connection, copy: Path) -> None:
    """In one step it is one reader's view: whoever writes meanwhile neither waits nor makes it begin anew."""
    with closing(sqlite3.connect(copy)) as target:
        target.execute("pragma synchronous=off")  # gone in a minute
        target.execute("pragma journal_mode=off")
        source.backup(target, pages=-1)


def restore_sqlite(file: Path, part: Kept) -> None:
    """Make the file again, readable by its owner only; it must not be there."""
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as made:
        for block in part.blocks():
            made.write(block)
        made.flush()
        os.fsync(made.fileno())


def faults_of_sqlite(connection: Connection) -> list[str]:
    """What SQLite's own checks of its file find; empty when it is sound."""
    found = [str(line) for line in connection.exec_driver_sql("pragma integrity_check").scalars()]
    orphans = connection.exec_driver_sql("pragma foreign_key_check").all()
    return [line for line in found if line != "ok"] + [
        f"{table} 第 {row} 行指向不存在的记录" for table, row, *_ in orphans
    ]


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@dataclass
class _PostgresqlSnapshot:
    connection: Connection
    sequences: Mapping[str, int]

    def streams(self) -> Iterator[Stream]:
        for table in sorted(inspect(self.connection).get_table_names()):
            columns = _columns(self.connection, table)
            yield Stream(table, _cut(_rows(self.connection, table, columns)), {"columns": columns})


@contextmanager
def _postgresql_held_still(engine: Engine, folder: Path) -> Iterator[Snapshot]:
    held = engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with held as connection, connection.begin():
        _write_values_alike(connection)
        yield _PostgresqlSnapshot(connection, _sequences(connection))


def _write_values_alike(connection: Connection) -> None:
    """Text forms that do not depend on how a server is set up, until the transaction ends."""
    for setting in ("datestyle = 'ISO, YMD'", "intervalstyle = 'postgres'", "bytea_output = 'hex'", "timezone = 'UTC'"):
        connection.exec_driver_sql(f"SET LOCAL {setting}")
    connection.exec_driver_sql("SET LOCAL extra_float_digits = 1")


def _sequences(connection: Connection) -> dict[str, int]:
    """How far each sequence has counted. One that the account may not look at is left out, as one never used is."""
    asked = (
        "SELECT sequencename, last_value FROM pg_sequences"
        " WHERE schemaname = current_schema() AND last_value IS NOT NULL"
    )
    return {str(name): int(value) for name, value in connection.exec_driver_sql(asked)}


def _columns(connection: Connection, table: str) -> list[str]:
    """The columns that are stored, not reckoned."""
    asked = (
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(:table))"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attname"
    )
    return [str(name) for name in connection.scalars(text(asked), {"table": table})]


def _rows(connection: Connection, table: str, columns: list[str]) -> Iterator[bytes]:
    """The rows of a table as COPY writes them, in the order of its key, the same on every server."""
    key = (
        "SELECT attname, attcollation <> 0 FROM pg_index JOIN pg_attribute ON attrelid = indrelid"
        " AND attnum = ANY(indkey) WHERE indisprimary AND indrelid = to_regclass(quote_ident(:table))"
        " ORDER BY array_position(CAST(indkey AS int2[]), attnum)"
    )
    order = [
        sql.SQL('{} COLLATE "C"' if is_text else "{}").format(sql.Identifier(name))
        for name, is_text in connection.execute(text(key), {"table": table})
    ] or [sql.SQL('CAST({} AS text) COLLATE "C"').format(sql.Identifier(table))]
    asked = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), sql.SQL(", ").join(order)
    )
    with _driver(connection).cursor() as cursor, cursor.copy(asked) as copy:
        yield from map(bytes, copy)


def _cut(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Rows put together to blocks that end where a row says so, so that new rows change the last blocks only."""
    block = bytearray()
    for row in rows:
        block += row
        if len(block) > _LEAST and (not zlib.crc32(row) & _CUT or len(block) > _MOST):
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def restore_postgresql(engine: Engine, revision: str, parts: Iterable[Kept], sequences: Mapping[str, int]) -> list[str]:
    """Fill an empty database: tables by our migrations, rows as they were kept. In one transaction after the tables.

    Indexes and foreign keys are made when the rows are there, triggers that refuse changes rest meanwhile. Returns the
    names of parts for which our migrations make no table: they are not ours and stay in the backup.
    """
    migrations.upgrade(engine, revision)
    with engine.begin() as connection:
        ours = set(inspect(connection).get_table_names())
        back = _laid_bare(connection)
        connection.exec_driver_sql(f"TRUNCATE {', '.join(map(_quoted, sorted(ours)))}")
        unknown = [part.name for part in parts if not _filled(connection, part, ours)]
        with _driver(connection).cursor() as cursor:
            for statement in back:  # as PostgreSQL wrote it: a percent sign in it is no parameter
                cursor.execute(statement)
        _set_sequences(connection, sequences)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return unknown


def _set_sequences(connection: Connection, counted: Mapping[str, int]) -> None:
    """Let every sequence go on behind what it gave and behind the rows that are there."""
    owned = (
        "SELECT sequence.relname, holder.relname, attname FROM pg_depend"
        " JOIN pg_class AS sequence ON sequence.oid = objid AND sequence.relkind = 'S'"
        " JOIN pg_class AS holder ON holder.oid = refobjid"
        " JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid"
        f" WHERE pg_depend.deptype IN ('a', 'i') AND sequence.{_OURS}"
    )
    for name, holder, given in connection.exec_driver_sql(owned).all():
        most = connection.scalar(text(f"SELECT max({_quoted(given)}) FROM {_quoted(holder)}"))
        if value := max(counted.get(name, 0), most or 0):
            connection.execute(
                text("SELECT setval(to_regclass(quote_ident(:name)), :value)"), {"name": name, "value": value}
            )


def _filled(connection: Connection, part: Kept, ours: set[str]) -> bool:
    """Whether the part is a table of ours, which now has its rows."""
    if part.name not in ours:
        return False
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(part.name), sql.SQL(", ").join(map(sql.Identifier, part.facts["columns"]))
    )
    with _driver(connection).cursor() as cursor, cursor.copy(into) as copy:
        for block in part.blocks():
            copy.write(block)
    return True


def _laid_bare(connection: Connection) -> list[str]:
    """Take away what a great load would be slowed or refused by; the statements that put it back, in their order."""
    triggers = connection.exec_driver_sql(
        "SELECT relname, tgname, tgenabled FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        f" WHERE NOT tgisinternal AND tgenabled <> 'D' AND {_OURS}"
    ).all()
    keys = connection.exec_driver_sql(
        "SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint"
        f" JOIN pg_class ON pg_class.oid = conrelid WHERE contype = 'f' AND {_OURS} ORDER BY relname, conname"
    ).all()
    indexes = connection.exec_driver_sql(
        "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        f" WHERE {_OURS} AND NOT indisprimary"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid) ORDER BY relname"
    ).all()
    again = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
    for table, trigger, _ in triggers:
        connection.exec_driver_sql(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER {_quoted(trigger)}")
    for table, key, _ in keys:
        connection.exec_driver_sql(f"ALTER TABLE {_quoted(table)} DROP CONSTRAINT {_quoted(key)}")
    for index, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {_quoted(index)}")
    return [
        *(definition for _, definition in indexes),
        *(f"ALTER TABLE {_quoted(table)} ADD CONSTRAINT {_quoted(key)} {meaning}" for table, key, meaning in keys),
        *(f"ALTER TABLE {_quoted(table)} {again[how]} TRIGGER {_quoted(trigger)}" for table, trigger, how in triggers),
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def digests_of_tables(engine: Engine, columns: Mapping[str, list[str]]) -> dict[str, str]:
    """SHA-256 of the rows of each of these tables, written as a backup writes them."""
    found = {}
    with held_still(engine, Path()) as snapshot:
        for table, names in columns.items():
            digest = hashlib.sha256()
            for row in _rows(snapshot.connection, table, names):
                digest.update(row)
            found[table] = digest.hexdigest()
    return found
