"""what happened to a subscription is called its event"""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("subscription_change", "happening", new_column_name="event")
    op.execute("ALTER TABLE subscription_change RENAME CONSTRAINT happening TO event")


def downgrade() -> None:
    op.execute("ALTER TABLE subscription_change RENAME CONSTRAINT event TO happening")
    op.alter_column("subscription_change", "event", new_column_name="happening")
