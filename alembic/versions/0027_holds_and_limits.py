"""a request to cancel that is open holds the next charge; what staff gave is counted

Revision: 0027
Follows: 0026
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sqlmodel.sql.sqltypes.UTCDateTime()
    op.add_column("subscription", sa.Column("cancel_request_at", instant, nullable=True))
    op.add_column("subscription", sa.Column("held_until", sa.Date(), nullable=True))
    for name in ("cents", "days"):
        op.add_column("audit_line", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.execute(  # those that wait already hold the next charge too
        """
        UPDATE subscription s SET cancel_request_at = r.received_at
        FROM (SELECT reader_id, min(received_at) AS received_at FROM reader_request
              WHERE kind = 'cancel' AND closed_at IS NULL GROUP BY reader_id) r
        WHERE r.reader_id = s.reader_id AND s.state <> 'ended' AND s.cancel_asked_at IS NULL
          AND r.received_at >= s.started_at
        """
    )


def downgrade() -> None:
    op.drop_column("audit_line", "days")
    op.drop_column("audit_line", "cents")
    op.drop_column("subscription", "held_until")
    op.drop_column("subscription", "cancel_request_at")
