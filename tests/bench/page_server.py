"""Fills a database and serves the product's pages from it: `page_server.py fill` and `page_server.py serve PORT`.

Run as a file, not as a module: it imports the product from PYTHONPATH, so that an earlier revision serves its own pages. It uses
only what both have."""

import json
import socket
import sys
from datetime import UTC, datetime, timedelta

import psycopg

from billing.app import build
from billing.dev import seed
from billing.dev.demo_app import create_demo_app
from billing.platform import installation, list_key, migrate
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.settings import Settings, read_settings
from billing.platform.site import Site
from billing.platform.time_limits import Work
from billing.readers import sessions
from billing.subscriptions import first_plans
from billing.web.kit.serve import server

READER = f"rdr_{'a' * 26}"
SUBSCRIBED = (
    "INSERT INTO reader (id, email, created_at) VALUES (%(reader)s, 'reader@example.com', %(at)s)",
    "INSERT INTO payment_method (id, reader_id, acquirer, customer_ref, gateway_ref, brand, last4, exp_month, exp_year,"
    " fingerprint, saved_at) VALUES ('pmt_a', %(reader)s, 'stripe', 'cus_a', 'pm_a', 'visa', '4242', 12, 2099, 'card', %(at)s)",
    "INSERT INTO subscription (id, reader_id, plan_id, price_id, payment_method_id, card_expires_on, state, started_at,"
    " charge_on, period_number, period_start_on, period_end_on, access_until, next_action, next_action_at)"
    " SELECT 'sub_a', %(reader)s, plan_id, id, 'pmt_a', '2099-12-31', 'active', %(at)s, %(start)s, 1, %(start)s, %(end)s, %(next)s,"
    " 'renew', %(next)s FROM price ORDER BY id LIMIT 1",
)


def fill(settings: Settings) -> dict[str, object]:
    """Make the sample paper's database with one subscriber; return the secret of the subscriber's browser, and articles by level."""
    database, at = Database(settings.database_url), datetime.now(UTC)
    migrate.upgrade(database)
    with database.transaction() as session:
        installation.claim(session, settings)
        list_key.seal_first(session, settings)
        first_plans.add(session)
        site = Site(settings.zone, settings.public_url, list_key.load_tokens(session, settings))
        ctx = TransactionContext(session, site, at, WORKER)
        articles = seed.articles(ctx)
        seed.newsletters(session, at)
    start, end = at.date() - timedelta(days=10), at.date() + timedelta(days=20)
    values = {"reader": READER, "at": at, "start": start, "end": end, "next": at + timedelta(days=20)}
    with psycopg.connect(settings.database_url) as connection:
        for statement in SUBSCRIBED:
            connection.execute(statement.encode(), values)
    with database.transaction() as session:
        browser = sessions.Browser(("bench",), "127.0.0.1", "Mozilla/5.0")
        ctx = TransactionContext(session, site, at, WORKER)
        secret = sessions.open_session(ctx, READER, browser, email_verified=True)
    database.close()
    return {"session": secret, "articles": articles}


def main() -> None:
    """Fill, or serve."""
    settings = read_settings()
    if sys.argv[1] == "fill":
        print(json.dumps(fill(settings)))  # noqa: T201
        return
    app = create_demo_app(build(settings, work=Work.REQUEST))
    server(app).run(sockets=[socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=2048)])


if __name__ == "__main__":
    main()
