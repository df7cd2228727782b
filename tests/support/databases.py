"""PostgreSQL databases for tests. Each is cloned in milliseconds from a template that is prepared once.

Each xdist worker starts a PostgreSQL of its own when a test first needs a database. If BILLING_DATABASE_URL is set, that server is
used instead; its account must be allowed to create databases.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import sqlalchemy as sa
from psycopg import sql

from billing.dev.postgres import Embedded
from billing.platform import migrate
from billing.platform.db import Database

ROOT = Path(__file__).parents[2]
MIGRATED = "masthead_migrated"
FIRST: list[sa.Engine] = []
MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3  # bytes; a container's default of 64 MB would fill up


class Databases:
    """Creates databases as copies of the template."""

    def __init__(
        self,
        server_url: str,
        prepare: Callable[[str], None],
        adopt: Callable[[str], None] | None = None,
        *,
        migrated: str | None = None,
    ) -> None:
        self._server_url = server_url
        self._adopt = adopt
        self._run = uuid.uuid4().hex[:8]
        self._given = 0
        self._template = f"masthead_{self._run}_template"
        self._admin = psycopg.connect(server_url, autocommit=True)
        if migrated is None:
            self._do("CREATE DATABASE {}", self._template)
        else:
            self._do("ALTER DATABASE {} RENAME TO {}", migrated, self._template)
        try:
            prepare(self._url(self._template))
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """Yield the address of a new database. At the end it is dropped, even if clients are still connected."""
        with self._new(self._template) as url:
            if self._adopt is not None:
                self._adopt(url)
            yield url

    def empty(self) -> contextlib.AbstractContextManager[str]:
        """As `fresh`, but without tables."""
        return self._new("template0")

    def of_encoding(self, encoding: str) -> contextlib.AbstractContextManager[str]:
        """As `empty`, with another encoding than the server's. The locale C fits each."""
        return self._new("template0", " ENCODING {} LOCALE {}", encoding, "C")

    @contextlib.contextmanager
    def _new(self, template: str, options: LiteralString = "", *values: str) -> Iterator[str]:
        self._given += 1
        name = f"masthead_{self._run}_{self._given}"
        self._do("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy" + options, name, template, *values)
        try:
            yield self._url(name)
        finally:
            self._do("DROP DATABASE {} WITH (FORCE)", name)

    def close(self) -> None:
        """Drop the template."""
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._template)
        self._admin.close()

    def _url(self, database: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{database}"))

    def _do(self, statement: LiteralString, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def share_compiled_statements() -> None:
    """Share the first engine's compiled statements with every later engine of this process.

    Each world has its own engine on the same server. Compiling hundreds of statements again would cost a fifth of a story."""
    create = sa.create_engine

    def create_sharing(*args: Any, **options: Any) -> sa.Engine:
        engine = create(*args, **options)
        if not FIRST:
            FIRST.append(engine)
        engine.dialect = engine.pool._dialect = FIRST[0].dialect
        engine._compiled_cache = FIRST[0]._compiled_cache
        return engine

    sa.create_engine = create_sharing


@contextlib.contextmanager
def open_databases(
    prepare: Callable[[str], None], adopt: Callable[[str], None] | None = None, *, cluster: Path | None = None
) -> Iterator[Databases]:
    """Open the databases of a session fixture.

    `prepare` gets the address of an empty database and migrates it; it must leave no connection open. `adopt` gets the address of
    each copy. `cluster` is the result of `kept_cluster`, whose database is migrated already."""
    with contextlib.ExitStack() as stack:
        given = os.environ.get("BILLING_DATABASE_URL")
        if given:
            url, migrated = given.replace("postgresql+psycopg:", "postgresql:", 1), None
        else:
            url, migrated = stack.enter_context(_server(cluster)), MIGRATED if cluster else None
        databases = Databases(url, prepare, adopt, migrated=migrated)
        stack.callback(databases.close)
        yield databases


def kept_cluster(folder: Path) -> Path:
    """Return a stopped cluster with one migrated database. It is made again when the migrations or the packages have changed.

    Making and migrating a cluster takes seconds in each test process; copying it takes a tenth of a second."""
    given = [ROOT / "requirements.lock", *sorted((ROOT / "alembic").rglob("*.py"))]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in given)).hexdigest()[:20]
    kept = folder / f"cluster-{mark}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process makes the cluster; the others wait for it
        if not kept.exists():
            for old in folder.glob("cluster-*"):
                shutil.rmtree(old)
            with _temporary_folder() as temporary:
                with Embedded.start(temporary, durable=False) as server:
                    database = Database(server.create(MIGRATED))
                    migrate.upgrade(database)
                    database.close()
                _copy(temporary / "cluster", folder / "unfinished")
            (folder / "unfinished").rename(kept)
    return kept


@contextlib.contextmanager
def _server(cluster: Path | None) -> Iterator[str]:
    with _temporary_folder() as folder:
        if cluster is not None:
            _copy(cluster, folder / "cluster")
        with Embedded.start(folder, durable=False, disposable=True) as server:
            yield server.url()


def _copy(cluster: Path, to: Path) -> None:
    """Copy a cluster, keeping its owner, who isn't root."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(["cp", "-a", str(cluster), str(to)], check=True)


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="masthead-tests-", dir=_in_memory()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """/dev/shm, or None if it lacks room. Copying a database of 300 files takes 12 ms there, and up to 400 ms on a busy disk."""
    with contextlib.suppress(OSError):
        if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ROOM:
            return MEMORY
    return None
