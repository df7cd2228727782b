"""Debts of bounced refunds that were paid before it was written down by which way."""

import sqlalchemy as sa

from alembic import command
from billing.platform import migrate
from billing.platform.db import Database

DEBT = """
INSERT INTO refund (id, payment_id, reader_id, amount, net, vat, state, cause, reason, by, idempotency_key, keyed_at, key_spent,
                    created_at, ask_at, asked, credit_note_number, settled_at, bounced_at, paid_back_at, paid_back_ref)
VALUES (:id, 'pay_1', 'rdr_1', 100, 87, 13, 'failed', :id, 'kind', 'staff:a', :id, now(), false, now(), now(), 0, :number, now(),
        now(), now(), 'as written')
"""
PAID = """
WITH t AS (INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on)
           VALUES ('refund_paid_by_hand', :id, now(), '2027-03-16', '2027-03-16') RETURNING id)
INSERT INTO ledger_entry (transaction_id, account, amount)
SELECT id, account, amount FROM t, (VALUES ('refunds_owed', 100), (:account, -100)) AS line (account, amount)
"""


def test_the_ledger_says_by_which_way_each_was_paid(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.begin() as connection:
        command.downgrade(migrate._config(connection), "0034-1")
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # rows without a payment
        for number, (refund, account) in enumerate((("ref_card", "gateway"), ("ref_transfer", "bank")), 1):
            connection.execute(sa.text(DEBT), {"id": refund, "number": number})
            connection.execute(sa.text(PAID), {"id": refund, "account": account})
    migrate.upgrade(database)
    with database.engine.begin() as connection:
        found = connection.execute(sa.text("SELECT id, paid_back_by_card FROM refund ORDER BY id"))
        assert [tuple(row) for row in found] == [("ref_card", True), ("ref_transfer", False)]
    database.close()
