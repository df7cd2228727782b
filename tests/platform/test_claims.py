"""A claim is held while its holder lives, and free as soon as it dies."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from billing.mail.models import Message
from billing.platform.claims import ClaimLost, assign, live_workers, worker_lock
from billing.platform.db import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, pool_size=5)
    yield found
    found.close()


def alive(database: Database) -> list[int]:
    with database.transaction() as session:
        return sorted(live_workers(session))


def test_a_claim_counts_as_long_as_its_block_runs(database: Database) -> None:
    assert alive(database) == []
    with worker_lock(database) as first, worker_lock(database) as second:
        assert first != second
        assert alive(database) == sorted([first, second])
    assert alive(database) == []


def test_a_claim_ends_with_an_error_too(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), worker_lock(database):
        _ = 1 / 0
    assert alive(database) == []


def test_a_claim_ends_with_its_holders_connection(database: Database) -> None:
    with ExitStack() as died:
        died.enter_context(pytest.raises(sa.exc.OperationalError))
        with worker_lock(database) as number:
            assert alive(database) == [number]
            with database.transaction() as session:
                ended = session.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND objid = :number"
                        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    ),
                    {"number": number},
                ).scalar_one()
            assert ended, "it is gone within the minute"
            assert alive(database) == []
            with pytest.raises(ClaimLost), database.transaction() as session:
                assign(session, Message, ["msg_1"], number)


def test_claims_of_another_database_are_not_ours(database: Database, databases) -> None:  # type: ignore[no-untyped-def]  # a fixture
    with databases.fresh() as url:
        other = Database(url)
        with worker_lock(other) as theirs:
            assert theirs not in alive(database)
            assert alive(other) == [theirs]
        other.close()


def test_other_advisory_locks_are_no_claims(database: Database) -> None:
    with database.transaction() as session:
        session.execute(sa.text("SELECT pg_advisory_xact_lock(4711)"))
        assert list(live_workers(session)) == []
