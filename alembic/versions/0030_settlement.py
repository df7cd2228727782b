"""payouts that Stripe doesn't itemise, and an account that settles in another currency

Revision: 0030
Follows: 0029
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

LISTINGS = ("listed", "waiting", "none")
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
NEW_ACCOUNTS = ("conversion", "exchange_differences")
WITH_CURRENCY = ("ledger_transaction", "payout", "staff_case")


def upgrade() -> None:
    _keep_any_payout()
    _keep_currencies()
    _know_what_was_converted()
    _allow(*ACCOUNTS, *NEW_ACCOUNTS)


def _keep_any_payout() -> None:
    listed = sa.Enum(*LISTINGS, name="payoutlisting", native_enum=False, create_constraint=True, length=32)
    # Only those with a list were kept before.
    op.add_column("payout", sa.Column("listing", listed, nullable=False, server_default="listed"))
    op.add_column("payout", sa.Column("short", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(
        "balance_movement_payout",
        "balance_movement",
        ["source_ref"],
        postgresql_where=sa.text("category = 'payout'"),
    )


def _keep_currencies() -> None:
    for table in WITH_CURRENCY:
        text = sqlmodel.sql.sqltypes.AutoString()
        op.add_column(table, sa.Column("currency", text, nullable=False, server_default="ZAR"))
    op.execute(
        "UPDATE payout SET currency = m.currency FROM balance_movement m"
        " WHERE m.source_ref = payout.ref AND m.category = 'payout' AND m.currency <> 'ZAR'"
    )
    # What is written is never rewritten; this writes for the first time what currency those amounts have always been in.
    op.execute("ALTER TABLE ledger_transaction DISABLE TRIGGER append_only")
    op.execute(
        "UPDATE ledger_transaction t SET currency = m.currency FROM balance_movement m WHERE m.currency <> 'ZAR'"
        " AND ((t.kind IN ('gateway_fee', 'payout_returned') AND t.source_id = m.ref)"
        " OR (t.kind = 'payout' AND m.category = 'payout' AND t.source_id = m.source_ref))"
    )
    op.execute("ALTER TABLE ledger_transaction ENABLE TRIGGER append_only")


def _know_what_was_converted() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    op.add_column("balance_movement", sa.Column("presented_amount", sa.BigInteger(), nullable=True))
    op.add_column("balance_movement", sa.Column("presented_currency", text, nullable=True))
    op.add_column("balance_movement", sa.Column("charge_ref", text, nullable=True))
    op.create_check_constraint(
        "presented_in_a_currency",
        "balance_movement",
        "(presented_amount IS NULL) = (presented_currency IS NULL)",
    )


def _allow(*accounts: str) -> None:
    listed = ", ".join(f"'{account}'" for account in accounts)
    op.drop_constraint("account", "ledger_entry", type_="check")
    op.create_check_constraint("account", "ledger_entry", f"account IN ({listed})")


def downgrade() -> None:
    _allow(*ACCOUNTS)
    op.drop_constraint("presented_in_a_currency", "balance_movement", type_="check")
    for column in ("charge_ref", "presented_currency", "presented_amount"):
        op.drop_column("balance_movement", column)
    for table in WITH_CURRENCY:
        op.drop_column(table, "currency")
    op.drop_index("balance_movement_payout", table_name="balance_movement")
    op.drop_column("payout", "short")
    op.drop_column("payout", "listing")
