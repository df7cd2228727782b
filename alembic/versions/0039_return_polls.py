"""a reader's return from a hosted page asks Stripe at most every few seconds

Revision: 0039
Follows: 0037
"""

import sqlalchemy as sa

from alembic import op

revision = "0039"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("card_setup", "attempt"):
        op.add_column(table, sa.Column("next_poll_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for table in ("attempt", "card_setup"):
        op.drop_column(table, "next_poll_at")
