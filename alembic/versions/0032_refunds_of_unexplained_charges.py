"""what becomes of the refund of a charge that nothing explains

Revision: 0032
Follows: 0031
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects.postgresql import ARRAY

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE = "unexplained_charge"


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    op.add_column(TABLE, sa.Column("failed_refs", ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column(TABLE, sa.Column("not_owed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(TABLE, sa.Column("awaiting_balance_since", moment, nullable=True))
    op.add_column(TABLE, sa.Column("given_up_at", moment, nullable=True))
    op.add_column(TABLE, sa.Column("paid_back_ref", text, nullable=True))


def downgrade() -> None:
    for column in ("paid_back_ref", "given_up_at", "awaiting_balance_since", "not_owed", "failed_refs"):
        op.drop_column(TABLE, column)
