"""Checks of an existing PostgreSQL folder before a start."""

import contextlib
import os
import signal
from pathlib import Path

import psutil

from billing.dev.postgres.account import ServerAccount, owner_of
from billing.dev.postgres.binaries import MAJOR
from billing.dev.postgres.errors import START_OVER, PostgresRefused

LEFTOVER_SECONDS = 20.0


def check(cluster: Path, account: ServerAccount) -> None:
    """Raise `PostgresRefused` for a folder of another owner or version, or one without a database."""
    if account.uid is None and cluster.stat().st_uid != os.geteuid():
        raise PostgresRefused(
            f"The database in {cluster} belongs to {owner_of(cluster)}. "
            "Start it from that account or as root, or choose another data folder."
        )
    try:
        version = (cluster / "PG_VERSION").read_text(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PostgresRefused(f"{cluster} is not a PostgreSQL database. {START_OVER}") from error
    if version != str(MAJOR):
        raise PostgresRefused(
            f"The database in {cluster} was made by PostgreSQL {version or '?'}, this is {MAJOR}. "
            "Move it over with pg_dump and pg_restore, or choose another data folder."
        )


def clear_leftover(cluster: Path) -> None:
    """Remove the pid file of a killed server: its pid may belong to another process now, which PostgreSQL would take for a running
    server. Processes that still run on the folder are ended first."""
    leftovers = [process for process in psutil.process_iter() if _works_on(process, cluster)]
    for process in leftovers:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGQUIT)
    psutil.wait_procs(leftovers, timeout=LEFTOVER_SECONDS)
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _works_on(process: psutil.Process, cluster: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.name().startswith("postgres") and Path(process.cwd()).samefile(cluster)
    return False
