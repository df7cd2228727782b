"""refunds that wait for balance, and what paid those that failed, are found by an index

Revision: 0035
Follows: 0030
"""

import sqlalchemy as sa

from alembic import op

revision = "0035"
down_revision = "0030"
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


def downgrade() -> None:
    op.drop_index("refund_paid_back", "refund")
    op.drop_index("refund_awaiting_balance", "refund")
