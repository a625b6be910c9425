"""every dimension of a total on the ledger, and its summaries

Revision ID: 0002
Revises: 0001
"""

import os.path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = (
    "id, contract_id, cause, counts_on, recorded_at, unit_code, type_code, field_code, platform_id, broker_id,"
    " seller_region_code, buyer_region_code, town_code, filed_by_id, contracts, total_amount, technology_amount"
)
# What an entry did not keep yet is read off its contract as it is now; a contract in force says today what it stands
# for. The unit of a place is the one whose path begins the place's; the flow goes by the region that holds all units.
FILLED = f"""
INSERT INTO ledger_entries ({KEPT}, month, ip_code, plan_source_code, payment_model_code, seller_kind_code,
    buyer_kind_code, seller_unit_code, buyer_unit_code, flow, amount_band, verified_income, received_amount)
SELECT {", ".join("o." + name.strip() for name in KEPT.split(","))},
    CAST(substr(CAST(o.counts_on AS text), 1, 4) || substr(CAST(o.counts_on AS text), 6, 2) AS integer),
    c.ip_code, c.plan_source_code, c.payment_model_code, seller.party_type_code, buyer.party_type_code,
    (SELECT u.code FROM units u JOIN regions p ON p.code = u.region_code
     WHERE substr(from_.path, 1, length(p.path)) = p.path),
    (SELECT u.code FROM units u JOIN regions p ON p.code = u.region_code
     WHERE substr(to_.path, 1, length(p.path)) = p.path),
    CASE
        WHEN from_.code = '990000' OR to_.code = '990000' THEN 'abroad'
        WHEN substr(from_.path, 1, :size) = :home AND substr(to_.path, 1, :size) = :home THEN 'within'
        WHEN substr(from_.path, 1, :size) = :home THEN 'out'
        WHEN substr(to_.path, 1, :size) = :home THEN 'in'
        ELSE 'elsewhere'
    END,
    CASE
        WHEN c.total_amount < 10000000 THEN 'under_10'
        WHEN c.total_amount < 50000000 THEN 'from_10'
        WHEN c.total_amount < 100000000 THEN 'from_50'
        WHEN c.total_amount < 500000000 THEN 'from_100'
        WHEN c.total_amount < 1000000000 THEN 'from_500'
        ELSE 'from_1000'
    END,
    0, 0
FROM old_entries o
JOIN contracts c ON c.id = o.contract_id
JOIN enterprises seller ON seller.id = c.seller_id
JOIN enterprises buyer ON buyer.id = c.buyer_id
JOIN regions from_ ON from_.code = o.seller_region_code
JOIN regions to_ ON to_.code = o.buyer_region_code
"""  # noqa: S608


