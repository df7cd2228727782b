"""which subscription a reader asks to end

Revision: 0035
Follows: 0034
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    op.add_column("reader_request", sa.Column("subscription_id", text, nullable=True))
    op.create_foreign_key(
        "reader_request_subscription_id_fkey", "reader_request", "subscription", ["subscription_id"], ["id"]
    )
    # Until now it was the reader's latest; when a request came, that was the one begun last before it.
    op.execute(
        "UPDATE reader_request r SET subscription_id = (SELECT s.id FROM subscription s"
        " WHERE s.reader_id = r.reader_id AND s.started_at <= r.received_at"
        " AND (r.kind = 'withdraw' OR coalesce(s.ended_at, 'infinity') > r.received_at)"
        " ORDER BY s.started_at DESC LIMIT 1) WHERE r.kind IN ('cancel', 'withdraw')"
    )


def downgrade() -> None:
    op.drop_constraint("reader_request_subscription_id_fkey", "reader_request", type_="foreignkey")
    op.drop_column("reader_request", "subscription_id")
