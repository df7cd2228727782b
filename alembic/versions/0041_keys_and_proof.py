"""whose a request is can be proved by a mailed link; an API key has ceilings, an end, and two secrets while it is rotated;
reads of readers are counted

Revision: 0041
Follows: 0037
"""

import sqlalchemy as sa

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None
TOLD = {
    # a secret that stops working is forgotten too: by a rotation the present one, or the one before that
    "tell_api_key_before": ("UPDATE", "OLD", "key_hash"),
    "tell_api_key_previous_update": ("UPDATE", "NEW", "previous_hash"),
    "tell_api_key_previous_before": ("UPDATE", "OLD", "previous_hash"),
    "tell_api_key_previous_delete": ("DELETE", "OLD", "previous_hash"),
}
CEILINGS = {"cents_a_day": 100_000, "days_a_day": 310, "starts_a_day": 1_000, "readers_a_day": 5_000}


def upgrade() -> None:
    for column in ("confirm_asked_at", "confirmed_at"):
        op.add_column("reader_request", sa.Column(column, sa.DateTime(timezone=True)))
    op.create_check_constraint("confirmed_is_proved", "reader_request", "confirmed_at IS NULL OR proved")
    for column, most in CEILINGS.items():
        op.add_column("api_key", sa.Column(column, sa.Integer(), server_default=str(most), nullable=False))
    for column in ("expires_at", "warned_at", "previous_until"):
        op.add_column("api_key", sa.Column(column, sa.DateTime(timezone=True)))
    op.add_column("api_key", sa.Column("previous_hash", sa.String()))
    op.create_unique_constraint("api_key_previous_hash_key", "api_key", ["previous_hash"])
    op.create_check_constraint(
        "previous_until_a_time", "api_key", "(previous_hash IS NULL) = (previous_until IS NULL)"
    )
    op.create_index(
        "api_key_ends",
        "api_key",
        ["expires_at"],
        postgresql_where=sa.text("revoked_at IS NULL AND warned_at IS NULL AND expires_at IS NOT NULL"),
    )
    for trigger, (happens, rows, name) in TOLD.items():
        op.execute(
            f"CREATE TRIGGER {trigger} AFTER {happens} ON api_key REFERENCING {rows} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION tell_access('api_key', 'left({name}, 32)')"
        )
    op.create_table(
        "api_key_use",
        sa.Column("key_id", sa.String(), sa.ForeignKey("api_key.id"), primary_key=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "api_key_spending",
        sa.Column("key_id", sa.String(), sa.ForeignKey("api_key.id"), primary_key=True),
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("cents", "days", "starts")),
    )
    op.create_table(
        "api_key_reader",
        sa.Column("key_id", sa.String(), sa.ForeignKey("api_key.id"), primary_key=True),
        sa.Column("reader_id", sa.String(), primary_key=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("api_key_reader_read", "api_key_reader", ["read_at"])
    op.create_index("api_key_reader_of", "api_key_reader", ["key_id", "read_at"])
    op.create_table(
        "bulk_read",
        sa.Column("by", sa.String(), primary_key=True),
        sa.Column("what", sa.String(), primary_key=True),
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("calls", "readers")),
    )
    op.create_index("bulk_read_hour", "bulk_read", ["hour"])
    op.create_index("api_key_spending_hour", "api_key_spending", ["hour"])


def downgrade() -> None:
    for table in ("bulk_read", "api_key_reader", "api_key_spending"):
        op.drop_table(table)
    op.drop_table("api_key_use")
    for trigger in TOLD:
        op.execute(f"DROP TRIGGER {trigger} ON api_key")
    op.drop_index("api_key_ends", "api_key")
    for column in ("previous_hash", "previous_until", "warned_at", "expires_at"):
        op.drop_column("api_key", column)
    for column in CEILINGS:
        op.drop_column("api_key", column)
    op.drop_constraint("confirmed_is_proved", "reader_request")
    for column in ("confirmed_at", "confirm_asked_at"):
        op.drop_column("reader_request", column)
