"""mails are urgent by their kind, and no longer by how short their window is

Revision: 0037
Follows: 0036
"""

import sqlalchemy as sa

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "message_urgent",
        "message",
        ["try_at", "id"],
        postgresql_where=sa.text("state = 'queued' AND kind = 'sign_in_link'"),
    )
    op.drop_index("message_hasty", table_name="message")


def downgrade() -> None:
    op.create_index(
        "message_hasty",
        "message",
        ["try_at", "id"],
        postgresql_where=sa.text("state = 'queued' AND expires_at - created_at <= interval '1 hour'"),
    )
    op.drop_index("message_urgent", table_name="message")
