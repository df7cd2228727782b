"""what Stripe doesn't list yet

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refund", sa.Column("unlisted_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("installation", sa.Column("listed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("installation", "listed_at")
    op.drop_column("refund", "unlisted_since")
