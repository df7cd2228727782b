"""An address with several hosts, as for a primary and its standbys, works in every part that reads it."""

import asyncio
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.gate import PATIENCE, Gate
from billing.platform.database_address import TIMEOUTS, connection_parameters
from billing.platform.db import Database
from billing.platform.monotonic import SystemMonotonic
from billing.platform.pooling import refuse_transaction_pooling
from tests.support.cli import environment, run
from tests.support.world import World

DEAD = "127.0.0.1:1"
"""Nothing listens on port 1."""


def addresses(database_url: str) -> dict[str, str]:
    """The same database behind a host that is dead, in each form that libpq knows."""
    given = conninfo_to_dict(database_url)
    host, port, user, name = (str(given.get(key) or "") for key in ("host", "port", "user", "dbname"))
    here = quote(host, safe="") + (f":{port}" if port else "")
    writes = "target_session_attrs=read-write"
    return {
        "hosts": f"postgresql://{user}@{DEAD},{here}/{name}?{writes}",
        "with a driver": f"postgresql+psycopg://{user}@{DEAD},{here}/{name}?{writes}",
        "parameter": f"postgresql://{user}@/{name}?host=127.0.0.1,{quote(host, safe='')}&port=1,{port or 5432}&{writes}",
        "keywords": make_conninfo(
            host=f"127.0.0.1,{host}",
            port=f"1,{port or 5432}",
            user=user,
            dbname=name,
            target_session_attrs="read-write",
        ),
    }


@pytest.mark.parametrize("form", addresses("postgresql:///x"))
def test_every_part_finds_the_host_that_lives(form: str, database_url: str, tmp_path: Path) -> None:
    url = addresses(database_url)[form]
    with closing(Database(url)) as database:
        refuse_transaction_pooling(database)
        with database.transaction() as session:
            assert session.execute(sa.text("SELECT 1")).scalar_one() == 1
        with closing(database.apart(pool_size=1)) as apart, apart.autocommit() as connection:
            assert connection.execute(sa.text("SELECT 2")).scalar_one() == 2
        asyncio.run(listens(database.address))
    done = run(environment(url), "run", folder=tmp_path)
    assert done.returncode == 0, done.stderr


async def listens(address: str) -> None:
    """The listener for changes connects, and hears its own echo."""
    listener = ChangeListener(address, lambda _: None, lambda: None, SystemMonotonic())
    following = asyncio.create_task(listener.listen())
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        while not await listener.catch_up(connection):
            await asyncio.sleep(0)
    following.cancel()


def test_a_server_that_only_reads_is_passed_by(database_url: str) -> None:
    """As a standby is: the same server, whose sessions for this database only read."""
    given = conninfo_to_dict(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{given["dbname"]}" SET default_transaction_read_only = on')
    url = addresses(database_url)["hosts"]
    with closing(Database(url)) as database, pytest.raises(sa.exc.OperationalError, match="read-only"):
        database.engine.connect()


def test_a_silent_host_is_given_up_soon_unless_the_address_says_otherwise() -> None:
    assert connection_parameters("postgresql://u@a/d", "who") == TIMEOUTS | {
        "user": "u",
        "host": "a",
        "dbname": "d",
        "fallback_application_name": "who",
        "client_encoding": "UTF8",
    }
    assert connection_parameters("postgresql://u@a/d?connect_timeout=9", "who")["connect_timeout"] == "9"


def test_every_connection_of_the_web_process_gives_a_silent_host_up(world: World) -> None:
    gate = Gate(world.app, world.services)
    with world.services.database.autocommit() as connection:
        used = connection.connection.dbapi_connection
        assert isinstance(used, psycopg.Connection)
        ours = used.info.get_parameters()
    for name, limit in TIMEOUTS.items():
        assert ours[name] == str(gate.pool.kwargs[name]) == str(limit)


def test_access_checks_try_the_database_at_each_request_after_an_outage(world: World) -> None:
    """The pool's own pauses would double up to minutes, while the standby answers already."""
    assert Gate(world.app, world.services).pool.reconnect_timeout <= PATIENCE
