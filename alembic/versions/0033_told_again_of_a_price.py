"""a reader whom the notice of another price did not reach is told again

Revision: 0033
Follows: 0032
"""

import sqlalchemy as sa

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TABLE, NAME = "price_notice", "told_once"
# The newest change of each plan, where a notice of it did not arrive: its readers are told from now on.
REOPEN = """
    UPDATE price_change SET closed_at = NULL, look_at = now() WHERE closed_at IS NOT NULL AND id IN (
        SELECT DISTINCT ON (p.plan_id) c.id FROM price_change c JOIN price p ON p.id = c.price_id
        ORDER BY p.plan_id, c.planned_at DESC, c.id DESC)
      AND EXISTS (SELECT FROM price_notice n WHERE n.change_id = price_change.id AND n.state IN ('kept', 'seen'))
"""
# An earlier release knows one notice a reader, and of those that did not arrive the newest says what there is to say.
FORGET_EARLIER = """
    DELETE FROM price_notice n USING price_notice newer WHERE newer.change_id = n.change_id
      AND newer.subscription_id = n.subscription_id AND newer.id > n.id
"""


def upgrade() -> None:
    op.drop_constraint(NAME, TABLE, type_="unique")
    op.create_index(
        NAME,
        TABLE,
        ["change_id", "subscription_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('told', 'holds', 'moot')"),
    )
    op.execute(REOPEN)


def downgrade() -> None:
    op.execute(FORGET_EARLIER)
    op.drop_index(NAME, table_name=TABLE)
    op.create_unique_constraint(NAME, TABLE, ["change_id", "subscription_id"])
