"""disputes, cases, and Stripe's books beside ours

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


HAPPENINGS = (
    "trial_extended",
    "extended",
    "cancel_asked",
    "cancel_undone",
    "charged",
    "declined",
    "ran_out",
    "gave_up",
    "stop_ordered",
    "ended_now",
    "card_changed",
    "first_charge_refused",
)


def upgrade() -> None:
    _mirror_stripes_books()
    _make_cases()
    _make_disputes()
    op.create_index(op.f("ix_payment_paid_at"), "payment", ["paid_at"], unique=False)
    _allow(*HAPPENINGS, "disputed")


def _allow(*happenings: str) -> None:
    listed = ", ".join(f"'{happening}'" for happening in happenings)
    op.drop_constraint("happening", "subscription_change", type_="check")
    op.create_check_constraint("happening", "subscription_change", f"happening IN ({listed})")


def _mirror_stripes_books() -> None:
    op.create_table(
        "balance_movement",
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("category", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("exchange_rate", sa.Float(), nullable=True),
        sa.Column("description", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("available_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("payout_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("net = amount - fee", name="adds_up"),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index(op.f("ix_balance_movement_at"), "balance_movement", ["at"], unique=False)
    op.create_index(op.f("ix_balance_movement_payout_ref"), "balance_movement", ["payout_ref"], unique=False)
    op.create_index(op.f("ix_balance_movement_source_ref"), "balance_movement", ["source_ref"], unique=False)
    op.create_table(
        "payout",
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("arrives_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("seen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index(op.f("ix_payout_at"), "payout", ["at"], unique=False)
    op.create_table(
        "reckoning",
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("next_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("done_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("movements", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.CheckConstraint("since <= through", name="in_order"),
        sa.PrimaryKeyConstraint("through"),
    )


def _make_cases() -> None:
    op.create_table(
        "staff_case",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("what", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reader_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("ours", sa.BigInteger(), nullable=True),
        sa.Column("theirs", sa.BigInteger(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("link", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("act_by", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("opened_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("closed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("closed_by", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("(closed_at IS NULL) = (reason IS NULL)", name="closed_with_a_reason"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject", name="opened_once"),
    )
    op.create_index(op.f("ix_staff_case_reader_id"), "staff_case", ["reader_id"], unique=False)
    op.create_index(
        "staff_case_open",
        "staff_case",
        ["opened_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _make_disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("payment_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reader_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("gateway_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "needs_answer",
                "answered",
                "won",
                "lost",
                "closed",
                name="disputestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("inquiry", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("seen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("answer_by", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sent_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('won', 'lost', 'closed')) = (decided_at IS NOT NULL)", name="decided_or_open"
        ),
        sa.CheckConstraint("NOT inquiry OR state NOT IN ('won', 'lost')", name="an_inquiry_decides_nothing"),
        sa.CheckConstraint("inquiry OR state <> 'closed'", name="only_an_inquiry_is_closed"),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("gateway_ref"),
    )
    op.create_index(
        "dispute_open", "dispute", ["answer_by"], unique=False, postgresql_where=sa.text("decided_at IS NULL")
    )
    op.create_index(op.f("ix_dispute_payment_id"), "dispute", ["payment_id"], unique=False)
    op.create_index(op.f("ix_dispute_reader_id"), "dispute", ["reader_id"], unique=False)


def downgrade() -> None:
    _allow(*HAPPENINGS)
    op.drop_index(op.f("ix_payment_paid_at"), table_name="payment")
    op.drop_index(op.f("ix_dispute_reader_id"), table_name="dispute")
    op.drop_index(op.f("ix_dispute_payment_id"), table_name="dispute")
    op.drop_index("dispute_open", table_name="dispute", postgresql_where=sa.text("decided_at IS NULL"))
    op.drop_table("dispute")
    op.drop_index("staff_case_open", table_name="staff_case", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_staff_case_reader_id"), table_name="staff_case")
    op.drop_table("staff_case")
    op.drop_table("reckoning")
    op.drop_index(op.f("ix_payout_at"), table_name="payout")
    op.drop_table("payout")
    op.drop_index(op.f("ix_balance_movement_source_ref"), table_name="balance_movement")
    op.drop_index(op.f("ix_balance_movement_payout_ref"), table_name="balance_movement")
    op.drop_index(op.f("ix_balance_movement_at"), table_name="balance_movement")
    op.drop_table("balance_movement")
