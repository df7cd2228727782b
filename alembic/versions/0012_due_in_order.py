"""what is due is read in the order of its index, however many fall due in one moment

Revision: 0012
Follows: 0015
"""

from alembic import op

revision = "0012"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("attempt_open", "attempt")
    op.drop_index("message_due", "message")
    op.create_index("attempt_open", "attempt", ["ask_at", "id"], postgresql_where="state = 'open'")
    op.create_index("message_due", "message", ["try_at", "id"], postgresql_where="state = 'queued'")


def downgrade() -> None:
    op.drop_index("message_due", "message")
    op.drop_index("attempt_open", "attempt")
    op.create_index("message_due", "message", ["try_at"], postgresql_where="state = 'queued'")
    op.create_index("attempt_open", "attempt", ["ask_at"], postgresql_where="state = 'open'")
