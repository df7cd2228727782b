"""`billing backup`: what it writes, what it leaves out, and that a half backup is never taken for a whole one."""

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from billing.backups.manifest import measure
from billing.platform.claims import only_one
from billing.platform.list_key import key_check
from tests.support.backups import PROGRAMS, back_up, latest, try_backup, try_restore
from tests.support.cli import environment, held, run, run_as_process
from tests.support.databases import Databases
from tests.support.installation import SECRET_KEY
from tests.support.starting_points import Subscriber
from tests.support.world import World


def script(folder: Path, name: str, text: str) -> Path:
    """A program of the operator's that stands in front of PostgreSQL's, in a folder of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_says_what_it_is(world: World, paid: Subscriber, tmp_path: Path) -> None:
    journal = Path(world.settings.journal_dir)
    journal.mkdir(mode=0o700, parents=True, exist_ok=True)
    (journal / "17.journal").write_text("\nS 1.\n\nK 1 250.\n")
    done = try_backup(world, tmp_path)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "main-20270316T100000Z"
    assert latest(tmp_path) == folder
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["environment"], manifest["installation"]) == ("test", "main")
    assert manifest["revisions"] == [
        row["version_num"] for row in world.rows("SELECT * FROM alembic_version")
    ]
    assert manifest["key_check"] == key_check(SECRET_KEY)
    assert manifest["files"] == {name: found.model_dump() for name, found in measure(folder).items()}
    assert (folder / "journal" / "17.journal").read_text() == "\nS 1.\n\nK 1 250.\n"
    assert str(folder) in done.output
    assert f"Keep the one with the check value {key_check(SECRET_KEY)} elsewhere" in done.output
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "it holds addresses"


def test_no_key_and_no_password_is_in_it_or_on_a_command_line(
    world: World, paid: Subscriber, tmp_path: Path
) -> None:
    spy = script(
        tmp_path / "spy",
        "pg_dump",
        f'echo "$@" >> {tmp_path}/arguments; env >> {tmp_path}/environment; exec {PROGRAMS}/pg_dump "$@"',
    )
    mark = "&" if "?" in world.url_of_database else "?"
    address = f"{world.url_of_database}{mark}password=hunter2"
    done = try_backup(world, tmp_path / "to", "--programs", str(spy), BILLING_DATABASE_URL=address)
    assert done.exit_code == 0, done.output
    assert "hunter2" not in (tmp_path / "arguments").read_text()
    assert "PGPASSWORD=hunter2" in (tmp_path / "environment").read_text()
    assert "BILLING_" not in (tmp_path / "environment").read_text()
    for path in latest(tmp_path / "to").rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        assert SECRET_KEY.encode() not in text
        assert b"hunter2" not in text


def test_a_password_of_a_key_file_is_refused(world: World, tmp_path: Path) -> None:
    mark = "&" if "?" in world.url_of_database else "?"
    address = f"{world.url_of_database}{mark}sslpassword=hunter2"
    done = try_backup(world, tmp_path, BILLING_DATABASE_URL=address)
    assert done.exit_code == 1
    assert "service file" in str(done.exception)
    assert "hunter2" not in str(done.exception)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'pg_dump (PostgreSQL) 9.6.24'", "pg_dump is of version 9 and the server of version"),
        ("echo 'usage: something else'", "doesn't say that it is PostgreSQL's"),
        (
            'test "$1" = --version && echo "pg_dump (PostgreSQL) 99.1" && exit 0; echo "pg_dump: error: no space" >&2; exit 1',
            "pg_dump failed: no space.",
        ),
    ],
)
def test_what_fails_is_said_and_leaves_nothing(world: World, tmp_path: Path, text: str, words: str) -> None:
    done = try_backup(world, tmp_path / "to", "--programs", str(script(tmp_path / "bin", "pg_dump", text)))
    assert done.exit_code == 1
    assert words in str(done.exception)
    assert not (tmp_path / "to").exists() or names(tmp_path / "to") == []


def test_without_the_programs_it_says_what_to_install(world: World, tmp_path: Path) -> None:
    done = try_backup(world, tmp_path, "--programs", str(tmp_path))
    assert "There is no pg_dump in" in str(done.exception)
    assert "postgresql-client" in str(done.exception)


def test_a_killed_backup_is_no_backup_and_the_next_one_clears_it_away(world: World, tmp_path: Path) -> None:
    kills = 'test "$1" = --version && echo "pg_dump (PostgreSQL) 99.1" && exit 0; kill -9 $PPID'
    folder, to = script(tmp_path / "bin", "pg_dump", kills), tmp_path / "to"
    done = run_as_process(held(world), "backup", str(to), "--programs", str(folder), folder=tmp_path)
    assert done.returncode == -9
    [draft] = to.iterdir()
    assert draft.name.startswith(".unfinished-main-")
    refused = try_restore(world, draft, world.url_of_database, "--verify")
    assert "is no whole backup" in str(refused.exception)
    made = back_up(world, to, "--keep", "1")
    assert names(to) == [made.name]


def test_older_ones_of_this_installation_are_removed_and_no_others(world: World, tmp_path: Path) -> None:
    others = ["other-20270101T000000Z", "main-old", "main-2-20270101T000000Z"]
    for name in others:
        (tmp_path / name).mkdir()
    for _ in range(3):
        made = back_up(world, tmp_path)
        world.skip_to(world.now + timedelta(days=1))
    done = try_backup(world, tmp_path, "--keep", "2")
    assert done.output.count("Removed: ") == 2
    assert set(names(tmp_path)) == {*others, made.name, latest(tmp_path).name}


def test_one_at_a_time_and_none_over_another(world: World, tmp_path: Path) -> None:
    with only_one(world.services.database, "backup") as ours:
        assert ours
        assert "Another `billing backup`" in str(try_backup(world, tmp_path).exception)
    made = back_up(world, tmp_path)
    assert f"{made} exists already" in str(try_backup(world, tmp_path).exception)


def test_the_demo_has_programs_of_its_own(databases: Databases, tmp_path: Path) -> None:
    with databases.empty() as url:
        given = environment(url, environment="demo") | {"PATH": os.defpath}
        assert run(given, "migrate", folder=tmp_path).returncode == 0
        done = run(given, "backup", str(tmp_path / "to"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(names(tmp_path / "to")) == 1
