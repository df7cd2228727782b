"""refunds that wait for balance, and what paid those that failed, are found by an index; it is known by which way that went

Revision: 0034
Follows: 0033
"""

import sqlalchemy as sa

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "refund_awaiting_balance",
        "refund",
        ["awaiting_balance_since"],
        postgresql_where=sa.text("awaiting_balance_since IS NOT NULL"),
    )
    op.create_index(
        "refund_paid_back",
        "refund",
        ["paid_back_ref"],
        postgresql_where=sa.text("paid_back_ref IS NOT NULL"),
    )
    op.add_column(
        "refund", sa.Column("paid_back_by_card", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_check_constraint(
        "paid_back_by_card_when_paid", "refund", "NOT paid_back_by_card OR paid_back_at IS NOT NULL"
    )
    # The ledger knows: money for a transfer comes out of `bank`, for another refund out of `gateway`.
    op.execute(
        "UPDATE refund SET paid_back_by_card = true WHERE paid_back_at IS NOT NULL AND EXISTS ("
        " SELECT FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id"
        " WHERE t.kind = 'refund_paid_by_hand' AND t.source_id = refund.id AND e.account = 'gateway')"
    )


def downgrade() -> None:
    op.drop_constraint("paid_back_by_card_when_paid", "refund", type_="check")
    op.drop_column("refund", "paid_back_by_card")
    op.drop_index("refund_paid_back", "refund")
    op.drop_index("refund_awaiting_balance", "refund")
