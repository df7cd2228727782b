"""the doctor's visits; what one reader said to newsletters is found by the reader

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "doctor_visit",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("signup_change_of_reader", "signup_change", ["reader_id", "id"])


def downgrade() -> None:
    op.drop_index("signup_change_of_reader", table_name="signup_change")
    op.drop_table("doctor_visit")
