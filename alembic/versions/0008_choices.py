"""choices: a yearly plan, terms to come, pauses, prices announced, the words of consents; which database counts

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATES = ("trialing", "active", "past_due", "ended")
ADDED = (
    "switch_asked",
    "switch_undone",
    "term_announced",
    "term_extended",
    "price_announced",
    "price_kept",
    "terms_changed",
    "pause_asked",
    "pause_undone",
    "paused",
    "pause_extended",
    "pause_ended",
)


def upgrade() -> None:
    op.add_column("plan", sa.Column("then_plan_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.create_foreign_key("plan_then_plan_id_fkey", "plan", "plan", ["then_plan_id"], ["id"])
    _subscription()
    _prices()
    op.create_table(
        "consent_text",
        sa.Column("text_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text_version", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("words", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("first_used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("text_hash"),
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent_text
        FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()
        """
    )
    op.add_column(
        "installation",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), server_default="main", nullable=False),
    )
    op.add_column(
        "installation",
        sa.Column("home", sqlmodel.sql.sqltypes.AutoString(), server_default="", nullable=False),
    )
    op.execute(  # what is migrated is the one that counts; only what is copied or restored from now on isn't
        """
        UPDATE installation SET home = concat_ws('-', (SELECT system_identifier FROM pg_control_system()),
            left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
            (SELECT oid FROM pg_database WHERE datname = current_database()), 'installation'::regclass::oid)
        """
    )


def _subscription() -> None:
    text, instant = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    because = sa.Enum(
        "switch", "term", "price", name="because", native_enum=False, create_constraint=True, length=32
    )
    for column in (
        sa.Column("anchor_months", sa.Integer(), server_default="0", nullable=False),
        sa.Column("term", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("term_notice_at", instant, nullable=True),
        sa.Column("next_price_id", text, nullable=True),
        sa.Column("next_terms_on", sa.Date(), nullable=True),
        sa.Column("next_terms_because", because, nullable=True),
        sa.Column("resumes_on", sa.Date(), nullable=True),
    ):
        op.add_column("subscription", column)
    op.create_foreign_key(
        "subscription_next_price_id_fkey", "subscription", "price", ["next_price_id"], ["id"]
    )
    _allow("state", "subscription", (*STATES, "paused"))
    op.create_check_constraint(
        "next_terms_are_whole",
        "subscription",
        "num_nulls(next_price_id, next_terms_on, next_terms_because) IN (0, 3)",
    )
    op.create_check_constraint(
        "pause_has_its_end", "subscription", "state <> 'paused' OR resumes_on IS NOT NULL"
    )
    _allow("happening", "subscription_change", (*_happenings(), *ADDED))


def _happenings() -> list[str]:
    """What may happen according to the migrations before this one."""
    check = op.get_bind().execute(
        sa.text(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'subscription_change'::regclass AND conname = 'happening'"
        )
    )
    return [part for part in check.scalar_one().split("'")[1::2] if part not in ADDED]


def _allow(name: str, table: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{name} IN ({listed})")


def _prices() -> None:
    text, instant = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    op.create_table(
        "price_change",
        sa.Column("id", text, nullable=False),
        sa.Column("price_id", text, nullable=False),
        sa.Column("planned_at", instant, nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("look_at", instant, nullable=False),
        sa.Column("closed_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("price_id"),
    )
    op.create_index(
        "price_change_open", "price_change", ["look_at"], postgresql_where=sa.text("closed_at IS NULL")
    )
    states = sa.Enum(
        *("told", "holds", "kept", "moot", "seen"),
        name="noticestate",
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    op.create_table(
        "price_notice",
        sa.Column("id", text, nullable=False),
        sa.Column("change_id", text, nullable=False),
        sa.Column("subscription_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("state", states, nullable=False),
        sa.Column("text_version", text, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("told_at", instant, nullable=False),
        sa.Column("settled_at", instant, nullable=True),
        sa.Column("seen_by", text, nullable=True),
        sa.ForeignKeyConstraint(["change_id"], ["price_change.id"]),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"]),
        sa.ForeignKeyConstraint(["reader_id"], ["reader.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("change_id", "subscription_id", name="told_once"),
    )
    op.create_index(op.f("ix_price_notice_reader_id"), "price_notice", ["reader_id"])
    op.create_index(
        "price_notice_open",
        "price_notice",
        ["subscription_id"],
        postgresql_where=sa.text("state = 'told'"),
    )


def downgrade() -> None:
    op.drop_column("installation", "home")
    op.drop_column("installation", "name")
    op.drop_table("consent_text")
    op.drop_table("price_notice")
    op.drop_table("price_change")
    kept = tuple(_happenings())
    _allow("happening", "subscription_change", kept)
    op.drop_constraint("pause_has_its_end", "subscription", type_="check")
    op.drop_constraint("next_terms_are_whole", "subscription", type_="check")
    _allow("state", "subscription", STATES)
    for column in (
        *("resumes_on", "next_terms_because", "next_terms_on", "next_price_id"),
        *("term_notice_at", "term", "anchor_months"),
    ):
        op.drop_column("subscription", column)
    op.drop_column("plan", "then_plan_id")
