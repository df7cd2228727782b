"""an adopted database asks Stripe what happened since its last known moment; charges that nothing explains

Revision: 0023
Follows: 0022
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("asks_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("installation", sa.Column("ask_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("installation", sa.Column("asked", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint("asked_at_a_moment", "installation", "(asks_since IS NULL) = (ask_at IS NULL)")
    op.create_table(
        "unexplained_charge",
        sa.Column("charge_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("intent_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("customer_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("subscription_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("period_number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("taken_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("found_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ask_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("refund_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("returned_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.PrimaryKeyConstraint("charge_ref"),
    )
    op.create_index(
        "unexplained_charge_kept",
        "unexplained_charge",
        ["ask_at"],
        postgresql_where=sa.text("returned_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("unexplained_charge")
    op.drop_constraint("asked_at_a_moment", "installation")
    for column in ("asked", "ask_at", "asks_since"):
        op.drop_column("installation", column)
