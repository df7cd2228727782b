"""the first release: all tables, and the guards that hold whoever writes to them

Revision: 0001
Follows: nothing, as there is no release before it
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _trigrams()
    _tables()
    _default_partitions()
    _vat_rates()
    _entitlement()
    _append_only()
    _erased()
    _sums()
    _access_notices()


def downgrade() -> None:
    raise RuntimeError("There is no release before the first one. Make a new database instead.")


def _trigrams() -> None:
    """All runs of three letters in a text: with a GIN index of them any part of a text is found.

    PostgreSQL's own pg_trgm does the same, but must be installed on the server, which not everyone may do."""
    op.execute("""
        CREATE FUNCTION trigrams(words text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT array_agg(DISTINCT substr(lower(words), n, 3)) FROM generate_series(1, length(lower(words)) - 2) n
        $$
    """)


def _tables() -> None:
    text, instant, jsonb = AutoString(), UTCDateTime(), JSONB()
    op.create_table(
        "canned_answer",
        sa.Column("id", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("words", text, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("removed_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "canned_answer_title",
        "canned_answer",
        [sa.literal_column("lower(title)")],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "api_key",
        sa.Column("id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("key_hash", text, nullable=False),
        sa.Column("scopes", jsonb, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=True),
        sa.Column("warned_at", instant, nullable=True),
        sa.Column("revoked_at", instant, nullable=True),
        sa.Column("previous_hash", text, nullable=True),
        sa.Column("previous_until", instant, nullable=True),
        sa.Column("cents_a_day", sa.Integer(), server_default="100000", nullable=False),
        sa.Column("days_a_day", sa.Integer(), server_default="310", nullable=False),
        sa.Column("starts_a_day", sa.Integer(), server_default="1000", nullable=False),
        sa.Column("readers_a_day", sa.Integer(), server_default="5000", nullable=False),
        sa.CheckConstraint(
            "(previous_hash IS NULL) = (previous_until IS NULL)", name="previous_until_a_time"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
        sa.UniqueConstraint("previous_hash"),
    )
    op.create_index(
        "api_key_ends",
        "api_key",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NULL AND warned_at IS NULL AND expires_at IS NOT NULL"),
    )
    op.create_table(
        "article",
        sa.Column("id", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("url", text, nullable=False),
        sa.Column("section", text, nullable=False),
        sa.Column(
            "access",
            sa.Enum(
                "free",
                "registered",
                "metered",
                "subscriber",
                name="accesslevel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("free_hours", sa.Integer(), nullable=True),
        sa.Column("open_after_days", sa.Integer(), nullable=True),
        sa.Column("published_at", instant, nullable=False),
        sa.CheckConstraint(
            "(access IS NOT NULL OR (free_hours IS NULL AND open_after_days IS NULL)) AND free_hours BETWEEN 1 AND 8784 AND open_after_days BETWEEN 1 AND 3660",
            name="windows_belong_to_a_level",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("article_published", "article", ["published_at", "id"], unique=False)
    op.create_index("article_section", "article", ["section"], unique=False)
    op.create_index(
        "article_title_parts",
        "article",
        [sa.literal_column("trigrams(title)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "article_version",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("section", text, nullable=False),
        sa.Column(
            "access",
            sa.Enum(
                "free",
                "registered",
                "metered",
                "subscriber",
                name="accesslevel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("free_hours", sa.Integer(), nullable=True),
        sa.Column("open_after_days", sa.Integer(), nullable=True),
        sa.Column("published_at", instant, nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("article_version_of", "article_version", ["article_id", "id"], unique=False)
    op.create_table(
        "balance_movement",
        sa.Column("ref", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("category", text, nullable=False),
        sa.Column("source_ref", text, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("fee_vat", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("currency", text, nullable=False),
        sa.Column("exchange_rate", sa.Float(), nullable=True),
        sa.Column("presented_amount", sa.BigInteger(), nullable=True),
        sa.Column("presented_currency", text, nullable=True),
        sa.Column("charge_ref", text, nullable=True),
        sa.Column("description", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("available_at", instant, nullable=False),
        sa.Column("payout_ref", text, nullable=True),
        sa.CheckConstraint(
            "(presented_amount IS NULL) = (presented_currency IS NULL)", name="presented_in_a_currency"
        ),
        sa.CheckConstraint("net = amount - fee", name="adds_up"),
        sa.PrimaryKeyConstraint("ref", "acquirer"),
    )
    op.create_index(
        "balance_movement_payout",
        "balance_movement",
        ["source_ref"],
        unique=False,
        postgresql_where=sa.text("category = 'payout'"),
    )
    op.create_index(op.f("ix_balance_movement_at"), "balance_movement", ["at"], unique=False)
    op.create_index(op.f("ix_balance_movement_payout_ref"), "balance_movement", ["payout_ref"], unique=False)
    op.create_index(op.f("ix_balance_movement_source_ref"), "balance_movement", ["source_ref"], unique=False)
    op.create_table(
        "brand",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("accent", text, server_default="", nullable=False),
        sa.Column("accent_dark", text, server_default="", nullable=False),
        sa.Column("tagline", text, server_default="", nullable=False),
        sa.Column("benefits", jsonb, server_default="[]", nullable=False),
        sa.Column("footer", text, server_default="", nullable=False),
        sa.Column("mail_footer", text, server_default="", nullable=False),
        sa.Column("support_email", text, server_default="", nullable=False),
        sa.Column("support_hours", text, server_default="", nullable=False),
        sa.Column("svg_logo", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("png_logo", sa.LargeBinary(), server_default="", nullable=False),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("accent ~ '^(#[0-9a-f]{6})?$'", name="accent_is_a_colour"),
        sa.CheckConstraint("accent_dark ~ '^(#[0-9a-f]{6})?$'", name="accent_dark_is_a_colour"),
        sa.CheckConstraint("length(svg_logo) <= 32768 AND length(png_logo) <= 32768", name="small_logos"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "legal_document",
        sa.Column("kind", text, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("published_at", instant, nullable=False),
        sa.Column("text_hash", text, nullable=False),
        sa.Column("words", text, server_default="", nullable=False),
        sa.Column("url", text, server_default="", nullable=False),
        sa.CheckConstraint("kind IN ('terms', 'privacy', 'refunds')", name="known_kind"),
        sa.CheckConstraint("(words = '') <> (url = '')", name="a_text_or_a_page"),
        sa.PrimaryKeyConstraint("kind", "number"),
    )
    op.create_table(
        "bulk_read",
        sa.Column("by", text, nullable=False),
        sa.Column("what", text, nullable=False),
        sa.Column("hour", instant, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("by", "what", "hour"),
    )
    op.create_index("bulk_read_hour", "bulk_read", ["hour"], unique=False)
    op.create_table(
        "charging_pause",
        sa.Column("acquirer", text, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_at", instant, nullable=True),
        sa.Column("probe_at", instant, nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("reason", text, nullable=True),
        sa.CheckConstraint("(paused_at IS NULL) = (probe_at IS NULL)", name="a_pause_is_probed"),
        sa.PrimaryKeyConstraint("acquirer"),
    )
    op.create_table(
        "consent_text",
        sa.Column("text_hash", text, nullable=False),
        sa.Column("text_version", text, nullable=False),
        sa.Column("words", text, nullable=False),
        sa.Column("first_used_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("text_hash"),
    )
    op.create_table(
        "doctor_visit",
        sa.Column("at", instant, nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("next_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_table(
        "erased_origin",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("article_id", text, nullable=False),
        sa.Column("section", text, nullable=False),
        sa.Column("issue_id", text, nullable=False),
        sa.Column("trials", sa.Integer(), nullable=False),
        sa.Column("paid_starts", sa.Integer(), nullable=False),
        sa.Column("converted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", "article_id", "section", "issue_id"),
    )
    op.create_index(op.f("ix_erased_origin_article_id"), "erased_origin", ["article_id"], unique=False)
    op.create_table(
        "held_time",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("now", instant, nullable=False),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "inbound_event",
        sa.Column("id", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("event_ref", text, nullable=False),
        sa.Column("event_type", text, nullable=False),
        sa.Column(
            "signal",
            sa.Enum(
                "charge_succeeded",
                "charge_changed",
                "page_changed",
                "refund_changed",
                "card_changed",
                "customer_changed",
                "dispute_changed",
                "fraud_warned",
                "paid_out",
                name="signal",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("object_ref", text, nullable=False),
        sa.Column("attempt_id", text, nullable=True),
        sa.Column("setup_id", text, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("next_attempt_at", instant, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("set_aside_at", instant, nullable=True),
        sa.Column("last_error", text, nullable=True),
        sa.Column("settled_at", instant, nullable=True),
        sa.Column("outcome", text, nullable=True),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("settled_at IS NULL OR set_aside_at IS NULL", name="settled_or_set_aside"),
        sa.PrimaryKeyConstraint("id", "created_at"),
        sa.UniqueConstraint("event_ref", "acquirer", "created_at", name="kept_once"),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index("event_received", "inbound_event", ["received_at"], unique=False)
    op.create_index(
        "event_set_aside",
        "inbound_event",
        ["set_aside_at"],
        unique=False,
        postgresql_where=sa.text("set_aside_at IS NOT NULL"),
    )
    op.create_index(
        "event_unsettled",
        "inbound_event",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL AND set_aside_at IS NULL"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment", text, nullable=False),
        sa.Column("name", text, server_default="main", nullable=False),
        sa.Column("home", text, server_default="", nullable=False),
        sa.Column("asks_since", instant, nullable=True),
        sa.Column("next_poll_at", instant, nullable=True),
        sa.Column("poll_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("listed_at", instant, nullable=True),
        sa.Column("held_since", instant, nullable=True),
        sa.Column("list_key", text, server_default="", nullable=False),
        sa.Column("rotated_at", instant, nullable=True),
        sa.Column("signs_until", jsonb, server_default="{}", nullable=False),
        sa.CheckConstraint("(asks_since IS NULL) = (next_poll_at IS NULL)", name="polled_at_a_moment"),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "closed_period",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("reference", text, nullable=False),
        sa.Column("payable", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", instant, nullable=False),
        sa.Column("reopened_at", instant, nullable=True),
        sa.CheckConstraint("first <= last", name="in_order"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "closed_once", "closed_period", ["last"], unique=True, postgresql_where=sa.text("reopened_at IS NULL")
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("source_id", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("supply_on", sa.Date(), nullable=False),
        sa.Column("vat_basis_points", sa.Integer(), nullable=True),
        sa.Column("currency", text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "source_id", name="one_posting_a_fact"),
    )
    op.create_index(
        "ledger_gateway_fees",
        "ledger_transaction",
        ["on"],
        unique=False,
        postgresql_where=sa.text("kind = 'gateway_fee'"),
    )
    op.create_index("ledger_transaction_on", "ledger_transaction", ["on"], unique=False)
    op.create_table(
        "list_salt",
        sa.Column("list", text, nullable=False),
        sa.Column("check_value", text, nullable=False),
        sa.Column("lost_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("list", "check_value"),
    )
    op.create_table(
        "meter_month",
        sa.Column("visitor", text, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("readings", jsonb, nullable=False),
        sa.Column("carried", ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("visitor", "month"),
        postgresql_partition_by="RANGE (month)",
    )
    op.create_index("meter_month_month", "meter_month", ["month"], unique=False)
    op.create_table(
        "newsletter",
        sa.Column("id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("description", text, nullable=False),
        sa.Column("rhythm", text, nullable=False),
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
        sa.Column("opt_outs_checked_at", instant, nullable=True),
        sa.Column("retired_at", instant, nullable=True),
        sa.CheckConstraint("id ~ '^[a-z][a-z0-9-]{0,39}$'", name="id_is_a_word"),
        sa.CheckConstraint(
            "name <> '' AND name || description || rhythm !~ '[\\u0001-\\u001f\\u007f-\\u009f\\u2028\\u2029]'",
            name="words_are_lines",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "number_series",
        sa.Column("name", text, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "payout",
        sa.Column("ref", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("arrives_at", instant, nullable=False),
        sa.Column(
            "listing",
            sa.Enum(
                "listed",
                "waiting",
                "none",
                name="payoutlisting",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("bank_reference", text, nullable=True),
        sa.Column("reference_is_pending", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("short", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "acquirer"),
    )
    op.create_index(op.f("ix_payout_at"), "payout", ["at"], unique=False)
    op.create_index(
        "payout_reference_pending",
        "payout",
        ["at"],
        unique=False,
        postgresql_where=sa.text("reference_is_pending"),
    )
    op.create_table(
        "plan",
        sa.Column("id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column(
            "offered_to",
            sa.Enum(
                "everyone",
                "staff",
                "nobody",
                name="offeredto",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="nobody",
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("period_label", text, nullable=False),
        sa.Column("trial_days", sa.Integer(), nullable=False),
        sa.Column("then_plan_id", text, nullable=True),
        sa.Column("features", jsonb, nullable=False),
        sa.ForeignKeyConstraint(
            ["then_plan_id"],
            ["plan.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "public_window",
        sa.Column(
            "closed_by_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="closed_by_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("closed_by_id", text, nullable=True),
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
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
        sa.Column("subject", text, nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("closed_at", instant, nullable=True),
        sa.CheckConstraint("(scope = 'site') = (subject = '')", name="of_something"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("until > opened_at", name="ends_after_it_begins"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("public_window_until", "public_window", ["until"], unique=False)
    op.create_table(
        "rate_count",
        sa.Column("bucket", text, nullable=False),
        sa.Column("window_start", instant, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "window_start"),
    )
    op.create_index("rate_count_window", "rate_count", ["window_start"], unique=False)
    op.create_table(
        "reader",
        sa.Column("id", text, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column("external_id", text, nullable=True),
        sa.Column("language", text, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("address_proved_at", instant, nullable=True),
        sa.Column("merged_into", text, nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("external_id"),
    )
    op.create_index("reader_address", "reader", [sa.literal_column("lower(email)")], unique=True)
    op.create_index("reader_created", "reader", ["created_at", "id"], unique=False)
    op.create_index(
        "reader_address_parts",
        "reader",
        [sa.literal_column("trigrams(email)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "reader_merged_into",
        "reader",
        ["merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_table(
        "number_day",
        sa.Column("measure", text, nullable=False),
        sa.Column("of", text, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("measure", "of", "day"),
    )
    op.create_index("number_day_of", "number_day", ["day"], unique=False)
    op.create_table(
        "number_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("next_at", instant, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "recognition_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("next_at", instant, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("next_at", instant, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", text, nullable=True),
        sa.Column("done_at", instant, nullable=True),
        sa.Column("movements", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.CheckConstraint("since <= through", name="in_order"),
        sa.PrimaryKeyConstraint("through"),
    )
    op.create_table(
        "section_policy",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column(
            "access",
            sa.Enum(
                "free",
                "registered",
                "metered",
                "subscriber",
                name="accesslevel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("free_hours", sa.Integer(), nullable=True),
        sa.Column("open_after_days", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(access IS NOT NULL OR (free_hours IS NULL AND open_after_days IS NULL)) AND free_hours BETWEEN 1 AND 8784 AND open_after_days BETWEEN 1 AND 3660",
            name="windows_belong_to_a_level",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("section_policy_of", "section_policy", ["section", "id"], unique=False)
    op.create_table(
        "sending_run",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("place", text, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "staff_member",
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("code_locks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", instant, nullable=True),
        sa.Column("id", text, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "support",
                "finance",
                "editor",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("disabled_at", instant, nullable=True),
        sa.Column("code_nonce", text, nullable=False),
        sa.Column("code_secret", text, server_default="", nullable=False),
        sa.Column("enrolled_at", instant, nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("staff_address", "staff_member", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "suppression",
        sa.Column("id", text, nullable=False),
        sa.Column("address_digest", text, nullable=False),
        sa.Column("scope", text, nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "hard_bounce",
                "soft_bounces",
                "complaint",
                "staff",
                "register",
                "deceased",
                name="suppressionreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("source", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("lifted_at", instant, nullable=True),
        sa.Column("lifted_by", text, nullable=True),
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
        "unexplained_charge",
        sa.Column("charge_ref", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("intent_ref", text, nullable=False),
        sa.Column("customer_ref", text, nullable=True),
        sa.Column("subscription_ref", text, nullable=False),
        sa.Column("period_number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("taken_at", instant, nullable=False),
        sa.Column("found_at", instant, nullable=False),
        sa.Column("next_poll_at", instant, nullable=False),
        sa.Column("poll_count", sa.Integer(), nullable=False),
        sa.Column("refund_ref", text, nullable=True),
        sa.Column("failed_refs", ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("awaiting_balance_since", instant, nullable=True),
        sa.Column("failure", text, nullable=True),
        sa.Column("given_up_at", instant, nullable=True),
        sa.Column("not_owed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("returned_at", instant, nullable=True),
        sa.Column("paid_back_ref", text, nullable=True),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.PrimaryKeyConstraint("charge_ref", "acquirer"),
    )
    op.create_index(
        "unexplained_charge_kept",
        "unexplained_charge",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text("returned_at IS NULL"),
    )
    op.create_table(
        "vat_rate",
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.Column("added_at", instant, nullable=False),
        sa.CheckConstraint("basis_points BETWEEN 0 AND 10000", name="is_a_part"),
        sa.PrimaryKeyConstraint("from_on"),
    )
    op.create_table(
        "worker_heartbeat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("run_at", instant, nullable=True),
        sa.Column("silent_from", instant, nullable=True),
        sa.Column("back_at", instant, nullable=True),
        sa.Column("watched_at", instant, nullable=True),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "api_answer",
        sa.Column("key_id", text, nullable=False),
        sa.Column("idempotency_key", text, nullable=False),
        sa.Column("request_hash", text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_key.id"],
        ),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key"),
    )
    op.create_index("api_answer_given", "api_answer", ["created_at"], unique=False)
    op.create_table(
        "api_key_reader",
        sa.Column("key_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("read_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_key.id"],
        ),
        sa.PrimaryKeyConstraint("key_id", "reader_id"),
    )
    op.create_index("api_key_reader_of", "api_key_reader", ["key_id", "read_at"], unique=False)
    op.create_index("api_key_reader_read", "api_key_reader", ["read_at"], unique=False)
    op.create_table(
        "api_key_spending",
        sa.Column("key_id", text, nullable=False),
        sa.Column("hour", instant, nullable=False),
        sa.Column("cents", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_key.id"],
        ),
        sa.PrimaryKeyConstraint("key_id", "hour"),
    )
    op.create_index("api_key_spending_hour", "api_key_spending", ["hour"], unique=False)
    op.create_table(
        "api_key_use",
        sa.Column("key_id", text, nullable=False),
        sa.Column("last_used_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_key.id"],
        ),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_table(
        "audit_line",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("staff_id", text, nullable=True),
        sa.Column("act", text, nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("done", "refused", name="outcome", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("subject", text, nullable=True),
        sa.Column("reason", text, nullable=False),
        sa.Column("before", jsonb, nullable=False),
        sa.Column("after", jsonb, nullable=False),
        sa.Column("cents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ip", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_line_at", "audit_line", ["at"], unique=False)
    op.create_index("audit_line_reader", "audit_line", ["reader_id", "id"], unique=False)
    op.execute("""
        CREATE FUNCTION audited_words(act text, reason text, subject text, before jsonb, after jsonb) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT to_tsvector('simple'::regconfig, replace(act, '_', ' ') || ' ' || reason || ' ' || coalesce(subject, '')
                || ' ' || before::text || ' ' || after::text)
        $$
    """)
    op.create_index(
        "audit_line_words",
        "audit_line",
        [sa.text("audited_words(act, reason, subject, before, after)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("audit_line_staff", "audit_line", ["staff_id", "id"], unique=False)
    op.create_table(
        "complimentary_grant",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("given_at", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("features", jsonb, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("grant_of", "complimentary_grant", ["reader_id", "until"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("email", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("text_version", text, nullable=False),
        sa.Column("text_hash", text, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", text, nullable=False),
        sa.Column("first_charge_on", sa.Date(), nullable=False),
        sa.Column("accepted_at", instant, nullable=False),
        sa.Column("ip", text, nullable=False),
        sa.Column("device", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "consent_of_nobody",
        "consent",
        ["accepted_at"],
        unique=False,
        postgresql_where=sa.text("reader_id IS NULL"),
    )
    op.create_index(op.f("ix_consent_reader_id"), "consent", ["reader_id"], unique=False)
    op.create_table(
        "gift",
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("article_id", text, nullable=False),
        sa.Column("given_at", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("revoked_at", instant, nullable=True),
        sa.Column("revoked_reason", text, nullable=True),
        sa.CheckConstraint("opened BETWEEN 0 AND most", name="opened_so_often_at_most"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("gift_article", "gift", ["article_id"], unique=False)
    op.create_index("gift_of", "gift", ["reader_id", "id"], unique=False)
    op.create_index("gift_until", "gift", ["until"], unique=False)
    op.create_table(
        "issue",
        sa.Column("id", text, nullable=False),
        sa.Column("newsletter_id", text, nullable=False),
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
        sa.Column("subject", text, nullable=False),
        sa.Column("preheader", text, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("cards", jsonb, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author", text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("changed_by", text, nullable=False),
        sa.Column("scheduled_at", instant, nullable=True),
        sa.Column("started_at", instant, nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=True),
        sa.Column("resume_at", instant, nullable=True),
        sa.Column("stalls", sa.Integer(), nullable=False),
        sa.Column("held_reason", text, nullable=True),
        sa.Column("finished_at", instant, nullable=True),
        sa.Column("counts", jsonb, nullable=True),
        sa.CheckConstraint(
            "(state IN ('draft', 'scheduled')) = (started_at IS NULL)", name="started_has_its_moment"
        ),
        sa.CheckConstraint(
            "state <> 'scheduled' OR scheduled_at IS NOT NULL", name="scheduled_has_its_moment"
        ),
        sa.CheckConstraint("(started_at IS NULL) = (recipients IS NULL)", name="started_is_counted"),
        sa.CheckConstraint("counts IS NULL OR state IN ('sent', 'stopped')", name="counted_is_over"),
        sa.ForeignKeyConstraint(
            ["newsletter_id"],
            ["newsletter.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "started_at", name="issue_started"),
    )
    op.create_index(
        "issue_started_at",
        "issue",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("started_at IS NOT NULL"),
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
    op.create_index(
        "issue_uncounted",
        "issue",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("counts IS NULL AND started_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_issue_newsletter_id"), "issue", ["newsletter_id"], unique=False)
    op.create_table(
        "ledger_entry",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "gateway",
                "bank",
                "receivable",
                "deferred_revenue",
                "vat_output",
                "refunds_owed",
                "revenue",
                "refunds",
                "disputes",
                "goodwill",
                "gateway_fees",
                "conversion",
                "exchange_differences",
                name="account",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="moves_something"),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id", "account"),
    )
    op.create_table(
        "message",
        sa.Column("id", text, nullable=False),
        sa.Column("key", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("recipient", text, nullable=False),
        sa.Column("language", text, nullable=True),
        sa.Column("about", text, nullable=True),
        sa.Column("fields", jsonb, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "accepted",
                "refused",
                "expired",
                "obsolete",
                name="messagestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("next_attempt_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.Column("last_answer", text, nullable=True),
        sa.Column("accepted_at", instant, nullable=True),
        sa.CheckConstraint(
            "(state = 'accepted') = (accepted_at IS NOT NULL)", name="accepted_has_its_moment"
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "message_due",
        "message",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "message_refused",
        "message",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'refused'"),
    )
    op.create_index(
        "message_of_no_account",
        "message",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("reader_id IS NULL AND kind NOT IN ('sign_in_link', 'confirm_signup')"),
    )
    op.create_index("message_to", "message", ["reader_id", "id"], unique=False)
    op.create_index(
        "message_to_sign_in",
        "message",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("kind = 'sign_in_link'"),
    )
    op.create_index(
        "message_urgent",
        "message",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' AND kind = 'sign_in_link'"),
    )
    op.create_index(
        "message_waiting", "message", ["about"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_table(
        "payment_method",
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("customer_ref", text, nullable=False),
        sa.Column("gateway_ref", text, nullable=False),
        sa.Column("brand", text, nullable=False),
        sa.Column("last4", text, nullable=False),
        sa.Column("exp_month", sa.Integer(), nullable=False),
        sa.Column("exp_year", sa.Integer(), nullable=False),
        sa.Column("fingerprint", text, nullable=False),
        sa.Column("saved_at", instant, nullable=False),
        sa.Column("gone_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("gateway_ref", "acquirer", name="one_row_a_card"),
    )
    op.create_index(op.f("ix_payment_method_customer_ref"), "payment_method", ["customer_ref"], unique=False)
    op.create_index(op.f("ix_payment_method_fingerprint"), "payment_method", ["fingerprint"], unique=False)
    op.create_index(op.f("ix_payment_method_last4"), "payment_method", ["last4"], unique=False)
    op.create_index(op.f("ix_payment_method_reader_id"), "payment_method", ["reader_id"], unique=False)
    op.create_table(
        "price",
        sa.Column("id", text, nullable=False),
        sa.Column("plan_id", text, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", text, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "reader_note",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("words", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reader_note_of", "reader_note", ["reader_id", "id"], unique=False)
    op.create_table(
        "deceased_reader",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("recorded_at", instant, nullable=False),
        sa.Column("counts_from", instant, nullable=False),
        sa.Column("correspondent_name", text, nullable=False),
        sa.Column("correspondent_email", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("taken_back_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_deceased_reader_reader_id", "deceased_reader", ["reader_id"], unique=False)
    op.create_index(
        "one_standing_death",
        "deceased_reader",
        ["reader_id"],
        unique=True,
        postgresql_where=sa.text("taken_back_at IS NULL"),
    )
    op.create_table(
        "reader_merge",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("merged_id", text, nullable=False),
        sa.Column("begun_at", instant, nullable=False),
        sa.Column("done_at", instant, nullable=True),
        sa.Column("freed_address", text, nullable=True),
        sa.Column("moved", jsonb, nullable=False),
        sa.CheckConstraint("reader_id <> merged_id", name="of_two_readers"),
        sa.ForeignKeyConstraint(
            ["merged_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("merged_id"),
    )
    op.create_index(
        "reader_merge_freed", "reader_merge", [sa.literal_column("lower(freed_address)")], unique=False
    )
    op.create_index("reader_merge_of", "reader_merge", ["reader_id"], unique=False)
    op.create_table(
        "erasure",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("requested_at", instant, nullable=False),
        sa.Column("erases_at", instant, nullable=False),
        sa.Column("due_at", instant, nullable=False),
        sa.Column("next_attempt_at", instant, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("taken_back_at", instant, nullable=True),
        sa.Column("done_at", instant, nullable=True),
        sa.CheckConstraint("done_at IS NULL OR taken_back_at IS NULL", name="done_or_taken_back"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "erasure_due",
        "erasure",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND taken_back_at IS NULL"),
    )
    op.create_index("erasure_of", "erasure", ["reader_id"], unique=False)
    op.create_index(
        "one_open_erasure",
        "erasure",
        ["reader_id"],
        unique=True,
        postgresql_where=sa.text("done_at IS NULL AND taken_back_at IS NULL"),
    )
    op.create_table(
        "address_change",
        sa.Column("id", text, nullable=False),
        sa.Column("token_hash", text, nullable=False),
        sa.Column("browser_hash", text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("old_email", text, nullable=False),
        sa.Column("new_email", text, nullable=False),
        sa.Column("confirmed_at", instant, nullable=True),
        sa.Column("stopped_at", instant, nullable=True),
        sa.Column("put_back_at", instant, nullable=True),
        sa.Column("customer_due_at", instant, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(
        "address_change_due",
        "address_change",
        ["customer_due_at"],
        unique=False,
        postgresql_where=sa.text("customer_due_at IS NOT NULL"),
    )
    op.create_index(
        "address_change_new", "address_change", [sa.literal_column("lower(new_email)")], unique=False
    )
    op.create_index("address_change_of", "address_change", ["reader_id", "id"], unique=False)
    op.create_index(
        "address_change_old", "address_change", [sa.literal_column("lower(old_email)")], unique=False
    )
    op.create_index(
        "address_change_unconfirmed",
        "address_change",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("confirmed_at IS NULL"),
    )
    op.create_index(op.f("ix_address_change_browser_hash"), "address_change", ["browser_hash"], unique=False)
    op.create_table(
        "data_request",
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("requested_at", instant, nullable=False),
        sa.Column("next_attempt_at", instant, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", instant, nullable=True),
        sa.Column("archive", sa.LargeBinary(), nullable=True),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("fetched_at", instant, nullable=True),
        sa.CheckConstraint("(made_at IS NULL) = (archive IS NULL)", name="made_with_its_archive"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "data_request_due",
        "data_request",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("made_at IS NULL"),
    )
    op.create_index("data_request_made", "data_request", ["made_at"], unique=False)
    op.create_index("data_request_of", "data_request", ["reader_id"], unique=False)
    op.create_index(
        "one_unmade_archive",
        "data_request",
        ["reader_id"],
        unique=True,
        postgresql_where=sa.text("made_at IS NULL"),
    )
    op.create_table(
        "reader_session",
        sa.Column("id", text, nullable=False),
        sa.Column("token_hash", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("times_seen", sa.Integer(), server_default="1", nullable=False),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("ended_reason", text, nullable=True),
        sa.Column("ip", text, nullable=False),
        sa.Column("device", text, nullable=False),
        sa.Column("browser_hash", text, nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_reader_session_browser_hash"), "reader_session", ["browser_hash"], unique=False)
    op.create_index(op.f("ix_reader_session_reader_id"), "reader_session", ["reader_id"], unique=False)
    op.create_index("reader_session_begun", "reader_session", ["started_at"], unique=False)
    op.create_table(
        "passkey",
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("credential_id", text, nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("transports", text, nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("last_used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id"),
    )
    op.create_index(op.f("ix_passkey_reader_id"), "passkey", ["reader_id"], unique=False)
    op.create_table(
        "sign_in_link",
        sa.Column("id", text, nullable=False),
        sa.Column("token_hash", text, nullable=False),
        sa.Column("browser_hash", text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("email", text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_sign_in_link_browser_hash"), "sign_in_link", ["browser_hash"], unique=False)
    op.create_index("sign_in_link_made", "sign_in_link", ["created_at"], unique=False)
    op.create_table(
        "signup",
        sa.Column("id", text, nullable=False),
        sa.Column("newsletter_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("address", text, nullable=False),
        sa.Column("address_key", text, nullable=False),
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
        sa.Column("ask_id", text, nullable=True),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("words", text, nullable=False),
        sa.Column("text_version", text, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("ip", text, nullable=False),
        sa.Column("device", text, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
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
        sa.Column("newsletter_id", text, nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("address_key", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("to_state", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("words", text, nullable=False),
        sa.Column("text_version", text, nullable=False),
        sa.Column("asked_at", instant, nullable=True),
        sa.Column("ip", text, nullable=False),
        sa.Column("device", text, nullable=False),
        sa.Column("message_key", text, nullable=True),
        sa.ForeignKeyConstraint(
            ["newsletter_id"],
            ["newsletter.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("signup_change_at", "signup_change", ["at"], unique=False)
    op.create_index("signup_change_of", "signup_change", ["address_key", "id"], unique=False)
    op.create_index("signup_change_of_reader", "signup_change", ["reader_id", "id"], unique=False)
    op.create_table(
        "staff_browser",
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("code_locks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", instant, nullable=True),
        sa.Column("browser_hash", text, nullable=False),
        sa.Column("staff_id", text, nullable=False),
        sa.Column("signed_in_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("browser_hash", "staff_id"),
    )
    op.create_index("staff_browser_seen", "staff_browser", ["signed_in_at"], unique=False)
    op.create_table(
        "staff_case",
        sa.Column(
            "closed_by_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="closed_by_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("closed_by_id", text, nullable=True),
        sa.Column("id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("what", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("ours", sa.BigInteger(), nullable=True),
        sa.Column("theirs", sa.BigInteger(), nullable=True),
        sa.Column("currency", text, nullable=False),
        sa.Column("facts", jsonb, nullable=False),
        sa.Column("link", text, nullable=True),
        sa.Column("act_by", instant, nullable=True),
        sa.Column("waits_since", instant, nullable=True),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("closed_at", instant, nullable=True),
        sa.Column("reason", text, nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("(closed_at IS NULL) = (reason IS NULL)", name="closed_with_a_reason"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject", name="opened_once"),
    )
    op.create_index(op.f("ix_staff_case_reader_id"), "staff_case", ["reader_id"], unique=False)
    op.create_index(
        "staff_case_open",
        "staff_case",
        ["opened_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "staff_case_next",
        "staff_case",
        ["act_by", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "staff_case_closed",
        "staff_case",
        ["closed_at", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_table(
        "staff_link",
        sa.Column("id", text, nullable=False),
        sa.Column("token_hash", text, nullable=False),
        sa.Column("browser_hash", text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("staff_id", text, nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_staff_link_browser_hash"), "staff_link", ["browser_hash"], unique=False)
    op.create_index("staff_link_made", "staff_link", ["created_at"], unique=False)
    op.create_table(
        "staff_alert_choice",
        sa.Column("staff_id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("chosen_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("staff_id", "kind"),
    )
    op.create_table(
        "staff_alert",
        sa.Column("kind", text, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "since"),
    )
    op.create_index("staff_alert_at", "staff_alert", ["at"], unique=False)
    op.create_table(
        "staff_passkey",
        sa.Column("id", text, nullable=False),
        sa.Column("credential_id", text, nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("transports", text, nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("last_used_at", instant, nullable=True),
        sa.Column("staff_id", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id"),
    )
    op.create_index(op.f("ix_staff_passkey_staff_id"), "staff_passkey", ["staff_id"], unique=False)
    op.create_table(
        "staff_recovery_code",
        sa.Column("code_hash", text, nullable=False),
        sa.Column("staff_id", text, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index(
        op.f("ix_staff_recovery_code_staff_id"), "staff_recovery_code", ["staff_id"], unique=False
    )
    op.create_table(
        "staff_session",
        sa.Column("id", text, nullable=False),
        sa.Column("token_hash", text, nullable=False),
        sa.Column("staff_id", text, nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("proved_at", instant, nullable=True),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("ip", text, nullable=False),
        sa.Column("device", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_staff_session_staff_id"), "staff_session", ["staff_id"], unique=False)
    op.create_index("staff_session_begun", "staff_session", ["started_at"], unique=False)
    op.create_table(
        "saved_filter",
        sa.Column("id", text, nullable=False),
        sa.Column("list", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("query", jsonb, nullable=False),
        sa.Column("saved_by", text, nullable=False),
        sa.Column("saved_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["saved_by"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("list", "name", name="one_filter_a_name"),
    )
    op.create_table(
        "approval",
        sa.Column("id", text, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "refund",
                "new_admin",
                "admin_change",
                "key_ceiling",
                "bulk",
                name="approvalkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "done",
                "declined",
                "changed",
                name="approvalstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_by", text, nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("cents", sa.Integer(), nullable=False),
        sa.Column("act", jsonb, nullable=False),
        sa.Column("words", jsonb, nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("decided_by", text, nullable=True),
        sa.Column("decided_at", instant, nullable=True),
        sa.Column("line_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided_has_its_moment"),
        sa.CheckConstraint(
            "state <> 'done' OR decided_by IS DISTINCT FROM asked_by", name="two_members_decide"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"],
            ["staff_member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["staff_member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["audit_line.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("line_id"),
    )
    op.create_index(
        "approval_waiting",
        "approval",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "bulk_action",
        sa.Column("id", text, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "days",
                "refund",
                "cancel",
                "plan",
                "mail",
                name="bulkkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "choosing",
                "checking",
                "previewed",
                "asked",
                "running",
                "stopped",
                "done",
                "given_up",
                name="bulkstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("terms", jsonb, nullable=False),
        sa.Column("selection", jsonb, nullable=False),
        sa.Column("chosen_through", text, nullable=False),
        sa.Column("made_by", text, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("approval_id", text, nullable=True),
        sa.Column("approved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_at", instant, nullable=True),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("stopped_because", text, nullable=False),
        sa.Column("next_run_at", instant, nullable=True),
        sa.CheckConstraint(
            "(state IN ('choosing', 'checking', 'running')) = (next_run_at IS NOT NULL)",
            name="worked_on_while_due",
        ),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR state NOT IN ('running', 'stopped', 'done')", name="started_when_begun"
        ),
        sa.CheckConstraint("started_at IS NULL OR reason <> ''", name="started_with_a_reason"),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approval.id"],
        ),
        sa.ForeignKeyConstraint(
            ["made_by"],
            ["staff_member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("approval_id"),
    )
    op.create_index(
        "bulk_action_due",
        "bulk_action",
        ["next_run_at"],
        unique=False,
        postgresql_where=sa.text("next_run_at IS NOT NULL"),
    )
    op.create_table(
        "bulk_line",
        sa.Column("action_id", text, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("payment_id", text, nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "chosen",
                "ready",
                "done",
                "refused",
                name="linestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cents", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("words", text, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", instant, nullable=True),
        sa.Column("audit_line_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_has_its_moment"),
        sa.CheckConstraint("(state = 'done') = (audit_line_id IS NOT NULL)", name="done_is_in_the_audit"),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["bulk_action.id"],
        ),
        sa.ForeignKeyConstraint(
            ["audit_line_id"],
            ["audit_line.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("action_id", "subject"),
        sa.UniqueConstraint("audit_line_id"),
    )
    op.create_index("bulk_line_next", "bulk_line", ["action_id", "state", "tries", "subject"], unique=False)
    op.create_index("bulk_line_reader", "bulk_line", ["reader_id"], unique=False)
    op.create_table(
        "bounce_record",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("issue_id", text, nullable=False),
        sa.Column("address_digest", text, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "hard",
                "soft",
                "policy",
                "complaint",
                name="bouncekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("status", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
        ),
        sa.PrimaryKeyConstraint("number", "name"),
    )
    op.create_index("bounce_record_at", "bounce_record", ["at"], unique=False)
    op.create_index("bounce_record_from", "bounce_record", ["address_digest", "at"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("issue_id", text, nullable=False),
        sa.Column("address_key", text, nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("signup_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("variant", text, nullable=False),
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
        sa.Column("reason", text, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", instant, nullable=False),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.Column("last_answer", text, nullable=True),
        sa.Column("settled_at", instant, nullable=True),
        sa.CheckConstraint("(state = 'sending') = (claimed_by IS NOT NULL)", name="sending_is_in_hands"),
        sa.CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="skipped_says_why"),
        sa.ForeignKeyConstraint(
            ["issue_id", "started_at"],
            ["issue.id", "issue.started_at"],
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("issue_id", "address_key", "started_at"),
        sa.UniqueConstraint("number", "started_at", name="delivery_number"),
        postgresql_partition_by="RANGE (started_at)",
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
        ["issue_id", "next_attempt_at", "number"],
        unique=False,
        postgresql_where=sa.text("state IN ('frozen', 'sending', 'deferred')"),
    )
    op.create_table(
        "gift_reading",
        sa.Column("gift_id", text, nullable=False),
        sa.Column("visitor", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["gift_id"],
            ["gift.id"],
        ),
        sa.PrimaryKeyConstraint("gift_id", "visitor"),
    )
    op.create_index("gift_reading_of", "gift_reading", ["visitor"], unique=False)
    op.create_table(
        "issue_body",
        sa.Column("issue_id", text, nullable=False),
        sa.Column("variant", text, nullable=False),
        sa.Column("text", text, nullable=False),
        sa.Column("html", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
        ),
        sa.PrimaryKeyConstraint("issue_id", "variant"),
    )
    op.create_table(
        "price_change",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("price_id", text, nullable=False),
        sa.Column("planned_at", instant, nullable=False),
        sa.Column("next_run_at", instant, nullable=False),
        sa.Column("closed_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["price_id"],
            ["price.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("price_id"),
    )
    op.create_index(
        "price_change_open",
        "price_change",
        ["next_run_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "subscription",
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("plan_id", text, nullable=False),
        sa.Column("price_id", text, nullable=False),
        sa.Column("payment_method_id", text, nullable=True),
        sa.Column("card_expires_on", sa.Date(), nullable=True),
        sa.Column("card_notice_at", instant, nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "trialing",
                "active",
                "past_due",
                "paused",
                "ended",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("charge_on", sa.Date(), nullable=False),
        sa.Column("anchor_number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("anchor_months", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_fixed_term", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("term_notice_at", instant, nullable=True),
        sa.Column("first_notice_at", instant, nullable=True),
        sa.Column("second_notice_at", instant, nullable=True),
        sa.Column("period_number", sa.Integer(), nullable=False),
        sa.Column("period_start_on", sa.Date(), nullable=True),
        sa.Column("period_end_on", sa.Date(), nullable=True),
        sa.Column("access_until", instant, nullable=False),
        sa.Column("charging_since", instant, nullable=True),
        sa.Column("first_failed_on", sa.Date(), nullable=True),
        sa.Column("retry_on", sa.Date(), nullable=True),
        sa.Column("next_price_id", text, nullable=True),
        sa.Column("next_terms_on", sa.Date(), nullable=True),
        sa.Column(
            "next_terms_because",
            sa.Enum(
                "switch",
                "term",
                "price",
                name="termschangereason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("resumes_on", sa.Date(), nullable=True),
        sa.Column("charge_day_from", sa.Date(), nullable=True),
        sa.Column("cancel_asked_at", instant, nullable=True),
        sa.Column("cancels_at", instant, nullable=True),
        sa.Column("cancel_request_at", instant, nullable=True),
        sa.Column("held_until", sa.Date(), nullable=True),
        sa.Column("next_action", text, nullable=True),
        sa.Column("next_action_at", instant, nullable=True),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("ended_reason", text, nullable=True),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_its_moment"),
        sa.CheckConstraint("state <> 'ended' OR next_action_at IS NULL", name="ended_is_never_due"),
        sa.CheckConstraint("state <> 'paused' OR resumes_on IS NOT NULL", name="pause_has_its_end"),
        sa.CheckConstraint(
            "state = 'ended' OR next_action_at IS NOT NULL OR charging_since IS NOT NULL",
            name="never_forgotten",
        ),
        sa.CheckConstraint("(cancel_asked_at IS NULL) = (cancels_at IS NULL)", name="cancel_has_its_end"),
        sa.CheckConstraint(
            "num_nulls(next_price_id, next_terms_on, next_terms_because) IN (0, 3)",
            name="next_terms_are_whole",
        ),
        sa.ForeignKeyConstraint(
            ["next_price_id"],
            ["price.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["payment_method.id"],
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.id"],
        ),
        sa.ForeignKeyConstraint(
            ["price_id"],
            ["price.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_subscription_reader_id"), "subscription", ["reader_id"], unique=False)
    op.create_index(
        "one_live_subscription",
        "subscription",
        ["reader_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_index(
        "subscription_due",
        "subscription",
        ["next_action_at"],
        unique=False,
        postgresql_where=sa.text("next_action_at IS NOT NULL"),
    )
    op.create_index(
        "subscription_next_charge",
        "subscription",
        [
            sa.literal_column(
                """(CASE
    WHEN state = 'trialing' THEN charge_on
    WHEN state = 'paused' OR state = 'active' AND resumes_on > period_end_on THEN resumes_on
    WHEN state = 'active' THEN GREATEST(COALESCE(period_end_on, charge_on), held_until)
    ELSE retry_on
END)"""
            ),
            "id",
        ],
        unique=False,
        postgresql_where=sa.text("(subscription.state <> 'ended' AND subscription.cancels_at IS NULL)"),
    )
    op.create_index(
        "subscription_trials",
        "subscription",
        ["charge_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'trialing'"),
    )
    op.create_index(
        "subscription_paused",
        "subscription",
        ["resumes_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'paused'"),
    )
    op.create_index(
        "subscription_overdue",
        "subscription",
        [sa.literal_column("(COALESCE(retry_on, '9999-12-31'::date))"), "id"],
        unique=False,
        postgresql_where=sa.text("state = 'past_due'"),
    )
    op.create_index(
        "subscription_leaving",
        "subscription",
        ["cancels_at", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'ended' AND cancels_at IS NOT NULL"),
    )
    op.create_index("subscription_price", "subscription", ["price_id", "id"], unique=False)
    op.create_index("subscription_started", "subscription", ["started_at", "id"], unique=False)
    op.create_index(
        "subscription_card_ends",
        "subscription",
        ["card_expires_on", "id"],
        unique=False,
        postgresql_where=sa.text("(subscription.state <> 'ended' AND subscription.cancels_at IS NULL)"),
    )
    op.create_index(
        "subscription_cancelled",
        "subscription",
        ["cancel_asked_at", "id"],
        unique=False,
        postgresql_where=sa.text("cancel_asked_at IS NOT NULL"),
    )
    op.create_index(
        "subscription_ended",
        "subscription",
        ["ended_at", "id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_table(
        "card_setup",
        sa.Column("id", text, nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "trial",
                "paid",
                "card",
                name="setuppurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "done",
                "refused",
                "expired",
                "awaits_proof",
                name="setupstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("email", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("consent_id", text, nullable=True),
        sa.Column("price_id", text, nullable=False),
        sa.Column("browser_hash", text, nullable=False),
        sa.Column("language", text, nullable=True),
        sa.Column("browser_known_at", instant, nullable=True),
        sa.Column("next_poll_at", instant, nullable=False),
        sa.Column("poll_count", sa.Integer(), nullable=False),
        sa.Column("page_poll_at", instant, nullable=True),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("customer_ref", text, nullable=True),
        sa.Column("method_ref", text, nullable=True),
        sa.Column("keys_unusable", sa.Integer(), nullable=False),
        sa.Column("session_ref", text, nullable=True),
        sa.Column("payment_method_id", text, nullable=True),
        sa.Column("subscription_id", text, nullable=True),
        sa.Column("refusal", text, nullable=True),
        sa.Column("new_reader", sa.Boolean(), nullable=False),
        sa.Column("origin_article_id", text, nullable=True),
        sa.Column("origin_section", text, nullable=True),
        sa.Column("origin_issue_id", text, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("finished_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["consent.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["payment_method.id"],
        ),
        sa.ForeignKeyConstraint(
            ["price_id"],
            ["price.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("session_ref", "acquirer", name="one_visit_a_page"),
    )
    op.create_index(
        "card_setup_open",
        "card_setup",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "card_setup_unfinished",
        "card_setup",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state NOT IN ('open', 'done')"),
    )
    op.create_index("card_setup_consent", "card_setup", ["consent_id"], unique=False)
    op.create_index(op.f("ix_card_setup_customer_ref"), "card_setup", ["customer_ref"], unique=False)
    op.create_index(op.f("ix_card_setup_reader_id"), "card_setup", ["reader_id"], unique=False)
    op.create_table(
        "invoice_recipient",
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("name", text, nullable=True),
        sa.Column("address", text, nullable=True),
        sa.Column("vat_number", text, nullable=True),
        sa.Column("entered_at", instant, nullable=False),
        sa.CheckConstraint("(name IS NULL) = (address IS NULL)", name="name_and_address"),
        sa.CheckConstraint("vat_number IS NULL OR name IS NOT NULL", name="vat_number_of_somebody"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "invoice_recipient_of_reader", "invoice_recipient", ["reader_id", "entered_at", "id"], unique=False
    )
    op.create_index(
        "invoice_recipient_name_parts",
        "invoice_recipient",
        [sa.literal_column("trigrams(name)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "invoice",
        sa.Column("id", text, nullable=False),
        sa.Column("subscription_id", text, nullable=False),
        sa.Column("plan_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("merged_from_id", text, nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "paid",
                "void",
                name="invoicestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("period_number", sa.Integer(), nullable=False),
        sa.Column("period_start_on", sa.Date(), nullable=False),
        sa.Column("period_end_on", sa.Date(), nullable=False),
        sa.Column("description", text, nullable=False),
        sa.Column("gross", sa.Integer(), nullable=False),
        sa.Column("net", sa.Integer(), nullable=False),
        sa.Column("vat", sa.Integer(), nullable=False),
        sa.Column("vat_basis_points", sa.Integer(), nullable=False),
        sa.Column("currency", text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("first_failed_on", sa.Date(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("paid_at", instant, nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("recipient_id", text, nullable=True),
        sa.CheckConstraint("(state = 'paid') = (number IS NOT NULL)", name="numbered_when_paid"),
        sa.CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="dated_when_paid"),
        sa.CheckConstraint("net + vat = gross AND gross > 0", name="adds_up"),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["invoice_recipient.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("subscription_id", "period_number", name="one_invoice_a_period"),
    )
    op.create_index(
        "invoice_issued",
        "invoice",
        ["issued_on", "number"],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(
        "invoice_gross",
        "invoice",
        ["gross", "issued_on", "number"],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(
        "invoice_plan",
        "invoice",
        ["plan_id"],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(op.f("ix_invoice_reader_id"), "invoice", ["reader_id"], unique=False)
    op.create_index(
        "failed_on",
        "invoice",
        ["first_failed_on"],
        unique=False,
        postgresql_where=sa.text("first_failed_on IS NOT NULL"),
    )
    op.create_index(
        "one_open_invoice",
        "invoice",
        ["subscription_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "invoice_correction",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("invoice_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("replaced_number", sa.Integer(), nullable=False),
        sa.Column("replaced_recipient_id", text, nullable=True),
        sa.Column("credit_note_number", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recipient_id", text, nullable=False),
        sa.Column("gross", sa.Integer(), nullable=False),
        sa.Column("net", sa.Integer(), nullable=False),
        sa.Column("vat", sa.Integer(), nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.CheckConstraint("net + vat = gross AND gross > 0", name="adds_up"),
        sa.CheckConstraint("number > replaced_number", name="later_number"),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["invoice_recipient.id"],
        ),
        sa.ForeignKeyConstraint(
            ["replaced_recipient_id"],
            ["invoice_recipient.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credit_note_number"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("replaced_number"),
    )
    op.create_index(
        op.f("ix_invoice_correction_invoice_id"), "invoice_correction", ["invoice_id"], unique=False
    )
    op.create_index(
        op.f("ix_invoice_correction_issued_on"), "invoice_correction", ["issued_on"], unique=False
    )
    op.create_index(
        op.f("ix_invoice_correction_reader_id"), "invoice_correction", ["reader_id"], unique=False
    )
    op.create_table(
        "price_notice",
        sa.Column("id", text, nullable=False),
        sa.Column("change_id", text, nullable=False),
        sa.Column("subscription_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "announced",
                "holds",
                "kept",
                "moot",
                "seen",
                name="noticestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text_version", text, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("announced_at", instant, nullable=False),
        sa.Column("settled_at", instant, nullable=True),
        sa.Column("seen_by", text, nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["price_change.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_price_notice_reader_id"), "price_notice", ["reader_id"], unique=False)
    op.create_index(
        "price_notice_open",
        "price_notice",
        ["subscription_id"],
        unique=False,
        postgresql_where=sa.text("state = 'announced'"),
    )
    op.create_index(
        "announced_once",
        "price_notice",
        ["change_id", "subscription_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('announced', 'holds', 'moot')"),
    )
    op.create_table(
        "reader_request",
        sa.Column(
            "closed_by_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="closed_by_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("closed_by_id", text, nullable=True),
        sa.Column("id", text, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "cancel",
                "wrong_charge",
                "access",
                "newsletter",
                "withdraw",
                "other",
                name="requestkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column("reader_id", text, nullable=True),
        sa.Column("subscription_id", text, nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("confirm_asked_at", instant, nullable=True),
        sa.Column("confirmed_at", instant, nullable=True),
        sa.Column("words", text, nullable=False),
        sa.Column("ip", text, nullable=False),
        sa.Column("device", text, nullable=False),
        sa.Column("waits_since", instant, nullable=True),
        sa.Column("closed_at", instant, nullable=True),
        sa.Column("closing_act", text, nullable=True),
        sa.Column("claimed_by_id", text, nullable=True),
        sa.Column("claimed_at", instant, nullable=True),
        sa.CheckConstraint("(claimed_by_id IS NULL) = (claimed_at IS NULL)", name="claimed_by_somebody"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("confirmed_at IS NULL OR email_verified", name="confirmed_is_verified"),
        sa.CheckConstraint("closed_at IS NOT NULL OR waits_since IS NOT NULL", name="open_waits"),
        sa.ForeignKeyConstraint(
            ["claimed_by_id"],
            ["staff_member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reader_request_of", "reader_request", ["reader_id", "id"], unique=False)
    op.create_index(
        "reader_request_open",
        "reader_request",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "reader_request_waits",
        "reader_request",
        ["waits_since", "id"],
        unique=False,
        postgresql_where=sa.text("waits_since IS NOT NULL"),
    )
    op.create_table(
        "request_message",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("request_id", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("words", text, nullable=False),
        sa.Column("mail_from", text, nullable=True),
        sa.Column("mail_from_reader", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("attachments", text, server_default="", nullable=False),
        sa.Column("mail_digest", text, nullable=True),
        sa.CheckConstraint("(mail_from IS NULL) = (mail_digest IS NULL)", name="mailed_has_its_sender"),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["reader_request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mail_digest"),
    )
    op.create_index("request_message_of", "request_message", ["request_id", "id"], unique=False)
    op.create_table(
        "request_step",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("request_id", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "claimed",
                "taken_over",
                "released",
                "kind",
                "note",
                "asked",
                "closed",
                name="requeststepkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("words", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["reader_request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("request_step_of", "request_step", ["request_id", "id"], unique=False)
    op.create_table(
        "start_origin",
        sa.Column("subscription_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("article_id", text, nullable=True),
        sa.Column("section", text, nullable=True),
        sa.Column("issue_id", text, nullable=True),
        sa.Column("is_trial", sa.Boolean(), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(article_id IS NULL) = (section IS NULL)", name="article_has_its_section"),
        sa.CheckConstraint("num_nonnulls(article_id, issue_id) > 0", name="names_something"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("subscription_id"),
    )
    op.create_index(op.f("ix_start_origin_article_id"), "start_origin", ["article_id"], unique=False)
    op.create_index(op.f("ix_start_origin_at"), "start_origin", ["at"], unique=False)
    op.create_index(op.f("ix_start_origin_reader_id"), "start_origin", ["reader_id"], unique=False)
    op.create_table(
        "subscription_change",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", text, nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "trial_extended",
                "extended",
                "cancel_asked",
                "cancel_undone",
                "charged",
                "declined",
                "ran_out",
                "gave_up",
                "stop_ordered",
                "disputed",
                "ended_now",
                "charge_moved",
                "card_changed",
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
                "charge_day_chosen",
                "charge_day_undone",
                "unreachable",
                "first_charge_refused",
                name="event",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("from_state", text, nullable=True),
        sa.Column("to_state", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("facts", jsonb, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("subscription_change_of", "subscription_change", ["subscription_id", "id"], unique=False)
    op.create_index(
        "subscription_change_at", "subscription_change", ["at"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "trial_claim",
        sa.Column("kind", text, nullable=False),
        sa.Column("digest", text, nullable=False),
        sa.Column("subscription_id", text, nullable=False),
        sa.Column("claimed_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("kind", "digest"),
    )
    op.create_index(op.f("ix_trial_claim_subscription_id"), "trial_claim", ["subscription_id"], unique=False)
    op.create_table(
        "trial_exception",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("given_at", instant, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.Column("subscription_id", text, nullable=True),
        sa.CheckConstraint("(used_at IS NULL) = (subscription_id IS NULL)", name="used_by_a_trial"),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_open_exception",
        "trial_exception",
        ["reader_id"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", text, nullable=False),
        sa.Column("invoice_id", text, nullable=False),
        sa.Column("subscription_id", text, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("payment_method_id", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("idempotency_key", text, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "charged",
                "declined",
                "not_sent",
                name="attemptstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("intended_at", instant, nullable=False),
        sa.Column("next_poll_at", instant, nullable=False),
        sa.Column("poll_count", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.Column("by_reader", sa.Boolean(), nullable=False),
        sa.Column("hosted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("page_ref", text, nullable=True),
        sa.Column("page_poll_at", instant, nullable=True),
        sa.Column("settled_at", instant, nullable=True),
        sa.Column("intent_ref", text, nullable=True),
        sa.Column(
            "decline_kind",
            sa.Enum(
                "soft",
                "hard",
                "stop_order",
                "needs_reader",
                "unknown",
                name="declinekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "decline_cause",
            sa.Enum(
                "funds",
                "expired",
                "online",
                "bank",
                name="declinecause",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("decline_code", text, nullable=True),
        sa.Column("decline_advice", text, nullable=True),
        sa.Column("network_decline_code", text, nullable=True),
        sa.Column("network_advice_code", text, nullable=True),
        sa.Column("decline_message", text, nullable=True),
        sa.Column("doubt", text, nullable=True),
        sa.Column("key_unusable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("page_keys_unusable", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unlisted_since", instant, nullable=True),
        sa.Column("not_taken_reason", text, nullable=True),
        sa.Column("had_case", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled_or_open"),
        sa.CheckConstraint("hosted OR page_ref IS NULL", name="page_of_its_own"),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["payment_method.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("idempotency_key"),
        sa.UniqueConstraint("invoice_id", "ordinal", name="attempts_are_counted"),
        sa.UniqueConstraint("page_ref", "acquirer", name="one_attempt_a_page"),
    )
    op.create_index(
        "attempt_open",
        "attempt",
        ["next_poll_at", "id", "acquirer"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_attempt_intent_ref"), "attempt", ["intent_ref"], unique=False)
    op.create_index(op.f("ix_attempt_payment_method_id"), "attempt", ["payment_method_id"], unique=False)
    op.create_index(op.f("ix_attempt_subscription_id"), "attempt", ["subscription_id"], unique=False)
    op.create_index(
        "one_open_attempt", "attempt", ["invoice_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "deferral",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", text, nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("counts_from", sa.Date(), nullable=False),
        sa.Column("counts_until", sa.Date(), nullable=False),
        sa.CheckConstraint("amount > 0 AND starts_on < ends_on", name="is_a_span"),
        sa.CheckConstraint(
            "starts_on <= counts_from AND counts_from <= counts_until AND counts_until <= ends_on",
            name="counts_within",
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_deferral_counts_until"), "deferral", ["counts_until"], unique=False)
    op.create_index(op.f("ix_deferral_invoice_id"), "deferral", ["invoice_id"], unique=False)
    op.create_table(
        "payment",
        sa.Column("id", text, nullable=False),
        sa.Column("invoice_id", text, nullable=False),
        sa.Column("attempt_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("intent_ref", text, nullable=False),
        sa.Column("charge_ref", text, nullable=False),
        sa.Column("network_transaction_id", text, nullable=True),
        sa.Column("duplicate", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("paid_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["attempt.id"],
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("attempt_id"),
        sa.UniqueConstraint("charge_ref", "acquirer", name="one_payment_a_charge"),
        sa.UniqueConstraint("intent_ref", "acquirer", name="one_payment_an_intent"),
    )
    op.create_index("payment_amount", "payment", ["amount", "paid_at", "id"], unique=False)
    op.create_index(
        "payment_duplicate", "payment", ["id"], unique=False, postgresql_where=sa.text("duplicate")
    )
    op.create_index(op.f("ix_payment_invoice_id"), "payment", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_payment_paid_at"), "payment", ["paid_at"], unique=False)
    op.create_index(op.f("ix_payment_reader_id"), "payment", ["reader_id"], unique=False)
    op.create_index(
        "one_payment_an_invoice",
        "payment",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("NOT duplicate"),
    )
    op.create_table(
        "dispute",
        sa.Column(
            "sent_by_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="sent_by_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("sent_by_id", text, nullable=True),
        sa.Column("id", text, nullable=False),
        sa.Column("payment_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("gateway_ref", text, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "needs_answer",
                "answered",
                "won",
                "lost",
                "closed",
                name="disputestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("inquiry", sa.Boolean(), nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("answer_by", instant, nullable=True),
        sa.Column("decided_at", instant, nullable=True),
        sa.Column("evidence", jsonb, nullable=False),
        sa.Column("answer", jsonb, server_default="{}", nullable=False),
        sa.Column("answer_files", jsonb, server_default="{}", nullable=False),
        sa.Column("answer_at", instant, nullable=True),
        sa.Column("sent_at", instant, nullable=True),
        sa.CheckConstraint(
            "(state IN ('won', 'lost', 'closed')) = (decided_at IS NOT NULL)", name="decided_or_open"
        ),
        sa.CheckConstraint("NOT inquiry OR state NOT IN ('won', 'lost')", name="an_inquiry_decides_nothing"),
        sa.CheckConstraint("inquiry OR state <> 'closed'", name="only_an_inquiry_is_closed"),
        sa.CheckConstraint(
            "answer_at IS NULL OR state = 'needs_answer'", name="only_an_open_question_is_answered"
        ),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("gateway_ref", "acquirer", name="one_row_a_dispute"),
    )
    op.create_index(
        "dispute_answered_next",
        "dispute",
        ["answer_at"],
        unique=False,
        postgresql_where=sa.text("answer_at IS NOT NULL"),
    )
    op.create_index("dispute_opened", "dispute", ["opened_at"], unique=False)
    op.create_index(
        "dispute_open", "dispute", ["answer_by"], unique=False, postgresql_where=sa.text("decided_at IS NULL")
    )
    op.create_index(op.f("ix_dispute_payment_id"), "dispute", ["payment_id"], unique=False)
    op.create_index(op.f("ix_dispute_reader_id"), "dispute", ["reader_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column(
            "actor_kind",
            sa.Enum(
                "reader",
                "worker",
                "acquirer",
                "staff",
                "api",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("payment_id", text, nullable=False),
        sa.Column("reader_id", text, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("net", sa.Integer(), nullable=False),
        sa.Column("vat", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "intended",
                "pending",
                "succeeded",
                "failed",
                name="refundstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cause", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("idempotency_key", text, nullable=False),
        sa.Column("keyed_at", instant, nullable=False),
        sa.Column("key_unusable", sa.Boolean(), nullable=False),
        sa.Column("unlisted_since", instant, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("next_poll_at", instant, nullable=False),
        sa.Column("held_until", instant, nullable=True),
        sa.Column("undone_at", instant, nullable=True),
        sa.Column("poll_count", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.Column("acquirer", text, nullable=False),
        sa.Column("gateway_ref", text, nullable=True),
        sa.Column("mail_key", text, nullable=True),
        sa.Column("awaiting_balance_since", instant, nullable=True),
        sa.Column("failure", text, nullable=True),
        sa.Column("not_owed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("credit_note_number", sa.Integer(), nullable=True),
        sa.Column("settled_at", instant, nullable=True),
        sa.Column("bounced_at", instant, nullable=True),
        sa.Column("paid_back_at", instant, nullable=True),
        sa.Column("paid_back_ref", text, nullable=True),
        sa.Column("paid_back_by_card", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "(state = 'succeeded' OR bounced_at IS NOT NULL OR paid_back_at IS NOT NULL) = (credit_note_number IS NOT NULL)",
            name="noted_when_returned",
        ),
        sa.CheckConstraint(
            "awaiting_balance_since IS NULL OR state IN ('intended', 'pending')",
            name="awaits_balance_while_open",
        ),
        sa.CheckConstraint("bounced_at IS NULL OR state = 'failed'", name="bounced_is_failed"),
        sa.CheckConstraint(
            "paid_back_at IS NULL OR (state = 'failed' AND paid_back_ref IS NOT NULL)",
            name="paid_back_after_failing",
        ),
        sa.CheckConstraint(
            "NOT paid_back_by_card OR paid_back_at IS NOT NULL", name="paid_back_by_card_when_paid"
        ),
        sa.CheckConstraint(
            "undone_at IS NULL OR undone_at < held_until AND gateway_ref IS NULL", name="undone"
        ),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.CheckConstraint("net + vat = amount", name="adds_up"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credit_note_number"),
        sa.UniqueConstraint("gateway_ref", "acquirer", name="one_row_a_refund"),
        sa.UniqueConstraint("idempotency_key"),
    )
    op.create_index("refund_created", "refund", ["created_at", "id"], unique=False)
    op.create_index("refund_amount", "refund", ["amount", "settled_at", "credit_note_number"], unique=False)
    op.create_index(
        "refund_settled",
        "refund",
        ["settled_at", "credit_note_number"],
        unique=False,
        postgresql_where=sa.text("credit_note_number IS NOT NULL"),
    )
    op.create_index(op.f("ix_refund_mail_key"), "refund", ["mail_key"], unique=False)
    op.create_index(op.f("ix_refund_payment_id"), "refund", ["payment_id"], unique=False)
    op.create_index(op.f("ix_refund_reader_id"), "refund", ["reader_id"], unique=False)
    op.create_index(
        "one_refund_a_cause",
        "refund",
        ["cause"],
        unique=True,
        postgresql_where=sa.text("(state <> 'failed' OR credit_note_number IS NOT NULL)"),
    )
    op.create_index(
        "refund_awaiting_balance",
        "refund",
        ["awaiting_balance_since"],
        unique=False,
        postgresql_where=sa.text("awaiting_balance_since IS NOT NULL"),
    )
    op.create_index(
        "refund_open",
        "refund",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('intended', 'pending')"),
    )
    op.create_index(
        "refund_failed_unpaid",
        "refund",
        ["payment_id"],
        unique=False,
        postgresql_where=sa.text("state = 'failed' AND paid_back_at IS NULL"),
    )
    op.create_index(
        "refund_paid_back",
        "refund",
        ["paid_back_ref"],
        unique=False,
        postgresql_where=sa.text("paid_back_ref IS NOT NULL"),
    )


def _default_partitions() -> None:
    """What has no month's partition; the worker makes those (see `billing.platform.partitions`)."""
    for table in ("delivery", "inbound_event", "meter_month"):
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    # only from there are deliveries deleted by their age
    op.execute("CREATE INDEX delivery_default_started ON delivery_default (started_at)")


def _vat_rates() -> None:
    """The rates of VAT in South Africa so far. No invoice can be drawn up without one, so the table is never empty."""
    op.execute(
        "INSERT INTO vat_rate (from_on, basis_points, added_at)"
        " VALUES ('1993-04-07', 1400, now()), ('2018-04-01', 1500, now())"
    )


def _entitlement() -> None:
    """Who may read what until when: the one definition that pages, the access cache and newsletters read.

    A row for each entitlement. One that renews outlives `until`: a late charge locks no payer out. A paused subscription begins,
    and renews, at the end of its pause, even before a worker has ended it."""
    # neither STRICT nor SET: the planner then inlines it, and an index finds one reader's rows
    op.execute("""
        CREATE FUNCTION entitlement(zone text) RETURNS TABLE (reader_id text, reason text, begins_at timestamptz,
            until timestamptz, renews boolean, features jsonb) LANGUAGE sql STABLE AS $$
        SELECT s.reader_id::text,
               CASE s.state WHEN 'trialing' THEN 'trial' WHEN 'past_due' THEN 'grace' ELSE 'subscription' END,
               CASE WHEN s.state = 'paused' THEN s.resumes_on::timestamp AT TIME ZONE zone ELSE '-infinity' END,
               CASE WHEN s.state = 'paused' THEN s.resumes_on::timestamp AT TIME ZONE zone
                    ELSE coalesce(s.cancels_at, s.access_until) END,
               s.state = 'paused' OR s.cancels_at IS NULL,
               (SELECT p.features FROM plan p WHERE p.id = s.plan_id)
        FROM subscription s
        WHERE s.state <> 'ended'
        UNION ALL
        SELECT g.reader_id::text, 'complimentary', g.given_at, g.until, false, g.features
        FROM complimentary_grant g
        $$
    """)


HISTORY = (
    *("article_version", "section_policy", "complimentary_grant"),
    *("subscription_change", "signup_change", "audit_line", "reader_note", "consent_text"),
    *("legal_document", "request_message", "request_step"),
)
BOOKS = ("ledger_transaction", "ledger_entry")
ERASED = {
    "complimentary_grant": ("reason",),
    "subscription_change": ("reason",),
    "signup_change": ("address", "address_key", "ip", "device"),
    "audit_line": ("reason", "before", "after"),
    "reader_note": ("words",),
    "request_message": ("words", "mail_from", "attachments", "mail_digest"),
    "request_step": ("words",),
}
"""The columns that an erasure empties."""
OF_READERS = (
    *("reader_session", "consent", "card_setup", "payment_method", "subscription", "message"),
    *("gift", "signup", "passkey"),
)


def _append_only() -> None:
    """What has happened is never rewritten, by whatever program or person is connected."""
    # Two exceptions (see `billing.personal_data`). While a reader's erasure is open and named in the transaction, that reader's rows
    # may lose the columns that the trigger names, and nothing else. While a merge is open and named, rows of the account that goes
    # may come to name the one that stays, and nothing else.
    op.execute("""
        CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE before jsonb; after jsonb; whose text; pair record;
        BEGIN
            IF TG_OP = 'UPDATE' AND current_setting('masthead.merging', true) <> '' THEN
                SELECT merged_id, reader_id INTO pair FROM reader_merge
                 WHERE id = current_setting('masthead.merging', true) AND done_at IS NULL;
                before := to_jsonb(OLD);
                IF before->>'reader_id' = pair.merged_id
                   AND to_jsonb(NEW) = before || jsonb_build_object('reader_id', pair.reader_id)
                THEN
                    RETURN NEW;
                END IF;
            END IF;
            IF TG_OP = 'UPDATE' AND TG_NARGS > 0 THEN
                SELECT reader_id INTO whose FROM erasure
                 WHERE id = current_setting('masthead.erasing', true) AND done_at IS NULL AND taken_back_at IS NULL;
                IF whose IS NOT NULL THEN
                    before := to_jsonb(OLD);
                    after := to_jsonb(NEW);
                    IF before - TG_ARGV = after - TG_ARGV
                       AND whose = coalesce(before->>'reader_id',
                           (SELECT reader_id FROM subscription WHERE id = before->>'subscription_id'),
                           (SELECT reader_id FROM reader_request WHERE id = before->>'request_id'), whose)
                       AND NOT EXISTS (SELECT FROM unnest(TG_ARGV) AS name WHERE coalesce(after->>name, '') NOT IN ('', '{}'))
                    THEN
                        RETURN NEW;
                    END IF;
                END IF;
            END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
        END $$
    """)
    refuse = "EXECUTE FUNCTION refuse_rewriting()"
    for table in (*HISTORY, *BOOKS):
        names = ", ".join(f"'{name}'" for name in ERASED.get(table, ()))
        function = f"EXECUTE FUNCTION refuse_rewriting({names})"
        op.execute(f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {function}")
    for table in BOOKS:
        op.execute(f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")
    # `ledger.post` moves a fact to the first open day; this refuses whatever doesn't
    op.execute("""
        CREATE FUNCTION refuse_closed_days() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE closed date := (SELECT max(last) FROM closed_period WHERE reopened_at IS NULL);
        BEGIN
            IF EXISTS (SELECT FROM posted WHERE "on" <= closed) THEN
                RAISE EXCEPTION 'the books are closed through %', closed USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER closed_days AFTER INSERT ON ledger_transaction REFERENCING NEW TABLE AS posted"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_days()"
    )
    # a consent that was given before there is a reader gets its reader once
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent FOR EACH ROW"
        " WHEN (OLD.reader_id IS NOT NULL) EXECUTE FUNCTION refuse_rewriting('email', 'ip', 'device')"
    )
    op.execute(f"CREATE TRIGGER frozen BEFORE UPDATE ON vat_rate FOR EACH ROW {refuse}")
    # each partition gets a copy; a partition that is dropped asks no trigger
    op.execute("""
        CREATE FUNCTION refuse_losing_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM issue WHERE id = OLD.issue_id AND counts IS NOT NULL) THEN
                RAISE EXCEPTION 'delivery is append-only until issue % is counted', OLD.issue_id
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN OLD;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER never_lost BEFORE DELETE ON delivery FOR EACH ROW EXECUTE FUNCTION refuse_losing_delivery()"
    )
    op.execute(f"CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON issue_body FOR EACH ROW {refuse}")
    op.execute(f"""
        CREATE TRIGGER frozen BEFORE UPDATE ON issue FOR EACH ROW
        WHEN (OLD.started_at IS NOT NULL AND
              (OLD.newsletter_id, OLD.subject, OLD.preheader, OLD.source, OLD.cards, OLD.started_at, OLD.recipients)
              IS DISTINCT FROM
              (NEW.newsletter_id, NEW.subject, NEW.preheader, NEW.source, NEW.cards, NEW.started_at, NEW.recipients))
        {refuse}
    """)
    op.execute(f"""
        CREATE TRIGGER counted BEFORE UPDATE ON issue FOR EACH ROW
        WHEN (OLD.counts IS NOT NULL AND (OLD.counts, OLD.state) IS DISTINCT FROM (NEW.counts, NEW.state)) {refuse}
    """)


def _erased() -> None:
    """Nothing personal is added to an erased reader. The foreign key waits for an erasure under way, and this looks after it."""
    op.execute("""
        CREATE FUNCTION refuse_for_erased() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM added JOIN reader ON reader.id = added.reader_id
                       WHERE reader.email LIKE '%@erased.invalid') THEN
                RAISE EXCEPTION 'the reader of this % is erased', TG_TABLE_NAME USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
    """)
    for table in OF_READERS:
        op.execute(
            f"CREATE TRIGGER never_of_the_erased AFTER INSERT ON {table} REFERENCING NEW TABLE AS added"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_for_erased()"
        )


def _sums() -> None:
    """No refunds beyond their payment, and no ledger transaction that doesn't sum to zero; looked at when a transaction commits."""
    op.execute("""
        CREATE FUNCTION refuse_excess_refund() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount) FROM refund WHERE payment_id = NEW.payment_id AND (state <> 'failed' OR credit_note_number IS NOT NULL))
               > (SELECT amount FROM payment WHERE id = NEW.payment_id) THEN
                RAISE EXCEPTION 'refunds of % exceed the payment', NEW.payment_id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER refunds_within_payment AFTER INSERT OR UPDATE ON refund
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_excess_refund()
    """)
    # without enable_seqscan = off, a plan made while the table was empty reads all of it for each transaction later
    op.execute("""
        CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
        BEGIN
            IF (SELECT sum(amount) FROM ledger_entry WHERE transaction_id = NEW.transaction_id) <> 0 THEN
                RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER sums_to_zero AFTER INSERT ON ledger_entry
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced()
    """)


ALSO_MERGED = "unnest(ARRAY(SELECT changed.reader_id UNION ALL SELECT id FROM reader WHERE merged_into = changed.reader_id))"
"""The reader, and the accounts merged into it: programs may still ask by their ids."""
OPENED_BY = "SELECT visitor FROM gift_reading WHERE gift_id = changed.id"
COUNTED = "SELECT count(*) FROM jsonb_object_keys(readings)"
ACCESS_NOTICES = (
    # the table; after what; the kind of fact that changed; its name, an expression
    ("article", ("insert", "update", "delete"), "article", "id"),
    ("section_policy", ("insert", "update", "delete"), "section_policy", "section"),
    ("public_window", ("insert", "update", "delete"), "public_window", "subject"),
    ("subscription", ("insert", "update", "delete"), "standing", ALSO_MERGED),
    ("complimentary_grant", ("insert", "update", "delete"), "standing", ALSO_MERGED),
    ("gift_reading", ("insert",), "visitor", "visitor"),
    ("gift", ("update",), "visitor", f"unnest(ARRAY({OPENED_BY}))"),
    ("meter_month", ("insert", "update"), "visitor", f"visitor || ' ' || ({COUNTED})"),
    ("reader", ("insert", "update", "delete"), "standing", "id"),
    ("reader", ("insert", "update", "before", "delete"), "external", "external_id"),
    ("plan", ("insert", "update", "delete"), "plan", "id"),
    ("price", ("insert", "update", "delete"), "price", "plan_id"),
    ("brand", ("insert", "update", "delete"), "brand", "id::text"),
    ("legal_document", ("insert",), "brand", "kind"),
    ("reader_session", ("update", "before", "delete"), "session", "id || ' ' || left(token_hash, 32)"),
    ("api_key", ("update", "before", "delete"), "api_key", "left(key_hash, 32)"),
    ("api_key", ("update", "before", "delete"), "api_key_previous", "left(previous_hash, 32)"),
)
AFTER = {
    "insert": ("INSERT", "NEW"),
    "update": ("UPDATE", "NEW"),
    "before": ("UPDATE", "OLD"),  # the name it had before
    "delete": ("DELETE", "OLD"),
}


def _access_notices() -> None:
    """Each web process hears of what changed, and drops it from its memory (see `billing.access_cache`).

    A statement notifies once, at the commit: the kind and the names, divided by the unit separator, as many in one notification
    as fit into 8000 bytes. The kind alone, which drops all of it, when there are too many or a name holds the separator. Each
    trigger has a function of its own, whose statement is planned once a connection: planning took longer than all else in it."""
    op.execute("""
        CREATE FUNCTION notify_access(kind text, names text[]) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE longest int; at_once int; unit CONSTANT text := chr(31);
        BEGIN
            IF names IS NULL THEN
                RETURN;
            END IF;
            longest := (SELECT max(octet_length(name)) FROM unnest(names) AS name);
            IF cardinality(names) > 20000 OR longest > 2000 OR position(unit IN array_to_string(names, '')) > 0 THEN
                PERFORM pg_notify('access', kind);
                RETURN;
            END IF;
            at_once := 7000 / (longest + 1);
            FOR place IN 1 .. cardinality(names) BY at_once LOOP
                PERFORM pg_notify('access', kind || unit || array_to_string(names[place : place + at_once - 1], unit));
            END LOOP;
        END $$
    """)
    for table, moments, kind, name in ACCESS_NOTICES:
        named = kind.removesuffix("_previous")  # an old secret is dropped like the present one
        for moment in moments:
            event, rows = AFTER[moment]
            trigger = f"notify_{kind}_{moment}"
            op.execute(f"""
                CREATE FUNCTION {trigger}_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM notify_access('{named}', array_agg(DISTINCT name))
                     FROM (SELECT {name} AS name FROM changed) AS named WHERE name IS NOT NULL;
                    RETURN NULL;
                END $$
            """)  # noqa: S608 - names and expressions of ours
            op.execute(
                f"CREATE TRIGGER {trigger} AFTER {event} ON {table} REFERENCING {rows} TABLE AS changed"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {trigger}_of_{table}()"
            )
