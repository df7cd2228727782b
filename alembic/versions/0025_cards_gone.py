"""a card may be gone; a visit for a card that an app saved is found again by that card

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_method", sa.Column("gone_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("card_setup", sa.Column("method_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("card_setup", sa.Column("keys_spent", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("card_setup", "keys_spent", server_default=None)


def downgrade() -> None:
    op.drop_column("card_setup", "keys_spent")
    op.drop_column("card_setup", "method_ref")
    op.drop_column("payment_method", "gone_at")
