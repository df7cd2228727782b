"""to whom a tax invoice is made out

Revision: 0049
Follows: 0048
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    op.create_table(
        "invoice_recipient",
        sa.Column("id", text, primary_key=True),
        sa.Column("reader_id", text, sa.ForeignKey("reader.id"), nullable=False),
        sa.Column("invoice_id", text, sa.ForeignKey("invoice.id"), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("vat_number", text, nullable=True),
        sa.Column("entered_at", moment, nullable=False),
    )
    op.create_index("invoice_recipient_of_reader", "invoice_recipient", ["reader_id", "entered_at"])


def downgrade() -> None:
    op.drop_table("invoice_recipient")
