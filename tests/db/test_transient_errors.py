"""Transient PostgreSQL errors: what fails with one is retried, and nothing is concluded from it."""

from contextlib import closing

import pytest
import sqlalchemy as sa

from billing.platform.db import Database
from billing.platform.db_errors import is_transient

MAY_PASS = ("40001", "40P01", "55P03", "57014", "25006", "25P03", "53200", "53300", "58030", "57P01")
LASTS = ("23505", "23514", "22003", "42P01", "42501", "P0001", "54000")


def failing_with(database: Database, state: str) -> Exception:
    """What a transaction raises in which PostgreSQL answers so."""
    with pytest.raises(sa.exc.SQLAlchemyError) as raised, database.transaction() as session:
        session.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"))
    return raised.value


def test_each_state_is_told_apart(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        assert {state: is_transient(failing_with(database, state)) for state in (*MAY_PASS, *LASTS)} == (
            dict.fromkeys(MAY_PASS, True) | dict.fromkeys(LASTS, False)
        )


def test_a_connection_that_is_cut_may_come_back(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        with pytest.raises(sa.exc.OperationalError) as cut, database.transaction() as session:
            session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert is_transient(cut.value)
    assert not is_transient(ValueError("a row of ours"))
