"""who may read: policies of sections, windows, openings, gifts, meters that know their moments, why sessions ended

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WINDOWS = (
    "(access IS NOT NULL OR (free_hours IS NULL AND open_after_days IS NULL))"
    " AND free_hours BETWEEN 1 AND 8784 AND open_after_days BETWEEN 1 AND 3660"
)
LEVELS = ("free", "registered", "metered", "subscriber")
TOLD = {"article": "id", "section_policy": "section", "opening": "subject"}
"""What is told to other processes when it changes, and the column that names it."""


def level(name: str) -> sa.Column:  # type: ignore[type-arg]
    kind = sa.Enum(*LEVELS, name="accesslevel", native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, kind, nullable=True)


def upgrade() -> None:
    _articles()
    _openings()
    _gifts()
    _meters()
    op.add_column("reader_session", sa.Column("ended_why", AutoString(), nullable=True))
    _tell()


def _articles() -> None:
    op.alter_column("article", "access", nullable=True)
    op.add_column("article", sa.Column("free_hours", sa.Integer(), nullable=True))
    op.add_column("article", sa.Column("open_after_days", sa.Integer(), nullable=True))
    op.create_check_constraint("windows_belong_to_a_level", "article", WINDOWS)
    op.create_index("article_section", "article", ["section"])
    op.create_index("article_published", "article", ["published_at"])
    op.create_table(
        "article_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("section", AutoString(), nullable=False),
        level("access"),
        sa.Column("free_hours", sa.Integer(), nullable=True),
        sa.Column("open_after_days", sa.Integer(), nullable=True),
        sa.Column("published_at", UTCDateTime(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("by", AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("article_version_of", "article_version", ["article_id", "id"])
    # What was asked before this was written down is taken to have been so since publication.
    op.execute(
        "INSERT INTO article_version (article_id, at, section, access, published_at, removed, by)"
        " SELECT id, published_at, section, access, published_at, false, 'before versions were kept' FROM article"
    )
    op.create_table(
        "section_policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        level("access"),
        sa.Column("free_hours", sa.Integer(), nullable=True),
        sa.Column("open_after_days", sa.Integer(), nullable=True),
        sa.Column("by", AutoString(), nullable=False),
        sa.CheckConstraint(WINDOWS, name="windows_belong_to_a_level"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("section_policy_of", "section_policy", ["section", "id"])
    for table in ("article_version", "section_policy"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
        )


def _openings() -> None:
    op.create_table(
        "opening",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "article",
                "section",
                "site",
                name="scope",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subject", AutoString(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("reason", AutoString(), nullable=False),
        sa.Column("by", AutoString(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("closed_by", AutoString(), nullable=True),
        sa.CheckConstraint("until > opened_at", name="ends_after_it_begins"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("(scope = 'site') = (subject = '')", name="of_something"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("opening_until", "opening", ["until"])
    # When they were opened was not kept; an hour before they end is as late as it can have mattered, and past is past.
    op.execute(
        "INSERT INTO opening (id, scope, subject, opened_at, until, reason, by)"
        " SELECT 'opn_' || id, 'article', id, least(published_at, open_until - interval '1 hour'), open_until,"
        " coalesce(open_reason, ''), 'before openings were kept' FROM article WHERE open_until IS NOT NULL"
    )
    op.drop_column("article", "open_until")
    op.drop_column("article", "open_reason")


def _gifts() -> None:
    op.create_table(
        "gift",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("reader_id", AutoString(), nullable=False),
        sa.Column("article_id", AutoString(), nullable=False),
        sa.Column("given_at", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_why", AutoString(), nullable=True),
        sa.CheckConstraint("opened BETWEEN 0 AND most", name="opened_so_often_at_most"),
        sa.ForeignKeyConstraint(["reader_id"], ["reader.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("gift_of", "gift", ["reader_id", "id"])
    op.create_index("gift_until", "gift", ["until"])
    op.create_table(
        "gift_reading",
        sa.Column("gift_id", AutoString(), nullable=False),
        sa.Column("visitor", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"]),
        sa.PrimaryKeyConstraint("gift_id", "visitor"),
    )
    op.create_index("gift_reading_of", "gift_reading", ["visitor"])


def _meters() -> None:
    op.create_index("meter_month_month", "meter_month", ["month"])
    op.add_column("meter_read", sa.Column("at", UTCDateTime(), nullable=True))
    op.execute("UPDATE meter_read SET at = month::timestamptz")
    op.alter_column("meter_read", "at", nullable=False)
    op.add_column("meter_read", sa.Column("carried", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("meter_read", "carried", server_default=None)


def _tell() -> None:
    """Whoever keeps policies and openings in memory is told, after the commit, what changed: on the channel `access`, the
    table and which of it, as in `article the-bridge`; the table alone when it is more than a hundred."""
    op.execute(
        """
        CREATE FUNCTION tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE names text[]; name text;
        BEGIN
            EXECUTE format('SELECT array_agg(DISTINCT %I::text) FROM changed', TG_ARGV[0]) INTO names;
            IF cardinality(names) > 100 THEN
                PERFORM pg_notify('access', TG_TABLE_NAME);
            ELSIF names IS NOT NULL THEN
                FOREACH name IN ARRAY names LOOP
                    PERFORM pg_notify('access', TG_TABLE_NAME || ' ' || name);
                END LOOP;
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table, name in TOLD.items():
        for happens, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            op.execute(
                f"CREATE TRIGGER tell_{happens.lower()} AFTER {happens} ON {table}"
                f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_access('{name}')"
            )


def downgrade() -> None:
    for table in TOLD:
        for happens in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER tell_{happens} ON {table}")
    op.execute("DROP FUNCTION tell_access()")
    op.drop_column("reader_session", "ended_why")
    op.drop_column("meter_read", "carried")
    op.drop_column("meter_read", "at")
    op.drop_index("meter_month_month", "meter_month")
    op.drop_table("gift_reading")
    op.drop_table("gift")
    op.add_column("article", sa.Column("open_until", UTCDateTime(), nullable=True))
    op.add_column("article", sa.Column("open_reason", AutoString(), nullable=True))
    op.drop_table("opening")
    op.drop_table("section_policy")
    op.drop_table("article_version")
    op.drop_index("article_published", "article")
    op.drop_index("article_section", "article")
    op.drop_constraint("windows_belong_to_a_level", "article")
    op.drop_column("article", "open_after_days")
    op.drop_column("article", "free_hours")
    op.execute("UPDATE article SET access = 'subscriber' WHERE access IS NULL")
    op.alter_column("article", "access", nullable=False)
