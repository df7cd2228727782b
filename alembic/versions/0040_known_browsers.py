"""a browser is known again by its own cookie

Revision: 0040
Follows: 0037
"""

import sqlalchemy as sa

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

STATES = ("open", "done", "refused", "expired")


def _allow(states: tuple[str, ...]) -> None:
    """Which states a visit to the card page may have."""
    op.drop_constraint("setupstate", "card_setup", type_="check")
    listed = ", ".join(f"'{state}'" for state in states)
    op.create_check_constraint("setupstate", "card_setup", f"state IN ({listed})")


def upgrade() -> None:
    op.add_column("reader_session", sa.Column("browser_hash", sa.String(), nullable=True))
    op.create_index("ix_reader_session_browser_hash", "reader_session", ["browser_hash"])
    _allow((*STATES, "awaits_proof"))
    op.add_column("card_setup", sa.Column("browser_known_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(  # false of the visits that there are: nobody asked whose their browsers were
        "card_setup", sa.Column("asks_whose", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("staff_member", sa.Column("code_locks", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "staff_browser",
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("code_locks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"]),
        sa.PrimaryKeyConstraint("browser_hash", "staff_id"),
    )
    op.create_index("staff_browser_seen", "staff_browser", ["signed_in_at"])


def downgrade() -> None:
    op.drop_table("staff_browser")
    op.drop_column("staff_member", "code_locks")
    op.drop_column("card_setup", "asks_whose")
    op.drop_column("card_setup", "browser_known_at")
    op.execute("UPDATE card_setup SET state = 'expired' WHERE state = 'awaits_proof'")
    _allow(STATES)
    op.drop_index("ix_reader_session_browser_hash", table_name="reader_session")
    op.drop_column("reader_session", "browser_hash")
