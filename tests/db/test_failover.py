"""PostgreSQL's own numbers on a cluster with a new timeline: a failover seen from inside."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from billing.dev.postgres import Embedded
from billing.platform import installation
from billing.platform.db import Database
from billing.rules.absence import LISTED_WITHIN
from tests.support.databases import MIGRATED, kept_cluster
from tests.support.installation import prepare
from tests.support.polling import until

AT = datetime(2027, 3, 16, 9, tzinfo=UTC)


@pytest.fixture
def promoted(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Database]:
    """A database whose server was replaced by one that had read its whole log."""
    assert pytestconfig.cache is not None
    cluster = kept_cluster(pytestconfig.cache.mkdir("postgresql"))
    folder = tmp_path / "postgres"
    folder.mkdir()
    subprocess.run(["cp", "-a", str(cluster), str(folder / "cluster")], check=True)
    with Embedded.start(folder, durable=True) as server:
        prepare(server.url(MIGRATED))
        with closing(Database(server.url(MIGRATED))) as database, database.transaction() as session:
            assert installation.is_home_in(session)
            session.execute(sa.text("INSERT INTO worker_heartbeat (id, at) VALUES (1, :at)"), {"at": AT})
    with (folder / "cluster" / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'false'\n")
    (folder / "cluster" / "recovery.signal").touch()
    with (
        Embedded.start(folder, durable=True) as server,
        closing(Database(server.url(MIGRATED))) as database,
    ):
        until(lambda: not _in_recovery(database), "the end of the recovery")
        yield database


def _in_recovery(database: Database) -> bool:
    with database.transaction() as session:
        return bool(session.execute(sa.text("SELECT pg_is_in_recovery()")).scalar_one())


def test_a_later_timeline_with_a_fresh_heartbeat_is_a_failover(promoted: Database) -> None:
    with promoted.transaction() as session:
        assert isinstance(installation.held_by(session), installation.NotAdopted)
        late = AT + installation.FRESH_FOR + timedelta(seconds=1)
        assert not installation.take_over(session, late), "a restore of a while ago waits for an operator"
        assert isinstance(installation.held_by(session), installation.NotAdopted)
    with promoted.transaction() as session:
        taken_over_at = AT + installation.FRESH_FOR
        assert installation.take_over(session, taken_over_at)
        assert isinstance(installation.held_by(session), installation.AsksAcquirer)
        since = installation.asks_since(session)
        assert since == AT - installation.SLACK
        assert not installation.take_over(session, AT), "it is at home now"
        listed_at = taken_over_at + LISTED_WITHIN
        assert installation.all_known(session, since, taken_over_at) == listed_at
        assert isinstance(installation.held_by(session), installation.AsksAcquirer)
        assert installation.all_known(session, since, listed_at) is None
        assert installation.held_by(session) is None


def test_another_cluster_or_database_is_none(promoted: Database) -> None:
    with promoted.transaction() as session:
        home = session.get_one(installation.Installation, 1).home
        for place in (0, 2, 3):
            other = home.split("-")
            other[place] = "1"
            session.execute(sa.text("UPDATE installation SET home = :home"), {"home": "-".join(other)})
            assert not installation.take_over(session, AT)
