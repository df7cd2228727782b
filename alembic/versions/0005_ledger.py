"""ledger: transactions that sum to zero, entries nobody can change

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("ledger_transaction", "ledger_entry")
ACCOUNTS = (
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
)


def upgrade() -> None:
    _make_tables()
    _make_deferrals()
    _let_refunds_bounce()
    _guard()


def _make_tables() -> None:
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("supply_on", sa.Date(), nullable=False),
        sa.Column("vat_basis_points", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "source_id", name="one_posting_a_fact"),
    )
    op.create_index("ledger_transaction_on", "ledger_transaction", ["on"], unique=False)
    account = sa.Enum(*ACCOUNTS, name="account", native_enum=False, create_constraint=True, length=32)
    op.create_table(
        "ledger_entry",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("account", account, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="moves_something"),
        sa.ForeignKeyConstraint(["transaction_id"], ["ledger_transaction.id"]),
        sa.PrimaryKeyConstraint("transaction_id", "account"),
    )


def _make_deferrals() -> None:
    op.create_table(
        "deferral",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
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
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_deferral_invoice_id"), "deferral", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_deferral_counts_until"), "deferral", ["counts_until"], unique=False)
    op.create_table(
        "recognition_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("next_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )


NOTED = "(state = 'succeeded') = (credit_note_number IS NOT NULL)"
NOTED_TOO = "(state = 'succeeded' OR bounced_at IS NOT NULL) = (credit_note_number IS NOT NULL)"
COUNTED = "state <> 'failed'"
COUNTED_TOO = "(state <> 'failed' OR bounced_at IS NOT NULL)"


def _let_refunds_bounce() -> None:
    op.add_column("refund", sa.Column("bounced_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("refund", sa.Column("paid_back_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("refund", sa.Column("paid_back_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.drop_constraint("noted_when_returned", "refund", type_="check")
    op.create_check_constraint("noted_when_returned", "refund", NOTED_TOO)
    op.create_check_constraint("bounced_is_failed", "refund", "bounced_at IS NULL OR state = 'failed'")
    op.create_check_constraint(
        "paid_back_after_bouncing",
        "refund",
        "paid_back_at IS NULL OR (bounced_at IS NOT NULL AND paid_back_ref IS NOT NULL)",
    )
    _count_refunds(COUNTED_TOO)


def _count_refunds(which: str) -> None:
    """One that bounced is owed all the same, so it counts against the payment."""
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION refuse_excess_refund() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount) FROM refund WHERE payment_id = NEW.payment_id AND {which})
               > (SELECT amount FROM payment WHERE id = NEW.payment_id) THEN
                RAISE EXCEPTION 'refunds of % exceed the payment', NEW.payment_id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """  # noqa: S608 - our own words
    )


def _guard() -> None:
    # The plan of its query is kept, and one made while the table was empty would read all of it at every line for ever.
    op.execute(
        """
        CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
        BEGIN
            IF (SELECT sum(amount) FROM ledger_entry WHERE transaction_id = NEW.transaction_id) <> 0 THEN
                RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER sums_to_zero AFTER INSERT ON ledger_entry
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced()
        """
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
        )
        op.execute(
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
        )


def downgrade() -> None:
    _count_refunds(COUNTED)
    op.drop_constraint("paid_back_after_bouncing", "refund", type_="check")
    op.drop_constraint("bounced_is_failed", "refund", type_="check")
    op.drop_constraint("noted_when_returned", "refund", type_="check")
    op.create_check_constraint("noted_when_returned", "refund", NOTED)
    op.drop_column("refund", "paid_back_ref")
    op.drop_column("refund", "paid_back_at")
    op.drop_column("refund", "bounced_at")
    op.drop_table("recognition_mark")
    op.drop_index(op.f("ix_deferral_counts_until"), table_name="deferral")
    op.drop_index(op.f("ix_deferral_invoice_id"), table_name="deferral")
    op.drop_table("deferral")
    op.drop_table("ledger_entry")
    op.drop_index("ledger_transaction_on", table_name="ledger_transaction")
    op.drop_table("ledger_transaction")
    op.execute("DROP FUNCTION refuse_unbalanced()")
