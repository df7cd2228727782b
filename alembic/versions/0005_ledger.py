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


def _guard() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
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
    op.drop_table("ledger_entry")
    op.drop_index("ledger_transaction_on", table_name="ledger_transaction")
    op.drop_table("ledger_transaction")
    op.execute("DROP FUNCTION refuse_unbalanced()")
