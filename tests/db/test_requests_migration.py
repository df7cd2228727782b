"""Which subscription a request was about before it said so."""

import sqlalchemy as sa

from alembic import command
from billing.platform import migrate
from billing.platform.db import Database

BEFORE = """
INSERT INTO reader (id, email, created_at) VALUES ('rdr_1', 'thandi@example.com', '2027-03-01');
INSERT INTO plan (id, name, months, trial_days, features) VALUES ('p', 'Monthly', 1, 14, '[]');
INSERT INTO price (id, plan_id, amount, currency, valid_from) VALUES ('pr', 'p', 7500, 'ZAR', '2027-01-01');
INSERT INTO subscription (id, reader_id, plan_id, price_id, state, started_at, charge_on, period_number, access_until,
                          ended_at, next_action, next_action_at)
VALUES ('sub_1', 'rdr_1', 'p', 'pr', 'ended', '2027-03-01', '2027-03-16', 1, '2027-04-01', '2027-04-01', NULL, NULL),
       ('sub_2', 'rdr_1', 'p', 'pr', 'active', '2027-05-01', '2027-05-01', 1, '2027-06-01', NULL, 'renew', '2027-06-01');
INSERT INTO reader_request (id, kind, received_at, email, reader_id, proved, words, ip, device)
VALUES ('req_1', 'cancel', '2027-03-20', 'thandi@example.com', 'rdr_1', false, '', '', ''),
       ('req_2', 'withdraw', '2027-04-02', 'thandi@example.com', 'rdr_1', true, 'x', '', ''),
       ('req_3', 'cancel', '2027-04-02', 'thandi@example.com', 'rdr_1', false, '', '', ''),
       ('req_4', 'cancel', '2027-05-20', 'thandi@example.com', 'rdr_1', false, '', '', ''),
       ('req_5', 'other', '2027-05-20', 'thandi@example.com', 'rdr_1', false, 'x', '', ''),
       ('req_6', 'cancel', '2027-05-20', 'stranger@example.com', NULL, false, '', '', '')
"""


def test_a_request_is_about_what_ran_when_it_came(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.begin() as connection:
        command.downgrade(migrate._config(connection), "0035-1")
        connection.execute(sa.text(BEFORE))
    migrate.upgrade(database)
    with database.engine.begin() as connection:
        about = connection.execute(sa.text("SELECT id, subscription_id FROM reader_request ORDER BY id"))
        assert dict(about.all()) == {
            "req_1": "sub_1",
            "req_2": "sub_1",
            "req_3": None,
            "req_4": "sub_2",
            "req_5": None,
            "req_6": None,
        }
    database.close()
