"""whose a request is can be proved by a mailed link; an API key has ceilings

Revision: 0041
Follows: 0037
"""

import sqlalchemy as sa

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None
CEILINGS = {"cents_a_day": 100_000, "days_a_day": 310, "starts_a_day": 1_000}


def upgrade() -> None:
    for column in ("confirm_asked_at", "confirmed_at"):
        op.add_column("reader_request", sa.Column(column, sa.DateTime(timezone=True)))
    op.create_check_constraint("confirmed_is_proved", "reader_request", "confirmed_at IS NULL OR proved")
    for column, most in CEILINGS.items():
        op.add_column("api_key", sa.Column(column, sa.Integer(), server_default=str(most), nullable=False))
    op.create_table(
        "api_key_spending",
        sa.Column("key_id", sa.String(), sa.ForeignKey("api_key.id"), primary_key=True),
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("cents", "days", "starts")),
    )
    op.create_index("api_key_spending_hour", "api_key_spending", ["hour"])


def downgrade() -> None:
    op.drop_table("api_key_spending")
    for column in CEILINGS:
        op.drop_column("api_key", column)
    op.drop_constraint("confirmed_is_proved", "reader_request")
    for column in ("confirmed_at", "confirm_asked_at"):
        op.drop_column("reader_request", column)
