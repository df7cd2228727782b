"""A copied or restored database charges nobody and sends no mail until an operator adopts it."""

from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest

from billing.app import build
from billing.billing_run.run import run
from billing.dev.time_travel import move
from billing.platform import installation
from billing.platform.db import Database
from billing.platform.errors import RefusesToStart
from billing.rules.absence import LISTED_WITHIN
from billing.timetable import tick
from tests.support.cli import environment
from tests.support.cli import run as command
from tests.support.databases import Databases
from tests.support.installation import settings_for
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def copy_of(url: str, databases: Databases) -> str:
    """The same database under another name, as `CREATE DATABASE … TEMPLATE` or a restored dump makes it."""
    original = urlsplit(url).path.strip("/")
    name = f"{original}_copy"
    databases._do("ALTER DATABASE {} ALLOW_CONNECTIONS false", original)
    databases._admin.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
        [original],
    )
    databases._do("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, original)
    databases._do("ALTER DATABASE {} ALLOW_CONNECTIONS true", original)
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def test_a_copy_stands_still_until_it_is_adopted(
    own_world: World, databases: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = own_world
    world.start_trial("lerato@example.com")
    world.advance_to(local(2027, 3, 15, 12))
    world.skip_to(local(2027, 3, 16, 10))  # a charge and mails are due, in the original and in the copy
    world.services.database.close()
    url = copy_of(world.url_of_database, databases)
    copied = build(
        settings_for(url, stripe_api_base=world.sandbox.url, smtp_url=world.smtp.url, public_url=world.url)
    )
    try:
        letters = len(world.letters())
        with pytest.raises(installation.NotAdopted):
            run(copied.run_context, world.now)
        tick(copied)
        assert world.sandbox.charges() == []
        assert len(world.letters()) == letters
        assert any("billing adopt" in record.getMessage() for record in caplog.records)

        given = environment(url, clock="held", stripe_api_base=world.sandbox.url, smtp_url=world.smtp.url)
        refused = command(given, "run", folder=tmp_path)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert "billing adopt" in refused.stderr
        adopted = command(given, "adopt", "--yes", folder=tmp_path)
        assert "mails waiting" in adopted.stdout
        assert "It is the one that counts now." in adopted.stdout
        again = command(given, "adopt", "--yes", folder=tmp_path)
        assert "already" in again.stdout
        assert "Money is held until Tuesday 16 March 2027, 10:05" in adopted.stdout
        tick(copied)
        assert world.sandbox.charges() == []
        move(copied, world.now + LISTED_WITHIN)
        tick(copied)
        assert len(world.sandbox.charges()) == 1
    finally:
        copied.database.close()
        databases._do("DROP DATABASE {} WITH (FORCE)", urlsplit(url).path.strip("/"))


def test_readyz_says_so_and_readers_read_on(world: World, in_trial: Subscriber) -> None:
    assert httpx.get(f"{world.url}/readyz").json()["money_and_mail"] == "moving"
    with psycopg.connect(world.url_of_database) as connection:
        connection.execute("UPDATE installation SET home = 'somewhere else'")
    ready = httpx.get(f"{world.url}/readyz")
    assert ready.status_code == 200
    assert ready.json()["money_and_mail"] == "stopped"
    assert "no mail is sent but links to sign in with" in ready.json()["why"]
    assert "billing adopt" in ready.json()["why"]
    assert world.access(world.articles["subscriber"][0], in_trial.reader_id)["allowed"]
    with pytest.raises(installation.NotAdopted):
        world.advance(days=20)


def test_a_table_made_anew_by_a_restore_is_another_home(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        assert installation.is_home(database)
        with psycopg.connect(database_url) as connection:
            connection.execute("ALTER TABLE installation RENAME TO kept")
            connection.execute("CREATE TABLE installation (LIKE kept INCLUDING ALL)")
            connection.execute("INSERT INTO installation SELECT * FROM kept")
        assert not installation.is_home(database)


def test_another_installation_is_refused_at_the_start(world: World) -> None:
    with pytest.raises(RefusesToStart, match="belongs to the installation main"):
        build(settings_for(world.url_of_database, installation="staging"))
