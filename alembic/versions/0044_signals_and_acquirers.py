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
NAMING = (
    "payment_method",
    "card_setup",
    "attempt",
    "payment",
    "refund",
    "dispute",
    "balance_movement",
    "payout",
)
NAMING += ("unexplained_charge", "charging_pause")
KEYS = {
    "balance_movement": ["ref", "acquirer"],
    "payout": ["ref", "acquirer"],
    "unexplained_charge": ["charge_ref", "acquirer"],
    "charging_pause": ["acquirer"],
}
ONCE = (
    ("payment_method", "gateway_ref", "one_row_a_card"),
    ("card_setup", "session_ref", "one_visit_a_page"),
    ("attempt", "page_ref", "one_attempt_a_page"),
    ("payment", "intent_ref", "one_payment_an_intent"),
    ("payment", "charge_ref", "one_payment_a_charge"),
    ("refund", "gateway_ref", "one_row_a_refund"),
    ("dispute", "gateway_ref", "one_row_a_dispute"),
)


def upgrade() -> None:
    _store_signals()
    text = sqlmodel.sql.sqltypes.AutoString()
    op.execute("DELETE FROM charging_pause")
    op.drop_column("charging_pause", "id")
    for table in NAMING:
        op.add_column(table, sa.Column("acquirer", text, server_default="stripe", nullable=False))
        op.alter_column(table, "acquirer", server_default=None)
    for table, columns in KEYS.items():
        if table != "charging_pause":
            op.drop_constraint(f"{table}_pkey", table)
        op.create_primary_key(f"{table}_pkey", table, columns)
    for table, column, name in ONCE:
        op.drop_constraint(f"{table}_{column}_key", table)
        op.create_unique_constraint(name, table, [column, "acquirer"])
    _index_open_attempts("ask_at", "id", "acquirer")


def _index_open_attempts(*columns: str) -> None:
    op.drop_index("attempt_open", "attempt")
    op.create_index("attempt_open", "attempt", list(columns), postgresql_where=sa.text("state = 'open'"))


def downgrade() -> None:
    _index_open_attempts("ask_at", "id")
    for table, column, name in ONCE:
        op.drop_constraint(name, table)
        op.create_unique_constraint(f"{table}_{column}_key", table, [column])
    op.execute("DELETE FROM charging_pause")
    for table in NAMING:
        op.drop_column(table, "acquirer")
    for table, columns in KEYS.items():
        if table != "charging_pause":
            op.create_primary_key(f"{table}_pkey", table, columns[:1])
    op.add_column("charging_pause", sa.Column("id", sa.Integer(), nullable=False))
    op.create_primary_key("charging_pause_pkey", "charging_pause", ["id"])
    op.create_check_constraint("only_one", "charging_pause", "id = 1")
    _store_events()


def _store_signals() -> None:
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


def _store_events() -> None:
    op.execute("DELETE FROM inbound_event")
    op.add_column("inbound_event", sa.Column("payload", JSONB(), nullable=False))
    for old, new in RENAMED.items():
        op.alter_column("inbound_event", new, new_column_name=old)
    for name in MADE:
        op.drop_column("inbound_event", name)
