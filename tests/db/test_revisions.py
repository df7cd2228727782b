"""Code and database of different versions: a database that is behind is refused, one that is ahead is served with a warning."""

from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from billing.app import build
from billing.platform import revisions
from tests.support.cli import environment, refused, run
from tests.support.installation import settings_for

AHEAD = "9999"


def set_revision(url: str, *numbers: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM alembic_version")
        for number in numbers:
            connection.execute("INSERT INTO alembic_version VALUES (%s)", [number])


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["run"], ["doctor"]])
def test_a_database_that_is_behind_is_refused(command: list[str], database_url: str, tmp_path: Path) -> None:
    set_revision(database_url)
    refused(
        run(environment(database_url), *command, folder=tmp_path),
        "behind this code",
        "at migration nothing",
        "lacks 0001",
        "billing migrate",
    )


@pytest.mark.parametrize("command", [["migrate"], ["serve"], ["worker"], ["run"], ["doctor"]])
@pytest.mark.parametrize("revision", ["0001", "0020", "0049"])
def test_a_database_of_before_the_first_release_is_refused_and_stays_as_it_is(
    revision: str, command: list[str], database_url: str, tmp_path: Path
) -> None:
    set_revision(database_url, revision)
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE worker_heartbeat RENAME TO tick_seen")
    refused(
        run(environment(database_url), *command, folder=tmp_path),
        "made before the first release",
        "Make a new database",
    )
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(revision,)]
        assert connection.execute("SELECT to_regclass('worker_heartbeat')").fetchall() == [(None,)]


def test_a_database_that_is_ahead_is_served_and_said(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    set_revision(database_url, AHEAD)
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE reader ADD COLUMN of_the_next_release text")
    for command in (["run"], ["doctor"], ["migrate"]):
        done = run(environment(database_url), *command, folder=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
        assert "the database is ahead of this code" in caplog.text
        caplog.clear()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(AHEAD,)]


def test_what_this_code_knows_is_what_alembic_reads() -> None:
    config = Config()
    config.set_main_option("script_location", str(revisions.FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert set(revisions.known()) == {script.revision for script in scripts.walk_revisions()}
    assert revisions.missing(set(scripts.get_heads())) == set()
    (first,) = scripts.get_bases()
    assert revisions.missing({first}) == set(revisions.known()) - {first}
    assert revisions.missing({AHEAD}) == set()


def test_the_right_revision_says_nothing(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    build(settings_for(database_url)).database.close()
    assert "ahead" not in caplog.text
