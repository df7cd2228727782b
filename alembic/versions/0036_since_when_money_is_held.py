"""since when money is held until Stripe has said what happened

Revision: 0036
Follows: 0035
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable: workers of the release before don't write it.
    op.add_column("installation", sa.Column("held_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.execute("UPDATE installation SET held_since = ask_at")


def downgrade() -> None:
    op.drop_column("installation", "held_since")
