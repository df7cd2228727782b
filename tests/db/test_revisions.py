"""Code and database that don't fit: a database that is behind is refused by name, one that is ahead is served with a warning."""

from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from billing.app import build
from billing.platform import heartbeat, revisions
from billing.platform.installation import is_home_in
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
    set_revision(database_url, "0020")
    refused(
        run(environment(database_url), *command, folder=tmp_path),
        "behind this code",
        "at migration 0020",
        "lacks 0021, 0022",
        "billing migrate",
    )


def test_a_database_without_a_revision_wants_migrating(database_url: str, tmp_path: Path) -> None:
    set_revision(database_url)
    refused(run(environment(database_url), "run", folder=tmp_path), "billing migrate")


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


def test_workers_of_the_release_before_go_on_with_its_heartbeat(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO tick_seen (id, at) VALUES (1, '2027-03-16 09:00+00')")
    parts = build(settings_for(database_url))
    heartbeat.ring(parts.database, parts.clock.now_in, is_home_in)
    with parts.database.transaction() as session:
        heard = heartbeat.heard(session, parts.clock.now())
    assert heard is not None
    assert heard.run_at == heard.at
    parts.database.close()


def test_the_right_revision_says_nothing(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    build(settings_for(database_url)).database.close()
    assert "ahead" not in caplog.text
