"""newsletters: lists, sign-ups with their evidence, issues, a row for each recipient; what came back, and where nothing is sent

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "newsletter",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("description", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("rhythm", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "audience",
            sa.Enum(
                "everyone",
                "subscribers",
                name="audience",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "editorial",
                "promotional",
                name="newsletterkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("opt_outs_checked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("id ~ '^[a-z][a-z0-9-]{0,39}$'", name="id_is_a_word"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sending_run",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("place", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("seen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "suppression",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address_digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("scope", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "hard_bounce",
                "soft_bounces",
                "complaint",
                "staff",
                name="suppressionreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("lifted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("lifted_by", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_standing_suppression",
        "suppression",
        ["address_digest", "scope"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "issue",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("newsletter_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "scheduled",
                "sending",
                "paused",
                "sent",
                "stopped",
                name="issuestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("preheader", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("cards", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("changed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("changed_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("scheduled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=True),
        sa.Column("resume_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("stalls", sa.Integer(), nullable=False),
        sa.Column("held_why", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("finished_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('draft', 'scheduled')) = (started_at IS NULL)", name="started_has_its_moment"
        ),
        sa.CheckConstraint(
            "state <> 'scheduled' OR scheduled_at IS NOT NULL", name="scheduled_has_its_moment"
        ),
        sa.CheckConstraint("(started_at IS NULL) = (recipients IS NULL)", name="started_is_counted"),
        sa.ForeignKeyConstraint(
            ["newsletter_id"],
            ["newsletter.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "issue_scheduled",
        "issue",
        ["scheduled_at"],
        unique=False,
        postgresql_where=sa.text("state = 'scheduled'"),
    )
    op.create_index(
        "issue_sending", "issue", ["id"], unique=False, postgresql_where=sa.text("state = 'sending'")
    )
    op.create_index(op.f("ix_issue_newsletter_id"), "issue", ["newsletter_id"], unique=False)
    op.create_table(
        "signup",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("newsletter_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reader_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("address", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "confirmed",
                "left",
                name="signupstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ask_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("words", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text_version", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("how", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ip", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("device", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("changed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("(state = 'pending') = (ask_id IS NOT NULL)", name="pending_has_its_ask"),
        sa.ForeignKeyConstraint(
            ["newsletter_id"],
            ["newsletter.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_signup_ask_id"), "signup", ["ask_id"], unique=False)
    op.create_index(
        "one_signup_per_address",
        "signup",
        ["newsletter_id", "address_key"],
        unique=True,
        postgresql_where=sa.text("reader_id IS NULL"),
    )
    op.create_index(
        "one_signup_per_reader",
        "signup",
        ["newsletter_id", "reader_id"],
        unique=True,
        postgresql_where=sa.text("reader_id IS NOT NULL"),
    )
    op.create_index("signup_of_address", "signup", ["address_key"], unique=False)
    op.create_index("signup_of_reader", "signup", ["reader_id"], unique=False)
    op.create_index(
        "signup_pending", "signup", ["asked_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_table(
        "signup_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("newsletter_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reader_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("to_state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("how", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("words", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text_version", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("ip", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("device", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("message_key", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.ForeignKeyConstraint(
            ["newsletter_id"],
            ["newsletter.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("signup_change_of", "signup_change", ["address_key", "id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("issue_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("address", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("signup_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reader_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("variant", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "frozen",
                "sending",
                "deferred",
                "sent",
                "uncertain",
                "failed",
                "skipped",
                "bounced",
                "complained",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("try_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.Column("last_answer", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("settled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("(state = 'sending') = (claimed_by IS NOT NULL)", name="sending_is_in_hands"),
        sa.CheckConstraint("(state = 'skipped') = (why IS NOT NULL)", name="skipped_says_why"),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("issue_id", "address_key"),
        sa.UniqueConstraint("number"),
    )
    op.create_index(
        "delivery_in_hands",
        "delivery",
        ["claimed_by"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "delivery_open",
        "delivery",
        ["issue_id", "try_at", "number"],
        unique=False,
        postgresql_where=sa.text("state IN ('frozen', 'sending', 'deferred')"),
    )
    op.create_table(
        "issue_body",
        sa.Column("issue_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("variant", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("html", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
        ),
        sa.PrimaryKeyConstraint("issue_id", "variant"),
    )
    op.create_table(
        "returned_mail",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("issue_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address_digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "why",
            sa.Enum(
                "hard",
                "soft",
                "policy",
                "complaint",
                name="returned",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
        ),
        sa.PrimaryKeyConstraint("number", "name"),
    )
    op.create_index("returned_from", "returned_mail", ["address_digest", "at"], unique=False)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON signup_change"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON issue_body"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        "CREATE TRIGGER never_lost BEFORE DELETE ON delivery FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        """
        CREATE TRIGGER frozen BEFORE UPDATE ON issue FOR EACH ROW
        WHEN (OLD.started_at IS NOT NULL AND
              (OLD.newsletter_id, OLD.subject, OLD.preheader, OLD.source, OLD.cards, OLD.started_at, OLD.recipients)
              IS DISTINCT FROM
              (NEW.newsletter_id, NEW.subject, NEW.preheader, NEW.source, NEW.cards, NEW.started_at, NEW.recipients))
        EXECUTE FUNCTION refuse_rewriting()
        """
    )


def downgrade() -> None:
    op.drop_index("returned_from", table_name="returned_mail")
    op.drop_table("returned_mail")
    op.drop_table("issue_body")
    op.drop_index(
        "delivery_open",
        table_name="delivery",
        postgresql_where=sa.text("state IN ('frozen', 'sending', 'deferred')"),
    )
    op.drop_index("delivery_in_hands", table_name="delivery", postgresql_where=sa.text("state = 'sending'"))
    op.drop_table("delivery")
    op.drop_index("signup_change_of", table_name="signup_change")
    op.drop_table("signup_change")
    op.drop_index("signup_pending", table_name="signup", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("signup_of_reader", table_name="signup")
    op.drop_index("signup_of_address", table_name="signup")
    op.drop_index(
        "one_signup_per_reader", table_name="signup", postgresql_where=sa.text("reader_id IS NOT NULL")
    )
    op.drop_index(
        "one_signup_per_address", table_name="signup", postgresql_where=sa.text("reader_id IS NULL")
    )
    op.drop_index(op.f("ix_signup_ask_id"), table_name="signup")
    op.drop_table("signup")
    op.drop_index(op.f("ix_issue_newsletter_id"), table_name="issue")
    op.drop_index("issue_sending", table_name="issue", postgresql_where=sa.text("state = 'sending'"))
    op.drop_index("issue_scheduled", table_name="issue", postgresql_where=sa.text("state = 'scheduled'"))
    op.drop_table("issue")
    op.drop_index(
        "one_standing_suppression", table_name="suppression", postgresql_where=sa.text("lifted_at IS NULL")
    )
    op.drop_table("suppression")
    op.drop_table("sending_run")
    op.drop_table("newsletter")
