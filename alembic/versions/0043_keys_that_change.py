"""the lists have a key of their own, authenticators' secrets are sealed, and a changed hash is told by what it was

Revision: 0043
Follows: 0037
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

NAME = "id || ' ' || left(token_hash, 32)"


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    op.create_table(
        "list_salt",
        sa.Column("list", text, nullable=False),
        sa.Column("check_value", text, nullable=False),
        sa.Column("lost_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("list", "check_value"),
    )
    op.add_column("installation", sa.Column("list_key", text, server_default="", nullable=False))
    op.add_column("installation", sa.Column("rotated_at", moment, nullable=True))
    op.add_column("installation", sa.Column("signs_until", JSONB(), server_default="{}", nullable=False))
    op.add_column("staff_member", sa.Column("code_secret", text, server_default="", nullable=False))
    quoted = NAME.replace("'", "''")
    op.execute(
        "CREATE TRIGGER tell_session_before AFTER UPDATE ON reader_session REFERENCING OLD TABLE AS changed"
        f" FOR EACH STATEMENT EXECUTE FUNCTION tell_access('session', '{quoted}')"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER tell_session_before ON reader_session")
    op.drop_column("staff_member", "code_secret")
    for name in ("signs_until", "rotated_at", "list_key"):
        op.drop_column("installation", name)
    op.drop_table("list_salt")
