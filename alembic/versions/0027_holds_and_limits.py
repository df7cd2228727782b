"""a request to cancel that is open holds the next charge; what staff gave is counted;
an address that refuses all mail ends what it extends, and can be replaced

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
    _allow((*_happenings(), "unreachable"))
    text = sqlmodel.sql.sqltypes.AutoString()
    op.add_column("sign_in_link", sa.Column("replaces_of", text, nullable=True))
    op.create_foreign_key(
        "sign_in_link_replaces_of_fkey", "sign_in_link", "reader", ["replaces_of"], ["id"], ondelete="CASCADE"
    )
    op.execute(  # those that wait already hold the next charge too
        """
        UPDATE subscription s SET cancel_request_at = r.received_at
        FROM (SELECT reader_id, min(received_at) AS received_at FROM reader_request
              WHERE kind = 'cancel' AND closed_at IS NULL GROUP BY reader_id) r
        WHERE r.reader_id = s.reader_id AND s.state <> 'ended' AND s.cancel_asked_at IS NULL
          AND r.received_at >= s.started_at
        """
    )


def _happenings() -> list[str]:
    """What may happen according to the migrations before this one."""
    check = op.get_bind().execute(
        sa.text(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'subscription_change'::regclass AND conname = 'happening'"
        )
    )
    return [part for part in check.scalar_one().split("'")[1::2] if part != "unreachable"]


def _allow(happenings: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{happening}'" for happening in happenings)
    op.drop_constraint("happening", "subscription_change", type_="check")
    op.create_check_constraint("happening", "subscription_change", f"happening IN ({listed})")


def downgrade() -> None:
    op.drop_column("sign_in_link", "replaces_of")
    _allow(tuple(_happenings()))
    op.drop_column("audit_line", "days")
    op.drop_column("audit_line", "cents")
    op.drop_column("subscription", "held_until")
    op.drop_column("subscription", "cancel_request_at")
