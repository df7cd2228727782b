"""payouts that Stripe doesn't itemise

Revision: 0030
Follows: 0029
"""

import sqlalchemy as sa

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

LISTINGS = ("listed", "waiting", "none")


def upgrade() -> None:
    listed = sa.Enum(*LISTINGS, name="payoutlisting", native_enum=False, create_constraint=True, length=32)
    # Only those with a list were kept before.
    op.add_column("payout", sa.Column("listing", listed, nullable=False, server_default="listed"))
    op.add_column("payout", sa.Column("short", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(
        "balance_movement_payout",
        "balance_movement",
        ["source_ref"],
        postgresql_where=sa.text("category = 'payout'"),
    )


def downgrade() -> None:
    op.drop_index("balance_movement_payout", table_name="balance_movement")
    op.drop_column("payout", "short")
    op.drop_column("payout", "listing")
