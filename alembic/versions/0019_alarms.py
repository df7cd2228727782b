"""no tick, and no notice accepted, are alarms: when the bell was last heard, and the mails that were refused

Revision: 0019
Follows: 0012
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0019"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tick_seen",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "message_refused", "message", ["expires_at"], postgresql_where=sa.text("state = 'refused'")
    )


def downgrade() -> None:
    op.drop_index("message_refused", "message")
    op.drop_table("tick_seen")
