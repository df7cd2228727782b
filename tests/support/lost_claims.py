"""Cut the database connection that holds a worker's lock, as a server restart does, while the worker goes on."""

from dataclasses import replace

import sqlalchemy as sa

from billing.container import Services
from billing.mail.smtp import SmtpTransport
from billing.platform.claims import LIVE_WORKERS
from billing.platform.db import Database
from tests.support.world import World

_CUT = f"""SELECT pg_terminate_backend(pid, 60000) FROM pg_locks
           WHERE locktype = 'advisory' AND objid::bigint IN ({LIVE_WORKERS})
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def lose_claims(database: Database) -> None:
    """Cut the connection of each worker's lock. The locks are free when this returns."""
    with database.transaction() as session:
        cut = session.execute(sa.text(_CUT)).scalars().all()
    assert cut, "no worker holds a lock"
    assert all(cut), "a session did not end within a minute"


def another_worker(world: World) -> Services:
    """The services of a second worker, with its own connections to the relay."""
    services = world.services
    return replace(
        services,
        sender=replace(services.sender, transport=SmtpTransport(world.smtp.url)),
        newsletter_sender=replace(services.newsletter_sender, relay=SmtpTransport(world.smtp.url)),
    )
