"""targets of every level and measure

A target stands for a region: the city, an assessment unit (whose code is its region's) or a town. Who recorded it and
when is kept; measures say which of them may be a yearly task. Indicators say what kind of number they are and which way
is better; they and published figures have a topic, by which those about one matter are found.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Said with the column: SQLite then keeps the tables as they are, with all their other constraints.
NEW_WORDS = (
    ("indicators", "topic", "VARCHAR(40) NOT NULL DEFAULT ''"),
    (
        "indicators",
        "nature",
        "VARCHAR(40) NOT NULL DEFAULT 'level' CONSTRAINT ck_indicators_nature CHECK (nature IN ('level', 'flow', 'growth'))",
    ),
    ("indicators", "nature_note", "TEXT NOT NULL DEFAULT ''"),
    (
        "indicators",
        "direction",
        "VARCHAR(40) NOT NULL DEFAULT 'up' CONSTRAINT ck_indicators_direction CHECK (direction IN ('up', 'down'))",
    ),
    ("indicators", "counted_by", "VARCHAR(40) NOT NULL DEFAULT ''"),
    ("published_figures", "topic", "VARCHAR(40) NOT NULL DEFAULT ''"),
)
TASKS = ("contracts", "total_amount", "technology_amount", "broker_training")


def upgrade() -> None:
    op.add_column("measures", sa.Column("has_task", sa.Boolean(), nullable=False, server_default=sa.false()))
    measures = sa.table("measures", sa.column("code", sa.String), sa.column("has_task", sa.Boolean))
    op.execute(measures.update().where(measures.c.code.in_(TASKS)).values(has_task=True))
    rows = [{**_but(row, "unit_code"), "region_code": row["unit_code"]} for row in _rows()]
    op.drop_table("targets")
    _create(
        "region_code",
        "regions",
        [
            sa.Column("recorded_by_id", sa.Integer(), nullable=True),
            sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
            sa.ForeignKeyConstraint(["recorded_by_id"], ["users.id"], name=op.f("fk_targets_recorded_by_id_users")),
        ],
    )
    _fill(rows)
    for table, name, column in NEW_WORDS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {column}")
    op.create_index(op.f("ix_published_figures_topic"), "published_figures", ["topic"], unique=False)


def downgrade() -> None:
    """Targets of the city and of towns have no place in the older table and are lost; so is who recorded what."""
    op.drop_index(op.f("ix_published_figures_topic"), table_name="published_figures")
    for table, name, _ in reversed(NEW_WORDS):
        op.drop_column(table, name)
    units = set(op.get_bind().scalars(sa.text("SELECT code FROM units")))
    rows = [
        {**_but(row, "region_code", "recorded_by_id", "recorded_at"), "unit_code": row["region_code"]}
        for row in _rows()
        if row["region_code"] in units
    ]
    op.drop_table("targets")
    _create("unit_code", "units", [])
    _fill(rows)
    op.drop_column("measures", "has_task")


def _rows() -> list[dict[str, object]]:
    return [dict(row) for row in op.get_bind().execute(sa.text("SELECT * FROM targets ORDER BY id")).mappings()]


def _but(row: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in names}


def _fill(rows: list[dict[str, object]]) -> None:
    """Put the rows back under their ids, and let PostgreSQL count on from the last."""
    if not rows:
        return
    columns = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    bind = op.get_bind()
    bind.execute(sa.text(f"INSERT INTO targets ({columns}) VALUES ({values})"), rows)  # noqa: S608  (our own columns)
    if bind.dialect.name == "postgresql":
        bind.execute(sa.text("SELECT setval(pg_get_serial_sequence('targets', 'id'), max(id)) FROM targets"))


def _create(place: str, places: str, more: list[sa.schema.SchemaItem]) -> None:
    """The table, whose rows are for a place of one kind or another.

    It is made anew instead of altered: so every constraint is there by its name on both databases.
    """
    op.create_table(
        "targets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(place, sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("measure_code", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("task", "plan", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since_year", sa.Integer(), nullable=True),
        sa.Column(
            "comparison",
            sa.Enum("=", "≥", ">", "≤", "≈", name="comparison", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(length=120), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint("since_year < year", name=op.f("ck_targets_since_before_year")),
        sa.CheckConstraint("value > 0", name=op.f("ck_targets_value_positive")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_targets_version_from_1")),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name=op.f("ck_targets_year_in_range")),
        sa.ForeignKeyConstraint(["measure_code"], ["measures.code"], name=op.f("fk_targets_measure_code_measures")),
        sa.ForeignKeyConstraint([place], [f"{places}.code"], name=op.f(f"fk_targets_{place}_{places}")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_targets")),
        sa.UniqueConstraint(
            "year",
            place,
            "measure_code",
            "kind",
            "version",
            name=op.f(f"uq_targets_year_{place}_measure_code_kind_version"),
        ),
        *more,
    )
    op.create_index(op.f(f"ix_targets_{place}"), "targets", [place], unique=False)