def upgrade() -> None:
    connection = op.get_bind()
    paths = list(connection.scalars(sa.text("SELECT p.path FROM units u JOIN regions p ON p.code = u.region_code")))
    home = os.path.commonpath(paths) + "/" if paths else "/"
    connection.execute(sa.text("CREATE TABLE old_entries AS SELECT * FROM ledger_entries"))
    op.drop_table("ledger_entries")
    op.drop_table("daily_totals")
    op.create_table(
        "facet_totals",
        sa.Column("letters", sa.String(length=2), nullable=False),
        sa.Column(
            "caliber",
            sa.Enum(
                "registered", "output", "absorbed", name="caliber", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.String(length=12), nullable=False),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        sa.Column(
            "cause",
            sa.Enum(
                "registration",
                "change",
                "cancellation",
                "revocation",
                "receipt",
                "verification",
                name="cause",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("a", sa.String(length=40), nullable=False),
        sa.Column("b", sa.String(length=40), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("technology_amount", sa.BigInteger(), nullable=False),
        sa.Column("verified_income", sa.BigInteger(), nullable=False),
        sa.Column("received_amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "letters", "caliber", "period", "place", "is_own", "cause", "a", "b", name=op.f("pk_facet_totals")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "folds",
        sa.Column("letters", sa.String(length=2), nullable=False),
        sa.Column(
            "caliber",
            sa.Enum(
                "registered", "output", "absorbed", name="caliber", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("folded_to", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("letters", "caliber", name=op.f("pk_folds")),
    )
    op.create_table(
        "closings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=12), nullable=False),
        sa.Column("closed_until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["closed_by_id"], ["users.id"], name=op.f("fk_closings_closed_by_id_users")),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name=op.f("fk_closings_unit_code_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closings")),
    )
    with op.batch_alter_table("closings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_closings_unit_code"), ["unit_code"], unique=False)

    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column(
            "cause",
            sa.Enum(
                "registration",
                "change",
                "cancellation",
                "revocation",
                "receipt",
                "verification",
                name="cause",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unit_code", sa.String(length=12), nullable=False),
        sa.Column("type_code", sa.String(length=40), nullable=False),
        sa.Column("field_code", sa.String(length=40), nullable=True),
        sa.Column("platform_id", sa.Integer(), nullable=True),
        sa.Column("broker_id", sa.Integer(), nullable=True),
        sa.Column("seller_region_code", sa.String(length=12), nullable=False),
        sa.Column("buyer_region_code", sa.String(length=12), nullable=False),
        sa.Column("seller_unit_code", sa.String(length=12), nullable=True),
        sa.Column("buyer_unit_code", sa.String(length=12), nullable=True),
        sa.Column("seller_kind_code", sa.String(length=40), nullable=False),
        sa.Column("buyer_kind_code", sa.String(length=40), nullable=False),
        sa.Column("ip_code", sa.String(length=40), nullable=True),
        sa.Column("plan_source_code", sa.String(length=40), nullable=True),
        sa.Column("payment_model_code", sa.String(length=40), nullable=True),
        sa.Column(
            "flow",
            sa.Enum(
                "within",
                "out",
                "in",
                "abroad",
                "elsewhere",
                name="flow",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "amount_band",
            sa.Enum(
                "under_10",
                "from_10",
                "from_50",
                "from_100",
                "from_500",
                "from_1000",
                name="amount_band",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("town_code", sa.String(length=12), nullable=True),
        sa.Column("filed_by_id", sa.Integer(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("technology_amount", sa.BigInteger(), nullable=False),
        sa.Column("verified_income", sa.BigInteger(), nullable=False),
        sa.Column("received_amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "cause <> 'registration' OR contracts = 1", name=op.f("ck_ledger_entries_registration_counts_one")
        ),
        sa.CheckConstraint(
            "cause IN ('receipt', 'verification') OR (verified_income = 0 AND received_amount = 0)",
            name=op.f("ck_ledger_entries_money_counts_as_money"),
        ),
        sa.CheckConstraint(
            "cause NOT IN ('receipt', 'verification') OR (contracts = 0 AND total_amount = 0 AND technology_amount = 0)",
            name=op.f("ck_ledger_entries_money_counts_no_contract"),
        ),
        sa.CheckConstraint("contracts IN (-1, 0, 1)", name=op.f("ck_ledger_entries_one_contract_at_a_time")),
        sa.ForeignKeyConstraint(["broker_id"], ["brokers.id"], name=op.f("fk_ledger_entries_broker_id_brokers")),
        sa.ForeignKeyConstraint(
            ["buyer_kind_code"], ["party_types.code"], name=op.f("fk_ledger_entries_buyer_kind_code_party_types")
        ),
        sa.ForeignKeyConstraint(
            ["buyer_region_code"], ["regions.code"], name=op.f("fk_ledger_entries_buyer_region_code_regions")
        ),
        sa.ForeignKeyConstraint(
            ["buyer_unit_code"], ["units.code"], name=op.f("fk_ledger_entries_buyer_unit_code_units")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_ledger_entries_contract_id_contracts")
        ),
        sa.ForeignKeyConstraint(
            ["field_code"], ["technology_fields.code"], name=op.f("fk_ledger_entries_field_code_technology_fields")
        ),
        sa.ForeignKeyConstraint(["filed_by_id"], ["users.id"], name=op.f("fk_ledger_entries_filed_by_id_users")),
        sa.ForeignKeyConstraint(["ip_code"], ["ip_kinds.code"], name=op.f("fk_ledger_entries_ip_code_ip_kinds")),
        sa.ForeignKeyConstraint(
            ["payment_model_code"],
            ["payment_models.code"],
            name=op.f("fk_ledger_entries_payment_model_code_payment_models"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_source_code"], ["plan_sources.code"], name=op.f("fk_ledger_entries_plan_source_code_plan_sources")
        ),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platforms.id"], name=op.f("fk_ledger_entries_platform_id_platforms")
        ),
        sa.ForeignKeyConstraint(
            ["seller_kind_code"], ["party_types.code"], name=op.f("fk_ledger_entries_seller_kind_code_party_types")
        ),
        sa.ForeignKeyConstraint(
            ["seller_region_code"], ["regions.code"], name=op.f("fk_ledger_entries_seller_region_code_regions")
        ),
        sa.ForeignKeyConstraint(
            ["seller_unit_code"], ["units.code"], name=op.f("fk_ledger_entries_seller_unit_code_units")
        ),
        sa.ForeignKeyConstraint(["town_code"], ["regions.code"], name=op.f("fk_ledger_entries_town_code_regions")),
        sa.ForeignKeyConstraint(
            ["type_code"], ["contract_types.code"], name=op.f("fk_ledger_entries_type_code_contract_types")
        ),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name=op.f("fk_ledger_entries_unit_code_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    with op.batch_alter_table("ledger_entries", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_entries_broker_id", ["broker_id", "counts_on", "id"], unique=False)
        batch_op.create_index("ix_ledger_entries_buyer_kind_code", ["buyer_kind_code", "counts_on", "id"], unique=False)
        batch_op.create_index("ix_ledger_entries_buyer_unit_code", ["buyer_unit_code", "counts_on", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_entries_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index(
            "ix_ledger_entries_counts",
            [
                "unit_code",
                "counts_on",
                "id",
                "cause",
                "type_code",
                "filed_by_id",
                "contracts",
                "total_amount",
                "technology_amount",
            ],
            unique=False,
        )
        batch_op.create_index(
            "ix_ledger_entries_counts_on_id",
            [
                "counts_on",
                "id",
                "unit_code",
                "cause",
                "type_code",
                "filed_by_id",
                "contracts",
                "total_amount",
                "technology_amount",
            ],
            unique=False,
        )
        batch_op.create_index("ix_ledger_entries_field_code", ["field_code", "counts_on", "id"], unique=False)
        batch_op.create_index("ix_ledger_entries_ip_code", ["ip_code", "counts_on", "id"], unique=False)
        batch_op.create_index(
            "ix_ledger_entries_payment_model_code", ["payment_model_code", "counts_on", "id"], unique=False
        )
        batch_op.create_index(
            "ix_ledger_entries_plan_source_code", ["plan_source_code", "counts_on", "id"], unique=False
        )
        batch_op.create_index("ix_ledger_entries_platform_id", ["platform_id", "counts_on", "id"], unique=False)
        batch_op.create_index(
            "ix_ledger_entries_seller_kind_code", ["seller_kind_code", "counts_on", "id"], unique=False
        )
        batch_op.create_index(
            "ix_ledger_entries_seller_unit_code", ["seller_unit_code", "counts_on", "id"], unique=False
        )
        batch_op.create_index("ix_ledger_entries_town_code", ["town_code", "counts_on", "id"], unique=False)
        batch_op.create_index("ix_ledger_entries_type_code", ["type_code", "counts_on", "id"], unique=False)
        batch_op.create_index(
            "uq_ledger_entries_registration",
            ["contract_id"],
            unique=True,
            sqlite_where=sa.text("cause = 'registration'"),
            postgresql_where=sa.text("cause = 'registration'"),
        )

    # ### end Alembic commands ###
    connection.execute(sa.text(FILLED), {"home": home, "size": len(home)})
    _continue_numbers()
    op.drop_table("old_entries")


def downgrade() -> None:
    connection = op.get_bind()
    connection.execute(
        sa.text(
            f"CREATE TABLE old_entries AS SELECT {KEPT} FROM ledger_entries"  # noqa: S608
            " WHERE cause NOT IN ('receipt', 'verification')"
        )
    )
    for table in ("closings", "folds", "facet_totals", "ledger_entries"):
        op.drop_table(table)
    op.create_table(
        "daily_totals",
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("unit_code", sa.String(length=12), nullable=False),
        sa.Column("type_code", sa.String(length=40), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("technology_amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["type_code"], ["contract_types.code"], name=op.f("fk_daily_totals_type_code_contract_types")
        ),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name=op.f("fk_daily_totals_unit_code_units")),
        sa.PrimaryKeyConstraint("counts_on", "unit_code", "type_code", name=op.f("pk_daily_totals")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column(
            "cause",
            sa.Enum(
                "registration",
                "change",
                "cancellation",
                "revocation",
                name="cause",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unit_code", sa.String(length=12), nullable=False),
        sa.Column("type_code", sa.String(length=40), nullable=False),
        sa.Column("field_code", sa.String(length=40), nullable=True),
        sa.Column("platform_id", sa.Integer(), nullable=True),
        sa.Column("broker_id", sa.Integer(), nullable=True),
        sa.Column("seller_region_code", sa.String(length=12), nullable=False),
        sa.Column("buyer_region_code", sa.String(length=12), nullable=False),
        sa.Column("town_code", sa.String(length=12), nullable=True),
        sa.Column("filed_by_id", sa.Integer(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("technology_amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "cause <> 'registration' OR contracts = 1", name=op.f("ck_ledger_entries_registration_counts_one")
        ),
        sa.CheckConstraint("contracts IN (-1, 0, 1)", name=op.f("ck_ledger_entries_one_contract_at_a_time")),
        sa.ForeignKeyConstraint(["broker_id"], ["brokers.id"], name=op.f("fk_ledger_entries_broker_id_brokers")),
        sa.ForeignKeyConstraint(
            ["buyer_region_code"], ["regions.code"], name=op.f("fk_ledger_entries_buyer_region_code_regions")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_ledger_entries_contract_id_contracts")
        ),
        sa.ForeignKeyConstraint(
            ["field_code"], ["technology_fields.code"], name=op.f("fk_ledger_entries_field_code_technology_fields")
        ),
        sa.ForeignKeyConstraint(["filed_by_id"], ["users.id"], name=op.f("fk_ledger_entries_filed_by_id_users")),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platforms.id"], name=op.f("fk_ledger_entries_platform_id_platforms")
        ),
        sa.ForeignKeyConstraint(
            ["seller_region_code"], ["regions.code"], name=op.f("fk_ledger_entries_seller_region_code_regions")
        ),
        sa.ForeignKeyConstraint(["town_code"], ["regions.code"], name=op.f("fk_ledger_entries_town_code_regions")),
        sa.ForeignKeyConstraint(
            ["type_code"], ["contract_types.code"], name=op.f("fk_ledger_entries_type_code_contract_types")
        ),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name=op.f("fk_ledger_entries_unit_code_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    with op.batch_alter_table("ledger_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_entries_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index(
            "ix_ledger_entries_counts",
            [
                "unit_code",
                "counts_on",
                "id",
                "cause",
                "type_code",
                "filed_by_id",
                "contracts",
                "total_amount",
                "technology_amount",
            ],
            unique=False,
        )
        batch_op.create_index(
            "ix_ledger_entries_counts_on_id",
            [
                "counts_on",
                "id",
                "unit_code",
                "cause",
                "type_code",
                "filed_by_id",
                "contracts",
                "total_amount",
                "technology_amount",
            ],
            unique=False,
        )
        batch_op.create_index(
            "uq_ledger_entries_registration",
            ["contract_id"],
            unique=True,
            sqlite_where=sa.text("cause = 'registration'"),
            postgresql_where=sa.text("cause = 'registration'"),
        )
    connection.execute(sa.text(f"INSERT INTO ledger_entries ({KEPT}) SELECT {KEPT} FROM old_entries"))  # noqa: S608
    connection.execute(
        sa.text(
            "INSERT INTO daily_totals (counts_on, unit_code, type_code, contracts, total_amount, technology_amount)"
            " SELECT counts_on, unit_code, type_code, sum(contracts), sum(total_amount), sum(technology_amount)"
            " FROM ledger_entries GROUP BY counts_on, unit_code, type_code"
        )
    )
    _continue_numbers()
    op.drop_table("old_entries")


def _continue_numbers() -> None:
    """PostgreSQL counts ids on its own; those that were copied are behind its back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('ledger_entries', 'id'), max(id)) FROM ledger_entries HAVING max(id) > 0"
        )
