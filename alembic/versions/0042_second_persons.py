"""when a member last proved who they are, and what waits for a second member

Revision: 0042
Follows: 0037
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff_session", sa.Column("proved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.create_table(
        "approval",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reader_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("cents", sa.Integer(), nullable=False),
        sa.Column("act", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("words", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("decided_by", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("line_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('refund', 'new_admin', 'key_ceiling')", name="approvalkind"),
        sa.CheckConstraint("state IN ('waiting', 'done', 'declined', 'changed')", name="approvalstate"),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided_has_its_moment"),
        sa.CheckConstraint(
            "state <> 'done' OR decided_by IS DISTINCT FROM asked_by", name="two_members_decide"
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["staff_member.id"]),
        sa.ForeignKeyConstraint(["decided_by"], ["staff_member.id"]),
        sa.ForeignKeyConstraint(["line_id"], ["audit_line.id"]),
        sa.ForeignKeyConstraint(["reader_id"], ["reader.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("line_id"),
    )
    op.create_index(
        "approval_waiting", "approval", ["asked_at"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.execute("UPDATE staff_session SET proved_at = started_at WHERE complete")


def downgrade() -> None:
    op.drop_table("approval")
    op.drop_column("staff_session", "proved_at")
