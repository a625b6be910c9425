"""telephone numbers, addresses and what was typed lie sealed

Revision ID: 0011
Revises: 0010
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from contracts_app.core.keeping.sealing import key_ring

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Table -> its columns that are sealed from now on, each with the length it had; None: a text of any length before too.
SEALED = {
    "enterprises": {"phone": 30, "address": 200},
    "brokers": {"phone": 30},
    "draft_inputs": {"fields": None},
    "parked_forms": {"fields": None},
}
AT_ONCE = 1000


def upgrade() -> None:
    _overwrite_what_is_replaced()
    for table, columns in SEALED.items():
        for column, length in columns.items():
            if length:
                _change_type(table, column, sa.String(length), sa.Text())
        _rewrite(table, columns, lambda text, purpose: key_ring().seal(text, purpose))


def downgrade() -> None:
    for table, columns in reversed(SEALED.items()):
        _rewrite(table, columns, lambda text, purpose: key_ring().open(text, purpose))
        for column, length in columns.items():
            if length:
                _change_type(table, column, sa.Text(), sa.String(length))


def _overwrite_what_is_replaced() -> None:
    """SQLite leaves what was replaced readable in its file; PostgreSQL's VACUUM makes room of it by itself."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA secure_delete = on")


def _change_type(table: str, column: str, before: sa.types.TypeEngine[str], after: sa.types.TypeEngine[str]) -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(table, column, existing_type=before, type_=after, existing_nullable=False)
        return
    # A new column instead of a new table, which would lose the constraints that SQLite does not tell of.
    op.add_column(table, sa.Column("instead", after, nullable=False, server_default=""))
    op.execute(f"UPDATE {table} SET instead = {column}")  # noqa: S608
    op.drop_column(table, column)
    op.execute(f"ALTER TABLE {table} RENAME COLUMN instead TO {column}")


def _rewrite(table: str, columns: dict[str, int | None], become: Callable[[str, str], str]) -> None:
    """Every value that is not empty, as ``become`` makes it of the text and its purpose, so many rows at once."""
    stands = sa.table(table, sa.column("id", sa.Integer), *(sa.column(name, sa.Text) for name in columns))
    connection, last = op.get_bind(), 0
    wanted = sa.or_(*(stands.c[name] != "" for name in columns))
    while rows := connection.execute(
        sa.select(stands).where(wanted, stands.c.id > last).order_by(stands.c.id).limit(AT_ONCE)
    ).all():
        last = rows[-1].id
        changed = [
            {"key": row.id} | {f"new_{name}": _of(getattr(row, name), f"{table}.{name}", become) for name in columns}
            for row in rows
        ]
        now = {name: sa.bindparam(f"new_{name}") for name in columns}
        connection.execute(sa.update(stands).where(stands.c.id == sa.bindparam("key")).values(now), changed)


def _of(text: str, purpose: str, become: Callable[[str, str], str]) -> str:
    return become(text, purpose) if text else text
