"""Point-in-time recovery by the commands of `operate.md`, as written but for the paths: what was committed by then is there, and the
recovered database charges nobody until it has asked the acquirer."""

import os
import re
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from billing.dev.postgres import Embedded
from billing.platform import installation
from billing.platform.db import Database
from tests.support.backups import PROGRAMS
from tests.support.databases import MIGRATED, kept_cluster
from tests.support.documented import inline_command
from tests.support.installation import prepare
from tests.support.polling import until

AT = datetime(2027, 3, 16, 9, tzinfo=UTC)
ARCHIVED = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"


def setting(name: str) -> str:
    """A line of `postgresql.conf`. The server finds the archive in its data folder, which its account may write to."""
    return inline_command("operate.md", f"{name} = ").replace("/mnt/wal", "wal") + "\n"


def shell(command: str, **variables: str) -> None:
    path = f"{PROGRAMS}:{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", command], env=os.environ | {"PATH": path} | variables, check=True)


def heartbeat(line: psycopg.Connection, at: datetime) -> None:
    line.execute(
        "INSERT INTO worker_heartbeat VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET at = excluded.at", [at]
    )
    line.commit()


def one(line: psycopg.Connection, query: str, *values: object) -> object:
    row = line.execute(query.encode(), values).fetchone()
    line.commit()
    return row and row[0]


def archived(line: psycopg.Connection) -> None:
    """Return when all that was written so far is in the archive."""
    segment = one(line, "SELECT pg_walfile_name(pg_switch_wal())")
    until(lambda: one(line, ARCHIVED, segment), "the archive to have it")


@pytest.mark.prove
def test_a_database_is_recovered_to_a_moment_and_then_asks_the_acquirer(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    assert pytestconfig.cache is not None
    first, second, base = tmp_path / "first", tmp_path / "second", tmp_path / "base"
    for folder in (first, second):
        folder.mkdir()
    shell(f"cp -a {kept_cluster(pytestconfig.cache.mkdir('postgresql'))} {first}/cluster")
    shell(f"mkdir {first}/cluster/wal && chown --reference={first}/cluster {first}/cluster/wal")
    with (first / "cluster" / "postgresql.auto.conf").open("a") as file:
        file.write(setting("archive_mode") + setting("archive_timeout") + setting("archive_command"))
    with Embedded.start(first, durable=True) as server:
        prepare(server.url(MIGRATED))
        host = server.url().partition("host=")[2].replace("%2F", "/")
        command = inline_command("operate.md", "pg_basebackup -D").replace("/mnt/base/$(date +%F)", str(base))
        shell(command, PGHOST=host, PGUSER="postgres")
        with closing(psycopg.connect(server.url(MIGRATED))) as line:
            heartbeat(line, AT)
            moment = one(line, "SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.USOF')")
            heartbeat(line, AT.replace(hour=10))
            archived(line)

    target = re.sub(r"'.*'", f"'{moment}'", setting("recovery_target_time"))
    shell(
        f"mkdir {second}/cluster && tar xzf {base}/base.tar.gz -C {second}/cluster && chmod 700 {second}/cluster"
    )
    shell(f"rm -rf {second}/cluster/wal && cp -a {first}/cluster/wal {second}/cluster/wal")
    with (second / "cluster" / "postgresql.auto.conf").open("a") as file:
        file.write(setting("restore_command") + target + setting("recovery_target_action"))
    shell(
        inline_command("operate.md", "touch recovery.signal").replace(
            "recovery", f"{second}/cluster/recovery"
        )
    )
    shell(f"chown -R --reference={first}/cluster {second}/cluster")
    with Embedded.start(second, durable=True) as server, closing(Database(server.url(MIGRATED))) as database:
        with closing(psycopg.connect(database.address)) as line:
            until(lambda: one(line, "SELECT NOT pg_is_in_recovery()"), "the end of the recovery")
            assert one(line, "SELECT at FROM worker_heartbeat") == AT
        with database.transaction() as session:
            assert isinstance(installation.held_by(session), installation.NotAdopted)
        with database.transaction() as session:
            assert installation.take_over(session, AT + installation.FRESH_FOR) == AT
            assert isinstance(installation.held_by(session), installation.AsksAcquirer)
