"""one window knows of another; experts on a change; when the limit of a decision began; whether it is sealed

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("stamp", "window"):
        op.add_column("draft_inputs", sa.Column(name, sa.String(length=16), nullable=False, server_default=""))
    op.execute("UPDATE draft_inputs SET stamp = 'kept-' || id")

    op.add_column("contract_history", sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contract_history", sa.Column("extended_days", sa.Integer(), nullable=True))
    # The limit of a decision began with the newest submission before it, or where a refusal was withdrawn.
    op.execute(
        "UPDATE contract_history SET begun_at = (SELECT max(earlier.at) FROM contract_history AS earlier"
        " WHERE earlier.contract_id = contract_history.contract_id AND earlier.id <= contract_history.id"
        " AND (earlier.move IN ('submit', 'resubmit')"
        " OR earlier.move = 'decide_objection' AND earlier.target = 'accepted'))"
        " WHERE move IN ('register', 'register_large', 'refuse', 'not_accept')"
    )

    op.add_column("contract_cases", sa.Column("needs_expert", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Said with the column: SQLite then keeps the table as it is, with all its other constraints.
    op.execute(
        "ALTER TABLE contract_cases ADD COLUMN expert_on DATE CONSTRAINT ck_contract_cases_change_heard_experts"
        " CHECK (outcome <> 'granted' OR NOT needs_expert OR expert_on IS NOT NULL)"
    )

    op.add_column("contracts", sa.Column("is_sealed", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("contracts", "is_sealed")
    op.drop_column("contract_cases", "expert_on")
    op.drop_column("contract_cases", "needs_expert")
    op.drop_column("contract_history", "extended_days")
    op.drop_column("contract_history", "begun_at")
    op.drop_column("draft_inputs", "window")
    op.drop_column("draft_inputs", "stamp")
