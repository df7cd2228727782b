"""Runs PostgreSQL's `pg_dump` and `pg_restore`.

The password goes through the environment: every user of the machine can read command lines. See
https://www.postgresql.org/docs/current/app-pgdump.html."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from billing.platform.db import Database
from billing.platform.db_errors import cannot_be_reached
from billing.platform.errors import RefusesToStart

DUMP, RESTORE = "pg_dump", "pg_restore"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Programs:
    """Where the programs are, and how many processes each may use."""

    folder: Path | None = None
    """None: they are found on PATH."""
    jobs: int = 1

    def version(self, name: str) -> int:
        """The major version of a program. Raises RefusesToStart where it is missing."""
        done = subprocess.run(  # noqa: S603 - a program of the operator's PATH or folder
            [self._path(name), "--version"], capture_output=True, text=True, env=_environment(), check=False
        )
        found = _VERSION.search(done.stdout)
        if found is None:
            raise RefusesToStart(f"`{name} --version` doesn't say that it is PostgreSQL's: {done.stdout!r}.")
        return int(found[1])

    def run(self, name: str, database: Database, *options: str) -> None:
        """Run a program on a database. Raises RefusesToStart with the first error that it reports."""
        address, password = _without_password(database.address)
        command = [self._path(name), f"--jobs={self.jobs}", "--no-password", f"--dbname={address}", *options]
        done = subprocess.run(  # noqa: S603 - as above; the options are ours
            command,
            env=_environment() | password,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RefusesToStart(f"{name} failed: {_first_error(done.stderr)}.")

    def _path(self, name: str) -> str:
        found = shutil.which(name, path=None if self.folder is None else str(self.folder))
        if found is None:
            where = "on PATH" if self.folder is None else f"in {self.folder}"
            raise RefusesToStart(
                f"There is no {name} {where}. Install PostgreSQL's client programs (postgresql-client), or name their folder with"
                " --programs."
            )
        return found


def server_version(database: Database) -> int:
    """The server's major version. Raises RefusesToStart where it can't be reached."""
    try:
        with psycopg.connect(database.address, connect_timeout=10) as connection:
            return connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise cannot_be_reached(error) from None


def _environment() -> dict[str, str]:
    """This process's variables, without the installation's secrets. Messages are in English, as `_first_error` reads them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BILLING_")}
    return kept | {"LC_ALL": "C", "PGAPPNAME": "masthead backup"}


def _without_password(address: str) -> tuple[str, dict[str, str]]:
    """The address for the command line, and the variable with the password. Without one, PGPASSWORD and PGPASSFILE count."""
    parts = conninfo_to_dict(address)
    if "sslpassword" in parts:
        raise RefusesToStart(
            "BILLING_DATABASE_URL has a sslpassword, which would stand on a command line. Move it into a service file, and name"
            " that with `service=`."
        )
    password = parts.pop("password", None)
    return make_conninfo("", **parts), {} if password is None else {"PGPASSWORD": str(password)}


def _first_error(text: str) -> str:
    """One line: those after it may hold rows, with readers' addresses."""
    lines = [line for line in text.splitlines() if line.strip()] or ["it gives no reason"]
    error = next((line for line in lines if "error:" in line), lines[-1])
    return error.rpartition("error:")[2].strip().rstrip(".")
