"""Starts by a release that noted of no browser whose it was break no promise that it didn't know."""

import sqlalchemy as sa

from alembic import command
from billing.platform import migrate
from billing.platform.db import Database
from billing.reports.promises import PROMISES

BEFORE = """
INSERT INTO reader (id, email, created_at) VALUES ('rdr_1', 'thandi@example.com', '2027-03-01');
INSERT INTO plan (id, name, months, trial_days, features) VALUES ('p', 'Monthly', 1, 14, '[]');
INSERT INTO price (id, plan_id, amount, currency, valid_from) VALUES ('pr', 'p', 7500, 'ZAR', '2027-01-01');
INSERT INTO subscription (id, reader_id, plan_id, price_id, state, started_at, charge_on, period_number, access_until,
                          next_action, next_action_at)
VALUES ('sub_1', 'rdr_1', 'p', 'pr', 'active', '2027-05-01', '2027-05-01', 1, '2027-06-01', 'renew', '2027-06-01');
INSERT INTO card_setup (id, purpose, state, email, reader_id, price_id, browser_hash, ask_at, asked, keys_spent, new_reader,
                        created_at, expires_at, finished_at, subscription_id)
VALUES ('set_1', 'paid', 'done', 'thandi@example.com', 'rdr_1', 'pr', 'x', now(), 0, 0, false, now(), now(), now(), 'sub_1'),
       ('set_2', 'paid', 'open', 'thandi@example.com', 'rdr_1', 'pr', 'x', now(), 0, 0, false, now(), now(), NULL, 'sub_1')
"""
FINISH = "UPDATE card_setup SET state = 'done', finished_at = now() WHERE id = 'set_2'"


def test_a_start_from_before_or_open_at_the_migration_is_not_counted(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.begin() as connection:
        command.downgrade(migrate._config(connection), "0039")
        connection.execute(sa.text(BEFORE))
    migrate.upgrade(database)
    (promise,) = (one for one in PROMISES if one.name == "starts-are-by-their-readers")
    with database.engine.begin() as connection:
        connection.execute(sa.text(FINISH))
        assert connection.execute(sa.text(promise.broken)).all() == []
        connection.execute(sa.text("UPDATE card_setup SET asks_whose = true WHERE id = 'set_2'"))
        assert [row.id for row in connection.execute(sa.text(promise.broken))] == ["set_2"], "of this release"
    database.close()
