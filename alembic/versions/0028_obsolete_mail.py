"""a waiting mail that has become untrue is taken back

Mails that wait at this moment learn what they are about from their keys, as far as those say it; others are sent as before.

Revision: 0028
Follows: 0027
"""

import sqlalchemy as sa

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("about", sa.String(), nullable=True))
    op.execute(
        "UPDATE message m SET about = s.id FROM subscription s WHERE m.state = 'queued'"
        " AND m.reader_id = s.reader_id AND position(s.id IN m.key) > 0"
    )
    op.create_index("message_waiting", "message", ["about"], postgresql_where=sa.text("state = 'queued'"))
    _allow("queued", "accepted", "refused", "expired", "obsolete")


def downgrade() -> None:
    op.execute("UPDATE message SET state = 'expired' WHERE state = 'obsolete'")
    _allow("queued", "accepted", "refused", "expired")
    op.drop_index("message_waiting", table_name="message")
    op.drop_column("message", "about")


def _allow(*states: str) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    op.drop_constraint("messagestate", "message", type_="check")
    op.create_check_constraint("messagestate", "message", f"state IN ({listed})")
