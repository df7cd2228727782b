"""a subscription owes one period at most

Where an outage left several open, all but the newest are void: their periods were given away.

Revision: 0026
Follows: 0025
"""

import sqlalchemy as sa

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE invoice SET state = 'void' WHERE state = 'open' AND EXISTS ("
        " SELECT FROM invoice AS newer WHERE newer.subscription_id = invoice.subscription_id"
        " AND newer.state = 'open' AND newer.period_number > invoice.period_number)"
    )
    op.create_index(
        "one_open_invoice",
        "invoice",
        ["subscription_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_index("one_open_invoice", "invoice")
