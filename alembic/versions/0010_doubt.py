"""doubt: what is asked again and since when, the pause of charging, events set aside, and indexes for what is forgotten

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AGED = (
    ("sign_in_link_made", "sign_in_link", "created_at"),
    ("staff_link_made", "staff_link", "created_at"),
    ("reader_session_begun", "reader_session", "started_at"),
    ("staff_session_begun", "staff_session", "started_at"),
    ("rate_count_window", "rate_count", "window_start"),
    ("api_answer_given", "api_answer", "created_at"),
)


def upgrade() -> None:
    op.create_table(
        "charging_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("probe_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("(paused_at IS NULL) = (probe_at IS NULL)", name="a_pause_is_probed"),
        sa.PrimaryKeyConstraint("id"),
    )
    _refunds()
    _visits()
    _events()
    for name, table, column in AGED:
        op.create_index(name, table, [column])


def _refunds() -> None:
    op.add_column("refund", sa.Column("keyed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.execute("UPDATE refund SET keyed_at = created_at")
    op.alter_column("refund", "keyed_at", nullable=False)
    op.add_column("refund", sa.Column("key_spent", sa.Boolean(), server_default="false", nullable=False))
    op.alter_column("refund", "key_spent", server_default=None)
    op.add_column("refund", sa.Column("asked", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("refund", "asked", server_default=None)
    op.drop_index("refund_open", "refund")
    op.create_index(
        "refund_open", "refund", ["ask_at"], postgresql_where=sa.text("state IN ('intended', 'pending')")
    )


def _visits() -> None:
    op.add_column("card_setup", sa.Column("ask_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.execute("UPDATE card_setup SET ask_at = expires_at")
    op.alter_column("card_setup", "ask_at", nullable=False)
    op.add_column("card_setup", sa.Column("asked", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("card_setup", "asked", server_default=None)
    op.create_index("card_setup_open", "card_setup", ["ask_at"], postgresql_where=sa.text("state = 'open'"))


def _events() -> None:
    op.add_column("inbound_event", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("inbound_event", "failures", server_default=None)
    op.add_column(
        "inbound_event", sa.Column("set_aside_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True)
    )
    op.create_check_constraint(
        "settled_or_set_aside", "inbound_event", "settled_at IS NULL OR set_aside_at IS NULL"
    )
    op.drop_index("event_unsettled", "inbound_event")
    op.create_index(
        "event_unsettled",
        "inbound_event",
        ["try_at"],
        postgresql_where=sa.text("settled_at IS NULL AND set_aside_at IS NULL"),
    )
    op.create_index(
        "event_set_aside",
        "inbound_event",
        ["set_aside_at"],
        postgresql_where=sa.text("set_aside_at IS NOT NULL"),
    )
    op.create_index("event_received", "inbound_event", ["received_at"])


def downgrade() -> None:
    for name, table, _ in AGED:
        op.drop_index(name, table)
    op.drop_index("event_received", "inbound_event")
    op.drop_index("event_set_aside", "inbound_event")
    op.drop_index("event_unsettled", "inbound_event")
    op.drop_constraint("settled_or_set_aside", "inbound_event")
    op.drop_column("inbound_event", "set_aside_at")
    op.drop_column("inbound_event", "failures")
    op.create_index(
        "event_unsettled", "inbound_event", ["try_at"], postgresql_where=sa.text("settled_at IS NULL")
    )
    op.drop_index("card_setup_open", "card_setup")
    op.drop_column("card_setup", "asked")
    op.drop_column("card_setup", "ask_at")
    op.drop_index("refund_open", "refund")
    op.create_index("refund_open", "refund", ["ask_at"], postgresql_where=sa.text("state = 'intended'"))
    for column in ("asked", "key_spent", "keyed_at"):
        op.drop_column("refund", column)
    op.drop_table("charging_pause")
