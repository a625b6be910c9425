"""What lies sealed, under which keys, and sealing all of it anew with the newest one while people work.

The columns are found in the tables themselves: whoever adds a ``Sealed`` column has nothing to tell here.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from contracts_app.core.db import Base, db, reading_beside, unit_of_work

from .sealing import Sealed, Unopened, key_ring

AT_ONCE = 500  # rows in one transaction: on SQLite others wait for it
SETTLES_WITHIN = 30  # seconds; a request that sealed with the key before has ended by then

_SEALED = re.compile(r"[0-9]+:[A-Za-z0-9+/]{38,}={0,2}$")

Progress = Callable[[str, int], None]  # the column, and how many of its values were sealed anew


@dataclass(frozen=True)
class Column:
    """A sealed column as it lies in the database: its values are texts that begin with the number of their key."""

    purpose: str
    table: sa.TableClause
    keys: tuple[sa.ColumnElement[Any], ...]  # the primary key
    value: sa.ColumnElement[str]


@dataclass(frozen=True)
class Outcome:
    """What a rotation has done: the key that seals now, whether it was taken just now, and how many values there were
    of each column; ``unopened`` are those that no kept key opens, left as they are."""

    number: int
    is_new: bool
    resealed: Mapping[str, int]
    unopened: Mapping[str, int]
    dropped: tuple[int, ...] = ()
    still_used: tuple[int, ...] = ()


def columns() -> list[Column]:
    """Every sealed column of every table, by its purpose."""
    found = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Sealed):
                plain = sa.table(
                    table.name,
                    *(sa.column(key.name, key.type) for key in table.primary_key),
                    sa.column(column.name, sa.Text),
                )
                keys = tuple(plain.c[key.name] for key in table.primary_key)
                found.append(Column(column.type.purpose, plain, keys, plain.c[column.name]))
    return sorted(found, key=lambda one: one.purpose)


def is_anything_sealed() -> bool:
    """Whether the database holds a sealed value, whatever is under way in it."""
    with reading_beside() as connection:
        there = set(sa.inspect(connection).get_table_names())
        for column in (one for one in columns() if one.table.name in there):
            like_one = sa.or_(column.value.like("_:%"), column.value.like("__:%"))
            if any(map(_SEALED.match, connection.scalars(sa.select(column.value).where(like_one).limit(10)))):
                return True
    return False


def in_use() -> dict[str, dict[int, int]]:
    """How many values of each column lie under each kept key; 0 stands for those under a key that is not kept."""
    numbers = [key.number for key in key_ring().keys]
    return {one.purpose: _under(one, numbers) for one in columns()}


def _under(column: Column, numbers: list[int]) -> dict[int, int]:
    counted = [sa.func.sum(sa.case((column.value.like(f"{number}:%"), 1), else_=0)) for number in numbers]
    row = db.session.execute(
        sa.select(sa.func.count(), *counted).select_from(column.table).where(column.value != "")
    ).one()
    found = {number: int(count or 0) for number, count in zip(numbers, row[1:], strict=True)}
    return {number: count for number, count in {**found, 0: row[0] - sum(found.values())}.items() if count}


def rotate(told: Progress, *, drop_old: bool = False, wait: Callable[[float], None] = time.sleep) -> Outcome:
    """Take a new key and seal everything with it; a rotation that was interrupted is gone on with instead.

    No version moves and nobody's page becomes stale: what the values say stays. With ``drop_old`` the keys that
    nothing uses any more are forgotten afterwards.
    """
    ring, began = key_ring(), time.monotonic()
    is_new = not any(number not in (0, ring.newest) for used in in_use().values() for number in used)
    number = ring.take_new() if is_new else ring.newest
    resealed, unopened = _reseal_all(number, told)
    if not drop_old:
        return Outcome(number, is_new, resealed, unopened)
    wait(max(0.0, SETTLES_WITHIN - (time.monotonic() - began)))
    more, unopened = _reseal_all(number, told)
    resealed = {purpose: count + more[purpose] for purpose, count in resealed.items()}
    used = {key for one in in_use().values() for key in one}
    old = {key.number for key in ring.keys} - {number}
    if 0 in used or unopened:  # what cannot be opened may be waiting for any of them
        return Outcome(number, is_new, resealed, unopened, still_used=tuple(sorted(old)))
    ring.drop(old - used)
    return Outcome(number, is_new, resealed, unopened, tuple(sorted(old - used)), tuple(sorted(old & used)))


def _reseal_all(number: int, told: Progress) -> tuple[dict[str, int], dict[str, int]]:
    resealed, unopened = {}, {}
    for column in columns():
        resealed[column.purpose], lost = 0, 0
        for done, failed in _batches(column, number):
            resealed[column.purpose] += done
            lost += failed
            told(column.purpose, resealed[column.purpose])
        if lost:
            unopened[column.purpose] = lost
    return resealed, unopened


def _batches(column: Column, number: int) -> Iterator[tuple[int, int]]:
    """Seal what lies under another key anew, so many rows in a transaction: how many were, and how many do not open."""
    place: sa.ColumnElement[Any] = sa.tuple_(*column.keys) if len(column.keys) > 1 else column.keys[0]
    wanted = sa.select(*column.keys, column.value).where(column.value != "", column.value.not_like(f"{number}:%"))
    wanted = wanted.order_by(*column.keys).limit(AT_ONCE)
    last: tuple[Any, ...] = ()
    while True:
        after = wanted.where(place > (sa.tuple_(*last) if len(last) > 1 else last[0])) if last else wanted
        with unit_of_work() as work:
            rows = work.execute(after).all()
            outcomes = [_reseal(column, tuple(row[:-1]), row[-1]) for row in rows]
        if not rows:
            return
        last = tuple(rows[-1][:-1])
        yield outcomes.count(True), outcomes.count(False)


def _reseal(column: Column, key: tuple[Any, ...], sealed: str) -> bool:
    """Whether it opens. What somebody changes in the same moment stays as they leave it, sealed by the newest key."""
    ring = key_ring()
    try:
        anew = ring.seal(ring.open(sealed, column.purpose), column.purpose)
    except Unopened:
        return False
    same = [one == value for one, value in zip(column.keys, key, strict=True)]
    change = sa.update(column.table).where(*same, column.value == sealed)
    db.session.execute(change.values({column.value.key: anew}))
    return True
