"""who acts is a kind and an id

Revision: 0048
Follows: 0047
"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

ACTED = (
    "subscription_change",
    "price_change",
    "trial_exception",
    "refund",
    "audit_line",
    "reader_note",
    "article_version",
    "section_policy",
    "opening",
    "complimentary_grant",
)
CLOSED = ("opening", "reader_request", "staff_case")
KINDS = "('reader', 'worker', 'acquirer', 'staff', 'api', 'command')"


def upgrade() -> None:
    for table in ACTED:
        _split(table, "by", "actor_kind", "actor_id")
        op.execute(f"ALTER TABLE {table} ALTER actor_kind SET NOT NULL")
    for table in CLOSED:
        _split(table, "closed_by", "closed_by_kind", "closed_by_id")


def _split(table: str, text: str, kind: str, name: str) -> None:
    """ALTER TYPE … USING, as lines of history refuse an UPDATE."""
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {text} TO {name}")
    op.execute(f"ALTER TABLE {table} ADD COLUMN {kind} varchar(32)")
    prefix = f"split_part({name}, ':', 1)"
    op.execute(
        f"ALTER TABLE {table} ALTER {kind} TYPE varchar(32) USING CASE"
        f" WHEN {name} IS NULL THEN NULL WHEN {prefix} IN ('reader', 'worker', 'staff', 'api') THEN {prefix}"
        f" WHEN {name} = 'stripe' THEN 'acquirer' WHEN {name} IN ('doctor', 'the watch') THEN 'worker' ELSE 'command' END"
    )
    op.execute(
        f"ALTER TABLE {table} ALTER {name} TYPE varchar USING CASE"
        f" WHEN {name} IN ('reader', 'worker', 'command') THEN '' WHEN {prefix} IN ('staff', 'api')"
        f" THEN substr({name}, strpos({name}, ':') + 1) ELSE {name} END"
    )
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {kind} CHECK ({kind} IN {KINDS})")


def downgrade() -> None:
    for table in ACTED:
        _join(table, "by", "actor_kind", "actor_id")
    for table in CLOSED:
        _join(table, "closed_by", "closed_by_kind", "closed_by_id")


def _join(table: str, text: str, kind: str, name: str) -> None:
    op.execute(
        f"ALTER TABLE {table} ALTER {name} TYPE varchar USING CASE WHEN {kind} IN ('staff', 'api')"
        f" THEN {kind} || ':' || {name} WHEN {kind} = 'reader' OR {name} = '' THEN {kind} ELSE {name} END"
    )
    op.execute(f"ALTER TABLE {table} DROP COLUMN {kind}")
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {name} TO {text}")
