"""sums of two dimensions by month, of one by day; a day's entries are added up from their index alone

What was folded before is dropped: the next start, or `flask --app wsgi totals fold`, folds all of it anew.

Revision ID: 0012
Revises: 0009
"""

from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEX = "ix_ledger_entries_counts_on_id"
BEFORE = (
    *("counts_on", "id", "unit_code", "cause", "type_code", "filed_by_id"),
    *("contracts", "total_amount", "technology_amount"),
)
MORE = (
    *("field_code", "platform_id", "broker_id", "town_code", "ip_code", "plan_source_code", "payment_model_code"),
    *("seller_kind_code", "buyer_kind_code", "seller_unit_code", "buyer_unit_code"),
    *("flow", "amount_band", "verified_income", "received_amount"),
)


def upgrade() -> None:
    _renew((*BEFORE, *MORE))


def downgrade() -> None:
    _renew(BEFORE)


def _renew(columns: tuple[str, ...]) -> None:
    op.drop_index(INDEX, table_name="ledger_entries")
    op.create_index(INDEX, "ledger_entries", list(columns))
    for table in ("facet_totals", "folds"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608
