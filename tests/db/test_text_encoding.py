"""A database of another encoding than UTF-8, as a server without a locale makes it, is refused in one line and left empty."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from billing.platform.db import Database
from tests.support.cli import environment, run
from tests.support.databases import Databases

REMEDY = "make one with `createdb --template template0 --encoding UTF8`"


@pytest.fixture
def unknown_bytes(databases: Databases) -> Iterator[str]:
    """The address of an empty database whose encoding is SQL_ASCII."""
    with databases.of_encoding("SQL_ASCII") as url:
        yield url


def test_migrate_refuses_it_and_makes_nothing(unknown_bytes: str, tmp_path: Path) -> None:
    done = run(environment(unknown_bytes), "migrate", folder=tmp_path)
    said = f"billing: The database's encoding is SQL_ASCII: {REMEDY}, and name it in BILLING_DATABASE_URL.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    with psycopg.connect(unknown_bytes, client_encoding="UTF8") as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)


def test_check_says_so(unknown_bytes: str, tmp_path: Path) -> None:
    done = run(environment(unknown_bytes), "check", folder=tmp_path)
    assert done.returncode == 1
    assert f"  NO  database: the database's encoding is SQL_ASCII: {REMEDY}\n" in done.stdout


def test_the_machines_encoding_doesnt_reach_a_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with closing(Database(database_url)) as database, database.transaction() as session:
        assert session.execute(sa.text("SELECT 'Ngũgĩ', current_setting('client_encoding')")).one() == (
            "Ngũgĩ",
            "UTF8",
        )
