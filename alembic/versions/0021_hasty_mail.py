"""mails that somebody waits for are found at once, however many receipts lie before them

Revision: 0021
Follows: 0020
"""

import sqlalchemy as sa

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "message_hasty",
        "message",
        ["try_at", "id"],
        postgresql_where=sa.text("state = 'queued' AND expires_at - created_at <= interval '1 hour'"),
    )


def downgrade() -> None:
    op.drop_index("message_hasty", table_name="message")
