"""events are stored as neutral signals, and each row that an acquirer's fact stands on names the acquirer

Revision: 0044
Follows: 0043
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

SIGNALS = (
    "charge_succeeded",
    "charge_changed",
    "page_changed",
    "refund_changed",
    "card_changed",
    "customer_changed",
    "dispute_changed",
    "fraud_warned",
    "paid_out",
)


MADE = ("acquirer", "event_ref", "signal", "attempt_id", "setup_id")
RENAMED = {"type": "event_type", "try_at": "next_attempt_at"}


def upgrade() -> None:
    op.execute("DELETE FROM inbound_event")
    for name in MADE:
        kind = sa.String(32) if name == "signal" else sqlmodel.sql.sqltypes.AutoString()
        nullable = name not in ("acquirer", "event_ref")
        op.add_column("inbound_event", sa.Column(name, kind, nullable=nullable))
    op.create_check_constraint("signal", "inbound_event", f"signal IN {SIGNALS}")
    op.create_unique_constraint("kept_once", "inbound_event", ["event_ref", "acquirer"])
    for old, new in RENAMED.items():
        op.alter_column("inbound_event", old, new_column_name=new)
    op.drop_column("inbound_event", "payload")


def downgrade() -> None:
    op.execute("DELETE FROM inbound_event")
    op.add_column("inbound_event", sa.Column("payload", JSONB(), nullable=False))
    for old, new in RENAMED.items():
        op.alter_column("inbound_event", new, new_column_name=old)
    for name in MADE:
        op.drop_column("inbound_event", name)
