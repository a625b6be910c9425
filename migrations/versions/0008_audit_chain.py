"""the log becomes a chain that nobody can change without being found out

Each entry has a hash over its columns and the hash before it; what is there already is linked too. Triggers refuse to
change or delete an entry, and let the end of the chain only go on.

Revision ID: 0008
Revises: 0007
"""

import hashlib
import json
from datetime import UTC

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BEGINNING = "0" * 64
AT_ONCE = 5_000
LOOKED_FOR = {
    "username": ["username"],
    "action": ["action"],
    "subject": ["subject"],
    "record": ["subject", "subject_id"],
}
KEPT = "audit_entries is only added to: an entry is neither changed nor deleted"
GOES_ON = "audit_head only goes on: it is neither set back nor deleted"

ENTRIES = sa.table(
    "audit_entries",
    sa.column("id", sa.Integer),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("user_id", sa.Integer),
    sa.column("username", sa.String),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("subject_id", sa.Integer),
    sa.column("address", sa.String),
    sa.column("details", sa.JSON),
    sa.column("hash", sa.String),
)
TOLD = [column for column in ENTRIES.columns if column.name != "hash"]


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    op.add_column("audit_entries", sa.Column("hash", sa.String(length=64), nullable=False, server_default=""))
    _mask_telephones()
    last_id, last, count = _linked()
    if on_postgresql:  # SQLite would make the table anew to be rid of it; an entry without a hash is found all the same
        op.alter_column("audit_entries", "hash", server_default=None)
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.bulk_insert(head, [{"id": 1, "last_id": last_id, "hash": last, "count": count}])
    op.drop_index("ix_audit_entries_subject", table_name="audit_entries")
    for name, columns in LOOKED_FOR.items():
        op.create_index(f"ix_audit_entries_{name}_at", "audit_entries", [*columns, "at"])
    _guard_on_postgresql() if on_postgresql else _guard_on_sqlite()


def _mask_telephones() -> None:
    """Entries about brokers told numbers whole; once they are linked nothing of them can be taken away any more."""
    told = sa.select(ENTRIES.c.id, ENTRIES.c.details).where(ENTRIES.c.action.in_(("create_broker", "revise_broker")))
    masked = [
        {"numbered": row.id, "masked": row.details | {"phone": [_masked(number) for number in row.details["phone"]]}}
        for row in op.get_bind().execute(told)
        if "phone" in row.details
    ]
    change = sa.update(ENTRIES).where(ENTRIES.c.id == sa.bindparam("numbered"))
    if masked:
        op.get_bind().execute(change.values(details=sa.bindparam("masked", type_=sa.JSON)), masked)


def _masked(number: str) -> str:
    if len(number) < 11:
        return "*" * len(number)
    return number[:3] + "*" * (len(number) - 7) + number[-4:]


def _linked() -> tuple[int, str, int]:
    """Link the entries that are there: (last id, last hash, how many)."""
    connection = op.get_bind()
    last_id, last, count = 0, BEGINNING, 0
    setting = sa.update(ENTRIES).where(ENTRIES.c.id == sa.bindparam("numbered")).values(hash=sa.bindparam("linked"))
    while rows := connection.execute(
        sa.select(*TOLD).where(ENTRIES.c.id > last_id).order_by(ENTRIES.c.id).limit(AT_ONCE)
    ).all():
        linked = []
        for row in rows:
            last_id, last, count = row.id, _hash_of(last, row), count + 1
            linked.append({"numbered": last_id, "linked": last})
        connection.execute(setting, linked)
    return last_id, last, count


def _hash_of(previous: str, row: sa.Row) -> str:
    """As contracts_app/core/audit_chain.py has it; a migration says what was meant when it was written."""
    at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
    told = [previous, row.id, at.isoformat(timespec="microseconds"), *row[2:]]
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _guard_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_to_change_the_log() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{KEPT}'; END $$"
    )
    op.execute(
        "CREATE FUNCTION refuse_to_set_back_the_log() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{GOES_ON}'; END $$"
    )
    for table, function in (("audit_entries", "change"), ("audit_head", "set_back")):
        op.execute(
            f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_{function}_the_log()"
        )
    op.execute(
        "CREATE TRIGGER audit_entries_kept BEFORE UPDATE OR DELETE ON audit_entries"
        " FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_log()"
    )
    op.execute(
        "CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head"
        " FOR EACH ROW EXECUTE FUNCTION refuse_to_set_back_the_log()"
    )
    op.execute(
        "CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head FOR EACH ROW"
        " WHEN (NEW.id <> OLD.id OR NEW.last_id <= OLD.last_id OR NEW.count <= OLD.count)"
        " EXECUTE FUNCTION refuse_to_set_back_the_log()"
    )


def _guard_on_sqlite() -> None:
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entries_no_{what.lower()} BEFORE {what} ON audit_entries"
            f" BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
        )
    # INSERT OR REPLACE deletes without telling a trigger of it. And a process of the version before, which knows of no
    # chain, would take the number that is the chain's next one: nobody could write any more.
    op.execute(
        "CREATE TRIGGER audit_entries_only_behind BEFORE INSERT ON audit_entries"  # noqa: S608
        " WHEN length(NEW.hash) <> 64 OR NEW.id <= (SELECT last_id FROM audit_head)"
        f" BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
    )
    op.execute(
        f"CREATE TRIGGER audit_head_one_only BEFORE INSERT ON audit_head BEGIN SELECT RAISE(ABORT, '{GOES_ON}'); END"
    )
    op.execute(
        f"CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, '{GOES_ON}'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head"
        " WHEN NEW.id <> OLD.id OR NEW.last_id <= OLD.last_id OR NEW.count <= OLD.count"
        f" BEGIN SELECT RAISE(ABORT, '{GOES_ON}'); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_to_change_the_log() CASCADE")
        op.execute("DROP FUNCTION refuse_to_set_back_the_log() CASCADE")
        # Numbers were given here; the sequence of before goes on behind them.
        op.execute(
            "SELECT setval(pg_get_serial_sequence('audit_entries', 'id'), greatest(max(id), 1)) FROM audit_entries"
        )
    else:
        for trigger in ("entries_no_update", "entries_no_delete", "head_no_delete", "head_goes_on"):
            op.execute(f"DROP TRIGGER audit_{trigger}")
        for trigger in ("entries_only_behind", "head_one_only"):  # not there where this ran before they were thought of
            op.execute(f"DROP TRIGGER IF EXISTS audit_{trigger}")
    for name in LOOKED_FOR:
        op.drop_index(f"ix_audit_entries_{name}_at", table_name="audit_entries")
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject", "subject_id", "id"])
    op.drop_table("audit_head")
    op.drop_column("audit_entries", "hash")
