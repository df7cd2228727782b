"""an attempt's one bag of evidence becomes a column for each thing it says

Revision: 0045
Follows: 0044
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

TEXTS = (
    "decline_code",
    "decline_advice",
    "network_decline_code",
    "network_advice_code",
    "decline_message",
    "doubt",
    "not_taken_reason",
)
KINDS = ("soft", "hard", "stop_order", "needs_reader", "unknown")
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
    "disputed",
    "ended_now",
    "card_changed",
    "switch_asked",
    "switch_undone",
    "term_announced",
    "term_extended",
    "price_announced",
    "price_kept",
    "terms_changed",
    "pause_asked",
    "pause_undone",
    "paused",
    "pause_extended",
    "pause_ended",
    "unreachable",
    "first_charge_refused",
)
ADDED = (*TEXTS, "decline_kind", "key_unusable", "page_keys_unusable", "unlisted_since", "had_case")


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    for name in TEXTS:
        op.add_column("attempt", sa.Column(name, text, nullable=True))
    kind = sa.Enum(*KINDS, name="declinekind", native_enum=False, create_constraint=True, length=32)
    op.add_column("attempt", sa.Column("decline_kind", kind, nullable=True))
    op.add_column("attempt", sa.Column("unlisted_since", moment, nullable=True))
    for name in ("key_unusable", "had_case"):
        op.add_column("attempt", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(
        "attempt", sa.Column("page_keys_unusable", sa.Integer(), server_default="0", nullable=False)
    )
    op.execute("UPDATE attempt SET decline_kind = 'unknown' WHERE state = 'declined'")
    op.drop_column("attempt", "evidence")
    _allow(*HAPPENINGS, "charge_moved")
    op.create_index(op.f("ix_card_setup_customer_ref"), "card_setup", ["customer_ref"])
    op.alter_column("refund", "key_spent", new_column_name="key_unusable")
    op.alter_column("card_setup", "keys_spent", new_column_name="keys_unusable")


def _allow(*happenings: str) -> None:
    listed = ", ".join(f"'{happening}'" for happening in happenings)
    op.drop_constraint("happening", "subscription_change", type_="check")
    op.create_check_constraint("happening", "subscription_change", f"happening IN ({listed})")


def downgrade() -> None:
    op.drop_index(op.f("ix_card_setup_customer_ref"), table_name="card_setup")
    op.alter_column("card_setup", "keys_unusable", new_column_name="keys_spent")
    op.alter_column("refund", "key_unusable", new_column_name="key_spent")
    _allow(*HAPPENINGS)
    op.add_column("attempt", sa.Column("evidence", JSONB(), server_default="{}", nullable=False))
    op.alter_column("attempt", "evidence", server_default=None)
    for name in ADDED:
        op.drop_column("attempt", name)
