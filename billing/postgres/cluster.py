"""The folder of an existing PostgreSQL: may we start on it?"""

import contextlib
import os
import signal
from pathlib import Path

import psutil

from billing.postgres.account import Account, owner_of
from billing.postgres.binaries import MAJOR
from billing.postgres.refused import BEGIN_ANEW, PostgresRefused

LEFTOVER_SECONDS = 20.0


def check(cluster: Path, account: Account) -> None:
    """Raises `PostgresRefused` for a folder of another owner or version, or one that is no database."""
    if account.uid is None and cluster.stat().st_uid != os.geteuid():
        raise PostgresRefused(
            f"The database in {cluster} belongs to {owner_of(cluster)}. "
            "Start it from that account or as root, or choose another data folder."
        )
    try:
        version = (cluster / "PG_VERSION").read_text(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PostgresRefused(f"{cluster} is not a PostgreSQL database. {BEGIN_ANEW}") from error
    if version != str(MAJOR):
        raise PostgresRefused(
            f"The database in {cluster} was made by PostgreSQL {version or '?'}, this is {MAJOR}. "
            "Move it over with pg_dump and pg_restore, or choose another data folder."
        )


def clear_leftover(cluster: Path) -> None:
    """Remove the note of a server that was killed: its number may belong to another process by now, and
    PostgreSQL would take that one for a second server. A server truly left over on the folder is ended."""
    note = cluster / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
        leftover = psutil.Process(int(note.read_text().splitlines()[0]))
        if leftover.name().startswith("postgres") and Path(leftover.cwd()).samefile(cluster):
            leftover.send_signal(signal.SIGQUIT)
            leftover.wait(LEFTOVER_SECONDS)
    note.unlink(missing_ok=True)
