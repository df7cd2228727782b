"""a subscription owes one period at most; a reader may ask staff to withdraw

Where an outage left several invoices open, all but the newest are void: their periods were given away.

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
    _allow("cancel", "wrong_charge", "withdraw", "other")


def downgrade() -> None:
    op.execute("UPDATE reader_request SET kind = 'other' WHERE kind = 'withdraw'")
    _allow("cancel", "wrong_charge", "other")
    op.drop_index("one_open_invoice", "invoice")


def _allow(*kinds: str) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("requestkind", "reader_request", type_="check")
    op.create_check_constraint("requestkind", "reader_request", f"kind IN ({listed})")
