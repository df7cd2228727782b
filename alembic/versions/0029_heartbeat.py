"""the heartbeat knows of billing runs and of the last time that no worker was there

Revision: 0029
Follows: 0028
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("run_at", "silent_from", "back_at", "watched_at"):
        op.add_column("tick_seen", sa.Column(name, sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.execute("UPDATE tick_seen SET run_at = at")  # nullable: workers of the release before don't write it


def downgrade() -> None:
    for name in ("watched_at", "back_at", "silent_from", "run_at"):
        op.drop_column("tick_seen", name)
