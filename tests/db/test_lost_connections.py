"""A connection that the server closed is detected before it is used."""

import sqlalchemy as sa

from billing.platform.db import Database
from tests.support.databases import Databases


def backend(database: Database) -> int:
    with database.transaction() as session:
        return int(session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())


def test_a_connection_that_was_cut_is_replaced_before_it_is_used(databases: Databases) -> None:
    with databases.fresh() as url:
        ours, others = Database(url), Database(url)
        first = backend(ours)
        assert backend(ours) == first
        with others.transaction() as session:
            session.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
        assert backend(ours) != first
        ours.close()
        others.close()
