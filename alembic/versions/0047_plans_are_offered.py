"""plans say whom they are offered to, a subscription whether its term is fixed, and what happened to a subscription is called its event"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

OFFERED_TO = ("everyone", "staff", "nobody")


def upgrade() -> None:
    op.alter_column("subscription_change", "happening", new_column_name="event")
    op.execute("ALTER TABLE subscription_change RENAME CONSTRAINT happening TO event")
    op.alter_column("subscription", "term", new_column_name="is_fixed_term")
    text = sqlmodel.sql.sqltypes.AutoString()
    offered = sa.Enum(*OFFERED_TO, name="offeredto", native_enum=False, create_constraint=True, length=32)
    op.add_column("plan", sa.Column("offered_to", offered, server_default="nobody", nullable=False))
    op.add_column("plan", sa.Column("position", sa.Integer(), server_default="0", nullable=False))
    op.add_column("plan", sa.Column("period_label", text, server_default="month", nullable=False))
    op.execute("UPDATE plan SET offered_to = 'everyone', position = months")
    op.execute("UPDATE plan SET period_label = 'year' WHERE months = 12")
    op.alter_column("plan", "period_label", server_default=None)


def downgrade() -> None:
    for name in ("period_label", "position", "offered_to"):
        op.drop_column("plan", name)
    op.alter_column("subscription", "is_fixed_term", new_column_name="term")
    op.execute("ALTER TABLE subscription_change RENAME CONSTRAINT event TO happening")
    op.alter_column("subscription_change", "event", new_column_name="happening")
