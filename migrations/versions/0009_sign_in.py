"""sessions on the server, second factors, passwords used before, lasting locks, known browsers

Revision ID: 0009
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0011"
branch_labels = None
depends_on = None

ENDED = ("signed_out", "taken_back", "limit", "password", "second_factor", "disabled", "officer")
NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')", "postgresql": "now()"}


def upgrade() -> None:
    op.create_table(
        "sign_in_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("browser", sa.String(length=60), nullable=False),
        sa.Column("with_second_factor", sa.Boolean(), nullable=False),
        sa.Column("rights", sa.String(length=200), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_because",
            sa.Enum(*ENDED, name="ended_because", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_in_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_sessions_token_hash")),
    )
    op.create_index("ix_sign_in_sessions_user_id_began_at", "sign_in_sessions", ["user_id", "began_at"])

    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("user_id", "place", name=op.f("uq_recovery_codes_user_id_place")),
    )

    op.create_table(
        "kept_passwords",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_kept_passwords_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_passwords")),
    )
    op.create_index("ix_kept_passwords_user_id_id", "kept_passwords", ["user_id", "id"])
    # When today's passwords were set is not known: their 90 days begin with the upgrade, so that nobody is surprised.
    op.execute(
        "INSERT INTO kept_passwords (user_id, password_hash, set_at)"  # noqa: S608  # one of two words of ours
        f" SELECT id, password_hash, {NOW[op.get_bind().dialect.name]} FROM users WHERE password_hash <> ''"
    )

    op.create_table(
        "name_locks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_locks")),
        sa.UniqueConstraint("username", "device", name=op.f("uq_name_locks_username_device")),
    )
    op.add_column("sign_in_failures", sa.Column("device", sa.String(length=32), nullable=False, server_default=""))


def downgrade() -> None:
    """Second factors are lost: the version before asks for none."""
    op.drop_column("sign_in_failures", "device")
    for table in ("name_locks", "kept_passwords", "recovery_codes", "second_factors", "sign_in_sessions"):
        op.drop_table(table)
