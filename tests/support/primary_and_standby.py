"""Debian's PostgreSQL as a primary and its synchronous standby, on TCP ports of this machine. The commands are those of `operate.md`."""

import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import psutil
import psycopg
import pytest

from billing.dev.demo.folder import free_port
from billing.dev.postgres.account import ServerAccount, account_for
from billing.dev.process_guard import ProcessGuard
from tests.support.databases import MEMORY
from tests.support.documented import inline_command
from tests.support.polling import until

DATABASE = "masthead"
PROGRAMS = max(
    (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_rewind")),
    key=lambda folder: int(folder.parent.name),
    default=None,
)
"""The folder with the programs of the newest version that Debian has installed here."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "jit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",  # a kill loses nothing that was handed to the system; only a power cut would
}
IN_STEP = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = %s"


@dataclass
class Server:
    """A machine of PostgreSQL. `name` is the one it has in `operate.md`."""

    name: str
    folder: Path
    guard: ProcessGuard
    account: ServerAccount
    port: int = field(default_factory=lambda: free_port(0))
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / self.name

    @property
    def host(self) -> str:
        """Where it listens, for an address."""
        return f"127.0.0.1:{self.port}"

    def type(self, *command: str) -> None:
        """Run a program of PostgreSQL's as the account of the server. Raises AssertionError with what it said."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": f"{PROGRAMS}:/usr/bin:/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            **self.account.options(),
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def start(self) -> None:
        """Start it; return when it takes connections."""
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        log = self.folder / f"{self.name}.log"
        with log.open("ab") as lines:
            self._process = subprocess.Popen(
                [f"{PROGRAMS}/postgres", "-D", str(self.data), "-p", str(self.port), *options],
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
                cwd=self.folder,
                env={"LC_ALL": "C"},
                start_new_session=True,
                preexec_fn=self.guard.preexec(signal.SIGINT),
                **self.account.options(),
            )
        until(lambda: self._process and (self._process.poll() is not None or self._answers()), "a server")
        assert self._process.poll() is None, log.read_text()

    def kill(self) -> None:
        """End all its processes at once, as a machine that is gone. Each is in a process group of its own."""
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        postmaster.suspend()  # so that it starts no more
        for process in [*postmaster.children(recursive=True), postmaster]:
            process.kill()
        self._process.wait()
        self.guard.forget(self._process.pid)

    def stop(self) -> None:
        """Stop it in order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self.guard.forget(self._process.pid)

    def query(self, statement: str, *values: object) -> object:
        """The first value that a statement returns here; None without a row."""
        with closing(psycopg.connect(self.address, autocommit=True)) as line:
            row = line.execute(statement.encode(), values).fetchone()
            return row and row[0]

    def do(self, *statements: str) -> None:
        """Execute statements here, one after the other."""
        with closing(psycopg.connect(self.address, autocommit=True)) as line:
            for statement in statements:
                line.execute(statement.encode())

    @property
    def address(self) -> str:
        """Its administrator's address."""
        return f"postgresql://postgres@{self.host}/postgres"

    def _answers(self) -> bool:
        try:
            return self.query("SELECT 1") == 1
        except psycopg.OperationalError:
            return False


@dataclass(frozen=True)
class Pair:
    """`primary` and `standby`, by what they are at the beginning."""

    primary: Server
    standby: Server

    @property
    def address(self) -> str:
        """The address for the product: both servers, of which the one that takes changes is meant."""
        (hosts, _, options) = (
            inline_command("operate.md", "postgresql://masthead@db1").partition("@")[2].partition("/")
        )
        given = {"db1:5432": self.primary.host, "db2:5432": self.standby.host}
        ours = ",".join(given[host] for host in hosts.split(","))
        return f"postgresql://postgres@{ours}/{options}"

    def only(self, server: Server) -> str:
        """The address of the database on this server, whatever it is."""
        return f"postgresql://postgres@{server.host}/{DATABASE}"

    def typed(self, start: str) -> str:
        """A command or statement of `operate.md` that begins with these words, with the ports and folders of this pair."""
        words = inline_command("operate.md", start)
        for server in (self.primary, self.standby):
            words = words.replace(f"host={server.name}", f"host=127.0.0.1 port={server.port}")
        return words

    def follow(self, server: Server, start: str) -> None:
        """Make `server` a standby, by the command that begins with these words; return when it streams."""
        command = self.typed(start)
        for folder in ("/var/lib/postgresql/17/main", "/etc/postgresql/17/main"):
            command = command.replace(folder, str(server.data))
        server.type("sh", "-ec", command)
        server.start()

    def wait_for(self, server: Server, standby: Server, how: str = "sync") -> None:
        """Make `server` wait for `standby` at each commit, from now on."""
        server.do(self.typed(f"ALTER SYSTEM SET synchronous_standby_names = '{standby.name}'"))
        server.do(inline_command("operate.md", "SELECT pg_reload_conf()"))
        until(lambda: server.query(IN_STEP, how) == 1, "the standby to be in step")


@contextmanager
def primary_and_standby() -> Iterator[Pair]:
    """A pair for the block: an empty database, a standby that streams, and commits that wait for it."""
    if PROGRAMS is None:
        pytest.skip("needs Debian's package postgresql")
    with ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="masthead-pair-", dir=MEMORY if MEMORY.is_dir() else None))
        ends.callback(rmtree, folder, ignore_errors=True)
        guard = ends.enter_context(ProcessGuard())
        account = account_for(folder / "db1")
        assert account is not None
        account.give(folder)
        primary, standby = (Server(name, folder, guard, account) for name in ("db1", "db2"))
        primary.type(
            "initdb", "-D", str(primary.data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"
        )
        with (primary.data / "postgresql.conf").open("a") as settings:
            settings.write(
                inline_command("operate.md", "wal_log_hints = ")
                + "\n"
                + inline_command("operate.md", "wal_keep_size = ")
                + "\n"
            )
        primary.start()
        primary.do(inline_command("operate.md", "CREATE ROLE replicator"), f"CREATE DATABASE {DATABASE}")
        pair = Pair(primary, standby)
        pair.follow(standby, 'pg_basebackup -d "host=db1')
        pair.wait_for(primary, standby)
        yield pair
