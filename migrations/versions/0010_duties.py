"""security management is a duty of its own; roles are granted by two people; accounts are looked through every year

Revision ID: 0010
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

BUSINESS = "(duty = 'business' AND role IN ('broker', 'registrar', 'reviewer', 'manager'))"
ADMIN, SECURITY, AUDIT = (
    f"(duty = '{duty}' AND role = '{role}')"
    for duty, role in (("admin", "admin"), ("security", "security"), ("audit", "auditor"))
)
OLD_ROLES = ("broker", "registrar", "reviewer", "manager", "admin", "auditor")
NEW_ROLES = ("broker", "registrar", "reviewer", "manager", "admin", "security", "auditor")
OLD_DUTIES, NEW_DUTIES = ("business", "admin", "audit"), ("business", "admin", "security", "audit")


def upgrade() -> None:
    _words(NEW_ROLES, NEW_DUTIES, " OR ".join((BUSINESS, ADMIN, SECURITY, AUDIT)))
    op.add_column("users", sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True))
    # An office that an administrator lent waits for a second person from now on, also one that was in force.
    with op.batch_alter_table("delegations") as batch:
        batch.add_column(sa.Column("confirmed_by_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_foreign_key(op.f("fk_delegations_confirmed_by_id_users"), "users", ["confirmed_by_id"], ["id"])

    op.create_table(
        "role_grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                *("waiting", "confirmed", "refused", "withdrawn"),
                name="stage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("roles_before", sa.String(length=120), nullable=False),
        sa.Column("roles_after", sa.String(length=120), nullable=False),
        sa.Column("region_before_code", sa.String(length=12), nullable=False),
        sa.Column("region_after_code", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(stage = 'waiting') = (decided_at IS NULL)", name=op.f("ck_role_grants_grant_waits_or_is_decided")
        ),
        sa.CheckConstraint(
            "stage <> 'refused' OR answer <> ''", name=op.f("ck_role_grants_grant_refused_with_a_reason")
        ),
        sa.CheckConstraint(
            "stage NOT IN ('confirmed', 'refused') OR (decided_by_id <> proposed_by_id AND decided_by_id <> user_id)",
            name=op.f("ck_role_grants_grant_decided_by_another_person"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_role_grants_user_id_users")),
        sa.ForeignKeyConstraint(
            ["region_before_code"], ["regions.code"], name=op.f("fk_role_grants_region_before_code_regions")
        ),
        sa.ForeignKeyConstraint(
            ["region_after_code"], ["regions.code"], name=op.f("fk_role_grants_region_after_code_regions")
        ),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["users.id"], name=op.f("fk_role_grants_proposed_by_id_users")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_role_grants_decided_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grants")),
    )
    op.create_index(op.f("ix_role_grants_user_id"), "role_grants", ["user_id"])
    op.create_index(op.f("ix_role_grants_stage"), "role_grants", ["stage"])
    op.create_index(
        "uq_role_grants_one_waiting",
        "role_grants",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("stage = 'waiting'"),
        postgresql_where=sa.text("stage = 'waiting'"),
    )

    op.create_table(
        "recertifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.Column("roles", sa.String(length=120), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("by_id <> user_id", name=op.f("ck_recertifications_not_of_oneself")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recertifications_user_id_users")),
        sa.ForeignKeyConstraint(
            ["region_code"], ["regions.code"], name=op.f("fk_recertifications_region_code_regions")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_recertifications_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recertifications")),
        sa.UniqueConstraint("user_id", "year", name=op.f("uq_recertifications_user_id_year")),
    )


def downgrade() -> None:
    """Security administrators are left without a role: the version before knows none.

    What nobody has confirmed is ended: the version before would let it take effect.
    """
    op.execute(
        "UPDATE delegations SET ended_at = created_at"
        " WHERE ended_at IS NULL AND confirmed_at IS NULL AND created_by_id <> delegator_id"
    )
    with op.batch_alter_table("delegations") as batch:
        batch.drop_constraint(op.f("fk_delegations_confirmed_by_id_users"), type_="foreignkey")
        batch.drop_column("confirmed_at")
        batch.drop_column("confirmed_by_id")
    op.drop_table("recertifications")
    op.drop_table("role_grants")
    op.drop_column("users", "wanted_at")
    op.execute("DELETE FROM user_roles WHERE duty = 'security'")
    op.execute("UPDATE users SET duty = 'audit' WHERE duty = 'security'")
    op.execute("UPDATE saved_views SET role = NULL WHERE role = 'security'")
    _words(OLD_ROLES, OLD_DUTIES, " OR ".join((BUSINESS, ADMIN, AUDIT)))


def _words(roles: tuple[str, ...], duties: tuple[str, ...], belongs: str) -> None:
    """Which roles and duties there are, wherever they stand."""
    checks = {
        "users": {"duty": _one_of("duty", duties)},
        "user_roles": {
            "duty": _one_of("duty", duties),
            "role": _one_of("role", roles),
            "role_belongs_to_duty": belongs,
        },
        "saved_views": {"role": _one_of("role", roles)},
    }
    for table, conditions in checks.items():
        with op.batch_alter_table(table) as batch:
            for name, condition in conditions.items():
                batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
                batch.create_check_constraint(op.f(f"ck_{table}_{name}"), condition)


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"
