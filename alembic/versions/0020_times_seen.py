"""how often a signed-in browser came: what speaks for a charge, and names no article

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reader_session", sa.Column("times_seen", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    op.drop_column("reader_session", "times_seen")
