"""What Stripe had settled in another currency before its books were kept by currency."""

import sqlalchemy as sa

from alembic import command
from billing.platform import migrate
from billing.platform.db import Database

BEFORE = """
INSERT INTO balance_movement (ref, category, source_ref, amount, fee, net, currency, exchange_rate, description, at, available_at)
VALUES ('txn_usd', 'charge', 'ch_1', 413, 23, 390, 'USD', 0.055, '', now(), now()),
       ('txn_zar', 'charge', 'ch_2', 7500, 418, 7082, 'ZAR', NULL, '', now(), now()),
       ('txn_out', 'payout', 'po_1', -390, 0, -390, 'USD', NULL, '', now(), now());
INSERT INTO payout (ref, amount, at, arrives_at, seen_at) VALUES ('po_1', 390, now(), now(), now());
INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on)
VALUES ('gateway_fee', 'txn_usd', now(), '2027-03-16', '2027-03-16'), ('gateway_fee', 'txn_zar', now(), '2027-03-16', '2027-03-16'),
       ('payout', 'po_1', now(), '2027-03-24', '2027-03-24')
"""


def test_what_was_booked_before_says_which_currency_it_was_in(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.begin() as connection:
        command.downgrade(migrate._config(connection), "0030-1")
        connection.execute(sa.text(BEFORE))
    migrate.upgrade(database)
    with database.engine.begin() as connection:
        booked = connection.execute(sa.text("SELECT source_id, currency FROM ledger_transaction ORDER BY id"))
        assert booked.all() == [("txn_usd", "USD"), ("txn_zar", "ZAR"), ("po_1", "USD")]
        kept = connection.execute(sa.text("SELECT currency, listing FROM payout"))
        assert kept.all() == [("USD", "listed")]
    database.close()
