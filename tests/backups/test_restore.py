"""`billing restore`: into an empty database, whole, with the right key; otherwise it changes nothing."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from billing.backups.manifest import NAME
from billing.billing_run.run import run as billing_run
from billing.platform.installation import NotAdopted
from billing.platform.list_key import key_check
from tests.support.backups import back_up, restore_and_move, try_restore
from tests.support.databases import Databases
from tests.support.leaps import leap_to
from tests.support.next_release import next_release
from tests.support.restored import adopt, all_kept
from tests.support.shared_world import SharedWorld
from tests.support.starting_points import MARCH, go_to
from tests.support.world import World, local

TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
OTHER_KEY = "another secret key, of enough length 0123456789"


def tables(url: str) -> int:
    with closing(psycopg.connect(url)) as line:
        row = line.execute(TABLES).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def made(shared_world: SharedWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of an installation with one reader, in the trial. Tests use `source`."""
    world = shared_world.begin()
    go_to(world, "in_trial")
    return back_up(world, tmp_path_factory.mktemp("made"))


@pytest.fixture
def source(made: Path, tmp_path: Path) -> Path:
    """A copy of the backup, for the test to damage."""
    return shutil.copytree(made, tmp_path / "to" / made.name)


def test_a_restored_database_goes_on_once_it_is_adopted(
    databases: Databases, own_world: World, tmp_path: Path
) -> None:
    world = own_world
    reader = world.start_trial("thandi@example.com")["reader"]["id"]
    leap_to(world, local(2027, 3, 16, 12), days=9)
    source = back_up(world, tmp_path, "--jobs", "2")
    with databases.empty() as url:
        said = restore_and_move(world, source, url)
        assert "Restored as it was on Tuesday 16 March 2027, 12:00" in said
        with pytest.raises(NotAdopted):
            billing_run(world.services.run_context, world.now)
        adopt(world)
        leap_to(world, local(2027, 4, 16, 12), days=1)
        assert len(world.charges(of=reader)) == 2
        all_kept(world)
        world.end()


def test_several_processes_restore_the_same(databases: Databases, world: World, source: Path) -> None:
    with databases.empty() as url:
        done = try_restore(world, source, url, "--jobs", "3")
        assert done.exit_code == 0, done.output
        with closing(psycopg.connect(url)) as line:
            assert line.execute("SELECT email FROM reader").fetchall() == [(MARCH.email,)]


def test_verify_changes_nothing_and_needs_no_database(world: World, source: Path) -> None:
    done = try_restore(world, source, "postgresql://127.0.0.1:1/none", "--verify")
    assert done.exit_code == 0, done.output
    assert "Whole: the backup of main" in done.output
    assert "The secret key in the settings opens it." in done.output


def test_a_database_that_holds_anything_is_refused(databases: Databases, world: World, source: Path) -> None:
    done = try_restore(world, source, world.url_of_database)
    assert "The database isn't empty: it holds" in str(done.exception)
    with databases.empty() as url:
        with psycopg.connect(url) as line:
            line.execute("CREATE TABLE somebody_elses (id int)")
        assert "it holds somebody_elses" in str(try_restore(world, source, url).exception)
        assert tables(url) == 1


def test_a_database_of_another_encoding_is_refused(databases: Databases, world: World, source: Path) -> None:
    with databases.of_encoding("SQL_ASCII") as url:
        assert "encoding is SQL_ASCII" in str(try_restore(world, source, url).exception)
        assert tables(url) == 0


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def grow(path: Path) -> None:
    path.with_name("another").write_bytes(b"x")


@pytest.mark.parametrize("damage", [cut, grow, Path.unlink])
def test_a_damaged_backup_is_refused(
    databases: Databases, world: World, source: Path, damage: Callable[[Path], object]
) -> None:
    damage(source / "database" / "toc.dat")
    with databases.empty() as url:
        done = try_restore(world, source, url)
        assert "isn't as it was written" in str(done.exception)
        assert tables(url) == 0


def test_a_damaged_manifest_is_refused(world: World, source: Path) -> None:
    cut(source / NAME)
    cut(source / NAME)
    assert "is damaged" in str(try_restore(world, source, world.url_of_database).exception)


def test_another_secret_key_is_refused_and_a_previous_one_is_enough(
    databases: Databases, world: World, source: Path
) -> None:
    with databases.empty() as url:
        done = try_restore(world, source, url, BILLING_SECRET_KEY=OTHER_KEY)
        assert key_check(OTHER_KEY) in str(done.exception)
        assert tables(url) == 0
        previous = world.settings.secret_key.get_secret_value()
        done = try_restore(
            world,
            source,
            url,
            BILLING_SECRET_KEY=OTHER_KEY,
            BILLING_PREVIOUS_SECRET_KEYS=previous.replace(",", "%2C"),
        )
        assert done.exit_code == 0, done.output


def test_a_backup_of_another_installation_is_refused(
    databases: Databases, world: World, source: Path
) -> None:
    with databases.empty() as url:
        done = try_restore(world, source, url, BILLING_INSTALLATION="staging")
        assert "is of the installation main (test), and the settings name staging (test)" in str(
            done.exception
        )


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        ("revisions", ["9999"], "at migration 9999, which this release doesn't know"),
        ("pg_dump", 99, "the backup was written by version 99"),
        ("postgresql", 99, "the backup of one of version 99"),
    ],
)
def test_what_is_later_than_here_is_refused(
    databases: Databases, world: World, source: Path, fact: str, value: object, words: str
) -> None:
    manifest = json.loads((source / NAME).read_text()) | {fact: value}
    (source / NAME).write_text(json.dumps(manifest))
    with databases.empty() as url:
        assert words in str(try_restore(world, source, url).exception)
        assert tables(url) == 0


FAILS_LATE = """
CREATE FUNCTION refuse_index() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no index here'; END $$;
CREATE EVENT TRIGGER refuse_index ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION refuse_index();
"""


def test_a_restore_that_fails_leaves_the_database_empty(
    databases: Databases, world: World, source: Path
) -> None:
    with databases.empty() as url:
        with psycopg.connect(url) as line:
            line.execute(FAILS_LATE)
        done = try_restore(world, source, url)
        assert "pg_restore failed: " in str(done.exception)
        assert "no index here" in str(done.exception)
        assert tables(url) == 0


def test_a_backup_of_an_earlier_release_is_migrated_afterwards(
    databases: Databases, world: World, source: Path, tmp_path: Path
) -> None:
    with next_release(tmp_path, {"later": "pass"}), databases.empty() as url:
        said = try_restore(world, source, url).output
    assert "It lacks the migrations 0002: say `billing migrate`." in said
