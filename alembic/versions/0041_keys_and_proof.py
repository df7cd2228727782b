"""whose a request is can be proved by a mailed link

Revision: 0041
Follows: 0037
"""

import sqlalchemy as sa

from alembic import op

revision = "0041"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("confirm_asked_at", "confirmed_at"):
        op.add_column("reader_request", sa.Column(column, sa.DateTime(timezone=True)))
    op.create_check_constraint("confirmed_is_proved", "reader_request", "confirmed_at IS NULL OR proved")


def downgrade() -> None:
    op.drop_constraint("confirmed_is_proved", "reader_request")
    for column in ("confirmed_at", "confirm_asked_at"):
        op.drop_column("reader_request", column)
