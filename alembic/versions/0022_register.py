"""an address may be kept from marketing because the national register names it

Revision: 0022
Follows: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow("hard_bounce", "soft_bounces", "complaint", "staff", "register")


def downgrade() -> None:
    op.execute("UPDATE suppression SET reason = 'staff' WHERE reason = 'register'")
    _allow("hard_bounce", "soft_bounces", "complaint", "staff")


def _allow(*reasons: str) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    op.drop_constraint("suppressionreason", "suppression", type_="check")
    op.create_check_constraint("suppressionreason", "suppression", f"reason IN ({listed})")
