"""A transaction-pooling proxy is refused at start: advisory locks, and so claims, would leak through it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from billing.platform.db import Database
from billing.platform.errors import RefusesToStart
from billing.platform.pooling import refuse_transaction_pooling
from tests.support.cli import environment, refused, run
from tests.support.polling import until
from tests.support.transaction_pooler import transaction_pooler

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@pytest.mark.parametrize("command", [["worker"], ["serve"], ["run"], ["migrate"]])
def test_each_process_refuses_it(command: list[str], database_url: str, tmp_path: Path) -> None:
    with transaction_pooler(database_url) as url:
        refused(
            run(environment(url), *command, folder=tmp_path), "BILLING_DATABASE_URL", "pools transactions"
        )


def test_migrating_leaves_nothing_in_its_sessions(database_url: str, tmp_path: Path) -> None:
    with transaction_pooler(database_url) as url:
        run(environment(url), "migrate", folder=tmp_path)
        with psycopg.connect(url, autocommit=True) as of_others:
            assert of_others.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_proxy_that_keeps_a_session_for_who_has_a_lock_is_welcome(database_url: str) -> None:
    """As RDS Proxy does, which shares the others."""
    with transaction_pooler(database_url, pins=True) as url:
        with closing(Database(url)) as database:
            refuse_transaction_pooling(database)
        with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as other:
            same = "SELECT pg_backend_pid()"
            assert one.execute(same).fetchone() == other.execute(same).fetchone(), "it does share sessions"


def test_the_proxy_is_one_through_which_locks_leak(database_url: str) -> None:
    """The proxy of these tests is of the refused kind: it keeps the lock of an ended session."""
    with transaction_pooler(database_url) as url:
        with psycopg.connect(url, autocommit=True) as ended:
            ended.execute("SELECT pg_advisory_lock(4711)")
        with psycopg.connect(database_url) as direct:
            held = direct.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"
            )
            assert held.fetchone() == (1,)


def test_postgresql_itself_is_not_refused(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        refuse_transaction_pooling(database)


@contextmanager
def pgbouncer(url: str, **settings: object) -> Iterator[str]:
    """The address of the same database through a PgBouncer of its own."""
    if PGBOUNCER is None or not str(conninfo_to_dict(url).get("host")).startswith("/"):
        pytest.skip("no pgbouncer here, or no server beside it")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    given = conninfo_to_dict(url)
    where = " ".join(f"{name}={given[name]}" for name in ("host", "port", "user") if name in given)
    said = {"listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "any", "unix_socket_dir": ""}
    lines = [f"{name} = {value}" for name, value in (said | settings).items()]
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # it refuses to run as root, so it runs as who owns the server's socket
        config = Path(folder) / "pgbouncer.ini"
        config.write_text("\n".join(["[databases]", f"* = {where}", "[pgbouncer]", *lines]))
        as_user = ["-u", Path(str(given["host"])).owner()] if os.geteuid() == 0 else []
        command = [PGBOUNCER, "-q", *as_user, str(config)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                until(lambda: process.poll() is not None or _listens(port), "pgbouncer to listen")
                assert process.poll() is None, process.stderr and process.stderr.read()
                yield f"postgresql://{given['user']}@127.0.0.1:{port}{urlsplit(url).path}"
            finally:
                process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("round_robin", [0, 1])
def test_pgbouncer_is_refused_where_it_pools_transactions(
    size: int, round_robin: int, database_url: str
) -> None:
    settings = {"pool_mode": "transaction", "default_pool_size": size, "server_round_robin": round_robin}
    with (
        pgbouncer(database_url, **settings) as url,
        closing(Database(url)) as database,
        pytest.raises(RefusesToStart, match="pools transactions"),
    ):
        refuse_transaction_pooling(database)


def test_pgbouncer_is_welcome_where_it_pools_sessions(database_url: str) -> None:
    with (
        pgbouncer(database_url, pool_mode="session") as url,
        closing(Database(url)) as database,
    ):
        refuse_transaction_pooling(database)
