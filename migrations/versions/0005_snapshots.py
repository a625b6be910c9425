"""published snapshots and closed periods

Both tables are only added to: triggers refuse to change or delete a row, whoever asks.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEPT = ("snapshots", "closings")
SENTENCE = "only added to: a row is neither changed nor deleted"


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("document", sa.String(length=120), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_snapshots_first_day_before_last")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_snapshots_number_from_1")),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_snapshots_made_by_id_users")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_snapshots_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
        sa.UniqueConstraint("region_code", "period", "number", name=op.f("uq_snapshots_region_code_period_number")),
    )
    op.create_index("ix_snapshots_last_day_region_code", "snapshots", ["last_day", "region_code"])
    with op.batch_alter_table("closings") as batch_op:  # books may be closed from the command line
        batch_op.alter_column("closed_by_id", existing_type=sa.Integer(), nullable=True)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_to_change() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '% is {SENTENCE}', TG_TABLE_NAME; END $$"
        )
        for table in KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_are_kept BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION refuse_to_change()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_are_not_emptied BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change()"
            )
        return
    for table in KEPT:
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is {SENTENCE}'); END"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_to_change() CASCADE")
    else:
        for table in KEPT:
            for what in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{what}")
    # The older table asks who closed the books; what the command line closed has nobody to name.
    op.execute("DELETE FROM closings WHERE closed_by_id IS NULL")
    with op.batch_alter_table("closings") as batch_op:
        batch_op.alter_column("closed_by_id", existing_type=sa.Integer(), nullable=False)
    op.drop_table("snapshots")
